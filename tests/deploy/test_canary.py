"""A canary: who is in it, that it stays so, that shares hold at every step, and what a stage waits for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reversible import store
from sqlalchemy import create_engine, text
from triage_runs import state
from triage_runs import store as without_a_way_back

from statemig import RunTable
from statemig.deploy import Router, SideBySide, abort, canary, complete
from statemig.deploy.stages import ramp_of
from statemig.document import new_document
from statemig.errors import ConfigError, DeployError
from statemig.store.deploy_canary import Shares, begins, chosen, place
from statemig.store.deploy_records import Policy
from statemig.store.tables import attempts

V2 = {"topic": "t", "priority": "high"}
ids = st.lists(st.text("abcdef0123456789-", min_size=1, max_size=12), unique=True, max_size=60)
share = st.sampled_from([0.0, 0.01, 0.05, 0.25, 0.5, 0.99, 1.0]) | st.floats(0, 1)


# -- who is in it ------------------------------------------------------------------------------------------------------


@given(run_ids=ids, share=share)
def test_the_share_of_a_step_is_kept_to_within_one_run(run_ids, share):
    assert abs(len(chosen("r2", "approve", run_ids, share)) - share * len(run_ids)) <= 1


@given(run_ids=ids, shares=st.tuples(share, share).map(sorted), later=ids)
def test_a_share_that_grows_only_adds_runs(run_ids, shares, later):
    """Also where runs have come since, and some of the chosen have ended."""
    first = chosen("r2", "approve", run_ids, shares[0])
    others = sorted((set(run_ids) | set(later)) - set(first))
    added = chosen("r2", "approve", others, shares[1], len(first))
    assert not set(added) & set(first)
    assert len(first) + len(added) >= len(chosen("r2", "approve", run_ids, shares[1]))


@given(run_ids=ids, shares=st.tuples(share, share).map(sorted))
def test_who_is_chosen_at_a_share_is_chosen_at_every_larger_one(run_ids, shares):
    small, large = (set(chosen("r2", "approve", run_ids, each)) for each in shares)
    assert small <= large


@given(run_ids=ids, shares=st.tuples(share, share).map(sorted))
def test_a_new_run_in_a_share_is_in_every_larger_one(run_ids, shares):
    small, large = ({one for one in run_ids if begins(Shares("r2", each, 0), one)} for each in shares)
    assert small <= large


def test_places_are_spread_evenly_and_are_others_at_the_next_deploy():
    places = sorted(place("r2", f"run{number}") for number in range(10_000))
    assert max(abs(each - number / 10_000) for number, each in enumerate(places)) < 0.02  # Kolmogorov-Smirnov
    both = sum(place("r2", f"run{n}") < 0.1 and place("r3", f"run{n}") < 0.1 for n in range(10_000))
    assert 60 < both < 140


def test_steps_with_few_runs_have_their_share_together():
    """Three runs at each of 2,000 steps: 5 % of them, not none and not a third."""
    found = sum(len(chosen("r2", f"step{n}", [f"{n}-{m}" for m in range(3)], 0.05)) for n in range(2000))
    assert 250 < found < 350


# -- in a store --------------------------------------------------------------------------------------------------------


def arrive(runs, step, names):
    """Runs that stand at a step, all in one transaction."""
    cursor = [{"id": "p", "step": step, "status": "ready"}]
    runs.adopt([(runs.blank(name, runs.head), new_document(state(), cursor)) for name in names])


@pytest.fixture
def stores(url, clock):
    """Version 1 has 40 runs at classify and 20 at send; workers of both versions live."""
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    arrive(old, "classify", [f"c{number}" for number in range(40)])
    arrive(old, "send", [f"s{number}" for number in range(20)])
    old.watched.beat("w1", 1e6)
    new.watched.beat("w2", 1e6)
    return old, new


def marked(runs):
    return {row.run_id for batch in runs.iterate() for row in batch if row.canary == "r2"}


def ended_by(runs, worker):
    """The ids of all that a worker can claim; it finishes each."""
    found = set()
    while (run := runs.claim(worker)) is not None:
        found.add(run.run_id)
        with run:
            run.finish()
    return found


def tried(runs, revision, count, bad=0):
    """So many runs have tried a step under a version, and it went wrong in some."""
    at = runs.clock()
    common = {"workflow": "triage", "token": 1, "step": "classify", "revision": revision}
    rows = [
        {**common, "run_id": f"{revision}-{number}", "started_at": at, "ended_at": at}
        | {"outcome": "error" if number < bad else "done"}
        for number in range(count)
    ]
    with runs.engine.begin() as connection:
        connection.execute(attempts.insert(), rows)


def test_it_opens_the_window_and_chooses_at_each_step(stores):
    _, new = stores
    found = canary.start(new, "r2", new=0.05, parked=0.1)
    assert (found.rollout.stage, found.rollout.old, found.rollout.new) == ("canary 5%/10%", "r1", "r2")
    assert {step: runs for step, (runs, _) in found.canary.steps.items()} == {"classify": 40, "send": 20}
    for step, of_all in (("classify", 40), ("send", 20)):
        assert abs(found.canary.steps[step][1] - of_all * 0.1) <= 1
        assert found.steps[step].canary == found.canary.steps[step][1]
    assert new.deploy.preferred()[0] == "r1"


def test_workers_of_the_new_version_take_the_chosen_runs_and_no_others(stores):
    old, new = stores
    canary.start(new, "r2", new=0, parked=0.25)
    inside = marked(new)
    assert 13 <= len(inside) <= 17
    assert ended_by(new, "w2") == inside
    assert ended_by(old, "w1") == {*(f"c{n}" for n in range(40)), *(f"s{n}" for n in range(20))} - inside


def test_workers_of_the_old_version_leave_the_chosen_runs_alone(stores):
    old, new = stores
    canary.start(new, "r2", new=0, parked=0.25)
    inside = marked(new)
    assert not ended_by(old, "w1") & inside


def test_explain_names_the_canary(stores):
    _, new = stores
    canary.start(new, "r2", parked=0.25)
    inside = marked(new)
    router = Router(new)
    for number in range(40):
        decision = router.pick(f"c{number}")
        expected = ("canary", "r2") if decision.run_id in inside else ("preferred", "r1")
        assert (decision.rule, decision.revision) == expected
    assert router.pick(min(inside)).why == "it is in the canary of r2"


def test_a_chosen_run_stays_with_the_new_version_though_it_is_stored_in_the_old_one(stores, clock):
    """From step to step, past a person's answer, and when the share grows."""
    old, new = stores
    canary.start(new, "r2", new=0, parked=0.05)
    inside = {run for run in marked(new) if run.startswith("c")}
    for _ in inside:
        with new.claim("w2") as run:
            run.wait("review", key=run.run_id, output={"label": "x"})
    for run_id in inside:
        assert new.row(run_id).revision == "r1"
        new.answer(run_id, run_id, {"approved": True})
        assert Router(new).pick(run_id).revision == "r2"
    assert not ended_by(old, "w1") & inside
    canary.advance(new, force="a test")
    assert inside <= marked(new)
    assert inside <= ended_by(new, "w2")


def test_the_chosen_of_a_stage_are_among_those_of_the_next(stores):
    _, new = stores
    canary.start(new, "r2", new=0, stages=[(0, 0.1), (0, 0.3), (0, 0.8)])
    before = marked(new)
    for _ in range(2):
        found = canary.advance(new, force="a test")
        assert before < marked(new)
        before = marked(new)
        for runs, taken in found.canary.steps.values():
            assert abs(taken - runs * found.canary.shares[1]) <= 1


def test_at_the_last_stage_every_run_goes_to_the_new_version(stores):
    old, new = stores
    canary.start(new, "r2", stages=[(1, 1)])
    old.start(state(), run_id="late")
    assert old.claim("w1") is None
    assert len(ended_by(new, "w2")) == 61


def test_runs_that_can_not_come_back_are_left_out_and_counted(url, clock):
    """The way down over this version 2 is not proved: its window pins the runs of version 1."""
    old, new = without_a_way_back(url, 1, clock=clock), without_a_way_back(url, 2, clock=clock)
    for number in range(8):
        old.start(state(), run_id=f"c{number}")
    old.deploy.pin("c0", "r1")
    found = canary.start(new, "r2", parked=1.0, new=0)
    assert found.canary.left_out == {"window": 7, "pin": 1}
    assert found.canary.steps == {}


def test_a_policy_for_a_step_keeps_its_runs(stores):
    _, new = stores
    new.deploy.set_policy(Policy("step", "send", "route"))
    found = canary.start(new, "r2", parked=0.5)
    assert found.canary.left_out == {"step": 20}
    assert set(found.canary.steps) == {"classify"}


# -- new runs ----------------------------------------------------------------------------------------------------------


def test_new_runs_of_the_share_begin_on_the_new_version_and_the_others_on_the_old(stores):
    _, new = stores
    canary.start(new, "r2", new=0.3, parked=0)
    for number in range(40):
        run_id = new.start(V2, run_id=f"n{number}")
        inside = place("r2", run_id) < 0.3
        row = new.row(run_id)
        assert (row.started_revision, row.canary) == (("r2", "r2") if inside else ("r1", None))
        assert Router(new).starts(run_id) == row.started_revision


def test_the_shares_of_new_runs_and_of_those_in_flight_are_apart(stores):
    _, new = stores
    canary.start(new, "r2", new=1, parked=0)
    assert marked(new) == set()
    new.start(V2, run_id="n")
    assert new.row("n").started_revision == "r2"
    assert ended_by(new, "w2") == {"n"}


def test_a_process_of_the_old_version_starts_runs_of_the_canary_too(stores):
    """It can not begin them on the new version, so the first worker of that one takes them there."""
    old, new = stores
    canary.start(new, "r2", new=1, parked=0)
    old.start(state(), run_id="n")
    assert (old.row("n").started_revision, old.row("n").canary) == ("r1", "r2")
    assert ended_by(new, "w2") == {"n"}


def test_as_long_as_nobody_runs_the_new_version_new_runs_begin_on_the_old(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.watched.beat("w1", 1e6)
    found = canary.start(new, "r2", new=1, parked=0, old="r1")
    assert found.notes == ("no living worker runs r2: nothing goes there yet",)
    new.start(V2, run_id="n")
    assert (new.row("n").started_revision, Router(new).pick("n").revision) == ("r1", "r1")
    assert Router(new).starts("n") == "r1"


def test_in_one_process_of_both_versions_a_new_run_finds_its_store(stores):
    old, new = stores
    both = SideBySide([old, new])
    assert both.starting("n") is new
    canary.start(new, "r2", new=0.3, parked=0)
    for number in range(20):
        expected = new if place("r2", f"n{number}") < 0.3 else old
        assert both.starting(f"n{number}") is expected


def test_runs_in_a_table_of_the_users_are_chosen_and_start_alike(url, clock):
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE jobs (id VARCHAR(40) PRIMARY KEY, state TEXT)"))
    table = RunTable("jobs", state="state")
    old, new = store(url, 1, clock=clock, table=table), store(url, 2, clock=clock, table=table)
    old.watched.beat("w1", 1e6)
    new.watched.beat("w2", 1e6)
    for number in range(8):
        old.start(state(), run_id=f"c{number}")
    canary.start(new, "r2", new=1, parked=0.5)
    new.start(V2, run_id="n")
    inside = marked(new)
    assert len(inside - {"n"}) in (3, 4, 5)
    assert ended_by(new, "w2") == inside
    engine.dispose()


# -- stages ------------------------------------------------------------------------------------------------------------


def test_a_stage_waits_for_its_time_and_for_the_verdict(stores, clock):
    _, new = stores
    canary.start(new, "r2", hold=1200)
    clock.now += 300
    with pytest.raises(DeployError) as failed:
        canary.advance(new)
    assert failed.value.problems == (
        "the stage has stood for 300 of 1,200 seconds",
        "the verdict is WAIT: errors: too few runs to tell: none of the new version yet",
    )
    assert str(failed.value).endswith("Wait, or say --force with the reason; it is written down")
    tried(new, "r1", 300)
    tried(new, "r2", 90)
    with pytest.raises(DeployError, match="the next stage can not begin: the stage has stood for"):
        canary.advance(new)
    clock.now += 901
    found = canary.advance(new)
    assert (found.canary.stage, found.rollout.stage) == (1, "canary 25%")
    assert found.look.verdict == "OK"


def test_a_stage_does_not_begin_when_the_new_version_is_worse(stores, clock):
    _, new = stores
    canary.start(new, "r2", hold=0)
    tried(new, "r1", 300, bad=3)
    tried(new, "r2", 60, bad=12)
    with pytest.raises(
        DeployError, match=r"the verdict is ABORT: errors: 12 of 60 against 3 of 300.*statemig abort"
    ):
        canary.advance(new)


def test_going_on_by_force_is_written_down_with_the_reason(stores):
    _, new = stores
    canary.start(new, "r2")
    found = canary.advance(new, force="it is a small shop")
    entry = found.canary.log[-1]
    assert (entry["what"], entry["forced"], entry["new"], entry["verdict"]) == (
        "advanced",
        "it is a small shop",
        0.25,
        "WAIT",
    )
    assert len(entry["although"]) == 2


def test_after_the_last_stage_the_deploy_is_completed(stores):
    _, new = stores
    canary.start(new, "r2")
    canary.advance(new, force="a test")
    assert canary.advance(new, force="a test").rollout.stage == "canary 100%"
    with pytest.raises(
        DeployError, match="the canary is at its last stage, 100% of new runs and 100% of those in"
    ):
        canary.advance(new, force="a test")
    complete(new, force=True)
    found = canary.status(new)
    assert (found.rollout.stage, found.canary.on) == ("completed", False)
    assert Router(new).pick("c0").rule == "preferred"


def test_stopping_takes_every_run_out_and_leaves_the_window_open(stores):
    _, new = stores
    canary.start(new, "r2", new=1, parked=0.5)
    found = canary.stop(new)
    assert (found.rollout.stage, found.rollout.open, found.canary.on) == ("started", True, False)
    assert marked(new) == set()
    assert new.claim("w2") is None
    assert canary.stop(new).rollout == found.rollout
    with pytest.raises(DeployError, match="no canary is on"):
        canary.advance(new)
    again = canary.start(new, "r2", new=0, parked=0.1)
    assert [each["what"] for each in again.canary.log] == ["started", "stopped", "started"]
    assert len(marked(new)) == sum(taken for _, taken in again.canary.steps.values())


def test_an_abort_ends_it_and_another_canary_begins_anew(stores):
    old, new = stores
    canary.start(new, "r2", new=1, parked=0.5)
    new.start(V2, run_id="n")
    abort(new)
    assert not canary.status(new).canary.on
    assert new.claim("w2") is None
    assert old.claim("w1") is not None
    new.start(V2, run_id="after")
    assert new.row("after").started_revision == "r1"
    found = canary.start(new, "r2", new=0, parked=0.1)
    assert len(marked(new)) == sum(taken for _, taken in found.canary.steps.values())


def test_said_again_it_chooses_from_the_runs_that_have_come_since(stores):
    old, new = stores
    first = canary.start(new, "r2", new=0, parked=0.2)
    before = marked(new)
    arrive(old, "classify", [f"later{number}" for number in range(60)])
    found = canary.start(new, "r2")
    assert before < marked(new)
    runs, taken = found.canary.steps["classify"]
    assert (runs, found.canary.stage_since) == (100, first.canary.stage_since)
    assert abs(taken - 20) <= 1


def test_shares_do_not_shrink(stores):
    _, new = stores
    canary.start(new, "r2", new=0.2, parked=0.2)
    with pytest.raises(DeployError) as failed:
        canary.start(new, "r2", parked=0.1)
    assert failed.value.message == (
        "the shares are 20% of new runs and 20% of those in flight, and 20% of new runs and 10% of those in flight "
        "would take runs out of the canary"
    )


def test_a_version_that_is_preferred_already_has_no_canary(stores):
    _, new = stores
    canary.start(new, "r2")
    Router(new).prefer("r2")
    with pytest.raises(DeployError, match="this version is the preferred one"):
        canary.start(new, "r2")


def test_a_first_share_at_or_beyond_the_next_one_takes_its_place():
    assert ramp_of([(0.05, 0.05), (0.25, 0.25), (1, 1)], 0.3, 0.3) == ((0.3, 0.3), (1, 1))
    assert ramp_of([(0.05, 0.05), (0.25, 0.25), (1, 1)], 0.3, 0.1) == ((0.3, 0.1), (0.3, 0.25), (1, 1))


@pytest.mark.parametrize(
    ("stages", "said"),
    [
        (
            [(0.25, 0.25), (0.05, 0.05)],
            "a ramp does not fall, and 5% of new runs and 5% of those in flight comes after",
        ),
        ([(1.5, 1.5)], "1.5 is no share"),
    ],
)
def test_a_ramp_that_is_none(stores, stages, said):
    _, new = stores
    with pytest.raises(ConfigError, match=said):
        canary.start(new, "r2", stages=stages)
    assert new.deploy.rollout() is None
