"""Bar 16: rehearsing the migration of every live run, beside what one cannot do without: parsing, upgrading and validating each.

    python benchmarks/rehearsing.py [--smoke]

The yardstick of the bar (P+U+V), per run: `orjson.loads` of a document in memory, and `Migrator.upgrade` with the recording, which
validates at the run's own revision and at head. A rehearsal does that (at head where it is not proven), reads the runs out of the store,
looks at the cursor and the questions of the new version, and brings each run back to compare it with what it was. In one process, and on
all cores, where the CPU of all processes is counted.

Beside it, and no bar, two other yardsticks. R+P+U+V: the texts are read from the same database, by the driver's cursor, nothing but the
documents, as nobody can do without. P+U+v: in memory again, and validated once where the way is proven, as a rehearsal does.
And how long one waits for a rehearsal on all cores, beside the yardstick's time on one.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import orjson
from measuring.documents import SIZES
from measuring.report import Report
from measuring.timing import SMOKE, Ratio
from storing import database, migrations, ready

from statemig import Migrator, RunStore
from statemig.fleet.rehearse import rehearse

#: by size; fewer would not be worth several processes
RUNS = {"4 KB": 2_000 if SMOKE else 4_000, "64 KB": 2_000}
ROUNDS = 3 if SMOKE else 5

#: as bytes, which neither the driver nor the parser has to convert
_BARE = "SELECT CAST(document AS BLOB) FROM statemig_runs WHERE workflow = 'refunds'"


def main() -> None:
    report = Report("rehearsing", "Rehearsing (SQLite, WAL)", ("sqlalchemy", "jsonschema-rs"))
    with tempfile.TemporaryDirectory() as folder:
        for chain in ("churn",) if SMOKE else ("churn", "spread"):
            migrations(Path(folder) / chain, chain)
        for size in list(SIZES)[: 1 if SMOKE else None]:
            for chain in ("churn",) if SMOKE or size != "4 KB" else ("churn", "spread"):
                measure(report, Path(folder), size, chain)
    report.finish()


def measure(report: Report, folder: Path, size: str, chain: str) -> None:
    migrator = Migrator(folder / chain)
    document = ready(size)
    text = orjson.dumps(document)
    count = RUNS[size]
    group = f"{count:,} runs of {size}, 50 revisions behind, {chain}"

    def one_by_one() -> None:
        for _ in range(count):
            migrator.upgrade(orjson.loads(text), "r0", record="complement").unwrap()

    def by_proof() -> None:
        for _ in range(count):
            migrator.upgrade(orjson.loads(text), "r0", record="complement", by_proof=True).unwrap()

    def read(store: RunStore) -> None:
        with closing(store.engine.raw_connection()) as connection:
            cursor = connection.cursor()
            cursor.execute(_BARE)
            while found := cursor.fetchone():
                migrator.upgrade(orjson.loads(found[0]), "r0", record="complement").unwrap()

    with database(folder, migrator, document, "r0", rows=count) as store:
        found = rehearse(store, workers=1)
        report.fact("16", f"all {count:,} get to head and back ({size}, {chain})", found.fine == count)
        for workers in sorted({1, os.cpu_count() or 1}):
            what = "one process" if workers == 1 else f"{workers} processes"
            name = f"statemig rehearse, {what}"
            work = partial(rehearse, store, workers=workers)
            report.add(group, name, beside(work, one_by_one), unit="x P+U+V", bar="16", limit=1.5)
            report.add(group, name, beside(work, partial(read, store)), unit="x R+P+U+V")
            report.add(group, name, beside(work, by_proof), unit="x P+U+v")
            if workers > 1:
                waited = beside(work, one_by_one, time.perf_counter)
                report.add(group, f"{name}, time waited for", waited, unit="x P+U+V on one core")


def beside(
    work: Callable[[], Any], yardstick: Callable[[], Any], clock: Callable[[], float] | None = None
) -> Ratio:
    """As `compare` does, and the CPU of processes that `work` has started is counted, too; or by another clock."""
    took_by = _used if clock is None else clock
    ratios, base = [], []
    for number in range(ROUNDS):
        pair = (work, yardstick) if number % 2 else (yardstick, work)
        took = {each: _took(each, took_by) for each in pair}
        ratios.append(took[work] / took[yardstick])
        base.append(took[yardstick])
    low, _, high = statistics.quantiles(ratios, n=4)
    first, middle, third = statistics.quantiles(base, n=4)
    return Ratio(statistics.median(ratios), low, high, (third - first) / middle, ROUNDS)


def _took(work: Callable[[], Any], clock: Callable[[], float]) -> float:
    before = clock()
    work()
    return clock() - before


def _used() -> float:
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in both)


if __name__ == "__main__":
    main()
