"""Bar 13: the inventory of 100,000 runs, in the time of one indexed aggregate query and at most 20 % more.

    python benchmarks/fleet.py [--smoke]

The yardstick is that query written by hand and run by the driver's own cursor on a pooled connection: over the queue's index, grouped by
the tags, the standing and whether a lease is alive, with a count and two minima. statemig's side is all of `statemig.fleet.inventory.take`:
the same through SQLAlchemy, the view of the deploy (workers, policies, drains, window), a decision for each kind of run, and the lines of
the table; and all of `statemig.deploy.impact.take_impact` for a change of a field, a step and a prompt. Runs stand at ten steps of three
versions; a policy of every scope but "run" is set, and workers of two versions live.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

from measuring.report import Report
from measuring.timing import SMOKE, compare
from pydantic import BaseModel

from statemig import Migrator, Revision, RunStore, Step, Workflow, capture
from statemig.autogenerate.compare import diff
from statemig.deploy import Router
from statemig.deploy.impact import take_impact
from statemig.fleet.inventory import take
from statemig.store.tables import runs

RUNS = 2_000 if SMOKE else 100_000

_QUERY = """
    SELECT revision, started_revision, pinned_revision, standing, CASE WHEN lease_until > ? THEN 1 ELSE 0 END AS leased,
           count(*), min(created_at), min(updated_at)
    FROM statemig_runs
    WHERE workflow = 'refunds' AND phase IN ('ready', 'parked')
    GROUP BY revision, started_revision, pinned_revision, standing, leased
"""


class State(BaseModel):
    topic: str
    note: str = ""


def workflow(steps: int) -> Workflow:
    return Workflow("refunds", state=State, steps=[Step(f"s{number}") for number in range(steps)])


class Changed(BaseModel):
    topic: list[str]
    note: str = ""


def changed() -> Workflow:
    """Another type of a field, a prompt, and a step that a person does now."""
    steps = [Step(f"s{number}", prompt="{topic}" if number == 2 else None) for number in range(9)]
    return Workflow("refunds", state=Changed, steps=[*steps, Step("s9", kind="human")])


def main() -> None:
    report = Report("fleet", "Counting runs in flight (SQLite, WAL)", ("sqlalchemy",))
    with tempfile.TemporaryDirectory() as folder:
        for size in (400, 4_000):
            store = fleet(f"sqlite:///{Path(folder) / f'{size}.db'}", size)
            measure(report, store, size)
            store.engine.dispose()
    report.finish()


def measure(report: Report, store: RunStore, size: int) -> None:
    def query(_: Any) -> list[Any]:
        lent = store.engine.raw_connection()
        try:
            cursor = lent.cursor()
            found: list[Any] = cursor.execute(_QUERY, (time.time(),)).fetchall()
            cursor.close()
            return found
        finally:
            lent.close()

    def inventory(_: Any) -> Any:
        return take(store)

    found = inventory(None)
    report.fact("13", f"{RUNS:,} runs of {size:,} bytes are all counted", found.runs == RUNS)
    report.fact("13", "zombies are found among them", isinstance(found.zombies, int) and found.zombies > 0)
    ratio = compare(inventory, int, query, int, rounds=3 if SMOKE else 7, loops=(1, 1))
    limit = None if SMOKE else 1.2
    changes = diff(capture(workflow(10)), capture(changed()))

    def impact(_: Any) -> Any:
        return take_impact(store, changes, "r2")

    told = impact(None)
    report.fact(
        "13", "the impact of a change is told without reading a run", (told.runs, told.asked) == (RUNS, 0)
    )
    live = compare(impact, int, query, int, rounds=3 if SMOKE else 7, loops=(1, 1))
    report.add(f"{RUNS:,} runs of {size:,} bytes", "statemig diff", live, unit="x Q", bar="13", limit=limit)
    report.add(f"{RUNS:,} runs of {size:,} bytes", "statemig runs", ratio, unit="x Q", bar="13", limit=limit)


def fleet(url: str, size: int) -> RunStore:
    """Runs of three versions at ten steps; the workers of the oldest version are gone."""
    chain = [
        Revision(
            f"r{number}",
            f"r{number - 1}" if number else None,
            workflow="refunds",
            snapshot=capture(workflow(10)),
        )
        for number in range(3)
    ]
    store = RunStore(url, Migrator(revisions=chain))
    document = '{"status":"active","state":{"topic":"t","note":"%s"}}' % ("x" * size)
    now = time.time()
    rows = [
        {
            "workflow": "refunds",
            "run_id": f"run-{number:06}",
            "status": "active",
            "phase": "ready" if number % 4 == 0 else "parked",
            "standing": f'[["s{number % 10}","{"ready" if number % 4 == 0 else "waiting"}"]]',
            "revision": f"r{number % 3}",
            "started_revision": f"r{number % 3}",
            "checked": True,
            "document": document,
            "migrations": 0,
            "version": 1,
            "token": 0,
            "created_at": now - number,
            "updated_at": now - number / 2,
        }
        for number in range(RUNS)
    ]
    with store.engine.begin() as connection:
        connection.execute(runs.insert(), rows)
    router = Router(store)
    router.prefer("r2")
    router.policy("class", "none", "route")
    router.policy("step", "s3", "migrate")
    for revision in ("r1", "r2"):
        store.deploy.beat(f"worker-{revision}", revision, live_for=86_400)
    return store


if __name__ == "__main__":
    main()
