"""The machine on statemig's own store, in memory and on files, with processes that are killed; and on stores that have a bug each."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fleets import ASKED, CHAIN
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis.stateful import run_state_machine_as_test
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from statemig import Migrator, RunStore
from statemig.errors import RevisionError
from statemig.revisions.revision import Revision
from statemig.store.engine import open_engine
from statemig.store.keeping import RunKeeper
from statemig.store.protocols import Moved
from statemig.store.rows import ANY_LEASE
from statemig.testing import StoreMachine
from statemig.testing.store_machine import Worker

QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], stateful_step_count=25)
GROUND = Path(__file__).with_name("store_machine_ground.py")


class InMemory(StoreMachine):
    migrations = CHAIN
    kind: type[RunStore] = RunStore

    def __init__(self) -> None:
        self.engine = open_engine("sqlite://")
        super().__init__()

    def make_store(self, migrator: Migrator) -> RunStore:
        return self.kind(self.engine, migrator, clock=self.clock)

    def teardown(self) -> None:
        self.engine.dispose()


class OnFiles(StoreMachine):
    """Each worker has connections of its own."""

    migrations = CHAIN

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
        self.url = f"sqlite:///{self.folder / 'runs.db'}"
        self.opened: list[RunStore] = []
        super().__init__()

    def make_store(self, migrator: Migrator) -> RunStore:
        self.opened.append(RunStore(self.url, migrator, clock=self.clock))
        return self.opened[-1]

    def teardown(self) -> None:
        for store in self.opened:
            store.engine.dispose()
        shutil.rmtree(self.folder)


TestInMemory = InMemory.TestCase
TestInMemory.settings = settings(QUICK, max_examples=max(20, settings().max_examples // 5))

TestOnFiles = OnFiles.TestCase
TestOnFiles.settings = settings(QUICK, max_examples=max(8, settings().max_examples // 20))


# -- processes that are killed -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ground() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (GROUND.parent, GROUND.parents[2])))}
    with subprocess.Popen(
        [sys.executable, str(GROUND)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def test_a_worker_that_is_killed_between_read_and_write(ground: subprocess.Popen[str]) -> None:
    killed = 0

    class WithProcesses(OnFiles):
        def crash(self, worker: Worker) -> None:
            nonlocal killed
            version = [each.revision for each in CHAIN].index(worker.revision) + 1
            order = {"url": self.url, "version": version, "now": self.now, "ttl": self.ttl}
            assert ground.stdin is not None
            assert ground.stdout is not None
            ground.stdin.write(json.dumps(order) + "\n")
            ground.stdin.flush()
            assert int(ground.stdout.readline()) == -signal.SIGKILL
            killed += 1

    quick = settings(QUICK, max_examples=12, stateful_step_count=30, derandomize=True, database=None)
    run_state_machine_as_test(WithProcesses, settings=quick)
    assert killed > 2


# -- stores with a bug -------------------------------------------------------------------------------------------------


def found(store: type[RunStore], chain: list[Revision] = CHAIN) -> str:
    """What the machine says of a store."""

    class Machine(InMemory):
        migrations = chain
        kind = store

    quiet = settings(
        QUICK,
        max_examples=400,
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
        stateful_step_count=40,
    )
    with pytest.raises((AssertionError, IntegrityError)) as raised:
        run_state_machine_as_test(Machine, settings=quiet)
    return str(raised.value)


def test_a_lost_compare_and_swap_is_found() -> None:
    class WithoutSwap(RunStore):
        def commit(self, moved: Moved, now: float, lease_before: float, **rest: Any) -> Any:
            there = self.row(moved.row.run_id)
            if "token" in rest:
                rest["token"] = there.token + 1
            return super().commit(replace(moved, row=there), now, ANY_LEASE, **{**rest, "also": None})

    said = found(WithoutSwap)
    # Which of the three comes first depends on what was drawn: the third is two workers that write the same line of history.
    symptoms = ("over what", "has lost the answer to", "UNIQUE constraint failed: statemig_history")
    assert any(symptom in said for symptom in symptoms)


def test_a_stamp_that_moves_backwards_is_found() -> None:
    class Restamps(RunStore):
        def answer(self, run_id: str, key: str, value: Any) -> None:
            super().answer(run_id, key, value)
            with self.engine.begin() as connection:
                connection.execute(text("UPDATE statemig_runs SET revision = 'r1'"))

    assert "moved backwards from" in found(Restamps)


def test_a_dropped_answer_is_found() -> None:
    class Drops(RunKeeper):
        def _merge_answers(self, run: Any) -> None:
            before = copy.deepcopy(run.document["cursor"])
            super()._merge_answers(run)
            run.document["cursor"] = before

    class DropsAnswers(RunStore):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._keeper = Drops(self)

    assert "has lost the answer to" in found(DropsAnswers, ASKED)


def test_a_run_of_a_newer_version_in_the_hands_of_an_older_worker_is_found() -> None:
    class TakesAll(RunStore):
        def bring(self, row: Any, to: str | None = None, **options: Any) -> Moved:
            if row.revision not in self.migrator.known:
                return Moved(row, self.document(row), self.head, None, None)
            return super().bring(row, to, **options)

    said = found(TakesAll)
    assert ("was given run" in said and "which is of r" in said) or "moved backwards" in said


def test_a_forgotten_complement_is_found() -> None:
    class Forgets(RunStore):
        def bring(self, row: Any, to: str | None = None, **options: Any) -> Moved:
            return super().bring(replace(row, complement=None), to, **{**options, "record": "complement"})

    before = replace(CHAIN[2], down_revision=None, upgrade=None)
    assert "gave something else" in found(Forgets, [before, CHAIN[3]])


def test_a_claim_under_a_living_lease_is_found() -> None:
    class NoLease(RunStore):
        def claim(self, worker: str, ttl: float = 60) -> Any:
            return super().claim(worker, ttl=0)

    assert "under the lease of somebody else" in found(NoLease, CHAIN[:1])


def test_a_save_that_is_forgotten_is_found() -> None:
    class Keeps(RunKeeper):
        def keep(self, run: Any) -> None:
            if not run.claimed:
                super().keep(run)

    class LosesSteps(RunStore):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self._keeper = Keeps(self)

    assert "what a step saved is lost" in found(LosesSteps)


def test_an_error_that_is_not_typed_is_found() -> None:
    class Breaks(RunStore):
        def read(self, run_id: str) -> Any:
            if self.row(run_id).revision != self.head:
                raise AssertionError("a KeyError, say")
            return super().read(run_id)

    assert "a KeyError, say" in found(Breaks)


# -- what it takes -----------------------------------------------------------------------------------------------------


def test_a_store_has_to_be_made() -> None:
    class Nothing(StoreMachine):
        migrations = CHAIN

    with pytest.raises(NotImplementedError, match="make_store"):
        Nothing().make_store(Migrator(revisions=CHAIN))


def test_a_chain_with_a_merge_is_refused_with_what_to_do() -> None:
    base = Revision("m1", workflow="m")
    sides = [Revision(name, "m1", workflow="m") for name in ("m2", "m3")]
    merge = Revision("m4", ("m2", "m3"), workflow="m")

    class Merged(StoreMachine):
        migrations = (base, *sides, merge)

    with pytest.raises(RevisionError, match=r"m4.*merge.*migrations = \[\.\.\.\]"):
        Merged()
