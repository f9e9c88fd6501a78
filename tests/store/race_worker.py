"""A worker process of the race: python race_worker.py URL LOG NAME VERSION MODE. Not a test."""

import os
import sys
import time
from pathlib import Path

from pydantic import BaseModel

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.errors import ConflictError, NewerRevisionError, UnknownRevisionError

ROUNDS = 12
RUNS = 12
LOADS = 150


class V1(BaseModel):
    n: int
    seen: list[str] = []


class V2(BaseModel):
    count: int
    seen: list[str] = []
    unit: str


def migrator(version):
    def workflow(state, work):
        return Workflow("race", state=state, steps=[Step(work, next=[work, "end"]), Step("end")])

    def up(op):
        op.rename_step("work", to="labour")
        op.rename_field("state.n", to="count")
        op.add_field("state.unit", default="rounds")

    chain = [
        Revision("v1", workflow="race", snapshot=capture(workflow(V1, "work"))),
        Revision("v2", "v1", workflow="race", snapshot=capture(workflow(V2, "labour")), upgrade=up),
    ]
    return Migrator(revisions=chain[:version])


def note(log, *words):
    """One line, appended by one write: the side effect of a step."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, (" ".join(words) + "\n").encode())
    os.close(file)


def work(store, log, name, version):
    """Claim until every run has ended. The side effect comes before the save, as in life."""
    counter, step = ("n", "work") if version == 1 else ("count", "labour")
    idle = 0
    while idle < 200:
        run = store.claim(name, ttl=60)
        if run is None:
            if not any(each.step for each in store.counts()):
                return
            idle += 1
            time.sleep(0.005)
            continue
        idle = 0
        with run:
            note(log, run.run_id, run.idempotency_key, name, run.revision)
            run.state[counter] += 1
            run.state["seen"].append(run.idempotency_key)
            if run.state[counter] < ROUNDS:
                run.advance(step)
            else:
                run.finish()
        time.sleep(
            0.001
        )  # SQLite gives its lock to whoever asks first, so who just had it lets the other ask


def loads(store, log, name, version, run_id="shared"):
    """Add one to the same run again and again, taking it anew after a conflict."""
    counter = "n" if version == 1 else "count"
    done = 0
    while done < LOADS:
        try:
            with store.load(run_id) as run:
                run.state[counter] += 1
        except ConflictError:
            note(log, "conflict")
            continue
        except (UnknownRevisionError, NewerRevisionError):
            note(log, "newer", str(done))
            return
        done += 1
    note(log, "done", str(done))


if __name__ == "__main__":
    url, log, name, version, mode = sys.argv[1:]
    store = RunStore(url, migrator(int(version)))
    store.counts()
    note(log + ".ready", name)
    while len(Path(log + ".ready").read_text().splitlines()) < 2:
        time.sleep(0.001)
    {"work": work, "loads": loads}[mode](store, log, name, int(version))
