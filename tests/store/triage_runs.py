"""The workflow of the store's tests, in three versions, and a clock that stands until it is told to go.

v1 -> v2 renames the step approve, renames and wraps a field and gives a new one; v3 removes a step.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture


class Label(BaseModel):
    label: str


class Approval(BaseModel):
    approved: bool


class StateV1(BaseModel):
    topic: str
    summary: str = ""
    log: list[str] = []


class StateV2(BaseModel):
    topic: str
    digest: list[str] = []
    log: list[str] = []
    priority: str


V1 = Workflow(
    "triage",
    state=StateV1,
    steps=[
        Step("classify", output=Label, next="approve"),
        Step("approve", kind="human", output=Approval, next="check"),
        Step("check", next="send"),
        Step("send"),
    ],
)
V2 = Workflow(
    "triage",
    state=StateV2,
    steps=[
        Step("classify", output=Label, next="review"),
        Step("review", kind="human", output=Approval, next="check"),
        Step("check", next="send"),
        Step("send"),
    ],
)
V3 = Workflow(
    "triage",
    state=StateV2,
    steps=[
        Step("classify", output=Label, next="review"),
        Step("review", kind="human", output=Approval, next="send"),
        Step("send"),
    ],
)


def to_v2(op: Any) -> None:
    op.rename_step("approve", to="review")
    op.rename_field("state.summary", to="digest")
    op.wrap("state.digest")
    op.add_field("state.priority", default="normal")


def revisions(upto: int = 2, policy: Any = None, v2: Any = to_v2) -> list[Revision]:
    """`policy`: what v3's removal of the step check does with a run that stands there."""

    def to_v3(op: Any) -> None:
        op.remove_step("check", cursor=op.forward("send") if policy is None else policy(op))

    chain = [
        Revision("r1", workflow="triage", snapshot=capture(V1)),
        Revision("r2", "r1", workflow="triage", snapshot=capture(V2), upgrade=v2),
        Revision("r3", "r2", workflow="triage", snapshot=capture(V3), upgrade=to_v3),
    ]
    return chain[:upto]


def migrator(upto: int = 2, policy: Any = None, v2: Any = to_v2) -> Migrator:
    return Migrator(revisions=revisions(upto, policy, v2))


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def store(url: str, upto: int = 2, policy: Any = None, v2: Any = to_v2, **options: Any) -> RunStore:
    return RunStore(url, migrator(upto, policy, v2), **options)


def state(**more: Any) -> dict[str, Any]:
    """What v1 starts with."""
    return {"topic": "refund", "summary": "s", "log": [], **more}
