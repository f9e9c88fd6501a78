"""Several deploys, workers of old and new code on the same threads, and the way back."""

from __future__ import annotations

import operator
from typing import Annotated, Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_nodes import Build, Log, asks, chain, reports, upper, writes, yes
from langgraph_play import Answer, Scenario, Turn, parked
from langgraph_states import Kind, graph_of, shown

from langgraph_scenarios.classes import HEADED, PAPER, holding
from langgraph_scenarios.fields import TWICE, V1, WITH_SUMMARY

V2 = chain(
    WITH_SUMMARY,
    write=writes("write", summary=upper),
    review=asks("review", "answer"),
    check=asks("check", "note"),
    send=reports("summary", "answer", "note"),
)
V3 = chain(
    {**WITH_SUMMARY, "priority": str},
    write=writes("write", summary=upper),
    judge=asks("judge", "answer"),
    verify=asks("verify", "note"),
    send=reports("summary", "answer", "note", "priority"),
)
FINE = Command(resume="fine")


def _to_v2(op: Any) -> object:
    return op.rename_step("approve", to="review"), op.rename_field("state.draft", to="summary")


def _to_v3(op: Any) -> object:
    op.rename_step("review", to="judge")
    op.rename_step("check", to="verify")
    return op.add_field("state.priority", default="normal")


_TO_V2, _TO_V3 = (_to_v2,), (_to_v2, _to_v3)
_AT_V1 = {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True}
_AT_V2 = {"topic": "x", "summary": "X", "answer": "yes", "note": "fine", "done": True}
_AT_V3 = {**_AT_V2, "priority": "normal"}
_SENT_1, _SENT_2 = "draft='X'; answer='yes'; note='fine'", "summary='X'; answer='yes'; note='fine'"
_SENT_3 = f"{_SENT_2}; priority='normal'"

SEVERAL = (
    Scenario(
        "several-revisions-at-once",
        (V1, V2, V3),
        _TO_V3,
        (parked(), Turn(3, TWICE)),
        _AT_V3,
        ("write", "judge: yes", "verify: fine", _SENT_3),
    ),
    Scenario(
        "one-pause-per-revision",
        (V1, V2, V3),
        _TO_V3,
        (parked(), Turn(2, (yes,)), Turn(3, (FINE,))),
        _AT_V3,
        ("write", "review: yes", "verify: fine", _SENT_3),
    ),
    Scenario(
        "touched-and-left-as-it-was",
        (V1, V2, V3),
        _TO_V3,
        (parked(), Turn(2, (None,)), Turn(3, TWICE)),
        _AT_V3,
        ("write", "judge: yes", "verify: fine", _SENT_3),
    ),
    Scenario(
        "late-migration-after-a-silent-end",
        (V1, V2),
        _TO_V2,
        (parked(), Turn(2, (Command(resume="lost"),), wrapped=False), Turn(2, (None,)), Turn(2, TWICE)),
        _AT_V2,
        ("write", "review: yes", "check: fine", _SENT_2),
    ),
)

MIXED = (
    Scenario(
        "old-worker-refuses-what-a-newer-one-wrote",
        (V1, V2),
        _TO_V2,
        (parked(), Turn(2, (yes,)), Turn(1, (FINE,), fails="NewerRevisionError"), Turn(2, (FINE,))),
        _AT_V2,
        ("write", "review: yes", "refused: NewerRevisionError", "check: fine", _SENT_2),
    ),
    Scenario(
        "old-worker-goes-on-where-a-newer-one-was",
        (V1, V2),
        _TO_V2,
        (parked(), Turn(2, (yes,)), Turn(1, (FINE,), on_newer="downgrade")),
        _AT_V1,
        ("write", "review: yes", "check: fine", _SENT_1),
    ),
    Scenario(
        "old-and-new-workers-take-turns",
        (V1, V2),
        _TO_V2,
        (
            Turn(1, ({"topic": "x"},)),
            Turn(2, (None,)),
            Turn(1, (None,), on_newer="downgrade"),
            Turn(2, (yes,)),
            Turn(1, (None,), on_newer="downgrade"),
            Turn(2, (FINE,)),
        ),
        _AT_V2,
        ("write", "review: yes", "check: fine", _SENT_2),
    ),
    Scenario(
        "old-worker-without-statemig-after-a-newer-one",
        (V1, V2),
        _TO_V2,
        (
            Turn(1, ({"topic": "x"},)),
            Turn(1, (yes,), wrapped=False),
            Turn(2, (FINE,)),
        ),
        None,
        ("write", "approve: yes"),
        error="UnstampedError",
        says=("{thread}", "a graph without the MigratingSaver wrote it"),
    ),
    Scenario(
        "rollback",
        (V1, V2),
        _TO_V2,
        (parked(), Turn(2, (yes,)), Turn(2, back_to="r1"), Turn(1, (FINE,), wrapped=False)),
        _AT_V1,
        ("write", "review: yes", "check: fine", _SENT_1),
    ),
    Scenario(
        "rollback-of-an-untouched-thread",
        (V1, V2),
        _TO_V2,
        (parked(), Turn(2, (None,)), Turn(2, back_to="r1"), Turn(1, TWICE, wrapped=False)),
        _AT_V1,
        ("write", "approve: yes", "check: fine", _SENT_1),
    ),
    Scenario(
        "rollback-of-a-nested-field",
        (holding(PAPER), holding(HEADED, ask="review")),
        (
            lambda op: (
                op.rename_step("approve", to="review"),
                op.rename_field("state.paper.title", to="heading"),
            ),
        ),
        (parked(), Turn(2, (None,)), Turn(2, back_to="r1"), Turn(1, (yes,), wrapped=False)),
        {"topic": "x", "paper": "Paper(title='x', words=3)", "answer": "yes", "done": True},
        ("write", "approve: yes", "send"),
    ),
)


# -- pending writes of several versions on one checkpoint --------------------------------------------------------------


def _questions(field: str, *names: str) -> Build:
    """Branches that all ask, and a join that reports."""

    def ask(log: Log, name: str) -> Any:
        def node(state: Any) -> Any:
            answer = interrupt(name)
            log.append(f"{name}: {shown(answer)}")
            return {field: [answer]}

        return node

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, {field: Annotated[list[Any], operator.add], "done": bool})
        graph.add_node("combine", reports(field)(log))
        for name in names:
            graph.add_node(name, ask(log, name))
            graph.add_edge(START, name)
        graph.add_edge([*names], "combine")
        graph.add_edge("combine", END)
        return graph

    return build


_PENDING = (
    _questions("answers", "a", "b", "c"),
    _questions("verdicts", "a2", "b2", "c2"),
    _questions("judged", "a3", "b3", "c3"),
)


def _up_once(op: Any) -> None:
    op.rename_field("state.answers", to="verdicts")
    op.wrap("state.verdicts[]")
    for name in "abc":
        op.rename_step(name, to=f"{name}2")


def _up_twice(op: Any) -> None:
    op.rename_field("state.verdicts", to="judged")
    for name in "abc":
        op.rename_step(f"{name}2", to=f"{name}3")


_OLD = {"answers": ["old"]}

PENDING = (
    Scenario(
        "pending-writes-of-several-versions",
        _PENDING,
        (_up_once, _up_twice),
        (
            Turn(1, (_OLD, Answer("A", by="today", to="a"))),
            Turn(2, (Answer(["B"], by="today", to="b"),)),
            Turn(3, (Answer(["C"], by="today", to="c2"),)),
        ),
        {"judged": [["old"], ["A"], ["B"], ["C"]], "done": True},
        ("a: A", "b2: ['B']", "c3: ['C']", "judged=[['old'], ['A'], ['B'], ['C']]"),
    ),
    Scenario(
        "pending-writes-of-newer-versions-under-an-older-one",
        _PENDING,
        (_up_once, _up_twice),
        (
            Turn(1, (_OLD,)),
            Turn(3, (Answer(["B"], by="today", to="b"),)),
            Turn(2, (Answer(["A"], by="today", to="a3"),), on_newer="downgrade"),
            Turn(1, (Answer("C", by="today", to="c3"),), on_newer="downgrade"),
        ),
        {"answers": ["old", "A", "B", "C"], "done": True},
        ("b3: ['B']", "a2: ['A']", "c: C", "answers=['old', 'A', 'B', 'C']"),
    ),
)
