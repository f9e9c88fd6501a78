"""The threads of a checkpointer's database as a fleet: counted from the tables, and brought to another revision all at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from statemig.document import Document
from statemig.envelope import Stamp
from statemig.errors import (
    ForeignRevisionError,
    MigrationPinned,
    RunNotFoundError,
    StatemigError,
    StoreError,
)
from statemig.runtimes.langgraph.appending import Written, appended, store
from statemig.runtimes.langgraph.reading import Get, Reading, Steps
from statemig.runtimes.langgraph.stored import pickled
from statemig.runtimes.langgraph.stored.classes import classes_of
from statemig.runtimes.langgraph.stored.complements import Complements
from statemig.runtimes.langgraph.stored.rows import rows_beside
from statemig.runtimes.langgraph.stored.stamps import sorted_rows, stamped
from statemig.runtimes.langgraph.tasks import Nodes
from statemig.runtimes.langgraph.threads.failures import Failures
from statemig.runtimes.langgraph.threads.rows import fits, key_of, known_revision, require_way, row_of
from statemig.runtimes.langgraph.threads.savers import Savers, answered
from statemig.runtimes.langgraph.threads.standing import Standing as Stands
from statemig.runtimes.langgraph.threads.standing import standing_of, time_of
from statemig.runtimes.langgraph.threads.tables import Latest, Tables
from statemig.store.deploy_records import Kind, Unknown
from statemig.store.deploy_when_said import DeployStoreWhenSaid
from statemig.store.engine import open_engine
from statemig.store.history import failure
from statemig.store.protocols import DeployStore, Failure, HistoryEntry, Moved, RunFilter, Standing, StoredRun

if TYPE_CHECKING:
    from statemig.migrator import Migrator, Record

#: threads that are counted at a time
_PAGE = 200


@dataclass(frozen=True, slots=True)
class MovedThread(Moved):
    """With what is to be appended."""

    written: tuple[Written, ...] = ()


def open_fleet(
    url_or_engine: str | Engine, migrator: Migrator, *, unstamped: str | None, deploy_store: str | None
) -> ThreadFleet | None:
    """The threads in a database; None where it is not that of a checkpointer. See `statemig.store.fleets`."""
    engine = open_engine(url_or_engine)
    if not Tables(engine).are_there():
        return None
    deploy = None if deploy_store is None else DeployStoreWhenSaid(deploy_store, migrator.workflow)
    return ThreadFleet(engine, migrator, unstamped=unstamped, deploy=deploy)


class ThreadFleet:
    """The threads of one graph in the database of a `SqliteSaver` or `PostgresSaver`; implements `Fleet` and `Counted`.

    A thread is one run: the last checkpoint of its root, with the pending writes on it. Reading changes nothing and makes no tables.

    Args:
        url_or_engine: of the checkpointer's database, as SQLAlchemy writes it: ``sqlite:///checkpoints.db``, ``postgresql+psycopg://...``.
        unstamped: the revision of a thread in which nothing is stamped, "base" for the first; None where nobody knows it.
        deploy: what was said of the deploy; beside the checkpoints where none is given, in tables that are made when something is said.
        serde: the serializer of the application's savers, where it is not LangGraph's own (for example one that encrypts).
    """

    #: a checkpointer has no place for what an older version does not know, so a deploy's window never writes back
    keeps_beside = False

    def __init__(
        self,
        url_or_engine: str | Engine,
        migrator: Migrator,
        *,
        unstamped: str | None = "base",
        deploy: DeployStore | None = None,
        serde: Any = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        engine = open_engine(url_or_engine)
        self._engine = engine
        self.migrator = migrator
        self.workflow = migrator.workflow
        self.head = migrator.head
        self.clock = clock
        beside = DeployStoreWhenSaid(engine, self.workflow, clock=clock)
        self.deploy: DeployStore = beside if deploy is None else deploy
        base = min(migrator.known, key=migrator.version)
        self._unstamped = (
            base if unstamped == "base" else None if unstamped is None else migrator.resolve(unstamped)
        )
        self._tables = Tables(engine)
        self._savers = Savers(engine, serde)
        self._failures = Failures(self.deploy, self.workflow)
        self._readings: dict[str, Reading] = {}
        self._nodes: dict[str | None, Nodes] = {None: Nodes(None)}

    def bind(self, graph: Any) -> ThreadFleet:
        """Tell it the compiled graph of the head: classes that were renamed or moved are then found. Returns self."""
        self._reading(self.head).nodes(self.head).classes = classes_of(graph)
        return self

    def close(self) -> None:
        """Give the connections back. What is asked later opens new ones."""
        self._savers.close()
        self._engine.dispose()

    # -- counting ------------------------------------------------------------------------------------------------------

    def counts(self) -> list[Standing]:
        """Threads by revision, step and status, the ended ones too."""
        counted: dict[tuple[str | None, str | None, str, str | None], int] = {}
        for latest in self._all():
            stands = self._stands(latest)
            for step, status, on in stands.places or ((None, stands.status, None),):
                key = (self._revision(latest), step, status, on)
                counted[key] = counted.get(key, 0) + 1
        return [
            Standing(*key, count)
            for key, count in sorted(counted.items(), key=lambda item: [part or "" for part in item[0]])
        ]

    def revisions(self) -> list[tuple[str | None, str, int]]:
        """Threads by revision and status, each once."""
        counted: dict[tuple[str | None, str], int] = {}
        for latest in self._all():
            key = (self._revision(latest), self._stands(latest).status)
            counted[key] = counted.get(key, 0) + 1
        return [(*key, count) for key, count in counted.items()]

    def kinds(self) -> list[Kind]:
        """Unfinished threads, grouped by all that decides about them."""
        found: dict[tuple[Any, ...], Kind] = {}
        for _, kind in self._unfinished():
            key = key_of(kind)
            known = found.get(key)
            if known is not None:
                kind = replace(
                    known,
                    count=known.count + 1,
                    oldest=min(kind.oldest, known.oldest),
                    since=min(kind.since, known.since),
                )
            found[key] = kind
        return list(found.values())

    def examples(self, kind: Kind, limit: int = 5) -> list[str]:
        """The ids of some threads of a kind, the oldest first."""
        wanted = key_of(kind)
        found = sorted(
            (latest.first, latest.thread) for latest, one in self._unfinished() if key_of(one) == wanted
        )
        return [thread for _, thread in found[:limit]]

    def untagged(self) -> int:
        """None: a thread without a stamp is of the revision that `unstamped` says, or of none."""
        return 0

    def _unfinished(self) -> Iterator[tuple[Latest, Kind]]:
        """Each with the kind that it would be alone."""
        said = self._said()
        for latest in self._all():
            stands = self._stands(latest)
            if stands.status == "active":
                pinned, canary = said(latest.thread)
                yield (
                    latest,
                    Kind(
                        self._revision(latest),
                        self._started(latest),
                        pinned,
                        stands.places,
                        False,
                        1,
                        time_of(latest.first),
                        time_of(latest.id),
                        latest.thread,
                        canary,
                    ),
                )

    def _said(self) -> Callable[[str], tuple[str | None, str | None]]:
        """The revision that a thread is pinned to, and the one whose canary it is in."""
        pins, canary = self.deploy.pins(), self.deploy.canary_beside()
        return lambda thread: (pins.get(thread), canary.get(thread))

    def _all(self, size: int = _PAGE, *, watched: bool = False) -> Iterator[Latest]:
        for page in self._tables.pages(size, watched=watched):
            yield from filter(self._is_ours, page)

    def _is_ours(self, latest: Latest) -> bool:
        return latest.workflow in (None, self.workflow)

    def _revision(self, latest: Latest) -> str | None:
        if latest.revision is None and not latest.stamp_lost:
            return self._unstamped
        return latest.revision

    def _started(self, latest: Latest) -> str | None:
        return latest.started or self._revision(latest)

    def _stands(self, latest: Latest) -> Stands:
        revision = self._revision(latest)
        if revision not in self._nodes:
            known = revision in self.migrator.known
            self._nodes[revision] = (
                Nodes(self.migrator.snapshot(revision)) if known and revision else Nodes(None)
            )
        return standing_of(
            latest, self._nodes[revision], lambda inside: self._tables.one(latest.thread, inside)
        )

    # -- threads one by one --------------------------------------------------------------------------------------------

    def iterate(self, where: RunFilter | None = None, *, batch: int = 500) -> Iterator[list[StoredRun]]:
        """Batches of threads in the order of their ids; no transaction stays open in between."""
        where = RunFilter() if where is None else where
        if where.run_ids is not None:
            named = [self._tables.one(each, watched=True) for each in sorted(set(where.run_ids))]
            pages: Iterator[list[Latest]] = iter([[one for one in named if one is not None]])
        else:
            pages = self._tables.pages(batch, where.after, where.until, watched=True)
        said = self._said()
        for page in pages:
            rows = [self._row(latest, said) for latest in page if self._is_ours(latest)]
            mixed = {latest.thread for latest in page if latest.written_by - {where.not_revision}}
            found = [row for row in rows if fits(row, where, row.run_id in mixed)]
            if found:
                yield found

    def portions(self, where: RunFilter, size: int) -> list[tuple[RunFilter, int]]:
        """Filters that choose each thread of `where` once, `size` at a time, with how many each chooses, for several processes to read.
        Closes the idle connections, since a process that is forked off must not inherit any."""
        names = [row.run_id for batch in self.iterate(where, batch=_PAGE) for row in batch]
        self.close()
        found: list[tuple[RunFilter, int]] = []
        after = where.after
        for start in range(0, len(names), size):
            some = names[start : start + size]
            found.append((replace(where, after=after, until=some[-1]), len(some)))
            after = some[-1]
        return found

    def row(self, run_id: str) -> StoredRun:
        """One thread. Raises `RunNotFoundError`, and `ForeignRevisionError` for another workflow's."""
        latest = self._tables.one(run_id, watched=True)
        if latest is None:
            raise RunNotFoundError(
                "there is no such thread",
                run_id=run_id,
                workflow=self.workflow,
                hint="Is this the right store?",
            )
        if not self._is_ours(latest):
            raise ForeignRevisionError(
                f"the thread belongs to the workflow {latest.workflow}",
                run_id=run_id,
                workflow=self.workflow,
                hint=f"Open the store with the migrator of {latest.workflow}",
            )
        return self._row(latest, self._said())

    def document(self, row: StoredRun) -> Document:
        """The root of a thread as a run document of its own revision."""
        revision = known_revision(self.migrator, row)
        reading = self._reading(revision)

        def read() -> Steps[Document | None]:
            stored = yield Get({"configurable": {"thread_id": row.run_id, "checkpoint_ns": ""}})
            if stored is None:
                raise RunNotFoundError("the thread is gone meanwhile", run_id=row.run_id)
            metadata = stored.metadata or {}
            stamp = yield from reading.stamp(stored, metadata, row.run_id)
            rows = sorted_rows(stored.pending_writes or (), stamp.revision)
            with pickled.told(stored, row.run_id, self.workflow, stamp.revision):
                shape = yield from reading.translated(
                    stored, row.run_id, metadata, stamp, rows, target=revision, called=""
                )
            return shape.document

        found: Document = self._read(read(), row)
        return found

    def bring(
        self,
        row: StoredRun,
        to: str | None = None,
        *,
        cause: str = "eager",
        record: Record | None = "complement",
        down: bool = False,
        afresh: bool = True,
    ) -> Moved:
        """A thread at another revision (head where not given), with all graphs inside it, in memory. It is validated `afresh` always:
        nothing beside a checkpoint says that it was."""
        target = self.head if to is None else to
        if row.pinned_revision not in (None, target):
            raise MigrationPinned(
                f"the thread is pinned to revision {row.pinned_revision} and stays there",
                run_id=row.run_id,
                workflow=self.workflow,
                revision=row.pinned_revision,
                hint=f"A worker of {row.pinned_revision} can take it; `statemig route unpin {row.run_id}` lets it go",
            )
        revision = known_revision(self.migrator, row)
        if revision != target:
            require_way(self.migrator, row.run_id, revision, target, down=down)
        config: Any = {"configurable": {"thread_id": row.run_id}}
        made = self._read(appended(self._reading(target), config, target), row)
        if not made.written:
            return MovedThread(row, self.document(row), target, None, None)
        kind = "downgrade" if down else "upgrade"
        entry = HistoryEntry(row.migrations + 1, self.clock(), kind, cause, revision, target)
        complement = dict(made.complement) or None
        document = made.document or {}
        return MovedThread(row, document, target, complement, entry, checked=False, written=made.written)

    def swap(self, moved: Sequence[Moved]) -> list[bool]:
        """Append what was made of each; False where a thread has got another checkpoint or pending write meanwhile."""
        if any(not isinstance(one, MovedThread) for one in moved):
            raise StoreError(
                "only what this fleet has brought to a revision can be written here",
                workflow=self.workflow,
                hint="A thread is more than its document: bring(row, to), then swap what it returns",
            )
        done = []
        with self._savers.writing([one.row.run_id for one in moved]) as saver:
            rows = rows_beside(saver)
            for one in moved:
                latest = self._tables.one(one.row.run_id, watched=True)
                same = latest is not None and latest.content == one.row.content
                done.append(same)
                for each in one.written if same and isinstance(one, MovedThread) else ():
                    store(each, saver, rows)
        return done

    def stamp(self, revision: str, run_ids: Sequence[str] | None = None) -> int:
        """Say which revision threads have, without changing them: those, or every one that does not say its own. Returns how many."""
        target = self.migrator.resolve(revision)
        if run_ids is None:
            found = [latest for latest in self._all() if latest.revision is None]
        else:
            named = map(self._tables.one, dict.fromkeys(run_ids))
            found = [latest for latest in named if latest is not None and self._is_ours(latest)]
        done = 0
        for latest in found:
            stamp = Stamp(self.workflow, target, started=latest.started or target)
            done += self._tables.stamp(latest, stamped({}, stamp))
        return done

    def forget(self, way_back: Any, retired: Any, *, dry_run: bool = False) -> Unknown:
        """A row of `statemig_complements` does not say which checkpoints name it, so none is erased."""
        return Unknown("rows of statemig_complements go with the threads they belong to")

    def record_failures(
        self, failed: Sequence[tuple[StoredRun, StatemigError]], head: str, *, write: bool = True
    ) -> list[Failure]:
        now = self.clock()
        listed = [failure(row, error, head, now) for row, error in failed]
        if listed and write:
            self._failures.put(listed)
        return listed

    def failures(self, head: str | None = None) -> list[Failure]:
        """Threads that could not be brought to a head and have not changed since, with the reason."""
        found = self._failures.read(self.head if head is None else head)
        current = {row.run_id: row.version for rows in self._named(found) for row in rows}
        return [each for each in found if current.get(each.run_id) == each.run_version]

    def _named(self, failures: Sequence[Failure]) -> Iterator[list[StoredRun]]:
        named = [each.run_id for each in failures]
        return self.iterate(RunFilter(run_ids=named, ended=True)) if named else iter(())

    # -- how -----------------------------------------------------------------------------------------------------------

    def _row(self, latest: Latest, said: Callable[[str], tuple[str | None, str | None]]) -> StoredRun:
        pinned, canary = said(latest.thread)
        return row_of(latest, self._stands(latest), self._revision(latest), pinned=pinned, canary=canary)

    def _reading(self, target: str) -> Reading:
        found = self._readings.get(target)
        if found is None:
            base = min(self.migrator.known, key=self.migrator.version)
            serde = self._savers.serde
            complements = Complements(serde, has_rows=True)
            found = Reading(self.migrator, self._unstamped or base, "downgrade", target, serde, complements)
            self._readings[target] = found
        return found

    def _read(self, steps: Steps[Any], row: StoredRun) -> Any:
        try:
            with self._savers.reading() as saver:
                return answered(steps, saver)
        except StatemigError as error:
            raise error.locate(run_id=row.run_id, workflow=self.workflow) from error.__cause__
        except NotImplementedError:  # what LangGraph's serializer says of a form that it does not know
            raise StoreError(
                "the thread is stored in a form that only its own serializer reads",
                run_id=row.run_id,
                workflow=self.workflow,
                hint="Do it in Python, with the serializer of your savers: ThreadFleet(url, migrator, serde=...)",
            ) from None
