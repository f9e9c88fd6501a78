"""SIGKILL at named points of a worker's life: what is in the rows then, and what the next worker does. (Law 18.)

The run was started by v1 and the victim runs v2, so the victim's claim also carries an upgrade.
"""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from triage_runs import state, store

CHILD = Path(__file__).with_name("crash_child.py")


def later():
    """When the victim's lease has run out."""
    return time.time() + 100


def kill_at(point, url, log):
    child = subprocess.run(
        [sys.executable, str(CHILD), url, str(log), point], capture_output=True, timeout=30
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()


def effects(log):
    return [line.split() for line in log.read_text().splitlines()] if log.exists() else []


def row(runs):
    with runs.engine.connect() as connection:
        found = connection.execute(text("SELECT revision, owner, version, token FROM statemig_runs"))
        return tuple(found.one())


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


@pytest.fixture
def runs(url):
    store(url, 1).start(state(), run_id="r")
    return store(url, 2)


@pytest.mark.parametrize("point", ["after load", "after the update", "after the history"])
def test_killed_while_claiming_nothing_has_happened(url, log, runs, point):
    before = row(runs)

    kill_at(f"claim:{point}", url, log)

    assert row(runs) == before == ("r1", None, 1, 0)
    assert runs.history("r") == []
    assert effects(log) == []
    run = runs.claim("next")
    assert (run.step, run.attempt) == ("classify", 1)


def test_killed_after_the_claims_commit_the_run_is_held_until_the_lease_ends(url, log, runs):
    kill_at("claim:after commit", url, log)

    assert row(runs) == ("r2", "victim", 2, 1)
    assert len(runs.history("r")) == 1
    assert effects(log) == []
    assert runs.claim("next") is None
    run = store(url, 2, clock=later).claim("next")
    assert (run.step, run.attempt, run.state["topic"]) == ("classify", 2, "refund")


@pytest.mark.parametrize(
    "point",
    [
        "step:after the side effect",
        "save:after the update",
        "save:after the attempt",
        "save:before commit",
    ],
)
def test_killed_before_the_saves_commit_the_step_runs_again_with_its_key(url, log, runs, point):
    kill_at(point, url, log)

    assert row(runs) == ("r2", "victim", 2, 1)
    assert runs.read("r").state["topic"] == "refund"
    assert [*runs.attempts("r")] == []
    [(_, key, _)] = effects(log)

    after = store(url, 2, clock=later)
    with after.claim("next") as run:
        assert run.idempotency_key == key
        run.wait("review", "k", output={"label": "next"})

    assert after.read("r").outputs == {"classify": {"label": "next"}}
    assert [(a.worker, a.outcome) for a in after.attempts("r")] == [("victim", "lost"), ("next", "waiting")]
    assert len(after.history("r")) == 1


def test_killed_after_the_saves_commit_the_step_does_not_run_again(url, log, runs):
    kill_at("save:after commit", url, log)

    view = runs.read("r")
    assert (view.state["topic"], view.outputs, view.cursor[0]["step"]) == (
        "worked",
        {"classify": {"label": "victim"}},
        "review",
    )
    assert row(runs) == ("r2", None, 3, 1)
    assert [(a.worker, a.outcome) for a in runs.attempts("r")] == [("victim", "waiting")]
    assert store(url, 2, clock=later).claim("next") is None
    assert len(effects(log)) == 1


@pytest.fixture
def asked(url, runs):
    old = store(url, 1)
    with old.load("r") as run:
        run.wait("approve", "k", output={"label": "x"})
    return runs


def test_killed_inside_the_answers_transaction_the_question_still_waits(url, log, asked):
    before = row(asked)

    kill_at("answer:inside the transaction", url, log)

    assert row(asked) == before
    assert asked.claim("next") is None
    asked.answer("r", "k", {"approved": False})
    assert asked.claim("next").answer == {"approved": False}


def test_killed_after_the_answers_commit_the_answer_is_there(url, log, asked):
    kill_at("answer:after commit", url, log)

    asked.answer("r", "k", {"approved": True})
    assert asked.claim("next").answer == {"approved": True}
