"""Two real processes at the same runs: nothing is lost, and no step runs twice while its lease holds."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from race_worker import LOADS, ROUNDS, RUNS, migrator

from statemig import RunStore

WORKER = Path(__file__).with_name("race_worker.py")


def race(url, log, versions, mode):
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKER), url, str(log), f"w{number}", str(version), mode],
            stderr=subprocess.PIPE,
        )
        for number, version in enumerate(versions)
    ]
    for worker in workers:
        _, errors = worker.communicate(timeout=50)
        assert worker.returncode == 0, errors.decode()
    return [line.split() for line in log.read_text().splitlines()]


@pytest.mark.parametrize("versions", [(2, 2), (1, 2)], ids=["same version", "old and new"])
def test_every_step_of_every_run_runs_exactly_once(url, tmp_path, versions):
    first = RunStore(url, migrator(1))
    ids = [first.start({"n": 0, "seen": []}) for _ in range(RUNS)]

    log = race(url, tmp_path / "log", versions, "work")

    if versions == (2, 2):
        assert {worker for _, _, worker, _ in log} == {"w0", "w1"}
    runs = RunStore(url, migrator(2))
    effects = Counter(key for _, key, *_ in log)
    assert len(log) == RUNS * ROUNDS
    assert set(effects.values()) == {1}
    for run_id in ids:
        view = runs.read(run_id)
        assert (view.status, view.state["count"]) == ("finished", ROUNDS)
        assert view.state["seen"] == [key for run, key, *_ in log if run == run_id]
        assert [attempt.idempotency_key for attempt in runs.attempts(run_id)] == view.state["seen"]
    assert runs.failures() == []


def test_two_processes_that_load_the_same_run_lose_no_write(url, tmp_path):
    RunStore(url, migrator(2)).start({"count": 0, "seen": [], "unit": "rounds"}, run_id="shared")

    log = race(url, tmp_path / "log", (2, 2), "loads")

    assert RunStore(url, migrator(2)).read("shared").state["count"] == 2 * LOADS
    assert [line for line in log if line[0] == "done"] == [["done", str(LOADS)]] * 2
    assert ["conflict"] in log


def test_an_old_process_counts_until_a_new_one_has_upgraded_the_run(url, tmp_path):
    RunStore(url, migrator(1)).start({"n": 0, "seen": []}, run_id="shared")

    log = race(url, tmp_path / "log", (1, 2), "loads")

    old = next(int(line[1]) for line in log if line[0] == "newer" or line == ["done", str(LOADS)])
    done = sum(int(line[1]) for line in log if line[0] in ("newer", "done"))
    view = RunStore(url, migrator(2)).read("shared")
    assert view.state["count"] == done
    assert old <= LOADS
    assert len(RunStore(url, migrator(2)).history("shared")) == 1


@pytest.mark.parametrize("again", range(3))
def test_two_processes_that_open_a_new_database_at_once(url, again):
    """Both make the tables; every statement of the making can collide."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[2]); from race_worker import *; "
        "RunStore(sys.argv[1], migrator(1)).start({'n': 0})"
    )
    children = [
        subprocess.Popen([sys.executable, "-c", script, url, str(WORKER.parent)], stderr=subprocess.PIPE)
        for _ in range(2)
    ]
    for child in children:
        _, errors = child.communicate(timeout=30)
        assert child.returncode == 0, errors.decode()
    assert sum(each.count for each in RunStore(url, migrator(1)).counts()) == 2
