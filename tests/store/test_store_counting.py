"""Counting without SQLAlchemy says what the store says, and leaves no trace."""

import subprocess
import sys
from pathlib import Path

import pytest

from statemig import Migrator, Revision, RunStore
from statemig.errors import TransformError
from statemig.store.counting import Counts, count_runs


@pytest.fixture
def store(tmp_path: Path) -> RunStore:
    migrator = Migrator(revisions=[Revision("a1"), Revision("b2", "a1")], workflow="triage")
    return RunStore(f"sqlite:///{tmp_path}/runs.db", migrator)


def url(store: RunStore) -> str:
    return str(store.engine.url)


def test_it_counts_as_the_store_does(store: RunStore) -> None:
    for number in range(3):
        store.start({}, run_id=f"r{number}", step="draft")
    store.stamp("a1", ["r0"])
    counts = count_runs(url(store), "triage", "b2")
    assert counts is not None
    assert sorted(map(str, counts.revisions)) == sorted(map(str, store.revisions()))
    assert counts.failed == len(store.failures())


def test_runs_of_another_workflow_are_not_counted(store: RunStore) -> None:
    store.start({}, step="draft")
    assert count_runs(url(store), "other", "b2") == Counts([])


def test_a_failure_counts_while_the_run_is_as_it_was(store: RunStore) -> None:
    store.start({}, run_id="r0", step="draft")
    (row,) = next(iter(store.iterate()))
    store.record_failures([(row, TransformError("no"))], "b2")
    counts = count_runs(url(store), "triage", "b2")
    assert counts is not None
    assert counts.failed == len(store.failures()) == 1
    store.stamp("a1", ["r0"])
    counts = count_runs(url(store), "triage", "b2")
    assert counts is not None
    assert counts.failed == len(store.failures()) == 0


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    assert count_runs(f"sqlite:///{tmp_path}/runs.db", "triage", "b2") == Counts([])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "other",
    [
        "postgresql+psycopg://h/d",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////nowhere/x/runs.db",
        "sqlite:///a?b=c",
    ],
)
def test_anything_else_is_left_to_the_store(other: str) -> None:
    assert count_runs(other, "triage", "b2") is None


def test_a_file_without_the_tables_or_of_another_format_is_left_to_the_store(
    tmp_path: Path, store: RunStore
) -> None:
    (tmp_path / "text.db").write_text("no database, but long enough to be looked at " * 20)
    assert count_runs(f"sqlite:///{tmp_path}/text.db", "triage", "b2") is None
    store.start({}, step="draft")
    with store.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE statemig_meta SET value = '2' WHERE name = 'format'")
    assert count_runs(url(store), "triage", "b2") is None


def test_current_loads_no_sqlalchemy() -> None:
    code = "import sys, statemig.cli.current; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"sqlalchemy", "pydantic", "rich"} & set(done.stdout.split())
