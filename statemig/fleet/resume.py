"""A copy of a migrated run goes on in memory, step by step, until it waits, ends, or gets to a step of which nothing is recorded.

Steps are the functions that a worker calls: ``def classify(run: Run) -> None: run.advance(output=...)``. Nothing is written, and no lease
is taken; what a function does beside the run (calls, mails) it does, so give functions that were made for this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from statemig.document import Document, Position
from statemig.errors import InvalidStateError, StatemigError
from statemig.fleet.rehearsal import Trouble
from statemig.migrator import Migrator
from statemig.plan.values import fresh
from statemig.store import flow
from statemig.store.answers import place
from statemig.store.protocols import StoredRun
from statemig.store.run import Run

Step = Callable[[Run], object]

#: moves after which a run is taken to go in circles
_MOST: Final = 1000


def recorded(output: Any, *to: str) -> Step:
    """A step that puts out what was recorded, and goes on to `to` (where the workflow leaves no choice, as it declares)."""

    def step(run: Run) -> None:
        run.advance(*to, output=fresh(output))

    return step


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is known of the steps of a version: functions by the name of the step, and answers of people likewise."""

    steps: Mapping[str, Step]
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Resumed:
    """How far a copy came. `stopped`: at a step of which nothing is recorded. `trouble`: what went wrong, else None."""

    moves: int
    stopped: str | None = None
    trouble: Trouble | None = None


class _Memory:
    """Keeps a run as a store would: validated, but nowhere."""

    def __init__(self, migrator: Migrator, revision: str) -> None:
        self._migrator = migrator
        self._revision = revision
        snapshot = migrator.snapshot(revision)
        self._steps = flow.steps_of(snapshot)

    def keep(self, run: Run) -> None:
        self._migrator.validate(run.document, self._revision)
        flow.require_steps(run.document, self._steps)

    def abandon(self, run: Run, outcome: str, error: str | None) -> None:
        pass

    def prolong(self, run: Run, ttl: float) -> StoredRun:
        return run.row


def resume(migrator: Migrator, row: StoredRun, document: Document, revision: str, known: Recorded) -> Resumed:
    """Go on from where the document stands. It is changed: give a copy."""
    snapshot = migrator.snapshot(revision)
    steps = flow.steps_of(snapshot)
    memory = _Memory(migrator, revision)
    for moves in range(_MOST):
        position = None
        try:
            flow.skip_removed(document, steps)
            _answer(document, known.answers)
            position = flow.runnable(document)
            if position is None:
                return Resumed(moves)
            function = known.steps.get(position["step"])
            if function is None:
                return Resumed(moves, stopped=position["step"])
            position.setdefault("id", flow.new_position("")["id"])
            position["status"] = "running"
            position["attempt"] = position.get("attempt", 0) + 1
            run = Run(
                memory,
                snapshot,
                row=replace(row, revision=revision),
                document=document,
                base=dict,
                position=position,
                revision=revision,
                claimed=True,
                complement=None,
                entry=None,
                taken_at=0.0,
            )
            with run:
                function(run)
            if run.outcome is None:
                return Resumed(
                    moves, trouble=_failed(position, "the step's function returned and did not move the run")
                )
            document = run.document
        except StatemigError as error:
            trouble = Trouble.of(error, "resume.failed")
            step = trouble.step or (None if position is None else position["step"])
            if isinstance(error, InvalidStateError):  # its own hint is about what was stored
                trouble = replace(trouble, hint="The step's function left that: correct the function")
            return Resumed(moves, trouble=replace(trouble, step=step, revision=revision))
        except Exception as error:  # of the step; what it says may quote the state
            return Resumed(
                moves, trouble=_failed(position, f"the step's function raised {type(error).__name__}")
            )
    return Resumed(
        _MOST, trouble=_failed(None, f"after {_MOST:,} moves it still goes on: it goes in circles")
    )


def _answer(document: Document, answers: Mapping[str, Any]) -> None:
    for position in document.get("cursor") or ():
        if position.get("status") == "waiting" and position["step"] in answers:
            place(position, fresh(answers[position["step"]]))


def _failed(position: Position | None, reason: str) -> Trouble:
    return Trouble("resume.failed", reason, step=None if position is None else position["step"])
