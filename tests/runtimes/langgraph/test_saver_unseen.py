"""Graphs that a step takes from where nobody sees them: no revision can say what becomes of a thread that is parked inside."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph_nodes import Build, Log, asks, chain, yes
from langgraph_play import Scenario
from langgraph_savers import Storage
from langgraph_states import Kind, at, graph_of
from langgraph_threads import Threads

from statemig.errors import CursorError

INSIDE: dict[str, Any] = {"topic": str, "answer": str}


def keeping(field: str) -> Build:
    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graphs = {"inner": [chain(INSIDE, approve=asks("approve", "answer"))(log, kind).compile()]}

        def outer(state: Any) -> Any:
            return {field: graphs["inner"][0].invoke({"topic": at(state, "topic")})["answer"]}

        graph = graph_of(kind, {"topic": str, field: str})
        graph.add_node("outer", outer)
        graph.add_edge(START, "outer")
        graph.add_edge("outer", END)
        return graph

    return build


def test_a_thread_in_a_graph_that_nobody_saw_is_refused_with_the_reason(storage: Storage) -> None:
    script = (lambda op: op.rename_field("state.said", to="answered"),)
    threads = Threads(Scenario("unseen", (keeping("said"), keeping("answered")), script, (), {}, ()), storage)
    threads.run("t1", 1, {"topic": "x"})
    with pytest.raises(CursorError, match="what runs inside 'outer' was not seen when it was frozen"):
        threads.run("t1", 2, yes)
    threads.run("t1", 1, yes)
    assert threads.log == ["approve: yes"]
