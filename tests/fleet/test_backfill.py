"""Eager migration in bulk."""

import time

import pytest
from sqlalchemy import text
from triage_runs import state, store

from statemig.fleet.backfill import downgrade_all, upgrade_all
from statemig.store import RunFilter


def revisions_of(runs):
    return [row.revision for rows in runs.iterate(RunFilter(ended=True)) for row in rows]


def burst(value):
    if value == "burst":
        raise ValueError("secret")
    return value


def broken(op):
    op.transform(burst, path="state.topic")
    op.rename_step("approve", to="review")
    op.rename_field("state.summary", to="digest")
    op.wrap("state.digest")
    op.add_field("state.priority", default="normal")


def test_every_run_is_brought_up_and_down_again_exactly(url):
    old = store(url, 1)
    ids = [old.start(state(topic=str(number))) for number in range(7)]
    before = {run_id: old.read(run_id).document for run_id in ids}
    runs = store(url, 2)
    seen = []

    done = upgrade_all(runs, batch=3, progress=lambda so_far: seen.append(so_far.moved))

    assert (done.moved, done.seen, done.complete) == (7, 7, True)
    assert seen == [3, 6, 7]
    assert revisions_of(runs) == ["r2"] * 7

    assert downgrade_all(runs, "r1", batch=3).moved == 7
    assert {run_id: old.read(run_id).document for run_id in ids} == before


def test_a_second_time_there_is_nothing_to_do(url):
    store(url, 1).start(state())
    runs = store(url, 2)
    upgrade_all(runs)
    assert upgrade_all(runs).seen == 0


def test_a_dry_run_counts_and_writes_nothing(url):
    old = store(url, 1)
    old.start(state())
    old.start(state(topic="burst"))
    runs = store(url, 2, v2=broken)

    done = upgrade_all(runs, dry_run=True)

    assert (done.moved, done.failed, len(done.failures)) == (1, 1, 1)
    assert revisions_of(runs) == ["r1", "r1"]
    assert runs.failures() == []


def test_a_run_that_fails_is_listed_with_its_reason_and_the_rest_go_on(url):
    old = store(url, 1)
    good = [old.start(state()) for _ in range(3)]
    bad = old.start(state(topic="burst"))
    runs = store(url, 2, v2=broken)

    done = upgrade_all(runs, batch=2)

    assert (done.moved, done.failed, done.complete) == (3, 1, False)
    [failure] = done.failures
    assert (failure.run_id, failure.kind, failure.revision) == (bad, "failed", "r2")
    assert "secret" not in repr(failure)
    assert [f.run_id for f in runs.failures()] == [bad]
    assert {runs.read(run_id).stored_revision for run_id in good} == {"r2"}
    assert old.read(bad).state["topic"] == "burst"


def test_runs_under_a_lease_are_left_for_their_worker(url):
    old = store(url, 1)
    old.start(state())
    worker = old.claim("w")
    runs = store(url, 2)

    assert (upgrade_all(runs).leased, revisions_of(runs)) == (1, ["r1"])
    worker.save()
    assert upgrade_all(runs).moved == 1


@pytest.mark.parametrize(("policy", "count"), [("hold", "held"), ("pin", "pinned"), ("fail", "failed")])
def test_runs_that_a_policy_keeps_are_counted_as_such(url, policy, count):
    old = store(url, 2)
    old.start({"topic": "t", "priority": "p"}, step="check")
    old.start({"topic": "t", "priority": "p"})
    done = upgrade_all(store(url, 3, policy=lambda op: getattr(op, policy)()))

    assert (done.moved, getattr(done, count)) == (1, 1)
    assert [failure.step for failure in done.failures] == ["check"]


def test_runs_that_the_target_can_not_be_reached_from_are_none_of_its_business(url):
    store(url, 2).start({"topic": "t", "priority": "p"})
    old = store(url, 1)
    mine = old.start(state())

    done = upgrade_all(store(url, 2), "r1")
    assert (done.foreign, done.failures) == (1, [])
    assert downgrade_all(store(url, 3), "r2").foreign == 1
    assert old.read(mine).stored_revision == "r1"


def test_a_run_of_an_unknown_revision_is_listed_and_stays(url):
    newer = store(url, 2).start({"topic": "t", "priority": "p"})
    old = store(url, 1)

    done = upgrade_all(old)
    assert (done.foreign, done.complete) == (1, False)
    [failure] = old.failures()
    assert (failure.run_id, failure.from_revision) == (newer, "r2")
    assert "does not know the revision" in failure.reason
    assert store(url, 2).failures() == []


def test_ended_runs_only_where_asked_for(url):
    old = store(url, 1)
    with old.load(old.start(state())) as run:
        run.finish()
    runs = store(url, 2)
    assert upgrade_all(runs).seen == 0
    assert upgrade_all(runs, ended=True).moved == 1


def test_a_run_written_by_somebody_else_meanwhile_is_counted_not_overwritten(url):
    old = store(url, 1)
    run_id = old.start(state())
    runs = store(url, 2)

    class Interrupted:
        """A store in which a worker is faster between the reading and the writing of a batch."""

        def __getattr__(self, name):
            return getattr(runs, name)

        def swap(self, moved):
            with old.load(run_id) as run:
                run.state["topic"] = "faster"
            return runs.swap(moved)

    done = upgrade_all(Interrupted())

    assert (done.moved, done.changed, done.complete) == (0, 1, False)
    assert old.read(run_id).state["topic"] == "faster"
    assert upgrade_all(runs).moved == 1


def test_an_interrupted_backfill_goes_on_where_it_was(url):
    old = store(url, 1)
    for _ in range(6):
        old.start(state())
    runs = store(url, 2)

    def stop(so_far):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        upgrade_all(runs, batch=2, progress=stop)
    assert sorted(revisions_of(runs)) == ["r1"] * 4 + ["r2"] * 2
    assert upgrade_all(runs, batch=2).moved == 4


def test_a_thousand_runs_take_seconds_not_minutes(url):
    old = store(url, 1)
    with old.engine.begin() as connection:
        old.start(state(), run_id="0")
        columns = (
            "workflow, status, phase, standing, revision, started_revision, checked, document, migrations, "
            "version, token, created_at, updated_at"
        )
        connection.execute(
            text(
                f"INSERT INTO statemig_runs (run_id, {columns}) "
                f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) "
                f"SELECT n.i, {columns} FROM n, statemig_runs"
            )
        )
    began = time.perf_counter()
    assert upgrade_all(store(url, 2)).moved == 1001
    assert time.perf_counter() - began < 20
