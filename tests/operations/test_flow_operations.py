"""Steps that split, merge and change their order: what becomes of a run that is in the middle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statemig.errors import CollisionError, CursorError, OperationError, TransformError
from statemig.migrator import Migrator, Result
from statemig.operations import Operations, schema_after
from statemig.revisions.revision import Revision
from statemig.shapes.accept import accepts
from statemig.shapes.shape import Integer, Object, Property, Schema, String
from statemig.workflow.flow import StepInfo
from statemig.workflow.snapshot import Snapshot

Script = Callable[[Operations], None]


def both(script: Script) -> Migrator:
    return Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=script)])


def up(script: Script, document: dict[str, Any]) -> Result:
    return both(script).upgrade(document, "a", run_id="r1", record="complement")


def down(script: Script, document: dict[str, Any], **more: Any) -> Result:
    return both(script).downgrade(document, to="a", run_id="r1", **more)


def run(*steps: str, **parts: Any) -> dict[str, Any]:
    cursor = [{"id": f"p{number}", "step": step, "status": "ready"} for number, step in enumerate(steps)]
    return {"state": {}, "cursor": cursor, **parts}


def standing(result: Result) -> list[str]:
    return [position["step"] for position in result.unwrap()["cursor"]]


def says(result: Result, *parts: str) -> None:
    assert isinstance(result.error, CursorError)
    for part in ("run r1", *parts):
        assert part in str(result.error)


QUESTION = {"id": "p", "step": "draft", "status": "waiting", "on": "human", "key": "k", "payload": {"q": 1}}


# -- split -------------------------------------------------------------------------------------------------------------


def split(op: Operations) -> None:
    op.split_step("draft", into=["outline", "write"], cursor="outline", pending="write")


def test_who_waits_at_a_split_step_waits_at_the_named_part_with_id_key_and_payload() -> None:
    result = up(split, {"state": {}, "cursor": [QUESTION]})
    assert result.unwrap()["cursor"] == [{**QUESTION, "step": "outline"}]


def test_the_output_of_a_split_step_is_that_of_the_last_part_and_all_parts_are_done() -> None:
    document = run("send", outputs={"plan": 1, "draft": {"t": "x"}, "z": 2}, done={"plan": 1, "draft": 2})
    result = up(split, document)
    assert list(result.unwrap()["outputs"].items()) == [("plan", 1), ("write", {"t": "x"}), ("z", 2)]
    assert result.document["done"] == {"plan": 1, "outline": 2, "write": 2}
    assert down(split, result.document, complement=result.complement).document == document


def test_a_run_sent_to_a_later_part_has_done_the_earlier_ones() -> None:
    def script(op: Operations) -> None:
        op.split_step("draft", into=["outline", "write"], cursor="write", output="outline")

    result = up(script, run("draft", done={"plan": 1}))
    assert result.unwrap()["done"] == {"plan": 1, "outline": 1}


def test_a_function_of_the_script_chooses_the_part_run_by_run() -> None:
    def script(op: Operations) -> None:
        op.split_step(
            "draft", into=["outline", "write"], cursor=lambda document, position: document["state"]["at"]
        )

    assert standing(up(script, run("draft") | {"state": {"at": "write"}})) == ["write"]
    says(up(script, run("draft") | {"state": {"at": "x"}}), "cursor.ambiguous-split", "names none of them")
    failed = up(script, run("draft"))
    assert isinstance(failed.error, TransformError)
    assert "the function cursor= raised KeyError" in str(failed.error)


def test_the_named_part_has_arrived_where_the_step_had() -> None:
    document = run("c", pending=[{"step": "draft", "writes": {"x": 1}, "to": "join"}])
    result = up(split, document)
    assert result.unwrap()["pending"] == [{"step": "write", "writes": {"x": 1}, "to": "join"}]
    assert down(split, result.document, complement=result.complement).document == document


def test_a_run_born_on_a_part_goes_back_to_the_whole_and_comes_up_on_its_part_again() -> None:
    document = run("write", done={"outline": 1}, outputs={"outline": 1})
    back = down(split, document)
    assert standing(back) == ["draft"]
    assert back.document["done"] == {}
    again = both(split).upgrade(back.document, "a", complement=back.complement, record="complement")
    assert again.document == document


def test_a_split_that_does_not_say_where_a_run_stands_fails_for_runs_that_stand_there_only() -> None:
    def script(op: Operations) -> None:
        op.split_step("draft", into=["outline", "write"])

    assert standing(up(script, run("send"))) == ["send"]
    says(
        up(script, run("draft")),
        "step draft",
        "path cursor[0]",
        "cursor.ambiguous-split: position p0 stands on step 'draft' (ready), which becomes outline, write",
        "Say cursor='outline', or a function of document and position",
    )


def test_a_split_that_does_not_say_who_has_arrived_fails_for_runs_with_an_arrival() -> None:
    def script(op: Operations) -> None:
        op.split_step("draft", into=["outline", "write"], cursor="write")

    says(
        up(script, run("c", pending=[{"step": "draft", "writes": {}, "to": "join"}])),
        "path pending[0]",
        "pending.owner-ambiguous: step 'draft', which becomes outline, write, has arrived at the join 'join'",
        "Say pending='write', or let the run reach its join first",
    )


def test_a_part_must_not_have_an_output_already() -> None:
    result = up(split, run("send", outputs={"draft": 1, "write": 2}))
    assert isinstance(result.error, CollisionError)
    assert "path outputs.write: the run knows a step 'write' already" in str(result.error)


# -- merge -------------------------------------------------------------------------------------------------------------


def merge(op: Operations) -> None:
    op.merge_steps(["b", "c"], into="bc")


def test_two_branches_that_become_one_stand_once() -> None:
    document = run("a", "b", "c")
    result = up(merge, document)
    assert standing(result) == ["a", "bc"]
    assert down(merge, result.document, complement=result.complement).document == document


def test_the_branch_that_waits_stands_for_both() -> None:
    document = run("b") | {"cursor": [*run("b")["cursor"], {**QUESTION, "step": "c"}]}
    result = up(merge, document)
    assert result.unwrap()["cursor"] == [{**QUESTION, "step": "bc"}]
    assert down(merge, result.document, complement=result.complement).document == document


def test_outputs_that_say_nothing_different_become_one_object() -> None:
    document = run("send", outputs={"b": {"x": 1, "z": 0}, "c": {"y": 2, "z": 0}}, done={"b": 1, "c": 1})
    result = up(merge, document)
    assert result.unwrap()["outputs"] == {"bc": {"x": 1, "z": 0, "y": 2}}
    assert result.document["done"] == {"bc": 1}
    assert down(merge, result.document, complement=result.complement).document == document


def test_a_run_in_the_middle_has_not_done_the_whole() -> None:
    document = run("c", outputs={"b": {"x": 1}}, done={"b": 1})
    result = up(merge, document)
    assert standing(result) == ["bc"]
    assert (result.document["outputs"], result.document["done"]) == ({}, {})
    assert down(merge, result.document, complement=result.complement).document == document


def test_conflicting_outputs_need_a_function() -> None:
    def script(op: Operations) -> None:
        op.merge_steps(["b", "c"], into="bc", by=lambda values: sum(values.values()))

    document = run("send", outputs={"b": 1, "c": 2})
    assert up(script, document).unwrap()["outputs"] == {"bc": 3}
    says(
        up(merge, document),
        "path outputs.bc",
        "state.merge-conflict: 'b' and 'c' become 'bc' and have written different values",
        "Say by=..., a function of the script",
    )


def test_arrivals_of_merged_branches_are_one_with_what_both_have_written() -> None:
    pending = [
        {"step": "b", "writes": {"x": 1}, "to": "join"},
        {"step": "c", "writes": {"y": 2}, "to": "join"},
    ]
    result = up(merge, run("a", pending=pending))
    assert result.unwrap()["pending"] == [{"step": "bc", "writes": {"x": 1, "y": 2}, "to": "join"}]
    back = down(merge, result.document, complement=result.complement)
    assert back.document["pending"] == pending
    conflict = [
        {"step": "b", "writes": {"x": 1}, "to": "join"},
        {"step": "c", "writes": {"x": 2}, "to": "join"},
    ]
    says(up(merge, run("a", pending=conflict)), "path pending[0].writes.x", "state.merge-conflict")


def test_a_merge_cannot_be_half_arrived() -> None:
    says(
        up(merge, run("c", pending=[{"step": "b", "writes": {}, "to": "join"}])),
        "step b",
        "path pending[0]",
        "state.merge-conflict: step 'b' has arrived at the join 'join' and step 'c' has not, and both become 'bc'",
        "op.drop_pending('b', why=...)",
    )


def test_two_open_questions_cannot_become_one() -> None:
    document = {"state": {}, "cursor": [{**QUESTION, "step": "b"}, {**QUESTION, "id": "q", "step": "c"}]}
    says(up(merge, document), "path cursor[1]", "people were asked in more than one of them")


def test_who_stands_on_a_merged_step_several_times_is_not_guessed() -> None:
    says(up(merge, run("b", "b", "c")), "the run stands several times on steps that become one")


def test_a_run_born_on_the_merged_step_needs_to_be_told_where_it_goes_back_to() -> None:
    says(down(merge, run("bc")), "cursor.ambiguous-split", "becomes b, c")

    def script(op: Operations) -> None:
        op.merge_steps(["b", "c"], into="bc", cursor="c", output="b")

    back = down(script, run("bc", outputs={"bc": 7}))
    assert standing(back) == ["c"]
    assert back.document["outputs"] == {"b": 7}


# -- order -------------------------------------------------------------------------------------------------------------


def reorder(op: Operations) -> None:
    op.reorder_steps(["check", "draft", "send"], was=["draft", "check", "send"])


def test_a_run_that_has_done_none_of_them_stands_on_the_first_in_the_new_order() -> None:
    result = up(reorder, run("draft", done={"plan": 1}))
    assert standing(result) == ["check"]
    assert standing(down(reorder, result.document, complement=result.complement)) == ["draft"]


def test_a_run_past_those_that_change_places_stays() -> None:
    document = run("send", done={"draft": 1, "check": 1})
    assert up(reorder, document).document == document


def test_only_this_round_counts() -> None:
    assert standing(up(reorder, run("draft", done={"draft": 1, "check": 1, "send": 1}))) == ["check"]


def test_without_counts_the_old_order_says_what_is_done() -> None:
    assert standing(up(reorder, run("draft"))) == ["check"]
    assert standing(up(reorder, run("send"))) == ["send"]


def test_a_run_in_the_middle_needs_a_policy() -> None:
    document = run("check", done={"draft": 1})
    says(
        up(reorder, document),
        "step check",
        "path cursor[0]",
        "cursor.order-changed: position p0 stands on step 'check' in the middle",
        "reorder_steps([...], cursor=op.forward(...))",
    )

    def with_policy(policy: Any) -> Result:
        return up(
            lambda op: op.reorder_steps(
                ["check", "draft", "send"], was=["draft", "check", "send"], cursor=policy
            ),
            document,
        )

    assert standing(with_policy(Operations.forward("send"))) == ["send"]
    assert with_policy(Operations.hold()).outcome == "held"
    assert with_policy(Operations.pin()).outcome == "pinned"


def test_who_was_asked_is_not_asked_something_else_first() -> None:
    says(
        up(reorder, {"state": {}, "cursor": [QUESTION], "done": {}}),
        "approval.order-changed: position p waits at step 'draft', and in the new order 'check' comes first",
        "cursor=op.pin()",
    )


def test_the_order_before_is_taken_from_the_snapshot_also_under_new_names() -> None:
    anything = Schema(Object({"state": Property(Object({}))}))
    steps = {"a": StepInfo(next=("b",)), "b": StepInfo(next=("c",)), "c": StepInfo()}
    old = Snapshot("flow", anything, anything, steps=steps, start="a")

    def script(op: Operations) -> None:
        op.rename_step("a", to="first")
        op.reorder_steps(["b", "first", "c"])

    migrator = Migrator(revisions=[Revision("a", snapshot=old), Revision("b", "a", upgrade=script)])
    result = migrator.upgrade(run("a"), "a")
    assert standing(result) == ["b"]
    assert standing(migrator.downgrade(run("b"), to="a")) == ["a"]


def test_without_the_order_before_there_is_no_way_back_for_a_run_among_them() -> None:
    def script(op: Operations) -> None:
        op.reorder_steps(["check", "draft"])

    refused = down(script, run("check")).error
    assert "nobody said in which order check, draft came before" in str(refused)
    assert "was=[...]" in str(refused)
    assert standing(down(script, run("send"))) == ["send"]


# -- arguments and shapes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (lambda op: op.split_step("a", into=["b"]), "into names at least 2 steps"),
        (lambda op: op.split_step("a", into=["b", "b"]), "into names a step twice"),
        (lambda op: op.split_step("a", into=["b", "c"], cursor="d"), "cursor is one of b, c, or a function"),
        (lambda op: op.split_step("a", into=["b", "c"], pending="a"), "pending is one of b, c"),
        (lambda op: op.merge_steps(["a", "b"], into="c", by=3), "by is a function of the script"),
        (lambda op: op.merge_steps(["a", 1], into="c"), "steps is a list of steps"),
        (lambda op: op.reorder_steps(["a", "b"], was=["a", "c"]), "order and was name the same steps"),
        (lambda op: op.reorder_steps(["a", "b"], was=["a", "b"]), "the new order is the old one"),
        (lambda op: op.reorder_steps(["a", "b"], cursor="a"), "cursor is op.forward(to)"),
    ],
)
def test_arguments_that_cannot_be_right(record: Any, message: str) -> None:
    with pytest.raises(OperationError) as raised:
        record(Operations())
    assert message in str(raised.value)


OUTPUTS = Schema(
    Object(
        {
            "state": Property(Object({})),
            "outputs": Property(
                Object(
                    {
                        "b": Property(Object({"x": Property(Integer())}), required=False),
                        "c": Property(Object({"y": Property(String())}), required=False),
                    }
                ),
                required=False,
            ),
        }
    )
)


@pytest.mark.parametrize("outputs", [{}, {"b": {"x": 1}}, {"c": {"y": ""}}, {"b": {"x": 1}, "c": {"y": ""}}])
@pytest.mark.parametrize("script", [merge, lambda op: op.split_step("b", into=["d", "e"])])
def test_the_outputs_afterwards_have_the_predicted_shape(script: Script, outputs: Any) -> None:
    op = Operations()
    script(op)
    made = up(script, {"state": {}, "outputs": outputs}).unwrap()
    schema = schema_after(OUTPUTS, op.recorded)
    assert accepts(schema.root, made, schema)


def test_sentences() -> None:
    op = Operations()
    split(op)
    merge(op)
    reorder(op)
    assert [each.describe() for each in op.recorded] == [
        "step draft becomes outline and write",
        "steps b and c become bc",
        "steps come in another order: check, draft, send",
    ]
