"""Branches that run side by side, and the joins that wait for them: what has finished is not run again, and who has arrived stays."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from langgraph_nodes import Build, Log, asks, reports, writes, yes
from langgraph_play import Scenario, Turn, parked
from langgraph_states import Kind, graph_of

BRANCHES: dict[str, Any] = {
    "topic": str,
    "found": Annotated[list[str], operator.add],
    "answer": str,
    "done": bool,
}


def forked(
    left: str, ask: str, join: str, extra: str | None = None, *, order: tuple[str, ...] | None = None
) -> Build:
    """Branches that start together, one of which asks, and a join that waits for all of them."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, BRANCHES)
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


FORK = forked("score", "approve", "combine")
_JOINED = {"topic": "x", "found": ["left"], "answer": "yes", "done": True}
_COMBINED = "found=['left']; answer='yes'"
_ANSWERED = (parked(), Turn(2, (yes,)))


def _no_audit(op: Any) -> object:
    return op.change_join("combine", ["score", "approve"]), op.remove_step("audit", cursor=op.fail())


JOINS = (
    Scenario(
        "finished-sibling-renamed",
        (FORK, forked("rate", "approve", "combine")),
        (lambda op: op.rename_step("score", to="rate"),),
        _ANSWERED,
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
    ),
    Scenario(
        "waiting-sibling-renamed",
        (FORK, forked("score", "review", "combine")),
        (lambda op: op.rename_step("approve", to="review"),),
        _ANSWERED,
        _JOINED,
        ("plan", "score", "review: yes", _COMBINED),
    ),
    Scenario(
        "join-renamed",
        (FORK, forked("score", "approve", "merge")),
        (lambda op: op.rename_step("combine", to="merge"),),
        _ANSWERED,
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
    ),
    Scenario(
        "join-lists-its-branches-in-another-order",
        (FORK, forked("score", "approve", "combine", order=("approve", "score"))),
        (lambda op: None,),
        _ANSWERED,
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
    ),
    Scenario(
        "branch-added-and-started",
        (FORK, forked("score", "approve", "combine", "audit")),
        (lambda op: op.change_join("combine", ["score", "approve", "audit"], new_branch="start"),),
        _ANSWERED,
        {"topic": "x", "found": ["extra", "left"], "answer": "yes", "done": True},
        ("plan", "score", "audit", "approve: yes", "found=['extra', 'left']; answer='yes'"),
        concurrent=True,
    ),
    Scenario(
        "branch-added-as-arrived",
        (FORK, forked("score", "approve", "combine", "audit")),
        (lambda op: op.change_join("combine", ["score", "approve", "audit"], new_branch="arrived"),),
        _ANSWERED,
        _JOINED,
        ("plan", "score", "approve: yes", _COMBINED),
    ),
    Scenario(
        "finished-branch-removed",
        (forked("score", "approve", "combine", "audit"), FORK),
        (_no_audit,),
        (parked(), Turn(2, (yes,), fails="CursorError"), Turn(1, (yes,))),
        {"topic": "x", "found": ["extra", "left"], "answer": "yes", "done": True},
        (
            "plan",
            "score",
            "audit",
            "refused: CursorError",
            "approve: yes",
            "found=['extra', 'left']; answer='yes'",
        ),
        concurrent=True,
    ),
    Scenario(
        "finished-branch-removed-with-what-it-wrote",
        (forked("score", "approve", "combine", "audit"), FORK),
        (lambda op: (op.drop_pending("audit", why="nobody reads it"), _no_audit(op)),),
        _ANSWERED,
        _JOINED,
        ("plan", "score", "audit", "approve: yes", _COMBINED),
        concurrent=True,
    ),
    Scenario(
        "waiting-branch-removed",
        (forked("score", "approve", "combine", "audit"), forked("score", "", "combine", "audit")),
        (
            lambda op: (
                op.change_join("combine", ["score", "audit"]),
                op.remove_step("approve", cursor=op.forward("combine")),
            ),
        ),
        (parked(), Turn(2, (None,), fails="CursorError"), Turn(1, (yes,))),
        {"topic": "x", "found": ["extra", "left"], "answer": "yes", "done": True},
        (
            "plan",
            "score",
            "audit",
            "refused: CursorError",
            "approve: yes",
            "found=['extra', 'left']; answer='yes'",
        ),
        concurrent=True,
    ),
)


# -- one branch has arrived, and its superstep is over -----------------------------------------------------------------


def arriving(branches: tuple[str, ...], slow: str, join: str) -> Build:
    """The branches arrive at the join while the slow one, which has one more step, still asks."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, BRANCHES)
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
        _ANSWERED,
        _LATE_STATE,
        _LATE,
        concurrent=True,
    ),
    Scenario(
        "join-renamed-while-one-waits-there",
        (_ARRIVED, arriving(("score",), "approve", "merge")),
        (lambda op: op.rename_step("combine", to="merge"),),
        _ANSWERED,
        _LATE_STATE,
        _LATE,
        concurrent=True,
    ),
    Scenario(
        "branch-added-while-one-waits-there",
        (_ARRIVED, arriving(("score", "audit"), "approve", "combine")),
        (lambda op: op.change_join("combine", ["score", "audit", "approve"], new_branch="arrived"),),
        _ANSWERED,
        _LATE_STATE,
        _LATE,
        concurrent=True,
    ),
    Scenario(
        "branch-started-while-one-waits-there",
        (_ARRIVED, arriving(("score", "audit"), "approve", "combine")),
        (lambda op: op.change_join("combine", ["score", "audit", "approve"], new_branch="start"),),
        _ANSWERED,
        {"topic": "x", "found": ["score", "audit"], "answer": "yes", "done": True},
        ("plan", "score", "walk", "audit", "approve: yes", "found=['score', 'audit']; answer='yes'"),
        concurrent=True,
    ),
    Scenario(
        "arrived-branch-no-longer-awaited",
        (arriving(("score", "audit"), "approve", "combine"), _ARRIVED),
        (_no_audit,),
        _ANSWERED,
        {"topic": "x", "found": ["audit", "score"], "answer": "yes", "done": True},
        ("plan", "score", "audit", "walk", "approve: yes", "found=['audit', 'score']; answer='yes'"),
        concurrent=True,
    ),
)

# -- nodes that say where they go, and nodes that wait for the end of all else -----------------------------------------


def _sent_on(target: str, ask: str) -> Build:
    """One branch says itself where it goes, while the other asks."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        def route(state: Any) -> Any:
            log.append("route")
            return Command(goto=target, update={"found": ["route"]})

        graph = graph_of(kind, BRANCHES)
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

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, BRANCHES)
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


def renames(*pairs: tuple[str, str]) -> Callable[[Any], object]:
    return lambda op: [op.rename_step(old, to=new) for old, new in pairs]


WAYS = (
    Scenario(
        "finished-sibling-goes-to-a-renamed-node",
        (_sent_on("next", "approve"), _sent_on("after", "review")),
        (renames(("next", "after"), ("approve", "review")),),
        _ANSWERED,
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
            (renames(("score", "rate"), ("approve", "review"), ("combine", "merge")),),
            _ANSWERED,
            {"topic": "x", "found": ["first"], "answer": "yes", "done": True},
            ("found=['first']; answer='yes'", "review: yes", "score", "walk"),
            concurrent=True,
        )
        for joined in (False, True)
    ),
)
