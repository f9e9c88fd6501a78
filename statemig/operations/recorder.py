"""What a script's `upgrade(op)` talks to: it records operations and never sees a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from statemig.operations.base import Backfill, Operation, Value, require
from statemig.operations.fields import (
    AddField,
    MakeOptional,
    MakeRequired,
    MoveField,
    RemoveField,
    RenameField,
    default_of,
)
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
from statemig.path import Path
from statemig.plan.instructions import Policy
from statemig.shapes.shape import MISSING

Function = Callable[[Any], Any]


class Operations:
    """Records operations in order. Each method raises `OperationError` or `PathError` for arguments that cannot be right."""

    def __init__(self) -> None:
        self._recorded: list[Operation] = []

    @property
    def recorded(self) -> tuple[Operation, ...]:
        return tuple(self._recorded)

    def record(self, operation: Operation) -> None:
        self._recorded.append(operation)

    # fields

    def add_field(
        self, path: str, *, default: Any = MISSING, factory: Callable[[], Any] | None = None
    ) -> None:
        """Set `path` to `default` where it is absent."""
        value = default_of(default, factory)
        require(value is not MISSING, "give the new field a default (or factory)", AddField.name, path)
        self.record(AddField(Path.parse(path), value))

    def remove_field(
        self, path: str, *, restore: Any = MISSING, keep: bool = True, key: str | None = None
    ) -> None:
        """Remove `path`; kept for the way back unless `keep` is false. `restore` is put back where nothing was kept."""
        self.record(RemoveField(Path.parse(path), restore, keep, key))

    def rename_field(self, path: str, to: str) -> None:
        """Rename the key at the end of `path`."""
        self.record(RenameField(Path.parse(path), to))

    def move_field(self, path: str, to: str) -> None:
        """Move a value to another path below the same object."""
        self.record(MoveField(Path.parse(path), Path.parse(to)))

    def make_required(self, path: str, fill: Any) -> None:
        """Fill `path` with `fill` where it is absent."""
        self.record(MakeRequired(Path.parse(path), fill))

    def make_optional(self, path: str, *, fill: Any = MISSING) -> None:
        """`path` may be absent; the way back fills it with `fill`."""
        self.record(MakeOptional(Path.parse(path), fill))

    # values

    def wrap(self, path: str, *, empty: Any = MISSING, key: str | None = None) -> None:
        """x becomes [x], null becomes []; the way back turns an empty list into `empty`."""
        self.record(WrapValue(Path.parse(path), empty, key))

    def unwrap(self, path: str, *, default: Any = MISSING, key: str | None = None) -> None:
        """A list becomes its first item, an empty one `default`."""
        self.record(UnwrapValue(Path.parse(path), default, key))

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
        self.record(Convert(Path.parse(path), to, was, rounding, key))

    def map_values(
        self,
        path: str,
        mapping: Mapping[Any, Any],
        *,
        otherwise: str | Value = "error",
        key: str | None = None,
    ) -> None:
        """Look values up in a table."""
        self.record(MapValues(Path.parse(path), mapping, otherwise, key))

    def make_nullable(self, path: str, *, fill: Any = MISSING, key: str | None = None) -> None:
        """`path` may be null; the way back turns null into `fill`."""
        self.record(MakeNullable(Path.parse(path), fill, key))

    def drop_null(self, path: str, fill: Any, *, key: str | None = None) -> None:
        """null becomes `fill`."""
        self.record(DropNull(Path.parse(path), fill, key))

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
            Transform(up, down, None if path is None else Path.parse(path), tuple(reads), tuple(writes), key)
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
