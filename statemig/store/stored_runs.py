"""The stored runs of one workflow: found, counted, brought to another revision in memory, written back by compare-and-swap."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Engine, case, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import SingletonThreadPool, StaticPool

from statemig import json_text
from statemig.document import Document
from statemig.errors import (
    ConflictError,
    ForeignRevisionError,
    InvalidStateError,
    RunNotFoundError,
    StatemigError,
    StoreError,
)
from statemig.migrator import Migrator, Record
from statemig.store import flow, history, kinds, progress, purging
from statemig.store.batches import Batches
from statemig.store.candidates import Candidates
from statemig.store.deploy_beside import RunDeployStore
from statemig.store.deploy_records import Kind
from statemig.store.deploy_store import retired_error
from statemig.store.deploy_view import Watched
from statemig.store.engine import open_engine
from statemig.store.protocols import (
    Answered,
    Attempt,
    Failure,
    Forgotten,
    HistoryEntry,
    Moved,
    RunFilter,
    Standing,
    StoredRun,
    Touched,
)
from statemig.store.records import Records
from statemig.store.rows import HalfWritten, OwnRows, Rows
from statemig.store.run_table import RunTable, UserRows
from statemig.store.tables import prepare, runs

# How often a write that needs no one's work again (an answer, a merge of answers) is tried against others' writes.
TRIES: Final = 100


class StoredRuns:
    """What `RunStore` is built on; implements the `Fleet` protocol. The arguments are those of `RunStore`."""

    keeps_beside = True

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
        if history_limit < 1:
            raise StoreError(
                "history_limit must be at least 1", hint="The newest migration of a run is always listed"
            )
        self._engine = open_engine(url_or_engine)
        self.migrator = migrator
        self.workflow = migrator.workflow
        self.head = migrator.head
        self.snapshot = migrator.snapshot(self.head)
        self.steps = flow.steps_of(self.snapshot)
        self._table = table
        self._unstamped = None if unstamped is None else migrator.resolve(unstamped)
        self._create = create
        self.clock = clock
        self.records = Records(self._engine, self.workflow, history_limit)
        self.deploy = RunDeployStore(self._engine, self.workflow, clock=clock, create=create)
        self.watched = Watched(self.deploy, self.head, migrator.known)
        self._opened: tuple[Rows, Candidates, Batches] | None = None

    @property
    def engine(self) -> Engine:
        """The engine, with the tables made sure of."""
        self._open()
        return self._engine

    @property
    def candidates(self) -> Candidates:
        return self._open()[1]

    def _open(self) -> tuple[Rows, Candidates, Batches]:
        if self._opened is None:
            prepare(self._engine, create=self._create)
            self.deploy.is_prepared()
            rows: Rows = (
                OwnRows(self.workflow, self._engine)
                if self._table is None
                else UserRows(self.workflow, self._table, self._engine)
            )
            self._opened = rows, Candidates(rows, self.workflow, self.head), Batches(rows, self._engine)
        return self._opened

    @property
    def rows(self) -> Rows:
        return self._open()[0]

    # -- many runs: the protocols of the fleet -------------------------------------------------------------------------

    def counts(self) -> list[Standing]:
        """Runs by revision, step and status, counted by the database."""
        live = case((runs.c.lease_until > self.clock(), 1), else_=0)
        grouped = (
            select(runs.c.revision, runs.c.status, runs.c.standing, live, func.count())
            .where(runs.c.workflow == self.workflow)
            .group_by(runs.c.revision, runs.c.status, runs.c.standing, live)
        )
        counted: dict[tuple[str | None, str | None, str, str | None], int] = {}
        with self.engine.connect() as connection:
            for revision, status, standing, leased, count in connection.execute(grouped):
                places = json_text.loads(standing)
                if not places:
                    places = [[None, status]]
                for step, at, *on in places:
                    # A position stays "running" in the document of a worker that died; the lease says whether it runs.
                    shown = "ready" if at == "running" and not leased else at
                    key = (revision, step, shown, on[0] if on else None)
                    counted[key] = counted.get(key, 0) + count
        return [
            Standing(*key, count)
            for key, count in sorted(counted.items(), key=lambda item: [part or "" for part in item[0]])
        ]

    def kinds(self) -> list[Kind]:
        """Unfinished runs, grouped by all that decides about them: one query."""
        return kinds.read(self.engine, self.workflow, self.clock())

    def examples(self, kind: Kind, limit: int = 5) -> list[str]:
        """The ids of some runs of a kind, the oldest first."""
        return kinds.examples(self.engine, self.workflow, kind, self.clock(), limit)

    def untagged(self) -> int:
        """Rows of a user's table that statemig has never written; they are in no kind."""
        return self.rows.untagged()

    def revisions(self) -> list[tuple[str | None, str, int]]:
        """Runs by (revision, status of the run), each run once, counted by the database."""
        grouped = (
            select(runs.c.revision, runs.c.status, func.count())
            .where(runs.c.workflow == self.workflow)
            .group_by(runs.c.revision, runs.c.status)
        )
        with self.engine.connect() as connection:
            return [(revision, status, count) for revision, status, count in connection.execute(grouped)]

    def iterate(self, where: RunFilter | None = None, *, batch: int = 500) -> Iterator[list[StoredRun]]:
        """Batches of rows in the order of their ids, each row once; no transaction stays open in between."""
        return self._open()[2].read(RunFilter() if where is None else where, batch)

    def portions(self, where: RunFilter, size: int) -> list[tuple[RunFilter, int]] | None:
        """Filters that choose each run of `where` once, about `size` at a time, with how many each chooses, for several processes to read;
        None for a database in memory. Closes the idle connections, since a process that is forked off must not inherit any."""
        if isinstance(self._engine.pool, StaticPool | SingletonThreadPool):
            return None
        with self.engine.connect() as connection:
            ends = connection.execute(self.rows.bounds(where, size)).all()
        self._engine.dispose()
        found: list[tuple[RunFilter, int]] = []
        after, before = where.after, 0
        for until, number in ends:
            found.append((replace(where, after=after, until=until), number - before))
            after, before = until, number
        return found

    def document(self, row: StoredRun) -> Document:
        return self.rows.document(row)

    def bring(
        self,
        row: StoredRun,
        to: str | None = None,
        *,
        cause: str = "eager",
        record: Record | None = "complement",
        down: bool = False,
        afresh: bool = False,
    ) -> Moved:
        """The row's document at another revision (head where not given), in memory. With `afresh` it is validated at its own revision
        whatever its stamp says, and is in what is returned."""
        document = self.rows.document(row)
        now = self.clock()
        target = self.head if to is None else to
        if down:
            with self._engine.connect() as connection:
                last = self.records.last(connection, row.run_id)
            patched = history.patched_back(row, document, last, target, now)
            if patched is not None:
                return patched
        return history.bring(
            self.migrator,
            row,
            document,
            to=target,
            unstamped=self._unstamped,
            record=record,
            cause=cause,
            now=now,
            down=down,
            afresh=afresh,
        )

    def swap(self, moved: Sequence[Moved]) -> list[bool]:
        now = self.clock()
        try:
            with self.engine.begin() as connection:
                return [self._write(connection, one, now, now) is not None for one in moved]
        except HalfWritten:
            return [self.commit(one, now, now) is not None for one in moved]

    def require_in_use(self, revision: str) -> None:
        """Raises `RetiredError` where a version was retired: no run may come to it."""
        if revision in self.watched.view().retired:
            raise retired_error(self.workflow, revision)

    def record_failures(
        self, failed: Sequence[tuple[StoredRun, StatemigError]], head: str, *, write: bool = True
    ) -> list[Failure]:
        now = self.clock()
        listed = [history.failure(row, error, head, now) for row, error in failed]
        if listed and write:
            try:
                with self.engine.begin() as connection:
                    self.records.put_failures(connection, listed)
            except IntegrityError:
                # Another worker has listed one of them at the same moment; each for itself then.
                if len(failed) > 1:
                    return [one for pair in failed for one in self.record_failures([pair], head)]
        return listed

    def failures(self, head: str | None = None) -> list[Failure]:
        """Runs that could not be brought to a head (this store's where not given) and have not changed since, with the reason."""
        with self.engine.connect() as connection:
            return self.records.failures(connection, self.head if head is None else head)

    def retry_failed(self, run_ids: Sequence[str] | None = None) -> int:
        """Offer failed runs to `claim` again, for instance after the script was repaired. Returns how many."""
        with self.engine.begin() as connection:
            return self.records.forget_failures(connection, self.head, run_ids)

    def forget(
        self, way_back: Mapping[str, Collection[str]], retired: Collection[str], *, dry_run: bool = False
    ) -> Forgotten:
        """Erase what is kept for the way back to retired versions. `way_back`: each revision whose way back leads nowhere any more, with
        itself and those that stand on it."""
        return purging.forget(self.engine, self.workflow, way_back, retired, self.clock(), dry_run=dry_run)

    def history(self, run_id: str) -> list[HistoryEntry]:
        """The migrations of a run, oldest first."""
        with self.engine.connect() as connection:
            return self.records.history(connection, run_id)

    def attempts(self, run_id: str | None = None, *, since: float = 0.0) -> Iterator[Attempt]:
        """Ended tries of steps, of one run or of all, in the order of their ends."""
        with self.engine.connect() as connection:
            return iter(self.records.attempts(connection, run_id, since))

    def blank(
        self,
        run_id: str,
        revision: str,
        started_revision: str | None = None,
        pinned_revision: str | None = None,
    ) -> StoredRun:
        """The row of a run that is about to come into the store, at a revision."""
        now = self.clock()
        return StoredRun(
            run_id=run_id,
            content="",
            rest=None,
            status="active",
            phase="ready",
            standing="[]",
            revision=revision,
            started_revision=started_revision or revision,
            pinned_revision=pinned_revision,
            checked=True,
            complement=None,
            migrations=0,
            version=0,
            token=0,
            owner=None,
            lease_until=None,
            claimed_at=None,
            claimed_position=None,
            claimed_step=None,
            claimed_revision=None,
            created_at=now,
            updated_at=now,
        )

    def adopt(self, found: Sequence[tuple[StoredRun, Document]]) -> None:
        """Put runs in that come from elsewhere, as they are, in one transaction. Raises `ConflictError` where one is there already."""
        rows = self.rows
        try:
            with self.engine.begin() as connection:
                for row, document in found:
                    rows.insert(connection, row, document)
        except IntegrityError as error:
            raise ConflictError(
                "the runs could not be inserted; most likely one of those names is there already",
                workflow=self.workflow,
                hint="Nothing was written. Use an empty store",
            ) from error

    def touched(self, since: float) -> list[Touched]:
        """The runs that were written or claimed since then."""
        return progress.touched(self.engine, self.workflow, since)

    def answered(self, since: float) -> list[Answered]:
        """Of the runs that were written since then, the steps at which a person has answered, ever."""
        return progress.answered(self.engine, self.workflow, since)

    def row(self, run_id: str) -> StoredRun:
        row = self.rows.one(run_id)
        if row is not None:
            return row
        with self._engine.connect() as connection:
            elsewhere = connection.execute(select(runs.c.workflow).where(runs.c.run_id == run_id)).scalar()
        if elsewhere is not None and elsewhere != self.workflow:
            raise ForeignRevisionError(
                f"the run belongs to the workflow {elsewhere}",
                run_id=run_id,
                workflow=self.workflow,
                hint=f"Open the store with the migrator of {elsewhere}",
            )
        raise RunNotFoundError(
            "there is no such run", run_id=run_id, workflow=self.workflow, hint="Is this the right store?"
        )

    def _write(
        self, connection: Connection, moved: Moved, now: float, lease_before: float, **tags: Any
    ) -> StoredRun | None:
        """The run and, where it was migrated, its history."""
        entry = moved.entry
        if entry is not None or moved.lowered:
            complement = moved.complement
            tags["complement"] = None if not complement else json_text.dumps(complement).decode()
        if entry is not None:
            tags["migrations"] = entry.seq
        if not moved.row.stamped:
            before = None if entry is None or entry.kind == "stamp" else entry.from_revision
            tags["started_revision"] = before or moved.revision
        tags = {"revision": moved.revision, "checked": moved.checked, **tags}
        new = self.rows.write(connection, moved.row, moved.document, now, lease_before, **tags)
        if new is not None and entry is not None:
            self.records.add_history(connection, new.run_id, entry)
        return new

    def commit(
        self,
        moved: Moved,
        now: float,
        lease_before: float,
        *,
        also: Callable[[Connection], None] | None = None,
        **tags: Any,
    ) -> StoredRun | None:
        """Write in a transaction of its own; None, and nothing written, where somebody else was first."""
        try:
            with self.engine.begin() as connection:
                new = self._write(connection, moved, now, lease_before, **tags)
                if new is not None and also is not None:
                    also(connection)
                return new
        except HalfWritten:
            return None

    def require_valid(self, document: Document, run_id: str) -> None:
        """Raises `InvalidStateError` or `CursorError` where head's workflow would not store such a document."""
        try:
            self.migrator.validate(document, self.head)
            flow.require_steps(document, self.steps)
        except InvalidStateError as error:
            # The migrator's words are about a document found in a store; this one is about to get there.
            listed = "; ".join(
                f"{path}: {expected}" if path else expected for path, expected in error.problems
            )
            raise InvalidStateError(
                f"what was to be saved does not fit the workflow: {listed}",
                problems=error.problems,
                run_id=run_id,
                workflow=self.workflow,
                revision=self.head,
                path=error.path,
                hint="Nothing was written. If the model has changed, freeze it: `statemig revision --autogenerate`",
            ) from None
        except StatemigError as error:
            raise error.locate(run_id=run_id) from error.__cause__
