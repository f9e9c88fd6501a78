"""The `DeployStore` in SQL: beside the runs, or in a database of its own for a runtime that keeps its runs elsewhere."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any, Final

from sqlalchemy import Engine, delete, or_, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import IntegrityError

from statemig import json_text
from statemig.errors import ConflictError, RetiredError
from statemig.store.deploy_records import Drain, Policy, Rollout, Worker
from statemig.store.deploy_tables import (
    canaries,
    drains,
    pins,
    policies,
    preferred,
    retired,
    rollouts,
    workers,
)
from statemig.store.engine import open_engine
from statemig.store.protocols import Attempt
from statemig.store.records import Records
from statemig.store.statement import Statement
from statemig.store.tables import meta, prepare

#: seconds for which a worker is taken to live after it was last heard of
LIVE: Final = 60.0
#: seconds for which a worker that is gone is remembered; each new pod has another name
_REMEMBERED: Final = 7 * 86400.0
_TRIES: Final = 50
_JSON: Final = ("modes", "reasons", "details")


class SqlDeployStore:
    """What a deploy keeps of one workflow.

    Args:
        url_or_engine: an SQLAlchemy URL or an engine.
        workflow: its name.
        clock: seconds since the epoch.
        create: make the tables at first use.
    """

    def __init__(
        self,
        url_or_engine: str | Engine,
        workflow: str,
        *,
        clock: Callable[[], float] = time.time,
        create: bool = True,
    ) -> None:
        self._engine = open_engine(url_or_engine)
        self.workflow = workflow
        self.clock = clock
        self._create = create
        self._opened = False
        self._records = Records(self._engine, workflow, 1)
        named = meta.c.name == f"deploy/{workflow}"
        self._read_generation = Statement(self._engine, select(meta.c.value).where(named))
        self._write_generation = update(meta).where(named)
        self._of_canary = canaries.c.workflow == workflow

    @property
    def engine(self) -> Engine:
        """The engine, with the tables made sure of."""
        if not self._opened:
            prepare(self._engine, create=self._create)
            self._opened = True
        return self._engine

    def is_prepared(self) -> None:
        """Somebody else has made sure of the tables."""
        self._opened = True

    def generation(self) -> str | None:
        """Another value whenever something was written that may change a decision; None before the first time."""
        _ = self.engine
        found = self._read_generation.fetch({})
        return str(found[0][0]) if found else None

    # -- workers -------------------------------------------------------------------------------------------------------

    def beat(
        self, worker: str, revision: str, reads: Collection[str] = (), *, live_for: float = LIVE
    ) -> None:
        """A worker says that it lives, and that it can run `revision` with documents of that one and of `reads`.

        Raises `RetiredError` where that version was retired.
        """
        now = self.clock()
        known = json_text.dumps(sorted({revision, *reads})).decode()
        of_worker = (
            (workers.c.workflow == self.workflow)
            & (workers.c.name == worker)
            & (workers.c.revision == revision)
        )
        alive = update(workers).where(of_worker, workers.c.reads == known, workers.c.live_until > now)
        with self.engine.begin() as connection:
            if connection.execute(alive.values(beat_at=now, live_until=now + live_for)).rowcount == 1:
                return

        def appear(connection: Connection) -> None:
            self.refuse_retired(connection, revision)
            long_gone = (workers.c.workflow == self.workflow) & (workers.c.live_until < now - _REMEMBERED)
            connection.execute(delete(workers).where(or_(of_worker, long_gone)))
            connection.execute(
                workers.insert().values(
                    workflow=self.workflow,
                    name=worker,
                    revision=revision,
                    reads=known,
                    started_at=now,
                    beat_at=now,
                    live_until=now + live_for,
                )
            )

        self._changing(appear)

    def leave(self, worker: str, revision: str | None = None) -> None:
        """A worker has stopped, or runs a version no longer."""
        of_worker = workers.update().where(workers.c.workflow == self.workflow, workers.c.name == worker)
        if revision is not None:
            of_worker = of_worker.where(workers.c.revision == revision)
        self._changing(lambda connection: connection.execute(of_worker.values(live_until=self.clock())))

    def workers(self, *, gone: bool = False) -> list[Worker]:
        """Those that live; with `gone` those too that were heard of in the last days."""
        wanted = select(workers).where(workers.c.workflow == self.workflow)
        if not gone:
            wanted = wanted.where(workers.c.live_until > self.clock())
        with self.engine.connect() as connection:
            found = connection.execute(wanted.order_by(workers.c.name, workers.c.revision)).mappings().all()
        return [
            Worker(
                one["name"],
                one["revision"],
                frozenset(json_text.loads(one["reads"])),
                one["started_at"],
                one["beat_at"],
                one["live_until"],
            )
            for one in found
        ]

    # -- policies ------------------------------------------------------------------------------------------------------

    def policies(self) -> list[Policy]:
        wanted = (
            select(*(policies.c[name] for name in ("scope", "target", "strategy", "revision", "set_at")))
            .where(policies.c.workflow == self.workflow)
            .order_by(policies.c.scope, policies.c.target)
        )
        with self.engine.connect() as connection:
            return [Policy(*one) for one in connection.execute(wanted)]

    def set_policy(self, policy: Policy) -> None:
        """Write a policy in the place of that of the same scope and target."""
        values = asdict(replace(policy, set_at=self.clock()))

        def write(connection: Connection) -> None:
            self.refuse_retired(connection, policy.revision)
            connection.execute(delete(policies).where(self._of_policy(policy.scope, policy.target)))
            connection.execute(policies.insert().values(workflow=self.workflow, **values))

        self._changing(write)

    def drop_policy(self, scope: str, target: str = "") -> bool:
        """Whether there was one."""
        gone = delete(policies).where(self._of_policy(scope, target))
        return bool(self._changing(lambda connection: connection.execute(gone).rowcount))

    def _of_policy(self, scope: str, target: str) -> Any:
        return (
            (policies.c.workflow == self.workflow)
            & (policies.c.scope == scope)
            & (policies.c.target == target)
        )

    def preferred(self) -> tuple[str, dict[str, str]] | None:
        """The preferred revision, and the change class of the way to it from each older one."""
        wanted = select(preferred.c.revision, preferred.c.classes).where(
            preferred.c.workflow == self.workflow
        )
        with self.engine.connect() as connection:
            found = connection.execute(wanted).first()
        return None if found is None else (found[0], json_text.loads(found[1]))

    def prefer(self, revision: str | None, classes: dict[str, str] | None = None) -> None:
        """New runs start on that revision, and runs that may migrate go there; None: whatever a worker has."""

        def write(connection: Connection) -> None:
            self.refuse_retired(connection, revision)
            connection.execute(delete(preferred).where(preferred.c.workflow == self.workflow))
            if revision is not None:
                connection.execute(
                    preferred.insert().values(
                        workflow=self.workflow,
                        revision=revision,
                        classes=json_text.dumps(classes or {}).decode(),
                        set_at=self.clock(),
                    )
                )

        self._changing(write)

    # -- pins ----------------------------------------------------------------------------------------------------------

    def pin(self, run_id: str, revision: str | None, *, version: int | None = None) -> bool:
        """Keep a run with workers of one revision (its full id); None lets it go again. The row of the run is elsewhere, so `version` can
        not be compared."""

        def write(connection: Connection) -> None:
            self.refuse_retired(connection, revision)
            connection.execute(delete(pins).where(pins.c.workflow == self.workflow, pins.c.run_id == run_id))
            if revision is not None:
                connection.execute(
                    pins.insert().values(
                        workflow=self.workflow, run_id=run_id, revision=revision, set_at=self.clock()
                    )
                )

        self._changing(write)
        return True

    def pins(self) -> dict[str, str]:
        wanted = select(pins.c.run_id, pins.c.revision).where(pins.c.workflow == self.workflow)
        with self.engine.connect() as connection:
            return {one[0]: one[1] for one in connection.execute(wanted)}

    def pins_beside(self) -> dict[str, str]:
        """Those of the pins that are not in the rows of the runs."""
        return self.pins()

    # -- canary --------------------------------------------------------------------------------------------------------

    def put_in_canary(self, run_ids: Collection[str], revision: str) -> int:
        """Those runs are in the canary of a revision from now on. How many were not."""
        named = sorted(set(run_ids))

        def write(connection: Connection) -> int:
            before = self._in_canary(connection)
            added = [run_id for run_id in named if before.get(run_id) != revision]
            for some in batches(added):
                connection.execute(delete(canaries).where(self._of_canary, canaries.c.run_id.in_(some)))
                rows = [{"workflow": self.workflow, "run_id": one, "revision": revision} for one in some]
                connection.execute(canaries.insert(), rows)
            return len(added)

        return int(self._changing(write))

    def empty_canary(self) -> int:
        """No run is in a canary any more. How many were."""
        gone = delete(canaries).where(self._of_canary)
        return int(self._changing(lambda connection: connection.execute(gone).rowcount))

    def canary_beside(self) -> dict[str, str]:
        """Of the runs that are in a canary those of which their own row does not say so."""
        with self.engine.connect() as connection:
            return self._in_canary(connection)

    def _in_canary(self, connection: Connection) -> dict[str, str]:
        wanted = select(canaries.c.run_id, canaries.c.revision).where(self._of_canary)
        return {one[0]: one[1] for one in connection.execute(wanted)}

    # -- drains --------------------------------------------------------------------------------------------------------

    def drains(self) -> list[Drain]:
        wanted = select(drains).where(drains.c.workflow == self.workflow).order_by(drains.c.revision)
        with self.engine.connect() as connection:
            return [
                Drain(**{name: value for name, value in one.items() if name != "workflow"})
                for one in connection.execute(wanted).mappings()
            ]

    def put_drain(self, drain: Drain) -> None:
        """Begin a drain, or write down what a look has found."""
        of_drain = (drains.c.workflow == self.workflow) & (drains.c.revision == drain.revision)
        values = {name: value for name, value in asdict(drain).items() if name != "revision"}
        with self.engine.begin() as connection:
            looked = update(drains).where(
                of_drain,
                drains.c.since == drain.since,
                drains.c.deadline.is_not_distinct_from(drain.deadline),
            )
            if connection.execute(looked.values(**values)).rowcount == 1:
                return

        def begin(connection: Connection) -> None:
            connection.execute(delete(drains).where(of_drain))
            connection.execute(drains.insert().values(workflow=self.workflow, **asdict(drain)))

        self._changing(begin)

    def end_drain(self, revision: str) -> bool:
        """Whether it was draining."""
        gone = delete(drains).where(drains.c.workflow == self.workflow, drains.c.revision == revision)
        return bool(self._changing(lambda connection: connection.execute(gone).rowcount))

    # -- the window ----------------------------------------------------------------------------------------------------

    def rollout(self) -> Rollout | None:
        """The latest deploy, open or not."""
        with self.engine.connect() as connection:
            found = (
                connection.execute(select(rollouts).where(rollouts.c.workflow == self.workflow))
                .mappings()
                .first()
            )
        if found is None:
            return None
        values = {name: value for name, value in found.items() if name != "workflow"}
        return Rollout(**{**values, **{name: json_text.loads(values[name]) for name in _JSON}})

    def put_rollout(self, rollout: Rollout) -> Rollout:
        """Write the window, compare-and-swap on its version. Raises `ConflictError` where somebody else was first."""
        new = replace(rollout, version=rollout.version + 1, changed_at=self.clock())
        values = asdict(new)
        for name in _JSON:
            values[name] = json_text.dumps(values[name]).decode()

        def write(connection: Connection) -> bool:
            if new.open:
                self.refuse_retired(connection, new.new, new.newest_writable)
            same = (rollouts.c.workflow == self.workflow) & (rollouts.c.version == rollout.version)
            if connection.execute(update(rollouts).where(same).values(**values)).rowcount == 1:
                return True
            held = select(rollouts.c.version).where(rollouts.c.workflow == self.workflow)
            if connection.execute(held).first() is not None:
                return False
            connection.execute(rollouts.insert().values(workflow=self.workflow, **values))
            return True

        if not self._changing(write):
            raise ConflictError(
                "somebody else has changed the deploy meanwhile; nothing was written",
                workflow=self.workflow,
                hint="Look at `statemig deploy status` and say it again",
            )
        return new

    # -- versions that are gone ----------------------------------------------------------------------------------------

    def retired(self) -> dict[str, float]:
        """The versions that were retired, and when."""
        wanted = select(retired.c.revision, retired.c.retired_at).where(retired.c.workflow == self.workflow)
        with self.engine.connect() as connection:
            return {one[0]: one[1] for one in connection.execute(wanted.order_by(retired.c.retired_at))}

    def retire(self, revision: str) -> None:
        """Refuse a version from now on."""

        def write(connection: Connection) -> None:
            if revision not in self._found_retired(connection, revision):
                connection.execute(
                    retired.insert().values(
                        workflow=self.workflow, revision=revision, retired_at=self.clock()
                    )
                )

        self._changing(write)

    def unretire(self, revision: str) -> bool:
        """Whether it was retired."""
        gone = delete(retired).where(retired.c.workflow == self.workflow, retired.c.revision == revision)
        return bool(self._changing(lambda connection: connection.execute(gone).rowcount))

    def refuse_retired(self, connection: Connection, *revisions: str | None) -> None:
        """Raises `RetiredError` where one of them was retired. Within a write, which then does not happen."""
        for revision in self._found_retired(connection, *revisions):
            raise retired_error(self.workflow, revision)

    def _found_retired(self, connection: Connection, *revisions: str | None) -> list[str]:
        wanted = select(retired.c.revision).where(
            retired.c.workflow == self.workflow, retired.c.revision.in_([one for one in revisions if one])
        )
        return list(connection.execute(wanted).scalars())

    # -- attempts ------------------------------------------------------------------------------------------------------

    def add_attempt(self, attempt: Attempt) -> None:
        """Write down one ended try of a step."""
        with self.engine.begin() as connection:
            self._records.add_attempt(connection, attempt)

    def attempts(self, run_id: str | None = None, *, since: float = 0.0) -> Iterator[Attempt]:
        """Ended tries of steps, of one run or of all, in the order of their ends."""
        with self.engine.connect() as connection:
            return iter(self._records.attempts(connection, run_id, since))

    def _changing(self, write: Callable[[Connection], Any]) -> Any:
        """Write, and let every worker know that there is something new; again where two insert the same at the same moment."""
        for attempt in range(_TRIES):
            token = secrets.token_hex(8)
            try:
                with self.engine.begin() as connection:
                    if connection.execute(self._write_generation.values(value=token)).rowcount == 0:
                        connection.execute(meta.insert().values(name=f"deploy/{self.workflow}", value=token))
                    return write(connection)
            except IntegrityError:
                if attempt == _TRIES - 1:
                    raise
        raise AssertionError("unreachable")


def batches(names: Sequence[str], size: int = 500) -> Iterator[Sequence[str]]:
    """So many at a time as a database takes in one list."""
    for start in range(0, len(names), size):
        yield names[start : start + size]


def retired_error(workflow: str, revision: str) -> RetiredError:
    return RetiredError(
        "this version was retired",
        workflow=workflow,
        revision=revision,
        hint=f"Run a newer one; if it has to come back, say `statemig retire {revision} --undo` first",
    )
