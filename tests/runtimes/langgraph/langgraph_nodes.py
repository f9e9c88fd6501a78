"""What the graphs of scenarios are made of: nodes that log what they do, in a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_states import Fields, Kind, at, graph_of, shown

Log = list[str]
Make = Callable[[Log], Callable[[Any], Any]]
#: one version of a graph, with its state as a class of that kind
Build = Callable[[Log, Kind], StateGraph]

yes = Command(resume="yes")


def chain(fields: Fields, **nodes: Make) -> Build:
    """Nodes one after the other."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, fields)
        names = list(nodes)
        for name, make in nodes.items():
            graph.add_node(name, make(log))
        for before, after in zip([START, *names], [*names, END], strict=True):
            graph.add_edge(before, after)
        return graph

    return build


def writes(name: str, **values: Any) -> Make:
    """A node with a side effect. A value may be a function of the state."""

    def make(log: Log) -> Callable[[Any], Any]:
        def node(state: Any) -> Any:
            made = {key: value(state) if callable(value) else value for key, value in values.items()}
            log.append(name)
            return made

        return node

    return make


def asks(name: str, field: str, *questions: str) -> Make:
    """A node that asks one question after the other and writes the answers. It logs which question got which answer where it asks others
    than its name."""

    def make(log: Log) -> Callable[[Any], Any]:
        def node(state: Any) -> Any:
            answers = [interrupt(question) for question in questions or (name,)]
            said = [f"{question} {answer}" for question, answer in zip(questions, answers, strict=False)]
            log.append(f"{name}: {', '.join(said) or answers[0]}")
            return {field: answers[0] if len(answers) == 1 else ", ".join(answers)}

        return node

    return make


def reports(*fields: str, done: bool = True) -> Make:
    """A node that logs what it finds."""

    def make(log: Log) -> Callable[[Any], Any]:
        def node(state: Any) -> Any:
            log.append("; ".join(f"{name}={shown(at(state, name))!r}" for name in fields))
            return {"done": True} if done else {}

        return node

    return make


def upper(state: Any) -> str:
    return str(at(state, "topic")).upper()
