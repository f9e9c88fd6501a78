"""Questions and answers: an answer never reaches another question than the one it was given to."""

from __future__ import annotations

from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from langgraph_nodes import Build, Log, asks, chain, writes, yes
from langgraph_play import Answer, Scenario, Turn, parked
from langgraph_states import Kind, graph_of

from langgraph_scenarios.fields import PLAIN, V1, without
from langgraph_scenarios.steps import RENAMED
from langgraph_scenarios.subgraphs import nested

_END = {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True}
_SENT = "draft='X'; answer='yes'; note='fine'"
_INSIDE = {"topic": "x", "draft": "X", "answer": "yes", "done": True}
_REVIEW = (lambda op: op.rename_step("approve", to="review"),)
_WRAPPER = (lambda op: op.rename_step("inner", to="wrapper"),)
FINE = Command(resume="fine")

_IDS: tuple[tuple[str, Any], ...] = (
    ("todays", "today"),
    ("a-translated", "translated"),
    ("the-old", "old"),
)

BY_ID = (
    Scenario(
        "answer-by-todays-id-after-a-rename",
        (V1, RENAMED),
        _REVIEW,
        (parked(), Turn(2, (Answer("yes", by="today"), FINE))),
        _END,
        ("write", "review: yes", "check: fine", _SENT),
    ),
    Scenario(
        "answer-by-a-translated-id-after-a-rename",
        (V1, RENAMED),
        _REVIEW,
        (parked(), Turn(2, (Answer("yes", by="translated"), FINE))),
        _END,
        ("write", "review: yes", "check: fine", _SENT),
    ),
    Scenario(
        "answer-by-the-old-id-after-a-rename",
        (V1, RENAMED),
        _REVIEW,
        (parked(), Turn(2, (Answer("yes", by="old"), FINE))),
        _END,
        ("write", "review: yes", "check: fine", _SENT),
    ),
    *(
        Scenario(
            f"answer-by-{name}-id-in-a-renamed-subgraph",
            (nested("inner", "approve"), nested("wrapper", "approve")),
            _WRAPPER,
            (parked(), Turn(2, (Answer("yes", by=by),))),
            _INSIDE,
            ("plan", "prepare", "approve: yes", "draft='X'; answer='yes'"),
        )
        for name, by in _IDS
    ),
    *(
        Scenario(
            f"answer-by-{name}-id-to-a-renamed-step-in-a-subgraph",
            (nested("inner", "approve"), nested("inner", "review")),
            (lambda op: op.rename_step("inner.approve", to="inner.review"),),
            (parked(), Turn(2, (Answer("yes", by=by),))),
            _INSIDE,
            ("plan", "prepare", "review: yes", "draft='X'; answer='yes'"),
        )
        for name, by in _IDS
    ),
)

# -- questions of one step ---------------------------------------------------------------------------------------------


def asking(*questions: str) -> Build:
    return chain(PLAIN, write=writes("write"), approve=asks("approve", "answer", *questions))


def _asked(
    name: str,
    before: tuple[str, ...],
    after: tuple[str, ...],
    order: list[int | None],
    turns: tuple[Turn, ...],
    log: tuple[str, ...],
    answer: str | None,
    **expected: Any,
) -> Scenario:
    state = {"topic": "x"} if answer is None else {"topic": "x", "answer": answer}
    return Scenario(
        name,
        (asking(*before), asking(*after)),
        (lambda op: op.map_waiting("approve", order=order),),
        turns,
        state,
        ("write", *log),
        **expected,
    )


def _say(*answers: str) -> tuple[Any, ...]:
    return tuple(Command(resume=each) for each in answers)


_TWO = ("one?", "two?")

ORDER = (
    _asked(
        "question-inserted-before",
        ("old?",),
        ("new?", "old?"),
        [None, 0],
        (parked(), Turn(2, (yes,), fails="RuntimeError"), Turn(2, (None, *_say("first", "second")))),
        ("refused: RuntimeError", "approve: new? first, old? second"),
        "first, second",
    ),
    _asked(
        "question-inserted-before-and-answered-by-the-old-id",
        ("old?",),
        ("new?", "old?"),
        [None, 0],
        (
            parked(),
            Turn(2, (Answer("yes", by="old"),), fails="AnswerError"),
            Turn(2, (None, *_say("first", "second"))),
        ),
        ("refused: AnswerError", "approve: new? first, old? second"),
        "first, second",
    ),
    _asked(
        "question-inserted-before-and-answered-by-a-translated-id",
        ("old?",),
        ("new?", "old?"),
        [None, 0],
        (
            parked(),
            Turn(2, (Answer("yes", by="translated"),), fails="AnswerError"),
            Turn(2, (None, *_say("first", "second"))),
        ),
        ("refused: AnswerError", "approve: new? first, old? second"),
        "first, second",
    ),
    _asked(
        "question-inserted-after",
        _TWO,
        ("one?", "two?", "three?"),
        [0, 1, None],
        (parked("x", *_say("1")), Turn(2, (None, None, *_say("2", "3")))),
        ("approve: one? 1, two? 2, three? 3",),
        "1, 2, 3",
    ),
    _asked(
        "questions-swapped",
        _TWO,
        ("two?", "one?"),
        [1, 0],
        (parked("x", *_say("1")), Turn(2, _say("2")), Turn(2, (None,))),
        ("approve: two? 2, one? 1",),
        "2, 1",
    ),
    _asked(
        "questions-swapped-and-the-thread-is-touched",
        _TWO,
        ("two?", "one?"),
        [1, 0],
        (parked("x", *_say("1")), Turn(2, (None,)), Turn(2, (None, *_say("2"))), Turn(2, (None,))),
        ("approve: two? 2, one? 1",),
        "2, 1",
    ),
    _asked(
        "answered-question-removed",
        _TWO,
        ("two?",),
        [1],
        (parked("x", *_say("1")), Turn(2, (None, None)), Turn(2, _say("2"))),
        ("approve: two? 2",),
        "2",
    ),
    _asked(
        "waiting-question-removed",
        _TWO,
        ("two?",),
        [1],
        (parked(), Turn(2, (yes,), fails="CursorError"), Turn(1, _say("1", "2"))),
        ("refused: CursorError", "approve: one? 1, two? 2"),
        "1, 2",
    ),
)


# -- a question that comes before the one that waits, and more ----------------------------------------------------------


_ASKED: dict[str, Any] = {"topic": str, "answer": str}


def asking_inside(*questions: str) -> Build:
    """A subgraph that asks."""

    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        inner = chain(_ASKED, prepare=writes("prepare"), approve=asks("approve", "answer", *questions))
        graph = graph_of(kind, _ASKED)
        graph.add_node("inner", inner(log, kind).compile())
        graph.add_edge(START, "inner")
        graph.add_edge("inner", END)
        return graph

    return build


_INNER_ORDER = (lambda op: op.map_waiting("inner.approve", order=[None, 0]),)
_BOTH = "approve: new? first, old? second"
_LATER = (
    asking("old?"),
    asking("new?", "old?"),
    chain(
        without(PLAIN, "note"),
        write=writes("write"),
        approve=asks("approve", "answer", "new?", "old?"),
    ),
)
_LATER_SCRIPTS = (
    lambda op: op.map_waiting("approve", order=[None, 0]),
    lambda op: op.remove_field("state.note"),
)
_ANSWERED = {"topic": "x", "answer": "first, second"}

INSERTED = (
    Scenario(
        "question-inserted-before-and-answered-by-its-own-id",
        _LATER[:2],
        _LATER_SCRIPTS[:1],
        (
            parked(),
            Turn(2, (None,)),
            Turn(2, (Answer("first", by="translated"),)),
            Turn(2, (Answer("second", by="old"),)),
        ),
        _ANSWERED,
        ("write", _BOTH),
    ),
    Scenario(
        "question-inserted-before-asked-and-one-revision-more",
        _LATER,
        _LATER_SCRIPTS,
        (parked(), Turn(2, (None,)), Turn(3, _say("first", "second"))),
        _ANSWERED,
        ("write", _BOTH),
    ),
    Scenario(
        "question-inserted-before-and-one-revision-more",
        _LATER,
        _LATER_SCRIPTS,
        (parked(), Turn(3, (yes,), fails="RuntimeError"), Turn(3, (None, *_say("first", "second")))),
        _ANSWERED,
        ("write", "refused: RuntimeError", _BOTH),
    ),
    Scenario(
        "question-inserted-before-one-revision-more-and-the-old-id",
        _LATER,
        _LATER_SCRIPTS,
        (
            parked(),
            Turn(3, (Answer("yes", by="old"),), fails="AnswerError"),
            Turn(3, (None, *_say("first", "second"))),
        ),
        _ANSWERED,
        ("write", "refused: AnswerError", _BOTH),
    ),
    Scenario(
        "question-inserted-before-one-revision-more-and-a-translated-id",
        _LATER,
        _LATER_SCRIPTS,
        (
            parked(),
            Turn(3, (Answer("yes", by="translated"),), fails="AnswerError"),
            Turn(3, (None, *_say("first", "second"))),
        ),
        _ANSWERED,
        ("write", "refused: AnswerError", _BOTH),
    ),
    Scenario(
        "question-inserted-before-in-a-subgraph",
        (asking_inside("old?"), asking_inside("new?", "old?")),
        _INNER_ORDER,
        (parked(), Turn(2, (yes,), fails="RuntimeError"), Turn(2, (None, *_say("first", "second")))),
        _ANSWERED,
        ("prepare", "refused: RuntimeError", _BOTH),
    ),
    Scenario(
        "question-inserted-before-in-a-subgraph-and-the-old-id",
        (asking_inside("old?"), asking_inside("new?", "old?")),
        _INNER_ORDER,
        (
            parked(),
            Turn(2, (Answer("yes", by="old"),), fails="AnswerError"),
            Turn(2, (None, *_say("first", "second"))),
        ),
        _ANSWERED,
        ("prepare", "refused: AnswerError", _BOTH),
    ),
    Scenario(
        "question-inserted-before-in-a-subgraph-and-a-translated-id",
        (asking_inside("old?"), asking_inside("new?", "old?")),
        _INNER_ORDER,
        (
            parked(),
            Turn(2, (Answer("yes", by="translated"),), fails="AnswerError"),
            Turn(2, (None, *_say("first", "second"))),
        ),
        _ANSWERED,
        ("prepare", "refused: AnswerError", _BOTH),
    ),
)
