"""A store with runs of version 1 of a workflow, opened by code of version 2."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture

SECRET = "the-patient-said-so"


class State(BaseModel):
    topic: str
    calls: list[Any] = []


class Approval(BaseModel):
    ok: bool


#: a line of steps with one person in it
LINE = (
    Step("draft", next="approve"),
    Step("approve", kind="human", output=Approval, next="send"),
    Step("send"),
)


def workflow(*steps: Step, state: Any = State) -> Workflow:
    return Workflow("w", state=state, steps=list(steps or LINE))


def fleet(
    url: str,
    old: Workflow,
    new: Workflow,
    script: Any = lambda op: None,
    *documents: dict[str, Any],
    down: Any = None,
) -> RunStore:
    """The documents are put in as they are, as runs r0, r1, ... of version 1."""
    chain = [
        Revision("v1", workflow="w", snapshot=capture(old)),
        Revision("v2", "v1", workflow="w", snapshot=capture(new), upgrade=script, downgrade=down),
    ]
    store = RunStore(url, Migrator(revisions=chain))
    store.adopt([(store.blank(f"r{number}", "v1"), each) for number, each in enumerate(documents)])
    return store


def document(*cursor: dict[str, Any], **parts: Any) -> dict[str, Any]:
    state = parts.pop("state", {"topic": SECRET, "calls": []})
    return {
        "status": "active",
        "state": state,
        "outputs": {},
        "done": {},
        "cursor": list(cursor),
        "pending": [],
        **parts,
    }


def at(step: str, **more: Any) -> dict[str, Any]:
    return {"id": f"p-{step}", "step": step, "status": "ready", **more}


def waiting(step: str, on: str = "human", **more: Any) -> dict[str, Any]:
    return at(step, status="waiting", on=on, key="k", payload={"q": SECRET}, **more)
