"""What a thread knows: fields of the state that come, go and change."""

from __future__ import annotations

from typing import Any, Required

from langgraph.types import Command
from langgraph_nodes import Build, Make, asks, chain, reports, upper, writes, yes
from langgraph_play import Scenario, Turn, parked

PLAIN: dict[str, Any] = {"topic": str, "draft": str, "answer": str, "note": str, "done": bool}
WITH_SUMMARY: dict[str, Any] = {"topic": str, "summary": str, "answer": str, "note": str, "done": bool}
TWICE = (yes, Command(resume="fine"))

V1 = chain(
    PLAIN,
    write=writes("write", draft=upper),
    approve=asks("approve", "answer"),
    check=asks("check", "note"),
    send=reports("draft", "answer", "note"),
)


def two_questions(fields: dict[str, Any], last: Make, ask: str = "approve") -> Build:
    nodes = {"write": writes("write", draft=upper), ask: asks(ask, "answer")}
    return chain(fields, **nodes, check=asks("check", "note"), send=last)


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: hint for name, hint in fields.items() if name not in names}


# -- values that must outlive pauses which do not touch them -----------------------------------------------------------


def _long(fields: dict[str, Any], shown: str) -> Build:
    questions = {name: asks(name, name) for name in ("one", "two", "three", "four")}
    return chain(fields, write=writes("write", draft=upper), **questions, send=reports(shown, "one", "four"))


_FOUR: dict[str, Any] = {"topic": str, "one": str, "two": str, "three": str, "four": str, "done": bool}
_ANSWERS = ("1", "2", "3", "4")


FIELDS = (
    Scenario(
        "field-added",
        (
            V1,
            two_questions(
                {**PLAIN, "priority": Required[str]}, reports("draft", "answer", "note", "priority")
            ),
        ),
        (lambda op: op.add_field("state.priority", default="normal"),),
        (parked(), Turn(2, TWICE)),
        {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True, "priority": "normal"},
        ("write", "approve: yes", "check: fine", "draft='X'; answer='yes'; note='fine'; priority='normal'"),
    ),
    Scenario(
        "field-renamed",
        (V1, two_questions(WITH_SUMMARY, reports("summary", "answer", "note"))),
        (lambda op: op.rename_field("state.draft", to="summary"),),
        (parked(), Turn(2, TWICE)),
        {"topic": "x", "summary": "X", "answer": "yes", "note": "fine", "done": True},
        ("write", "approve: yes", "check: fine", "summary='X'; answer='yes'; note='fine'"),
    ),
    Scenario(
        "field-retyped",
        (V1, two_questions({**PLAIN, "draft": list[str]}, reports("draft", "answer", "note"))),
        (lambda op: op.wrap("state.draft"),),
        (parked(), Turn(2, TWICE)),
        {"topic": "x", "draft": ["X"], "answer": "yes", "note": "fine", "done": True},
        ("write", "approve: yes", "check: fine", "draft=['X']; answer='yes'; note='fine'"),
    ),
    Scenario(
        "field-removed",
        (V1, two_questions(without(PLAIN, "draft"), reports("answer", "note"))),
        (lambda op: op.remove_field("state.draft"),),
        (parked(), Turn(2, TWICE)),
        {"topic": "x", "answer": "yes", "note": "fine", "done": True},
        ("write", "approve: yes", "check: fine", "answer='yes'; note='fine'"),
    ),
    Scenario(
        "values-survive-four-pauses",
        (_long({**_FOUR, "draft": str}, "draft"), _long({**_FOUR, "summary": list[str]}, "summary")),
        (lambda op: (op.rename_field("state.draft", to="summary"), op.wrap("state.summary")),),
        (parked(), *(Turn(2, (Command(resume=each),)) for each in _ANSWERS)),
        {"topic": "x", "summary": ["X"], "one": "1", "two": "2", "three": "3", "four": "4", "done": True},
        ("write", "one: 1", "two: 2", "three: 3", "four: 4", "summary=['X']; one='1'; four='4'"),
    ),
)

__all__ = ["FIELDS", "PLAIN", "TWICE", "V1", "WITH_SUMMARY", "two_questions", "without"]
