"""A worker process of a mixed fleet: python mixed_worker.py URL LOG NAME VERSION[,VERSION]. Not a test.

It claims until every run has ended. Each step appends "run version step key" to the log before it is saved, as a side effect would be.
"""

import os
import sys
import time

from pydantic import BaseModel

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.deploy import SideBySide

ROUNDS = 4
STEPS = {1: "work", 2: "labour", 3: "labour"}
COUNTERS = {1: "n", 2: "count", 3: "count"}


class V1(BaseModel):
    n: int


class V2(BaseModel):
    count: int


class V3(BaseModel):
    count: int
    unit: str = "rounds"


def migrator(version):
    def workflow(state, work):
        return Workflow("mixed", state=state, steps=[Step(work, next=[work, "end"]), Step("end")])

    def to_2(op):
        op.rename_step("work", to="labour")
        op.rename_field("state.n", to="count")

    chain = [
        Revision("v1", workflow="mixed", snapshot=capture(workflow(V1, "work"))),
        Revision("v2", "v1", workflow="mixed", snapshot=capture(workflow(V2, "labour")), upgrade=to_2),
        Revision(
            "v3",
            "v2",
            workflow="mixed",
            snapshot=capture(workflow(V3, "labour")),
            upgrade=lambda op: op.add_field("state.unit", default="rounds"),
        ),
    ]
    return Migrator(revisions=chain, head=f"v{version}")


def note(log, *words):
    """One line, appended by one write."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (" ".join(words) + "\n").encode())
    os.close(file)


def work(url, log, name, versions):
    fleet = SideBySide(RunStore(url, migrator(version)) for version in versions)
    newest = fleet.store(f"v{max(versions)}")
    idle = 0
    while idle < 400:
        run = fleet.claim(name, ttl=30)
        if run is None:
            if not newest.kinds():
                break
            idle += 1
            time.sleep(0.01)
            continue
        idle = 0
        version = int(run.revision[1:])
        with run:
            note(log, run.run_id, run.revision, run.step, run.idempotency_key, name)
            run.state[COUNTERS[version]] += 1
            if run.state[COUNTERS[version]] < ROUNDS:
                run.advance(STEPS[version])
            else:
                run.finish()
        time.sleep(0.001)  # who just had SQLite's lock lets the others ask
    for version in versions:
        newest.deploy.leave(name, f"v{version}")


if __name__ == "__main__":
    work(*sys.argv[1:4], [int(part) for part in sys.argv[4].split(",")])
