"""Joins that wait for other branches, and work that waits for a join."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statemig.errors import CursorError, OperationError
from statemig.migrator import Migrator, Result
from statemig.operations import Operations
from statemig.revisions.revision import Revision
from statemig.shapes.shape import Object, Property, Schema
from statemig.workflow.flow import StepInfo
from statemig.workflow.snapshot import Snapshot

Script = Callable[[Operations], None]


def both(script: Script) -> Migrator:
    return Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=script)])


def up(script: Script, document: dict[str, Any]) -> Result:
    return both(script).upgrade(document, "a", run_id="r1", record="complement")


def down(script: Script, document: dict[str, Any], **more: Any) -> Result:
    return both(script).downgrade(document, to="a", run_id="r1", **more)


def run(*steps: str, arrived: tuple[str, ...] = (), **writes: Any) -> dict[str, Any]:
    return {
        "state": {},
        "cursor": [{"id": f"p{n}", "step": step, "status": "ready"} for n, step in enumerate(steps)],
        "pending": [{"id": f"i-{s}", "step": s, "writes": writes.get(s, {}), "to": "join"} for s in arrived],
    }


def standing(result: Result) -> list[str]:
    return [position["step"] for position in result.unwrap()["cursor"]]


def arrived(result: Result) -> list[str]:
    return [item["step"] for item in result.unwrap()["pending"]]


def says(result: Result, *parts: str) -> None:
    assert isinstance(result.error, CursorError)
    for part in ("run r1", *parts):
        assert part in str(result.error)


def start(op: Operations) -> None:
    op.change_join("join", branches=["a", "b", "c"], new_branch="start", was=["a", "b"])


def do_without(op: Operations) -> None:
    op.change_join("join", branches=["a", "b", "c"], new_branch="arrived", was=["a", "b"])


def leave(op: Operations) -> None:
    op.change_join("join", branches=["a"], new_branch="start", was=["a", "b"])


def test_a_branch_added_while_one_arrival_is_in_is_started() -> None:
    document = run("b", arrived=("a",))
    result = up(start, document)
    assert standing(result) == ["b", "c"]
    assert arrived(result) == ["a"]
    assert down(start, result.document, complement=result.complement).document == document


def test_the_same_run_gets_the_same_id_every_time() -> None:
    document = run("b", arrived=("a",))
    assert up(start, document).document == up(start, document).document
    other = run("b", arrived=("a",))
    other["pending"][0]["id"] = "another"
    assert up(start, document).document["cursor"][1]["id"] != up(start, other).document["cursor"][1]["id"]


def test_a_branch_added_may_count_as_arrived() -> None:
    document = run("b", arrived=("a",))
    result = up(do_without, document)
    assert standing(result) == ["b"]
    assert arrived(result) == ["a", "c"]
    assert down(do_without, result.document, complement=result.complement).document == document


def test_a_run_before_the_fork_or_past_the_join_is_left_alone() -> None:
    for document in (run("plan"), run("send")):
        assert up(start, document).document == document
        assert up(leave, document).document == document


def test_a_branch_added_that_nobody_decided_about_is_refused_for_runs_past_the_fork() -> None:
    def script(op: Operations) -> None:
        op.change_join("join", branches=["a", "b", "c"], was=["a", "b"])

    assert standing(up(script, run("plan"))) == ["plan"]
    says(
        up(script, run("b", arrived=("a",))),
        "step join",
        "path pending",
        "join.unreachable: the run is past the fork, and the join now also waits for 'c', which nothing starts",
        'new_branch="start"',
    )


def test_an_arrival_that_is_waited_for_no_more_goes_and_comes_back() -> None:
    document = run("a", arrived=("b",))
    result = up(leave, document)
    assert arrived(result) == []
    assert down(leave, result.document, complement=result.complement).document == document


def test_where_everything_has_arrived_then_the_join_fires() -> None:
    document = run("b", arrived=("a",))
    result = up(leave, document)
    assert standing(result) == ["b", "join"]
    assert arrived(result) == []
    assert down(leave, result.document, complement=result.complement).document == document


def test_what_only_the_runtime_can_take_up_is_not_fired_here() -> None:
    says(
        up(leave, run("b", arrived=("a",), a={"x": 1})),
        "path pending[0].writes",
        "join.unreachable: every branch that the join still waits for has arrived",
        "on its own version first",
    )


def test_committed_writes_of_a_branch_that_goes_are_not_dropped_in_passing() -> None:
    document = run("a", arrived=("b",), b={"x": 1})
    says(
        up(leave, document),
        "path pending[0].writes",
        "join.extra-branch: 'b' has arrived at the join with committed writes",
        "op.drop_pending('b', why=...)",
    )

    def script(op: Operations) -> None:
        op.drop_pending("b", why="nobody reads it")
        leave(op)

    result = up(script, document)
    assert arrived(result) == []
    assert down(script, result.document, complement=result.complement).document == document


def test_on_the_way_back_a_branch_that_only_the_old_version_had_is_started() -> None:
    born = run("a", "c")
    back = down(lambda op: op.change_join("join", ["a", "c"], new_branch="start", was=["a", "b", "c"]), born)
    assert standing(back) == ["a", "c", "b"]


def test_a_branch_that_the_join_has_gone_on_without_cannot_arrive_any_more() -> None:
    says(
        down(leave, run("send", "b")),
        "path cursor[1]",
        "join.unreachable: the join has gone on without step 'b', which is still to arrive at it",
    )


def test_the_branches_before_are_taken_from_the_snapshot_with_the_ways_to_them() -> None:
    shape = Schema(Object({"state": Property(Object({}))}))
    steps = {
        "plan": StepInfo(fork=("early", "b")),
        "early": StepInfo(next=("a",)),
        "a": StepInfo(next=("join",)),
        "b": StepInfo(next=("join",)),
        "join": StepInfo(joins=("a", "b")),
    }
    old = Snapshot("flow", shape, shape, steps=steps, start="plan")

    def script(op: Operations) -> None:
        op.change_join("join", branches=["a", "b", "c"], new_branch="start")

    migrator = Migrator(revisions=[Revision("a", snapshot=old), Revision("b", "a", upgrade=script)])
    assert standing(migrator.upgrade(run("early", "b"), "a")) == ["early", "b", "c"]
    assert standing(migrator.upgrade(run("plan"), "a")) == ["plan"]


def test_without_the_branches_before_only_runs_elsewhere_get_through() -> None:
    def script(op: Operations) -> None:
        op.change_join("join", branches=["a", "c"], new_branch="start")

    assert standing(up(script, run("send"))) == ["send"]
    says(
        up(script, run("b", arrived=("a",))), "path pending[0]", "nobody said for which branches", "was=[...]"
    )
    assert "was=[...]" in str(down(script, run("a", "c")).error)


# -- pending work ------------------------------------------------------------------------------------------------------


def drop(op: Operations) -> None:
    op.drop_pending("a", why="its contract changed")


def again(op: Operations) -> None:
    op.requeue("a")


def test_dropped_work_comes_back_exactly() -> None:
    document = run("c", arrived=("b", "a"), a={"x": 1})
    result = up(drop, document)
    assert arrived(result) == ["b"]
    assert down(drop, result.document, complement=result.complement).document == document


def test_what_waits_for_the_step_as_a_join_is_dropped_too() -> None:
    def script(op: Operations) -> None:
        op.drop_pending("join", why="there is no join any more")

    assert arrived(up(script, run("c", arrived=("a", "b")))) == []


def test_dropped_work_does_not_come_back_when_the_join_has_fired_since() -> None:
    result = up(drop, run("c", arrived=("a",)))
    went_on = {**result.document, "cursor": [{"id": "n", "step": "join", "status": "ready"}]}
    assert arrived(down(drop, went_on, complement=result.complement)) == []


def test_nothing_is_dropped_that_would_leave_the_run_with_nothing_to_do() -> None:
    says(
        up(drop, run(arrived=("a",))),
        "join.unreachable: without what waits here nothing is left",
        "op.requeue('a')",
    )


def test_what_was_written_at_the_new_version_survives_going_down_and_up() -> None:
    for script in (drop, again):
        document = run("c", arrived=("a",), a={"y": 1})
        back = down(script, document)
        assert back.document == document
        up_again = both(script).upgrade(back.document, "a", complement=back.complement, record="complement")
        assert up_again.document == document


def test_a_step_is_done_again_and_back_it_has_arrived() -> None:
    document = run("c", arrived=("a", "b"), a={"x": 1})
    result = up(again, document)
    assert standing(result) == ["c", "a"]
    assert arrived(result) == ["b"]
    assert down(again, result.document, complement=result.complement).document == document


def test_remove_step_names_the_ways_out_of_committed_writes() -> None:
    def remove(op: Operations) -> None:
        op.remove_step("a", cursor=op.pin())

    document = run("b", arrived=("a",), a={"x": 1})
    says(up(remove, document), "path pending[0]", "op.drop_pending('a', why=...)", "op.change_join")

    def script(op: Operations) -> None:
        drop(op)
        op.change_join("join", branches=["b"], was=["a", "b"])
        remove(op)

    result = up(script, document)
    assert (standing(result), arrived(result)) == (["b"], [])
    assert down(script, result.document, complement=result.complement).document == document


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (lambda op: op.change_join("join", branches=[]), "branches is a list of the steps"),
        (lambda op: op.change_join("join", branches=["a", "a"]), "each once"),
        (lambda op: op.change_join("join", branches=["join"]), "a join does not wait for itself"),
        (lambda op: op.change_join("join", ["a"], new_branch="skip"), 'new_branch is "start" or "arrived"'),
        (lambda op: op.drop_pending("a", why=""), "say why"),
        (lambda op: op.requeue(""), "give the name of the step"),
    ],
)
def test_arguments_that_cannot_be_right(record: Any, message: str) -> None:
    with pytest.raises(OperationError) as raised:
        record(Operations())
    assert message in str(raised.value)


def test_sentences() -> None:
    op = Operations()
    start(op)
    drop(op)
    again(op)
    assert [each.describe() for each in op.recorded] == [
        "join join waits for a, b, c",
        "what step a has written for a join is dropped: its contract changed",
        "step a is done again where a join has not consumed what it has written",
    ]
