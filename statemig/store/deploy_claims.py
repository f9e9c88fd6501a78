"""Where a deploy has its say in the life of a run: who takes it, on which version it starts, whether it starts at all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from sqlalchemy.engine import Connection

from statemig import json_text
from statemig.document import Document
from statemig.errors import DeployError, DrainingError, RoutedElsewhereError, StatemigError
from statemig.store.deploy_canary import begins
from statemig.store.deploy_records import Worker
from statemig.store.deploy_routing import View
from statemig.store.deploy_store import LIVE, retired_error
from statemig.store.deploy_view import facts_of, mine
from statemig.store.lowering import lowered
from statemig.store.protocols import Moved, StoredRun
from statemig.store.stored_runs import StoredRuns


class Claims:
    """For the workers of one store."""

    def __init__(self, store: StoredRuns) -> None:
        self._store = store
        self._narrowed: View | None = None

    def enter(self, worker: str, ttl: float) -> View:
        """A worker asks for work: it is alive, and the queue offers what the deploy leaves to it."""
        watched = self._store.watched
        watched.beat(worker, ttl)
        view = watched.with_me(worker)
        self._refuse_retired(view)
        shown = None
        if view.decides:
            # Who else runs head changes nothing for us; comparing without them spares the statement.
            others = tuple(each for each in view.workers if each.revision != self._store.head)
            shown = replace(view, workers=others)
        if shown != self._narrowed:
            store = self._store
            condition = None if shown is None else mine(shown, store.head, store.migrator.known, store.engine)
            store.candidates.only(condition)
            self._narrowed = shown
        return view

    def offered(self, view: View, now: float) -> Iterator[StoredRun]:
        """What a worker may take where the deploy decides, ready ones first."""
        candidates = self._store.candidates
        for found in (candidates.routed(now), candidates.parked(now)):
            for row in found:
                if view.decide(facts_of(row)).revision in (None, self._store.head):
                    yield row

    def require_ours(self, row: StoredRun) -> None:
        """Raises `RoutedElsewhereError` where code of head must not bring the run to its version."""
        store = self._store
        if row.revision == store.head or row.pinned_revision is not None:
            return  # it is where it belongs, or `bring` says more
        view = store.watched.view()
        self._refuse_retired(view)
        if not view.decides:
            return
        now = store.clock()
        me = Worker("", store.head, store.migrator.known, now, now, now + LIVE)
        decision = replace(view, workers=(*view.workers, me)).decide(facts_of(row))
        if decision.revision not in (None, store.head):
            raise RoutedElsewhereError(
                f"the run is for workers of {decision.revision}: {decision.why}",
                run_id=row.run_id,
                workflow=store.workflow,
                revision=row.revision,
                hint=f"`statemig route explain {row.run_id}` says who may take it",
            )

    def started(self, row: StoredRun, document: Document) -> tuple[StoredRun, Document]:
        """A new run of head as one of the preferred version, or of that of a canary, and as it may be written while a deploy's
        window is open."""
        store = self._store
        head = store.head
        view = store.watched.view()
        self._refuse_retired(view)
        if not view.decides:
            return row, document
        begun = written = head
        shares = view.shares
        if shares is not None and begins(shares, row.run_id):
            # Where this process can not begin it on the new version, the first worker of that one takes it there.
            row = replace(row, canary=shares.revision)
        if row.canary in store.migrator.known and any(each.revision == row.canary for each in view.workers):
            begun = written = row.canary or head
        elif view.preferred is not None and view.preferred in store.migrator.known:
            begun = written = view.preferred
        rollout = view.rollout
        if (
            begun == head
            and rollout is not None
            and rollout.newest_writable in store.migrator.known
            and view.mode(head, rollout.newest_writable) == "in memory"
        ):
            written = rollout.newest_writable
        if written == head:
            return row, document
        try:
            new = lowered(store, Moved(row, document, head, None, None), written, "load")
        except StatemigError as error:
            raise DeployError(
                f"a run that starts now is one of revision {written}, and this state can not be brought down to it: "
                f"{error.message}",
                run_id=row.run_id,
                workflow=store.workflow,
                revision=written,
                hint=f"Start it where version {store.migrator.version(written)} runs, or say `statemig route prefer {head}`",
            ) from error
        complement = None if new.complement is None else json_text.dumps(new.complement).decode()
        row = replace(row, revision=written, started_revision=begun, checked=False, complement=complement)
        return row, new.document

    def _refuse_retired(self, view: View) -> None:
        if self._store.head in view.retired:
            raise retired_error(self._store.workflow, self._store.head)

    def require_open(self, connection: Connection, row: StoredRun) -> None:
        """Raises `DrainingError`. After the insert and before it is seen: who begins to drain counts the run or stops it."""
        store = self._store
        draining = store.deploy.starting(connection, row.started_revision or store.head)
        match draining:
            case None:
                return
            case "retired":
                raise retired_error(store.workflow, row.started_revision or store.head)
            case "the workflow":
                raise DrainingError(
                    "no new runs start while the workflow drains",
                    workflow=store.workflow,
                    hint="Start it after the deploy, or call store.drain(False)",
                )
            case _:
                raise DrainingError(
                    "no new runs of this version start while it drains",
                    workflow=store.workflow,
                    revision=row.started_revision,
                    hint=f"Start it with a newer version, or let this one go on: `statemig drain {row.started_revision} --resume`",
                )
