"""What scripts say of names alone: what a step, a field or a question of one revision is called at another.

The run document says where a run stands. LangGraph stores names in more places than that: of steps that have finished, of channels that
nobody has written to yet. Those are followed through the operations here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from statemig.operations.asking import MapWaiting
from statemig.operations.fields import MoveField, RemoveField, RenameField
from statemig.operations.flows import MergeSteps, SplitStep
from statemig.operations.steps import RemoveStep, RenameStep
from statemig.operations.unions import RenameType
from statemig.path import Definition, Items, Key, Path, Slot, Values, Variant

if TYPE_CHECKING:
    from statemig.migrator import Migrator
    from statemig.operations.base import Operation
    from statemig.runtimes.langgraph.stored.as_json import Place


Segments = tuple[object, ...]
#: how many places are remembered: keys of maps may be anything
_PLACES: Final = 4096


@dataclass(frozen=True, slots=True)
class _Followed:
    """The name that a step comes to have, None where it is gone, and whether an operation spoke of it by its own name."""

    outer: str | None
    spoken: bool


@dataclass(frozen=True)
class Names:
    """The names of one revision at another; `operations` in the order in which they are gone through. Made once and kept: threads have
    the same few names, and most operations of a long chain speak of others."""

    operations: tuple[Operation, ...]
    _places: dict[Place, Place] = field(default_factory=dict)
    _removed: dict[tuple[Place, bool], bool] = field(default_factory=dict)

    @classmethod
    def between(cls, migrator: Migrator, source: str, target: str) -> Names:
        if source == target:
            return cls(())
        if migrator.version(source) < migrator.version(target):
            path = migrator.path(source, target)
            return cls(tuple(op for name in path for op in migrator.revision(name).operations))
        found: list[Operation] = []
        for name in reversed(migrator.path(target, source)):
            revision = migrator.revision(name)
            written = revision.downgrade_operations
            found += (
                written if written is not None else [op.inverse() for op in reversed(revision.operations)]
            )
        return cls(tuple(found))

    # -- steps ---------------------------------------------------------------------------------------------------------

    @cached_property
    def _of_steps(self) -> tuple[Operation, ...]:
        kinds = (RenameStep, SplitStep, MergeSteps, RemoveStep, MapWaiting)
        return tuple(each for each in self.operations if isinstance(each, kinds))

    @property
    def speaks_of_steps(self) -> bool:
        """Whether any operation renames, splits, merges or removes a step, or puts its questions in another order."""
        return bool(self._of_steps)

    def finished(self, step: str) -> str | None:
        """The name of a step that a run has been at; None where nothing of it is left."""
        return self._followed(step, part=-1, gone=lambda operation: None).outer

    def ahead(self, step: str) -> str | None:
        """The name of a step that a run is about to get to; None where the script does not send it anywhere."""
        return self._followed(step, part=0, gone=lambda operation: operation.cursor.to).outer

    def told(self, step: str) -> str:
        """The name under which the operations are told of a step. They know exact names alone: a step of a subgraph whose node is renamed,
        and of which no operation speaks, goes by its new name from the start."""
        found = self._followed(step, part=0, gone=lambda operation: operation.step)
        return step if found.spoken or found.outer is None else found.outer

    def _followed(
        self, step: str, part: int, gone: Callable[[RemoveStep], str | None], until: Operation | None = None
    ) -> _Followed:
        exact: str = step
        outer: str = step
        spoken = False
        for operation in self._of_steps:
            if operation is until:
                break
            match operation:
                case RenameStep(old, to) if old in (exact, outer):
                    new: str | None = to
                case RenameStep(old, to):
                    outer = to + outer[len(old) :] if outer.startswith(f"{old}.") else outer
                    continue
                case SplitStep() if operation.step in (exact, outer):
                    new = operation.into[part]
                case MergeSteps() if {exact, outer} & set(operation.steps):
                    new = operation.into
                case RemoveStep() if operation.step in (exact, outer):
                    new = gone(operation)
                case MapWaiting():
                    spoken = spoken or operation.step in (exact, outer)
                    continue
                case _:
                    continue
            if new is None:
                return _Followed(None, True)
            exact = outer = new
            spoken = True
        return _Followed(outer, spoken)

    # -- questions -----------------------------------------------------------------------------------------------------

    def questions(self, step: str) -> dict[int, int] | None:
        """The new place of each question of a step by its old one; None where nothing is said of their order."""
        placed: dict[int, int] | None = None
        for operation in self._of_steps:
            if not isinstance(operation, MapWaiting) or operation.order is None:
                continue
            called = self._followed(step, 0, lambda removed: removed.cursor.to, until=operation).outer
            if called != operation.step:
                continue
            pairs = {old: new for new, old in enumerate(operation.order) if old is not None}
            if operation.inverted:
                pairs = {new: old for old, new in pairs.items()}
            if placed is not None:
                pairs = {old: pairs[between] for old, between in placed.items() if between in pairs}
            placed = pairs
        return placed

    # -- places in a document ------------------------------------------------------------------------------------------

    @cached_property
    def _moves(self) -> tuple[tuple[Segments, Segments], ...]:
        found = []
        for operation in self.operations:
            match operation:
                case RenameField():
                    pair = (operation.path, operation.path.with_last(operation.to))
                case MoveField():
                    pair = (operation.path, operation.to)
                case _:
                    continue
            found.append((_segments(pair[0]), _segments(pair[1])))
        return tuple(found)

    @cached_property
    def heads(self) -> Mapping[Place, int] | None:
        """What the places that anything happens to begin with, and how long those are at least; None where it may be any."""
        found: dict[Place, int] = {}
        for source, _ in self._moves:
            match source[:2]:
                case (Key(outer), Key(inner)):
                    found[outer, inner] = min(found.get((outer, inner), len(source)), len(source))
                case _:
                    return None
        return found

    @cached_property
    def _counts(self) -> bool:
        """Whether it matters which item of a list something is."""
        return any(isinstance(each, Slot) for source, _ in self._moves for each in source)

    def place(self, place: Place) -> Place:
        """Where what stood at `place` stands, as far as renames and moves of fields say."""
        heads = self.heads
        if heads is not None and len(place) < heads.get(place[:2], len(place) + 1):
            return place
        numbers = () if self._counts else tuple(part for part in place if not isinstance(part, str))
        # All items of a list go the same way: they are looked up as item -1 of the first list, -2 of the one in it.
        asked = _with_numbers(place, range(-1, -len(numbers) - 1, -1)) if numbers else place
        found = self._places.get(asked)
        if found is None:
            found = asked
            for source, target in self._moves:
                found = _moved(found, source, target)
            if len(self._places) >= _PLACES:
                self._places.clear()
            self._places[asked] = found
        if not numbers:
            return found
        return tuple(part if isinstance(part, str) else numbers[-part - 1] for part in found)

    @cached_property
    def types(self) -> dict[str, str]:
        """The names of types that are called otherwise, by their old ones."""
        found: dict[str, str] = {}
        for operation in self.operations:
            if isinstance(operation, RenameType):
                found = {old: operation.new if new == operation.old else new for old, new in found.items()}
                found.setdefault(operation.old, operation.new)
        return found

    def field(self, name: str) -> str:
        """The name of a field of the state."""
        moved = self.place(("state", name))
        return str(moved[1]) if len(moved) == 2 and moved[0] == "state" else name

    # -- what is removed -----------------------------------------------------------------------------------------------

    def may_keep(self, name: str) -> bool:
        """Whether what a field of the state holds may be kept as it is stored: no operation removes it, or a part of it, for good."""
        return all(each.keep for each in self._removals(("state", name), parts=True))

    def removes(self, place: Place) -> bool:
        """Whether what stood at `place` is removed on the way; something else may have taken its name."""
        return self._has_removals and self._is_removed(place, parts=False)

    def removes_from(self, name: str) -> bool:
        """Whether a field of the state is removed on the way, or a part of it."""
        return self._has_removals and self._is_removed(("state", name), parts=True)

    def _is_removed(self, place: Place, *, parts: bool) -> bool:
        asked = (tuple(part if isinstance(part, str) else -1 for part in place), parts)
        found = self._removed.get(asked)
        if found is None:
            if len(self._removed) >= _PLACES:
                self._removed.clear()
            found = self._removed[asked] = any(self._removals(asked[0], parts=parts))
        return found

    @cached_property
    def _has_removals(self) -> bool:
        return any(isinstance(each, RemoveField) for each in self.operations)

    def _removals(self, place: Place, *, parts: bool) -> Iterator[RemoveField]:
        """The operations that remove what stood at `place`; with `parts`, also those that remove something in it."""
        for operation in self.operations:
            match operation:
                case RemoveField(path):
                    segments = _segments(path)
                    if isinstance(segments[0], Definition):
                        if parts:  # it may occur in it
                            yield operation
                    elif (parts or len(segments) <= len(place)) and all(map(_fits, segments, place)):
                        yield operation
                case RenameField(path, to):
                    place = _moved(place, _segments(path), _segments(path.with_last(to)))
                case MoveField(path, to):
                    place = _moved(place, _segments(path), _segments(to))


def _segments(path: Path) -> Segments:
    return tuple(each for each in path.segments if not isinstance(each, Variant))


def _with_numbers(place: Place, numbers: Iterable[int]) -> Place:
    following = iter(numbers)
    return tuple(part if isinstance(part, str) else next(following) for part in place)


def _moved(place: Place, source: Segments, target: Segments) -> Place:
    if source and isinstance(source[0], Definition):
        return _moved_anywhere(place, source[1:], target[1:])
    if len(place) < len(source) or not all(map(_fits, source, place)):
        return place
    return (*_written(target, place), *place[len(source) :])


def _moved_anywhere(place: Place, segments: Sequence[object], goal: Sequence[object]) -> Place:
    """Of a definition only a name at its end is followed, wherever it occurs."""
    if len(segments) == len(goal) == 1 and isinstance(segments[0], Key) and isinstance(goal[0], Key):
        return tuple(
            goal[0].name if part == segments[0].name and at > 1 else part for at, part in enumerate(place)
        )
    return place


def _fits(segment: object, part: str | int) -> bool:
    match segment:
        case Key(name):
            return part == name
        case Items():
            return isinstance(part, int)
        case Values():
            return isinstance(part, str)
        case Slot(index):
            return part == index
        case _:
            return False


def _written(goal: Sequence[object], place: Place) -> Place:
    """The target with the items of the place that it came from."""
    return tuple(part.name if isinstance(part, Key) else place[at] for at, part in enumerate(goal))
