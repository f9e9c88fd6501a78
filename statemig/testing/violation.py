"""A law that does not hold, and how it is told: to somebody tired, in the order in which it is needed."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any, Final

from statemig.path import Items, Key, Path, Segment, Slot, Values, render
from statemig.testing.case import Case

JSON = Any
Place = tuple[str | int, ...]

_MOST: Final = 12
_ABSENT: Final = object()


class Violation(AssertionError):
    """`document` is the old run document, or, for laws of the way down, the new one. `after` is what became of it, where something did.
    `places` are where it shows, in `after` or in `document`; `problems` are (path, what was expected)."""

    def __init__(
        self,
        case: Case,
        law: str,
        reason: str,
        document: JSON,
        *,
        after: JSON = None,
        places: Sequence[Place] = (),
        problems: Sequence[tuple[str, str]] = (),
        hint: str | None = None,
        down: bool = False,
        origin: str = "a generated state",
    ) -> None:
        super().__init__(reason)
        self.case = case
        self.law = law
        self.reason = reason
        self.document = document
        self.after = after
        self.places = tuple(places)
        self.problems = tuple(problems)
        self.hint = hint
        self.down = down
        self.origin = origin
        #: whether its values may be printed: not those of recorded states
        self.shown: bool | None = None
        #: how many documents had been tried when the first one broke the law
        self.examples = 1

    def __str__(self) -> str:
        return report(self)


def report(violation: Violation) -> str:
    """The whole story. Values of generated states are shown: nobody has ever had them."""
    case = violation.case
    recorded = violation.origin.startswith("the recorded")
    shown = not recorded if violation.shown is None else violation.shown
    name = f"{case.revision}" + (f" ({case.label})" if case.label else "")
    way = (
        f"version {case.migrator.version(case.revision)} -> {case.migrator.version(case.below)}"
        if violation.down
        else f"version {case.migrator.version(case.below)} -> {case.migrator.version(case.revision)}"
    )
    parts = [
        f"{violation.law} does not hold for revision {name} of {case.migrator.workflow}, {way}",
        f"  {violation.reason}",
        "",
    ]
    if shown:
        smallest = ", the smallest that shows it" if violation.origin.startswith("a generated") else ""
        parts += [f"{violation.origin}{smallest} (> marks the place):", *marked(violation)]
        changed = list(changes(violation.document, violation.after)) if violation.after is not None else []
        if changed:
            parts += ["", "what changes:", *(f"  {line}" for line in changed[:_MOST])]
            if len(changed) > _MOST:
                parts.append(f"  and {len(changed) - _MOST} more")
    else:
        parts += [f"{violation.origin}; its values are not shown"]
    if violation.problems:
        parts += [
            "",
            "what is wrong:",
            *(f"  {path or 'the document'}: {text}" for path, text in violation.problems),
        ]
    touched = last_touched(case, violation.places)
    parts += ["", "last touched by:", f"  {touched}"]
    if violation.hint:
        parts += ["", violation.hint]
    if shown:
        parts += ["", *_again(violation)]
    return "\n".join(parts)


def marked(violation: Violation) -> list[str]:
    """The document line by line, with a mark where the culprit is, or where it would be."""
    document = violation.document
    plain = _is_plain(violation)
    body = document["state"] if plain else document
    wanted = {place[1:] if plain and place[:1] == ("state",) else place for place in violation.places}
    lines = list(_lines(body, (), "", True))
    places = [place for place, _ in lines]
    exact = {place for place in wanted if place in places}
    # A place that is not there is shown where the object is that it lacks in.
    for place in wanted - exact:
        while place and place not in places:
            place = place[:-1]
        exact.add(place)
    return [f"{'>' if place in exact else ' '} {text}" for place, text in lines]


def _lines(value: JSON, place: Place, lead: str, last: bool) -> Iterator[tuple[Place, str]]:
    indent = "  " * len(place)
    comma = "" if last else ","
    match value:
        case dict() if value:
            yield place, f"{indent}{lead}{{"
            for number, (key, inner) in enumerate(value.items()):
                yield from _lines(
                    inner, (*place, key), f"{json.dumps(key, ensure_ascii=False)}: ", number == len(value) - 1
                )
            yield (*place, _CLOSE), f"{indent}}}{comma}"
        case list() if value and any(isinstance(each, dict | list) and each for each in value):
            yield place, f"{indent}{lead}["
            for number, inner in enumerate(value):
                yield from _lines(inner, (*place, number), "", number == len(value) - 1)
            yield (*place, _CLOSE), f"{indent}]{comma}"
        case _:
            yield place, f"{indent}{lead}{_text(value)}{comma}"


_CLOSE: Final = "\0close"


def changes(before: JSON, after: JSON, place: Place = ()) -> Iterator[str]:
    """``state.owner: "kim" -> ["kim"]``, for what differs."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in {**before, **after}:
            yield from changes(before.get(key, _ABSENT), after.get(key, _ABSENT), (*place, key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from changes(one, other, (*place, number))
    elif before is _ABSENT or after is _ABSENT or before != after or type(before) is not type(after):
        yield f"{path_of(place)}: {_text(before)} -> {_text(after)}"


def path_of(place: Place) -> str:
    segments: list[Segment] = [Slot(part) if isinstance(part, int) else Key(part) for part in place]
    return render(tuple(segments)) or "the document"


def place_of(path: str) -> Place:
    """The place that `path_of` wrote."""
    if not path:
        return ()
    return tuple(
        segment.index if isinstance(segment, Slot) else segment.name
        for segment in Path.parse(path).segments
        if isinstance(segment, Slot | Key)
    )


def covers(path: Path, place: Place) -> bool:
    """Whether an operation at `path` may touch the place: one of them leads to the other."""
    steps = [each for each in path.segments if isinstance(each, Key | Slot | Items | Values)]
    if any(not isinstance(each, Key | Slot | Items | Values) for each in path.segments[:1]):
        last = path.segments[-1]
        return isinstance(last, Key) and last.name in place
    for step, part in zip(steps, place, strict=False):
        match step:
            case Key(name):
                if part != name:
                    return False
            case Slot(index):
                if part != index:
                    return False
            case _:
                continue
    return True


def last_touched(case: Case, places: Sequence[Place]) -> str:
    """The operation that was the last to touch one of the places, and where it stands."""
    from statemig.testing.naming import named

    for number in reversed(range(len(case.operations))):
        operation = case.operations[number]
        paths = named(operation)
        if any(covers(path, place) for path in paths for place in places) or not paths:
            where = case.place(number)
            return f"operation {number} {operation.describe()}" + (f" ({where})" if where else "")
    return "no operation of this revision"


def _is_plain(violation: Violation) -> bool:
    """Whether the state is all that the reader has to see."""
    inside = all(not place or place[0] == "state" for place in violation.places)
    return inside and violation.case.step is None and violation.law != "cursor_is_safe"


def _again(violation: Violation) -> list[str]:
    case = violation.case
    if _is_plain(violation):
        given = f"--state {shlex.quote(_text(violation.document['state']))}"
        example = violation.document["state"]
    else:
        given, example = f"--run {shlex.quote(_text(violation.document))}", violation.document
    # Ids of generated revisions are long; four digits are what people type, where they name one.
    return [
        f"reproduce:  statemig test {case.revision} --law {violation.law} {given}",
        f"in a test:  @example({example!r})",
        f"pin it:     statemig corpus add {case.below} {given}"
        if not violation.down
        else f"pin it:     statemig corpus add {case.revision} {given}",
    ]


def _text(value: JSON) -> str:
    if value is _ABSENT:
        return "absent"
    return json.dumps(value, ensure_ascii=False, default=str)
