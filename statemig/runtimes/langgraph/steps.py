"""What scripts say of names alone: what a step, a field or a question of one revision is called at another.

The run document says where a run stands. LangGraph stores names in more places than that: of steps that have finished, of channels that
nobody has written to yet. Those are followed through the operations here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from statemig.operations.asking import MapWaiting
from statemig.operations.fields import MoveField, RenameField
from statemig.operations.flows import MergeSteps, SplitStep
from statemig.operations.steps import RemoveStep, RenameStep
from statemig.path import Definition, Items, Key, Path, Slot, Values, Variant

if TYPE_CHECKING:
    from statemig.migrator import Migrator
    from statemig.operations.base import Operation
    from statemig.runtimes.langgraph.values import Place


@dataclass(frozen=True)
class Names:
    """The names of one revision at another; `operations` in the order in which they are gone through."""

    operations: tuple[Operation, ...]

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

    def finished(self, step: str) -> str | None:
        """The name of a step that a run has been at; None where nothing of it is left."""
        name: str | None = step
        for operation in self.operations:
            match operation:
                case RenameStep(old, to) if name == old:
                    name = to
                case SplitStep() if name == operation.step:
                    name = operation.into[-1]
                case MergeSteps() if name in operation.steps:
                    name = operation.into
                case RemoveStep() if name == operation.step:
                    return None
        return name

    def ahead(self, step: str) -> str | None:
        """The name of a step that a run is about to get to; None where the script does not send it anywhere."""
        name: str | None = step
        for operation in self.operations:
            match operation:
                case RenameStep(old, to) if name == old:
                    name = to
                case SplitStep() if name == operation.step:
                    name = operation.into[0]
                case MergeSteps() if name in operation.steps:
                    name = operation.into
                case RemoveStep() if name == operation.step:
                    name = operation.cursor.to
                    if name is None:
                        return None
        return name

    # -- questions -----------------------------------------------------------------------------------------------------

    def questions(self, step: str) -> dict[int, int] | None:
        """The new place of each question of a step by its old one; None where nothing is said of their order."""
        name = step
        placed: dict[int, int] | None = None
        for operation in self.operations:
            match operation:
                case RenameStep(old, to) if name == old:
                    name = to
                case SplitStep() if name == operation.step:
                    name = operation.into[0]
                case MergeSteps() if name in operation.steps:
                    name = operation.into
                case MapWaiting() if name == operation.step and operation.order is not None:
                    pairs = {old: new for new, old in enumerate(operation.order) if old is not None}
                    if operation.inverted:
                        pairs = {new: old for old, new in pairs.items()}
                    if placed is None:
                        placed = pairs
                    else:
                        placed = {old: pairs[between] for old, between in placed.items() if between in pairs}
        return placed

    # -- places in a document ------------------------------------------------------------------------------------------

    @cached_property
    def _moves(self) -> tuple[tuple[Path, Path], ...]:
        found = []
        for operation in self.operations:
            match operation:
                case RenameField():
                    found.append((operation.path, operation.path.with_last(operation.to)))
                case MoveField():
                    found.append((operation.path, operation.to))
        return tuple(found)

    def place(self, place: Place) -> Place:
        """Where what stood at `place` stands, as far as renames and moves of fields say."""
        for source, target in self._moves:
            place = _moved(place, source, target)
        return place

    def field(self, name: str) -> str:
        """The name of a field of the state."""
        moved = self.place(("state", name))
        return str(moved[1]) if len(moved) == 2 and moved[0] == "state" else name


def _moved(place: Place, source: Path, target: Path) -> Place:
    segments = [each for each in source.segments if not isinstance(each, Variant)]
    goal = [each for each in target.segments if not isinstance(each, Variant)]
    if segments and isinstance(segments[0], Definition):
        return _moved_anywhere(place, segments[1:], goal[1:])
    if len(place) < len(segments) or not all(map(_fits, segments, place)):
        return place
    return (*_written(goal, place), *place[len(segments) :])


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
