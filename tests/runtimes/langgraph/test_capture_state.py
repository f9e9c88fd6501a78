"""The channels of a graph as the state of its snapshot, beside what LangGraph itself does with them."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, NotRequired

import pytest
from langchain_core.messages import AnyMessage, BaseMessage
from langgraph.channels import EphemeralValue, UntrackedValue
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.graph.message import add_messages
from langgraph.managed import RemainingSteps
from pydantic import BaseModel, Field, ValidationError, field_validator
from typing_extensions import TypedDict

from statemig import capture, diff, propose
from statemig.operations.lowering import schema_after
from statemig.shapes.shape import Anything, ListOf, Object, Property, String
from statemig.shapes.validator import Validator
from statemig.workflow.run_shape import state_of
from statemig.workflow.snapshot import Snapshot
from statemig.workflow.unchecked import Unchecked


class Line(BaseModel):
    name: str
    price: float = 0


class Ticket(TypedDict):
    topic: str
    lines: list[Line]
    draft: NotRequired[str]


class Model(BaseModel):
    topic: str
    lines: list[Line] = Field(default_factory=list)
    attempts: int = 3


@dataclass
class Record:
    topic: str
    lines: list[Line] = field(default_factory=list)


def nothing(state: Any) -> dict[str, Any]:
    return {}


def graph_of(state: Any, node: Any = nothing, **compiled: Any) -> Any:
    builder = StateGraph(state)
    builder.add_node("work", node)
    builder.add_edge(START, "work")
    builder.add_edge("work", END)
    return builder.compile(**compiled)


def properties(snapshot: Snapshot, side: str = "reads") -> dict[str, Property]:
    schema = state_of(getattr(snapshot, side))
    root = schema.resolve(schema.root)
    assert isinstance(root, Object)
    return dict(root.properties)


def required(snapshot: Snapshot, side: str = "reads") -> set[str]:
    return {name for name, prop in properties(snapshot, side).items() if prop.required}


# -- declared types ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [Ticket, Model, Record])
def test_nested_models_are_declared_in_every_kind_of_state(state: Any) -> None:
    snapshot = capture(graph_of(state))
    lines = properties(snapshot)["lines"].shape
    assert isinstance(lines, ListOf)
    line = snapshot.reads.resolve(lines.items)
    assert isinstance(line, Object)
    assert set(line.properties) == {"name", "price"}


def test_of_a_typed_dict_what_is_not_required_is_optional() -> None:
    assert required(capture(graph_of(Ticket))) == {"topic", "lines"}


def test_a_typed_dict_that_is_not_total_requires_nothing() -> None:
    class Loose(TypedDict, total=False):
        topic: str

    assert required(capture(graph_of(Loose))) == set()


def test_a_model_and_a_dataclass_keep_their_defaults() -> None:
    assert required(capture(graph_of(Model))) == {"topic"}
    assert properties(capture(graph_of(Model)))["attempts"].default == 3
    assert required(capture(graph_of(Record))) == {"topic"}


def test_a_channel_with_a_reducer_begins_empty_and_is_never_missing_to_a_node() -> None:
    class State(TypedDict):
        log: Annotated[list[str], operator.add]
        total: Annotated[int, operator.add]

    seen: list[Any] = []

    def look(state: State) -> dict[str, Any]:
        seen.append(dict(state))
        return {}

    graph = graph_of(State, look)
    graph.invoke({"total": 1})
    found = properties(capture(graph))
    assert seen == [{"log": [], "total": 1}]
    assert (found["log"].required, found["log"].default) == (False, [])
    assert (found["total"].required, found["total"].default) == (False, 0)


def test_messages_are_opaque_so_that_another_release_of_their_library_changes_nothing() -> None:
    class State(TypedDict):
        history: Annotated[list[BaseMessage], add_messages]
        tail: list[AnyMessage]

    found = properties(capture(graph_of(State)))
    for name in ("history", "tail"):
        items = found[name].shape
        assert isinstance(items, ListOf)
        assert isinstance(items.items, Anything)
        assert str(items.items.opaque).startswith("langchain_core.messages")


def test_operations_reach_into_messages() -> None:
    class New(MessagesState):
        topic: str

    old, new = capture(graph_of(MessagesState)), capture(graph_of(New))
    found = propose(old, new)
    assert found.complete
    assert [operation.to_dict()["path"] for operation in found.operations] == ["state.topic"]
    assert schema_after(old.stored, found.operations).root is not None


def test_schemas_of_input_output_and_single_nodes_are_optional_channels() -> None:
    class Given(TypedDict):
        question: str

    class Answered(TypedDict):
        answer: str

    class Private(TypedDict):
        scratch: int

    def private(state: Any) -> dict[str, Any]:
        return {}

    builder = StateGraph(Ticket, input_schema=Given, output_schema=Answered)
    builder.add_node("private", private, input_schema=Private)
    builder.add_edge(START, "private")
    snapshot = capture(builder.compile())
    assert set(properties(snapshot)) == {"topic", "lines", "draft", "question", "answer", "scratch"}
    assert required(snapshot) == {"topic", "lines"}


def test_what_is_never_stored_is_not_in_the_state() -> None:
    class State(TypedDict):
        topic: str
        left: RemainingSteps
        connection: Annotated[Any, UntrackedValue]
        once: Annotated[str, EphemeralValue]

    assert set(properties(capture(graph_of(State)))) == {"topic", "once"}


def test_a_state_without_fields_is_one_channel() -> None:
    builder = StateGraph(Annotated[list, operator.add])  # type: ignore[arg-type]
    builder.add_node("work", lambda state: ["x"])
    builder.add_edge(START, "work")
    snapshot = capture(builder.compile())
    assert isinstance(properties(snapshot)["__root__"].shape, ListOf)
    assert snapshot.runtime["channels"] == {"__root__": "operator.add"}


def test_channels_go_by_the_names_of_fields() -> None:
    class Aliased(BaseModel):
        topic: str = Field(alias="theTopic")
        model_config = {"populate_by_name": True}

    snapshot = capture(graph_of(Aliased))
    assert set(properties(snapshot)) == set(properties(snapshot, "writes")) == {"topic"}


def test_a_validator_of_a_model_is_named_by_its_place_in_the_state() -> None:
    class Careful(BaseModel):
        topic: str

        @field_validator("topic")
        @classmethod
        def not_empty(cls, value: str) -> str:
            return value

    assert [each.path for each in capture(graph_of(Careful)).unseen] == ["state.topic"]


# -- what LangGraph enforces of it -------------------------------------------------------------------------------------


def stored(graph: Any) -> dict[str, Any]:
    saver = graph.checkpointer
    values: dict[str, Any] = saver.get({"configurable": {"thread_id": "1"}})["channel_values"]
    return values


def test_langgraph_takes_anything_for_a_typed_dict_and_so_does_the_snapshot() -> None:
    graph = graph_of(Ticket, checkpointer=InMemorySaver())
    graph.invoke({"topic": 7}, {"configurable": {"thread_id": "1"}})  # wrong type, and lines are missing
    snapshot = capture(graph)
    document = {"state": {"topic": stored(graph)["topic"]}}
    assert Validator(snapshot.held).is_valid(document)
    assert Validator(snapshot.taken).is_valid(document)
    assert not Validator(snapshot.stored).is_valid(document)


def test_langgraph_stores_anything_for_a_model_and_checks_it_when_a_node_starts() -> None:
    def spoil(state: Model) -> dict[str, Any]:
        return {"topic": 7}

    graph = graph_of(Model, spoil, checkpointer=InMemorySaver())
    graph.invoke({"topic": "a"}, {"configurable": {"thread_id": "1"}})
    assert stored(graph)["topic"] == 7
    with pytest.raises(ValidationError):
        graph_of(Model).invoke({"topic": 7})
    snapshot = capture(graph)
    assert Validator(snapshot.held).is_valid({"state": {"topic": 7}})
    assert not Validator(snapshot.taken).is_valid({"state": {"topic": 7}})


def test_of_the_input_alone_no_channel_is_stored_whatever_the_state_requires() -> None:
    for state in (Ticket, Model, Record):
        graph = graph_of(state, checkpointer=InMemorySaver())
        config: Any = {"configurable": {"thread_id": "1"}}
        graph.invoke({"topic": "a", "lines": []}, config)
        first = list(graph.checkpointer.list(config))[-1]
        assert "topic" not in first.checkpoint["channel_values"]
        assert Validator(capture(graph).taken).is_valid({"state": {}})


def test_langgraph_asks_for_the_fields_of_a_dataclass_and_not_for_their_types() -> None:
    graph = graph_of(Record)
    graph.invoke({"topic": 7})
    with pytest.raises(TypeError):
        graph.invoke({"lines": []})
    snapshot = capture(graph)
    assert Validator(snapshot.taken).is_valid({"state": {"topic": 7}})
    assert Unchecked("topic", value=True) in snapshot.unchecked
    assert required(snapshot) == {"topic"}


def test_a_key_that_no_channel_has_is_left_over_however_little_is_checked() -> None:
    assert not Validator(capture(graph_of(Ticket)).taken).is_valid({"state": {"other": 1}})


# -- reducers ----------------------------------------------------------------------------------------------------------


def together(left: list[str], right: list[str]) -> list[str]:
    return left + right


def apart(left: list[str], right: list[str]) -> list[str]:
    return right + left


def with_reducer(reducer: Any) -> Any:
    class State(TypedDict):
        log: Annotated[list, reducer]  # type: ignore[valid-type]

    # The module's annotations are texts, and this one needs a local name.
    State.__annotations__ = {"log": Annotated[list, reducer]}
    return capture(graph_of(State))


def rules(old: Snapshot, new: Snapshot) -> list[str]:
    return [change.rule for change in diff(old, new)]


def test_another_reducer_is_a_change_of_its_own() -> None:
    changes = diff(with_reducer(together), with_reducer(apart))
    assert [(change.rule, change.path) for change in changes] == [("W13", "state.log")]
    assert changes.change_class == "additive"
    assert propose(with_reducer(together), with_reducer(apart)).complete


def test_a_reducer_that_was_only_renamed_is_none() -> None:
    def joined(left: list[str], right: list[str]) -> list[str]:
        """Does the same."""
        return left + right

    assert rules(with_reducer(together), with_reducer(joined)) == []
    assert with_reducer(together).digest == with_reducer(joined).digest


def test_a_reducer_of_a_library_goes_by_its_name() -> None:
    found = with_reducer(add_messages).runtime["channels"]["log"]
    assert found == "langgraph.graph.message.add_messages"


def test_what_a_reducer_was_made_with_counts() -> None:
    def cut(left: list[str], right: list[str], most: int = 0) -> list[str]:
        return (left + right)[-most:]

    def most(number: int) -> Any:
        return lambda left, right: partial(cut, most=number)(left, right)

    assert rules(with_reducer(lambda a, b: a + b), with_reducer(lambda a, b: b + a)) == ["W13"]
    assert rules(with_reducer(operator.add), with_reducer(together)) == ["W13"]
    assert rules(with_reducer(most(1)), with_reducer(most(1))) == []


def test_a_reducer_of_a_field_that_was_renamed_is_compared_with_the_one_it_had() -> None:
    class Old(TypedDict):
        summary: Annotated[list[str], together]

    class Same(TypedDict):
        digest: Annotated[list[str], together]

    class Other(TypedDict):
        digest: Annotated[list[str], apart]

    old, renames = capture(graph_of(Old)), {"state.summary": "digest"}
    assert [each.rule for each in diff(old, capture(graph_of(Same)), renames)] == ["S12"]
    assert [each.rule for each in diff(old, capture(graph_of(Other)), renames)] == ["S12", "W13"]


def around(node: str, reducer: Any | None = together) -> Any:
    """A graph with another inside, that has a channel of its own; without a reducer, a graph with no other inside."""

    class Inner(TypedDict):
        log: Annotated[list[str], reducer]

    Inner.__annotations__ = {"log": Annotated[list[str], reducer]}
    outer: StateGraph[Any] = StateGraph(Ticket)
    outer.add_node("first", nothing)
    outer.add_edge(START, "first")
    if reducer is not None:
        outer.add_node(node, graph_of(Inner))
        outer.add_edge("first", node)
    return capture(outer.compile(name="outer"))


def test_a_reducer_inside_goes_with_the_step_that_runs_its_graph() -> None:
    renames = {"steps.inside": "within", "steps.inside.work": "within.work"}
    same = diff(around("inside"), around("within"), renames)
    other = diff(around("inside"), around("within", apart), renames)
    assert "W13" not in {change.rule for change in same}
    assert [change.path for change in other if change.rule == "W13"] == ["state.within.log"]


def test_a_reducer_of_a_graph_that_comes_or_goes_is_no_change_of_its_own() -> None:
    assert "W13" not in rules(around("inside"), around("", None))
    assert "W13" not in rules(around("", None), around("inside"))


def test_a_reducer_that_comes_or_goes_is_a_change() -> None:
    class Last(TypedDict):
        log: list[str]

    class Added(TypedDict):
        log: Annotated[list[str], operator.add]

    last, added = capture(graph_of(Last)), capture(graph_of(Added))
    assert "W13" in rules(last, added)
    assert "W13" in rules(added, last)


# -- autogenerate ------------------------------------------------------------------------------------------------------


def test_a_required_field_that_came_is_proposed_although_nothing_is_checked() -> None:
    class Next(Ticket):
        priority: str

    found = propose(capture(graph_of(Ticket)), capture(graph_of(Next)))
    assert [operation.source() for operation in found.operations] == [
        'op.add_field("state.priority", default="")'
    ]
    assert found.complete


def test_another_declared_type_is_proposed_although_nothing_is_checked() -> None:
    class Was(TypedDict):
        tags: str

    class Now(TypedDict):
        tags: list[str]

    found = propose(capture(graph_of(Was)), capture(graph_of(Now)))
    assert [operation.name for operation in found.operations] == ["wrap"]
    assert isinstance(properties(capture(graph_of(Was)))["tags"].shape, String)
