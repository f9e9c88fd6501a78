"""What a scenario is and how it is run, and the nodes that the graphs of scenarios are made of.

``play(scenario, storage)`` and ``aplay`` run one, with statemig or (``alone=True``) without.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_savers import Storage

from statemig import Migrator, Revision
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture

Log = list[str]
Build = Callable[[Log], StateGraph]
THREAD: Any = {"configurable": {"thread_id": "t1"}}


@dataclass(frozen=True)
class Outcome:
    """What came out: the state at the end, what the graph's nodes did, and the kind of error that ended it."""

    state: dict[str, Any] | None
    log: tuple[str, ...]
    error: str | None = None
    waiting: int = 0


@dataclass(frozen=True)
class Scenario:
    """`versions`: the graphs; `scripts`: the upgrades between them. `first`: what is put into the first graph, one after the other; then
    `then`: into the last one. An item may be a function of the thread's state, for what has to be looked up first. `between`: into the
    graphs between, if the thread is touched there at all. `concurrent`: nodes run at the same time, so their effects come in any order."""

    name: str
    versions: tuple[Build, ...]
    scripts: tuple[Callable[[Any], object], ...]
    first: tuple[Any, ...]
    then: tuple[Any, ...]
    state: dict[str, Any] | None
    log: tuple[str, ...]
    alone: Outcome | None = None
    error: str | None = None
    between: tuple[tuple[Any, ...], ...] = ()
    waiting: int = 0
    workflow: str = "flow"
    concurrent: bool = False

    def migrator(self) -> Migrator:
        revisions: list[Revision] = []
        for number, build in enumerate(self.versions):
            snapshot = capture(build([]).compile(name=self.workflow))
            below = revisions[-1].revision if revisions else None
            script = self.scripts[number - 1] if number else None
            revisions.append(
                Revision(f"r{number + 1}", below, upgrade=script, snapshot=snapshot, workflow=self.workflow)
            )
        return Migrator(revisions=revisions)

    @property
    def expected(self) -> Outcome:
        return Outcome(self.state, self.logged(self.log), self.error, self.waiting)

    def logged(self, log: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(log)) if self.concurrent else tuple(log)


def play(scenario: Scenario, storage: Storage, *, alone: bool = False, durability: str = "async") -> Outcome:
    log: Log = []
    migrator = scenario.migrator()
    stages = (scenario.first, *(scenario.between or ((),) * (len(scenario.versions) - 2)), scenario.then)
    error = None
    result = Outcome(None, ())
    for number, (build, inputs) in enumerate(zip(scenario.versions, stages, strict=True)):
        last = number == len(stages) - 1
        if not inputs and not last:
            continue
        with storage.open() as inner:
            saver = (
                inner if alone or number == 0 else MigratingSaver(inner, migrator, revision=f"r{number + 1}")
            )
            graph = build(log).compile(checkpointer=saver, name=scenario.workflow)
            if saver is not inner:
                saver.bind(graph)
            try:
                for value in inputs:
                    given = value(graph.get_state(THREAD, subgraphs=True)) if callable(value) else value
                    graph.invoke(given, THREAD, durability=durability)
            except Exception as raised:
                error = type(raised).__name__
            if last:
                if error is not None:
                    return Outcome(None, scenario.logged(log), error)
                found = graph.get_state(THREAD)
                result = Outcome(dict(found.values), scenario.logged(log), None, len(found.interrupts))
    return result


async def aplay(scenario: Scenario, storage: Storage, *, alone: bool = False) -> Outcome:
    log: Log = []
    migrator = scenario.migrator()
    stages = (scenario.first, *(scenario.between or ((),) * (len(scenario.versions) - 2)), scenario.then)
    error = None
    result = Outcome(None, ())
    for number, (build, inputs) in enumerate(zip(scenario.versions, stages, strict=True)):
        last = number == len(stages) - 1
        if not inputs and not last:
            continue
        async with storage.aopen() as inner:
            saver = (
                inner if alone or number == 0 else MigratingSaver(inner, migrator, revision=f"r{number + 1}")
            )
            graph = build(log).compile(checkpointer=saver, name=scenario.workflow)
            if saver is not inner:
                saver.bind(graph)
            try:
                for value in inputs:
                    given = (
                        value(await graph.aget_state(THREAD, subgraphs=True)) if callable(value) else value
                    )
                    await graph.ainvoke(given, THREAD)
            except Exception as raised:
                error = type(raised).__name__
            if last:
                if error is not None:
                    return Outcome(None, scenario.logged(log), error)
                found = await graph.aget_state(THREAD)
                result = Outcome(dict(found.values), scenario.logged(log), None, len(found.interrupts))
    return result


# -- graphs ------------------------------------------------------------------------------------------------------------


def chain(schema: Any, **nodes: Callable[[Log], Callable[[Any], Any]]) -> Build:
    """Nodes one after the other."""

    def build(log: Log) -> StateGraph:
        graph = StateGraph(schema)
        names = list(nodes)
        for name, make in nodes.items():
            graph.add_node(name, make(log))
        for before, after in zip([START, *names], [*names, END], strict=True):
            graph.add_edge(before, after)
        return graph

    return build


def writes(name: str, **values: Any) -> Callable[[Log], Callable[[Any], Any]]:
    """A node with a side effect. A value may be a function of the state."""

    def make(log: Log) -> Callable[[Any], Any]:
        def node(state: Any) -> Any:
            made = {key: value(state) if callable(value) else value for key, value in values.items()}
            log.append(name)
            return made

        return node

    return make


def asks(name: str, field: str, *questions: str) -> Callable[[Log], Callable[[Any], Any]]:
    """A node that asks one question after the other and writes the answers."""

    def make(log: Log) -> Callable[[Any], Any]:
        def node(state: Any) -> Any:
            answers = [interrupt({"question": question}) for question in questions or (name,)]
            log.append(f"{name}: {', '.join(map(str, answers))}")
            return {field: answers[0] if len(answers) == 1 else answers}

        return node

    return make


def reports(*fields: str) -> Callable[[Log], Callable[[Any], Any]]:
    """A node that logs what it finds."""

    def make(log: Log) -> Callable[[Any], Any]:
        def node(state: Any) -> Any:
            log.append("; ".join(f"{name}={state[name]!r}" for name in fields))
            return {"done": True}

        return node

    return make


yes = Command(resume="yes")
