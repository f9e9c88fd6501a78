"""The `DeployStore` of a `RunStore`: what concerns one run is in the row of that run."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

from sqlalchemy import Engine, and_, bindparam, exists, literal, or_, select, union_all, update
from sqlalchemy.engine import Connection

from statemig.errors import RunNotFoundError
from statemig.store.deploy_store import SqlDeployStore, batches
from statemig.store.deploy_tables import drains, retired
from statemig.store.tables import meta, runs


class RunDeployStore(SqlDeployStore):
    """Beside the runs of a `RunStore`: pins and who is in a canary are in their rows, and what starts a run can ask in its own
    transaction."""

    def __init__(
        self,
        engine: Engine,
        workflow: str,
        *,
        clock: Callable[[], float] = time.time,
        create: bool = True,
    ) -> None:
        super().__init__(engine, workflow, clock=clock, create=create)
        self._pin = update(runs).where(runs.c.workflow == workflow, runs.c.run_id == bindparam("of_run"))
        # Held while a run starts, so that who begins to drain waits for it, and then counts it.
        self._hold = (
            select(meta.c.value).where(meta.c.name == f"deploy/{workflow}").with_for_update(read=True)
        )
        drain = and_(drains.c.workflow == workflow, drains.c.revision == bindparam("of_revision"))
        gone = and_(retired.c.workflow == workflow, retired.c.revision == bindparam("of_revision"))
        self._closed = union_all(
            select(literal("retired")).where(exists().where(gone)),
            select(literal("the version")).where(exists().where(drain)),
        )
        self._switch = select(meta.c.value).where(meta.c.name == f"draining/{workflow}")

    def pin(self, run_id: str, revision: str | None, *, version: int | None = None) -> bool:
        """With `version`: False where somebody has written the run since, or holds it, or it is gone.

        Raises `RunNotFoundError` otherwise where there is no such run, or statemig has never written it.
        """
        pinned = self._pin.values(pinned_revision=revision, version=runs.c.version + 1)
        if version is not None:
            free = or_(runs.c.lease_until.is_(None), runs.c.lease_until <= self.clock())
            pinned = pinned.where(runs.c.version == version, free)
        with self.engine.begin() as connection:
            was_pinned = connection.execute(pinned, {"of_run": run_id}).rowcount == 1
            if was_pinned and revision is not None:
                self.hold(connection)
                self.refuse_retired(connection, revision)
        if was_pinned:
            return True
        if version is not None:
            return False
        raise RunNotFoundError(
            "there is no such run", run_id=run_id, workflow=self.workflow, hint="Is this the right store?"
        )

    def pins(self) -> dict[str, str]:
        wanted = select(runs.c.run_id, runs.c.pinned_revision).where(
            runs.c.workflow == self.workflow, runs.c.pinned_revision.is_not(None)
        )
        with self.engine.connect() as connection:
            return {one[0]: one[1] for one in connection.execute(wanted)}

    def pins_beside(self) -> dict[str, str]:
        return {}

    def put_in_canary(self, run_ids: Collection[str], revision: str) -> int:
        """As in the protocol. The version of a row stays, so that no worker is disturbed in what it writes."""
        named = sorted(set(run_ids))
        other = or_(runs.c.canary.is_(None), runs.c.canary != revision)
        mark = update(runs).where(runs.c.workflow == self.workflow, other).values(canary=revision)
        added = 0
        with self.engine.begin() as connection:
            for some in batches(named):
                added += connection.execute(mark.where(runs.c.run_id.in_(some))).rowcount
        return added

    def empty_canary(self) -> int:
        marked = (runs.c.workflow == self.workflow) & runs.c.canary.is_not(None)
        with self.engine.begin() as connection:
            return int(connection.execute(update(runs).where(marked).values(canary=None)).rowcount)

    def canary_beside(self) -> dict[str, str]:
        return {}

    def hold(self, connection: Connection) -> None:
        """Whoever drains or retires a version from now on waits for the end of this transaction, which has written something."""
        if connection.dialect.name != "sqlite":  # there the write has taken the only lock
            connection.execute(self._hold)

    def starting(self, connection: Connection, revision: str) -> str | None:
        """Why no run of that revision may start: "the workflow" or "the version" drains, it is "retired", or None. In the transaction
        that inserts the run."""
        self.hold(connection)
        if connection.execute(self._switch).first() is not None:
            return "the workflow"
        why: str | None = connection.execute(self._closed, {"of_revision": revision}).scalar()
        return why
