"""Draining a version: who starts, who ends, how long it will take, and what happens when time is up."""

from __future__ import annotations

import pytest
from triage_runs import state, store

from statemig.deploy import Router, begin_drain, end_drain, look_at_drain
from statemig.errors import DeployError, DrainingError
from statemig.store.deploy_records import Policy, Unknown


@pytest.fixture
def fleet(url, clock):
    """Four runs of version 1, and the stores of both versions."""
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    for number in range(4):
        old.start(state(), run_id=f"run{number}")
        clock.now += 100
    return old, new


def end_one(old):
    with old.claim("w1") as run:
        run.finish()


def test_count_rate_and_time_left(fleet, clock):
    old, new = fleet
    begin_drain(new, "r1")
    clock.now += 1800
    end_one(old)

    status = look_at_drain(new, "r1")
    assert (status.state, status.left, status.ended, status.drain.counted) == ("draining", 3, 1, 4)
    assert status.rate == pytest.approx(2.0, rel=0.01)
    assert status.eta == pytest.approx(5400, rel=0.01)


def test_the_oldest_run_and_what_it_waits_for(fleet, clock):
    old, new = fleet
    with old.claim("w1") as run:
        assert run.run_id == "run0"
        run.wait("approve", key="k", output={"label": "l"})
    asked = clock.now
    clock.now += 5000
    begin_drain(new, "r1")
    status = look_at_drain(new, "r1")
    assert (status.oldest, status.waits) == ("run0", (("approve", "waiting", "human"),))
    assert status.since == pytest.approx(asked, abs=1)


def test_what_is_not_known_is_not_zero(fleet):
    _, new = fleet
    begin_drain(new, "r1")
    status = look_at_drain(new, "r1")
    assert status.rate == Unknown("no run has ended since it began")
    assert status.eta == status.rate


def test_a_draining_version_starts_nothing_until_it_is_resumed(fleet):
    old, new = fleet
    begin_drain(new, "r1")
    with pytest.raises(DrainingError):
        old.start(state())
    assert end_drain(new, "r1")
    old.start(state())
    with pytest.raises(DeployError) as failed:
        look_at_drain(new, "r1")
    assert str(failed.value) == (
        "workflow triage, revision r1: this version does not drain. Begin with `statemig drain r1`"
    )


def test_runs_that_are_on_it_end_on_it(fleet):
    old, new = fleet
    new.deploy.set_policy(Policy("workflow", "", "migrate", "r2"))
    begin_drain(new, "r1")
    assert new.claim("w2") is None
    for _ in range(4):
        end_one(old)
    status = look_at_drain(new, "r1")
    assert (status.state, status.left, status.eta) == ("drained", 0, 0.0)


def test_it_has_stalled_when_no_run_ends_any_more(fleet, clock):
    old, new = fleet
    begin_drain(new, "r1")
    clock.now += 3000
    end_one(old)
    assert look_at_drain(new, "r1").state == "draining"
    clock.now += 3601
    status = look_at_drain(new, "r1")
    assert (status.state, status.why) == ("stalled", "for a long time no run has ended")


def test_after_the_deadline_what_is_left_is_migrated(fleet, clock):
    old, new = fleet
    held = old.claim("w1", ttl=10_000)
    begin_drain(new, "r1", deadline=3600, on_deadline="migrate")
    assert look_at_drain(new, "r1").moved == 0
    clock.now += 3700

    status = look_at_drain(new, "r1")
    assert (status.moved, status.left, status.state) == (3, 1, "stalled")
    with held as run:
        run.finish()
    assert look_at_drain(new, "r1").state == "drained"


def test_where_the_runs_go_is_said_beforehand(fleet):
    _, new = fleet
    begin_drain(new, "r1", deadline=3600, on_deadline="migrate")
    assert look_at_drain(new, "r1").goes_to == "r2"
    begin_drain(new, "r1", on_deadline="notify")
    assert look_at_drain(new, "r1").goes_to is None


@pytest.mark.parametrize("preferred", [None, "r2"])
def test_the_newest_version_has_none_to_migrate_to(fleet, preferred):
    _, new = fleet
    Router(new).prefer(preferred)
    with pytest.raises(DeployError) as failed:
        begin_drain(new, "r2", deadline=3600, on_deadline="migrate")
    assert str(failed.value) == (
        "workflow triage, revision r2: after the deadline its runs could be migrated to no version: it is the newest one. "
        "Say `statemig drain r2 --on-deadline notify`; `statemig downgrade` brings runs to an older version"
    )
    assert new.deploy.drains() == []


def test_it_migrates_to_no_older_version_that_is_preferred(fleet):
    _, new = fleet
    Router(new).prefer("r1")
    with pytest.raises(DeployError, match="r1 is preferred, which is not newer"):
        begin_drain(new, "r2", deadline=3600, on_deadline="migrate")


def test_after_the_deadline_it_can_also_only_be_said(fleet, clock):
    _, new = fleet
    begin_drain(new, "r1", deadline=60)
    clock.now += 61
    status = look_at_drain(new, "r1")
    assert (status.state, status.overdue, status.moved, status.left) == ("stalled", True, 0, 4)


def test_runs_without_a_version_leave_it_open_whether_it_is_drained(fleet):
    from sqlalchemy import text

    _, new = fleet
    with new.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET revision = NULL"))
    begin_drain(new, "r1")
    status = look_at_drain(new, "r1")
    assert (status.state, status.why) == ("unknown", "4 runs do not say which version they have; stamp them")
