"""A graph in a graph: a subgraph in which a thread is parked does not start again."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph_nodes import Build, Log, asks, chain, reports, upper, writes, yes
from langgraph_play import Scenario, Turn, parked
from langgraph_states import Kind, graph_of

from langgraph_scenarios.joins import renames

# A field that nobody has written is handed to a subgraph with its default, where the state is a class; so here are none.
INNER: dict[str, Any] = {"topic": str, "draft": str, "answer": str}
OUTER: dict[str, Any] = {**INNER, "done": bool}


def nested(outer: str, ask: str, *, deep: bool = False) -> Build:
    """A graph in a graph, and in that one more where `deep`."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        inner = chain(INNER, prepare=writes("prepare", draft=upper), **{ask: asks(ask, "answer")})(log, kind)
        around: Any = inner.compile()
        if deep:
            middle = graph_of(kind, INNER)
            middle.add_node("enter", writes("enter")(log))
            middle.add_node("core", around)
            middle.add_edge(START, "enter")
            middle.add_edge("enter", "core")
            middle.add_edge("core", END)
            around = middle.compile()
        graph = graph_of(kind, OUTER)
        graph.add_node("plan", writes("plan")(log))
        graph.add_node(outer, around)
        graph.add_node("send", reports("draft", "answer")(log))
        graph.add_edge(START, "plan")
        graph.add_edge("plan", outer)
        graph.add_edge(outer, "send")
        graph.add_edge("send", END)
        return graph

    return build


def _remembering(outer: str, ask: str) -> Build:
    """A subgraph with a memory of its own, stored under its name."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        inner = chain(INNER, prepare=writes("prepare", draft="D"), **{ask: asks(ask, "answer")})(log, kind)
        graph = graph_of(kind, INNER)
        graph.add_node(outer, inner.compile(checkpointer=True))
        graph.add_edge(START, outer)
        graph.add_edge(outer, END)
        return graph

    return build


def _field_inside(field: str) -> Build:
    """A subgraph with the same field as the graph around it."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        fields: dict[str, Any] = {"topic": str, field: str, "answer": str}
        inner = chain(
            fields,
            prepare=writes("prepare", **{field: "D"}),
            approve=asks("approve", "answer"),
            tell=reports(field, "answer", done=False),
        )(log, kind)
        graph = graph_of(kind, {**fields, "done": bool})
        graph.add_node("inner", inner.compile())
        graph.add_node("last", reports(field, "answer")(log))
        graph.add_edge(START, "inner")
        graph.add_edge("inner", "last")
        graph.add_edge("last", END)
        return graph

    return build


_INSIDE = {"topic": "x", "draft": "X", "answer": "yes", "done": True}
_SENT = "draft='X'; answer='yes'"
_ANSWERED = (parked(), Turn(2, (yes,)))

SUBGRAPHS = (
    Scenario(
        "subgraph-node-renamed",
        (nested("inner", "approve"), nested("wrapper", "approve")),
        (renames(("inner", "wrapper")),),
        _ANSWERED,
        _INSIDE,
        ("plan", "prepare", "approve: yes", _SENT),
    ),
    Scenario(
        "step-in-subgraph-renamed",
        (nested("inner", "approve"), nested("inner", "review")),
        (renames(("inner.approve", "inner.review")),),
        _ANSWERED,
        _INSIDE,
        ("plan", "prepare", "review: yes", _SENT),
    ),
    Scenario(
        "subgraph-and-step-in-it-renamed",
        (nested("inner", "approve"), nested("wrapper", "review")),
        (
            renames(
                ("inner", "wrapper"),
                ("inner.prepare", "wrapper.prepare"),
                ("inner.approve", "wrapper.review"),
            ),
        ),
        _ANSWERED,
        _INSIDE,
        ("plan", "prepare", "review: yes", _SENT),
    ),
    Scenario(
        "two-deep-renamed",
        (nested("inner", "approve", deep=True), nested("wrapper", "review", deep=True)),
        (
            renames(
                ("inner", "wrapper"),
                ("inner.enter", "wrapper.enter"),
                ("inner.core", "wrapper.core"),
                ("inner.core.prepare", "wrapper.core.prepare"),
                ("inner.core.approve", "wrapper.core.review"),
            ),
        ),
        _ANSWERED,
        _INSIDE,
        ("plan", "enter", "prepare", "review: yes", _SENT),
    ),
    Scenario(
        "subgraph-with-a-memory-renamed",
        (_remembering("inner", "approve"), _remembering("wrapper", "review")),
        (
            renames(
                ("inner", "wrapper"),
                ("inner.prepare", "wrapper.prepare"),
                ("inner.approve", "wrapper.review"),
            ),
        ),
        _ANSWERED,
        {"topic": "x", "draft": "D", "answer": "yes"},
        ("prepare", "review: yes"),
    ),
    Scenario(
        "field-renamed-while-parked-in-a-subgraph",
        (_field_inside("draft"), _field_inside("summary")),
        (lambda op: op.rename_field("state.draft", to="summary"),),
        _ANSWERED,
        {"topic": "x", "summary": "D", "answer": "yes", "done": True},
        ("prepare", "approve: yes", "summary='D'; answer='yes'", "summary='D'; answer='yes'"),
    ),
)
