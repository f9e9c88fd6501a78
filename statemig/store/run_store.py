"""Where runs live: started, claimed, loaded, read, answered; upgraded by the write that is made anyway."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pydantic import BaseModel
from sqlalchemy import Engine
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from statemig import json_text
from statemig.document import Document, Position, new_document
from statemig.errors import (
    ConflictError,
    CursorError,
    NewerRevisionError,
    StatemigError,
    UnknownRevisionError,
)
from statemig.migrator import Migrator
from statemig.store import answering, flow
from statemig.store.deploy_claims import Claims
from statemig.store.deploy_routing import View
from statemig.store.keeping import RunKeeper, claimed_attempt
from statemig.store.lowering import as_written
from statemig.store.protocols import HistoryEntry, Moved, RunFilter, StoredRun
from statemig.store.rows import ANY_LEASE
from statemig.store.run import Run, RunView, plain
from statemig.store.run_table import RunTable
from statemig.store.stored_runs import TRIES, StoredRuns


class RunStore(StoredRuns):
    """The runs of one workflow in a database, in statemig's own table or in the user's.

    Args:
        url_or_engine: an SQLAlchemy URL (``sqlite:///runs.db``) or an engine, which is taken as it is.
        migrator: knows the revisions; `head` is the one that runs are brought to.
        table: a `RunTable`, where the documents are in a table of the user's.
        unstamped: the revision to assume for a document that does not say its own; without it such a one is refused.
        history_limit: how many migrations of a run are listed; the way back does not depend on it.
        create: make the tables at first use.
        clock: seconds since the epoch.

    Safe for threads and processes: every write compares version and fencing token and swaps. A lease that ran out makes a step
    at-least-once, so side effects carry `Run.idempotency_key`.
    """

    def __init__(
        self,
        url_or_engine: str | Engine,
        migrator: Migrator,
        *,
        table: RunTable | None = None,
        unstamped: str | None = None,
        history_limit: int = 50,
        create: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(
            url_or_engine,
            migrator,
            table=table,
            unstamped=unstamped,
            history_limit=history_limit,
            create=create,
            clock=clock,
        )
        self._keeper = RunKeeper(self)
        self._claims = Claims(self)

    # -- a run's life --------------------------------------------------------------------------------------------------

    def start(
        self, state: dict[str, Any] | BaseModel, *, run_id: str | None = None, step: str | None = None
    ) -> str:
        """Start a run at head and return its id. It stands, ready, at `step` or where the workflow starts.

        Where an older revision is preferred it is a run of that one: the state, which is head's, is brought down to it.

        Raises:
            DrainingError: no new runs start now, of the workflow or of that version.
            InvalidStateError: the state does not fit head.
            ConflictError: a run with that id is there already.
        """
        rows = self.rows
        first = step if step is not None else (self.snapshot.start if self.snapshot else None)
        if first is not None:
            flow.require_step(first, self.steps)
        run_id = uuid.uuid4().hex if run_id is None else run_id
        cursor = [] if first is None else [flow.new_position(first)]
        document = new_document(plain(state, self.snapshot), cursor)
        flow.skip_removed(document, self.steps)
        self.require_valid(document, run_id)
        row, document = self._claims.started(self.blank(run_id, self.head), document)
        try:
            with self.engine.begin() as connection:
                rows.insert(connection, row, document)
                self._claims.require_open(connection, row)
        except IntegrityError as error:
            raise ConflictError(
                "the run could not be inserted; most likely one with that id is there already",
                run_id=run_id,
                hint="Give another run_id, or load the one that is there",
            ) from error
        return run_id

    def claim(self, worker: str, ttl: float = 60) -> Run | None:
        """Take the next run that this worker can run, or None. One UPDATE stores its document at head, the owner, the lease of
        `ttl` seconds and the fencing token.

        Never taken: runs of revisions that this migrator does not know, pinned to another revision, held, or failed to migrate at
        this head (listed by `failures`). An expired lease is taken over: the step runs again.
        """
        view = self._claims.enter(worker, ttl)
        if view.decides:
            taken = (self._take(row, worker, ttl, view) for row in self._claims.offered(view, self.clock()))
            return next((run for run in taken if run is not None), None)
        candidates = self.candidates
        tried: set[tuple[str, int]] = set()
        more = False
        while True:
            now = self.clock()
            fresh = [
                row for row in candidates.ready(now, more=more) if (row.run_id, row.version) not in tried
            ]
            if not fresh:
                break
            for row in fresh:
                tried.add((row.run_id, row.version))
                run = self._take(row, worker, ttl)
                if run is not None:
                    return run
            more = True
        for row in candidates.parked(now):
            run = self._take(row, worker, ttl)
            if run is not None:
                return run
        return None

    def load(self, run_id: str, *, step: str | None = None) -> Run:
        """A run for code that schedules by itself: at head, written back at the end of the block if anything changed.

        It is taken at its position on `step`, or at the first that is ready, or the first at all.

        Raises:
            RunNotFoundError: there is none.
            ConflictError: a worker's lease on it is alive.
            RoutedElsewhereError: it is of another version, and the deploy's policies leave it there.
            MigrationHeld, MigrationPinned, UnknownRevisionError, UnstampedError, InvalidStateError, ...: it can not be brought to
                head; it is unchanged and listed by `failures`.
        """
        row = self.row(run_id)
        now = self.clock()
        if row.leased(now):
            raise ConflictError(
                f"worker {row.owner} holds the run",
                run_id=run_id,
                hint="Wait for it or for the end of its lease, or use store.read(run_id)",
            )
        self._claims.require_ours(row)
        try:
            moved = self.bring(row, cause="load")
            flow.skip_removed(moved.document, self.steps)
        except StatemigError as error:
            self.record_failures([(row, error)], self.head)
            raise
        return self._handed(row, moved, self._position_for(moved.document, step, run_id), now)

    def read(self, run_id: str) -> RunView:
        """The run as it would be at head; never writes. Raises as `load` does, but for a lease."""
        row = self.row(run_id)
        moved = self.bring(row, cause="read", record=None)
        return RunView(
            run_id=run_id,
            document=moved.document,
            revision=moved.revision,
            stored_revision=row.revision,
            started_revision=row.started_revision,
            pinned_revision=row.pinned_revision,
            owner=row.owner,
            lease_until=row.lease_until,
        )

    def answer(self, run_id: str, key: str, value: Any) -> None:
        """Bring a person's answer to the position that waits for `key`; the run is ready again.

        The run is brought to head in the same write. Where it can not be (held, pinned, failed, or under a worker's lease at an
        older revision) the answer is stored at the revision the run has, so it is never lost. The same answer again is no error.

        Raises:
            AnswerError: nothing waits for that key, it was answered otherwise, or the answer does not fit the step's output.
        """
        answering.answer(self, run_id, key, plain(value, self.snapshot))

    # -- migrating on purpose ------------------------------------------------------------------------------------------

    def upgrade(self, run_id: str, to: str = "head") -> str:
        """Bring one stored run up to a revision now, with a reverse patch for the exact way back.

        Returns "upgraded" or "current". Raises as `load` does.
        """
        return self._move(run_id, to, down=False)

    def downgrade(self, run_id: str, to: str) -> str:
        """Bring one stored run down to a revision. Returns "downgraded" or "current".

        While the document is exactly as an upgrade left it, that upgrade's reverse patch is applied; otherwise the script's way down,
        with the run's complement. A worker of head that claims the run brings it up again.
        """
        return self._move(run_id, to, down=True)

    def _move(self, run_id: str, to: str, *, down: bool) -> str:
        target = self.migrator.resolve(to)
        self.require_in_use(target)
        row = self.row(run_id)
        moved = self.bring(row, target, record="complement" if down else "patch", down=down)
        if moved.entry is None and row.revision == moved.revision:
            return "current"
        if not self.swap([moved])[0]:
            raise ConflictError(
                "a worker holds the run, or somebody has written it meanwhile; nothing was written",
                run_id=run_id,
                hint="Try again when the worker is done",
            )
        return "downgraded" if down else "upgraded"

    def stamp(self, revision: str, run_ids: Sequence[str] | None = None) -> int:
        """Say which revision documents have, without touching them: those runs, or else all that do not say it. Returns how many.

        Runs under a worker's lease are left out.
        """
        target = self.migrator.resolve(revision)
        stamped = 0
        where = (
            RunFilter(unstamped=True, ended=True)
            if run_ids is None
            else RunFilter(run_ids=run_ids, ended=True)
        )
        for batch in self.iterate(where):
            now = self.clock()
            moved = [
                Moved(
                    row,
                    self.document(row),
                    target,
                    None if row.complement is None else json_text.loads(row.complement),
                    HistoryEntry(row.migrations + 1, now, "stamp", "eager", row.revision, target),
                    checked=False,
                )
                for row in batch
            ]
            stamped += sum(self.swap(moved))
        return stamped

    def pin(self, run_id: str, revision: str | None) -> None:
        """Keep a run with workers of one revision; None lets it go again. Raises `RetiredError`."""
        target = None if revision is None else self.migrator.resolve(revision)

        def in_use(connection: Connection) -> None:
            self.deploy.hold(connection)
            self.deploy.refuse_retired(connection, target)

        for _ in range(TRIES):
            row = self.row(run_id)
            same = Moved(row, self.document(row), row.revision or "", None, None, checked=row.checked)
            tags = {"pinned_revision": target, "revision": row.revision}
            if self.commit(same, self.clock(), ANY_LEASE, also=in_use, **tags):
                return
        raise ConflictError("others kept writing the run", run_id=run_id, hint="Pin it again")

    def drain(self, on: bool = True) -> None:
        """Start no new runs of the workflow, in any process, until `drain(False)`."""
        # Two that drain at the same moment want the same: the second insert finds it done.
        with suppress(IntegrityError), self.engine.begin() as connection:
            self.records.turn(connection, "draining", "true" if on else None)

    def draining(self) -> bool:
        with self.engine.connect() as connection:
            return self.records.switch(connection, "draining") is not None

    def _take(self, row: StoredRun, worker: str, ttl: float, view: View | None = None) -> Run | None:
        now = self.clock()
        try:
            moved = self.bring(row, cause="claim")
            document = moved.document
            flow.skip_removed(document, self.steps)
            position = flow.runnable(document)
            if position is not None:
                flow.require_step(position["step"], self.steps)
        except (UnknownRevisionError, NewerRevisionError) as error:
            if row.revision is None:
                raise
            # One run of that revision is listed; the others are not even looked at, for in a rolling deploy they are many.
            self.record_failures([(row, error)], self.head)
            self.candidates.exclude(row.revision)
            return None
        except StatemigError as error:
            self.record_failures([(row, error)], self.head)
            return None
        if position is None:
            if row.phase == "ready":
                # Nothing to do after all (a removed step was the last); written, or it would be looked at for ever.
                self.commit(moved, now, now)
            return None
        position.setdefault("id", flow.new_position("")["id"])
        position["status"] = "running"
        position["attempt"] = position.get("attempt", 0) + 1

        def write_down(connection: Connection) -> None:
            if row.owner is not None:
                self.records.add_attempt(connection, claimed_attempt(row, now, "lost", None))

        stored = moved if view is None else as_written(self, moved, "claim", view)
        new = self.commit(
            stored,
            now,
            now,
            also=write_down,
            # The place in the queue stays: a claim changes no index. Its end sends the run to the back.
            updated_at=row.updated_at,
            token=row.token + 1,
            owner=worker,
            lease_until=now + ttl,
            claimed_at=now,
            claimed_position=position["id"],
            claimed_step=position["step"],
            claimed_revision=self.head,
        )
        if new is None:
            return None
        base: Callable[[], Document] = lambda: self.rows.document(new)  # noqa: E731
        if stored.lowered:
            base = lambda: self.bring(new, cause="claim").document  # noqa: E731
        return Run(
            self._keeper,
            self.snapshot,
            row=new,
            document=document,
            base=base,
            position=position,
            revision=self.head,
            claimed=True,
            complement=moved.complement if stored.lowered else None,
            entry=None,
            taken_at=now,
        )

    def _handed(self, row: StoredRun, moved: Moved, position: Position | None, now: float) -> Run:
        base: Callable[[], Document]
        if moved.entry is None:
            base = lambda: self.rows.document(row)  # noqa: E731
        else:
            # Rarely asked for, and a migration gives the same again.
            base = lambda: self.bring(row, cause="load").document  # noqa: E731
        return Run(
            self._keeper,
            self.snapshot,
            row=row,
            document=moved.document,
            base=base,
            position=position,
            revision=self.head,
            claimed=False,
            complement=moved.complement,
            entry=moved.entry,
            taken_at=now,
        )

    def _position_for(self, document: Document, step: str | None, run_id: str) -> Position | None:
        cursor = document.get("cursor") or []
        if step is None:
            return flow.runnable(document) or (cursor[0] if cursor else None)
        for position in cursor:
            if position["step"] == step:
                found: Position = position
                return found
        raise CursorError(
            f"the run does not stand at {step!r}",
            run_id=run_id,
            step=step,
            hint=f"It stands at {', '.join(position['step'] for position in cursor) or 'no step'}",
        )
