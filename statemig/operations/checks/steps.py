"""Do the steps exist that an operation names?"""

from __future__ import annotations

from collections.abc import Iterator

from statemig.operations.asking import MapWaiting
from statemig.operations.base import Operation
from statemig.operations.checks.suggest import meant
from statemig.operations.flows import MergeSteps, ReorderSteps, SplitStep
from statemig.operations.joins import ChangeJoin, DropPending, Requeue
from statemig.operations.steps import AddStep, RemoveStep, RenameStep
from statemig.plan.instructions import Policy
from statemig.workflow.snapshot import Snapshot


class Steps:
    """The names of the steps at one point of a script. Of a workflow that has none written down nothing is known."""

    def __init__(self, before: Snapshot, after: Snapshot | None) -> None:
        self.known = bool(before.steps)
        #: every name, and whether a step of that name can be added: it was removed and is only passed through
        self.names = {name: info.removed for name, info in before.steps.items()}
        self.later = set(after.steps) if after is not None else set()

    def apply(self, operation: Operation) -> None:
        match operation:
            case RenameStep(old, to):
                self._replace([old], [to])
            case RemoveStep(step):
                self._replace([step], [])
            case AddStep(step):
                self._replace([], [step])
            case SplitStep(step, into):
                self._replace([step], into)
            case MergeSteps(steps, into):
                self._replace(steps, [into])
            case ChangeJoin(_, branches):  # a branch may be new
                self._replace([], [name for name in branches or () if name not in self.names])

    def _replace(self, old: tuple[str, ...] | list[str], new: tuple[str, ...] | list[str]) -> None:
        for name in old:
            self.names.pop(name, None)
        for name in new:
            self.names[name] = False


#: the name that is wrong, and what is wrong with it
Named = tuple[str, str]


def problems(operation: Operation, steps: Steps) -> Iterator[Named]:
    """What is wrong with the names of steps in an operation."""
    if not steps.known:
        return
    match operation:
        case RenameStep(old, to):
            yield from _unknown([old], steps)
            yield from _taken(to, steps)
        case RemoveStep(step, cursor, _, after):
            yield from _unknown([step], steps)
            yield from _policy(cursor, step, steps, later=True)
            yield from _unknown([after], steps, " that after names")
        case AddStep(step, after, _, down):
            yield from _taken(step, steps)
            yield from _unknown([after], steps, " that after names")
            yield from _policy(down, step, steps, later=False)
        case SplitStep(step, into):
            yield from _unknown([step], steps)
            for name in into:
                if name != step:
                    yield from _taken(name, steps)
        case MergeSteps(several, into):
            yield from _unknown(several, steps)
            if into not in several:
                yield from _taken(into, steps)
        case ReorderSteps(order, _, cursor):
            yield from _unknown(order or (), steps)
            yield from _policy(cursor, "", steps, later=True)
        case ChangeJoin(step, branches):
            yield from _unknown([step], steps)
            if steps.later:  # a branch may be new
                yield from _unknown([name for name in branches or () if name not in steps.later], steps)
        case MapWaiting(step) | DropPending(step) | Requeue(step):
            yield from _unknown([step], steps)


def _unknown(
    names: tuple[str, ...] | list[str] | list[str | None], steps: Steps, what: str = ""
) -> Iterator[Named]:
    for name in names:
        if name is not None and name not in steps.names:
            yield name, _said(f"there is no step {name}{what}", meant(name, steps.names, "steps"))


def _taken(name: str, steps: Steps) -> Iterator[Named]:
    if steps.names.get(name) is False:
        hint = "Choose another name, or rename or remove that step first"
        yield name, _said(f"there is a step {name} already", hint)


def _policy(policy: Policy | None, step: str, steps: Steps, *, later: bool) -> Iterator[Named]:
    if policy is None or policy.to is None or (policy.to in steps.names and policy.to != step):
        return
    if later and policy.to in steps.later:
        return
    others = [name for name in steps.names if name != step]
    text = f"op.{policy.kind}({policy.to!r}) sends runs to a step that does not exist"
    yield policy.to, _said(text, meant(policy.to, others, "steps"))


def _said(message: str, hint: str | None) -> str:
    return message if hint is None else f"{message}. {hint}"
