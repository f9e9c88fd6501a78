"""A thread of a LangGraph graph that is parked under one version and goes on under the next; with statemig around the saver, or alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt

from statemig import Migrator, Revision
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture

THREAD: Any = {"configurable": {"thread_id": "t1"}}


@contextmanager
def saver_at(address: str) -> Iterator[Any]:
    if not address.startswith("postgres"):
        from langgraph.checkpoint.sqlite import SqliteSaver

        connection = sqlite3.connect(address, check_same_thread=False)
        try:
            yield SqliteSaver(connection)
        finally:
            connection.close()
    else:
        from langgraph.checkpoint.postgres import PostgresSaver

        with PostgresSaver.from_conn_string(address) as saver:
            saver.setup()
            yield saver


@dataclass(frozen=True)
class Seen:
    """Where a thread stands after its inputs: the nodes that come next, its state, and the questions that are open, by id."""

    next: tuple[str, ...]
    state: dict[str, Any]
    asks: dict[str, Any]


class Versions:
    """Graphs of one workflow, one for each version, and the scripts between them."""

    def __init__(
        self, address: str, graphs: Sequence[StateGraph], scripts: Sequence[Callable[[Any], object]]
    ) -> None:
        self._address = address
        self._graphs = graphs
        revisions: list[Revision] = []
        for number, graph in enumerate(graphs):
            below = revisions[-1].revision if revisions else None
            revisions.append(
                Revision(
                    f"r{number + 1}",
                    below,
                    workflow="flow",
                    snapshot=capture(graph.compile(name="flow")),
                    upgrade=scripts[number - 1] if number else None,
                )
            )
        self.migrator = Migrator(revisions=revisions)

    def under(self, version: int, *inputs: Any, alone: bool = False) -> Seen:
        """A worker of a version takes the thread. An input may be a function of its saver."""
        with saver_at(self._address) as inner:
            saver = inner if alone else MigratingSaver(inner, self.migrator, revision=f"r{version}")
            graph = self._graphs[version - 1].compile(checkpointer=saver, name="flow")
            if not alone:
                saver.bind(graph)
            for value in inputs:
                graph.invoke(value(saver) if callable(value) else value, THREAD)
            found = graph.get_state(THREAD, subgraphs=True)
            return Seen(found.next, dict(found.values), {each.id: each.value for each in found.interrupts})


def chain(schema: Any, **nodes: Callable[[Any], Any]) -> StateGraph:
    """Nodes one after the other."""
    graph = StateGraph(schema)
    names = list(nodes)
    for name, node in nodes.items():
        graph.add_node(name, node)
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph


def does(effects: list[str], name: str, **values: Any) -> Callable[[Any], Any]:
    """A node with a side effect."""

    def node(state: Any) -> Any:
        effects.append(name)
        return values

    return node


def asks(effects: list[str], name: str, *questions: str) -> Callable[[Any], Any]:
    """A node that asks one question after the other, and writes the answers down."""

    def node(state: Any) -> Any:
        answers = [interrupt(question) for question in questions or (f"{name}?",)]
        effects.append(f"{name}: {', '.join(answers)}")
        return {"answer": ", ".join(answers)}

    return node
