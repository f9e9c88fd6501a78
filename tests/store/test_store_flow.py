"""The cursor: forks, joins, removed steps, ends. Run through a store, so that every move is also written and read again."""

# ruff: noqa: PT012 (the end of a run's block is what raises)

import pytest
from pydantic import BaseModel
from triage_runs import state, store

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.errors import ConflictError, CursorError, DrainingError, InvalidStateError
from statemig.store.flow import go_on
from statemig.workflow.flow import StepInfo


class Score(BaseModel):
    score: float


class State(BaseModel):
    topic: str


def of(url, clock, *steps):
    workflow = Workflow("flow", state=State, steps=list(steps))
    migrator = Migrator(revisions=[Revision("f1", workflow="flow", snapshot=capture(workflow))])
    return RunStore(url, migrator, clock=clock)


FORKED = (
    Step("split", fork=["left", "right"]),
    Step("left", output=Score, next="join"),
    Step("right", output=Score, next="join"),
    Step("join", joins=["left", "right"], next="end"),
    Step("end"),
)


def steps_of(runs, run_id):
    return [position["step"] for position in runs.read(run_id).cursor]


def test_advancing_follows_the_workflow_and_keeps_output_and_count(url, clock):
    runs = of(url, clock, Step("a", output=Score, next="b"), Step("b"))
    run_id = runs.start({"topic": "t"})
    with runs.claim("w") as run:
        run.advance(output=Score(score=0.5))

    view = runs.read(run_id)
    assert (steps_of(runs, run_id), view.outputs, view.document["done"]) == (
        ["b"],
        {"a": {"score": 0.5}},
        {"a": 1},
    )


def test_the_last_step_finishes_the_run(url, clock):
    runs = of(url, clock, Step("a"))
    run_id = runs.start({"topic": "t"})
    with runs.claim("w") as run:
        run.advance()

    assert runs.read(run_id).status == "finished"
    assert [a.outcome for a in runs.attempts()] == ["finished"]
    assert runs.claim("w") is None


def test_a_choice_must_be_made(url, clock):
    runs = of(url, clock, Step("a", next=["b", "c"]), Step("b"), Step("c"))
    runs.start({"topic": "t"})
    with pytest.raises(CursorError) as failed, runs.claim("w") as run:
        run.advance()
    assert str(failed.value) == (
        "step a: step 'a' goes on to one of b, c, and nobody said which. Call advance('b') or another of them"
    )


def test_a_step_that_is_not_there_names_those_that_are(url, clock):
    runs = of(url, clock, Step("a", next="b"), Step("b"))
    run_id = runs.start({"topic": "t"})
    with pytest.raises(CursorError) as failed, runs.claim("w") as run:
        run.advance("old_b")
    assert str(failed.value) == (
        "step old_b: the workflow has no step 'old_b'. It has a, b. A migration may have renamed it"
    )
    assert steps_of(runs, run_id) == ["a"]


def test_a_fork_starts_every_branch_and_the_join_waits_for_all(url, clock):
    runs = of(url, clock, *FORKED)
    run_id = runs.start({"topic": "t"})
    with runs.claim("w") as run:
        run.advance()
    assert steps_of(runs, run_id) == ["left", "right"]

    with runs.claim("w") as run:
        assert run.step == "left"
        run.advance(output={"score": 1.0})
    view = runs.read(run_id)
    assert steps_of(runs, run_id) == ["right"]
    [arrived] = view.document["pending"]
    assert (arrived["step"], arrived["writes"], arrived["to"]) == ("left", {}, "join")

    with runs.claim("w") as run:
        run.advance(output={"score": 2.0})
    assert steps_of(runs, run_id) == ["join"]
    assert runs.read(run_id).document["pending"] == []


def test_branches_take_turns_where_one_keeps_failing(url, clock):
    runs = of(url, clock, *FORKED)
    runs.start({"topic": "t"})
    with runs.claim("w") as run:
        run.advance()
    with pytest.raises(RuntimeError), runs.claim("w") as run:
        assert run.step == "left"
        raise RuntimeError
    with runs.claim("w") as run:
        assert run.step == "right"
        run.advance(output={"score": 1.0})
    with runs.claim("w") as run:
        assert (run.step, run.attempt) == ("left", 2)


def test_a_branch_that_does_not_belong_to_a_join_is_refused(url, clock):
    runs = of(url, clock, *FORKED)
    runs.start({"topic": "t"})
    with (
        pytest.raises(CursorError, match="step 'split' is none of the branches that 'join' joins"),
        runs.claim("w") as run,
    ):
        run.advance("join")


def test_a_join_that_can_never_fire_is_refused(url, clock):
    runs = of(url, clock, *FORKED)
    runs.start({"topic": "t"})
    with runs.claim("w") as run:
        run.advance("left")
    with pytest.raises(CursorError) as failed, runs.claim("w") as run:
        run.advance(output={"score": 1.0})
    assert str(failed.value) == (
        "step left: the run would end while the join 'join' still waits for right. "
        "Arrived: left. Advance a branch to 'join', or call finish()"
    )


def test_a_removed_step_is_passed_through(url, clock):
    runs = of(url, clock, Step("a", next="gone"), Step("gone", removed=True, next="b"), Step("b"))
    run_id = runs.start({"topic": "t"})
    with runs.claim("w") as run:
        run.advance("gone")
    assert steps_of(runs, run_id) == ["b"]


def test_a_run_that_stands_at_a_removed_step_is_moved_on_by_the_claim(url, clock):
    runs = of(url, clock, Step("a", next="gone"), Step("gone", removed=True, next="b"), Step("b"))
    run_id = runs.start({"topic": "t"})
    with runs.load(run_id) as run:
        run.cursor[0]["step"] = "gone"

    assert runs.claim("w").step == "b"


def test_a_removed_last_step_ends_the_run(url, clock):
    runs = of(url, clock, Step("a", next="gone"), Step("gone", removed=True))
    run_id = runs.start({"topic": "t"})
    with runs.load(run_id) as run:
        run.cursor[0]["step"] = "gone"

    assert runs.claim("w") is None
    assert runs.read(run_id).status == "finished"


def test_a_removed_branch_counts_as_arrived(url, clock):
    steps = [*FORKED]
    steps[2] = Step("right", removed=True, next="join")
    runs = of(url, clock, *steps)
    run_id = runs.start({"topic": "t"})
    with runs.claim("w") as run:
        run.advance()
    assert steps_of(runs, run_id) == ["left"]
    with runs.claim("w") as run:
        run.advance(output={"score": 1.0})
    assert steps_of(runs, run_id) == ["join"]


def test_removed_steps_that_lead_in_a_circle_are_refused():
    steps = {
        "a": StepInfo(next=("b",)),
        "b": StepInfo(next=("c",), removed=True),
        "c": StepInfo(next=("b",), removed=True),
    }
    document = {"state": {}, "cursor": [{"id": "p", "step": "a", "status": "ready"}]}
    with pytest.raises(CursorError, match="the removed steps b, c lead back to each other"):
        go_on(document, document["cursor"][0], ["b"], steps)


def test_finish_ends_all_branches_and_fail_keeps_where_it_stood(url, clock):
    runs = of(url, clock, *FORKED)
    finished, failed = runs.start({"topic": "t"}), runs.start({"topic": "t"})
    for run_id in (finished, failed):
        with runs.load(run_id) as run:
            run.advance()
    with runs.load(finished) as run:
        run.finish()
    with runs.load(failed) as run:
        run.fail(ValueError("secret"))

    assert (runs.read(finished).status, steps_of(runs, finished)) == ("finished", [])
    assert (runs.read(failed).status, steps_of(runs, failed)) == ("failed", ["left", "right"])
    assert [(a.outcome, a.error) for a in runs.attempts(failed)] == [("done", None), ("failed", "ValueError")]
    assert runs.claim("w") is None


def test_a_position_on_an_unknown_step_is_not_saved(url, clock):
    runs = of(url, clock, Step("a"))
    run_id = runs.start({"topic": "t"})
    with pytest.raises(CursorError, match="the workflow has no step 'b'"), runs.load(run_id) as run:
        run.cursor.append({"id": "x", "step": "b", "status": "ready"})


def test_a_position_moved_by_hand_cannot_be_advanced(url, clock):
    runs = of(url, clock, Step("a"))
    runs.start({"topic": "t"})
    with pytest.raises(CursorError, match="no longer in its cursor"), runs.claim("w") as run:
        run.cursor.clear()
        run.advance()


def test_a_run_that_stands_nowhere_cannot_go_on(url, clock):
    runs = of(url, clock, Step("a"))
    run_id = runs.start({"topic": "t"})
    with runs.load(run_id) as run:
        run.finish()
    with pytest.raises(CursorError, match="the run stands nowhere"):
        runs.load(run_id).advance()


def test_a_state_that_does_not_fit_is_not_started(url, clock):
    runs = store(url, 1, clock=clock)
    with pytest.raises(InvalidStateError, match="state: 'topic' is required and absent"):
        runs.start({"summary": "secret"})
    assert runs.counts() == []


def test_nothing_starts_while_the_workflow_drains(url, clock):
    runs = store(url, 1, clock=clock)
    run_id = runs.start(state())
    runs.drain()
    with pytest.raises(DrainingError) as failed:
        store(url, 1, clock=clock).start(state())
    assert str(failed.value) == (
        "workflow triage: no new runs start while the workflow drains. "
        "Start it after the deploy, or call store.drain(False)"
    )
    assert runs.claim("w").run_id == run_id
    runs.drain(False)
    assert not runs.draining()
    runs.start(state())


def test_a_run_id_is_used_once(url, clock):
    runs = store(url, 1, clock=clock)
    runs.start(state(), run_id="mine")
    with pytest.raises(ConflictError, match="run mine: the run could not be inserted"):
        runs.start(state(), run_id="mine")


def test_a_migrator_without_snapshots_knows_no_steps(url, clock):
    runs = RunStore(url, Migrator(revisions=[Revision("x1")]), clock=clock)
    run_id = runs.start({"anything": 1}, step="whatever")
    with runs.claim("w") as run:
        run.advance("next")
    assert steps_of(runs, run_id) == ["next"]
