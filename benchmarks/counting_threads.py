"""LangGraph: 10,000 threads counted by revision and node straight from the tables of a checkpointer, against reading each of them.

    python benchmarks/counting_threads.py [--smoke]

The yardstick is LangGraph's own saver: `get_tuple` of every thread, which decodes what the thread holds. statemig's side is all of
`ThreadFleet.counts`. CPU of this process only; what PostgreSQL does elsewhere is in neither side.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from measuring.report import Report
from measuring.threads import MODELS, PLAIN, Stores, graph_of, migrator_of, values
from measuring.timing import SMOKE, Ratio

from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.threads.fleet import ThreadFleet

THREADS = 200 if SMOKE else 10_000
#: the yardstick reads this part of them
PART = 10


def main() -> None:
    report = Report("counting_threads", "Counting LangGraph threads from the tables", ("langgraph",))
    with Stores.open(postgres=not SMOKE) as stores:
        for store in ("SQLite",) if SMOKE else ("SQLite", "PostgreSQL"):
            for kind, size in ((PLAIN, "4 KB"), (MODELS, "4 KB")):
                measure(report, stores, store, kind, size)
    report.finish()


def measure(report: Report, stores: Stores, store: str, kind: str, size: str) -> None:
    name = f"counting_{kind}_{size.replace(' ', '')}".lower()
    migrator = migrator_of(kind)
    with stores.saver(store, name) as saver:
        graph = graph_of(kind).compile(checkpointer=MigratingSaver(saver, migrator), name="refunds")
        graph.invoke(values(kind, size), {"configurable": {"thread_id": "t"}})
        copy(saver, store)
        url = f"sqlite:///{stores.folder / name}.db"
        if store != "SQLite":
            url = (
                str(stores.server)
                .replace("postgresql:", "postgresql+psycopg:", 1)
                .replace("/postgres?", f"/{name}?")
            )
        fleet = ThreadFleet(url, migrator)
        found = fleet.counts()
        right = [(one.step, one.status, one.count) for one in found]
        report.fact(
            "counts", f"{store}: all are counted where they wait", right == [("approve", "waiting", THREADS)]
        )

        def read() -> None:
            for number in range(0, THREADS, PART):
                saver.get_tuple({"configurable": {"thread_id": f"t{number}"}})

        ratio = ratio_of(fleet.counts, read)
        report.add(f"{THREADS:,} threads, {store}", f"{size}, {kind}", ratio, unit="x get_tuple")
        fleet.close()


def ratio_of(count: Callable[[], Any], read: Callable[[], Any]) -> Ratio:
    """In turns. `compare` makes inputs in batches, which is too much of something that takes a second."""
    ratios: list[float] = []
    below: list[float] = []
    for _ in range(2 if SMOKE else 5):
        start = time.process_time()
        count()
        between = time.process_time()
        read()
        below.append((time.process_time() - between) * PART)
        ratios.append((between - start) / below[-1])
    low, _, high = statistics.quantiles(ratios, n=4)
    first, middle, third = statistics.quantiles(below, n=4)
    return Ratio(statistics.median(ratios), low, high, (third - first) / middle, len(ratios))


def copy(saver: Any, store: str) -> None:
    """The one thread so many times: no id in it depends on its name."""
    if store == "SQLite":
        numbers = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {THREADS - 1})"
        for table in ("checkpoints", "writes"):
            columns = [
                row[1] for row in saver.conn.execute(f"PRAGMA table_info({table})") if row[1] != "thread_id"
            ]
            rest = ", ".join(columns)
            saver.conn.execute(
                f"INSERT INTO {table} (thread_id, {rest}) {numbers} SELECT 't' || i, {rest} FROM {table}, n"
            )
            saver.conn.execute(f"DELETE FROM {table} WHERE thread_id = 't'")
        saver.conn.commit()
        return
    for table, rest in {
        "checkpoints": "checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata",
        "checkpoint_blobs": "checkpoint_ns, channel, version, type, blob",
        "checkpoint_writes": "checkpoint_ns, checkpoint_id, task_id, idx, channel, type, blob, task_path",
    }.items():
        saver.conn.execute(
            f"INSERT INTO {table} (thread_id, {rest}) SELECT 't' || i, {rest} FROM {table}, generate_series(0, {THREADS - 1}) AS n(i)"
        )
        saver.conn.execute(f"DELETE FROM {table} WHERE thread_id = 't'")
    saver.conn.execute("ANALYZE")


if __name__ == "__main__":
    main()
