"""A step that becomes several, and several that become one: positions, what they have put out, what waits for a join.

Positions and arrivals that the other direction has handled carry a note, and go back exactly; the rules are for those that were born on
this side. What is kept of `outputs` and `done` holds as long as nothing has run since.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from statemig import json_text
from statemig.document import Document, Position, pending, positions
from statemig.errors import CursorError, TransformError
from statemig.plan.complement import Note, Notes
from statemig.plan.cursor import refuse_known
from statemig.plan.instructions import Divide, Unite
from statemig.plan.values import fresh
from statemig.plan.walk import Item

Entry = dict[str, Any]


def divide(document: Document, instruction: Divide, notes: Notes) -> Document:
    """`step` becomes the steps `into`. Raises `CursorError` (``cursor.ambiguous-split``, ``pending.owner-ambiguous``), and
    `CollisionError` where the run knows one of the new names."""
    step, into = instruction.step, instruction.into
    for part in into:
        if part != step:
            refuse_known(document, part, step)
    note = notes.take(()) or {}
    standing: list[str] = []
    moved = _List()
    for number, position in enumerate(positions(document)):
        kept = notes.take(("cursor", Item(number))) or {}
        if position["step"] != step:
            moved.keep(position)
            continue
        part = kept.get("step") or _stands_on(document, number, instruction)
        if not kept:
            standing.append(part)
        moved.put({**position, "step": part}, kept, {} if kept else {"step": step})
    arrived = _List()
    for number, item in enumerate(pending(document)):
        kept = notes.take(("pending", Item(number))) or {}
        if step not in (item["step"], item.get("to")):
            arrived.keep(item)
            continue
        changes = {}
        if item["step"] == step:
            changes["step"] = kept.get("step") or _owner(item, number, instruction)
        if item.get("to") == step:
            changes["to"] = kept.get("to") or into[0]
        arrived.put({**item, **changes}, kept, {} if kept else dict.fromkeys(changes, step))
    earlier = [set(into[: into.index(part)]) for part in standing]

    def counts(done: dict[str, Any]) -> dict[str, Any]:
        times = {part: done.get(step, 0) + sum(part in before for before in earlier) for part in into}
        return {part: count for part, count in times.items() if count}

    marks: dict[str, Any] = {}
    document = _lists(document, moved, arrived, notes)
    document = _named(document, "outputs", (step,), lambda has: {instruction.output: has[step]}, note, marks)
    document = _named(document, "done", (step,), counts, note, marks, also_empty=any(earlier))
    if marks:
        notes.write((), **marks)
    return document


def unite(document: Document, instruction: Unite, notes: Notes) -> Document:
    """The `steps` become one. Raises `CursorError` (``state.merge-conflict``), and `CollisionError` where the run knows the new name."""
    steps, into = instruction.steps, instruction.into
    if into not in steps:
        refuse_known(document, into, steps[0])
    note = notes.take(()) or {}
    standing = {each["step"] for each in positions(document)} & set(steps)
    moved = _positions(document, instruction, notes)
    arrived = _arrivals(document, instruction, notes, standing)

    def outputs(has: dict[str, Any]) -> dict[str, Any]:
        there = {name: has[name] for name in steps if name in has}
        if standing and len(there) < len(steps):
            return {}  # it stands in the middle, so the whole is not done
        return {into: _one(there, instruction, f"outputs.{into}")}

    def counts(done: dict[str, Any]) -> dict[str, Any]:
        times = [done.get(name, 0) for name in steps]
        count = min(times) if standing else max(times)
        return {into: count} if count else {}

    marks: dict[str, Any] = {}
    document = _lists(document, moved, arrived, notes)
    document = _named(document, "outputs", steps, outputs, note, marks)
    document = _named(document, "done", steps, counts, note, marks)
    if marks:
        notes.write((), **marks)
    return document


# -- lists of positions and arrivals -----------------------------------------------------------------------------------


class _List:
    """A list in the making, with the notes on its entries and those that come back between them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.changed = False
        self._notes: list[tuple[Entry, Note]] = []
        self._back: list[tuple[int, Entry]] = []

    def keep(self, entry: Entry) -> None:
        self.entries.append(entry)

    def put(self, entry: Entry, kept: Note, note: Note) -> None:
        self.changed = True
        self.entries.append(entry)
        self._back.extend((index, fresh(other)) for index, other in kept.get("others", ()))
        if "whole" in kept and json_text.digest(entry.get("writes"), 8) == kept.get("now"):
            entry["writes"] = fresh(kept["whole"])
        if note:
            self._notes.append((entry, note))

    def finish(self, part: str, notes: Notes) -> list[Entry]:
        for index, entry in sorted(self._back, key=lambda pair: pair[0]):
            self.entries.insert(index, entry)
        for entry, note in self._notes:
            number = next(number for number, each in enumerate(self.entries) if each is entry)
            notes.write((part, Item(number)), **note)
        return self.entries


def _lists(document: Document, moved: _List, arrived: _List, notes: Notes) -> Document:
    for part, entries in (("cursor", moved), ("pending", arrived)):
        if entries.changed:
            document = {**document, part: entries.finish(part, notes)}
    return document


def _stands_on(document: Document, number: int, instruction: Divide) -> str:
    position = positions(document)[number]
    choice = instruction.cursor
    if callable(choice):
        choice = _call("cursor", choice, document, position)
    if isinstance(choice, str) and choice in instruction.into:
        return choice
    said = (
        "the script does not say on which of them the run stands then"
        if choice is None
        else "the function cursor= names none of them"
    )
    raise CursorError(
        f"cursor.ambiguous-split: {_standing(position)}, which becomes {', '.join(instruction.into)}, and {said}",
        step=instruction.step,
        path=f"cursor[{number}]",
        hint=f"Say cursor={instruction.into[0]!r}, or a function of document and position that names one of them",
    )


def _owner(item: Entry, number: int, instruction: Divide) -> str:
    if instruction.pending is not None:
        return instruction.pending
    raise CursorError(
        f"pending.owner-ambiguous: step {instruction.step!r}, which becomes {', '.join(instruction.into)}, has arrived at the join "
        f"{item.get('to')!r}, and the script does not say which of them that was",
        step=instruction.step,
        path=f"pending[{number}]",
        hint=f"Say pending={instruction.into[-1]!r}, or let the run reach its join first",
    )


def _positions(document: Document, instruction: Unite, notes: Notes) -> _List:
    """Positions on several of the steps are one afterwards: the one that waits, else the first."""
    taken = {number: notes.take(("cursor", Item(number))) or {} for number in range(len(positions(document)))}
    there = [
        (number, each) for number, each in enumerate(positions(document)) if each["step"] in instruction.steps
    ]
    new = [(number, each) for number, each in there if "step" not in taken[number]]
    kept = _survivor(new)
    others = [
        [number, each] for number, each in new if kept is not None and each is not kept and len(new) > 1
    ]
    made = _List()
    for number, position in enumerate(positions(document)):
        if position["step"] not in instruction.steps:
            made.keep(position)
        elif not any(position is other for _, other in others):
            note: Note = {"step": position["step"]}
            if position is kept and others:
                note["others"] = others
            made.put({**position, "step": instruction.into}, taken[number], note)
    return made


def _survivor(there: Sequence[tuple[int, Position]]) -> Position | None:
    """The position that stands for all, where they are on different steps; None where there is nothing to unite."""
    names = [each["step"] for _, each in there]
    if len(set(names)) < 2:
        return None
    asked = [(number, each) for number, each in there if each.get("status") == "waiting" or "answer" in each]
    if len(asked) > 1:
        raise CursorError(
            f"state.merge-conflict: {' and '.join(f'step {name!r}' for name in names)} become one, and people were asked in more than "
            "one of them",
            step=asked[1][1]["step"],
            path=f"cursor[{asked[1][0]}]",
            hint="Let the run go on past one of the questions on its own version first",
        )
    if len(set(names)) < len(names):
        raise CursorError(
            "state.merge-conflict: the run stands several times on steps that become one, so it is not known which belong together",
            step=there[0][1]["step"],
            path=f"cursor[{there[0][0]}]",
            hint="Let the run reach its join on its own version first",
        )
    return (asked or there)[0][1]


def _arrivals(document: Document, instruction: Unite, notes: Notes, standing: Iterable[str]) -> _List:
    steps, into = instruction.steps, instruction.into
    items = pending(document)
    taken = {number: notes.take(("pending", Item(number))) or {} for number in range(len(items))}
    groups: dict[Any, list[int]] = {}
    for number, item in enumerate(items):
        if item["step"] in steps and not taken[number]:
            to = item.get("to")
            groups.setdefault(into if to in steps else to, []).append(number)
    gone: set[int] = set()
    whole: dict[int, tuple[Any, Note]] = {}
    for to, numbers in groups.items():
        names = [items[number]["step"] for number in numbers]
        missing = sorted(set(standing) - set(names))
        if missing or len(set(names)) < len(names):
            why = f"step {missing[0]!r} has not" if missing else f"step {names[0]!r} more than once"
            raise CursorError(
                f"state.merge-conflict: step {names[0]!r} has arrived at the join {to!r} and {why}, and both become {into!r}",
                step=names[0],
                path=f"pending[{numbers[0]}]",
                hint=f"Let the run reach its join first, or say before it op.drop_pending({names[0]!r}, why=...)",
            )
        if len(numbers) > 1:
            first, *rest = numbers
            written = {items[number]["step"]: items[number].get("writes", {}) for number in numbers}
            one = _keys(written, instruction, f"pending[{first}].writes")
            whole[first] = (
                one,
                {
                    "others": [[number, items[number]] for number in rest],
                    "whole": items[first].get("writes", {}),
                    "now": json_text.digest(one, 8),
                },
            )
            gone.update(rest)
    made = _List()
    for number, item in enumerate(items):
        named = {name: item[name] for name in ("step", "to") if item.get(name) in steps}
        if not named:
            made.keep(item)
        elif number not in gone:
            new = {**item, **dict.fromkeys(named, into)}
            writes, note = whole.get(number, (None, {}))
            if writes is not None:
                new["writes"] = writes
            made.put(new, taken[number], {**named, **note})
    return made


# -- values ------------------------------------------------------------------------------------------------------------


def _one(values: dict[str, Any], instruction: Unite, path: str) -> Any:
    if instruction.merge is not None:
        return _call("by", instruction.merge, values)
    first, *rest = values.values()
    if all(json_text.equal(first, other) for other in rest):
        return first
    if all(isinstance(value, dict) for value in values.values()):
        return _keys(values, instruction, path)
    raise _conflict(values, instruction, path)


def _keys(values: dict[str, dict[str, Any]], instruction: Unite, path: str) -> dict[str, Any]:
    """Objects of several steps as one object; where they say different things, the function decides."""
    made: dict[str, Any] = {}
    for key in dict.fromkeys(key for value in values.values() for key in value):
        said = {step: value[key] for step, value in values.items() if key in value}
        first, *rest = said.values()
        if all(json_text.equal(first, other) for other in rest):
            made[key] = first
        elif instruction.merge is not None:
            made[key] = _call("by", instruction.merge, said)
        else:
            raise _conflict(said, instruction, f"{path}.{key}")
    return made


def _conflict(values: Iterable[str], instruction: Unite, path: str) -> CursorError:
    return CursorError(
        f"state.merge-conflict: {' and '.join(map(repr, values))} become {instruction.into!r} and have written different values",
        step=instruction.into,
        path=path,
        hint="Say by=..., a function of the script that makes one value of {step: value}",
    )


def _call(argument: str, function: Callable[..., Any], *values: Any) -> Any:
    try:
        result = function(*map(fresh, values))
    except Exception as error:
        raise TransformError(
            f"the function {argument}= raised {type(error).__name__}",
            hint="It must take JSON values and not fail on any that the other version wrote",
        ) from error
    found = json_text.problem(result)
    if found is not None:
        raise TransformError(
            f"the function {argument}= returned what is not JSON: {found}",
            hint="It must return None, bool, int, float, str, list or dict with string keys",
        )
    return result


def _named(
    document: Document,
    part: str,
    old: Sequence[str],
    change: Callable[[dict[str, Any]], dict[str, Any]],
    note: Note,
    marks: Note,
    *,
    also_empty: bool = False,
) -> Document:
    """`outputs` or `done`, with what is under the names `old` changed, in its place."""
    named: dict[str, Any] | None = document.get(part)
    if named is None:
        return document
    has = {name: named[name] for name in named if name in old}
    kept = note.get(part)
    if kept is not None and json_text.digest(has, 8) == kept["now"]:
        made = fresh(kept["was"])
    elif has or also_empty:
        made = change(has)
    else:
        return document
    rest = {name: value for name, value in named.items() if name not in old}
    before = 0
    for name in named:
        if name in old:
            break
        before += 1
    items = list(rest.items())
    result = dict([*items[:before], *made.items(), *items[before:]])
    if kept is not None and set(kept["keys"]) == set(result):
        result = {name: result[name] for name in kept["keys"]}
    marks[part] = {"was": has, "now": json_text.digest(made, 8), "keys": list(named)}
    return {**document, part: result}


def _standing(position: Position) -> str:
    return f"position {position.get('id', '?')} stands on step {position['step']!r} ({position.get('status', 'ready')})"
