"""Claiming: what a worker gets, under which conditions, and what the store says of it afterwards."""

# ruff: noqa: PT012 (the end of a run's block is what raises)

import pytest
from triage_runs import state, store

from statemig.errors import ConflictError, CursorError, InvalidStateError, LeaseLostError, StoreError


def test_a_claimed_run_stands_at_the_start_of_the_workflow(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())

    run = runs.claim("w1")

    assert (run.run_id, run.step, run.attempt, run.revision) == (run_id, "classify", 1, "r1")
    assert run.state == state()
    assert run.idempotency_key == f"{run_id}/{run.position['id']}"


def test_a_run_under_a_lease_is_not_offered_again(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state())

    assert runs.claim("w1") is not None
    assert runs.claim("w2") is None


def test_an_expired_lease_is_taken_over_with_the_same_idempotency_key(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state())
    first = runs.claim("w1", ttl=10)
    clock.now += 11

    second = runs.claim("w2", ttl=10)

    assert second.idempotency_key == first.idempotency_key
    assert second.attempt == 2
    assert [(a.worker, a.outcome) for a in runs.attempts()] == [("w1", "lost")]


def test_a_worker_whose_run_was_taken_over_writes_nothing(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    late = runs.claim("w1", ttl=10)
    clock.now += 11
    with runs.claim("w2", ttl=10) as run:
        run.state["topic"] = "kept"
        run.advance("approve", output={"label": "b"})

    late.state["topic"] = "lost"
    late.advance("approve", output={"label": "a"})
    with pytest.raises(LeaseLostError) as failed:
        late.save()

    assert runs.read(run_id).state["topic"] == "kept"
    assert str(failed.value) == (
        f"run {run_id}, step classify: the lease ran out and another worker has taken the run; nothing was written. "
        "Claim with a longer ttl, or renew it during the step; the idempotency key tells what was done twice"
    )


def test_a_worker_whose_lease_ran_out_unnoticed_may_still_save(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    run = runs.claim("w1", ttl=10)
    clock.now += 11

    with run:
        run.advance("approve", output={"label": "a"})

    assert runs.read(run_id).outputs == {"classify": {"label": "a"}}


def test_renewing_keeps_others_away(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state())
    run = runs.claim("w1", ttl=10)
    clock.now += 9
    run.renew(10)
    clock.now += 9

    assert runs.claim("w2") is None
    run.advance("approve", output={"label": "a"})
    run.save()


def test_a_claim_prepared_before_a_renewal_does_not_steal_the_lease(url, clock):
    """The other worker has read the row while the lease was over; the renewal comes in between."""
    runs = store(url, 1, clock=clock)
    runs.start(state())
    run = runs.claim("w1", ttl=10)
    clock.now += 11
    [seen] = runs.candidates.ready(clock(), more=False)
    run.renew(60)

    assert runs._take(seen, "w2", 60) is None


def test_renewing_a_lost_lease_is_refused(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state())
    run = runs.claim("w1", ttl=10)
    clock.now += 11
    runs.claim("w2")

    with pytest.raises(LeaseLostError):
        run.renew(10)


def test_an_exception_gives_the_run_back_unsaved_and_names_only_the_type(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with pytest.raises(RuntimeError), runs.claim("w1") as run:
        run.state["topic"] = "half"
        raise RuntimeError("secret")

    assert runs.read(run_id).state == state()
    [attempt] = runs.attempts(run_id)
    assert (attempt.step, attempt.revision, attempt.worker, attempt.outcome, attempt.error) == (
        "classify",
        "r1",
        "w1",
        "error",
        "RuntimeError",
    )
    assert runs.claim("w2").attempt == 2


def test_a_run_that_keeps_failing_goes_to_the_back_of_the_queue(url, clock):
    runs = store(url, 1, clock=clock)
    bad, good = runs.start(state()), runs.start(state())
    with pytest.raises(RuntimeError), runs.claim("w1") as run:
        assert run.run_id == bad
        raise RuntimeError

    assert runs.claim("w1").run_id == good


def test_a_released_run_can_be_claimed_at_once(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    runs.claim("w1").release()

    assert runs.claim("w2").run_id == run_id
    assert [a.outcome for a in runs.attempts()] == ["released"]


def test_a_block_that_does_not_move_the_run_saves_it_and_leaves_it_ready(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with runs.claim("w1") as run:
        run.state["topic"] = "new"

    view = runs.read(run_id)
    assert view.state["topic"] == "new"
    assert view.cursor[0]["status"] == "ready"


def test_a_state_that_does_not_fit_is_refused_and_the_run_given_back(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with pytest.raises(InvalidStateError) as failed, runs.claim("w1") as run:
        run.state["log"] = "secret"

    assert str(failed.value) == (
        f"run {run_id}, workflow triage, revision r1, path state.log: what was to be saved does not fit the workflow: "
        "state.log: expected array. Nothing was written. If the model has changed, freeze it: "
        "`statemig revision --autogenerate`"
    )
    assert runs.read(run_id).state == state()
    assert runs.claim("w2") is not None


def test_a_run_is_moved_once_in_a_block(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state())
    with pytest.raises(CursorError, match="moved on already"), runs.claim("w1") as run:
        run.advance("approve", output={"label": "a"})
        run.advance("check")


def test_a_saved_run_is_closed(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state())
    with runs.claim("w1") as run:
        pass
    with pytest.raises(StoreError, match="saved or released already"):
        run.save()


def test_an_old_run_is_upgraded_by_the_claim_itself(url, clock):
    run_id = store(url, 1, clock=clock).start(state())
    runs = store(url, 2, clock=clock)

    run = runs.claim("w2")

    assert run.state == {"topic": "refund", "digest": ["s"], "log": [], "priority": "normal"}
    assert (run.started_revision, run.revision) == ("r1", "r2")
    assert [(e.kind, e.cause, e.from_revision, e.to_revision) for e in runs.history(run_id)] == [
        ("upgrade", "claim", "r1", "r2")
    ]
    assert runs.read(run_id).stored_revision == "r2"


def test_a_claim_writes_the_run_once(url, clock):
    from sqlalchemy import event

    store(url, 1, clock=clock).start(state())
    runs = store(url, 2, clock=clock)
    runs.watched.beat("w2", 60)  # once in a while, not at every claim
    written = []
    event.listen(
        runs.engine,
        "before_cursor_execute",
        lambda c, cursor, statement, *rest: written.append(statement.split(" SET")[0].split(" (")[0]),
    )

    assert runs.claim("w2") is not None

    assert [w for w in written if not w.startswith("SELECT")] == [
        "UPDATE statemig_runs",
        "INSERT INTO statemig_history",
    ]


def test_a_worker_of_an_older_version_leaves_newer_runs_alone(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    theirs = [new.start({"topic": "t", "priority": "high"}) for _ in range(3)]
    mine = old.start(state())

    assert old.claim("w1").run_id == mine
    assert old.claim("w1") is None
    # In a rolling deploy they are many, and nothing is wrong with them: the first of their revision is listed.
    [listed] = old.failures()
    assert listed.run_id in theirs
    assert listed.kind == "unknown"


def test_a_pinned_run_is_left_to_workers_of_its_revision(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = old.start(state())
    new.pin(run_id, "r1")

    assert new.claim("w2") is None
    assert old.claim("w1").run_id == run_id


def test_a_run_that_fails_to_migrate_is_listed_and_the_rest_go_on(url, clock):
    def broken(op):
        op.transform(burst, path="state.topic")
        op.rename_step("approve", to="review")
        op.rename_field("state.summary", to="digest")
        op.wrap("state.digest")
        op.add_field("state.priority", default="normal")

    old = store(url, 1, clock=clock)
    bad = old.start(state(topic="burst"))
    good = old.start(state())
    runs = store(url, 2, v2=broken, clock=clock)
    before = old.read(bad).document

    assert runs.claim("w2").run_id == good
    assert runs.claim("w2") is None

    [failure] = runs.failures()
    assert (failure.run_id, failure.kind, failure.head, failure.from_revision, failure.revision) == (
        bad,
        "failed",
        "r2",
        "r1",
        "r2",
    )
    assert "transform" in failure.operation
    assert "secret" not in str(failure)
    assert old.read(bad).document == before


def burst(value):
    if value == "burst":
        raise ValueError("secret")
    return value


def test_a_failed_run_is_offered_again_when_it_was_repaired(url, clock):
    def broken(op):
        op.transform(burst, path="state.topic")

    runs_v1 = store(url, 1, clock=clock)
    bad = runs_v1.start(state(topic="burst"))
    assert store(url, 2, v2=broken, clock=clock).claim("w") is None

    repaired = store(url, 2, clock=clock)
    assert repaired.claim("w") is None
    assert repaired.retry_failed() == 1
    assert repaired.claim("w").run_id == bad


@pytest.mark.parametrize("policy", ["hold", "pin", "fail"])
def test_a_run_whose_step_was_removed_is_not_taken_where_the_policy_says_so(url, clock, policy):
    old = store(url, 2, clock=clock)
    run_id = old.start({"topic": "t", "priority": "p"}, step="check")
    runs = store(url, 3, policy=lambda op: getattr(op, policy)(), clock=clock)

    assert runs.claim("w") is None

    [failure] = runs.failures()
    assert failure.kind == {"hold": "held", "pin": "pinned", "fail": "failed"}[policy]
    assert failure.step == "check"
    assert old.claim("w-old").run_id == run_id


def test_a_run_that_waits_where_its_step_was_removed_is_woken(url, clock):
    old = store(url, 2, clock=clock)
    run_id = old.start({"topic": "t", "priority": "p"}, step="check")
    with old.claim("w") as run:
        run.wait("check", "k")
    other = old.start({"topic": "t", "priority": "p"}, step="review")
    with old.claim("w") as run:
        run.wait("review", "k")
    runs = store(url, 3, clock=clock)

    assert runs.claim("w").run_id == run_id
    assert runs.claim("w") is None
    assert runs.read(other).stored_revision == "r2"


def test_every_run_of_many_is_claimed_once(url, clock):
    runs = store(url, 1, clock=clock)
    started = {runs.start(state()) for _ in range(30)}

    claimed = []
    while (run := runs.claim("w")) is not None:
        claimed.append(run.run_id)

    assert len(claimed) == 30
    assert set(claimed) == started


def test_answers_to_another_branch_do_not_cost_the_worker_its_work(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with runs.load(run_id) as run:
        run.cursor.append({"id": "q1", "step": "approve", "status": "waiting", "on": "human", "key": "k"})
    worker = runs.claim("w")
    runs.answer(run_id, "k", {"approved": True})

    worker.state["topic"] = "worked"
    worker.advance("check", output={"label": "x"})
    worker.save()

    view = runs.read(run_id)
    assert view.state["topic"] == "worked"
    assert {p["step"]: p.get("answer") for p in view.cursor} == {"check": None, "approve": {"approved": True}}


def test_a_loaded_run_conflicts_with_a_claim_in_between(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with pytest.raises(ConflictError, match="somebody else has written the run"), runs.load(run_id) as run:
        run.state["topic"] = "mine"
        runs.claim("w")

    assert runs.read(run_id).state["topic"] == "refund"


def test_a_loaded_run_has_no_lease_to_renew(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    with pytest.raises(StoreError) as failed:
        runs.load(run_id).renew()
    assert str(failed.value) == f"run {run_id}: a loaded run has no lease. Take it with claim to hold it"
