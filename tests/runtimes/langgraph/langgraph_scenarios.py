"""Threads that are parked under one version of a graph and go on under the next: both graphs, the script between them, what a person does,
and what has to come out. What LangGraph makes of it alone is written beside it, so that a release that changes it is noticed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, Send, interrupt
from langgraph_play import Build, Log, Outcome, Scenario, asks, chain, reports, writes, yes
from pydantic import BaseModel


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

#: what most changes of a step come to without statemig: the run ends, and the answer is lost
_LOST = Outcome({"topic": "x", "draft": "X"}, ("write",))


STEPS = (
    Scenario(
        "step-renamed",
        (_V1, _twice(Plain, reports("draft", "answer", "note"), ask="review")),
        (lambda op: op.rename_step("approve", to="review"),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "review: yes", "check: fine", "draft='X'; answer='yes'; note='fine'"),
        alone=_LOST,
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


# -- steps that go -----------------------------------------------------------------------------------------------------


def _removed(policy: Callable[[Any], Any]) -> Callable[[Any], object]:
    return lambda op: op.remove_step("approve", cursor=policy(op))


_WITHOUT_APPROVAL = chain(
    Plain, write=writes("write", draft=_upper), check=asks("check", "note"), send=reports("draft", "note")
)

REMOVED = (
    Scenario(
        "step-removed-forward",
        (_V1, _WITHOUT_APPROVAL),
        (_removed(lambda op: op.forward("check")),),
        (_PARKED,),
        (None, Command(resume="fine")),
        {"topic": "x", "draft": "X", "note": "fine", "done": True},
        ("write", "check: fine", "draft='X'; note='fine'"),
        alone=_LOST,
    ),
    Scenario(
        "step-removed-back",
        (_V1, _WITHOUT_APPROVAL),
        (_removed(lambda op: op.back("write")),),
        (_PARKED,),
        (None, Command(resume="fine")),
        {"topic": "x", "draft": "X", "note": "fine", "done": True},
        ("write", "write", "check: fine", "draft='X'; note='fine'"),
        alone=_LOST,
    ),
    *(
        Scenario(
            f"step-removed-{kind}",
            (_V1, _WITHOUT_APPROVAL),
            (_removed(policy),),
            (_PARKED,),
            (yes,),
            None,
            ("write",),
            error=error,
            alone=_LOST,
        )
        for kind, policy, error in (
            ("hold", lambda op: op.hold(), "MigrationHeld"),
            ("pin", lambda op: op.pin(), "MigrationPinned"),
            ("fail", lambda op: op.fail(), "CursorError"),
        )
    ),
    Scenario(
        "step-missing",
        (_V1, _WITHOUT_APPROVAL),
        (lambda op: None,),
        (_PARKED,),
        (yes,),
        None,
        ("write",),
        error="CursorError",
        alone=_LOST,
    ),
    Scenario(
        "step-split",
        (
            _V1,
            chain(
                Plain,
                write=writes("write", draft=_upper),
                prepare=writes("prepare"),
                decide=asks("decide", "answer"),
                check=asks("check", "note"),
                send=reports("draft", "answer", "note"),
            ),
        ),
        (lambda op: op.split_step("approve", into=["prepare", "decide"], cursor="decide"),),
        (_PARKED,),
        _TWICE,
        {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "decide: yes", "check: fine", "draft='X'; answer='yes'; note='fine'"),
        alone=_LOST,
    ),
    Scenario(
        "steps-merged",
        (
            _V1,
            chain(
                Plain,
                write=writes("write", draft=_upper),
                review=asks("review", "answer"),
                send=reports("draft", "answer"),
            ),
        ),
        (lambda op: op.merge_steps(["approve", "check"], into="review"),),
        (_PARKED,),
        (yes,),
        {"topic": "x", "draft": "X", "answer": "yes", "done": True},
        ("write", "review: yes", "draft='X'; answer='yes'"),
        alone=_LOST,
    ),
)

# -- several revisions -------------------------------------------------------------------------------------------------


class WithSummaryAndPriority(WithSummary, total=False):
    priority: str


_V2 = chain(
    WithSummary,
    write=writes("write", summary=_upper),
    review=asks("review", "answer"),
    check=asks("check", "note"),
    send=reports("summary", "answer", "note"),
)
_V3 = chain(
    WithSummaryAndPriority,
    write=writes("write", summary=_upper),
    judge=asks("judge", "answer"),
    verify=asks("verify", "note"),
    send=reports("summary", "answer", "note", "priority"),
)
_TO_V2: Callable[[Any], object] = lambda op: (  # noqa: E731
    op.rename_step("approve", to="review"),
    op.rename_field("state.draft", to="summary"),
)
_TO_V3: Callable[[Any], object] = lambda op: (  # noqa: E731
    op.rename_step("review", to="judge"),
    op.rename_step("check", to="verify"),
    op.add_field("state.priority", default="normal"),
)
_AT_V3 = {"topic": "x", "summary": "X", "answer": "yes", "note": "fine", "done": True, "priority": "normal"}
_SENT = "summary='X'; answer='yes'; note='fine'; priority='normal'"

SEVERAL = (
    Scenario(
        "several-revisions-at-once",
        (_V1, _V2, _V3),
        (_TO_V2, _TO_V3),
        (_PARKED,),
        _TWICE,
        _AT_V3,
        ("write", "judge: yes", "verify: fine", _SENT),
        alone=Outcome({"topic": "x"}, ("write",)),
    ),
    Scenario(
        "one-pause-per-revision",
        (_V1, _V2, _V3),
        (_TO_V2, _TO_V3),
        (_PARKED,),
        (Command(resume="fine"),),
        _AT_V3,
        ("write", "review: yes", "verify: fine", _SENT),
        between=((yes,),),
        alone=Outcome({"topic": "x"}, ("write",)),
    ),
    Scenario(
        "touched-and-left-as-it-was",
        (_V1, _V2, _V3),
        (_TO_V2, _TO_V3),
        (_PARKED,),
        _TWICE,
        _AT_V3,
        ("write", "judge: yes", "verify: fine", _SENT),
        between=((None,),),
        alone=Outcome({"topic": "x"}, ("write",)),
    ),
)

# -- nested models -----------------------------------------------------------------------------------------------------


class Paper(BaseModel):
    title: str
    words: int


class PaperHeaded(BaseModel):
    heading: str
    words: int


class PaperDefault(BaseModel):
    heading: str = "none"
    words: int


# A checkpoint says module and name of a class: all versions of it have the same.
for _each in (PaperHeaded, PaperDefault):
    _each.__name__ = _each.__qualname__ = "Paper"


class Holds(TypedDict, total=False):
    topic: str
    paper: Paper
    answer: str
    done: bool


class HoldsHeaded(TypedDict, total=False):
    topic: str
    paper: PaperHeaded
    answer: str
    done: bool


class HoldsDefault(TypedDict, total=False):
    topic: str
    paper: PaperDefault
    answer: str
    done: bool


def _holding(schema: Any, model: Any, field: str) -> Build:
    def build(log: Log) -> StateGraph:
        globals()["Paper"] = model  # the module as it is in this version
        return chain(
            schema,
            write=writes("write", paper=lambda state: model(**{field: state["topic"], "words": 3})),
            approve=asks("approve", "answer"),
            send=writes("send", done=lambda state: bool(getattr(state["paper"], field) == state["topic"])),
        )(log)

    return build


NESTED = tuple(
    Scenario(
        name,
        (_holding(Holds, Paper, "title"), _holding(schema, model, "heading")),
        (lambda op: op.rename_field("state.paper.title", to="heading"),),
        (_PARKED,),
        (yes,),
        {"topic": "x", "paper": model(heading="x", words=3), "answer": "yes", "done": True},
        ("write", "approve: yes", "send"),
        alone=alone,
    )
    for name, schema, model, alone in (
        (
            "nested-renamed",
            HoldsHeaded,
            PaperHeaded,
            Outcome(None, ("write", "approve: yes"), "AttributeError"),
        ),
        (
            "nested-renamed-with-default",
            HoldsDefault,
            PaperDefault,
            Outcome(
                {"topic": "x", "paper": PaperDefault(words=3), "answer": "yes", "done": False},
                ("write", "approve: yes", "send"),
            ),
        ),
    )
)


class Article(BaseModel):
    title: str
    words: int


class HoldsArticle(TypedDict, total=False):
    topic: str
    paper: Article
    answer: str
    done: bool


def _without(name: str, build: Build) -> Build:
    def built(log: Log) -> StateGraph:
        made = build(log)
        globals().pop(name, None)  # the module no longer has it
        return made

    return built


NESTED = (
    *NESTED,
    Scenario(
        "nested-class-renamed",
        (
            _holding(Holds, Paper, "title"),
            _without(
                "Paper",
                chain(
                    HoldsArticle,
                    write=writes("write"),
                    approve=asks("approve", "answer"),
                    send=writes("send", done=lambda state: bool(state["paper"].title == state["topic"])),
                ),
            ),
        ),
        (lambda op: op.rename_type("Paper", "Article"),),
        (_PARKED,),
        (yes,),
        {"topic": "x", "paper": Article(title="x", words=3), "answer": "yes", "done": True},
        ("write", "approve: yes", "send"),
        alone=Outcome(None, ("write", "approve: yes"), "AttributeError"),
    ),
)

# -- branches side by side ---------------------------------------------------------------------------------------------


class Branches(TypedDict, total=False):
    topic: str
    found: Annotated[list[str], operator.add]
    answer: str
    done: bool


def forked(
    left: str, ask: str, join: str, extra: str | None = None, *, order: tuple[str, ...] | None = None
) -> Build:
    """Branches that start together, one of which asks, and a join that waits for all of them."""

    def build(log: Log) -> StateGraph:
        graph = StateGraph(Branches)
        branches = [each for each in (left, ask, extra) if each]
        graph.add_node("plan", writes("plan")(log))
        if left:
            graph.add_node(left, writes(left, found=["left"])(log))
        if ask:
            graph.add_node(ask, asks(ask, "answer")(log))
        if extra:
            graph.add_node(extra, writes(extra, found=["extra"])(log))
        graph.add_node(join, reports("found", "answer")(log) if ask else reports("found")(log))
        graph.add_edge(START, "plan")
        for branch in branches:
            graph.add_edge("plan", branch)
        graph.add_edge(list(order or branches), join)
        graph.add_edge(join, END)
        return graph

    return build


_FORK = forked("score", "approve", "combine")
_JOINED = {"topic": "x", "found": ["left"], "answer": "yes", "done": True}
_COMBINED = "found=['left']; answer='yes'"

JOINS = (
    Scenario(
        "finished-sibling-renamed",
        (_FORK, forked("rate", "approve", "combine")),
        (lambda op: op.rename_step("score", to="rate"),),
        (_PARKED,),
        (yes,),
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
        alone=Outcome({"topic": "x", "answer": "yes", "found": []}, ("plan", "score", "approve: yes")),
    ),
    Scenario(
        "waiting-sibling-renamed",
        (_FORK, forked("score", "review", "combine")),
        (lambda op: op.rename_step("approve", to="review"),),
        (_PARKED,),
        (yes,),
        _JOINED,
        ("plan", "score", "review: yes", _COMBINED),
        alone=Outcome({"topic": "x", "found": ["left"]}, ("plan", "score")),
    ),
    Scenario(
        "join-renamed",
        (_FORK, forked("score", "approve", "merge")),
        (lambda op: op.rename_step("combine", to="merge"),),
        (_PARKED,),
        (yes,),
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
        alone=Outcome({"topic": "x", "found": ["left"], "answer": "yes"}, ("plan", "score", "approve: yes")),
    ),
    Scenario(
        "join-lists-its-branches-in-another-order",
        (_FORK, forked("score", "approve", "combine", order=("approve", "score"))),
        (lambda op: None,),
        (_PARKED,),
        (yes,),
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
        alone=Outcome({"topic": "x", "found": ["left"], "answer": "yes"}, ("plan", "score", "approve: yes")),
    ),
    Scenario(
        "branch-added-and-started",
        (_FORK, forked("score", "approve", "combine", "audit")),
        (lambda op: op.change_join("combine", ["score", "approve", "audit"], new_branch="start"),),
        (_PARKED,),
        (yes,),
        {"topic": "x", "found": ["extra", "left"], "answer": "yes", "done": True},
        ("plan", "score", "audit", "approve: yes", "found=['extra', 'left']; answer='yes'"),
        alone=Outcome({"topic": "x", "found": ["left"], "answer": "yes"}, ("plan", "score", "approve: yes")),
        concurrent=True,
    ),
    Scenario(
        "branch-added-as-arrived",
        (_FORK, forked("score", "approve", "combine", "audit")),
        (lambda op: op.change_join("combine", ["score", "approve", "audit"], new_branch="arrived"),),
        (_PARKED,),
        (yes,),
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
        alone=Outcome({"topic": "x", "found": ["left"], "answer": "yes"}, ("plan", "score", "approve: yes")),
    ),
)


# -- branches that go --------------------------------------------------------------------------------------------------


def three(first: str | None, second: str | None, ask: str | None) -> Build:
    """Up to three branches, the last of which asks, and the join `combine`."""

    def build(log: Log) -> StateGraph:
        graph = StateGraph(Branches)
        graph.add_node("plan", writes("plan")(log))
        graph.add_edge(START, "plan")
        graph.add_node("combine", reports("found")(log))
        for name in (first, second):
            if name:
                graph.add_node(name, writes(name, found=[name])(log))
        if ask:
            graph.add_node(ask, asks(ask, "answer")(log))
        branches = [each for each in (first, second, ask) if each]
        for name in branches:
            graph.add_edge("plan", name)
        graph.add_edge(branches, "combine")
        graph.add_edge("combine", END)
        return graph

    return build


def arriving(branches: tuple[str, ...], slow: str, join: str) -> Build:
    """The branches arrive at the join while the slow one, which has one more step, still asks."""

    def build(log: Log) -> StateGraph:
        graph = StateGraph(Branches)
        graph.add_node("plan", writes("plan")(log))
        graph.add_edge(START, "plan")
        for name in branches:
            graph.add_node(name, writes(name, found=[name])(log))
            graph.add_edge("plan", name)
        graph.add_node("walk", writes("walk")(log))
        graph.add_node(slow, asks(slow, "answer")(log))
        graph.add_edge("plan", "walk")
        graph.add_edge("walk", slow)
        graph.add_node(join, reports("found", "answer")(log))
        graph.add_edge([*branches, slow], join)
        graph.add_edge(join, END)
        return graph

    return build


_ARRIVED = arriving(("score",), "approve", "combine")
_LATE = ("plan", "score", "walk", "approve: yes", "found=['score']; answer='yes'")
_LATE_STATE = {"topic": "x", "found": ["score"], "answer": "yes", "done": True}

ARRIVALS = (
    Scenario(
        "arrived-branch-renamed",
        (_ARRIVED, arriving(("rate",), "approve", "combine")),
        (lambda op: op.rename_step("score", to="rate"),),
        (_PARKED,),
        (yes,),
        _LATE_STATE,
        _LATE,
        concurrent=True,
        alone=Outcome(
            {"topic": "x", "found": ["score"], "answer": "yes"}, ("approve: yes", "plan", "score", "walk")
        ),
    ),
    Scenario(
        "join-renamed-while-one-waits-there",
        (_ARRIVED, arriving(("score",), "approve", "merge")),
        (lambda op: op.rename_step("combine", to="merge"),),
        (_PARKED,),
        (yes,),
        _LATE_STATE,
        _LATE,
        concurrent=True,
        alone=Outcome(
            {"topic": "x", "found": ["score"], "answer": "yes"}, ("approve: yes", "plan", "score", "walk")
        ),
    ),
    Scenario(
        "branch-added-while-one-waits-there",
        (_ARRIVED, arriving(("score", "audit"), "approve", "combine")),
        (lambda op: op.change_join("combine", ["score", "audit", "approve"], new_branch="arrived"),),
        (_PARKED,),
        (yes,),
        _LATE_STATE,
        _LATE,
        concurrent=True,
        alone=Outcome(
            {"topic": "x", "found": ["score"], "answer": "yes"}, ("approve: yes", "plan", "score", "walk")
        ),
    ),
    Scenario(
        "branch-started-while-one-waits-there",
        (_ARRIVED, arriving(("score", "audit"), "approve", "combine")),
        (lambda op: op.change_join("combine", ["score", "audit", "approve"], new_branch="start"),),
        (_PARKED,),
        (yes,),
        {"topic": "x", "found": ["score", "audit"], "answer": "yes", "done": True},
        ("plan", "score", "walk", "audit", "approve: yes", "found=['score', 'audit']; answer='yes'"),
        concurrent=True,
        alone=Outcome(
            {"topic": "x", "found": ["score"], "answer": "yes"}, ("approve: yes", "plan", "score", "walk")
        ),
    ),
    Scenario(
        "arrived-branch-no-longer-awaited",
        (arriving(("score", "audit"), "approve", "combine"), _ARRIVED),
        (
            lambda op: (
                op.change_join("combine", ["score", "approve"]),
                op.remove_step("audit", cursor=op.fail()),
            ),
        ),
        (_PARKED,),
        (yes,),
        {"topic": "x", "found": ["audit", "score"], "answer": "yes", "done": True},
        ("plan", "score", "audit", "walk", "approve: yes", "found=['audit', 'score']; answer='yes'"),
        concurrent=True,
        alone=Outcome(
            {"topic": "x", "found": ["audit", "score"], "answer": "yes"},
            ("approve: yes", "audit", "plan", "score", "walk"),
        ),
    ),
)

# -- Send --------------------------------------------------------------------------------------------------------------


class Fan(TypedDict, total=False):
    items: list[str]
    found: Annotated[list[str], operator.add]
    done: bool


def fanned(worker: str) -> Build:
    """Three packets; the second asks."""

    def build(log: Log) -> StateGraph:
        def work(packet: Any) -> Any:
            item = packet["item"]
            if item == "b":
                item = interrupt(item)
            log.append(f"{worker} {item}")
            return {"found": [item]}

        graph = StateGraph(Fan)
        graph.add_node("plan", writes("plan")(log))
        graph.add_node(worker, work)
        graph.add_node("combine", reports("found")(log))
        graph.add_edge(START, "plan")
        graph.add_conditional_edges(
            "plan", lambda state: [Send(worker, {"item": each}) for each in state["items"]], [worker]
        )
        graph.add_edge(worker, "combine")
        graph.add_edge("combine", END)
        return graph

    return build


SENDS = (
    Scenario(
        "packets-half-done",
        (fanned("work"), fanned("labour")),
        (lambda op: op.rename_step("work", to="labour"),),
        ({"items": ["a", "b", "c"]},),
        (Command(resume="B"),),
        {"items": ["a", "b", "c"], "found": ["a", "B", "c"], "done": True},
        ("plan", "work a", "work c", "labour B", "found=['a', 'B', 'c']"),
        concurrent=True,
        alone=Outcome({"items": ["a", "b", "c"], "found": []}, ("plan", "work a", "work c")),
    ),
)

# -- subgraphs ---------------------------------------------------------------------------------------------------------


def nested(outer: str, ask: str, *, deep: bool = False) -> Build:
    """A graph in a graph, and in that one more where `deep`."""

    def build(log: Log) -> StateGraph:
        inner = StateGraph(Plain)
        inner.add_node("prepare", writes("prepare", draft=_upper)(log))
        inner.add_node(ask, asks(ask, "answer")(log))
        inner.add_edge(START, "prepare")
        inner.add_edge("prepare", ask)
        inner.add_edge(ask, END)
        around: Any = inner.compile()
        if deep:
            middle = StateGraph(Plain)
            middle.add_node("enter", writes("enter")(log))
            middle.add_node("core", around)
            middle.add_edge(START, "enter")
            middle.add_edge("enter", "core")
            middle.add_edge("core", END)
            around = middle.compile()
        graph = StateGraph(Plain)
        graph.add_node("plan", writes("plan")(log))
        graph.add_node(outer, around)
        graph.add_node("send", reports("draft", "answer")(log))
        graph.add_edge(START, "plan")
        graph.add_edge("plan", outer)
        graph.add_edge(outer, "send")
        graph.add_edge("send", END)
        return graph

    return build


_INSIDE = {"topic": "x", "draft": "X", "answer": "yes", "done": True}

SUBGRAPHS = (
    Scenario(
        "subgraph-node-renamed",
        (nested("inner", "approve"), nested("wrapper", "approve")),
        (lambda op: op.rename_step("inner", to="wrapper"),),
        (_PARKED,),
        (yes,),
        _INSIDE,
        ("plan", "prepare", "approve: yes", "draft='X'; answer='yes'"),
        alone=Outcome({"topic": "x"}, ("plan", "prepare")),
    ),
    Scenario(
        "step-in-subgraph-renamed",
        (nested("inner", "approve"), nested("inner", "review")),
        (lambda op: op.rename_step("inner.approve", to="inner.review"),),
        (_PARKED,),
        (yes,),
        _INSIDE,
        ("plan", "prepare", "review: yes", "draft='X'; answer='yes'"),
        alone=Outcome(None, ("plan", "prepare"), "KeyError"),
    ),
    Scenario(
        "subgraph-and-step-in-it-renamed",
        (nested("inner", "approve"), nested("wrapper", "review")),
        (
            lambda op: (
                op.rename_step("inner", to="wrapper"),
                op.rename_step("inner.prepare", to="wrapper.prepare"),
                op.rename_step("inner.approve", to="wrapper.review"),
            ),
        ),
        (_PARKED,),
        (yes,),
        _INSIDE,
        ("plan", "prepare", "review: yes", "draft='X'; answer='yes'"),
        alone=Outcome({"topic": "x"}, ("plan", "prepare")),
    ),
    Scenario(
        "two-deep-renamed",
        (nested("inner", "approve", deep=True), nested("wrapper", "review", deep=True)),
        (
            lambda op: (
                op.rename_step("inner", to="wrapper"),
                op.rename_step("inner.enter", to="wrapper.enter"),
                op.rename_step("inner.core", to="wrapper.core"),
                op.rename_step("inner.core.prepare", to="wrapper.core.prepare"),
                op.rename_step("inner.core.approve", to="wrapper.core.review"),
            ),
        ),
        (_PARKED,),
        (yes,),
        _INSIDE,
        ("plan", "enter", "prepare", "review: yes", "draft='X'; answer='yes'"),
        alone=Outcome({"topic": "x"}, ("plan", "enter", "prepare")),
    ),
    Scenario(
        "answer-by-id-in-a-renamed-subgraph",
        (nested("inner", "approve"), nested("wrapper", "approve")),
        (lambda op: op.rename_step("inner", to="wrapper"),),
        (_PARKED,),
        (lambda state: Command(resume={state.interrupts[0].id: "yes"}),),
        _INSIDE,
        ("plan", "prepare", "approve: yes", "draft='X'; answer='yes'"),
        alone=Outcome(None, ("plan", "prepare"), "IndexError"),
    ),
    Scenario(
        "answer-by-id-after-a-rename",
        (_V1, _twice(Plain, reports("draft", "answer", "note"), ask="review")),
        (lambda op: op.rename_step("approve", to="review"),),
        (_PARKED,),
        (lambda state: Command(resume={state.interrupts[0].id: "yes"}), Command(resume="fine")),
        {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "review: yes", "check: fine", "draft='X'; answer='yes'; note='fine'"),
        alone=Outcome(None, ("write",), "IndexError"),
    ),
)

# -- more of what a graph can be ---------------------------------------------------------------------------------------


def _sent_on(target: str, ask: str) -> Build:
    """One branch says itself where it goes, while the other asks."""

    def build(log: Log) -> StateGraph:
        def route(state: Any) -> Any:
            log.append("route")
            return Command(goto=target, update={"found": ["route"]})

        graph = StateGraph(Branches)
        graph.add_node("route", route, destinations=(target,))
        graph.add_node(ask, asks(ask, "answer")(log))
        graph.add_node(target, writes(target, found=["sent"])(log))
        graph.add_edge(START, "route")
        graph.add_edge(START, ask)
        graph.add_edge(target, END)
        graph.add_edge(ask, END)
        return graph

    return build


def _deferred(first: str, ask: str, last: str, *, joined: bool) -> Build:
    """The last node waits for the end of everything else."""

    def build(log: Log) -> StateGraph:
        graph = StateGraph(Branches)
        graph.add_node(first, writes(first, found=["first"])(log))
        graph.add_node("walk", writes("walk")(log))
        graph.add_node(ask, asks(ask, "answer")(log))
        graph.add_node(last, reports("found", "answer")(log), defer=True)
        graph.add_edge(START, first)
        graph.add_edge(START, "walk")
        graph.add_edge("walk", ask)
        if joined:
            graph.add_edge([first, ask], last)
        else:
            graph.add_edge(first, last)
            graph.add_edge(ask, last)
        graph.add_edge(last, END)
        return graph

    return build


def _remembering(outer: str, ask: str) -> Build:
    """A subgraph with a memory of its own, stored under its name."""

    def build(log: Log) -> StateGraph:
        inner = StateGraph(Plain)
        inner.add_node("prepare", writes("prepare", draft="D")(log))
        inner.add_node(ask, asks(ask, "answer")(log))
        inner.add_edge(START, "prepare")
        inner.add_edge("prepare", ask)
        inner.add_edge(ask, END)
        graph = StateGraph(Plain)
        graph.add_node(outer, inner.compile(checkpointer=True))
        graph.add_edge(START, outer)
        graph.add_edge(outer, END)
        return graph

    return build


def _field_inside(schema: Any, field: str) -> Build:
    """A subgraph with the same field as the graph around it."""

    def build(log: Log) -> StateGraph:
        inner = chain(
            schema,
            prepare=writes("prepare", **{field: "D"}),
            approve=asks("approve", "answer"),
            tell=reports(field, "answer"),
        )(log)
        graph = StateGraph(schema)
        graph.add_node("inner", inner.compile())
        graph.add_node("last", reports(field, "answer")(log))
        graph.add_edge(START, "inner")
        graph.add_edge("inner", "last")
        graph.add_edge("last", END)
        return graph

    return build


def _renames(*pairs: tuple[str, str]) -> Callable[[Any], object]:
    return lambda op: [op.rename_step(old, to=new) for old, new in pairs]


MORE = (
    Scenario(
        "finished-sibling-goes-to-a-renamed-node",
        (_sent_on("next", "approve"), _sent_on("after", "review")),
        (_renames(("next", "after"), ("approve", "review")),),
        (_PARKED,),
        (yes,),
        {"topic": "x", "found": ["route", "sent"], "answer": "yes"},
        ("after", "review: yes", "route"),
        concurrent=True,
    ),
    *(
        Scenario(
            f"deferred-node-renamed-{'join' if joined else 'edges'}",
            (
                _deferred("score", "approve", "combine", joined=joined),
                _deferred("rate", "review", "merge", joined=joined),
            ),
            (_renames(("score", "rate"), ("approve", "review"), ("combine", "merge")),),
            (_PARKED,),
            (yes,),
            {"topic": "x", "found": ["first"], "answer": "yes", "done": True},
            ("found=['first']; answer='yes'", "review: yes", "score", "walk"),
            concurrent=True,
        )
        for joined in (False, True)
    ),
    Scenario(
        "subgraph-with-a-memory-renamed",
        (_remembering("inner", "approve"), _remembering("wrapper", "review")),
        (
            _renames(
                ("inner", "wrapper"),
                ("inner.prepare", "wrapper.prepare"),
                ("inner.approve", "wrapper.review"),
            ),
        ),
        (_PARKED,),
        (yes,),
        {"topic": "x", "draft": "D", "answer": "yes"},
        ("prepare", "review: yes"),
    ),
    Scenario(
        "field-renamed-while-parked-in-a-subgraph",
        (_field_inside(Plain, "draft"), _field_inside(WithSummary, "summary")),
        (lambda op: op.rename_field("state.draft", to="summary"),),
        (_PARKED,),
        (yes,),
        {"topic": "x", "summary": "D", "answer": "yes", "done": True},
        ("prepare", "approve: yes", "summary='D'; answer='yes'", "summary='D'; answer='yes'"),
    ),
)

SCENARIOS: tuple[Scenario, ...] = (
    *FIELDS,
    *STEPS,
    *REMOVED,
    *SEVERAL,
    *NESTED,
    *JOINS,
    *ARRIVALS,
    *SENDS,
    *SUBGRAPHS,
    *MORE,
)
