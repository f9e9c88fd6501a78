"""What a script's `upgrade(op)` talks to: it records operations and never sees a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from statemig.errors import OperationError
from statemig.operations.asking import MapWaiting, RenameTool
from statemig.operations.base import Backfill, Operation, Value, require
from statemig.operations.field_methods import FieldMethods
from statemig.operations.fields import (
    AddField,
    AddId,
    MakeOptional,
    MakeRequired,
    MoveField,
    RemoveField,
    RenameField,
    default_of,
)
from statemig.operations.flows import Choice, MergeSteps, ReorderSteps, SplitStep
from statemig.operations.joins import ChangeJoin, DropPending, Requeue
from statemig.operations.steps import AddStep, RemoveStep, RenameStep
from statemig.operations.values import (
    Convert,
    DropNull,
    Irreversible,
    MakeNullable,
    MapValues,
    Transform,
    UnwrapValue,
    WrapValue,
)
from statemig.path import Definition, Key, Path
from statemig.plan.instructions import Policy
from statemig.plan.nested import ROOT
from statemig.shapes.shape import MISSING

Function = Callable[[Any], Any]


class Operations(FieldMethods):
    """Records operations in order. Each method raises `OperationError` or `PathError` for arguments that cannot be right."""

    def __init__(self) -> None:
        self._recorded: list[Operation] = []

    @property
    def recorded(self) -> tuple[Operation, ...]:
        return tuple(self._recorded)

    def record(self, operation: Operation) -> None:
        self._recorded.append(operation)

    def _path(self, text: str | Path) -> Path:
        """What a path means to this recorder. Raises `PathError`."""
        return Path.parse(text)

    # fields

    def add_field(
        self,
        path: str,
        *,
        default: Any = MISSING,
        factory: Callable[[], Any] | None = None,
        optional: bool = False,
    ) -> None:
        """Set `path` to `default` where it is absent; with ``optional=True`` it stays absent. The way back removes it."""
        value = default_of(default, factory)
        require(
            (value is not MISSING) is not optional,
            "give the new field a default (or factory), or say optional=True",
            AddField.name,
            path,
        )
        self.record(AddField(self._path(path), value))

    def add_id(self, path: str, *, length: int = 16) -> None:
        """Give each object an id at `path` where it has none: `length` hexadecimal digits, a hash of the run's id, the place and the
        revision, and never twice in a document."""
        self.record(AddId(self._path(path), length))

    def remove_field(
        self, path: str, *, restore: Any = MISSING, keep: bool = True, key: str | None = None
    ) -> None:
        """Remove `path`; kept for the way back unless `keep` is false. `restore` is put back where nothing was kept."""
        self.record(RemoveField(self._path(path), restore, keep, key))

    def rename_field(self, path: str, to: str) -> None:
        """Rename the key at the end of `path`."""
        self.record(RenameField(self._path(path), to))

    def move_field(self, path: str, to: str) -> None:
        """Move a value to another path below the same object."""
        self.record(MoveField(self._path(path), self._path(to)))

    def make_required(self, path: str, fill: Any) -> None:
        """Fill `path` with `fill` where it is absent."""
        self.record(MakeRequired(self._path(path), fill))

    def make_optional(self, path: str, *, fill: Any = MISSING) -> None:
        """`path` may be absent; the way back fills it with `fill`."""
        self.record(MakeOptional(self._path(path), fill))

    # values

    def wrap(self, path: str, *, empty: Any = MISSING, key: str | None = None) -> None:
        """x becomes [x], null becomes []; the way back turns an empty list into `empty`."""
        self.record(WrapValue(self._path(path), empty, key))

    def unwrap(self, path: str, *, default: Any = MISSING, key: str | None = None) -> None:
        """A list becomes its first item, an empty one `default`."""
        self.record(UnwrapValue(self._path(path), default, key))

    def convert(
        self,
        path: str,
        to: str,
        *,
        was: str | None = None,
        rounding: str | None = None,
        key: str | None = None,
    ) -> None:
        """Turn a scalar into another type: bool, date, date-time, float, int or str."""
        self.record(Convert(self._path(path), to, was, rounding, key))

    def map_values(
        self,
        path: str,
        mapping: Mapping[Any, Any],
        *,
        otherwise: str | Value = "error",
        key: str | None = None,
    ) -> None:
        """Look values up in a table."""
        self.record(MapValues(self._path(path), mapping, otherwise, key))

    def make_nullable(self, path: str, *, fill: Any = MISSING, key: str | None = None) -> None:
        """`path` may be null; the way back turns null into `fill`."""
        self.record(MakeNullable(self._path(path), fill, key))

    def drop_null(self, path: str, fill: Any, *, key: str | None = None) -> None:
        """null becomes `fill`."""
        self.record(DropNull(self._path(path), fill, key))

    def transform(
        self,
        up: Function,
        down: Function | None = None,
        *,
        path: str | None = None,
        reads: tuple[str, ...] = (),
        writes: tuple[str, ...] = (),
        key: str | None = None,
    ) -> None:
        """Plain functions of the script, on the value at `path` or on the whole document."""
        self.record(
            Transform(up, down, None if path is None else self._path(path), tuple(reads), tuple(writes), key)
        )

    def irreversible(self, why: str) -> None:
        """Refuse the way back, with the reason."""
        require(bool(why), "say why", Irreversible.name)
        self.record(Irreversible(why))

    # steps

    def rename_step(self, old: str, to: str) -> None:
        """Rename a step wherever runs hold its name."""
        self.record(RenameStep(old, to))

    def remove_step(
        self,
        step: str,
        *,
        cursor: Policy,
        output: Mapping[str, Any] | None = None,
        after: str | None = None,
        passed: str | Backfill = "skip",
    ) -> None:
        """Remove a step; `cursor` says what becomes of a run that stands on it."""
        self.record(RemoveStep(step, cursor, None if output is None else dict(output), after, passed))

    def add_step(
        self,
        step: str,
        *,
        after: str | None = None,
        passed: str | Backfill = "skip",
        down: Policy | None = None,
    ) -> None:
        """Add a step; `passed` says what becomes of runs already past it, `down` of runs that stand in it on the way back."""
        self.record(AddStep(step, after, passed, down))

    # several steps

    def split_step(
        self,
        step: str,
        into: Sequence[str],
        *,
        cursor: str | Choice | None = None,
        pending: str | None = None,
        output: str | None = None,
        by: Function | None = None,
    ) -> None:
        """A step becomes several, in the order in which a run goes through them. A run that stands on it stands on `cursor` then: one of
        them, or a function of document and position that names one. `pending` has arrived where the step had arrived at a join, `output`
        (the last) has its output. `by` is for the way back, as in `merge_steps`."""
        self.record(SplitStep(step, tuple(into), cursor, pending, output, by))

    def merge_steps(
        self,
        steps: Sequence[str],
        into: str,
        *,
        by: Function | None = None,
        cursor: str | Choice | None = None,
        pending: str | None = None,
        output: str | None = None,
    ) -> None:
        """Several steps become one. `by` makes one value of what they have written, {step: value}, where it differs. `cursor`, `pending`
        and `output` are for the way back, as in `split_step`."""
        self.record(MergeSteps(tuple(steps), into, by, cursor, pending, output))

    def reorder_steps(
        self, order: Sequence[str], *, was: Sequence[str] | None = None, cursor: Policy | None = None
    ) -> None:
        """Steps that follow each other come in another order. `cursor` says what becomes of a run in the middle whose finished steps do not
        come first in both orders. `was` is the order before, where no snapshot knows it."""
        self.record(ReorderSteps(tuple(order), None if was is None else tuple(was), cursor))

    def change_join(
        self,
        step: str,
        branches: Sequence[str],
        *,
        new_branch: str | None = None,
        was: Sequence[str] | None = None,
    ) -> None:
        """A join waits for other branches. In runs past the fork a new one is started (``new_branch="start"``) or counts as arrived
        (``"arrived"``). `was` are the branches before, where no snapshot knows them."""
        self.record(ChangeJoin(step, tuple(branches), new_branch, None if was is None else tuple(was)))

    # what is outstanding

    def map_waiting(
        self,
        step: str,
        *,
        payload: Callable[[Operations], Any] | None = None,
        answer: Callable[[Operations], Any] | None = None,
        order: Sequence[int | None] | None = None,
    ) -> None:
        """What people are shown at a step and have answered has another shape: functions of a recorder whose paths are relative to the
        value. `order[i]` is the old index of the question that is the i-th now, None for a new one. Nobody is asked again."""
        self.record(MapWaiting(step, payload or (), answer or (), None if order is None else tuple(order)))

    def drop_pending(self, step: str, why: str) -> None:
        """What a step has written for a join that has not consumed it goes; kept for the way back."""
        self.record(DropPending(step, why))

    def requeue(self, step: str) -> None:
        """A step whose writes no join has consumed is done again."""
        self.record(Requeue(step))

    def rename_tool(self, old: str, to: str, *, arguments: Callable[[Operations], Any] | None = None) -> None:
        """A tool is called `to`, in calls that have no result yet. `arguments` is a function of a recorder whose paths are relative to
        the arguments of the call."""
        self.record(RenameTool(old, to, arguments or ()))

    # arguments

    @staticmethod
    def forward(to: str) -> Policy:
        """The run goes on at a later step."""
        return Policy("forward", to)

    @staticmethod
    def back(to: str) -> Policy:
        """The run goes back to an earlier step."""
        return Policy("back", to)

    @staticmethod
    def hold() -> Policy:
        """The run stays as it is until a person decides."""
        return Policy("hold")

    @staticmethod
    def pin() -> Policy:
        """The run stays with workers of its version."""
        return Policy("pin")

    @staticmethod
    def fail() -> Policy:
        """The migration of the run fails, and the run is listed."""
        return Policy("fail")

    @staticmethod
    def backfill(value: Any) -> Backfill:
        """What runs past a new step are given as its output."""
        return Backfill(value)

    @staticmethod
    def value(value: Any) -> Value:
        """What every value that a table does not name becomes."""
        return Value(value)


class NestedOperations(Operations):
    """A recorder whose paths are relative to one value, which is called ``$``."""

    def _path(self, text: str | Path) -> Path:
        segments = Path.parse(text).segments
        if segments[:1] == (Key(ROOT),):
            return Path(segments)
        if segments and isinstance(segments[0], Definition):
            raise OperationError(
                "operations on a value inside know no definitions",
                path=str(text),
                hint="Write the path out, relative to the value",
            )
        return Path((Key(ROOT), *segments))

    def transform(
        self,
        up: Function,
        down: Function | None = None,
        *,
        path: str | None = None,
        reads: tuple[str, ...] = (),
        writes: tuple[str, ...] = (),
        key: str | None = None,
    ) -> None:
        """Plain functions of the script, on the value at `path` or on the whole value."""
        super().transform(up, down, path=path or ROOT, reads=reads, writes=writes, key=key)
