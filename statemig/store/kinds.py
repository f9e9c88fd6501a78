"""Unfinished runs grouped by all that decides about them, counted by the database in one aggregate query."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, case, func, literal, select

from statemig import json_text
from statemig.store.deploy_records import Kind
from statemig.store.tables import runs

_TAGS = (runs.c.revision, runs.c.started_revision, runs.c.pinned_revision, runs.c.canary)


def read(engine: Engine, workflow: str, now: float) -> list[Kind]:
    leased = case((runs.c.lease_until > literal(now), 1), else_=0).label("leased")
    found_of_each = (
        func.count(),
        func.min(runs.c.created_at),
        func.min(runs.c.updated_at),
        func.min(runs.c.run_id),
    )
    grouped = (
        select(*_TAGS, runs.c.standing, leased, *found_of_each)
        .where(runs.c.workflow == workflow, runs.c.phase.in_(("ready", "parked")))
        .group_by(*_TAGS, runs.c.standing, leased)
    )
    with engine.connect() as connection:
        found = connection.execute(grouped).all()
    return [
        Kind(
            revision,
            started,
            pinned,
            _places(standing, bool(held)),
            bool(held),
            count,
            oldest,
            since,
            example,
            canary,
        )
        for revision, started, pinned, canary, standing, held, count, oldest, since, example in found
    ]


def examples(engine: Engine, workflow: str, kind: Kind, now: float, limit: int) -> list[str]:
    """Ids of a kind. The places of a kind are not the text of the column, so it is compared here."""
    wanted = (
        select(runs.c.run_id, runs.c.standing)
        .where(
            runs.c.workflow == workflow,
            runs.c.phase.in_(("ready", "parked")),
            *(
                column.is_not_distinct_from(value)
                for column, value in zip(
                    _TAGS,
                    (kind.revision, kind.started_revision, kind.pinned_revision, kind.canary),
                    strict=True,
                )
            ),
        )
        .order_by(runs.c.created_at, runs.c.run_id)
    )
    found: list[str] = []
    with engine.connect() as connection:
        for run_id, standing in connection.execution_options(stream_results=True).execute(wanted):
            if _places(standing, kind.leased) == kind.places:
                found.append(run_id)
                if len(found) == limit:
                    break
    return found


def _places(standing: str, leased: bool) -> tuple[tuple[Any, str, str | None], ...]:
    # A position stays "running" in the document of a worker that died; the lease says whether it runs.
    return tuple(
        (step, "ready" if at == "running" and not leased else at, on[0] if on else None)
        for step, at, *on in json_text.loads(standing)
    )
