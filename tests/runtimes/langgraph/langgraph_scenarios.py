"""Threads that are parked under one version of a graph and go on under the next: both graphs, the script between them, what a person does,
and what has to come out. What LangGraph makes of it alone is written beside it, so that a release that changes it is noticed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
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


SCENARIOS: tuple[Scenario, ...] = (*FIELDS, *STEPS, *REMOVED, *SEVERAL, *NESTED, *JOINS)
