"""The ways in which a run may stand in a flow: positions, what has arrived at joins, what is done.

All that the flow leads to from its start, as far as they are few; each step alone besides, since runs of older versions may have been
put where the flow does not lead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from statemig.document import Document
from statemig.workflow import flow
from statemig.workflow.flow import Steps
from statemig.workflow.snapshot import Snapshot

_MOST: Final = 400
_VISITS: Final = 2


@dataclass(frozen=True, slots=True)
class Standing:
    """`at`: the steps that run; `arrived`: (branch, join) of what waits; `done`: the steps that are finished. `real`: the flow leads
    there."""

    at: tuple[str, ...]
    arrived: tuple[tuple[str, str], ...] = ()
    done: frozenset[str] = frozenset()
    real: bool = True


def standings(snapshot: Snapshot) -> tuple[list[Standing], bool]:
    """Every way to stand, and whether these are all that the flow leads to."""
    steps = snapshot.steps
    found: dict[Standing, None] = {}
    whole = True
    todo = [Standing((snapshot.start,))] if snapshot.start in steps and snapshot.start is not None else []
    while todo:
        here = todo.pop()
        if here in found:
            continue
        if len(found) >= _MOST:
            whole = False
            break
        found[here] = None
        for number in range(len(here.at)):
            todo.extend(_after(here, number, steps))
    passed = flow.dominators(steps, snapshot.start)
    for step in steps:
        if not any(each.at == (step,) for each in found):
            found[Standing((step,), done=passed.get(step, frozenset()) - {step}, real=False)] = None
    return list(found), whole


def _after(here: Standing, number: int, steps: Steps) -> Iterator[Standing]:
    """Where the run may stand when one of its positions is finished."""
    step = here.at[number]
    rest = (*here.at[:number], *here.at[number + 1 :])
    targets = flow.successors(steps, step)
    ways: list[tuple[str, ...]] = [targets] if steps[step].fork else [(target,) for target in targets] or [()]
    for chosen in ways:
        at, arrived = list(rest), list(here.arrived)
        for target in chosen:
            awaited = steps[target].joins
            if step not in awaited:
                at.append(target)
                continue
            if (step, target) not in arrived:
                arrived.append((step, target))
            if all((branch, target) in arrived for branch in awaited):
                arrived = [each for each in arrived if each[1] != target]
                at.append(target)
        # A loop that forks again and again would never end.
        if all(at.count(name) <= _VISITS for name in at):
            yield Standing(tuple(sorted(at)), tuple(sorted(arrived)), here.done | {step})


def documents(standing: Standing, snapshot: Snapshot, values: dict[str, Any]) -> Iterator[Document]:
    """Run documents that stand so, around a state and outputs: ready and, where somebody is asked, waiting; with and without writes that a
    join has not taken up; and once without a record of what is done."""
    asked = any(_asks(snapshot, step) for step in standing.at)
    for waiting in (False, True) if asked else (False,):
        for written in (False, True) if standing.arrived else (False,):
            yield _document(standing, snapshot, values, waiting=waiting, written=written)
    bare = _document(standing, snapshot, values, waiting=asked, written=False)
    del bare["done"]
    yield bare


def _asks(snapshot: Snapshot, step: str) -> bool:
    info = snapshot.steps[step]
    return info.kind != "auto" or bool(info.interrupts)


def _document(
    standing: Standing, snapshot: Snapshot, values: dict[str, Any], *, waiting: bool, written: bool
) -> Document:
    cursor = []
    for number, step in enumerate(standing.at):
        position: dict[str, Any] = {"id": f"p{number}", "step": step, "status": "ready"}
        if waiting and _asks(snapshot, step):
            position |= {"status": "waiting", "on": "human", "key": f"k{number}", "payload": {}}
        cursor.append(position)
    outputs = values.get("outputs", {})
    some = dict(list(values["state"].items())[:1]) if isinstance(values.get("state"), dict) else {}
    return {
        "status": "active",
        "state": values.get("state", {}),
        "outputs": {step: value for step, value in outputs.items() if step in standing.done},
        "done": dict.fromkeys(sorted(standing.done), 1),
        "cursor": cursor,
        "pending": [
            {"step": step, "writes": some if written else {}, "to": join} for step, join in standing.arrived
        ],
    }
