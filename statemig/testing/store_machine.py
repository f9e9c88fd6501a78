"""A mixed fleet on a store, step by step in every order that hypothesis thinks of: workers of several revisions start, take, save, answer,
migrate and die, and after each step every run has to be what the migrator alone makes of what was written last.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from hypothesis.strategies import DataObject

from statemig import json_text
from statemig.errors import ConflictError, StatemigError
from statemig.fleet.backfill import upgrade_all
from statemig.migrator import Migrator
from statemig.revisions.revision import Revision
from statemig.testing.store_checks import Held, StoreChecks, Worker
from statemig.testing.store_hooks import StoreHooks
from statemig.testing.store_model import (
    Expected,
    Model,
    chain_of,
    listed,
    settled,
    waiting,
    with_answers,
)

_MOST_RUNS: Final = 4


class StoreMachine(StoreHooks, StoreChecks, RuleBasedStateMachine):
    """Subclass it for a store of your own::

        class Runs(StoreMachine):
            migrations = "migrations"

            def make_store(self, migrator):
                return MyStore(self.url, migrator, clock=self.clock)

        TestRuns = Runs.TestCase

    It says `make_store`, and where it has to `migrations`, `step`, `states`, `answers`, `stored` and `crash`; each says what it is for.
    A store needs `start(state, run_id=)`, `load(run_id)` (the block of a run with a `document`) and `read(run_id)`, as `RunStore` has them.
    `claim`, `answer`, `upgrade`, `downgrade` and what `Fleet` asks for are tried where they are there.
    """

    #: the folder, the revisions, or a migrator of all of them; None for the project around
    migrations: ClassVar[str | Path | Sequence[Revision] | Migrator | None] = None
    _kept_migrators: ClassVar[tuple[Any, tuple[Migrator, ...]] | None] = None

    workers = Bundle("workers")
    runs = Bundle("runs")
    held = Bundle("held")

    # -- the machine ---------------------------------------------------------------------------------------------------

    def __init__(self) -> None:
        super().__init__()
        self._migrators = self._all_migrators()
        self.model = Model(self._migrators[-1])
        self.now = 1_000.0
        #: of each deploy a worker that only looks at the store; the rules have others
        self.deployed: list[Worker] = []
        self._newest = 0
        self._dead: list[Any] = []
        self._validated: dict[str, Any] = {}

    def clock(self) -> float:
        """Seconds; goes on a little whenever it is asked, and past every lease by a rule."""
        self.now += 0.001
        return self.now

    @classmethod
    def _all_migrators(cls) -> tuple[Migrator, ...]:
        """Of the code of each version. Made once for all machines of a class: what a migrator compiles is worth keeping."""
        kept: tuple[Any, tuple[Migrator, ...]] | None = cls.__dict__.get("_kept_migrators")
        given = cls.migrations
        if kept is None or kept[0] is not given:
            match given:
                case Migrator():
                    all_of_them = given
                case None:
                    all_of_them = Migrator.from_config()
                case str() | Path():
                    all_of_them = Migrator(given)
                case _:
                    all_of_them = Migrator(revisions=given)
            chain = [all_of_them.revision(name) for name in chain_of(all_of_them)]
            workflow = all_of_them.workflow
            made = [Migrator(revisions=chain[: upto + 1], workflow=workflow) for upto in range(len(chain))]
            kept = given, tuple(made)
            cls._kept_migrators = kept
        return kept[1]

    def _worker(self, number: int) -> Worker:
        migrator = self._migrators[number]
        return Worker(f"worker-{len(self.deployed)}", migrator.head, self.make_store(migrator), migrator)

    def _deploy(self, number: int) -> Worker:
        self._newest = number
        worker = self._worker(number)
        self.deployed.append(self._worker(number))
        return worker

    # -- rules: a deploy -----------------------------------------------------------------------------------------------

    @initialize(target=workers, data=st.data())
    def first_worker(self, data: DataObject) -> Worker:
        return self._deploy(data.draw(st.integers(0, max(0, len(self.model.order) - 2))))

    @precondition(lambda self: self._newest < len(self.model.order) - 1)
    @rule(target=workers)
    def deploy(self) -> Worker:
        """A worker of the next revision comes; the others stay."""
        return self._deploy(self._newest + 1)

    @rule(worker=workers, data=st.data())
    def downgrade_worker(self, worker: Worker, data: DataObject) -> None:
        """A worker is rolled back to an older version. What it holds is of the version before."""
        at = self.model.order.index(worker.revision)
        older = self._worker(data.draw(st.integers(0, at)))
        worker.revision, worker.store, worker.migrator = older.revision, older.store, older.migrator

    @precondition(lambda self: self.model.runs)
    @rule(worker=workers, batch=st.integers(1, 3), cut=st.none() | st.integers(1, 2))
    def backfill(self, worker: Worker, batch: int, cut: int | None) -> None:
        """`upgrade_all` in batches, now and then cut off between two of them."""
        if not _is_fleet(worker.store):
            return
        done = 0

        def progress(_: object) -> None:
            nonlocal done
            done += 1
            if done == cut:
                raise _CutOff

        try:
            upgrade_all(worker.store, batch=batch, progress=progress)
        except _CutOff:
            self._follow(worker.revision)
            return
        self._follow(worker.revision)
        for run_id, expected in self.model.runs.items():
            if (
                expected.document.get("status", "active") == "active"
                and not self._leased(expected)
                and self.model.is_older(expected.revision, worker.revision)
            ):
                self._refused(
                    run_id,
                    worker.revision,
                    f"the backfill to {worker.revision} left run {run_id} at {expected.revision}",
                )

    # -- rules: a run --------------------------------------------------------------------------------------------------

    @precondition(lambda self: len(self.model.runs) < _MOST_RUNS)
    @rule(target=runs, worker=workers, data=st.data())
    def start(self, worker: Worker, data: DataObject) -> str:
        state = data.draw(self.states(worker.revision))
        run_id = f"run-{len(self.model.runs)}"
        worker.store.start(copy.deepcopy(state), run_id=run_id)
        stored = self.stored(run_id)
        self._require(
            stored.revision == worker.revision,
            f"run {run_id} was started at {worker.revision} and is stamped {stored.revision}",
        )
        self._require(
            json_text.equal(stored.document["state"], state),
            f"run {run_id} has another state than it was started with: {listed(state, stored.document['state'])}",
        )
        self.model.runs[run_id] = Expected(worker.revision, copy.deepcopy(stored.document))
        return run_id

    @precondition(lambda self: self.model.runs)
    @rule(target=held, worker=workers)
    def claim(self, worker: Worker) -> Any:
        return self._claimed(worker) or multiple()

    @rule(target=held, worker=workers, run_id=runs)
    def load(self, worker: Worker, run_id: str) -> Any:
        return self._loaded(worker, run_id) or multiple()

    @rule(hold=consumes(held), data=st.data())
    def step_and_save(self, hold: Held, data: DataObject) -> None:
        self._save(hold, data)

    def _claimed(self, worker: Worker) -> Held | None:
        if not hasattr(worker.store, "claim"):
            return None
        run = worker.store.claim(worker.name, ttl=self.ttl)
        if run is None:
            self._follow(worker.revision)
            return None
        expected = self.model.runs[run.run_id]
        self._require_not_newer(worker, run.run_id)
        self._require(
            expected.leased_until <= self.now,
            f"{worker.name} was given run {run.run_id} under the lease of somebody else",
        )
        self._require_handed(worker, run.run_id, run.document)
        self._follow(worker.revision)
        expected = self.model.runs[run.run_id]
        expected.writes += 1
        expected.leased_until, expected.leases = self.now + self.ttl, expected.leases + 1
        return self._hold(worker, run.run_id, run, claimed=True)

    def _loaded(self, worker: Worker, run_id: str) -> Held | None:
        block, error = self._try(lambda: worker.store.load(run_id))
        if error is None:
            try:
                run = block.__enter__()
            except StatemigError as refused:
                error = refused
        self._follow(worker.revision)
        if error is not None:
            leased = isinstance(error, ConflictError) and self._leased(self.model.runs[run_id])
            if not leased and not self.model.is_older(worker.revision, self.model.runs[run_id].revision):
                self._refused(
                    run_id,
                    worker.revision,
                    f"{worker.name} was refused run {run_id}, which can be brought to {worker.revision}: {error}",
                )
            return None
        self._require_not_newer(worker, run_id)
        self._require_handed(worker, run_id, run.document)
        return self._hold(worker, run_id, run, claimed=False, block=block)

    @rule(worker=workers, run_id=runs)
    def read(self, worker: Worker, run_id: str) -> None:
        view, error = self._try(lambda: worker.store.read(run_id))
        if error is None:
            self._require_not_newer(worker, run_id)
            self._require_handed(worker, run_id, view.document)
        elif not self.model.is_older(worker.revision, self.model.runs[run_id].revision):
            self._refused(
                run_id,
                worker.revision,
                f"{worker.name} cannot read run {run_id}, which can be brought to {worker.revision}: {error}",
            )

    def _save(self, hold: Held, data: DataObject) -> None:
        self._data = data
        try:
            self.step(hold.run)
        except StatemigError as failed:
            self._give_back(hold, failed)
            return
        document = settled(hold.run.document)
        _, error = self._try(lambda: hold.block.__exit__(None, None, None))
        expected = self.model.runs[hold.run_id]
        overtaken = expected.writes != hold.writes
        if error is not None:
            self._require(
                not isinstance(error, ConflictError)
                or overtaken
                or (hold.lease is not None and not self._leased(expected)),
                f"{hold.worker.name} could not save run {hold.run_id}, which nobody else had written: {error}",
            )
            self._end_lease(hold)
        elif overtaken and json_text.equal(document, hold.base):
            self._follow(hold.worker.revision)  # there was nothing to save
        else:
            self._saved(hold, document, expected)

    @precondition(lambda self: self.model.runs)
    @rule(worker=workers, data=st.data())
    def work(self, worker: Worker, data: DataObject) -> None:
        """Claim, step and save, with nobody in between: most of what a fleet does."""
        hold = self._claimed(worker)
        if hold is not None:
            self._save(hold, data)

    @rule(worker=workers, run_id=runs, data=st.data())
    def load_step_and_save(self, worker: Worker, run_id: str, data: DataObject) -> None:
        hold = self._loaded(worker, run_id)
        if hold is not None:
            self._save(hold, data)

    @rule(hold=consumes(held), dies=st.booleans())
    def not_saved(self, hold: Held, dies: bool) -> None:
        """The step raises, or the worker dies between read and write and its lease runs on: nothing is written."""
        if dies:
            self._dead.append(hold)
        else:
            self._give_back(hold, RuntimeError("the step failed"))

    @precondition(lambda self: self.model.runs)
    @rule(worker=workers, data=st.data())
    def crash_between_read_and_write(self, worker: Worker, data: DataObject) -> None:
        self._data = data
        self.crash(worker)
        for expected in self.model.runs.values():
            expected.writes += 1  # nobody knows which it had
            expected.maybe_until = self.now + self.ttl
        self._follow(worker.revision)

    @precondition(lambda self: any(map(self._leased, self.model.runs.values())))
    @rule()
    def leases_run_out(self) -> None:
        self.now += self.ttl + 1

    @precondition(lambda self: any(waiting(run.document) for run in self.model.runs.values()))
    @rule(worker=workers, data=st.data())
    def answer(self, worker: Worker, data: DataObject) -> None:
        """A person answers a question that waits."""
        asked = [
            (run_id, each["key"]) for run_id, run in self.model.runs.items() for each in waiting(run.document)
        ]
        self._answer(worker, *data.draw(st.sampled_from(asked)), data)

    @rule(worker=workers, hold=consumes(held), data=st.data())
    def answer_while_it_is_held(self, worker: Worker, hold: Held, data: DataObject) -> None:
        """The race that loses answers: one comes while a worker has the run, and then the worker saves."""
        for asked in waiting(self.model.runs[hold.run_id].document):
            self._answer(worker, hold.run_id, asked["key"], data)
        self._save(hold, data)

    def _answer(self, worker: Worker, run_id: str, key: str, data: DataObject) -> None:
        if not hasattr(worker.store, "answer"):
            return
        expected = self.model.runs[run_id]
        there = self._possible(run_id, worker.revision)
        open_there = [each for each in waiting((there or expected).document) if each["key"] == key]
        if not open_there:
            return  # its step is gone there
        value = data.draw(self.answers((there or expected).revision, open_there[0]["step"]))
        _, error = self._try(lambda: worker.store.answer(run_id, key, copy.deepcopy(value)))
        if error is not None:
            self._follow(worker.revision)
            self._require(
                there is None
                or self._leased(expected)
                or self.model.is_older(worker.revision, expected.revision),
                f"an answer to run {run_id} was refused, though it waits: {error}",
            )
            return
        stored = self.stored(run_id)
        if stored.revision == worker.revision and there is not None:
            expected = there
        [position] = [each for each in waiting(expected.document) if each["key"] == key]
        expected.document = with_answers(expected.document, {position["id"]: value})
        expected.writes += 1
        self.model.runs[run_id] = expected
        self._compare(run_id, expected, stored, "an answer is lost")

    @rule(worker=workers, run_id=runs)
    def upgrade(self, worker: Worker, run_id: str) -> None:
        if hasattr(worker.store, "upgrade"):
            self._move(worker, run_id, worker.revision, lambda: worker.store.upgrade(run_id))

    @rule(worker=workers, run_id=runs, data=st.data())
    def downgrade(self, worker: Worker, run_id: str, data: DataObject) -> None:
        below = self.model.order[: self.model.order.index(self.model.runs[run_id].revision)]
        if not below:
            return
        to = data.draw(st.sampled_from(below))
        if hasattr(worker.store, "downgrade") and not self.model.is_older(worker.revision, to):
            self._move(worker, run_id, to, lambda: worker.store.downgrade(run_id, to))

    def _move(self, worker: Worker, run_id: str, to: str, action: Callable[[], Any]) -> None:
        expected = self.model.runs[run_id]
        _, error = self._try(action)
        if error is not None:
            if not (
                (isinstance(error, ConflictError) and self._leased(expected))
                or self.model.is_older(worker.revision, expected.revision)
            ):
                self._refused(run_id, to, f"run {run_id} was not brought to {to}, and it can be: {error}")
            return
        moved = self.model.brought(run_id, to)
        moved.writes += 1
        self.model.runs[run_id] = moved
        self._compare(run_id, moved, self.stored(run_id), f"bringing it to {to} gave something else")

    # -- invariants ----------------------------------------------------------------------------------------------------

    @invariant()
    def every_run_is_as_it_was_left(self) -> None:
        """No step, no answer and no stamp is lost, and what is stored is valid at its stamp."""
        self._follow(None)
        for run_id, expected in self.model.runs.items():
            if self._validated.get(run_id) is expected.document:
                continue
            self._validated[run_id] = expected.document
            _, error = self._try(
                lambda e=expected: self.model.migrator.validate(e.document, e.revision)  # type: ignore[misc]
            )
            self._require(
                error is None, f"run {run_id} is stored as {expected.revision} does not store it: {error}"
            )

    # -- parts ---------------------------------------------------------------------------------------------------------

    def _hold(self, worker: Worker, run_id: str, run: Any, *, claimed: bool, block: Any = None) -> Held:
        # By value: the worker may be rolled back while it holds the run.
        of = Worker(worker.name, worker.revision, worker.store, worker.migrator)
        expected = self.model.runs[run_id]
        lease = expected.leases if claimed else None
        return Held(of, run_id, lease, block or run, run, settled(run.document), expected.writes)

    def _give_back(self, hold: Held, error: Exception) -> None:
        _, raised = self._try(lambda: hold.block.__exit__(type(error), error, None))
        self._require(
            raised is None or isinstance(raised, type(error)),
            f"{hold.worker.name} could not give run {hold.run_id} back: {raised}",
        )
        self._end_lease(hold)


class _CutOff(Exception):
    """A backfill that is killed between two batches."""


def _is_fleet(store: Any) -> bool:
    needed: Iterable[str] = ("migrator", "clock", "iterate", "bring", "swap", "record_failures")
    return all(hasattr(store, name) for name in needed)
