"""The workflow of the store's tests with a version 2 whose way down can be proved, so that the window of a deploy is "in memory"."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel
from triage_runs import Approval, Label, revisions

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture


class Renamed(BaseModel):
    topic: str
    digest: str = ""
    log: list[str] = []
    priority: str


NEW = Workflow(
    "triage",
    state=Renamed,
    steps=[
        Step("classify", output=Label, next="review"),
        Step("review", kind="human", output=Approval, next="check"),
        Step("check", next="send"),
        Step("send"),
    ],
)


def to_new(op: Any) -> None:
    op.rename_step("approve", to="review")
    op.rename_field("state.summary", to="digest")
    op.add_field("state.priority", default="normal")


def store(url: str, upto: int = 2, **options: Any) -> RunStore:
    chain = [*revisions(1), Revision("r2", "r1", workflow="triage", snapshot=capture(NEW), upgrade=to_new)]
    return RunStore(url, Migrator(revisions=chain[:upto]), **options)
