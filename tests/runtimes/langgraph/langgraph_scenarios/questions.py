"""Questions and answers: an answer never reaches another question than the one it was given to."""

from __future__ import annotations

from typing import Any

from langgraph.types import Command
from langgraph_nodes import Build, asks, chain, writes, yes
from langgraph_play import Answer, Scenario, Turn, parked

from langgraph_scenarios.fields import PLAIN, V1
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
