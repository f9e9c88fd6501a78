"""The nodes and edges of one graph as steps, without those of its subgraphs.

LangGraph's START and END are steps as well, under their own names: a checkpoint may stand on the first, and a choice may be the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from langgraph.constants import END, START
from langgraph.graph.state import CompiledStateGraph

from statemig.runtimes.langgraph.capture.source import Reading, read_node, read_path
from statemig.workflow.flow import StepInfo
from statemig.workflow.ownership import package_of

_LIBRARIES: Final = frozenset({"langgraph", "langchain", "langchain_core", "langchain_classic"})
_MOST: Final = 50


@dataclass
class GraphFlow:
    """`joins`: for each node the branches of every join that leads there. `to_parent`: by node, the nodes around this graph
    that it names."""

    steps: dict[str, StepInfo]
    joins: dict[str, list[list[str]]]
    deferred: list[str]
    to_parent: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def flow_of(graph: CompiledStateGraph[Any, Any, Any, Any], said: dict[str, list[str]]) -> GraphFlow:
    """`said`: by node, what the subgraph in it names as a destination around itself."""
    builder = graph.builder
    order = {name: number for number, name in enumerate([START, *builder.nodes, END])}

    def ordered(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted((each for each in set(names) if each in order), key=order.__getitem__))

    joins: dict[str, list[list[str]]] = {}
    for starts, end in sorted(builder.waiting_edges):
        if end != END:
            joins.setdefault(end, []).append(list(starts))
    flow = GraphFlow({}, joins, [name for name, spec in builder.nodes.items() if spec.defer])
    everywhere = (*builder.nodes, END)
    for name in (START, *builder.nodes):
        spec = builder.nodes.get(name)
        reading = Reading() if spec is None else _read(spec.runnable)
        static = {end for start, end in builder.edges if start == name}
        static |= {end for starts, end in builder.waiting_edges if name in starts}
        chosen: set[str] = set(said.get(name, ()))
        for branch_name, branch in builder.branches.get(name, {}).items():
            read = _path_ends(branch.path)
            ends = read if branch.ends is None else list(branch.ends.values())
            if read is not None and END in read:
                chosen.add(END)  # whatever is declared: a list of no packets leads nowhere
            if ends is None or not set(ends) <= order.keys():
                flow.notes.append(
                    f"{name}: where {branch_name} leads only shows when it runs; taken for a choice among all nodes"
                )
                ends = list(everywhere)
            chosen |= set(ends)
        if spec is not None and spec.ends:
            chosen |= set(spec.ends)
        elif reading.open_ended:
            flow.notes.append(
                f"{name}: where its Command goes only shows when it runs; taken for a choice among all nodes"
            )
            chosen |= set(everywhere)
        else:
            chosen |= set(reading.goes)
        if reading.to_parent:
            flow.to_parent[name] = reading.to_parent
        if reading.repeats:
            flow.notes.append(f"{name}: asks in a loop; how often only shows when it runs")
        alone = joins.get(name, [])
        if len(alone) > 1:
            flow.notes.append(f"{name}: {len(alone)} joins lead to it, and each of them starts it")
        choice, fork = _targets(ordered(static), ordered(chosen))
        flow.steps[name] = StepInfo(
            next=choice,
            fork=fork,
            joins=tuple(alone[0]) if len(alone) == 1 else (),
            interrupts=_unlike(reading.asks),
        )
    flow.steps[END] = StepInfo()
    return flow


def _targets(static: Sequence[str], chosen: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Choice and fork. Edges start all their targets; one to END starts nothing, and is an end only where nothing else is started."""
    started = tuple(name for name in static if name != END)
    if chosen:
        return chosen, started
    return ((), started) if len(started) > 1 else (started or (END,), ())


def _unlike(names: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for name in names:
        number, unlike = 1, name
        while unlike in found:
            number += 1
            unlike = f"{name} ({number})"
        found.append(unlike)
    return tuple(found)


# -- what a node is made of --------------------------------------------------------------------------------------------


def parts_of(runnable: Any) -> Iterator[Any]:
    """The runnable and those that it is a sequence of."""
    todo = [runnable]
    while todo:
        part = todo.pop(0)
        yield part
        steps = getattr(part, "steps", None)
        if isinstance(steps, list | tuple):
            todo += steps


def functions_of(runnable: Any) -> Iterator[Callable[..., Any]]:
    """The author's functions in a node; of a pair for both worlds the synchronous one."""
    for part in parts_of(runnable):
        function = getattr(part, "func", None) or getattr(part, "afunc", None)
        if callable(function) and package_of(_plain(function)) not in _LIBRARIES:
            yield function


def _plain(function: Any) -> Any:
    while hasattr(function, "func"):
        function = function.func
    return function if hasattr(function, "__module__") else type(function)


def _read(runnable: Any) -> Reading:
    reading = Reading()
    for function in functions_of(runnable):
        found = read_node(function)
        reading.gone_to(found.goes)
        reading.gone_to(found.to_parent, parent=True)
        reading.open_ended = reading.open_ended or found.open_ended
        reading.asks += found.asks[: _MOST - len(reading.asks)]
        reading.repeats = reading.repeats or found.repeats
    for name, function in _tool_functions(runnable):
        found = read_node(function)
        reading.asks += [f"{name}: {question}" for question in found.asks]
        reading.repeats = reading.repeats or found.repeats
    return reading


def _tool_functions(runnable: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """The functions of the tools in a node, which run as part of it."""
    for part in parts_of(runnable):
        tools = getattr(part, "tools_by_name", None)
        for name, tool in tools.items() if isinstance(tools, dict) else ():
            function = getattr(tool, "func", None) or getattr(tool, "coroutine", None)
            if callable(function):
                yield name, function


def _path_ends(path: Any) -> list[str] | None:
    found: list[str] = []
    functions = list(functions_of(path))
    for function in functions:
        names = read_path(function)
        if names is None:
            return None
        found += names
    return found or None
