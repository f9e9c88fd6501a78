"""Operations on several steps at once: one becomes several, several become one, some come in another order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statemig.operations.base import Function, Operation, require
from statemig.operations.steps import source_with
from statemig.plan.instructions import Divide, Instruction, Policy, Reorder, Unite
from statemig.workflow import flow_changes
from statemig.workflow.flow import Flow, dominators

_REFUSE = Policy("refuse")

#: of document and position: the name of a step
Choice = Callable[[Any, Any], str]


def _names(given: Any, what: str, operation: str, least: int = 2) -> tuple[str, ...]:
    require(
        isinstance(given, list | tuple) and all(isinstance(name, str) and name for name in given),
        f"{what} is a list of steps",
        operation,
    )
    require(len(given) >= least, f"{what} names at least {least} steps", operation)
    require(len(set(given)) == len(given), f"{what} names a step twice", operation)
    return tuple(given)


class OnSteps(Operation):
    """An operation whose arguments are lists of steps."""

    def source(self) -> str:
        given = [
            (number, name, list(value) if isinstance(value, tuple) else value)
            for number, name, value in self._given()
        ]
        return source_with(self, given)


class _OfParts(OnSteps):
    """What a split and a merge have in common; each is the other's way back."""

    functions: ClassVar[tuple[str, ...]] = ("cursor", "by")
    cursor: str | Choice | None
    pending: str | None
    output: str | None
    by: Function | None

    def _check(self, parts: tuple[str, ...], whole: str) -> None:
        require(bool(whole), "give the name of the step", self.name)
        for argument in ("cursor", "pending", "output"):
            value = getattr(self, argument)
            require(
                value is None or value in parts or (argument == "cursor" and callable(value)),
                f"{argument} is one of {', '.join(parts)}"
                + (", or a function of document and position" if argument == "cursor" else ""),
                self.name,
            )
        require(self.by is None or callable(self.by), "by is a function of the script", self.name)


@dataclass(frozen=True)
class SplitStep(_OfParts):
    """`step` becomes the steps `into`, in the order in which a run goes through them.

    A run that stands on it stands on `cursor` then (one of them, or a function of document and position that names one); what waits there
    keeps its id, key and payload. `pending`: which of them has arrived where the step had arrived at a join. `output`: which of them has
    the step's output (the last). `by` is the argument of the `merge_steps` of the way back.
    """

    name: ClassVar[str] = "split_step"
    step: str
    into: tuple[str, ...]
    cursor: str | Choice | None = None
    pending: str | None = None
    output: str | None = None
    by: Function | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "into", _names(self.into, "into", self.name))
        self._check(self.into, self.step)

    def inverse(self) -> Operation:
        return MergeSteps(self.into, self.step, self.by, self.cursor, self.pending, self.output)

    def lower(self) -> tuple[Instruction, ...]:
        output = self.output or self.into[-1]
        return (Divide(self.step, self.into, output, self.cursor, self.pending, self.by),)

    def flow_after(self, flow: Flow) -> Flow:
        return flow_changes.divided(flow, self.step, self.into)

    def describe(self) -> str:
        return f"step {self.step} becomes {' and '.join(self.into)}"


@dataclass(frozen=True)
class MergeSteps(_OfParts):
    """The `steps` become one, `into`. Positions on several of them become one. `by` makes one value of {step: value} of what they have put
    out, or have written for a join, where that differs; without it objects that say nothing different become one object.

    `cursor`, `pending` and `output` are the arguments of the `split_step` of the way back, for runs that were born at the new version.
    """

    name: ClassVar[str] = "merge_steps"
    steps: tuple[str, ...]
    into: str
    by: Function | None = None
    cursor: str | Choice | None = None
    pending: str | None = None
    output: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", _names(self.steps, "steps", self.name))
        require(isinstance(self.into, str), "into is the name of the new step", self.name)
        self._check(self.steps, self.into)

    def inverse(self) -> Operation:
        return SplitStep(self.into, self.steps, self.cursor, self.pending, self.output, self.by)

    def lower(self) -> tuple[Instruction, ...]:
        output = self.output or self.steps[-1]
        return (Unite(self.steps, self.into, output, self.cursor, self.pending, self.by),)

    def flow_after(self, flow: Flow) -> Flow:
        return flow_changes.united(flow, self.steps, self.into)

    def describe(self) -> str:
        return f"steps {' and '.join(self.steps)} become {self.into}"


@dataclass(frozen=True)
class ReorderSteps(OnSteps):
    """Steps that follow each other come in another order, `order`. A run that is in the middle of them stands on the first that it has not
    done, where what it has done comes first in both orders; `cursor` says what becomes of it elsewhere (as in `remove_step`). `was` is
    the order before; the snapshot of the version before knows it too."""

    name: ClassVar[str] = "reorder_steps"
    order: tuple[str, ...] | None
    was: tuple[str, ...] | None = None
    cursor: Policy | None = None

    def __post_init__(self) -> None:
        given = [names for names in (self.order, self.was) if names is not None]
        require(bool(given), "give the new order of the steps", self.name)
        for argument in ("order", "was"):
            if getattr(self, argument) is not None:
                object.__setattr__(self, argument, _names(getattr(self, argument), argument, self.name))
        require(
            len({frozenset(names) for names in given}) == 1, "order and was name the same steps", self.name
        )
        require(self.order != self.was, "the new order is the old one", self.name)
        require(
            self.cursor is None or isinstance(self.cursor, Policy),
            "cursor is op.forward(to), op.back(to), op.hold(), op.pin() or op.fail()",
            self.name,
        )

    def inverse(self) -> Operation:
        return ReorderSteps(self.was, self.order, self.cursor)

    def lower(self) -> tuple[Instruction, ...]:
        return (Reorder(self.order, self.was, self.cursor or _REFUSE),)

    def describe(self) -> str:
        return f"steps come in another order: {', '.join(self.order or self.was or ())}"

    @property
    def needs_flow(self) -> bool:
        return self.was is None

    def settle(self, flow: Flow) -> Operation:
        order = self.order or ()
        before = dominators(flow.steps, flow.start)
        places = {step: len(before.get(step, frozenset()) & set(order)) for step in order}
        if sorted(places.values()) != list(range(1, len(order) + 1)):
            return self  # not one after the other: nothing is known of their order
        was = tuple(sorted(order, key=places.__getitem__))
        return self if was == order else replace(self, was=was)

    def flow_after(self, flow: Flow) -> Flow:
        if self.order is None or self.was is None:
            return flow
        return flow_changes.reordered(flow, self.was, self.order)
