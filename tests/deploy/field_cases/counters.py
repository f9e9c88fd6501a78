"""Workers of two versions at the same few runs: python counters.py URL LOG NAME VERSION HOW. Not a test.

While the window of a deploy is open both versions work on them: what version 2 writes is written back in version 1, and what that has no
place for is kept beside it. They go on until there is a file LOG.stop.
"""

from __future__ import annotations

import os
import random
import sys
import time
from typing import Any

from pydantic import BaseModel

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.errors import ConflictError, LeaseLostError

RUNS = ("shared0", "shared1", "shared2")


class V1(BaseModel):
    note: str
    done: list[str] = []


class V2(BaseModel):
    remark: str
    done: list[str] = []
    last: str


def to_v2(op: Any) -> None:
    op.rename_step("work", to="labour")
    op.rename_field("state.note", to="remark")
    op.add_field("state.last", default="nobody of version 2")


def migrator(version: int) -> Migrator:
    def snapshot(state: Any, work: str) -> Any:
        return capture(Workflow("counters", state=state, steps=[Step(work, next=[work, "end"]), Step("end")]))

    chain = [
        Revision("v1", workflow="counters", snapshot=snapshot(V1, "work")),
        Revision("v2", "v1", workflow="counters", snapshot=snapshot(V2, "labour"), upgrade=to_v2),
    ]
    return Migrator(revisions=chain[:version])


def note(log: str, *words: str) -> None:
    """One line, appended by one write."""
    file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, ("\t".join(words) + "\n").encode())
    os.close(file)


def goes_on(log: str) -> bool:
    return not os.path.exists(f"{log}.stop")


def load(runs: RunStore, log: str, name: str) -> None:
    """Load a run at the same moment as all others do, add a line to it, and whoever loses the race does it again."""
    number = conflicts = 0
    while goes_on(log):
        time.sleep(-time.time() % 0.02)
        run_id, line = RUNS[int(time.time() * 50) % 3], f"{name} {number}"
        while True:
            try:
                with runs.load(run_id) as run:
                    run.state["done"].append(line)
                    if runs.head == "v2":
                        run.state["last"] = line
            except ConflictError:
                conflicts += 1
                time.sleep(random.random() / 100)
            else:
                break
        note(log, "saved", run_id, line, name)
        number += 1
    note(log, "conflicts", str(conflicts), name)


def claim(runs: RunStore, log: str, name: str) -> None:
    """Claim and work, and now and then take longer than the lease lasts."""
    chance = random.Random(name)
    while goes_on(log):
        late = chance.random() < 0.1
        run = runs.claim(name, ttl=0.1 if late else 30)
        if run is None:
            time.sleep(0.002)
            continue
        began, key = time.time(), run.idempotency_key or ""
        outcome = "saved"
        try:
            with run:
                time.sleep(0.15 if late else chance.random() * 0.004)
                run.state["done"].append(key)
                run.advance("labour" if runs.head == "v2" else "work")
                ended = time.time()
        except LeaseLostError:
            outcome = "lease lost"
        held_until = min(ended, run.lease_until or ended)
        note(log, "ran", run.run_id, key, f"{began:.6f}", f"{held_until:.6f}", outcome, name)


if __name__ == "__main__":
    _, url, log, name, version, how = sys.argv
    {"load": load, "claim": claim}[how](RunStore(url, migrator(int(version))), log, name)
