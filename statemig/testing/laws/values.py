"""What becomes of values: each operation's own law, the frame, and the reference that the snapshots give."""

from __future__ import annotations

from typing import Any

from statemig import json_text
from statemig.document import Document
from statemig.errors import StatemigError
from statemig.operations.fields import AddField, RemoveField, RenameField
from statemig.operations.lowering import Lowered
from statemig.operations.values import MapValues, WrapValue
from statemig.path import Key
from statemig.plan import stepwise
from statemig.testing.case import Case
from statemig.testing.laws.data import _places, upgraded
from statemig.testing.naming import named, without
from statemig.testing.reference import Reference
from statemig.testing.violation import Place, Violation, path_of

JSON = Any
_LAW = "value_laws"
_ABSENT = object()


def value_laws(case: Case, document: Document) -> None:
    """Nothing changes but what the operations name; what they name becomes what they say; and no value is lost that, by the two
    snapshots, the new version should have."""
    result = upgraded(case, document)
    if result.error is not None:
        return
    after = result.document
    _frame(case, document, after)
    _own_laws(case, document)
    _reference(case, document, after)


def _frame(case: Case, document: Document, after: Document) -> None:
    before: JSON = document
    rest: JSON = after
    for operation in case.operations:
        for path in named(operation):
            if not path.segments:
                return  # it names the whole document
            before, rest = without(before, path), without(rest, path)
    if not json_text.equal(before, rest):
        places = list(_places(before, rest))
        raise Violation(
            case,
            _LAW,
            f"{', '.join(map(path_of, places[:5]))}: no operation names it, and it has changed",
            document,
            after=after,
            places=places,
        )


def _own_laws(case: Case, document: Document) -> None:
    """Operation by operation: what it did to the value at its place."""
    old = case.old
    for number in range(len(case.operations)):
        operation = case.operations[number]
        if not isinstance(operation, RenameField | AddField | RemoveField | WrapValue | MapValues):
            continue
        if any(not isinstance(each, Key) for each in operation.path.segments):
            continue
        try:
            before, after = (
                stepwise.run(
                    document,
                    Lowered("law", case.operations[:end], lambda: old.stored, lambda: None).up(),
                    {},
                    recording=False,
                    run_id="run",
                )[0]
                for end in (number, number + 1)
            )
        except StatemigError:
            return
        place: Place = tuple(each.name for each in operation.path.segments if isinstance(each, Key))
        was, now = _at(before, place), _at(after, place)
        holds = True
        match operation:
            case RenameField(to=to) if was is not _ABSENT:
                holds = _equal(_at(after, (*place[:-1], to)), was)
                place = (*place[:-1], to)
            case RemoveField():
                holds = now is _ABSENT
            case AddField() if was is not _ABSENT:
                holds = _equal(was, now)
            case WrapValue() if was is not _ABSENT:
                holds = _equal(now, [] if was is None else [was])
            case MapValues(mapping=mapping) if was is not _ABSENT:
                told = [new for value, new in mapping if json_text.equal(value, was)]
                holds = not told or _equal(now, told[0])
            case _:
                continue
        if not holds:
            raise Violation(
                case,
                _LAW,
                f"operation {number} says: {operation.describe()}; and that is not what happened",
                document,
                after=after,
                places=[place],
            )


def _reference(case: Case, document: Document, after: Document) -> None:
    known = reference_of(case)
    proposed = known.apply(document)
    if proposed is None:
        return
    lost = known.lost(proposed, after)
    if not lost:
        return
    first = lost[0]
    path = path_of(first.place)
    before = next(
        (old for old, new in known.renames.items() if path == new or path.startswith(f"{new}.")), None
    )
    renamed = f" By the two snapshots it was {before} before." if before else ""
    places = [each.place for each in lost]
    if before is not None and "[" not in before:
        places.append(tuple(before.split(".")))  # where it shows in the old state
    raise Violation(
        case,
        _LAW,
        f"{path} does not have the value that it had.{renamed}",
        document,
        after=after,
        places=places,
        hint="If the script means it, let it say so: op.transform(..., writes=[...]) names the fields that a function changes; "
        f'or, beside your tests, statemig.testing.intended("{case.revision}", "{_field(path)}", why="...").',
    )


def reference_of(case: Case) -> Reference:
    """Made once for a case."""
    kept = case.__dict__.get("_reference")
    if kept is None:
        kept = Reference(case.old, case.new, case.operations)
        from statemig.path import Path
        from statemig.testing import INTENDED

        kept.meant += [Path.parse(path) for revision, path in INTENDED if case.revision.startswith(revision)]
        case.__dict__["_reference"] = kept
    found: Reference = kept
    return found


class Dependence:
    """Over many documents: a value that is made from the old one is not always the same. It is found when the documents are through, so
    that each document by itself stays a question with one answer."""

    #: so many different values before, and so many documents, until one value after is no accident
    DIFFERENT = 4
    ENOUGH = 12

    def __init__(self, case: Case) -> None:
        self.case = case
        self._seen: dict[str, list[tuple[bytes, bytes]]] = {}
        self._documents: dict[str, list[Document]] = {}

    def see(self, document: Document) -> None:
        known = reference_of(self.case)
        if not known.operations:
            return
        result = upgraded(self.case, document)
        proposed = None if result.error is not None else known.apply(document)
        if proposed is None:
            return
        for path, expected, found in known.dependent(proposed, result.document):
            name = str(path)
            self._seen.setdefault(name, []).append(
                (json_text.canonical(expected), json_text.canonical(found))
            )
            self._documents.setdefault(name, []).append(document)

    def judge(self) -> None:
        """Raises `Violation`."""
        for name, pairs in self._seen.items():
            different = {expected for expected, _ in pairs}
            if (
                len(pairs) < self.ENOUGH
                or len(different) < self.DIFFERENT
                or len({found for _, found in pairs}) > 1
            ):
                continue
            document = min(self._documents[name], key=lambda each: len(json_text.dumps(each)))
            place = tuple(part for part in name.split("."))
            raise Violation(
                self.case,
                _LAW,
                f"{name} is the same in all {len(pairs)} documents, whatever was there before",
                document,
                after=upgraded(self.case, document).document,
                places=[place],
            )


def _field(path: str) -> str:
    return path.split("[")[0]


def _equal(left: JSON, right: JSON) -> bool:
    return left is not _ABSENT and right is not _ABSENT and json_text.equal(left, right)


def _at(value: JSON, place: Place) -> JSON:
    for part in place:
        if not isinstance(value, dict) or part not in value:
            return _ABSENT
        value = value[part]
    return value


__all__ = ["Dependence", "value_laws"]
