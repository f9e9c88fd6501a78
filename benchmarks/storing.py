"""Bars 5 and 6: runs in a SQLite file (WAL), loaded lazily: at head already, and 50 revisions behind.

    python benchmarks/storing.py [--smoke]

The yardstick is what an application without statemig does with the same row, in SQLAlchemy Core with statements built once: SELECT the
document by id and parse it; for writes also change it, serialize, a plain UPDATE and commit. It runs on the same engine and driver.
statemig's own reads go past Core to the driver's cursor, so they are also shown beside the barest SELECT there is, by the cursor of a
pooled connection (D+P); that is no bar. The plain UPDATE writes the document as long as it was; 50 revisions of *spread* make it twice as
long, which is in the figures of the writes. statemig validates what it brings to head ("checked and proven") and, for writes, keeps the
complement and a row of history.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import orjson
from measuring import chains
from measuring.documents import SIZES, run_document
from measuring.report import Report
from measuring.timing import BATCH, ROUNDS, SMOKE, compare
from measuring.workflow import proven
from sqlalchemy import bindparam, select, text, update

from statemig import Migrator, RunStore
from statemig.revisions.directory import Directory
from statemig.store.rows import standing_of
from statemig.store.tables import runs

LENGTH = 50

#: how many batches one round of a write takes; each run can be taken once
LOOPS = 1 if SMOKE else 5

_by_id = (runs.c.workflow == "refunds") & (runs.c.run_id == bindparam("run"))  # the primary key
_one = select(runs.c.document, runs.c.version).where(_by_id)
_plain = (
    update(runs).where(_by_id).values(document=bindparam("new_document"), version=bindparam("new_version"))
)

_BARE = "SELECT document, version FROM statemig_runs WHERE workflow = ? AND run_id = ?"
_finish = update(runs).where(runs.c.owner.is_not(None)).values(phase="ended", owner=None, lease_until=None)


def main() -> None:
    report = Report(
        "storing", "Loading stored runs (SQLite, WAL)", ("sqlalchemy", "pydantic", "jsonschema-rs")
    )
    with tempfile.TemporaryDirectory() as folder:
        for chain in ("churn",) if SMOKE else ("churn", "spread"):
            migrations(Path(folder) / chain, chain)
        for size in list(SIZES)[: 1 if SMOKE else None]:
            at_head(report, size, Path(folder))
            for chain in ("churn",) if SMOKE else ("churn", "spread"):
                behind(report, size, Path(folder), chain)
        scripts_at_head(report, Path(folder))
    report.finish()


# -- bar 5 -------------------------------------------------------------------------------------------------------------


def at_head(report: Report, size: str, folder: Path) -> None:
    """Runs that are at head already. What the check alone costs is in `migrating`."""
    group = f"{size}, the run is at head already"
    migrator = Migrator(folder / "churn")
    document = migrator.upgrade(ready(size), "r0").unwrap()
    with database(folder, migrator, document, "r50", rows=1) as store:
        load = Sql(store)
        ids = repeat_one
        ratio = compare(store.read, ids, load.select, ids)
        report.add(group, "RunStore.read", ratio, unit="x S+P", bar="5", limit=1.05)
        bare = compare(store.read, ids, load.bare, ids)
        report.add(group, "RunStore.read, beside a bare cursor", bare, unit="x D+P")


def repeat_one() -> str:
    return "run-1"


def scripts_at_head(report: Report, folder: Path) -> None:
    """A process that only meets runs at head runs no script."""
    executed: list[str] = []
    load = Directory.load

    def counted(self: Directory, revision: str, **how: Any) -> Any:
        executed.append(revision)
        return load(self, revision, **how)

    Directory.load = counted  # type: ignore[method-assign]
    try:
        migrator = Migrator(folder / "churn")
        document = orjson.loads((folder / "churn-at-head.json").read_bytes())
        with database(folder, migrator, document, "r50", rows=2) as store:
            store.read("run-1")
            run = store.claim("worker")
            assert run is not None
            with run:
                pass
    finally:
        Directory.load = load  # type: ignore[method-assign]
    report.fact("5", "no revision script runs where all runs are at head", not executed)


# -- bar 6 -------------------------------------------------------------------------------------------------------------


def behind(report: Report, size: str, folder: Path, chain: str) -> None:
    """Runs that stand 50 revisions below head."""
    group = f"{size}, {LENGTH} revisions behind, {chain}"
    migrator = Migrator(folder / chain)
    document = ready(size)
    bar = "6" if size == "4 KB" else None

    def limit(value: float) -> float | None:
        return value if bar else None

    with database(folder, migrator, document, "r0", rows=1) as store:
        plain = Sql(store)
        ratio = compare(store.read, repeat_one, plain.select, repeat_one)
        report.add(group, "RunStore.read", ratio, unit="x S+P", bar=bar, limit=limit(1.15))
        bare = compare(store.read, repeat_one, plain.bare, repeat_one)
        report.add(group, "RunStore.read, beside a bare cursor", bare, unit="x D+P")

    def writes(name: str, work: Callable[[RunStore], Callable[[Any], Any]], note: str = "") -> None:
        rows = (ROUNDS * LOOPS + 6) * BATCH
        with (
            database(folder, migrator, document, "r0", rows=rows) as store,
            database(folder, migrator, document, "r0", rows=rows) as other,
        ):
            mine, theirs = (f"run-{number}" for number in count(1)), (f"run-{number}" for number in count(1))
            ratio = compare(
                work(store),
                lambda: finished(store, next(mine)),
                Sql(other).write,
                lambda: next(theirs),
                loops=(LOOPS, LOOPS),
            )
            report.add(group, name, ratio, unit="x S+P+U", bar=bar, limit=limit(1.5), note=note)

    writes("RunStore.claim, with the recording", claiming)
    writes("RunStore.load, change, save, with the recording", saving)


def finished(store: RunStore, run_id: str) -> str:
    """Workers hold few runs at a time: those that were claimed before are done. Not part of what is measured."""
    with store.engine.begin() as connection:
        connection.execute(_finish)
    return run_id


def claiming(store: RunStore) -> Callable[[Any], Any]:
    def claim(_: str) -> None:
        if store.claim("worker") is None:
            raise AssertionError("nothing left to claim")

    return claim


def saving(store: RunStore) -> Callable[[Any], Any]:
    def save(run_id: str) -> None:
        with store.load(run_id) as run:
            run.state[next(iter(run.state))] = "changed"

    return save


class Sql:
    """The same rows without statemig."""

    def __init__(self, store: RunStore) -> None:
        self.engine = store.engine

    def select(self, run_id: str) -> Any:
        with self.engine.connect() as connection:
            row = connection.execute(_one, {"run": run_id}).one()
        return orjson.loads(row[0])

    def bare(self, run_id: str) -> Any:
        connection = self.engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(_BARE, ("refunds", run_id))
            row = cursor.fetchone()
            cursor.close()
        finally:
            connection.close()
        assert row is not None
        return orjson.loads(row[0])

    def write(self, run_id: str) -> None:
        with self.engine.connect() as connection:
            row = connection.execute(_one, {"run": run_id}).one()
        document = orjson.loads(row[0])
        document["state"]["ticket"] = "changed"
        new = {"run": run_id, "new_document": orjson.dumps(document).decode(), "new_version": row[1] + 1}
        with self.engine.begin() as connection:
            connection.execute(_plain, new)


# -- what is measured on -----------------------------------------------------------------------------------------------


def ready(size: str) -> dict[str, Any]:
    """The document of a run that a worker can take."""
    document = run_document(SIZES[size])
    document["cursor"] = [{"id": "p4", "step": "send", "status": "ready"}]
    return document


_files = count()


@contextmanager
def database(
    folder: Path, migrator: Migrator, document: dict[str, Any], revision: str, rows: int
) -> Iterator[RunStore]:
    """A new file with as many copies of one run."""
    store = RunStore(f"sqlite:///{folder / f'runs-{next(_files)}.db'}", migrator)
    status, phase, standing = standing_of(document)
    row = {
        "workflow": migrator.workflow,
        "status": status,
        "phase": phase,
        "standing": standing,
        "revision": revision,
        "started_revision": revision,
        "checked": True,
        "document": orjson.dumps(document).decode(),
        "migrations": 0,
        "version": 1,
        "token": 0,
    }
    with store.engine.begin() as connection:
        connection.execute(
            runs.insert(),
            [
                {**row, "run_id": f"run-{number}", "created_at": number, "updated_at": number}
                for number in range(1, rows + 1)
            ],
        )
    with store.engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    try:
        yield store
    finally:
        store.engine.dispose()


def migrations(location: Path, chain: str) -> None:
    """A migrations folder with the chain's scripts and the snapshots of both ends."""
    directory = Directory.create(location)
    below: tuple[str, ...] = ()
    for number, revision in enumerate(proven(chain, LENGTH)):
        changes = chains.CHAINS[chain](number) if number else []
        lines = chains.lines(changes) or ["pass"]
        down = f'"{below[0]}"' if below else "None"
        source = (
            f'"""Revision {number}"""\n\nfrom statemig import Operations\n\nrevision = "{revision.revision}"\n'
            f'down_revision = {down}\nworkflow = "refunds"\nversion = {number + 1}\n\n\n'
            "def upgrade(op: Operations) -> None:\n" + "".join(f"    {line}\n" for line in lines)
        )
        directory.write(revision.revision, below, "refunds", number + 1, "", source, revision.snapshot)
        below = (revision.revision,)
    if chain == "churn":
        document = Migrator(location).upgrade(ready("4 KB"), "r0").unwrap()
        (location.parent / "churn-at-head.json").write_bytes(orjson.dumps(document))


if __name__ == "__main__":
    main()
