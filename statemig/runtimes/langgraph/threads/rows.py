"""A thread as a stored run, and what keeps it from being brought somewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statemig import json_text
from statemig.errors import NewerRevisionError, RevisionError, UnknownRevisionError, UnstampedError
from statemig.runtimes.langgraph.threads.standing import Standing, time_of
from statemig.runtimes.langgraph.threads.tables import Latest
from statemig.store.deploy_records import Kind
from statemig.store.protocols import RunFilter, StoredRun

if TYPE_CHECKING:
    from statemig.migrator import Migrator


def row_of(
    latest: Latest,
    stands: Standing,
    revision: str | None,
    *,
    pinned: str | None,
    canary: str | None,
) -> StoredRun:
    """`revision`: what the thread has, by its stamp or by what is said of threads without one."""
    return StoredRun(
        run_id=latest.thread,
        content=latest.content,
        rest=None,
        status=stands.status,
        phase=stands.phase,
        standing=json_text.dumps(
            [[step, status, *([on] if on else ())] for step, status, on in stands.places]
        ).decode(),
        revision=revision,
        started_revision=latest.started or revision,
        pinned_revision=pinned,
        checked=False,
        complement=None,
        migrations=0,
        version=int(json_text.digest(latest.content, 8)[:8], 16) & 0x7FFFFFFF,
        token=0,
        owner=None,
        lease_until=None,
        claimed_at=None,
        claimed_position=None,
        claimed_step=None,
        claimed_revision=None,
        created_at=time_of(latest.first),
        updated_at=time_of(latest.id),
        canary=canary,
        stamped=latest.revision is not None,
    )


def key_of(kind: Kind) -> tuple[Any, ...]:
    """What threads of a kind have in common."""
    return (kind.revision, kind.started_revision, kind.pinned_revision, kind.canary, kind.places)


def fits(row: StoredRun, where: RunFilter, mixed: bool) -> bool:
    """Whether it is one that is asked for. `mixed`: pending writes are of another revision than the one that is not wanted."""
    return (
        (where.ended or row.status == "active")
        and (where.revision is None or row.revision == where.revision)
        and (where.not_revision is None or row.revision != where.not_revision or mixed)
        and (not where.unstamped or row.revision is None)
        and (where.step is None or any(place[0] == where.step for place in json_text.loads(row.standing)))
    )


def known_revision(migrator: Migrator, row: StoredRun) -> str:
    """Raises `UnstampedError` and `UnknownRevisionError`."""
    if row.revision is None:
        raise UnstampedError(
            "the thread does not say which revision it has",
            run_id=row.run_id,
            workflow=migrator.workflow,
            hint=f"Be sure which it is, and say it: `statemig stamp REV {row.run_id}`",
        )
    if row.revision not in migrator.known:
        raise UnknownRevisionError(
            "this code does not know the revision",
            run_id=row.run_id,
            workflow=migrator.workflow,
            revision=row.revision,
            hint="A newer deploy wrote it: use its migrations folder, or leave the thread to a newer worker",
        )
    return row.revision


def require_way(migrator: Migrator, run_id: str, revision: str, target: str, *, down: bool) -> None:
    """Raises where a thread can not be brought there in that direction."""
    lower, upper = (target, revision) if down else (revision, target)
    if migrator.leads(lower, upper):
        return
    if down:
        raise RevisionError(
            f"the thread does not stand on revision {target}, so there is no way down to it",
            run_id=run_id,
            workflow=migrator.workflow,
            revision=revision,
        )
    raise NewerRevisionError(
        f"the thread is not below revision {target}, so it cannot be upgraded to it",
        run_id=run_id,
        workflow=migrator.workflow,
        revision=revision,
        hint="Downgrade it, or leave it to a worker of its version",
    )
