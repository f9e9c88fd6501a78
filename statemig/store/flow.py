"""How a cursor moves through a workflow: going on, forking, joining, waiting, skipping what was removed. Changes the document given.

Steps are a snapshot's; without a snapshot nothing is known of the flow and every step name is accepted.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

from statemig.document import Document, Position, steps_named
from statemig.errors import CursorError
from statemig.workflow.flow import Steps
from statemig.workflow.snapshot import Snapshot


def steps_of(snapshot: Snapshot | None) -> Steps:
    return {} if snapshot is None else snapshot.steps


def new_position(step: str, status: str = "ready", **more: Any) -> Position:
    """A visit of a step. Its id is random: one per visit, kept by every migration, so that it can key side effects."""
    return {"id": secrets.token_hex(6), "step": step, "status": status, **more}


def runnable(document: Document) -> Position | None:
    """The position a worker should take: ready, or running under a lease that is gone; the least tried one first."""
    open_positions = [
        position for position in document.get("cursor") or () if position.get("status", "ready") != "waiting"
    ]
    if document.get("status", "active") != "active" or not open_positions:
        return None
    least: Position = min(open_positions, key=lambda position: position.get("attempt", 0))
    return least


def mark_done(document: Document, step: str) -> None:
    """A runtime that does not know how often steps have finished (no `done`) stays that way."""
    done = document.get("done")
    if done is not None:
        done[step] = done.get(step, 0) + 1


def go_on(document: Document, position: Position, targets: Sequence[str], steps: Steps) -> None:
    """Move from a position to its targets; several are a fork, none ends the branch. The last end finishes the run.

    Raises:
        CursorError: a target is not a step of the workflow, or a join would wait for a branch that nothing can bring.
    """
    cursor: list[Position] = document.setdefault("cursor", [])
    place = _place(cursor, position)
    started: list[Position] = []
    for target in targets:
        _arrive(document, position["step"], target, steps, started, passed=())
    cursor[place : place + 1] = started
    if not cursor:
        stuck = document.get("pending") or []
        if stuck:
            join = stuck[0]["to"]
            arrived = sorted({item["step"] for item in stuck if item["to"] == join})
            missing = sorted(set(steps[join].joins) - set(arrived)) if join in steps else []
            raise CursorError(
                f"the run would end while the join {join!r} still waits for {', '.join(missing) or 'a branch'}",
                step=position["step"],
                hint=f"Arrived: {', '.join(arrived)}. Advance a branch to {join!r}, or call finish()",
            )
        document["status"] = "finished"


def declared_next(step: str, steps: Steps) -> list[str]:
    """Where the workflow says that a step goes on. Raises `CursorError` where that is a choice."""
    info = steps.get(step)
    if info is None:
        return []
    if info.fork:
        return list(info.fork)
    if len(info.next) > 1:
        raise CursorError(
            f"step {step!r} goes on to one of {', '.join(info.next)}, and nobody said which",
            step=step,
            hint=f"Call advance({info.next[0]!r}) or another of them",
        )
    return list(info.next)


def wait(document: Document, position: Position, waiting: Position) -> None:
    """Put a waiting position in the place of another."""
    cursor: list[Position] = document["cursor"]
    cursor[_place(cursor, position)] = waiting


def skip_removed(document: Document, steps: Steps) -> bool:
    """Move positions that stand on a step declared as removed to what follows it. Waiting ones stay: a person was asked."""
    skipped = False
    for position in list(document.get("cursor") or ()):
        info = steps.get(position["step"])
        if info is not None and info.removed and position.get("status", "ready") != "waiting":
            go_on(document, position, declared_next(position["step"], steps), steps)
            skipped = True
    return skipped


def require_step(step: str, steps: Steps) -> None:
    if steps and step not in steps:
        raise CursorError(
            f"the workflow has no step {step!r}",
            step=step,
            hint=f"It has {', '.join(steps)}. A migration may have renamed it",
        )


def require_steps(document: Document, steps: Steps) -> None:
    """Every step the document names must be in the workflow; a position elsewhere would never be taken up."""
    if steps:
        for step, _ in steps_named(document):
            require_step(step, steps)


def _arrive(
    document: Document,
    source: str,
    target: str,
    steps: Steps,
    started: list[Position],
    passed: tuple[str, ...],
) -> None:
    require_step(target, steps)
    info = steps.get(target)
    if info is None:
        started.append(new_position(target))
        return
    if info.removed:
        if target in passed:
            raise CursorError(
                f"the removed steps {', '.join(passed)} lead back to each other",
                step=target,
                hint="Let one of them go on to a step that is not removed",
            )
        for following in declared_next(target, steps):
            _arrive(document, target, following, steps, started, (*passed, target))
        return
    if not info.joins:
        started.append(new_position(target))
        return
    if source not in info.joins:
        raise CursorError(
            f"step {source!r} is none of the branches that {target!r} joins ({', '.join(info.joins)})",
            step=source,
            hint=f"Advance one of them to {target!r}, or add {source!r} to its joins",
        )
    pending: list[dict[str, Any]] = document.setdefault("pending", [])
    pending.append({"id": secrets.token_hex(6), "step": source, "writes": {}, "to": target})
    if set(info.joins) <= {item["step"] for item in pending if item["to"] == target}:
        for branch in info.joins:
            pending.remove(next(item for item in pending if item["to"] == target and item["step"] == branch))
        started.append(new_position(target))


def _place(cursor: list[Position], position: Position) -> int:
    for number, candidate in enumerate(cursor):
        if candidate is position or candidate.get("id") == position.get("id"):
            return number
    raise CursorError(
        "the position that this run was taken at is no longer in its cursor",
        step=position.get("step"),
        hint="Move the cursor with advance, wait, finish or fail, not by hand",
    )
