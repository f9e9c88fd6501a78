"""What became of the runs since a moment, for whoever watches a deploy: without their documents, through the index of the queue."""

from __future__ import annotations

from sqlalchemy import Engine, and_, func, select

from statemig.store.deploy_view import steps_of
from statemig.store.protocols import Answered, Touched
from statemig.store.tables import answers, runs

_PHASES = ("ready", "parked", "ended")


def touched(engine: Engine, workflow: str, since: float) -> list[Touched]:
    """The runs that were written or claimed since then."""
    columns = select(
        runs.c.run_id,
        runs.c.status,
        runs.c.phase,
        runs.c.standing,
        runs.c.revision,
        runs.c.claimed_revision,
        runs.c.claimed_at,
        runs.c.updated_at,
    ).where(runs.c.workflow == workflow)
    # A claim leaves a run's place in the queue, so those that are held are asked for apart.
    held = columns.where(runs.c.phase == "ready", runs.c.updated_at < since, runs.c.claimed_at >= since)
    wanted = columns.where(runs.c.phase.in_(_PHASES), runs.c.updated_at >= since).union_all(held)
    with engine.connect() as connection:
        return [
            Touched(run_id, status, phase, steps_of(standing), revision, claimed_revision, claimed, updated)
            for run_id, status, phase, standing, revision, claimed_revision, claimed, updated in (
                connection.execute(wanted)
            )
        ]


def answered(engine: Engine, workflow: str, since: float) -> list[Answered]:
    """Of the runs that were written since then, the steps at which a person has answered: how often, and when last."""
    wanted = (
        select(answers.c.run_id, answers.c.step, func.count(), func.max(answers.c.at))
        .join(runs, and_(runs.c.workflow == answers.c.workflow, runs.c.run_id == answers.c.run_id))
        .where(runs.c.workflow == workflow, runs.c.phase.in_(_PHASES), runs.c.updated_at >= since)
        .group_by(answers.c.run_id, answers.c.step)
        .order_by(answers.c.run_id, answers.c.step)
    )
    with engine.connect() as connection:
        return [Answered(*found) for found in connection.execute(wanted)]
