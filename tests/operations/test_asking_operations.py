"""What is outstanding: questions to people, and calls of tools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statemig import json_text
from statemig.errors import CursorError, OperationError
from statemig.migrator import Migrator, Result
from statemig.operations import Operations, from_dict, schema_after
from statemig.revisions.revision import Revision
from statemig.shapes.accept import accepts
from statemig.shapes.shape import Anything, Enum, ListOf, MapOf, Object, Property, Ref, Schema, String

Script = Callable[[Operations], None]


def both(script: Script) -> Migrator:
    return Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=script)])


def up(script: Script, document: dict[str, Any]) -> Result:
    return both(script).upgrade(document, "a", run_id="r1", record="complement")


def down(script: Script, document: dict[str, Any], **more: Any) -> Result:
    return both(script).downgrade(document, to="a", run_id="r1", **more)


def there_and_back(script: Script, document: dict[str, Any]) -> dict[str, Any]:
    """The upgraded document; the way back is checked."""
    result = up(script, document)
    stored = json_text.loads(json_text.dumps(result.complement))
    back = down(script, result.unwrap(), complement=stored)
    assert json_text.dumps(back.unwrap()) == json_text.dumps(document)
    return result.document


def asking(step: str = "ask", **more: Any) -> dict[str, Any]:
    position = {"id": "p", "step": step, "status": "waiting", "on": "human", "key": "k", **more}
    return {"state": {}, "cursor": [position]}


def says(result: Result, *parts: str) -> None:
    assert isinstance(result.error, CursorError)
    for part in ("run r1", *parts):
        assert part in str(result.error)


# -- questions ---------------------------------------------------------------------------------------------------------


def otherwise(op: Operations) -> None:
    op.map_waiting(
        "ask",
        payload=lambda op: (op.rename_field("amount", to="sum"), op.remove_field("note")),
        answer=lambda op: op.map_values("ok", {True: "yes", False: "no"}),
    )


def test_what_a_person_is_shown_changes_its_shape_and_the_question_stays() -> None:
    document = asking(payload={"amount": 3, "note": "n", "items": [1]})
    [position] = there_and_back(otherwise, document)["cursor"]
    assert position == {**document["cursor"][0], "payload": {"sum": 3, "items": [1]}}


def test_an_answer_that_has_come_already_changes_its_shape() -> None:
    document = asking(payload={"amount": 3}, answer={"ok": True})
    document["cursor"][0]["status"] = "ready"
    assert there_and_back(otherwise, document)["cursor"][0]["answer"] == {"ok": "yes"}


def test_an_answer_that_came_at_the_new_version_is_understood_by_the_old_one() -> None:
    result = up(otherwise, asking(payload={"amount": 3, "note": "n"}))
    [position] = result.unwrap()["cursor"]
    answered = {**result.document, "cursor": [{**position, "status": "ready", "answer": {"ok": "no"}}]}
    [back] = down(otherwise, answered, complement=result.complement).unwrap()["cursor"]
    assert back["answer"] == {"ok": False}
    assert back["payload"] == {"amount": 3, "note": "n"}


def test_other_steps_and_positions_that_do_not_wait_stay_the_same_objects() -> None:
    for document in (
        asking("other", payload={"amount": 3}),
        {"state": {}, "cursor": [{"id": "p", "step": "ask", "status": "ready"}]},
    ):
        assert up(otherwise, document).document is document


def test_a_question_born_new_goes_back() -> None:
    document = asking(payload={"sum": 3})
    back = down(otherwise, document)
    assert back.unwrap()["cursor"][0]["payload"] == {"amount": 3}
    again = both(otherwise).upgrade(back.document, "a", complement=back.complement, record="complement")
    assert again.document == document


def test_the_whole_payload_can_go_through_a_function() -> None:
    def script(op: Operations) -> None:
        op.map_waiting(
            "ask", payload=lambda op: op.transform(lambda text: {"text": text}, lambda shown: shown["text"])
        )

    assert there_and_back(script, asking(payload="?"))["cursor"][0]["payload"] == {"text": "?"}


def test_a_payload_that_does_not_go_through_is_named() -> None:
    def script(op: Operations) -> None:
        op.map_waiting("ask", payload=lambda op: op.convert("due.at", to="int"))

    says(
        up(script, asking(payload={"due": {"at": "soon"}})),
        "step ask",
        "path cursor[0].payload.due.at",
        "approval.payload-changed: the payload of position p does not go through",
    )


def test_an_answer_that_does_not_go_through_is_named() -> None:
    says(
        up(otherwise, asking(payload={}, answer={"ok": "maybe"})),
        "path cursor[0].answer.ok",
        "approval.answer-incompatible: the answer of position p",
    )


def insert(op: Operations) -> None:
    op.map_waiting("ask", order=[None, 0])


def test_a_question_inserted_before_the_one_that_waits_moves_its_place_and_not_its_key() -> None:
    [position] = there_and_back(insert, asking())["cursor"]
    assert (position["index"], position["key"]) == (1, "k")
    assert there_and_back(insert, asking(index=0))["cursor"][0]["index"] == 1


def test_a_new_question_has_no_place_on_the_way_back() -> None:
    assert down(insert, asking(index=1)).unwrap()["cursor"][0]["index"] == 0
    says(
        down(insert, asking(index=0)),
        "step ask",
        "path cursor[0]",
        "approval.order-changed: position p waits for the answer to question 0 of the step, which the other version does not ask",
        "an answer is never given to another question",
    )


def test_questions_that_change_places_need_to_know_which_one_waits() -> None:
    def swap(op: Operations) -> None:
        op.map_waiting("ask", order=[1, 0])

    assert there_and_back(swap, asking(index=1))["cursor"][0]["index"] == 0
    says(
        up(swap, asking()),
        "path cursor[0].index",
        "approval.order-changed: nothing says for which of the 2 questions",
    )


def test_a_question_that_is_not_asked_any_more_keeps_its_run_where_it_is() -> None:
    result = up(lambda op: op.map_waiting("ask", order=[1]), asking(index=0))
    says(result, "approval.order-changed")
    assert result.revision == "a"


# -- tools -------------------------------------------------------------------------------------------------------------


def rename(op: Operations) -> None:
    op.rename_tool("search", to="find", arguments=lambda op: op.rename_field("q", to="query"))


def messages(*calls: Any, results: tuple[str, ...] = ()) -> dict[str, Any]:
    told = [{"type": "tool", "tool_call_id": each} for each in results]
    return {"state": {"messages": [{"type": "ai", "tool_calls": list(calls)}, *told]}}


def calls(document: dict[str, Any]) -> list[Any]:
    found: list[Any] = document["state"]["messages"][0]["tool_calls"]
    return found


@pytest.mark.parametrize("key", ["args", "arguments"])
def test_an_outstanding_call_has_the_new_name_and_the_new_arguments(key: str) -> None:
    document = messages(
        {"id": "1", "name": "search", key: {"q": "x"}}, {"id": "2", "name": "other", key: {"q": "x"}}
    )
    assert calls(there_and_back(rename, document)) == [
        {"id": "1", "name": "find", key: {"query": "x"}},
        {"id": "2", "name": "other", key: {"q": "x"}},
    ]


def test_a_call_that_has_its_result_is_history() -> None:
    document = messages({"id": "1", "name": "search", "args": {"q": "x"}}, results=("1",))
    assert up(rename, document).document is document


def test_arguments_as_json_text_come_back_as_they_were_written() -> None:
    document = messages(
        {"id": "1", "type": "function", "function": {"name": "search", "arguments": '{"q":  1.50}'}}
    )
    [call] = calls(there_and_back(rename, document))
    assert call["function"] == {"name": "find", "arguments": '{"query":1.5}'}


def test_a_call_that_had_the_new_name_before_keeps_it_on_the_way_back() -> None:
    document = messages({"id": "1", "name": "find", "args": {}}, {"id": "2", "name": "search", "args": {}})
    assert [call["name"] for call in calls(there_and_back(rename, document))] == ["find", "find"]


def test_a_call_that_a_person_is_to_allow_and_one_that_a_branch_has_written() -> None:
    document = asking(payload={"requests": [{"name": "search", "args": {"q": "x"}}]})
    document["pending"] = [
        {"step": "a", "writes": {"tool_calls": [{"name": "search", "args": {"q": "y"}}]}, "to": "join"}
    ]
    made = there_and_back(rename, document)
    assert made["cursor"][0]["payload"] == {"requests": [{"name": "find", "args": {"query": "x"}}]}
    assert made["pending"][0]["writes"] == {"tool_calls": [{"name": "find", "args": {"query": "y"}}]}


def test_a_call_born_new_goes_back() -> None:
    back = down(rename, messages({"id": "1", "name": "find", "args": {"query": "x"}}))
    assert calls(back.unwrap()) == [{"id": "1", "name": "search", "args": {"q": "x"}}]


def block(name: str = "search", **arguments: Any) -> dict[str, Any]:
    """A call as Anthropic writes it into the content of a message."""
    return {"type": "tool_use", "id": "1", "name": name, "input": arguments}


def said(*content: Any) -> dict[str, Any]:
    return {"state": {"messages": [{"role": "assistant", "content": list(content)}]}}


def test_a_call_that_is_a_block_in_the_content_of_a_message() -> None:
    text = {"type": "text", "text": "let me search"}
    made = there_and_back(rename, said(text, block(q="x"), block("other", q="x")))
    assert made == said(text, block("find", query="x"), block("other", q="x"))


def test_a_block_whose_result_is_there_is_history() -> None:
    document = said(block(q="x"))
    document["state"]["messages"].append(
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "y"}]}
    )
    assert up(rename, document).document is document


def test_a_block_born_new_goes_back() -> None:
    assert down(rename, said(block("find", query="x"))).unwrap() == said(block(q="x"))


def test_a_block_whose_arguments_do_not_go_through_is_named() -> None:
    says(
        up(rename, said(block(q=1, query=2))),
        "path state.messages[0].content[0].input.query",
        "tool.call-orphaned",
    )


@pytest.mark.parametrize("known", [True, False])
def test_the_shape_of_a_block_afterwards_is_predicted(known: bool) -> None:
    named = {
        "type": Property(Enum(("tool_use",))),
        "id": Property(String()),
        "name": Property(Enum(("search",))),
    }
    held = Object({**named, "input": Property(Object({"q": Property(String())}))})
    content = ListOf(held if known else MapOf(Anything(), String()))
    message = Object({"role": Property(String()), "content": Property(content)})
    schema = Schema(Object({"state": Property(Object({"messages": Property(ListOf(message))}))}))
    op = Operations()
    rename(op)
    made = schema_after(schema, op.recorded)
    for document in (said(block(q="x")), up(rename, said(block(q="x"))).unwrap()):
        assert accepts(made.root, document, made)


def test_something_called_so_that_is_no_call_stays() -> None:
    document = {"state": {"person": {"name": "search", "args": {"q": 1}}, "tool_calls": [{"name": "search"}]}}
    assert up(rename, document).document is document


@pytest.mark.parametrize(
    ("call", "path"),
    [
        ({"name": "search", "args": {"q": 1, "query": 2}}, "state.messages[0].tool_calls[0].args.query"),
        (
            {"function": {"name": "search", "arguments": "{"}},
            "state.messages[0].tool_calls[0].function.arguments",
        ),
    ],
)
def test_a_call_whose_arguments_do_not_go_through_is_named(call: Any, path: str) -> None:
    says(
        up(rename, messages(call)),
        f"path {path}",
        "tool.call-orphaned: the arguments of an outstanding call of 'search' do not go through",
    )


CALL = Object(
    {"name": Property(Enum(("search",))), "args": Property(Object({"q": Property(String())}))}, name="Call"
)
MESSAGES = Schema(
    Object(
        {
            "state": Property(
                Object(
                    {
                        "messages": Property(
                            ListOf(Object({"tool_calls": Property(ListOf(Ref("Call")), required=False)}))
                        )
                    }
                )
            )
        }
    ),
    {"Call": CALL},
)


def test_the_state_afterwards_has_the_predicted_shape() -> None:
    op = Operations()
    rename(op)
    schema = schema_after(MESSAGES, op.recorded)
    document = {"state": {"messages": [{"tool_calls": [{"name": "search", "args": {"q": "x"}}]}]}}
    assert accepts(schema.root, document, schema)  # it may have its result
    assert accepts(schema.root, up(rename, document).unwrap(), schema)
    assert not accepts(
        schema.root, {"state": {"messages": [{"tool_calls": [{"name": "nope", "args": {}}]}]}}, schema
    )


def test_arguments_of_any_shape_stay_of_any_shape() -> None:
    op = Operations()
    rename(op)
    call = Object({"name": Property(String()), "args": Property(MapOf(Anything(), String()))})
    schema = Schema(Object({"state": Property(Object({"tool_calls": Property(ListOf(call))}))}))
    made = schema_after(schema, op.recorded)
    assert accepts(made.root, {"state": {"tool_calls": [{"name": "find", "args": {"query": 1}}]}}, made)


# -- arguments ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (lambda op: op.map_waiting("ask"), "say what changes: payload=, answer= or order="),
        (lambda op: op.map_waiting("ask", payload=3), "payload is a function that records operations"),
        (
            lambda op: op.map_waiting("ask", payload=lambda op: op.rename_step("a", to="b")),
            "operations on fields and values",
        ),
        (lambda op: op.map_waiting("ask", payload=lambda op: op.wrap("<Node>.a")), "know no definitions"),
        (lambda op: op.map_waiting("ask", order=[0, 0]), "order names a question twice"),
        (lambda op: op.map_waiting("ask", order=[-1]), "order is a list of old indexes"),
        (lambda op: op.rename_tool("a", to="a"), "the new name is the old one"),
        (lambda op: op.rename_tool("a", to=""), "give the old and the new name of the tool"),
    ],
)
def test_arguments_that_cannot_be_right(record: Any, message: str) -> None:
    with pytest.raises(OperationError) as raised:
        record(Operations())
    assert message in str(raised.value)


def test_how_they_read_in_a_script_and_as_a_dict() -> None:
    op = Operations()
    otherwise(op)
    rename(op)
    assert [each.source() for each in op.recorded] == [
        'op.map_waiting("ask", payload=lambda op: (op.rename_field("$.amount", to="sum"), op.remove_field("$.note")), '
        'answer=lambda op: op.map_values("$.ok", {True: "yes", False: "no"}))',
        'op.rename_tool("search", to="find", arguments=lambda op: op.rename_field("$.q", to="query"))',
    ]
    assert op.recorded[1].to_dict() == {
        "op": "rename_tool",
        "old": "search",
        "to": "find",
        "arguments": [{"op": "rename_field", "path": "$.q", "to": "query"}],
    }
    assert [from_dict(each.to_dict()) for each in op.recorded] == list(op.recorded)
    assert [each.describe() for each in op.recorded] == [
        "questions of step ask have another payload and answer",
        "tool search becomes find, with other arguments",
    ]
