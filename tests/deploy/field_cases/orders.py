"""A workflow in two versions, and its worker: python orders.py URL LOG NAME VERSION [STEPS]. Not a test.

An order is planned, approved by a person, packed and sent. Version 2 renames `approve` to `review` and `note` to `remark`, forgets the
`draft`, gives every order a priority, and audits after packing. Nobody says where a run goes that stands at the audit when version 2 is
undone, so there is no way back for it.

Each step notes what it did in the log before it is saved, as a side effect would be.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from pydantic import BaseModel

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture


class Answer(BaseModel):
    approved: bool


class V1(BaseModel):
    customer: str
    note: str
    draft: str
    done: list[str] = []


class V2(BaseModel):
    customer: str
    remark: str
    priority: str
    done: list[str] = []


def snapshot(version: int) -> Any:
    if version == 1:
        steps = [
            Step("plan", next="approve"),
            Step("approve", kind="human", output=Answer, next="pack"),
            Step("pack", next="send"),
            Step("send"),
        ]
        return capture(Workflow("orders", state=V1, steps=steps))
    steps = [
        Step("plan", next="review"),
        Step("review", kind="human", output=Answer, next="pack"),
        Step("pack", next="audit"),
        Step("audit", next="send"),
        Step("send"),
    ]
    return capture(Workflow("orders", state=V2, steps=steps))


def to_v2(op: Any) -> None:
    op.rename_step("approve", to="review")
    op.add_step("audit", after="pack", passed="skip")
    op.rename_field("state.note", to="remark")
    op.remove_field("state.draft", restore="")
    op.add_field("state.priority", default="normal")


def migrator(version: int) -> Migrator:
    chain = [
        Revision("v1", workflow="orders", snapshot=snapshot(1)),
        Revision("v2", "v1", workflow="orders", snapshot=snapshot(2), upgrade=to_v2),
    ]
    return Migrator(revisions=chain[:version])


def store(url: str, version: int) -> RunStore:
    return RunStore(url, migrator(version))


def order(number: int) -> dict[str, Any]:
    """What version 1 starts with."""
    return {
        "customer": f"customer {number}",
        "note": f"note {number}",
        "draft": f"draft {number}",
        "done": [],
    }


def note(log: str, *words: str) -> None:
    """One line, appended by one write."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, ("\t".join(words) + "\n").encode())
    os.close(file)


def work(runs: RunStore, log: str, name: str, *, steps: int | None = None) -> None:
    """Claim and do steps until there is nothing left to do for a second, or so many are done."""
    idle = done = 0
    while idle < 100 and (steps is None or done < steps):
        run = runs.claim(name, ttl=30)
        if run is None:
            idle += 1
            time.sleep(0.01)
            continue
        idle = 0
        with run:
            note(log, run.run_id, run.revision, run.step or "", run.idempotency_key or "", name)
            run.state["done"].append(f"{run.step} by {run.revision}")
            if run.step in ("approve", "review") and run.answer is None:
                run.wait(run.step, key="approval", payload={"please": "look"})
            else:
                run.advance()
        done += 1
        time.sleep(0.001)  # who just had SQLite's lock lets the others ask
    runs.deploy.leave(name)


if __name__ == "__main__":
    _, url, log, name, version, *steps = sys.argv
    work(store(url, int(version)), log, name, steps=int(steps[0]) if steps else None)
