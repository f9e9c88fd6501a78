"""Threads that are parked under one version of a graph and go on under the next: both graphs, the script between them, what a person does,
and what has to come out. What LangGraph makes of it alone is written beside it, so that a release that changes it is noticed.

``play(scenario, storage)`` and ``aplay`` run one, with statemig or (``alone=True``) without.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypedDict

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
    `then`: into the last one. An item may be a function of the compiled graph, for what has to be looked up first. `between`: into the
    graphs between, if the thread is touched there at all."""

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
        return Outcome(self.state, self.log, self.error, self.waiting)


def outcome(graph: Any, log: Log, error: str | None) -> Outcome:
    if error is not None:
        return Outcome(None, tuple(log), error)
    found = graph.get_state(THREAD)
    return Outcome(dict(found.values), tuple(log), None, len(found.interrupts))


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
                    given = value(graph) if callable(value) else value
                    graph.invoke(given, THREAD, durability=durability)
            except Exception as raised:
                error = type(raised).__name__
            if last:
                result = outcome(graph, log, error)
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
                    given = await value.lookup(graph) if hasattr(value, "lookup") else value
                    given = given(await graph.aget_state(THREAD)) if callable(given) else given
                    await graph.ainvoke(given, THREAD)
            except Exception as raised:
                error = type(raised).__name__
            if last:
                if error is not None:
                    return Outcome(None, tuple(log), error)
                found = await graph.aget_state(THREAD)
                result = Outcome(dict(found.values), tuple(log), None, len(found.interrupts))
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


class Plain(TypedDict, total=False):
    topic: str
    draft: str
    answer: str
    note: str
    done: bool


class WithPriority(Plain, total=False):
    priority: str


class WithSummary(TypedDict, total=False):
    topic: str
    summary: str
    answer: str
    note: str
    done: bool


class WithDrafts(TypedDict, total=False):
    topic: str
    draft: list[str]
    answer: str
    note: str
    done: bool


class WithoutDraft(TypedDict, total=False):
    topic: str
    answer: str
    note: str
    done: bool


def _upper(state: Any) -> str:
    return str(state["topic"]).upper()


_V1 = chain(
    Plain,
    write=writes("write", draft=_upper),
    approve=asks("approve", "answer"),
    check=asks("check", "note"),
    send=reports("draft", "answer", "note"),
)


def _twice(schema: Any, last: Any, ask: str = "approve") -> Build:
    return chain(
        schema,
        **{
            "write": writes("write", draft=_upper),
            ask: asks(ask, "answer"),
            "check": asks("check", "note"),
            "send": last,
        },
    )


_PARKED: dict[str, Any] = {"topic": "x"}
_TWICE = (yes, Command(resume="fine"))

FIELDS = (
    Scenario(
        "field-added",
        (_V1, _twice(WithPriority, reports("draft", "answer", "note", "priority"))),
        (lambda op: op.add_field("state.priority", default="normal"),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True, "priority": "normal"},
        ("write", "approve: yes", "check: fine", "draft='X'; answer='yes'; note='fine'; priority='normal'"),
        alone=Outcome(None, ("write", "approve: yes", "check: fine"), "KeyError"),
    ),
    Scenario(
        "field-renamed",
        (_V1, _twice(WithSummary, reports("summary", "answer", "note"))),
        (lambda op: op.rename_field("state.draft", to="summary"),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "summary": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "approve: yes", "check: fine", "summary='X'; answer='yes'; note='fine'"),
        alone=Outcome(None, ("write", "approve: yes", "check: fine"), "KeyError"),
    ),
    Scenario(
        "field-retyped",
        (_V1, _twice(WithDrafts, reports("draft", "answer", "note"))),
        (lambda op: op.wrap("state.draft"),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "draft": ["X"], "answer": "yes", "note": "fine", "done": True},
        ("write", "approve: yes", "check: fine", "draft=['X']; answer='yes'; note='fine'"),
        alone=Outcome(
            {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True},
            ("write", "approve: yes", "check: fine", "draft='X'; answer='yes'; note='fine'"),
        ),
    ),
    Scenario(
        "field-removed",
        (_V1, _twice(WithoutDraft, reports("answer", "note"))),
        (lambda op: op.remove_field("state.draft"),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "answer": "yes", "note": "fine", "done": True},
        ("write", "approve: yes", "check: fine", "answer='yes'; note='fine'"),
    ),
)

STEPS = (
    Scenario(
        "step-renamed",
        (_V1, _twice(Plain, reports("draft", "answer", "note"), ask="review")),
        (lambda op: op.rename_step("approve", to="review"),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "review: yes", "check: fine", "draft='X'; answer='yes'; note='fine'"),
        alone=Outcome({"topic": "x", "draft": "X"}, ("write",)),
    ),
    Scenario(
        "step-and-field-renamed",
        (
            _V1,
            chain(
                WithSummary,
                write=writes("write", summary=_upper),
                review=asks("review", "answer"),
                check=asks("check", "note"),
                send=reports("summary", "answer", "note"),
            ),
        ),
        (lambda op: (op.rename_step("approve", to="review"), op.rename_field("state.draft", to="summary")),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "summary": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "review: yes", "check: fine", "summary='X'; answer='yes'; note='fine'"),
        alone=Outcome({"topic": "x"}, ("write",)),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (*FIELDS, *STEPS)
