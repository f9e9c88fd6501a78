"""Deploys that meet a parked LangGraph thread, each told to statemig and to langmigrate 1.3 as its own documentation says: both graphs,
what people do, and what has to come out.

``outcome(deploy, stores, wrap)`` runs one and says in a word what came of it, and in a few what is wrong.
"""

from __future__ import annotations

import operator
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Final, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from pydantic import BaseModel

from measuring.threads import Stores
from statemig import Migrator, Revision
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture

Log = list[str]
Build = Callable[[Log], StateGraph[Any]]
THREAD: Final[Any] = {"configurable": {"thread_id": "t1"}}
YES: Final = Command(resume="yes")


class Plain(TypedDict, total=False):
    topic: str
    draft: list[str]
    answer: str
    note: str


class Renamed(TypedDict, total=False):
    topic: str
    text: list[str]
    answer: str
    note: str


class Paper(BaseModel):
    title: str = "none"
    words: int


class PaperToday(BaseModel):
    heading: str = "none"
    words: int


# A checkpoint says module and name of a class, and both versions of it have the same.
PaperToday.__name__ = PaperToday.__qualname__ = "Paper"
_PAPERS: Final = {"title": Paper, "heading": PaperToday}


class Holds(TypedDict, total=False):
    paper: Paper
    answer: str


class HoldsToday(TypedDict, total=False):
    paper: PaperToday
    answer: str


class Branches(TypedDict, total=False):
    found: Annotated[list[str], operator.add]
    answer: str


class BranchesToday(TypedDict, total=False):
    finds: Annotated[list[str], operator.add]
    answer: str


class Items(TypedDict, total=False):
    items: list[str]
    found: Annotated[list[str], operator.add]


@dataclass(frozen=True)
class Deploy:
    """`answers`: what is put into the new graph; a function is given what the client knew of the thread before the deploy, and the
    saver. `state`, `log`: what has to come out, effects of branches in any order; `error`: that it has to be refused, and how.
    `write_back`: langmigrate's; its own advice where several workers share a database is False."""

    name: str
    old: Build
    new: Build
    statemig: Callable[[Any], object]
    langmigrate: Callable[[Any], Any]
    answers: tuple[Any, ...]
    state: dict[str, Any]
    log: tuple[str, ...]
    given: Any = None
    store: str = "SQLite"
    error: str | None = None
    write_back: bool = True

    def migrator(self) -> Migrator:
        first, last = (capture(build([]).compile(name="flow")) for build in (self.old, self.new))
        return Migrator(
            revisions=[
                Revision("r1", workflow="flow", snapshot=first),
                Revision("r2", "r1", workflow="flow", snapshot=last, upgrade=self.statemig),
            ]
        )


def alone(deploy: Deploy, inner: Any) -> Any:
    return inner


def with_statemig(deploy: Deploy, inner: Any) -> Any:
    return MigratingSaver(inner, deploy.migrator())


def with_langmigrate(deploy: Deploy, inner: Any) -> Any:
    from langmigrate import MigrationRegistry, migration, setup_langmigrate

    registry = MigrationRegistry([migration("r2")(deploy.langmigrate)])
    return setup_langmigrate(inner, registry, write_back=deploy.write_back)


def outcome(deploy: Deploy, stores: Stores, name: str, wrap: Callable[[Deploy, Any], Any]) -> tuple[str, str]:
    """ "right", "lost" or "error", and what is wrong."""
    log: Log = []
    try:
        with stores.saver(deploy.store, name) as inner:
            before = deploy.old(log).compile(checkpointer=inner, name="flow")
            before.invoke(deploy.given or {"topic": "x"}, THREAD)
            held = [each.id for each in before.get_state(THREAD).interrupts]
            for answer in deploy.answers:  # each in a process of its own, as it were
                saver = wrap(deploy, inner)
                graph = deploy.new(log).compile(checkpointer=saver, name="flow")
                graph.invoke(answer(held, saver) if callable(answer) else answer, THREAD)
            found = graph.get_state(THREAD)
    except Exception as error:
        kind = type(error).__name__
        if deploy.error == kind:
            return "right", f"refused: {kind}"
        return "error", kind
    if deploy.error is not None:
        return "lost", "the run ended without a word"
    return _compared(deploy, dict(found.values), log, waits=bool(found.next))


def _compared(deploy: Deploy, state: dict[str, Any], log: Log, *, waits: bool) -> tuple[str, str]:
    missing = [key for key, value in deploy.state.items() if state.get(key) != value]
    expected, done = Counter(deploy.log), Counter(log)
    problems = []
    if missing:
        problems.append(f"not there: {', '.join(missing)}")
    if again := sorted((done - expected).elements()):
        problems.append(f"instead or again: {', '.join(again)}")
    if waits:
        problems.append("asks again")
    elif never := sorted((expected - done).elements()):
        problems.append(f"never ran: {', '.join(never)}")
    return ("lost", "; ".join(problems)) if problems else ("right", "")


# -- graphs ------------------------------------------------------------------------------------------------------------


def _writes(log: Log, name: str, **values: Any) -> Callable[[Any], Any]:
    def node(state: Any) -> Any:
        log.append(name)
        return values

    return node


def _asks(log: Log, name: str, field: str = "answer") -> Callable[[Any], Any]:
    def node(state: Any) -> Any:
        answer = interrupt(f"{name}?")
        log.append(name)
        return {field: answer}

    return node


def _tells(log: Log, name: str, field: str) -> Callable[[Any], Any]:
    def node(state: Any) -> Any:
        log.append(f"{name} {state[field]}")
        return {}

    return node


def _line(graph: StateGraph[Any], **nodes: Callable[[Any], Any]) -> StateGraph[Any]:
    for name, node in nodes.items():
        graph.add_node(name, node)
    for before, after in zip([START, *nodes], [*nodes, END], strict=True):
        graph.add_edge(before, after)
    return graph


def _twice(schema: Any, field: str, ask: str = "approve") -> Build:
    """Writes, asks twice, and reads what was written."""

    def build(log: Log) -> StateGraph[Any]:
        nodes = {"write": _writes(log, "write", **{field: ["D"]}), ask: _asks(log, ask)}
        nodes |= {"check": _asks(log, "check", "note"), "send": _tells(log, "send", field)}
        return _line(StateGraph(schema), **nodes)

    return build


def _without_approval(log: Log) -> StateGraph[Any]:
    nodes = {"write": _writes(log, "write", draft=["D"]), "check": _asks(log, "check", "note")}
    return _line(StateGraph(Plain), **nodes, send=_tells(log, "send", "draft"))


def _holding(schema: Any, field: str) -> Build:
    model = _PAPERS[field]

    def build(log: Log) -> StateGraph[Any]:
        globals()["Paper"] = model  # the module as it is in this version
        paper = model(**{field: "x", "words": 3})
        graph: StateGraph[Any] = StateGraph(schema)
        return _line(graph, write=_writes(log, "write", paper=paper), approve=_asks(log, "approve"))

    return build


def _forked(schema: Any, field: str, join: str = "combine") -> Build:
    """One branch has finished while the other asks; a join waits for both."""

    def build(log: Log) -> StateGraph[Any]:
        graph: StateGraph[Any] = StateGraph(schema)
        graph.add_node("score", _writes(log, "score", **{field: ["S"]}))
        graph.add_node("approve", _asks(log, "approve"))
        graph.add_node(join, _tells(log, "combine", field))
        graph.add_edge(START, "score")
        graph.add_edge(START, "approve")
        graph.add_edge(["score", "approve"], join)
        graph.add_edge(join, END)
        return graph

    return build


def _fanned(worker: str) -> Build:
    """Three packets, one of which asks."""

    def build(log: Log) -> StateGraph[Any]:
        def work(packet: Any) -> Any:
            item = interrupt("b?") if packet["item"] == "b" else packet["item"]
            log.append(f"work {item}")
            return {"found": [item]}

        graph: StateGraph[Any] = StateGraph(Items)
        graph.add_node("plan", _writes(log, "plan"))
        graph.add_node(worker, work)
        graph.add_edge(START, "plan")
        graph.add_conditional_edges(
            "plan", lambda state: [Send(worker, {"item": each}) for each in state["items"]], [worker]
        )
        graph.add_edge(worker, END)
        return graph

    return build


def _nested(outer: str) -> Build:
    """A graph in a graph, which has done something before it asks."""

    def build(log: Log) -> StateGraph[Any]:
        inner = _line(
            StateGraph(Plain), prepare=_writes(log, "prepare", draft=["D"]), approve=_asks(log, "approve")
        )
        graph: StateGraph[Any] = StateGraph(Plain)
        graph.add_node("plan", _writes(log, "plan"))
        graph.add_node(outer, inner.compile())
        graph.add_edge(START, "plan")
        graph.add_edge("plan", outer)
        graph.add_edge(outer, END)
        return graph

    return build


# -- what they are told ------------------------------------------------------------------------------------------------


def _nothing(state: Any) -> Any:
    return state


def _stands_on(node: str, **remap: Any) -> Callable[[Any], Any]:
    """langmigrate's way to say that a node is called otherwise or gone."""

    def upgrade(state: Any) -> Any:
        from langmigrate import NodeRemap

        return NodeRemap(**remap).apply(state.model_copy(update={"node": node}))

    return upgrade


def _rebuilt(paper: Any) -> Any:
    """The new class from whatever of the old one is there."""
    return PaperToday(heading=getattr(paper, "title", paper.heading), words=paper.words)


def _by_id(held: list[str], saver: Any) -> Command[Any]:
    """An answer by the id that a client was given before the deploy."""
    answers = {held[0]: "yes"}
    if isinstance(saver, MigratingSaver):
        answers = saver.resume_map(THREAD, answers)
    return Command(resume=answers)


_V1 = _twice(Plain, "draft")
_DONE: Final = {"topic": "x", "draft": ["D"], "answer": "yes", "note": "yes"}
_SENT: Final = "send ['D']"

DEPLOYS: Final = (
    Deploy(
        "a field is renamed",
        _V1,
        _twice(Renamed, "text"),
        lambda op: op.rename_field("state.draft", to="text"),
        lambda state: state.rename_field("draft", "text"),
        (YES, YES),
        {"topic": "x", "text": ["D"], "answer": "yes", "note": "yes"},
        ("write", "approve", "check", _SENT),
    ),
    Deploy(
        "the same on PostgreSQL, over two pauses",
        _V1,
        _twice(Renamed, "text"),
        lambda op: op.rename_field("state.draft", to="text"),
        lambda state: state.rename_field("draft", "text"),
        (YES, YES),
        {"topic": "x", "text": ["D"], "answer": "yes", "note": "yes"},
        ("write", "approve", "check", _SENT),
        store="PostgreSQL",
    ),
    Deploy(
        "the same, langmigrate with write_back=False",
        _V1,
        _twice(Renamed, "text"),
        lambda op: op.rename_field("state.draft", to="text"),
        lambda state: state.rename_field("draft", "text"),
        (YES, YES),
        {"topic": "x", "text": ["D"], "answer": "yes", "note": "yes"},
        ("write", "approve", "check", _SENT),
        store="PostgreSQL",
        write_back=False,
    ),
    Deploy(
        "a field of a nested model is renamed",
        _holding(Holds, "title"),
        _holding(HoldsToday, "heading"),
        lambda op: op.rename_field("state.paper.title", to="heading"),
        lambda state: state.coerce_field("paper", _rebuilt),
        (YES,),
        {"paper": PaperToday(heading="x", words=3), "answer": "yes"},
        ("write", "approve"),
    ),
    Deploy(
        "the step it waits in is renamed",
        _V1,
        _twice(Plain, "draft", "review"),
        lambda op: op.rename_step("approve", to="review"),
        _stands_on("approve", renames={"approve": "review"}),
        (YES, YES),
        _DONE,
        ("write", "review", "check", _SENT),
    ),
    Deploy(
        "the same, and the client answers by the old id",
        _V1,
        _twice(Plain, "draft", "review"),
        lambda op: op.rename_step("approve", to="review"),
        _stands_on("approve", renames={"approve": "review"}),
        (_by_id, YES),
        _DONE,
        ("write", "review", "check", _SENT),
    ),
    Deploy(
        "the step it waits in is removed: on to the next",
        _V1,
        _without_approval,
        lambda op: op.remove_step("approve", cursor=op.forward("check")),
        _stands_on("approve", removed=["approve"], fallback="check"),
        (None, YES),
        {"topic": "x", "draft": ["D"], "note": "yes"},
        ("write", "check", _SENT),
    ),
    Deploy(
        "the same, and no script says so: to be refused",
        _V1,
        _without_approval,
        lambda op: None,
        _nothing,
        (YES,),
        {},
        (),
        error="CursorError",
    ),
    Deploy(
        "a field that a finished branch has written is renamed",
        _forked(Branches, "found"),
        _forked(BranchesToday, "finds"),
        lambda op: op.rename_field("state.found", to="finds"),
        lambda state: state.rename_field("found", "finds"),
        (YES,),
        {"finds": ["S"], "answer": "yes"},
        ("score", "approve", "combine ['S']"),
    ),
    Deploy(
        "a join is renamed while one branch has arrived",
        _forked(Branches, "found"),
        _forked(Branches, "found", "merge"),
        lambda op: op.rename_step("combine", to="merge"),
        _stands_on("combine", renames={"combine": "merge"}),
        (YES,),
        {"found": ["S"], "answer": "yes"},
        ("score", "approve", "combine ['S']"),
    ),
    Deploy(
        "the worker of a fan-out is renamed, half done",
        _fanned("work"),
        _fanned("labour"),
        lambda op: op.rename_step("work", to="labour"),
        _stands_on("work", renames={"work": "labour"}),
        (Command(resume="B"),),
        {"items": ["a", "b", "c"], "found": ["a", "B", "c"]},
        ("plan", "work a", "work B", "work c"),
        given={"items": ["a", "b", "c"]},
    ),
    Deploy(
        "a subgraph's node is renamed, parked inside",
        _nested("inner"),
        _nested("wrapper"),
        lambda op: op.rename_step("inner", to="wrapper"),
        _stands_on("inner", renames={"inner": "wrapper"}),
        (YES,),
        {"topic": "x", "draft": ["D"], "answer": "yes"},
        ("plan", "prepare", "approve"),
    ),
)
