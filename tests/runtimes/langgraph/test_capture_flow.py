"""Nodes and edges of a graph as the steps of its snapshot."""

from __future__ import annotations

import operator
from typing import Annotated, Any, Literal

import pytest
from langchain_core.tools import tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import InjectedState, ToolNode
from langgraph.types import Command, Send, interrupt
from typing_extensions import TypedDict

from statemig import capture, diff
from statemig.autogenerate.propose import propose
from statemig.errors import CaptureError
from statemig.workflow.flow import dominates
from statemig.workflow.snapshot import Snapshot


class State(TypedDict):
    topic: str
    log: Annotated[list[str], operator.add]


class Inner(TypedDict):
    topic: str
    note: str


def never(state: Any) -> dict[str, Any]:
    raise AssertionError("a node was run")


def builder_of(*nodes: str, state: Any = State, start: str | None = None, **chosen: Any) -> StateGraph[Any]:
    """Nodes that must not be run; the first is where it starts."""
    builder = StateGraph(state)
    for name in nodes:
        builder.add_node(name, chosen.get(name, never))
    builder.add_edge(START, start or nodes[0])
    return builder


def line(*nodes: str, **compiled: Any) -> Any:
    builder = builder_of(*nodes)
    for name, following in zip(nodes, [*nodes[1:], END], strict=True):
        builder.add_edge(name, following)
    return builder.compile(**compiled)


def leads(snapshot: Snapshot, name: str) -> tuple[str, ...]:
    return snapshot.steps[name].next


# -- edges -------------------------------------------------------------------------------------------------------------


def test_edges_lead_from_start_to_end() -> None:
    snapshot = capture(line("a", "b"))
    assert snapshot.start == "__start__"
    assert [leads(snapshot, name) for name in ("__start__", "a", "b", "__end__")] == [
        ("a",),
        ("b",),
        ("__end__",),
        (),
    ]
    assert snapshot.ends == ("__end__",)


def test_the_name_is_that_of_the_compiled_graph() -> None:
    assert capture(line("a", name="triage")).workflow == "triage"
    assert capture(line("a")).workflow == "LangGraph"


def test_a_graph_that_is_not_compiled_is_captured_and_left_as_it_is() -> None:
    builder = builder_of("a")
    assert capture(builder).digest == capture(builder_of("a").compile()).digest
    assert not builder.compiled


def test_several_edges_start_several_branches_and_a_list_of_them_waits() -> None:
    builder = builder_of("a", "b", "c", "d")
    builder.add_edge("a", "b")
    builder.add_edge("a", "c")
    builder.add_edge(["c", "b"], "d")
    snapshot = capture(builder.compile())
    assert snapshot.steps["a"].fork == ("b", "c")
    assert snapshot.steps["d"].joins == ("c", "b")
    assert snapshot.runtime["joins"] == {"d": [["c", "b"]]}
    assert dominates(snapshot.steps, snapshot.start, "c", "d")


def test_another_order_of_the_branches_names_another_channel_and_is_a_change() -> None:
    def joined(*branches: str) -> Snapshot:
        builder = builder_of("a", "b", "c", "d")
        builder.add_edge("a", "b")
        builder.add_edge("a", "c")
        builder.add_edge(list(branches), "d")
        return capture(builder.compile())

    changes = diff(joined("b", "c"), joined("c", "b"))
    assert [(each.rule, each.path, each.old, each.new) for each in changes] == [
        ("W13", "steps.d", "b+c", "c+b")
    ]
    assert changes.change_class == "additive"


def test_of_two_joins_into_one_node_both_are_kept_and_it_is_noted() -> None:
    builder = builder_of("a", "b", "c", "d")
    for name in ("b", "c"):
        builder.add_edge("a", name)
    builder.add_edge(["a", "b"], "d")
    builder.add_edge(["b", "c"], "d")
    snapshot = capture(builder.compile())
    assert snapshot.runtime["joins"] == {"d": [["a", "b"], ["b", "c"]]}
    assert snapshot.steps["d"].joins == ()
    assert snapshot.runtime["notes"] == ["d: 2 joins lead to it, and each of them starts it"]


def test_a_branch_added_to_a_join_is_a_change_of_the_join_alone() -> None:
    def joined(*branches: str) -> Snapshot:
        builder = builder_of("a", "b", "c", "d")
        builder.add_edge("a", "b")
        builder.add_edge("a", "c")
        builder.add_edge(list(branches), "d")
        return capture(builder.compile())

    assert {each.rule for each in diff(joined("b"), joined("b", "c"))} == {"W07", "W05"}


def test_a_node_that_is_deferred_is_kept_as_such() -> None:
    def made(defer: bool) -> Snapshot:
        builder = builder_of("a")
        builder.add_node("b", never, defer=defer)
        builder.add_edge("a", "b")
        return capture(builder.compile())

    assert made(True).runtime["deferred"] == ["b"]
    assert [(each.rule, each.path) for each in diff(made(False), made(True))] == [("W13", "steps.b")]


# -- choices -----------------------------------------------------------------------------------------------------------


def routed(path: Any, path_map: Any = None) -> Snapshot:
    builder = builder_of("a", "b", "c")
    builder.add_conditional_edges("a", path, path_map)
    return capture(builder.compile())


def literal(state: State) -> Literal["b", "__end__"]:
    raise AssertionError("a path was asked")


def constants(state: State) -> Any:
    if state["topic"]:
        return "c"
    return END if state["log"] else "b"


def packets(state: State) -> Any:
    return [Send("b", {"topic": topic}) for topic in state["log"]]


def computed(state: State) -> Any:
    return state["topic"]


WHERE = "c"


def by_name(state: State) -> Any:
    return WHERE


def test_a_conditional_edge_leads_where_its_map_says() -> None:
    assert leads(routed(computed, {"yes": "b", "no": END}), "a") == ("b", "__end__")
    assert leads(routed(computed, ["c", "b"]), "a") == ("b", "c")


def test_or_where_its_annotation_says() -> None:
    assert leads(routed(literal), "a") == ("b", "__end__")


def test_or_where_its_source_says() -> None:
    assert leads(routed(constants), "a") == ("b", "c", "__end__")
    assert leads(routed(by_name), "a") == ("c",)
    assert leads(routed(lambda state: "b" if state["topic"] else "c"), "a") == ("b", "c")


def test_packets_lead_where_they_are_sent_and_there_may_be_none() -> None:
    assert leads(routed(packets), "a") == ("b", "__end__")
    assert leads(routed(packets, ["b"]), "a") == ("b", "__end__")


def test_where_nothing_says_so_every_node_is_possible_and_it_is_noted() -> None:
    snapshot = routed(computed)
    assert leads(snapshot, "a") == ("a", "b", "c", "__end__")
    assert snapshot.runtime["notes"] == [
        "a: where computed leads only shows when it runs; taken for a choice among all nodes"
    ]


def test_a_note_is_in_no_digest() -> None:
    snapshot = routed(computed)
    again = {**snapshot.to_dict(), "runtime": {**snapshot.runtime, "notes": []}}
    assert Snapshot.from_dict(again).digest == snapshot.digest


def test_an_edge_beside_a_choice_is_always_taken() -> None:
    builder = builder_of("a", "b", "c")
    builder.add_edge("a", "b")
    builder.add_conditional_edges("a", literal)
    info = capture(builder.compile()).steps["a"]
    assert (info.fork, info.next) == (("b",), ("b", "__end__"))


def test_a_choice_at_the_start() -> None:
    builder = StateGraph(State)
    builder.add_node("b", never)
    builder.set_conditional_entry_point(literal)
    assert leads(capture(builder.compile()), "__start__") == ("b", "__end__")


def annotated(state: State) -> Command[Literal["c"]]:
    raise AssertionError("a node was run")


def plain(state: State) -> Any:
    return Command(update={"topic": ""}, goto="b" if state["topic"] else END)


def several(state: State) -> Any:
    return Command(goto=[Send("b", {}), "c"])


def anywhere(state: State) -> Any:
    return Command(goto=state["topic"])


@pytest.mark.parametrize(
    ("node", "found"),
    [
        (annotated, ("c",)),
        (plain, ("b", "__end__")),
        (several, ("b", "c")),
        (anywhere, ("a", "b", "c", "__end__")),
    ],
)
def test_a_command_leads_where_it_says(node: Any, found: tuple[str, ...]) -> None:
    builder = builder_of("a", "b", "c", a=node)
    assert leads(capture(builder.compile()), "a") == found


def test_declared_destinations_are_taken() -> None:
    builder = builder_of("b", "c")
    builder.add_node("a", anywhere, destinations=("b", "c"))
    assert leads(capture(builder.compile()), "a") == ("b", "c")


# -- where runs stop ---------------------------------------------------------------------------------------------------


def test_static_interrupts_are_kept_and_a_change_of_them_is_one_of_the_flow() -> None:
    plain, stopping = (
        capture(line("a", "b")),
        capture(line("a", "b", interrupt_before=["b"], interrupt_after="*")),
    )
    assert stopping.runtime["interrupt_before"] == ["b"]
    assert stopping.runtime["interrupt_after"] == ["a", "b"]
    assert [(each.rule, each.path, each.new) for each in diff(plain, stopping)] == [
        ("W05", "steps.b", "stops before it"),
        ("W05", "steps.a", "stops after it"),
        ("W05", "steps.b", "stops after it"),
    ]
    assert propose(plain, stopping).complete


# -- subgraphs ---------------------------------------------------------------------------------------------------------


def nested(*inside: str) -> Any:
    inner = builder_of(*inside, state=Inner).compile()
    outer = builder_of("a", "inner", inner=inner)
    outer.add_edge("a", "inner")
    return outer.compile()


def test_nodes_of_a_subgraph_go_by_the_way_to_them() -> None:
    snapshot = capture(nested("ask", "tell"))
    assert [name for name in snapshot.steps if name.startswith("inner.")] == [
        "inner.__start__",
        "inner.ask",
        "inner.tell",
        "inner.__end__",
    ]
    assert leads(snapshot, "inner.__start__") == ("inner.ask",)
    assert snapshot.runtime["subgraphs"] == ["inner"]


def test_a_node_of_a_subgraph_that_is_renamed_is_a_step_renamed() -> None:
    old, new = capture(nested("ask")), capture(nested("inquire"))
    found = propose(old, new, {"inner.ask": "inner.inquire"})
    assert [operation.source() for operation in found.operations] == [
        'op.rename_step("inner.ask", to="inner.inquire")'
    ]


def test_channels_of_a_subgraph_are_in_the_state_and_may_be_missing() -> None:
    snapshot = capture(nested("ask"))
    state = snapshot.to_dict()["reads"]["properties"]["state"]
    assert set(state["properties"]) == {"topic", "log", "note"}
    assert state["required"] == ["topic"]


def test_subgraphs_are_found_in_subgraphs_and_in_functions_that_call_them() -> None:
    deepest = builder_of("leaf").compile()

    def calls(state: Any) -> Any:
        return deepest.invoke(state)

    middle = builder_of("mid", mid=calls).compile()
    snapshot = capture(builder_of("inner", inner=middle).compile())
    assert "inner.mid.leaf" in snapshot.steps
    assert snapshot.runtime["subgraphs"] == ["inner", "inner.mid"]


def to_the_parent(state: State) -> Any:
    return Command(graph=Command.PARENT, goto="after")


def test_a_subgraph_that_names_a_node_around_it_leads_there() -> None:
    inner = builder_of("hop", hop=to_the_parent).compile()
    outer = builder_of("inner", "after", "other", inner=inner)
    outer.add_edge("inner", "other")
    snapshot = capture(outer.compile())
    assert snapshot.steps["inner"].next == ("after",)
    assert snapshot.steps["inner"].fork == ("other",)
    assert leads(snapshot, "inner.hop") == ("inner.__end__",)


def test_a_graph_that_runs_itself_is_looked_into_once() -> None:
    def again(state: Any) -> Any:
        return compiled.invoke(state)

    builder = builder_of("a", a=again)
    compiled = builder.compile()
    second = builder_of("a", a=again).compile()
    assert list(capture(second).steps) == ["__start__", "a", "__end__", "a.__start__", "a.a", "a.__end__"]


# -- tools -------------------------------------------------------------------------------------------------------------


@tool
def search(query: str, state: Annotated[dict[str, Any], InjectedState], limit: int = 3) -> str:
    """Find something."""
    raise AssertionError("a tool was run")


@tool("search")
def search_more(query: str, limit: str) -> str:
    """Find something else."""
    raise AssertionError("a tool was run")


def test_tools_of_a_tool_node_are_kept_with_the_arguments_that_a_model_gives() -> None:
    snapshot = capture(builder_of("tools", tools=ToolNode([search])).compile())
    assert list(snapshot.tools) == ["search"]
    assert snapshot.tools["search"]["steps"] == ["tools"]
    arguments = str(snapshot.tools["search"]["arguments"])
    assert "query" in arguments
    assert "'state'" not in arguments


def test_tools_of_a_node_that_calls_a_tool_node_are_kept() -> None:
    inner = ToolNode([search])

    def calls(state: Any) -> Any:
        return inner.invoke(state)

    assert list(capture(builder_of("a", a=calls).compile()).tools) == ["search"]


@tool
def refund(amount: float) -> str:
    """Give money back."""
    return str(interrupt("Really refund?"))


def test_a_question_of_a_tool_is_one_of_the_node_that_runs_it() -> None:
    snapshot = capture(builder_of("tools", tools=ToolNode([search, refund])).compile())
    assert snapshot.steps["tools"].interrupts == ("refund: Really refund?",)


def test_other_arguments_of_a_tool_are_a_change() -> None:
    was = capture(builder_of("tools", tools=ToolNode([search])).compile())
    now = capture(builder_of("tools", tools=ToolNode([search_more])).compile())
    assert [each.rule for each in diff(was, now)] == ["W10"]


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_a_snapshot_is_frozen_and_read_back() -> None:
    snapshot = capture(nested("ask"))
    again = Snapshot.from_dict(snapshot.to_dict())
    assert again == snapshot
    assert again.digests == snapshot.digests


def test_a_checkpointer_changes_nothing() -> None:
    assert capture(line("a", checkpointer=InMemorySaver())).digest == capture(line("a")).digest


def test_a_function_that_is_a_workflow_is_refused_with_what_to_do() -> None:
    @entrypoint()
    def flow(given: Any) -> Any:
        return given

    with pytest.raises(CaptureError, match="has no nodes and edges") as refused:
        capture(flow)
    assert "describe a function under @entrypoint with statemig.Workflow" in str(refused.value)


def test_a_graph_that_cannot_be_compiled_is_refused_with_the_reason() -> None:
    builder = StateGraph(State)
    builder.add_node("a", never)
    with pytest.raises(CaptureError, match="the graph cannot be compiled: Graph must have an entrypoint"):
        capture(builder)
