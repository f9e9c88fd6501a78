"""A person's answer: it reaches the question it was given to, at any revision, and is never lost."""

import pytest
from sqlalchemy import text
from triage_runs import state, store

from statemig.errors import AnswerError, UnknownRevisionError


def waiting(runs, step="approve", key="k1"):
    run_id = runs.start({"topic": "t", "priority": "p"} if "r2" in runs.migrator.known else state())
    with runs.load(run_id) as run:
        run.wait(step, key, {"question": "ok?"}, output={"label": "x"})
    return run_id


def test_an_answer_makes_the_run_ready_with_key_and_payload_kept(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    position = runs.read(run_id).cursor[0]
    assert runs.claim("w") is None

    runs.answer(run_id, "k1", {"approved": True})

    assert runs.read(run_id).cursor == [{**position, "status": "ready", "answer": {"approved": True}}]
    with runs.claim("w") as run:
        assert (run.step, run.answer) == ("approve", {"approved": True})
        run.advance(output=run.answer)
    assert runs.read(run_id).outputs["approve"] == {"approved": True}


def test_an_answer_after_the_step_was_renamed_reaches_it(url, clock):
    run_id = waiting(store(url, 1, clock=clock))
    runs = store(url, 2, clock=clock)

    runs.answer(run_id, "k1", {"approved": True})

    run = runs.claim("w")
    assert (run.step, run.answer) == ("review", {"approved": True})
    assert [e.cause for e in runs.history(run_id)] == ["answer"]


@pytest.mark.parametrize("policy", ["hold", "pin", "fail"])
def test_an_answer_to_a_run_that_stays_behind_is_stored_where_it_is(url, clock, policy):
    old = store(url, 2, clock=clock)
    run_id = waiting(old, step="check")
    runs = store(url, 3, policy=lambda op: getattr(op, policy)(), clock=clock)

    runs.answer(run_id, "k1", "yes")

    view = old.read(run_id)
    assert (view.stored_revision, view.cursor[0]["answer"]) == ("r2", "yes")
    assert old.claim("w-old").answer == "yes"


def test_an_answer_during_an_old_workers_lease_does_not_migrate_the_run_under_it(url, clock):
    old = store(url, 1, clock=clock)
    run_id = old.start(state())
    with old.load(run_id) as run:
        run.cursor.append({"id": "q1", "step": "approve", "status": "waiting", "on": "human", "key": "k"})
    worker = old.claim("w-old")

    store(url, 2, clock=clock).answer(run_id, "k", {"approved": True})
    worker.state["topic"] = "worked"
    worker.save()

    view = old.read(run_id)
    assert view.state["topic"] == "worked"
    assert view.cursor[1]["answer"] == {"approved": True}


def test_the_same_answer_twice_is_no_error_before_and_after_it_was_taken_up(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    runs.answer(run_id, "k1", {"approved": True})
    runs.answer(run_id, "k1", {"approved": True})
    with runs.claim("w") as run:
        run.advance(output=run.answer)
    runs.answer(run_id, "k1", {"approved": True})

    assert runs.read(run_id).outputs["approve"] == {"approved": True}


def test_another_answer_to_an_answered_question_is_refused(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    runs.answer(run_id, "k1", {"approved": True})

    with pytest.raises(AnswerError) as failed:
        runs.answer(run_id, "k1", {"approved": False})
    assert str(failed.value) == (
        f"run {run_id}: the question was answered before, with another answer. Nothing waits; the run is active"
    )
    assert runs.read(run_id).cursor[0]["answer"] == {"approved": True}


def test_an_unknown_key_names_the_steps_that_wait_and_nothing_else(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs, key="secret-key")
    with pytest.raises(AnswerError) as failed:
        runs.answer(run_id, "other", {"approved": True})
    assert str(failed.value) == f"run {run_id}: no question of the run has that key. Waiting now: approve"


def test_an_answer_that_does_not_fit_is_refused_and_the_question_still_waits(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    with pytest.raises(AnswerError) as failed:
        runs.answer(run_id, "k1", {"approved": "secret"})

    assert str(failed.value) == (
        f"run {run_id}, step approve, path outputs.approve.approved: the answer does not fit the step: expected boolean. "
        "Nothing was stored; the question still waits"
    )
    assert runs.read(run_id).cursor[0]["status"] == "waiting"
    runs.answer(run_id, "k1", {"approved": True})


def test_an_answer_must_be_json(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    with pytest.raises(AnswerError, match="the answer is not JSON"):
        runs.answer(run_id, "k1", {"approved": object()})


def test_a_finished_run_takes_no_answer(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    with runs.load(run_id) as run:
        run.fail("given up")
    with pytest.raises(AnswerError, match="the run is failed"):
        runs.answer(run_id, "k1", {"approved": True})


def test_an_answer_through_an_older_version_is_refused_loudly(url, clock):
    run_id = waiting(store(url, 2, clock=clock), step="review")
    old = store(url, 1, clock=clock)
    with pytest.raises(UnknownRevisionError):
        old.answer(run_id, "k1", {"approved": True})
    assert store(url, 2, clock=clock).read(run_id).cursor[0]["status"] == "waiting"


def test_asking_again_under_the_same_key_takes_a_new_answer(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    runs.answer(run_id, "k1", {"approved": False})
    with runs.claim("w") as run:
        first = run.idempotency_key
        run.wait("approve", "k1", {"question": "really?"})
    runs.answer(run_id, "k1", {"approved": True})

    run = runs.claim("w")
    assert run.answer == {"approved": True}
    assert run.idempotency_key != first


def test_the_answers_table_keeps_no_values(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = waiting(runs)
    runs.answer(run_id, "k1", {"approved": True})
    with runs.engine.connect() as connection:
        [row] = connection.execute(text("SELECT * FROM statemig_answers")).mappings()
    assert set(row) == {"workflow", "run_id", "position", "key", "step", "digest", "at"}
    assert "true" not in str(dict(row))
