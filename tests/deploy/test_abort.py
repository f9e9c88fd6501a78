"""Undoing a deploy: each run goes back the way that is open to it, or stays with the new version; on SQLite and on PostgreSQL."""

from __future__ import annotations

import pytest
from triage_runs import V1, StateV1, revisions, state, store, to_v2

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.deploy import Router, abort, begin_drain, canary, complete, start
from statemig.errors import DeployError, DrainingError
from statemig.store.protocols import RunFilter

V2 = {"topic": "t", "digest": ["s"], "priority": "high"}


@pytest.fixture
def pair(url, clock):
    """Workers of both versions; the deploy of version 2 is open, and version 2 is preferred."""
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.watched.beat("w1", 1e6)
    new.watched.beat("w2", 1e6)
    old.start(state(), run_id="first")
    start(new, "r2")
    Router(new).prefer("r2")
    return old, new


def upgraded(new, run_id):
    """As a worker of version 2 without a window leaves it: written in place."""
    assert new.upgrade(run_id) == "upgraded"
    with new.load(run_id) as run:
        run.state["log"] = [*run.state["log"], "seen by version 2"]


def buckets(done):
    names = (
        "stayed",
        "patched",
        "downgraded",
        "pinned",
        "started_downgraded",
        "started_pinned",
        "leased",
        "changed",
        "foreign",
    )
    return {name: count for name in names if (count := getattr(done, name))}


# -- what is said to all workers ---------------------------------------------------------------------------------------


def test_new_runs_start_on_the_old_version(pair):
    _, new = pair
    abort(new)
    assert new.deploy.preferred()[0] == "r1"
    assert (new.deploy.rollout().stage, new.deploy.rollout().open) == ("aborted", False)
    run_id = new.start(V2)
    assert (new.row(run_id).started_revision, new.row(run_id).revision) == ("r1", "r1")


def test_workers_of_the_new_version_take_no_more_runs_along(pair):
    old, new = pair
    abort(new)
    assert new.claim("w2") is None
    assert old.claim("w1").run_id == "first"


def test_the_old_version_drains_no_longer(pair):
    old, new = pair
    begin_drain(new, "r1")
    with pytest.raises(DrainingError):
        old.start(state())
    assert abort(new).drain_ended
    old.start(state())


def test_policies_that_lead_to_the_new_version_are_dropped_and_named(pair):
    _, new = pair
    router = Router(new)
    router.policy("run", "first", "migrate", "r2")
    router.policy("step", "send", "route")
    done = abort(new)
    assert [(each.scope, each.target) for each in done.policies] == [("run", "first")]
    assert [(each.scope, each.target) for each in new.deploy.policies()] == [("step", "send")]


def test_it_ends_a_canary_and_keeps_what_was_written_down_of_it(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.watched.beat("w1", 1e6)
    new.watched.beat("w2", 1e6)
    for number in range(4):
        old.start(state(), run_id=f"run{number}")
    canary.start(new, "r2", old="r1", new=0.5, parked=0.5)
    new.deploy.put_in_canary(["run0"], "r2")
    abort(new)
    ended = new.deploy.rollout()
    assert (ended.stage, ended.details["canary"]["stages"][0]) == ("aborted", [0.5, 0.5])
    assert new.row("run0").canary is None
    assert {Router(new).pick(f"run{number}").revision for number in range(4)} == {"r1"}
    assert new.row(new.start(V2)).started_revision == "r1"


def test_where_no_deploy_is_open_there_is_nothing_to_undo(url, clock):
    new = store(url, 2, clock=clock)
    with pytest.raises(DeployError) as failed:
        abort(new)
    assert (
        str(failed.value)
        == "workflow triage: no deploy is open. To go back all the same: `statemig abort --to REV`"
    )


def test_a_complete_deploy_is_undone_only_when_the_version_is_named(pair):
    _, new = pair
    complete(new, force=True)
    upgraded(new, "first")
    with pytest.raises(DeployError, match="the deploy of r2 is complete"):
        abort(new)
    assert buckets(abort(new, to="r1")) == {"downgraded": 1}
    assert new.deploy.preferred()[0] == "r1"


def test_a_deploy_that_nobody_opened_is_undone_by_name(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    run_id = old.start(state())
    upgraded(new, run_id)
    done = abort(new, to="r1")
    assert (done.old, done.new, buckets(done)) == ("r1", "r2", {"downgraded": 1})
    assert new.deploy.rollout().stage == "aborted"
    with pytest.raises(DeployError, match="no newer version follows"):
        abort(new, to="r2")


# -- three ways --------------------------------------------------------------------------------------------------------


def test_an_untouched_run_goes_back_by_the_patch_of_its_upgrade(pair):
    old, new = pair
    before = old.row("first")
    new.upgrade("first")
    assert buckets(abort(new)) == {"patched": 1}
    after = new.row("first")
    assert (old.document(after), after.revision, after.complement) == (old.document(before), "r1", None)


def test_a_run_that_went_on_keeps_what_it_did_and_gets_back_what_was_taken(pair):
    old, new = pair
    new.upgrade("first")
    with new.load("first") as run:
        run.state["priority"] = "urgent"
        run.state["digest"] = ["longer"]
        run.advance(output={"label": "refund"})
    assert buckets(abort(new)) == {"downgraded": 1}
    seen = old.read("first")
    assert seen.state == {"topic": "refund", "summary": "longer", "log": []}
    assert seen.outputs == {"classify": {"label": "refund"}}
    assert [position["step"] for position in seen.cursor] == ["approve"]


def test_what_the_new_version_added_is_there_when_it_is_deployed_again(pair):
    _, new = pair
    new.upgrade("first")
    with new.load("first") as run:
        run.state["priority"] = "urgent"
    abort(new)
    Router(new).prefer("r2")
    assert new.read("first").state["priority"] == "urgent"


def test_a_question_that_waits_is_not_asked_again(pair):
    old, new = pair
    with old.load("first") as run:
        run.wait("approve", key="k1", payload={"please": "look"}, output={"label": "l"})
    asked = old.read("first").cursor
    upgraded(new, "first")
    abort(new)
    assert old.read("first").cursor == asked
    old.answer("first", "k1", {"approved": True})
    with old.claim("w1") as run:
        assert (run.step, run.answer) == ("approve", {"approved": True})


def test_a_run_that_can_not_go_back_stays_with_the_new_version_and_says_why(pair):
    old, new = pair
    new.upgrade("first")
    with new.load("first") as run:
        run.state["digest"] = []
    done = abort(new)
    assert buckets(done) == {"pinned": 1}
    [failure] = done.failures
    assert (failure.run_id, failure.head, failure.path) == ("first", "r1", "state.digest")
    assert new.row("first").pinned_revision == "r2"
    assert [each.run_id for each in new.failures("r1")] == ["first"]
    assert old.claim("w1") is None
    with new.claim("w2") as run:
        assert run.run_id == "first"


def test_a_revision_that_says_so_has_no_way_back(url, clock):
    def no_way_back(op):
        to_v2(op)
        op.irreversible("the summary is gone")

    old, new = store(url, 1, clock=clock), store(url, 2, v2=no_way_back, clock=clock)
    old.start(state(), run_id="first")
    upgraded(new, "first")
    [failure] = abort(new, to="r1").failures
    assert (failure.revision, failure.reason) == ("r2", "there is no way back: the summary is gone")


def test_a_run_that_stands_at_a_step_of_the_new_version_alone(url, clock):
    """A script may say where such a run goes; where it does not, the run is kept."""
    steps = [*V1.steps[:3], Step("send", next="audit"), Step("audit")]
    audited = capture(Workflow("triage", state=StateV1, steps=steps))

    def chain(**where):
        def to_audited(op):
            op.add_step("audit", after="send", passed="skip", **{k: say(op) for k, say in where.items()})

        return Migrator(
            revisions=[
                *revisions(1),
                Revision("a2", "r1", workflow="triage", snapshot=audited, upgrade=to_audited),
            ]
        )

    silent = RunStore(url, chain(), clock=clock)
    for run_id in ("audited", "sent"):
        silent.start(state(), run_id=run_id, step="send")
    with silent.load("audited") as run:
        run.advance("audit")
    done = abort(silent, to="r1")
    assert buckets(done) == {"started_downgraded": 1, "started_pinned": 1}
    assert [(each.run_id, each.step) for each in done.failures] == [("audited", "audit")]
    assert "add_step('audit', down=" in done.failures[0].hint

    said = RunStore(url, chain(down=lambda op: op.back("send")), clock=clock)
    Router(said).pin("audited", None)
    assert buckets(abort(said)) == {"stayed": 1, "started_downgraded": 1}
    assert [position["step"] for position in store(url, 1, clock=clock).read("audited").cursor] == ["send"]


def test_a_run_that_went_two_versions_further_comes_back_over_both(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 3, clock=clock)
    for run_id in ("one", "two"):
        old.start(state(), run_id=run_id)
    before = old.read("one").state
    new.upgrade("one", "r2")
    new.upgrade("two", "r2")
    new.upgrade("two")
    with new.load("two") as run:
        run.advance(output={"label": "l"})
    done = abort(new, to="r1")
    assert (done.new, buckets(done)) == ("r3", {"patched": 1, "downgraded": 1})
    assert old.read("one").state == old.read("two").state == before


def test_a_run_beyond_the_version_that_is_undone_is_kept_by_its_own(url, clock):
    """The deploy of version 2 is undone; a run that somebody has brought to version 3 and that can not go back stays there."""
    old, new, newest = (store(url, number, clock=clock) for number in (1, 2, 3))
    old.start(state(), run_id="first")
    start(new, "r2")
    newest.upgrade("first")
    with newest.load("first") as run:
        run.state["digest"] = []
    assert buckets(abort(newest)) == {"pinned": 1}
    assert newest.row("first").pinned_revision == "r3"


def test_runs_that_started_on_the_new_version_are_counted_apart(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    new.start(V2, run_id="fits")
    new.start({**V2, "digest": []}, run_id="does not")
    assert buckets(abort(new, to="r1")) == {"started_downgraded": 1, "started_pinned": 1}
    assert old.read("fits").state == {"topic": "t", "summary": "s"}
    assert new.row("does not").pinned_revision == "r2"


def test_a_revision_that_is_not_known_here_is_counted_and_left(url, clock):
    new = store(url, 2, clock=clock)
    store(url, 3, clock=clock).start(V2, run_id="beyond")
    done = abort(new, to="r1")
    assert (buckets(done), done.complete) == ({"foreign": 1}, False)
    assert [(each.run_id, each.kind) for each in done.failures] == [("beyond", "unknown")]
    assert new.row("beyond").pinned_revision is None


# -- again, meanwhile, and not at all ----------------------------------------------------------------------------------


def test_it_is_idempotent(pair):
    old, new = pair
    for name in ("second", "third"):
        old.start(state(), run_id=name)
        upgraded(new, name)
    with new.load("third") as run:
        run.state["digest"] = []
    first = abort(new)
    before = [(row.run_id, row.version) for batch in new.iterate() for row in batch]
    generation = new.deploy.generation()

    again = abort(new)

    assert buckets(first) == {"stayed": 1, "downgraded": 1, "pinned": 1}
    assert buckets(again) == {"stayed": 2, "pinned": 1}
    assert [each.reason for each in again.failures] == [each.reason for each in first.failures]
    assert [(row.run_id, row.version) for batch in new.iterate() for row in batch] == before
    assert new.deploy.generation() == generation


def test_a_run_that_somebody_pinned_stays_though_it_could_go_back(pair):
    _, new = pair
    upgraded(new, "first")
    Router(new).pin("first", "r2")
    [failure] = abort(new).failures
    assert (failure.kind, failure.reason) == ("pinned", "it is pinned to revision r2")
    assert failure.hint == "There is a way back: `statemig route unpin first`, then abort again"
    Router(new).pin("first", None)
    assert buckets(abort(new)) == {"downgraded": 1}


def test_a_run_under_a_lease_is_left_and_goes_back_the_next_time(pair):
    old, new = pair
    upgraded(new, "first")
    complete(new, force=True)
    held = new.claim("w2")
    done = abort(new, to="r1")
    assert (buckets(done), done.complete) == ({"leased": 1}, False)
    with held as run:
        run.advance(output={"label": "l"})
    assert buckets(abort(new)) == {"downgraded": 1}
    assert [position["step"] for position in old.read("first").cursor] == ["approve"]


def test_a_run_that_is_written_meanwhile_is_looked_at_again(pair):
    """Between the look and the write of the sweep a worker saves: the sweep loses, looks again, and keeps what was saved."""
    old, new = pair
    upgraded(new, "first")

    class Late(type(new)):
        disturbed = False

        def swap(self, moved):
            if not self.disturbed:
                self.disturbed = True
                with new.load("first") as run:
                    run.state["topic"] = "written meanwhile"
            return super().swap(moved)

    late = Late(new.engine, new.migrator, clock=new.clock)
    Router(new).prefer("r2")
    assert buckets(abort(late)) == {"downgraded": 1}
    assert old.read("first").state["topic"] == "written meanwhile"


def test_of_two_at_once_each_run_counts_as_brought_back_by_the_one_that_did(pair):
    old, new = pair
    for name in ("second", "third"):
        old.start(state(), run_id=name)
        new.upgrade(name)
    others = []

    class Slower(type(new)):
        """Another abort comes between its first look and its first write."""

        def swap(self, moved):
            if not others:
                others.append(abort(new))
            return super().swap(moved)

    slower = abort(Slower(new.engine, new.migrator, clock=new.clock))
    assert buckets(others[0]) == {"stayed": 1, "patched": 2}
    assert buckets(slower) == {"stayed": 3}


def test_a_run_that_a_worker_takes_along_after_the_first_look_counts_once(pair):
    _, new = pair
    abort(new)
    looks = []

    class Late(type(new)):
        def kinds(self):
            found = super().kinds()
            looks.append(found)
            if len(looks) == 2:  # the first is for a canary
                new.upgrade("first")
            return found

    assert buckets(abort(Late(new.engine, new.migrator, clock=new.clock))) == {"patched": 1}


def test_a_pin_is_not_put_on_a_run_that_was_written_meanwhile(pair):
    _, new = pair
    abort(new)
    Router(new).prefer("r2")
    row = new.row("first")
    with new.load("first") as run:
        run.state["log"] = ["x"]
    assert not new.deploy.pin("first", "r2", version=row.version)
    held = new.claim("w2")
    assert not new.deploy.pin("first", "r2", version=new.row("first").version)
    held.release()
    assert new.deploy.pin("first", "r2", version=new.row("first").version)


def test_a_dry_run_says_the_same_and_writes_nothing(pair):
    old, new = pair
    for name in ("second", "third"):
        old.start(state(), run_id=name)
        new.upgrade(name)
    with new.load("third") as run:
        run.state["digest"] = []
    Router(new).policy("run", "first", "migrate", "r2")
    rows = [row for batch in new.iterate() for row in batch]
    generation = new.deploy.generation()

    would = abort(new, dry_run=True)

    assert [row for batch in new.iterate() for row in batch] == rows
    assert (new.deploy.generation(), new.failures("r1")) == (generation, [])
    assert buckets(would) == buckets(abort(new)) == {"stayed": 1, "patched": 1, "pinned": 1}


def test_progress_is_told_after_each_batch(pair):
    old, new = pair
    for number in range(5):
        old.start(state(), run_id=f"run{number}")
        new.upgrade(f"run{number}")
    seen = []
    abort(new, batch=2, progress=lambda done: seen.append(done.patched))
    assert seen[:3] == [2, 4, 5]


def test_ended_runs_are_not_touched(pair):
    _, new = pair
    upgraded(new, "first")
    with new.load("first") as run:
        run.finish()
    assert buckets(abort(new)) == {}
    assert [row.revision for row in next(new.iterate(RunFilter(ended=True)))] == ["r2"]
