"""Operations on steps: where a run stands, what it has put out, what it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statemig import json_text
from statemig.errors import CollisionError, CursorError, MigrationPinned
from statemig.migrator import Migrator
from statemig.operations import Operations
from statemig.revisions.revision import Revision
from statemig.shapes.shape import Object, Schema
from statemig.workflow.flow import StepInfo
from statemig.workflow.snapshot import Snapshot, run_schema

WAITING = {"id": "p1", "step": "ask", "status": "waiting", "on": "human", "key": "a81f", "payload": {"q": 1}}


def migrating(script: Callable[[Operations], object], steps: dict[str, StepInfo] | None = None) -> Migrator:
    snapshot = None
    if steps is not None:
        free: Schema = run_schema(Object({}), {}, {})
        snapshot = Snapshot("triage", free, free, steps=steps, start=next(iter(steps)))
    return Migrator(revisions=[Revision("r0", snapshot=snapshot), Revision("r1", "r0", upgrade=script)])


def run(**parts: Any) -> dict[str, Any]:
    return {"state": {}, **parts}


def test_a_renamed_step_is_renamed_wherever_a_run_holds_it() -> None:
    document = run(
        outputs={"draft": 1, "ask": 2, "send": 3},
        done={"ask": 2},
        cursor=[WAITING, {"id": "p2", "step": "send", "status": "ready"}],
        pending=[
            {"step": "ask", "writes": {"ask": "ask"}, "to": "join"},
            {"step": "x", "writes": {}, "to": "ask"},
        ],
    )
    renaming = migrating(lambda op: op.rename_step("ask", to="inner.ask"))
    up = renaming.upgrade(document, "r0", record="complement")
    assert json_text.dumps(up.unwrap()) == json_text.dumps(
        run(
            outputs={"draft": 1, "inner.ask": 2, "send": 3},
            done={"inner.ask": 2},
            cursor=[{**WAITING, "step": "inner.ask"}, {"id": "p2", "step": "send", "status": "ready"}],
            pending=[
                {"step": "inner.ask", "writes": {"ask": "ask"}, "to": "join"},
                {"step": "x", "writes": {}, "to": "inner.ask"},
            ],
        )
    )
    assert up.complement == {}
    assert json_text.dumps(renaming.downgrade(up.document, to="r0").unwrap()) == json_text.dumps(document)


STANDING_ON_SEND = {"cursor": [{"id": "q", "step": "send", "status": "ready"}]}


@pytest.mark.parametrize(
    ("known", "place"),
    [
        ({"outputs": {"ask": 1, "send": 2}}, "outputs.send"),
        ({"done": {"ask": 1, "send": 2}}, "done.send"),
        ({"done": {"send": 2}}, "done.send"),
        (STANDING_ON_SEND, "cursor[0]"),
        ({"pending": [{"step": "draft", "writes": {}, "to": "send"}]}, "pending[0].to"),
    ],
)
def test_a_step_cannot_take_the_name_of_another(known: dict[str, Any], place: str) -> None:
    error = migrating(lambda op: op.rename_step("ask", to="send")).upgrade(run(**known), "r0").error
    assert isinstance(error, CollisionError)
    assert f"path {place}: the run knows a step 'send' already, so 'ask' cannot become it" in str(error)


def forward(op: Operations) -> None:
    op.remove_step(
        "ask", cursor=op.forward("send"), output={"state.answer": {"ok": True}, "outputs.draft.seen": True}
    )


def test_a_run_on_a_removed_step_goes_on_with_what_the_step_would_have_written() -> None:
    document = run(outputs={"draft": {"text": "t"}}, done={"draft": 1}, cursor=[WAITING])
    up = migrating(forward).upgrade(document, "r0", record="complement")
    assert up.unwrap() == {
        "state": {"answer": {"ok": True}},
        "outputs": {"draft": {"text": "t", "seen": True}},
        "done": {"draft": 1},
        "cursor": [{"id": "p1", "step": "send", "status": "ready"}],
    }
    back = migrating(forward).downgrade(up.document, to="r0", complement=up.complement)
    assert json_text.dumps(back.unwrap()) == json_text.dumps(document)


def test_a_run_that_went_on_since_stays_where_it_is_and_keeps_what_it_was_given() -> None:
    up = migrating(forward).upgrade(run(outputs={"draft": {}}, cursor=[WAITING]), "r0", record="complement")
    gone_on = {**up.document, "cursor": [{"id": "p1", "step": "archive", "status": "ready"}]}
    back = migrating(forward).downgrade(gone_on, to="r0", complement=up.complement).unwrap()
    assert back["cursor"] == gone_on["cursor"]
    assert back["state"] == {"answer": {"ok": True}}


def test_a_run_past_a_removed_step_loses_its_output_until_it_comes_back() -> None:
    document = run(outputs={"ask": {"ok": 1}, "send": 2}, done={"ask": 1, "send": 1}, cursor=[])
    up = migrating(forward).upgrade(document, "r0", record="complement")
    assert up.unwrap() == run(outputs={"send": 2}, done={"send": 1}, cursor=[])
    back = migrating(forward).downgrade(up.document, to="r0", complement=up.complement)
    assert json_text.dumps(back.unwrap()) == json_text.dumps(document)


def test_what_was_there_is_not_overwritten_and_not_taken_away() -> None:
    document = {"state": {"answer": {"ok": True}}, "cursor": [WAITING]}
    up = migrating(forward).upgrade(document, "r0", record="complement")
    assert up.unwrap()["state"] == {"answer": {"ok": True}}
    assert migrating(forward).downgrade(up.document, to="r0", complement=up.complement).unwrap() == document


def test_positions_without_an_id_come_back_each_to_its_own() -> None:
    first, second = ({"step": "ask", "status": "waiting", "key": key} for key in "ab")
    document = run(cursor=[first, {"step": "x", "status": "ready"}, second])
    up = migrating(forward).upgrade(document, "r0", record="complement")
    assert migrating(forward).downgrade(up.document, to="r0", complement=up.complement).unwrap() == document


@pytest.mark.parametrize(
    "item", [{"step": "ask", "writes": {}, "to": "join"}, {"step": "x", "writes": {}, "to": "ask"}]
)
def test_a_branch_that_has_committed_for_a_removed_step_is_not_dropped(item: dict[str, Any]) -> None:
    error = migrating(forward).upgrade(run(pending=[item]), "r0").error
    assert isinstance(error, CursorError)
    assert "path pending[0]: a branch has committed writes of, or for, step 'ask', which is removed" in str(
        error
    )


def test_back_relabels_and_asks_again_from_there() -> None:
    going_back = migrating(lambda op: op.remove_step("ask", cursor=op.back("draft")))
    assert going_back.upgrade(run(cursor=[WAITING]), "r0").unwrap()["cursor"] == [
        {"id": "p1", "step": "draft", "status": "ready"}
    ]


# -- add_step ----------------------------------------------------------------------------------------------------------


def backfill(op: Operations) -> None:
    op.add_step("review", after="draft", passed=op.backfill({"ok": True}))


@pytest.mark.parametrize(
    ("done", "outputs"), [({"draft": 1}, {"review": {"ok": True}}), ({"draft": 0}, {}), ({}, {})]
)
def test_runs_past_the_place_of_a_new_step_are_given_its_output(done: Any, outputs: Any) -> None:
    up = migrating(backfill).upgrade(run(outputs={}, done=done), "r0")
    assert up.unwrap()["outputs"] == outputs


def test_skip_gives_nothing() -> None:
    skipping = migrating(lambda op: op.add_step("review", after="draft"))
    assert skipping.upgrade(run(done={"draft": 1}), "r0").unwrap() == run(done={"draft": 1})


FLOW = {
    "draft": StepInfo(next=("edit", "send")),
    "edit": StepInfo(next=("send",)),
    "send": StepInfo(),
}


@pytest.mark.parametrize(("at", "given"), [("send", True), ("edit", True), ("draft", False)])
def test_without_done_the_flow_says_who_is_past(at: str, given: bool) -> None:
    document = run(cursor=[{"id": "p", "step": at, "status": "ready"}])
    up = migrating(backfill, FLOW).upgrade(document, "r0")
    assert ("outputs" in up.unwrap()) is given


def test_where_nothing_says_who_is_past_the_run_fails_with_what_to_do() -> None:
    unclear = migrating(lambda op: op.add_step("review", after="edit", passed=op.backfill(1)), FLOW)
    error = unclear.upgrade(run(cursor=[{"id": "p", "step": "send", "status": "ready"}]), "r0").error
    assert isinstance(error, CursorError)
    assert "nothing says whether this run is past step 'edit'" in str(error)
    assert 'Say passed="skip", or keep `done` in the run documents' in str(error)


def test_down_without_a_policy_a_run_in_the_new_step_is_refused_by_name() -> None:
    error = (
        migrating(backfill)
        .downgrade(run(cursor=[{"id": "p", "step": "review", "status": "ready"}]), to="r0")
        .error
    )
    assert isinstance(error, CursorError)
    assert "position p stands on step 'review' (ready), which does not exist on the other side" in str(error)
    assert "add_step('review', down=op.back(...) or op.forward(...) or op.pin())" in str(error)


def test_down_with_a_policy_a_run_in_the_new_step_follows_it_and_comes_back_up() -> None:
    both = migrating(lambda op: op.add_step("review", after="draft", down=op.back("draft")))
    document = run(
        cursor=[{"id": "p", "step": "review", "status": "waiting", "key": "k"}], outputs={"review": 1, "x": 2}
    )
    down = both.downgrade(document, to="r0")
    assert down.unwrap() == run(cursor=[{"id": "p", "step": "draft", "status": "ready"}], outputs={"x": 2})
    up = both.upgrade(down.document, "r0", complement=down.complement)
    assert json_text.dumps(up.unwrap()) == json_text.dumps(document)


def test_down_pinned_stays() -> None:
    pinned = migrating(lambda op: op.add_step("review", down=op.pin()))
    result = pinned.downgrade(run(cursor=[{"id": "p", "step": "review", "status": "ready"}]), to="r0")
    assert result.outcome == "pinned"
    assert isinstance(result.error, MigrationPinned)


@pytest.mark.parametrize("document", [run(), run(outputs={})])
def test_outputs_made_for_a_backfill_go_again_each_time(document: dict[str, Any]) -> None:
    always = migrating(lambda op: op.add_step("review", passed=op.backfill(1)))
    current, complement = document, {}
    for _ in range(3):
        up = always.upgrade(current, "r0", record="complement", complement=complement)
        assert up.unwrap()["outputs"] == {"review": 1}
        down = always.downgrade(up.document, to="r0", complement=up.complement)
        current, complement = down.unwrap(), down.complement
        assert current == document
