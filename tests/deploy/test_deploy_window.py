"""The reader/writer window: what a worker of the new version writes while old ones live, and what is there again afterwards."""

from __future__ import annotations

import pytest
from pydantic import BaseModel
from triage_runs import V1, Approval, Label, StateV1, revisions, state
from triage_runs import store as store_of

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.deploy import Router, abort, complete, start, status
from statemig.errors import DeployError

V2 = {"topic": "t", "priority": "high"}


class Renamed(BaseModel):
    topic: str
    digest: str = ""
    log: list[str] = []
    priority: str


NEW = Workflow(
    "triage",
    state=Renamed,
    steps=[
        Step("classify", output=Label, next="review"),
        Step("review", kind="human", output=Approval, next="check"),
        Step("check", next="send"),
        Step("send"),
    ],
)


def to_new(op):
    op.rename_step("approve", to="review")
    op.rename_field("state.summary", to="digest")
    op.add_field("state.priority", default="normal")


def store(url, upto=2, v2=to_new, **options):
    """Version 2 here is one whose way down can be proved."""
    chain = [*revisions(1), Revision("r2", "r1", workflow="triage", snapshot=capture(NEW), upgrade=v2)]
    return RunStore(url, Migrator(revisions=chain[:upto]), **options)


@pytest.fixture
def pair(url, clock):
    """A worker of each version, the window open in memory, and the new version preferred."""
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.watched.beat("w1", 1e6)
    start(new, "r2")
    Router(new).prefer("r2")
    return old, new


def test_the_mode_follows_from_class_and_proof(url, clock):
    old, new = store(url, 1, clock=clock), store(url, 2, clock=clock)
    old.start(state())
    window = start(new, "r2")
    assert (window.old, window.new, window.oldest_readable, window.newest_writable) == (
        "r1",
        "r2",
        "r1",
        "r1",
    )
    assert window.modes == {"r1": "in memory"}
    assert new.deploy.preferred()[0] == "r1"


def test_a_store_without_a_place_beside_a_run_leaves_it_alone(url, clock):
    window = start(store(url, 2, clock=clock), "r2", old="r1", in_memory=False)
    assert window.modes == {"r1": "pin"}
    assert window.reasons == {
        "r1": "this store has no place beside a run for what the old version does not know"
    }


def test_a_change_of_prompts_is_written_in_place(url, clock):
    def prompted(text):
        steps = [Step("classify", output=Label, prompt=text, next="approve"), *V1.steps[1:]]
        return capture(Workflow("triage", state=StateV1, steps=steps))

    chain = [
        Revision("r1", workflow="triage", snapshot=prompted("Sort this: {{ topic }}")),
        Revision("p2", "r1", workflow="triage", snapshot=prompted("Sort with care: {{ topic }}")),
    ]
    new = RunStore(url, Migrator(revisions=chain), clock=clock)
    assert start(new, "p2", old="r1").modes == {"r1": "in place"}


def test_a_way_down_that_is_not_proved_leaves_runs_to_their_version(url, clock):
    def no_way_back(op):
        to_new(op)
        op.irreversible("the summary is gone")

    old, new = store(url, 1, clock=clock), store(url, 2, v2=no_way_back, clock=clock)
    run_id = old.start(state())
    old.watched.beat("w1", 1e6)
    window = start(new, "r2")
    Router(new).prefer("r2")

    assert window.modes == {"r1": "pin"}
    assert "the way down over r2" in window.reasons["r1"]
    assert new.claim("w2") is None
    assert Router(new).pick(run_id).rule == "window"
    assert old.claim("w1").run_id == run_id


def test_a_way_down_that_would_lose_something_is_refuted(url, clock):
    """`wrap` makes a list of a text; the new version may leave it empty, and then nothing is a text."""
    window = start(store_of(url, 2, clock=clock), "r2", old="r1")
    assert window.reasons == {
        "r1": "the way down over r2 is refuted: $.digest may be empty (operation 2 wrap)"
    }
    assert window.modes == {"r1": "pin"}


def test_a_run_in_new_hands_stays_readable_for_the_old_version(pair):
    old, new = pair
    run_id = old.start(state())
    with new.claim("w2") as run:
        assert (run.revision, run.state["digest"], run.state["priority"]) == ("r2", "s", "normal")
        run.state["priority"] = "high"
        run.state["digest"] = "one"
        run.wait("review", key="k", output={"label": "refund"})

    row = new.row(run_id)
    assert row.revision == "r1"
    seen = old.read(run_id)
    assert seen.state == {"topic": "refund", "summary": "one", "log": []}
    assert [position["step"] for position in seen.cursor] == ["approve"]
    again = new.read(run_id)
    assert (again.state["priority"], again.state["digest"]) == ("high", "one")


def test_what_the_old_version_writes_in_between_and_what_it_never_saw_are_both_there(pair):
    old, new = pair
    run_id = old.start(state())
    with new.claim("w2") as run:
        run.state["priority"] = "high"
    with old.load(run_id) as run:
        run.state["topic"] = "changed by the old one"
    view = new.read(run_id)
    assert (view.state["topic"], view.state["priority"]) == ("changed by the old one", "high")


def test_an_answer_while_a_new_worker_has_the_run_is_kept(pair):
    old, new = pair
    run_id = old.start(state())
    with new.claim("w2") as run:
        run.wait("review", key="k", output={"label": "refund"})
    new.answer(run_id, "k", {"approved": True})
    assert new.row(run_id).revision == "r1"
    with new.claim("w2") as run:
        assert (run.step, run.answer) == ("review", {"approved": True})


def test_a_new_run_of_the_new_version_is_written_for_both(pair):
    old, new = pair
    run_id = new.start(V2)
    row = new.row(run_id)
    assert (row.started_revision, row.revision) == ("r2", "r1")
    assert old.read(run_id).state["topic"] == "t"
    assert new.read(run_id).state["priority"] == "high"


def test_a_run_taken_before_the_window_closed_is_written_in_the_new_version_after(pair):
    old, new = pair
    run_id = old.start(state())
    with new.claim("w2") as run:
        old.deploy.leave("w1")
        complete(new)
        run.state["priority"] = "high"
    row = new.row(run_id)
    assert row.revision == "r2"
    assert [(one.kind, one.from_revision, one.to_revision) for one in new.history(run_id)] == [
        ("upgrade", "r1", "r2")
    ]
    assert new.read(run_id).state["priority"] == "high"


def test_complete_waits_for_workers_that_can_not_read_the_new_version(pair):
    old, new = pair
    with pytest.raises(DeployError) as failed:
        complete(new)
    assert failed.value.problems == ("worker w1 runs r1",)
    assert status(new).blockers == ("worker w1 runs r1",)
    assert new.deploy.rollout().open

    old.deploy.leave("w1")
    closed = complete(new)
    assert (closed.stage, closed.newest_writable, closed.oldest_readable) == ("completed", "r2", "r2")
    assert complete(new) == closed
    assert new.deploy.preferred()[0] == "r2"


def test_after_complete_everything_is_written_in_the_new_version(pair):
    old, new = pair
    run_id = old.start(state())
    with new.claim("w2") as run:
        run.state["priority"] = "high"
    complete(new, force=True)
    with new.claim("w2") as run:
        assert run.state["priority"] == "high"
    assert new.row(run_id).revision == "r2"


def test_one_deploy_at_a_time(url, clock):
    three = store_of(url, 3, clock=clock)
    start(three, "r2", old="r1")
    with pytest.raises(DeployError) as failed:
        start(three, "r3")
    assert str(failed.value) == (
        "workflow triage, revision r3: the deploy of r2 is open. Finish it with `statemig deploy complete` first"
    )
    assert start(three, "r2").version == 2


def test_a_removed_step_is_skipped_where_old_state_meets_it(url, clock):
    """At a claim and at a load, for a run that stood there when the step was removed."""
    soft = Workflow(
        "triage",
        state=StateV1,
        steps=[
            Step("classify", output=Label, next="approve"),
            Step("approve", kind="human", output=Approval, next="check"),
            Step("check", next="send", removed=True),
            Step("send"),
        ],
    )
    chain = [*revisions(1), Revision("s2", "r1", workflow="triage", snapshot=capture(soft))]
    old, new = store(url, 1, clock=clock), RunStore(url, Migrator(revisions=chain), clock=clock)
    claimed, loaded = old.start(state(), step="check"), old.start(state(), step="check")

    with new.claim("w2") as run:
        assert (run.run_id, run.step) == (claimed, "send")
    with new.load(loaded) as run:
        assert run.step == "send"
    assert [position["step"] for position in new.read(loaded).cursor] == ["send"]


def test_a_run_taken_before_an_abort_is_written_back_in_the_old_version(pair):
    """It was stored in the old version when the deploy was undone, and so it is when its worker is done."""
    old, new = pair
    run_id = old.start(state())
    with new.claim("w2") as run:
        abort(new)
        run.state["priority"] = "high"
    assert new.row(run_id).revision == "r1"
    assert abort(new).complete
    assert old.claim("w1").run_id == run_id


def test_a_deploy_that_was_undone_can_be_begun_again(pair):
    old, new = pair
    run_id = old.start(state())
    with new.claim("w2") as run:
        run.state["priority"] = "high"
    abort(new)
    assert start(new, "r2").modes == {"r1": "in memory"}
    Router(new).prefer("r2")
    with new.claim("w2") as run:
        assert (run.run_id, run.state["priority"]) == (run_id, "high")
