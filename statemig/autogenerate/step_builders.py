"""From changes of steps to operations: renames first, then what is new, then what is gone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from statemig.autogenerate.built import Built, Step, nothing, one
from statemig.autogenerate.change import Change
from statemig.autogenerate.fill import zero
from statemig.autogenerate.rules import NO_OPERATION, RULES
from statemig.autogenerate.steps import StepMatch, output_of
from statemig.operations.asking import MapWaiting
from statemig.operations.base import Operation
from statemig.operations.flows import ReorderSteps
from statemig.operations.joins import ChangeJoin, Requeue
from statemig.operations.recorder import Operations
from statemig.operations.steps import RenameStep
from statemig.plan.instructions import Policy
from statemig.shapes.shape import Missing
from statemig.workflow.flow import StepInfo, predecessors, reachable, successors
from statemig.workflow.snapshot import Snapshot

CURSOR_NOTE: Final = "assumed: where should runs standing here go?"
BACKFILL_NOTE: Final = "assumed: what should runs past it have as its output?"
ORDER_NOTE: Final = (
    "to decide: cursor=...; until then a run in the middle of them stays as it is and is listed"
)
BRANCH_NOTE: Final = (
    'to decide: new_branch="start" or "arrived"; until then a run past the fork stays as it is'
)
PENDING_NOTE: Final = 'to decide: is it done again, as here, or given up: op.drop_pending(..., why="...")?'
NEW_JOIN: Final = (
    "a run that is past the place where the branches begin has started only some of them, and the new join would wait for ever; let such "
    "runs go past it on their own version first"
)
AGAIN_NOTE: Final = "assumed: may it be done again, where what it has written was not taken up?"

#: rules about steps: their operations come last, by the names that steps have then
FLOW_RULES: Final = ("W03", "W04", "W05", "W06", "W07", "W08", "W11")


def build_steps(
    changes: list[Change], old: Snapshot, new: Snapshot, match: StepMatch
) -> Iterator[tuple[Change, Built]]:
    """Operations for the changes of steps, in an order in which each name that is used is there."""
    renames = [change for change in changes if change.rule == "W04" and change.direction == "renamed"]
    removals = [change for change in changes if change.rule == "W04" and change.direction == "removed"]
    additions = [change for change in changes if change.rule == "W03"]
    taken = {_detail(change)[1] for change in renames} & set(match.gone)
    if taken:  # a removed step's name is used again: it has to go first, so its policy speaks of old names
        for change in removals:
            yield change, _removal(change, old, new, {})
    for change in _untangled(renames):
        was, now = _detail(change)
        yield change, _of(change, RenameStep(was, now))
    for change in additions:
        yield change, _addition(change, old, new, match)
    if not taken:
        for change in removals:
            yield change, _removal(change, old, new, match.kept)
    done: set[str] = set()
    for change in changes:
        if change.rule not in ("W03", "W04"):
            built = _outstanding(change)
            lines = {step.operation.source() for step in built.steps}
            yield (
                change,
                replace(built, steps=tuple(s for s in built.steps if s.operation.source() not in done)),
            )
            done |= lines  # several changes may need the same


def _of(change: Change, *operations: Operation, note: str | None = None) -> Built:
    return Built(tuple(Step(operation, change, note=note) for operation in operations))


def _outstanding(change: Change) -> Built:
    """What becomes of runs that stand where the flow around them has changed."""
    detail = _detail(change)
    match change.rule, detail:
        case "W05", tuple() as order if order:
            return _of(change, ReorderSteps(order), note=ORDER_NOTE)
        case "W06", tuple() as steps if steps:
            return _of(change, *map(Requeue, steps), note=PENDING_NOTE)
        case "W06", ():
            return Built()  # the steps that asked with it are gone, which says what becomes of their runs
        case "W07", (step, branches, True, grown) if branches:
            return _of(change, ChangeJoin(step, branches), note=BRANCH_NOTE if grown else None)
        case "W07", (_, _, False, _):
            return nothing(change, NEW_JOIN)
        case "W08", (step, questions):
            return _of(change, MapWaiting(step, order=questions))
        case "W11", str() as step:
            return _of(change, Requeue(step), note=AGAIN_NOTE)
        case _:
            return nothing(change) if change.operation != NO_OPERATION else Built()


def _detail(change: Change) -> Any:
    return change.site.detail if change.site is not None else None


def _untangled(renames: list[Change]) -> Iterator[Change]:
    """A name is given only once its former owner has another."""
    waiting = list(renames)
    while waiting:
        held = {_detail(change)[0] for change in waiting}
        free = [change for change in waiting if _detail(change)[1] not in held - {_detail(change)[0]}]
        yield from free or waiting
        waiting = [change for change in waiting if free and change not in free]


def _removal(change: Change, old: Snapshot, new: Snapshot, kept: Mapping[str, str]) -> Built:
    """A run that stands on an automatic step goes on to the only step behind it. Otherwise somebody decides: it is held. So is one on
    a branch of a join: put behind it, it would go through the join without the others."""
    name = _detail(change)
    cursor = Policy("hold")
    is_branch = any(name in info.joins for info in old.steps.values())
    if old.steps[name].kind != "human" and not is_branch:
        behind = _behind(name, old.steps, kept)
        if len(behind) == 1:
            cursor = Policy("forward", _not_past(name, behind[0], old, new, kept))
    return one(change, lambda op: op.remove_step(name, cursor=cursor), cursor, CURSOR_NOTE)


def _behind(name: str, steps: Mapping[str, StepInfo], kept: Mapping[str, str]) -> list[str]:
    """The steps behind, removed ones passed through, by the names they have at this point of the script."""
    found: dict[str, None] = {}
    seen = {name}
    pending = list(successors(steps, name))
    while pending:
        step = pending.pop(0)
        if step in seen:
            continue
        seen.add(step)
        if not kept:
            found.setdefault(step)
        elif step in kept:
            found.setdefault(kept[step])
        else:
            pending.extend(successors(steps, step))
    return list(found)


def _not_past(name: str, behind: str, old: Snapshot, new: Snapshot, kept: Mapping[str, str]) -> str:
    """The step behind, or the new step that now stands before it: a run must not skip what nobody let it skip."""
    before = [kept[step] for step in predecessors(old.steps).get(name, ()) if step in kept]
    come = {step for step in new.steps if step not in kept.values()}
    ways = {target for step in before for target in successors(new.steps, step)}
    if behind in ways or not kept:
        return behind
    inserted = [step for step in ways & come if behind in reachable(new.steps, step)]
    return inserted[0] if len(inserted) == 1 else behind


def _addition(change: Change, old: Snapshot, new: Snapshot, match: StepMatch) -> Built:
    name = _detail(change)
    before = predecessors(new.steps).get(name, ())
    known = [step for step in before if step in match.kept.values()]
    after = known[0] if len(known) == 1 else None
    behind = [step for step in successors(new.steps, name) if step in match.kept.values()]
    alone = len(behind) == 1 and new.steps[name].kind != "human"
    down = Policy("forward", behind[0]) if alone else None
    if not _is_read(name, new):
        return one(change, lambda op: op.add_step(name, after=after, down=down))
    if new.steps[name].kind == "human":
        built = one(change, lambda op: op.add_step(name, after=after, down=down))
        return Built(
            built.steps,
            reason=f"{RULES['W03'].name}: later steps read an answer that nobody was asked for; "
            "write passed=op.backfill(...) with what runs past it should have",
        )
    output = output_of(new.reads, name)
    value = None if output is None else zero(output.shape, new.reads)
    if isinstance(value, Missing):
        return Built(
            reason=f"{RULES['W03'].name}: later steps read its output; write add_step with op.backfill(...)"
        )
    passed = Operations.backfill(value)
    return one(
        change,
        lambda op: op.add_step(name, after=after, passed=passed, down=down),
        value,
        BACKFILL_NOTE,
    )


def _is_read(name: str, snapshot: Snapshot) -> bool:
    """Whether another step declares that it reads this one's output."""
    prefixes = (f"outputs.{name}", f'outputs."{name}"')
    return any(
        path == prefix or path.startswith((f"{prefix}.", f"{prefix}[", f"{prefix}{{"))
        for step, info in snapshot.steps.items()
        if step != name
        for path in info.reads
        for prefix in prefixes
    )
