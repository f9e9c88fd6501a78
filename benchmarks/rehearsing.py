"""Bar 16: rehearsing the migration of every live run, beside what one cannot do without: parsing, upgrading and validating each.

    python benchmarks/rehearsing.py [--smoke]

The yardstick, per run: `orjson.loads` of the document, and `Migrator.upgrade` with the recording, which validates at the run's own revision
and at head. A rehearsal does that, reads the runs out of the store, looks at the cursor and the questions of the new version, and brings
each run back to compare it with what it was. In one process, and on all cores, where the CPU of all processes is counted.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
from measuring.documents import SIZES
from measuring.report import Report
from measuring.timing import SMOKE, Ratio
from storing import database, migrations, ready

from statemig import Migrator
from statemig.fleet.rehearse import rehearse

#: by size; fewer would not be worth several processes
RUNS = {"4 KB": 2_000 if SMOKE else 4_000, "64 KB": 2_000}
ROUNDS = 3 if SMOKE else 5


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

    with database(folder, migrator, document, "r0", rows=count) as store:
        found = rehearse(store, workers=1)
        report.fact("16", f"all {count:,} get to head and back ({size}, {chain})", found.fine == count)
        for workers in sorted({1, os.cpu_count() or 1}):
            what = "one process" if workers == 1 else f"{workers} processes"
            ratio = beside(lambda n=workers: rehearse(store, workers=n), one_by_one)  # type: ignore[misc]
            report.add(group, f"statemig rehearse, {what}", ratio, unit="x P+U+V", bar="16", limit=1.5)


def beside(work: Callable[[], Any], yardstick: Callable[[], Any]) -> Ratio:
    """As `compare` does, and the CPU of processes that `work` has started is counted, too."""
    ratios, base = [], []
    for number in range(ROUNDS):
        pair = (work, yardstick) if number % 2 else (yardstick, work)
        took = {each: _cpu(each) for each in pair}
        ratios.append(took[work] / took[yardstick])
        base.append(took[yardstick])
    low, _, high = statistics.quantiles(ratios, n=4)
    first, middle, third = statistics.quantiles(base, n=4)
    return Ratio(statistics.median(ratios), low, high, (third - first) / middle, ROUNDS)


def _cpu(work: Callable[[], Any]) -> float:
    def used() -> float:
        both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        return sum(each.ru_utime + each.ru_stime for each in both)

    before = used()
    work()
    return used() - before


if __name__ == "__main__":
    main()
