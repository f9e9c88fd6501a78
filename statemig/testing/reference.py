"""What should become of the old values, as far as somebody who sees only the two snapshots can know: the oracle of `value_laws`.

"Valid at the new version" says nothing of values: a script that drops a rename, swaps two fields, writes a constant, or changes an id
leaves valid documents behind. So the script is held against the operations that autogenerate proposes from the snapshots alone, on the same
document. Of these

- what leaves values as they are (a field that is in both versions, a rename that is certain or that autogenerate would apply without
  asking, a move, a wrap) must come out of the script with the same value;
- what changes values by a choice that is somebody's (a default, a mapping, a conversion) need not; but where the proposal's value depends
  on the old one, the script's may not be one and the same for all.

A script says that it means it by naming the place: ``writes=`` of a transform, or an operation on exactly that field. What it removes and
adds again, it does not name: then the value is lost. Sources are never compared, only results, so it does not matter how a script is
written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from statemig import json_text
from statemig.autogenerate.propose import propose
from statemig.errors import OperationError, StatemigError
from statemig.operations.base import Operation
from statemig.operations.bounds import Constrain, SetDefault
from statemig.operations.fields import (
    AddField,
    AddId,
    MakeOptional,
    MakeRequired,
    MoveField,
    RemoveField,
    RenameField,
)
from statemig.operations.groups import CopyField, Nest
from statemig.operations.lowering import Lowered
from statemig.operations.steps import RenameStep
from statemig.operations.values import Convert, DropNull, MakeNullable, MapValues, Transform, WrapValue
from statemig.path import Path
from statemig.plan import effects, stepwise
from statemig.shapes.digest import canonical
from statemig.shapes.shape import Schema
from statemig.testing.naming import named
from statemig.testing.violation import Place, covers
from statemig.workflow.snapshot import Snapshot

JSON = Any

_ABSENT: Final = object()
#: operations that take values where they are to where they belong, and leave them as they are
_CARRYING = (
    RenameField,
    MoveField,
    CopyField,
    Nest,
    WrapValue,
    RenameStep,
    RemoveField,
    MakeOptional,
    MakeNullable,
)
#: operations that choose a value only where there is none
_FILLING = (MakeRequired, DropNull, SetDefault)


@dataclass(frozen=True, slots=True)
class Difference:
    """At `place` of the new document the proposal has `expected`, and the script something else."""

    place: Place
    expected: JSON
    found: JSON


class Reference:
    """What autogenerate proposes between two snapshots, and where the script says that it means something else."""

    def __init__(self, old: Snapshot, new: Snapshot, script: Sequence[Operation]) -> None:
        self.new = new
        self.script = tuple(script)
        self.operations, self.renames = _proposed(old, new, script)
        #: where the proposal itself chose a value
        self.chosen = [
            path
            for each in self.operations
            if not isinstance(each, (*_CARRYING, *_FILLING))
            for path in named(each)
        ]
        self._fills = [
            (path, each.materialise if isinstance(each, SetDefault) else each.fill)
            for each in self.operations
            if isinstance(each, _FILLING)
            for path in each.paths
        ]
        self.meant = list(_meant(script, old, new))
        self._stages = Lowered("reference", self.operations, lambda: old.stored, lambda: None).up()

    def apply(self, document: dict[str, Any]) -> dict[str, Any] | None:
        """The document as the proposal leaves it; None where it does not get through."""
        try:
            migrated, _ = stepwise.run(
                {part: document[part] for part in ("state", "outputs") if part in document},
                self._stages,
                {},
                recording=False,
            )
        except StatemigError:
            return None
        return migrated

    def lost(self, proposed: dict[str, Any], after: dict[str, Any]) -> list[Difference]:
        """Values that the proposal keeps, and the script does not."""
        found: list[Difference] = []
        for part in ("state", "outputs"):
            for each in _differences(proposed.get(part, {}), after.get(part, {}), (part,)):
                inside = [path for path in self.chosen if covers(path, each.place)]
                if (inside and each.found is not _ABSENT) or any(
                    len(path.segments) <= len(each.place) for path in inside
                ):
                    continue
                if any(
                    covers(path, each.place) and json_text.equal(fill, each.expected)
                    for path, fill in self._fills
                ):
                    continue
                if not any(covers(path, each.place) for path in self.meant) and self._known(each.place):
                    found.append(each)
        return found

    def dependent(self, proposed: dict[str, Any], after: dict[str, Any]) -> Iterator[tuple[Path, JSON, JSON]]:
        """(path, the proposal's value, the script's) where the proposal made a value from the old one."""
        for operation in self.operations:
            if isinstance(operation, Convert | MapValues | DropNull | Constrain):
                for path in operation.paths:
                    if any(path == each for each in self.meant):
                        continue
                    for place, value in _values_at(proposed, path.segments, ()):
                        got = _at(after, place)
                        if got is not _ABSENT:
                            yield path, value, got

    def _known(self, place: Place) -> bool:
        """Whether the new version has the place: what the proposal could not decide is left where it was."""
        from statemig.path import Key

        keys = [part for part in place if isinstance(part, str)][:2]
        try:
            return bool(effects.shapes_at(self.new.accepts, Path(tuple(map(Key, keys)))))
        except OperationError:
            return False


def _proposed(
    old: Snapshot, new: Snapshot, script: Sequence[Operation]
) -> tuple[tuple[Operation, ...], dict[str, str]]:
    """The operations, and the renames that are certain or likely. Questions are answered as the script answers them."""
    first = propose(old, new)
    certain = {path: to for path, to, _ in first.renames}
    answers: dict[str, str | None] = {}
    said = {str(each.path): each.to for each in script if isinstance(each, RenameField)}
    said |= {str(each.path): str(each.to) for each in script if isinstance(each, MoveField)}
    removed = {str(each.path) for each in script if isinstance(each, RemoveField)}
    for path, candidates in first.questions:
        if path in said or path in removed or not path.startswith("state."):
            answers[path] = said.get(path)
            continue
        # A function drops it, and nobody has said that it is gone: then it is taken for what it is most like.
        answers[path] = candidates[0][0]
        certain[path] = candidates[0][0]
    if answers:
        with suppress(OperationError):
            first = propose(old, new, answers)
    return tuple(each for each in first.operations if each.paths), certain


def _meant(script: Sequence[Operation], old: Snapshot, new: Snapshot) -> Iterator[Path]:
    """Places whose values the script says that it changes."""
    for operation in script:
        match operation:
            case Transform(writes=writes) if writes:
                yield from map(Path.parse, writes)
            case Transform(path=Path() as path) if _same_shape(path, old, new):
                yield path  # there is no other reason to name it
            case RemoveField() | AddField() | AddId() | Transform():
                continue
            case _ if isinstance(operation, _CARRYING):
                continue
            case _:
                yield from operation.paths
                yield from (path for path in named(operation) if len(path.segments) > 1)


def _same_shape(path: Path, old: Snapshot, new: Snapshot) -> bool:
    try:
        left = [canonical(Schema(each, old.reads.definitions)) for each in effects.shapes_at(old.reads, path)]
        right = [
            canonical(Schema(each, new.reads.definitions)) for each in effects.shapes_at(new.reads, path)
        ]
    except OperationError:
        return False
    return left == right


def _differences(expected: JSON, found: JSON, place: Place) -> Iterator[Difference]:
    if isinstance(expected, dict) and isinstance(found, dict):
        for key, value in expected.items():
            yield from _differences(value, found.get(key, _ABSENT), (*place, key))
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for number, (one, other) in enumerate(zip(expected, found, strict=True)):
            yield from _differences(one, other, (*place, number))
    elif found is _ABSENT or not json_text.equal(expected, found):
        yield Difference(place, expected, found)


def _values_at(value: JSON, rest: tuple[Any, ...], place: Place) -> Iterator[tuple[Place, JSON]]:
    from statemig.path import Items, Key, Slot, Values

    if not rest:
        yield place, value
        return
    match rest[0], value:
        case Key(name), dict() if name in value:
            yield from _values_at(value[name], rest[1:], (*place, name))
        case Slot(index), list() if index < len(value):
            yield from _values_at(value[index], rest[1:], (*place, index))
        case Items(), list():
            for number, each in enumerate(value):
                yield from _values_at(each, rest[1:], (*place, number))
        case Values(), dict():
            for key, each in value.items():
                yield from _values_at(each, rest[1:], (*place, key))
        case _:
            return


def _at(value: JSON, place: Place) -> JSON:
    for part in place:
        match part, value:
            case str(), dict() if part in value:
                value = value[part]
            case int(), list() if part < len(value):
                value = value[part]
            case _:
                return _ABSENT
    return value
