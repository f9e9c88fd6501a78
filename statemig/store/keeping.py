"""The end of a worker's block: save, merge answers that came meanwhile, or give the run back."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import bindparam, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from statemig import json_text
from statemig.errors import ConflictError, CursorError, InvalidStateError, LeaseLostError, StoreError
from statemig.store import answers
from statemig.store.lowering import as_written
from statemig.store.protocols import Attempt, Moved, StoredRun
from statemig.store.rows import ANY_LEASE, same_run
from statemig.store.run import Run
from statemig.store.stored_runs import TRIES, StoredRuns
from statemig.store.tables import runs

_release = (
    update(runs)
    .where(same_run, runs.c.token == bindparam("was_token"), runs.c.owner == bindparam("was_owner"))
    .values(
        owner=None,
        lease_until=None,
        claimed_at=None,
        claimed_position=None,
        claimed_step=None,
        claimed_revision=None,
        version=runs.c.version + 1,
        updated_at=bindparam("now"),
    )
)
_renew = (
    update(runs)
    .where(same_run, runs.c.token == bindparam("was_token"), runs.c.owner == bindparam("was_owner"))
    .values(lease_until=bindparam("until"))
)
_UNCLAIMED: Final[dict[str, Any]] = {
    "owner": None,
    "lease_until": None,
    "claimed_at": None,
    "claimed_position": None,
    "claimed_step": None,
    "claimed_revision": None,
}


class RunKeeper:
    """Writes runs back for their workers."""

    def __init__(self, store: StoredRuns) -> None:
        self._store = store

    def keep(self, run: Run) -> None:
        try:
            self._keep(run)
        except (InvalidStateError, CursorError, ConflictError) as error:
            # That a load was overtaken is nobody's fault: it holds no lease.
            if not isinstance(error, LeaseLostError if run.claimed else ConflictError):
                self.abandon(run, "error", type(error).__name__)
            raise

    def abandon(self, run: Run, outcome: str, error: str | None) -> None:
        now = self._store.clock()
        row = run.row
        if not run.claimed:
            if outcome == "error":
                self._add_error(replace(self._loaded_attempt(run, now), outcome=outcome, error=error))
            return
        values = {
            "of_workflow": self._store.workflow,
            "run": row.run_id,
            "was_token": row.token,
            "was_owner": row.owner,
        }
        with self._store.engine.begin() as connection:
            if connection.execute(_release, {**values, "now": now}).rowcount == 1:
                self._store.records.add_attempt(connection, claimed_attempt(row, now, outcome, error))

    def prolong(self, run: Run, ttl: float) -> StoredRun:
        row = run.row
        if not run.claimed:
            raise StoreError(
                "a loaded run has no lease", run_id=run.run_id, hint="Take it with claim to hold it"
            )
        until = self._store.clock() + ttl
        values = {
            "of_workflow": self._store.workflow,
            "run": row.run_id,
            "was_token": row.token,
            "was_owner": row.owner,
        }
        with self._store.engine.begin() as connection:
            if connection.execute(_renew, {**values, "until": until}).rowcount != 1:
                raise _lease_lost(run)
        return replace(row, lease_until=until)

    def _keep(self, run: Run) -> None:
        changed = run.claimed or run.entry is not None or run.outcome is not None
        if not changed and json_text.equal(run.base(), run.document):
            return
        self._store.require_valid(run.document, run.run_id)
        for _ in range(TRIES):
            now = self._store.clock()
            row = run.row
            tags: dict[str, Any] = dict(_UNCLAIMED)
            if not run.claimed:
                # Whoever held a lease that ran out is fenced off by the new token.
                tags["token"] = row.token + 1
            moved = Moved(row, run.document, self._store.head, run.complement, run.entry)
            _settle(run)
            written = as_written(self._store, moved, "claim" if run.claimed else "load")

            def write_down(connection: Connection, row: StoredRun = row, now: float = now) -> None:
                if row.owner is not None and not run.claimed:
                    self._store.records.add_attempt(connection, claimed_attempt(row, now, "lost", None))
                if run.claimed:
                    outcome = run.outcome or "released"
                    self._store.records.add_attempt(connection, claimed_attempt(row, now, outcome, run.error))
                elif run.outcome is not None:
                    self._store.records.add_attempt(connection, self._loaded_attempt(run, now))

            new = self._store.commit(written, now, ANY_LEASE if run.claimed else now, also=write_down, **tags)
            if new is not None:
                run.row = new
                return
            self._merge_answers(run)
        raise ConflictError("others kept writing the run", run_id=run.run_id, hint="Take it again")

    def _merge_answers(self, run: Run) -> None:
        """A person may answer another branch while a worker has the run: take such answers over, and nothing else."""
        row = self._store.row(run.run_id)
        if row.token != run.row.token:
            raise _lease_lost(run) if run.claimed else _overtaken(run)
        in_memory = row.revision != self._store.head
        if in_memory and (row.revision != run.row.revision or row.complement != run.row.complement):
            raise _overtaken(run)
        if not run.claimed and row.leased(self._store.clock()):
            raise _overtaken(run)
        if in_memory:
            if run.entry is not None and not run.claimed:
                raise _overtaken(run)
            stored = self._store.bring(row, cause="claim").document
        else:
            stored = self._store.rows.document(row)
        came = answers.since(run.base(), stored)
        if came is None or not answers.take_over(run.document, came):
            raise _overtaken(run)
        run.row = row
        run.entry = None
        run.base = lambda: stored

    def _add_error(self, attempt: Attempt) -> None:
        """Of a run that was loaded: its row stays as it is, so nobody else is disturbed."""
        for _ in range(TRIES):
            try:
                with self._store.engine.begin() as connection:
                    self._store.records.add_unclaimed(connection, attempt)
                return
            except IntegrityError:
                continue  # two of one run failed at the same moment

    def _loaded_attempt(self, run: Run, now: float) -> Attempt:
        position = run.position or {}
        return Attempt(
            run_id=run.run_id,
            token=run.row.token + 1,
            step=run.step,
            position=position.get("id"),
            revision=self._store.head,
            worker=None,
            started_at=run.taken_at,
            ended_at=now,
            outcome=run.outcome or "done",
            error=run.error,
            idempotency_key=run.idempotency_key if "id" in position else None,
        )


def _settle(run: Run) -> None:
    """A claimed position that was not moved on is ready again."""
    if run.claimed and run.outcome is None and run.position is not None:
        for position in run.document.get("cursor") or ():
            if position.get("id") == run.position.get("id") and position.get("status") == "running":
                position["status"] = "ready"


def claimed_attempt(row: StoredRun, now: float, outcome: str, error: str | None) -> Attempt:
    return Attempt(
        run_id=row.run_id,
        token=row.token,
        step=row.claimed_step,
        position=row.claimed_position,
        revision=row.claimed_revision or row.revision or "",
        worker=row.owner,
        started_at=row.claimed_at or row.updated_at,
        ended_at=now,
        outcome=outcome,
        error=error,
        idempotency_key=f"{row.run_id}/{row.claimed_position}",
    )


def _lease_lost(run: Run) -> LeaseLostError:
    return LeaseLostError(
        "the lease ran out and another worker has taken the run; nothing was written",
        run_id=run.run_id,
        step=run.step,
        hint="Claim with a longer ttl, or renew it during the step; the idempotency key tells what was done twice",
    )


def _overtaken(run: Run) -> ConflictError:
    return ConflictError(
        "somebody else has written the run since it was taken; nothing was written",
        run_id=run.run_id,
        step=run.step,
        hint="Take it again and repeat the change",
    )
