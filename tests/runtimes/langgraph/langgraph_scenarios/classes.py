"""Classes of values in the state: LangGraph builds their instances before anybody can repair what is stored."""

from __future__ import annotations

from typing import Any

from langgraph_nodes import Build, asks, chain, writes, yes
from langgraph_play import Scenario, Turn, parked
from langgraph_states import ELSEWHERE, Model, at, new

PAPER = Model("Paper", (("title", str), ("words", int)))
HEADED = Model("Paper", (("heading", str), ("words", int)))
DEFAULTED = Model("Paper", (("heading", str), ("words", int)), defaults=(("heading", "none"),))
ARTICLE = Model("Article", PAPER.fields)
MOVED = Model("Paper", PAPER.fields, module=ELSEWHERE)


def holding(paper: Model, *, ask: str = "approve") -> Build:
    fields: dict[str, Any] = {"topic": str, "paper": paper, "answer": str, "done": bool}
    title = paper.fields[0][0]

    def made(state: Any) -> Any:
        return new(paper.name, paper.module, **{title: at(state, "topic"), "words": 3})

    def is_the_topic(state: Any) -> bool:
        return bool(getattr(at(state, "paper"), title) == at(state, "topic"))

    nodes = {"write": writes("write", paper=made), ask: asks(ask, "answer")}
    return chain(fields, **nodes, send=writes("send", done=is_the_topic))


def _parked_and_answered(name: str, paper: Model, script: Any, shown: str) -> Scenario:
    return Scenario(
        name,
        (holding(PAPER), holding(paper)),
        (script,),
        (parked(), Turn(2, (yes,))),
        {"topic": "x", "paper": shown, "answer": "yes", "done": True},
        ("write", "approve: yes", "send"),
    )


NESTED = (
    *(
        _parked_and_answered(
            name,
            paper,
            lambda op: op.rename_field("state.paper.title", to="heading"),
            "Paper(heading='x', words=3)",
        )
        for name, paper in (("nested-renamed", HEADED), ("nested-renamed-with-default", DEFAULTED))
    ),
    _parked_and_answered(
        "nested-class-renamed",
        ARTICLE,
        lambda op: op.rename_type("Paper", "Article"),
        "Article(title='x', words=3)",
    ),
    _parked_and_answered(
        "nested-class-moved", MOVED, lambda op: None, f"{ELSEWHERE}.Paper(title='x', words=3)"
    ),
)
