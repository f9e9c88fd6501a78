"""Retiring a version: all that needs it is listed; afterwards it is refused, and what was kept for the way back is gone."""

from __future__ import annotations

from functools import partial

import pytest
from pydantic import BaseModel
from sqlalchemy import select, text
from triage_runs import state, store

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture, json_text
from statemig.deploy import Router, abort, begin_drain, blockers, look_at_drain, retire, start, unretire
from statemig.errors import DeployError, RetiredError
from statemig.fleet.inventory import take
from statemig.store.deploy_records import Drain, Policy, Rollout, Unknown
from statemig.store.protocols import RunFilter
from statemig.store.tables import history
from statemig.store.tables import runs as runs_table

V2 = {"topic": "t", "digest": ["s"], "priority": "high"}


@pytest.fixture
def pair(url, clock):
    return store(url, 1, clock=clock), store(url, 2, clock=clock)


def needs(fleet, revision="r1"):
    return [(each.need, each.count, each.what, each.examples) for each in blockers(fleet, [revision])]


def labels(runs, run_id):
    kept = runs.row(run_id).complement
    return set() if kept is None else {label.split("/")[0] for label in json_text.loads(kept)}


# -- what is in the way ------------------------------------------------------------------------------------------------


def test_a_version_that_nothing_needs_has_no_blockers(pair):
    assert blockers(pair[1], ["r1"]) == []


def test_every_run_that_is_on_it_by_what_it_waits_for(pair):
    old, new = pair
    for name, waits in (("asked", "human"), ("alarm", "timer"), ("mail", "webhook")):
        old.start(state(), run_id=name)
        with old.load(name) as run:
            run.wait("approve", key=name, on=waits, output={"label": "l"})
    old.start(state(), run_id="ready")
    old.start(state(), run_id="held", step="send")
    with old.load("ready") as run:
        run.advance("approve", output={"label": "l"})
    held = old.claim("w1")
    assert held.run_id == "held"
    old.deploy.leave("w1")
    assert sorted(needs(new)) == [
        ("approval", 1, "waiting for a human at approve", ("asked",)),
        ("event", 1, "waiting for a webhook at approve", ("mail",)),
        ("queued", 1, "ready at approve", ("ready",)),
        ("running", 1, "in a worker's hands at send", ("held",)),
        ("timer", 1, "waiting for a timer at approve", ("alarm",)),
    ]


def test_a_run_that_has_ended_needs_nothing(pair):
    old, new = pair
    run_id = old.start(state())
    with old.load(run_id) as run:
        run.finish()
    assert blockers(new, ["r1"]) == []


@pytest.mark.parametrize(
    ("say", "blocker"),
    [
        (lambda d: d.beat("w1", "r1"), ("worker", 1, "living and running it", ("w1",))),
        (lambda d: d.prefer("r1"), ("preferred", 1, "preference: new runs start on it", ())),
        (
            lambda d: d.set_policy(Policy("step", "send", "migrate", "r1")),
            ("policy", 1, "policy for step send leads runs to it", ()),
        ),
        (
            lambda d: d.put_rollout(Rollout("r1", "r2", "started", "r1", "r1")),
            ("window", 1, "deploy from r1 to r2 is open", ()),
        ),
    ],
    ids=["worker", "preferred", "policy", "window"],
)
def test_what_was_said_of_it(pair, say, blocker):
    _, new = pair
    say(new.deploy)
    assert needs(new) == [blocker]


def test_the_newest_version_while_none_is_preferred(pair):
    """What starts runs has its code from the head, and begins them there."""
    _, new = pair
    assert needs(new, "r2") == [
        ("head", 1, "newest version, and none is preferred: new runs start on it", ())
    ]
    with pytest.raises(DeployError, match=r"none is preferred.*Nothing was written"):
        retire(new, "r2", below=True)
    assert new.deploy.retired() == {}
    Router(new).prefer("r1")
    assert retire(new, "r2").revisions == ("r2",)


def test_a_worker_that_can_bring_its_runs_along_does_not_need_it(pair):
    _, new = pair
    new.watched.beat("w2", 60)
    assert new.deploy.workers()[0].reads == {"r1", "r2"}
    assert blockers(new, ["r1"]) == []


def test_a_pinned_run_whatever_shape_it_has(pair):
    _, new = pair
    run_id = new.start(V2)
    new.deploy.pin(run_id, "r1")
    assert needs(new) == [("pin", 1, "pinned to it", (run_id,))]


def test_a_run_that_a_policy_leaves_to_it(pair):
    """It started there and was upgraded since; routed it goes back to workers of the version it started on."""
    old, new = pair
    old.start(state(), run_id="one")
    old.start(state(), run_id="two")
    for name in ("one", "two"):
        new.upgrade(name)
    new.deploy.set_policy(Policy("run", "one", "route"))
    assert needs(new) == [("routed", 1, "left to it by a policy of its own", ("one",))]
    new.deploy.set_policy(Policy("workflow", "", "route"))
    assert ("routed", 2, "left to it by a policy", ("one", "two")) in needs(new)


def test_runs_that_do_not_say_their_version_leave_it_open(pair):
    old, new = pair
    old.start(state())
    with new.engine.begin() as connection:
        connection.execute(text("UPDATE statemig_runs SET revision = NULL, started_revision = NULL"))
    assert needs(new) == [("unknown", 1, "not saying which version they have; stamp them", ())]


def test_a_figure_that_is_not_known_is_in_the_way_and_not_zero(pair, monkeypatch):
    _, new = pair
    monkeypatch.setattr(type(new), "untagged", lambda self: Unknown("the checkpoints do not say"))
    [blocker] = blockers(new, ["r1"])
    assert str(blocker) == "unknown of r1: runs without a stamp: unknown: the checkpoints do not say"


def test_it_is_refused_with_all_of_them_and_nothing_is_written(pair):
    old, new = pair
    old.start(state(), run_id="one")
    old.watched.beat("w1", 60)
    generation = new.deploy.generation()
    with pytest.raises(DeployError) as failed:
        retire(new, "r1")
    assert failed.value.problems == (
        "queued of r1: 1 ready at classify, for example one",
        "worker of r1: 1 living and running it, for example w1",
    )
    assert (new.deploy.generation(), new.deploy.retired()) == (generation, {})


def test_a_run_that_starts_while_it_is_being_retired_is_seen(pair):
    """After the first look and before the mark: the second look finds it, and the mark is taken back."""
    old, new = pair

    class Late(type(new)):
        def kinds(self):
            found = super().kinds()
            if not self.deploy.retired():
                old.start(state(), run_id="late")
            return found

    late = Late(new.engine, new.migrator, clock=new.clock)
    with pytest.raises(DeployError, match="for example late"):
        retire(late, "r1")
    assert new.deploy.retired() == {}
    assert old.claim("w1").run_id == "late"


# -- afterwards --------------------------------------------------------------------------------------------------------


@pytest.fixture
def gone(pair):
    retire(pair[1], "r1")
    return pair


@pytest.mark.parametrize(
    "ask",
    [
        lambda old, new: old.start(state()),
        lambda old, new: old.claim("w1"),
        lambda old, new: old.deploy.beat("w1", "r1"),
        lambda old, new: new.pin("young", "r1"),
        lambda old, new: new.deploy.pin("young", "r1"),
        lambda old, new: Router(new).prefer("r1"),
        lambda old, new: Router(new).policy("workflow", "", "migrate", "r1"),
        lambda old, new: start(new, "r2", old="r1"),
        lambda old, new: new.downgrade("young", "r1"),
    ],
    ids=["start", "claim", "beat", "pin", "deploy.pin", "prefer", "policy", "deploy start", "downgrade"],
)
def test_it_is_refused(gone, ask):
    old, new = gone
    new.start(V2, run_id="young")
    row = new.row("young")
    with pytest.raises(RetiredError) as refused:
        ask(old, new)
    assert str(refused.value) == (
        "workflow triage, revision r1: this version was retired. "
        "Run a newer one; if it has to come back, say `statemig retire r1 --undo` first"
    )
    assert new.row("young") == row


def test_its_code_brings_nothing_to_it_by_itself(url, clock):
    old, middle, new = (store(url, number, clock=clock) for number in (1, 2, 3))
    old.start(state(), run_id="first")
    retire(new, "r2")
    with pytest.raises(RetiredError):
        middle.load("first")
    with new.load("first") as run:
        assert run.revision == "r3"


def test_an_abort_does_not_go_back_to_it(gone):
    _, new = gone
    new.start(V2)
    with pytest.raises(DeployError, match="the version to go back to was retired"):
        abort(new, to="r1", dry_run=True)


def test_a_drain_does_not_bring_runs_to_it(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.start(state())
    begin_drain(new, "r1", deadline=10, on_deadline="migrate")
    Router(new).prefer("r1")
    retire(new, "r2")
    clock.now += 11
    for ask in (look_at_drain, partial(begin_drain, on_deadline="migrate")):
        with pytest.raises(DeployError, match="can not go to a version that was retired"):
            ask(new, "r1")


def test_its_drain_has_ended(pair):
    _, new = pair
    new.deploy.put_drain(Drain("r1", 1.0, None, "notify", 0, 0, 1.0, 1.0))
    retire(new, "r1")
    assert new.deploy.drains() == []


def test_the_inventory_shows_it(gone, clock):
    assert set(take(gone[1]).retired) == {"r1"}


def test_it_comes_back_when_that_is_said(gone):
    old, new = gone
    assert unretire(new, "r1")
    assert not unretire(new, "r1")
    assert old.row(old.start(state())).revision == "r1"


# -- what was kept -----------------------------------------------------------------------------------------------------


@pytest.fixture
def over_three(url, clock):
    """A run that went from version 1 over 2 to 3, keeping something at each; one that went alone to 2 and on; one that has ended."""

    class One(BaseModel):
        topic: str
        secret: str

    class Two(BaseModel):
        topic: str
        note: str

    class Three(BaseModel):
        topic: str

    def workflow(model):
        return capture(Workflow("kept", state=model, steps=[Step("work")]))

    def to_two(op):
        op.remove_field("state.secret")
        op.add_field("state.note", default="none")

    chain = [
        Revision("k1", workflow="kept", snapshot=workflow(One)),
        Revision("k2", "k1", workflow="kept", snapshot=workflow(Two), upgrade=to_two),
        Revision(
            "k3",
            "k2",
            workflow="kept",
            snapshot=workflow(Three),
            upgrade=lambda op: op.remove_field("state.note"),
        ),
    ]
    stores = [RunStore(url, Migrator(revisions=chain[:upto]), clock=clock) for upto in (1, 2, 3)]
    one, _, three = stores
    for name in ("lazy", "alone", "ended"):
        one.start({"topic": "t", "secret": "of the patient"}, run_id=name)
    with three.load("lazy"):
        pass
    three.upgrade("alone", "k2")
    with three.load("ended") as run:
        run.finish()
    return stores


def everything(runs):
    """All that is stored of runs and their history, as text."""
    with runs.engine.connect() as connection:
        return str([*connection.execute(select(runs_table)), *connection.execute(select(history))])


def test_what_leads_back_to_it_is_erased_and_the_rest_is_kept(over_three):
    _, _, three = over_three
    assert {name: labels(three, name) for name in ("lazy", "alone", "ended")} == {
        "lazy": {"k2", "k3"},
        "alone": {"k2"},
        "ended": {"k2", "k3"},
    }
    done = retire(three, "k1")
    assert (done.forgotten.runs, done.forgotten.patches, done.forgotten.left, done.kept_for) == (3, 1, 0, ())
    assert {name: labels(three, name) for name in ("lazy", "alone", "ended")} == {
        "lazy": {"k3"},
        "alone": set(),
        "ended": {"k3"},
    }
    assert "of the patient" not in everything(three)


def test_the_way_back_to_a_version_that_is_there_stays_exact(over_three):
    _, two, three = over_three
    with three.load("lazy") as run:
        run.state["topic"] = "changed"
    retire(three, "k1")
    three.downgrade("lazy", "k2")
    assert two.read("lazy").state == {"topic": "changed", "note": "none"}


def test_what_an_older_version_needs_is_kept_until_that_is_retired_too(over_three):
    _, _, three = over_three
    three.upgrade("alone")
    done = retire(three, "k2")
    assert (done.forgotten.runs, done.kept_for) == (0, ("k1",))
    assert labels(three, "lazy") == {"k2", "k3"}
    done = retire(three, "k1")
    assert done.forgotten.runs == 3
    assert labels(three, "lazy") == set()


def test_everything_below_at_once(over_three):
    _, _, three = over_three
    three.upgrade("alone")
    done = retire(three, "k2", below=True)
    assert (done.revisions, done.forgotten.runs, done.kept_for) == (("k1", "k2"), 3, ())


def test_a_version_that_was_undone_is_retired_and_the_way_back_to_the_one_before_is_kept(over_three):
    one, _, three = over_three
    abort(three, to="k1")
    done = retire(three, "k3")
    assert done.forgotten.runs == 0
    assert one.read("lazy").state["secret"] == "of the patient"


def test_a_run_in_a_worker_s_hands_keeps_what_it_has_until_it_is_said_again(over_three):
    _, _, three = over_three
    held = three.claim("w3")
    done = retire(three, "k1")
    assert (done.forgotten.runs, done.forgotten.left) == (2, 1)
    with held as run:
        run.finish()
    assert retire(three, "k1").forgotten.runs == 1
    assert retire(three, "k1").forgotten.runs == 0


def test_a_dry_run_counts_and_erases_nothing(over_three):
    _, _, three = over_three
    rows = [row for batch in three.iterate(RunFilter(ended=True)) for row in batch]
    would = retire(three, "k1", dry_run=True)
    assert [row for batch in three.iterate(RunFilter(ended=True)) for row in batch] == rows
    assert three.deploy.retired() == {}
    assert retire(three, "k1").forgotten == would.forgotten
