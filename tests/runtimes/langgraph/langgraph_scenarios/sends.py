"""Packets of `Send`: a fan-out that is half done."""

from __future__ import annotations

import operator
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from langgraph_nodes import Build, Log, reports, writes
from langgraph_play import Scenario, Turn
from langgraph_states import Kind, at, graph_of, state

FAN: dict[str, Any] = {"items": list[str], "found": Annotated[list[str], operator.add], "done": bool}


def fanned(worker: str, found: str = "found", key: str = "item") -> Build:
    """Three packets, each with what is not in the state; the second asks."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        def work(packet: Any) -> Any:
            item = at(packet, key)
            if item == "b":
                item = interrupt(item)
            log.append(f"{worker} {item}")
            return {found: [item]}

        fields = {found if name == "found" else name: hint for name, hint in FAN.items()}
        graph = graph_of(kind, fields)
        graph.add_node("plan", writes("plan")(log))
        graph.add_node(worker, work, input_schema=state(kind, {key: str}, "Packet"))
        graph.add_node("combine", reports(found)(log))
        graph.add_edge(START, "plan")
        graph.add_conditional_edges(
            "plan", lambda state: [Send(worker, {key: each}) for each in at(state, "items")], [worker]
        )
        graph.add_edge(worker, "combine")
        graph.add_edge("combine", END)
        return graph

    return build


_START = Turn(1, ({"items": ["a", "b", "c"]},), wrapped=False)

SENDS = (
    Scenario(
        "packets-half-done",
        (fanned("work"), fanned("labour")),
        (lambda op: op.rename_step("work", to="labour"),),
        (_START, Turn(2, (Command(resume="B"),))),
        {"items": ["a", "b", "c"], "found": ["a", "B", "c"], "done": True},
        ("plan", "work a", "work c", "labour B", "found=['a', 'B', 'c']"),
        concurrent=True,
    ),
    Scenario(
        "packets-half-done-and-a-field-renamed",
        (fanned("work"), fanned("labour", "results")),
        (lambda op: (op.rename_step("work", to="labour"), op.rename_field("state.found", to="results")),),
        (_START, Turn(2, (Command(resume="B"),))),
        {"items": ["a", "b", "c"], "results": ["a", "B", "c"], "done": True},
        ("plan", "work a", "work c", "labour B", "results=['a', 'B', 'c']"),
        concurrent=True,
    ),
)
