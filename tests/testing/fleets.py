"""A workflow in four versions, for fleets in which all of them run at once.

v1 -> v2 renames a step, renames and wraps a field and adds one; v2 -> v3 renames the field again inside every item and another step;
v3 -> v4 removes a step, and sends who stands there on.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from statemig import Revision, Step, Workflow, capture


class Label(BaseModel):
    label: str


class Approval(BaseModel):
    approved: bool


class Line(BaseModel):
    text: str
    number: int | None = None


class NewLine(BaseModel):
    content: str
    number: int | None = None


class StateV1(BaseModel):
    topic: str
    summary: str = ""
    log: list[Line] = []


class StateV2(BaseModel):
    topic: str
    digest: list[str] = []
    log: list[Line] = []
    priority: str


class StateV3(BaseModel):
    topic: str
    digests: list[str] = []
    log: list[NewLine] = []
    priority: str


def workflow(state: Any, first: str, ask: str, last: str, check: bool = True) -> Workflow:
    steps = [
        Step(first, output=Label, next=ask),
        Step(ask, kind="human", output=Approval, next=["check", first] if check else [last, first]),
        *([Step("check", fork=["left", "right"])] if check else []),
        *([Step("left", next=last), Step("right", next=last)] if check else []),
        Step(last, joins=["left", "right"] if check else []),
    ]
    return Workflow("triage", state=state, steps=steps)


def to_v2(op: Any) -> None:
    op.rename_step("approve", to="review")
    op.rename_field("state.summary", to="digest")
    op.wrap("state.digest")
    op.add_field("state.priority", default="normal")


def to_v3(op: Any) -> None:
    op.rename_step("classify", to="sort")
    op.rename_field("state.digest", to="digests")
    op.rename_field("state.log[].text", to="content")


def to_v4(op: Any) -> None:
    op.rename_step("send", to="deliver")
    op.remove_field("state.priority", restore="low")


class StateV4(BaseModel):
    topic: str
    digests: list[str] = []
    log: list[NewLine] = []


CHAIN = [
    Revision("r1", workflow="triage", snapshot=capture(workflow(StateV1, "classify", "approve", "send"))),
    Revision(
        "r2",
        "r1",
        workflow="triage",
        snapshot=capture(workflow(StateV2, "classify", "review", "send")),
        upgrade=to_v2,
    ),
    Revision(
        "r3",
        "r2",
        workflow="triage",
        snapshot=capture(workflow(StateV3, "sort", "review", "send")),
        upgrade=to_v3,
    ),
    Revision(
        "r4",
        "r3",
        workflow="triage",
        snapshot=capture(workflow(StateV4, "sort", "review", "deliver")),
        upgrade=to_v4,
    ),
]


ASKED = [
    Revision(
        "a1",
        workflow="asked",
        snapshot=capture(
            Workflow(
                "asked",
                state=StateV4,
                steps=[Step("ask", kind="human", output=Approval, next="ask")],
            )
        ),
    )
]
