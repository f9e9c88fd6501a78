"""Real processes of several versions at the same runs, with every strategy; on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from mixed_worker import ROUNDS, migrator

from statemig import RunStore
from statemig.deploy import Router, SideBySide, begin_drain, canary, end_drain, look, look_at_drain
from statemig.errors import ConfigError, DrainingError
from statemig.fleet.inventory import take

WORKER = Path(__file__).with_name("mixed_worker.py")


def fleet_of(url, log, **workers):
    """Run worker processes to their end: name="1" or "1,3". Returns (run, revision, step, key, worker) of each step that ran."""
    running = [
        subprocess.Popen([sys.executable, str(WORKER), url, str(log), name, versions], stderr=subprocess.PIPE)
        for name, versions in workers.items()
    ]
    for process in running:
        _, errors = process.communicate(timeout=90)
        assert process.returncode == 0, errors.decode()
    return [line.split() for line in log.read_text().splitlines()]


@pytest.fixture
def stores(url):
    """Three runs of each of three versions, and workers of each announced, so that none is preferred for want of another."""
    found = {version: RunStore(url, migrator(version)) for version in (1, 2, 3)}
    for version, runs in found.items():
        for number in range(3):
            counter = {1: {"n": 0}, 2: {"count": 0}, 3: {"count": 0, "unit": "rounds"}}[version]
            runs.start(counter, run_id=f"run{version}{number}")
        runs.deploy.beat("announced", f"v{version}", runs.migrator.known, live_for=30)
    return found


def check_exactly_once(log, stores):
    keys = Counter(key for _, _, _, key, _ in log)
    assert set(keys.values()) == {1}
    assert len(log) == 9 * ROUNDS
    assert take(stores[3]).runs == 0


def test_every_run_stays_on_the_version_it_started_on(url, tmp_path, stores):
    Router(stores[3]).policy("workflow", "", "route")
    log = fleet_of(url, tmp_path / "log", old="1", middle="2", new="3")
    check_exactly_once(log, stores)
    assert {(run[3], revision) for run, revision, *_ in log} == {("1", "v1"), ("2", "v2"), ("3", "v3")}


def test_one_process_runs_two_versions_beside_another(url, tmp_path, stores):
    Router(stores[3]).policy("workflow", "", "route")
    log = fleet_of(url, tmp_path / "log", both="1,3", middle="2")
    check_exactly_once(log, stores)
    assert {(worker, revision) for _, revision, _, _, worker in log} == {
        ("both", "v1"),
        ("both", "v3"),
        ("middle", "v2"),
    }


def test_a_worker_of_n_never_takes_a_run_of_n_plus_one(url, tmp_path, stores):
    """Every run may migrate to the preferred version 2; those of version 3 stay where they are."""
    Router(stores[3]).prefer("v2")
    log = fleet_of(url, tmp_path / "log", old="1", middle="2", new="3")
    check_exactly_once(log, stores)
    assert {(run[3], revision) for run, revision, *_ in log} == {("1", "v2"), ("2", "v2"), ("3", "v3")}


def test_strategies_are_mixed_by_class_and_run(url, tmp_path, stores):
    """Version 3 is preferred. From version 1 the change is breaking: those runs drain, but one, which migrates. Version 2 migrates."""
    router = Router(stores[3])
    router.prefer("v3")
    assert dict(stores[3].deploy.preferred()[1]) == {"v1": "breaking", "v2": "additive"}
    router.policy("class", "breaking", "drain")
    router.policy("run", "run11", "migrate")
    router.pin("run20", "v2")
    begin_drain(stores[3], "v1")

    log = fleet_of(url, tmp_path / "log", old="1", middle="2", new="3")

    check_exactly_once(log, stores)
    where = {run: revision for run, revision, *_ in log}
    assert where == {
        **{f"run3{number}": "v3" for number in range(3)},
        "run10": "v1",
        "run11": "v3",
        "run12": "v1",
        "run20": "v2",
        "run21": "v3",
        "run22": "v3",
    }
    assert look_at_drain(stores[3], "v1").state == "drained"


def test_a_run_of_the_canary_is_never_run_by_the_other_side(url, tmp_path):
    """What the new version has in hand is written back in the old one after each step, where old workers could read it."""
    old, new = (RunStore(url, migrator(version)) for version in (1, 2))
    for number in range(12):
        old.start({"n": 0}, run_id=f"run{number}")
    for runs in (old, new):
        runs.deploy.beat("announced", runs.head, runs.migrator.known, live_for=30)
    begun = canary.start(new, "v2", new=0, parked=0.5)
    assert begun.rollout.modes == {"v1": "in memory"}
    chosen = {row.run_id for rows in new.iterate() for row in rows if row.canary == "v2"}

    log = fleet_of(url, tmp_path / "log", old="1", new="2")

    assert set(Counter(key for _, _, _, key, _ in log).values()) == {1}
    assert len(log) == 12 * ROUNDS
    assert {run for run, revision, *_ in log if revision == "v2"} == chosen
    assert {run for run, revision, *_ in log if revision == "v1"} == {f"run{n}" for n in range(12)} - chosen
    assert len(chosen) in (5, 6, 7)
    assert {new.row(run).revision for run in chosen} == {"v1"}
    [errors, *_] = look(new).signs
    assert (errors.found.canary.runs, errors.found.control.runs) == (len(chosen), 12 - len(chosen))


def test_new_runs_start_in_the_store_of_the_preferred_version(url, stores):
    fleet = SideBySide(stores.values())
    assert fleet.preferred().head == "v3"
    Router(stores[3]).prefer("v1")
    assert fleet.preferred().head == "v1"
    with pytest.raises(ConfigError) as failed:
        fleet.store("v9")
    assert str(failed.value) == "this process does not run revision v9. It runs v1, v2, v3"


def test_all_three_strategies_at_once_and_new_runs_beside_them(url, tmp_path, stores):
    """Version 3 is preferred. What a breaking change stands before drains; what stands at `labour` is routed, but for one run.
    New runs start on version 3 meanwhile, and none on version 1 until that is told to go on."""
    newest, router = stores[3], Router(stores[3])
    router.prefer("v3")
    router.policy("class", "breaking", "drain")
    router.policy("step", "labour", "route")
    router.policy("run", "run21", "migrate")
    begin_drain(newest, "v1")
    with pytest.raises(DrainingError):
        stores[1].start({"n": 0})
    young = SideBySide(stores.values()).preferred().start({"count": 0, "unit": "rounds"}, run_id="run39")
    assert newest.row(young).started_revision == "v3"

    log = fleet_of(url, tmp_path / "log", old="1", both="2,3", new="3")

    assert {len([line for line in log if line[0] == run]) for run, *_ in log} == {ROUNDS}
    assert set(Counter(key for _, _, _, key, _ in log).values()) == {1}
    assert {run: revision for run, revision, *_ in log} == {
        **{f"run1{number}": "v1" for number in range(3)},
        "run20": "v2",
        "run21": "v3",
        "run22": "v2",
        **{f"run3{number}": "v3" for number in (0, 1, 2, 9)},
    }
    assert look_at_drain(newest, "v1").state == "drained"
    assert end_drain(newest, "v1")
    stores[1].start({"n": 0})
