"""A compiled `StateGraph` as a snapshot: channels, nodes, edges, joins, subgraphs, questions, tools. No node is run.

A node of a subgraph is called by the way to it, ``inner.ask``. Its steps are beside those of the graph around it: from `inner` no edge
leads to them, because who stands inside has not finished `inner`.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Final

from langgraph.constants import END, START
from langgraph.graph import StateGraph
from langgraph.graph.state import CompiledStateGraph
from typing_extensions import is_typeddict

from statemig.errors import CaptureError
from statemig.runtimes.langgraph.capture.flow import GraphFlow, flow_of
from statemig.runtimes.langgraph.capture.state import PROFILE, packages, state_of
from statemig.runtimes.langgraph.capture.tools import tools_of
from statemig.runtimes.langgraph.stored.classes import classes_of
from statemig.workflow.flow import StepInfo
from statemig.workflow.snapshot import Snapshot

RUNTIME: Final = "langgraph"

Graph = CompiledStateGraph[Any, Any, Any, Any]


def capture(graph: Any) -> Snapshot:
    """The snapshot of a `StateGraph`, compiled or not.

    Its name is the graph's (``compile(name=...)``). What LangGraph alone knows is under `Snapshot.runtime`: "channels" (how writes are
    combined), "joins" (the branches of each join, in the order of the code), "deferred", "interrupt_before", "interrupt_after",
    "subgraphs", "notes" on what only shows when the graph runs, and "classes" (stored with the name). Raises `CaptureError`.
    """
    compiled = _compiled(graph)
    levels = list(_levels(compiled))
    builder = compiled.builder
    own = frozenset().union(*(packages(level.graph.builder) for level in levels))
    state = state_of(builder, [(level.path, level.graph.builder) for level in levels[1:]], compiled.name, own)
    steps: dict[str, StepInfo] = {}
    runtime: dict[str, Any] = {
        "name": RUNTIME,
        "channels": state.channels,
        "joins": {},
        "deferred": [],
        "interrupt_before": [],
        "interrupt_after": [],
        "subgraphs": [],
        "notes": [],
        "classes": sorted(name for name, each in classes_of(compiled).items() if not is_typeddict(each)),
    }
    tools: dict[str, dict[str, Any]] = {}
    for level in levels:
        _add_flow(level, steps, runtime)
        for name, spec in level.graph.builder.nodes.items():
            for tool in tools_of(spec.runnable, own):
                known = tools.setdefault(tool.name, {"arguments": tool.arguments, "steps": []})
                if level.named(name) not in known["steps"]:
                    known["steps"].append(level.named(name))
    return Snapshot(
        compiled.name,
        state.writes,
        state.reads,
        PROFILE,
        steps,
        START,
        tools=tools,
        unseen=state.unseen,
        unchecked=state.unchecked,
        runtime=runtime,
    )


def _compiled(graph: Any) -> Graph:
    if isinstance(graph, CompiledStateGraph):
        return graph
    if not isinstance(graph, StateGraph):
        raise CaptureError(
            f"a {type(graph).__module__}.{type(graph).__qualname__} has no nodes and edges that could be captured",
            hint="Pass a StateGraph, compiled or not; describe a function under @entrypoint with statemig.Workflow",
        )
    # Compiling leaves its traces on a builder; this one is the author's.
    own = copy.copy(graph)
    own.nodes = {name: replace(spec) for name, spec in graph.nodes.items()}
    try:
        return own.compile()
    except ValueError as error:
        raise CaptureError(f"the graph cannot be compiled: {error}") from error


# -- graphs inside graphs ----------------------------------------------------------------------------------------------


@dataclass
class _Level:
    """One graph with the way of nodes to it. `inside`: the levels right below, by node."""

    graph: Graph
    path: str
    inside: dict[str, _Level] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _flow: GraphFlow | None = None

    def named(self, node: str) -> str:
        return f"{self.path}.{node}" if self.path else node

    @property
    def flow(self) -> GraphFlow:
        if self._flow is None:
            around = {
                node: [name for names in level.flow.to_parent.values() for name in names]
                for node, level in self.inside.items()
            }
            self._flow = flow_of(self.graph, around)
        return self._flow


def _levels(graph: Graph, path: str = "", around: tuple[Any, ...] = ()) -> Iterator[_Level]:
    """The graph, then those inside it, outer ones first."""
    level = _Level(graph, path)
    below: list[_Level] = []
    for node, inner in graph.get_subgraphs():
        if not isinstance(inner, CompiledStateGraph):
            level.notes.append(f"{node}: what runs in it is not a StateGraph, and is not looked into")
        elif inner.builder in around or inner.builder is graph.builder:
            level.notes.append(f"{node}: runs a graph around it once more, which is not looked into again")
        else:
            found = list(_levels(inner, level.named(node), (*around, graph.builder)))
            level.inside[node] = found[0]
            below += found
    yield level
    yield from below


def _add_flow(level: _Level, steps: dict[str, StepInfo], runtime: dict[str, Any]) -> None:
    flow, named = level.flow, level.named

    def names(given: Iterable[str]) -> tuple[str, ...]:
        return tuple(map(named, given))

    for name, info in flow.steps.items():
        steps[named(name)] = replace(
            info, next=names(info.next), fork=names(info.fork), joins=names(info.joins)
        )
    runtime["joins"] |= {
        named(node): [list(names(join)) for join in joins] for node, joins in sorted(flow.joins.items())
    }
    runtime["deferred"] += names(flow.deferred)
    for kind in ("before", "after"):
        chosen = getattr(level.graph, f"interrupt_{kind}_nodes")
        given = level.graph.builder.nodes if chosen == "*" else chosen
        runtime[f"interrupt_{kind}"] += names(name for name in flow.steps if name in given)
    runtime["subgraphs"] += names(level.inside)
    prefix = f"{level.path}." if level.path else ""
    runtime["notes"] += [f"{prefix}{note}" for note in (*flow.notes, *level.notes)]


__all__ = ["END", "RUNTIME", "START", "capture"]
