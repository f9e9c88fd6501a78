"""Who takes which run: the rules one by one, what claim makes of them, and that the database and the rules agree."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from triage_runs import state, store

from statemig.deploy import Router
from statemig.errors import ConfigError, DeployError, DrainingError, RoutedElsewhereError, RunNotFoundError
from statemig.store.deploy_records import Drain, Policy, Rollout, Worker
from statemig.store.deploy_routing import RunFacts, View
from statemig.store.deploy_view import facts_of, mine
from statemig.store.tables import runs as runs_table

V2 = {"topic": "t", "priority": "high"}


def worker(revision, *reads, name=None):
    return Worker(name or f"of-{revision}", revision, frozenset({revision, *reads}), 0.0, 0.0, 1e9)


W1, W2, W3 = worker("r1"), worker("r2", "r1"), worker("r3", "r1", "r2")


def shares(new, parked, on=True):
    return {"canary": {"on": on, "new": new, "parked": parked}}


def window(**more):
    return Rollout("r1", "r2", "started", "r1", "r1", {"r1": "in place"}, **more)


def decided(run=None, **view):
    view.setdefault("workers", (W1, W2))
    found = View(**view).decide(run or RunFacts("x", "r1", "r1", None, ("approve",)))
    return found.rule, found.revision


# -- the rules ---------------------------------------------------------------------------------------------------------


def test_where_nothing_was_said_everybody_takes_what_he_can():
    assert decided() == ("none", None)


def test_a_preferred_version_takes_the_runs_that_its_workers_can_read():
    assert decided(preferred="r2") == ("preferred", "r2")


def test_a_preferred_version_that_nobody_runs_yet_holds_up_no_run():
    assert decided(preferred="r2", workers=(W1,)) == ("preferred", "r1")


def test_a_run_of_a_newer_version_than_the_preferred_stays_there():
    assert decided(RunFacts("x", "r2", "r1"), preferred="r1") == ("preferred", "r2")


def test_what_can_be_run_and_what_is_preferred_are_never_taken_for_each_other():
    """Workers of r2 live, r1 is preferred and gone: the runs of r1 wait for r1, and are shown as zombies."""
    found = View(preferred="r1", workers=(W2,)).decide(RunFacts("x", "r1", "r1"))
    assert (found.revision, found.zombie) == ("r1", True)


def test_a_routed_run_stays_on_the_version_it_started_on():
    assert decided(policies=(Policy("workflow", "", "route"),), preferred="r2") == ("workflow", "r1")


def test_a_routed_run_whose_version_is_gone_goes_to_that_of_its_state():
    run = RunFacts("x", "r2", "r1")
    assert decided(run, policies=(Policy("workflow", "", "route"),), workers=(W2,)) == ("workflow", "r2")


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({}, "workflow"),
        ({"class": "breaking"}, "class"),
        ({"class": "additive"}, "workflow"),
        ({"drain": True, "class": "breaking"}, "drain"),
        ({"step": "approve", "drain": True}, "step"),
        ({"step": "send"}, "workflow"),
        ({"run": "x", "step": "approve"}, "run"),
        ({"canary": True, "class": "breaking"}, "canary"),
        ({"canary": True, "drain": True}, "drain"),
        ({"canary": True, "step": "approve"}, "step"),
        (
            {"pin": True, "canary": True, "run": "x", "step": "approve", "drain": True, "class": "breaking"},
            "pin",
        ),
    ],
)
def test_the_most_specific_rule_wins(more, rule):
    policies = [Policy("workflow", "", "route")]
    policies += [Policy(scope, more[scope], "migrate") for scope in ("class", "step", "run") if scope in more]
    drains = (Drain("r1", 0, None, "notify", 1, 1, 0, 0),) if "drain" in more else ()
    canary = "r2" if "canary" in more else None
    run = RunFacts("x", "r1", "r1", "r1" if "pin" in more else None, ("approve",), canary)
    found, revision = decided(
        run,
        policies=tuple(policies),
        drains=drains,
        preferred="r2",
        classes={"r1": "breaking"},
        rollout=None if canary is None else window(details=shares(0.05, 0.05)),
    )
    assert found == rule
    assert revision == ("r2" if rule in ("class", "step", "run", "canary") else "r1")


def test_a_run_that_could_not_come_back_stays_while_the_window_is_open():
    held = Rollout("r1", "r2", "started", "r1", "r1", {"r1": "pin"}, {"r1": "the way down is not proved"})
    found = View(preferred="r2", rollout=held, workers=(W1, W2)).decide(RunFacts("x", "r1", "r1"))
    assert (found.rule, found.revision) == ("window", "r1")
    assert found.why == "until the deploy is complete it stays: the way down is not proved"


def test_a_run_of_the_canary_goes_to_the_new_version_and_the_others_stay():
    open_window = window(details=shares(0.05, 0.05))
    inside, outside = RunFacts("x", "r1", "r1", canary="r2"), RunFacts("y", "r1", "r1")
    assert decided(inside, preferred="r1", rollout=open_window) == ("canary", "r2")
    assert decided(outside, preferred="r1", rollout=open_window) == ("preferred", "r1")


def test_a_canary_of_all_asks_no_run():
    everything = window(details=shares(1.0, 1.0))
    assert decided(preferred="r1", rollout=everything) == ("canary", "r2")


@pytest.mark.parametrize("stage", ["completed", "aborted"])
def test_with_its_deploy_a_canary_is_over(stage):
    over = replace(window(details=shares(1.0, 1.0)), stage=stage)
    assert decided(RunFacts("x", "r1", "r1", canary="r2"), preferred="r1", rollout=over)[0] == "preferred"


def test_a_canary_that_was_stopped_says_nothing():
    stopped = window(details=shares(1.0, 1.0, on=False))
    assert decided(RunFacts("x", "r1", "r1", canary="r2"), preferred="r1", rollout=stopped)[0] == "preferred"


def test_a_run_that_could_not_come_back_is_in_no_canary():
    held = replace(window(details=shares(0.05, 1.0)), modes={"r1": "pin"})
    assert decided(RunFacts("x", "r1", "r1"), preferred="r1", rollout=held) == ("window", "r1")


def test_a_run_of_the_canary_waits_for_no_worker_of_the_new_version():
    inside = RunFacts("x", "r1", "r1", canary="r2")
    found = decided(inside, preferred="r1", rollout=window(details=shares(0.05, 0.05)), workers=(W1,))
    assert found == ("canary", "r1")


# -- the database agrees with the rules --------------------------------------------------------------------------------

REVISIONS = ("r1", "r2", "r3")
revision = st.sampled_from(REVISIONS)
strategy = st.sampled_from(["migrate", "route", "drain"])
policy = st.one_of(
    st.builds(Policy, st.just("workflow"), st.just(""), strategy, st.none() | revision),
    st.builds(
        Policy, st.just("class"), st.sampled_from(["prompt", "additive", "breaking"]), strategy, st.none()
    ),
    st.builds(
        Policy,
        st.just("step"),
        st.sampled_from(["review", "sen", "Send", "send"]),
        strategy,
        st.none() | revision,
    ),
    st.builds(Policy, st.just("run"), st.sampled_from(["0", "7", "13"]), strategy, st.none() | revision),
)
views = st.builds(
    View,
    policies=st.lists(policy, max_size=4, unique_by=lambda p: (p.scope, p.target)).map(tuple),
    preferred=st.none() | revision,
    classes=st.dictionaries(revision, st.sampled_from(["prompt", "additive", "breaking"])),
    drains=st.lists(revision, unique=True, max_size=1).map(
        lambda names: tuple(Drain(name, 0, None, "notify", 0, 0, 0, 0) for name in names)
    ),
    rollout=st.none()
    | st.builds(
        lambda new, modes, stage, details: Rollout("r1", new, stage, "r1", "r1", modes, {}, details),
        revision,
        st.dictionaries(revision, st.sampled_from(["in place", "in memory", "pin"])),
        st.sampled_from(["started", "completed"]),
        st.just({}) | st.builds(shares, st.just(0.05), st.sampled_from([0.0, 0.05, 1.0]), st.booleans()),
    ),
    workers=st.lists(st.sampled_from([W1, W2, W3]), unique=True).map(tuple),
    pins=st.dictionaries(st.sampled_from(["3", "7"]), revision),
    canary_runs=st.dictionaries(st.sampled_from(["5", "7", "11"]), revision),
)
HEADS = {each.revision: each for each in (W1, W2, W3)}


@pytest.fixture
def every_kind(url):
    """A run of every kind that a rule tells apart."""
    found = store(url, 3)
    made = 0
    with found.engine.begin() as connection:
        for shape in (None, *REVISIONS):
            for started in (None, *REVISIONS):
                for pinned in (None, "r2"):
                    for standing in (
                        '[["review","waiting","human"]]',
                        '[["Send","ready"],["check","ready"]]',
                    ):
                        connection.execute(
                            runs_table.insert().values(
                                workflow="triage",
                                run_id=str(made),
                                status="active",
                                phase="ready",
                                standing=standing,
                                revision=shape,
                                started_revision=started,
                                pinned_revision=pinned,
                                checked=False,
                                document="{}",
                                migrations=0,
                                version=1,
                                token=0,
                                canary=(None, "r2", "r3")[made % 3],
                                created_at=1.0,
                                updated_at=1.0,
                            )
                        )
                        made += 1
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(view=views, head=revision)
def test_the_condition_in_sql_says_what_the_rules_say(every_kind, view, head):
    """What a claim asks the database for are the runs that `View.decide` gives to its version, and can be read there; no other."""
    me = HEADS[head]
    view = View(**{**{n: getattr(view, n) for n in View.__slots__}, "workers": tuple({*view.workers, me})})
    rows = [row for batch in every_kind.iterate() for row in batch]
    ours = {
        row.run_id
        for row in rows
        if me.can_take(row.revision) and view.decide(facts_of(row)).revision in (None, head)
    }
    condition = mine(view, head, me.reads, every_kind.engine)
    with every_kind.engine.connect() as connection:
        offered = connection.execute(select(runs_table.c.run_id, runs_table.c.revision).where(condition))
        asked = {run_id for run_id, shape in offered if me.can_take(shape)}
        assert connection.execute(select(func.count()).select_from(runs_table)).scalar() == len(rows)
    assert asked == ours


# -- claim ------------------------------------------------------------------------------------------------------------


def test_a_worker_of_the_old_version_leaves_a_run_to_the_preferred_one(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = old.start(state())
    assert old.claim("w1") is not None
    clock.now += 61
    new.watched.beat("w2", 60)
    new.deploy.prefer("r2", {"r1": "breaking"})

    assert old.claim("w1") is None
    assert (new.claim("w2").run_id, new.row(run_id).revision) == (run_id, "r2")


def test_a_worker_of_the_new_version_leaves_routed_runs_alone(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = old.start(state())
    old.watched.beat("w1", 60)
    new.deploy.set_policy(Policy("workflow", "", "route"))
    young = new.start(V2)

    assert new.claim("w2").run_id == young
    assert new.claim("w2") is None
    assert old.claim("w1").run_id == run_id
    assert old.row(run_id).revision == "r1"


def test_many_runs_of_others_do_not_hide_ours(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    for _ in range(30):
        old.start(state())
    new.deploy.set_policy(Policy("workflow", "", "route"))
    mine = new.start(V2)
    assert new.claim("w2").run_id == mine


def test_strategies_are_mixed_by_step_and_run(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    at_classify, at_send, chosen = (
        old.start(state()),
        old.start(state(), step="send"),
        old.start(state(), step="send"),
    )
    old.watched.beat("w1", 60)
    new.deploy.set_policy(Policy("step", "send", "route"))
    new.deploy.set_policy(Policy("run", chosen, "migrate", "r2"))
    new.deploy.prefer("r2")

    assert {new.claim("w2").run_id, new.claim("w2").run_id} == {at_classify, chosen}
    assert new.claim("w2") is None
    assert old.claim("w1").run_id == at_send


def test_a_dead_worker_is_noticed_when_its_heartbeat_has_run_out(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = old.start(state())
    new.watched.beat("w2", 60)
    new.deploy.prefer("r2")
    assert old.claim("w1") is None
    clock.now += 130
    assert old.claim("w1").run_id == run_id


def test_new_runs_start_on_the_preferred_version(url, clock):
    new = store(url, 2, clock=clock)
    new.deploy.prefer("r1")
    run_id = new.start(V2 | {"digest": ["one"]})

    row = new.row(run_id)
    assert (row.started_revision, row.revision) == ("r1", "r1")
    assert store(url, 1, clock=clock).read(run_id).state == {"topic": "t", "summary": "one"}
    assert new.read(run_id).state == {"topic": "t", "digest": ["one"], "priority": "high"}


def test_a_version_that_drains_starts_no_runs_and_another_does(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    new.deploy.put_drain(Drain("r1", clock(), None, "notify", 0, 0, 0, 0))

    with pytest.raises(DrainingError) as failed:
        old.start(state())
    assert new.row(new.start(V2)).revision == "r2"
    assert [row for batch in old.iterate() for row in batch if row.revision == "r1"] == []
    assert str(failed.value) == (
        "workflow triage, revision r1: no new runs of this version start while it drains. "
        "Start it with a newer version, or let this one go on: `statemig drain r1 --resume`"
    )


def test_code_that_loads_by_itself_does_not_take_a_routed_run_along(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = old.start(state())
    new.deploy.set_policy(Policy("run", run_id, "route"))
    with pytest.raises(RoutedElsewhereError) as failed:
        new.load(run_id)
    assert str(failed.value) == (
        f"run {run_id}, workflow triage, revision r1: the run is for workers of r1: by the policy for this run it stays on its version. "
        f"`statemig route explain {run_id}` says who may take it"
    )
    with old.load(run_id) as run:
        assert run.revision == "r1"


def test_an_answer_does_not_take_a_routed_run_along(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = old.start(state())
    with old.claim("w1") as run:
        run.wait("approve", key="k", output={"label": "refund"})
    new.deploy.set_policy(Policy("workflow", "", "route"))

    new.answer(run_id, "k", {"approved": True})

    assert new.row(run_id).revision == "r1"
    with old.claim("w1") as run:
        assert (run.step, run.answer) == ("approve", {"approved": True})
        run.finish()


def test_a_policy_for_what_there_is_not_is_refused_and_can_be_dropped(url):
    router = Router(store(url, 2))
    with pytest.raises(ConfigError, match="no version has a step 'aprove'"):
        router.policy("step", "aprove", "route")
    with pytest.raises(RunNotFoundError):
        router.policy("run", "nobody", "route")
    assert router.policy("step", "approve", "route") is not None  # its name in version 1
    assert router.policy("run", "nobody", None) is None


def test_a_run_is_not_pinned_to_a_version_that_can_not_read_it(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = new.start(V2)
    with pytest.raises(DeployError) as failed:
        Router(new).pin(run_id, "r1")
    assert str(failed.value) == (
        f"run {run_id}, workflow triage, revision r2: workers of r1 can not read the run, so nobody would take it. "
        "Bring it there first, then pin it: `statemig downgrade r1` for all runs, or in Python `downgrade` of the store or saver for "
        "this one"
    )
    assert new.row(run_id).pinned_revision is None
    new.downgrade(run_id, "r1")
    assert Router(new).pin(run_id, "r1") == "r1"
    assert old.claim("w1").run_id == run_id


def test_a_run_is_pinned_to_an_older_version_whose_workers_bring_it_down(url, clock):
    new = store(url, 2, clock=clock)
    run_id = new.start(V2)
    new.deploy.beat("w1", "r1", ["r2"])
    assert Router(new).pin(run_id, "r1") == "r1"
