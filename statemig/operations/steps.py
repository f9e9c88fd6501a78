"""Operations on steps: where a run stands, what its steps have put out, and what waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from statemig.operations.base import Backfill, Operation, require, require_json
from statemig.path import Key, Path
from statemig.plan.instructions import CloseStep, Instruction, OpenStep, Policy, Relabel
from statemig.shapes.shape import MISSING, Missing
from statemig.workflow import flow_changes
from statemig.workflow.flow import Flow

_REFUSE = Policy("refuse")


@dataclass(frozen=True)
class RenameStep(Operation):
    """Positions, outputs, what is done, what is pending and what waits: all at once. A question keeps its id, key and payload."""

    name: ClassVar[str] = "rename_step"
    old: str
    to: str

    def __post_init__(self) -> None:
        require(bool(self.old) and bool(self.to), "give the old and the new name of the step", self.name)
        require(self.old != self.to, "the new name is the old one", self.name)

    def inverse(self) -> Operation:
        return RenameStep(self.to, to=self.old)

    def lower(self) -> tuple[Instruction, ...]:
        return (Relabel(self.old, self.to),)

    def flow_after(self, flow: Flow) -> Flow:
        return flow.renamed(self.old, self.to)

    def describe(self) -> str:
        return f"step {self.old} becomes {self.to}"


@dataclass(frozen=True)
class RemoveStep(Operation):
    """A step goes. `cursor` says what becomes of a run that stands on it: ``op.forward(to)``, ``op.back(to)``, ``op.hold()``,
    ``op.pin()`` or ``op.fail()``; there is no default. `output` maps paths to what the step would have written, for
    the runs that are moved. `after` and `passed` are the arguments of the `add_step` of the way back."""

    name: ClassVar[str] = "remove_step"
    step: str
    cursor: Policy = _REFUSE
    output: Any = None
    after: str | None = None
    passed: str | Backfill = "skip"

    def __post_init__(self) -> None:
        _check_policy(self.cursor, self.step, self.name)
        _check_passed(self.passed, self.name)
        object.__setattr__(self, "output", _output(self.output, self.name))

    def inverse(self) -> Operation:
        down = None if self.cursor == _REFUSE else self.cursor
        return AddStep(self.step, after=self.after, passed=self.passed, down=down, output=self.output)

    def lower(self) -> tuple[Instruction, ...]:
        refilled = isinstance(self.passed, Backfill)
        return (CloseStep(self.step, self.cursor, self.output or (), refilled),)

    def flow_after(self, flow: Flow) -> Flow:
        return flow_changes.without(flow, self.step)

    def describe(self) -> str:
        fate = {
            "forward": f"goes on to {self.cursor.to}",
            "back": f"goes back to {self.cursor.to}",
            "hold": "is held",
            "pin": "stays on its version",
            "fail": "fails",
        }.get(self.cursor.kind, "is refused")
        return f"step {self.step} goes; a run that stands there {fate}"

    def to_dict(self) -> dict[str, Any]:
        return _with_output(super().to_dict(), self.output)

    def source(self) -> str:
        shown = [(n, name, dict(v) if name == "output" else v) for n, name, v in self._given()]
        return source_with(
            self, [(n, k, {str(p): x for p, x in v.items()} if k == "output" else v) for n, k, v in shown]
        )

    @property
    def paths(self) -> tuple[Path, ...]:
        return tuple(path for path, _ in self.output or ())


@dataclass(frozen=True)
class AddStep(Operation):
    """A step comes. Runs already past it (`after` is done) skip it, or are given an output: ``passed=op.backfill(value)``. On the way
    back a run that stands in it follows `down` (``op.back(to)``, ``op.forward(to)``, ``op.pin()``); without it the way back is
    refused by name."""

    name: ClassVar[str] = "add_step"
    step: str
    after: str | None = None
    passed: str | Backfill = "skip"
    down: Policy | None = None
    output: Any = None

    def __post_init__(self) -> None:
        if self.down is not None:
            _check_policy(self.down, self.step, self.name)
        _check_passed(self.passed, self.name)
        object.__setattr__(self, "output", _output(self.output, self.name))

    def inverse(self) -> Operation:
        return RemoveStep(
            self.step, cursor=self.down or _REFUSE, output=self.output, after=self.after, passed=self.passed
        )

    def lower(self) -> tuple[Instruction, ...]:
        backfill = self.passed.value if isinstance(self.passed, Backfill) else MISSING
        return (OpenStep(self.step, self.after, backfill),)

    def flow_after(self, flow: Flow) -> Flow:
        return flow_changes.with_step(flow, self.step, self.after)

    def describe(self) -> str:
        place = f" after {self.after}" if self.after else ""
        return f"step {self.step} is new{place}"

    def to_dict(self) -> dict[str, Any]:
        return _with_output(super().to_dict(), self.output)


def _output(output: Any, operation: str) -> tuple[tuple[Path, Any], ...] | None:
    """Paths with values, from a mapping or from pairs; None where there are none."""
    pairs = output.items() if isinstance(output, dict) else output or ()
    parsed = tuple((_state_path(path), value) for path, value in pairs)
    for path, value in parsed:
        require(
            len(path.segments) > 1 and all(isinstance(segment, Key) for segment in path.segments),
            "output puts values at keys, such as state.approval.decision",
            operation,
            path,
        )
        require_json(value, operation, "output")
    return parsed or None


def _with_output(data: dict[str, Any], output: Any) -> dict[str, Any]:
    return {**data, "output": {str(path): value for path, value in output}} if output else data


def _state_path(path: str | Path) -> Path:
    parsed = Path.parse(path)
    first = str(Path(parsed.segments[:1]))
    return parsed if first in ("state", "outputs") else Path((*Path.of("state").segments, *parsed.segments))


def _check_policy(policy: Any, step: str, operation: str) -> None:
    require(
        isinstance(policy, Policy),
        f"say what becomes of a run on {step!r}: op.forward(to), op.back(to), op.hold(), op.pin() or op.fail()",
        operation,
    )
    require(policy.to != step, f"a run on {step!r} cannot be sent to {step!r}", operation)


def _check_passed(passed: Any, operation: str) -> None:
    require(
        passed == "skip" or isinstance(passed, Backfill), 'passed is "skip" or op.backfill(value)', operation
    )
    if isinstance(passed, Backfill):
        require(not isinstance(passed.value, Missing), "backfill needs a value", operation)
        require_json(passed.value, operation, "backfill")


def source_with(operation: Operation, given: list[tuple[int, str, Any]]) -> str:
    """The line in a script with these arguments: (number, name, value)."""
    from statemig.operations.base import literal

    arguments = [
        literal(value) if number < operation.positional else f"{name}={literal(value)}"
        for number, name, value in given
    ]
    return f"op.{operation.name}({', '.join(arguments)})"
