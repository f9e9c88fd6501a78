"""upgrade, downgrade, current, stamp: stored runs in bulk, and nothing of what they hold."""

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from statemig import Migrator, RunStore
from statemig.cli import exit_codes

SECRET = "the-patient-said-so"


def store(project: Any) -> RunStore:
    return RunStore("sqlite:///runs.db", Migrator(project.root / "migrations", workflow="triage"))


def poke(statement: str, *values: str) -> None:
    """Change rows behind statemig's back."""
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute(statement, values)


@pytest.fixture
def stored(project: Any) -> Any:
    """Three runs of version 1; the head is version 2, which renames a field and gives it a length."""
    runs = store(project)
    for number in range(3):
        runs.start({"topic": SECRET, "summary": str(number)}, run_id=f"r{number}")
    project.code("topic: str\ndigest: str")
    project.ok(
        "revision", "--autogenerate", "-m", "digest", "--rename", "state.summary:digest", "--rev-id", "bbb"
    )
    return project


@pytest.fixture
def failing(stored: Any) -> Any:
    """The head converts a text that one run has no number in."""
    stored.code("topic: str\ndigest: int")
    stored.run("revision", "--autogenerate", "-m", "number", "--rev-id", "ccc")
    poke(
        'UPDATE statemig_runs SET document = replace(document, \'"summary":"1"\', \'"summary":"\'||?||\'"\')',
        SECRET,
    )
    return stored


def test_current_counts_runs_by_revision(stored: Any) -> None:
    (row,) = stored.json("current")
    assert (row["version"], row["unfinished"], row["ended"], row["head"]) == (1, 3, 0, False)
    assert stored.ok("current").splitlines()[0].split() == [
        "workflow",
        "version",
        "revision",
        "unfinished",
        "ended",
    ]


def test_current_verbose_says_where_the_runs_stand(stored: Any) -> None:
    (row,) = stored.json("current", "-v")
    assert (row["step"], row["status"], row["runs"]) == ("classify", "ready", 3)


def test_current_without_runs(project: Any) -> None:
    result = project.run("current")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No runs are stored.\n")


def test_a_dry_run_says_what_would_happen_and_writes_nothing(stored: Any) -> None:
    assert stored.ok("upgrade", "--dry-run") == "triage: 3 runs would be brought to version 2 (bbb).\n"
    assert stored.json("current")[0]["version"] == 1


def test_upgrade_brings_every_run_to_the_head(stored: Any) -> None:
    assert stored.ok("upgrade", "head") == "triage: 3 runs were brought to version 2 (bbb).\n"
    assert stored.json("current")[0]["revision"] == "bbb"
    assert store(stored).read("r1").document["state"] == {"topic": SECRET, "digest": "1"}


def test_upgrade_again_has_nothing_to_do(stored: Any) -> None:
    stored.ok("upgrade")
    assert stored.ok("upgrade") == "triage: nothing to do; every unfinished run is at version 2 (bbb).\n"


def test_a_walk_counts_from_where_the_runs_are(stored: Any) -> None:
    assert "version 2 (bbb)" in stored.ok("upgrade", "+1")
    stored.ok("downgrade", "-1")
    result = stored.run("downgrade", "-1")
    assert result.exit_code == exit_codes.ERROR
    assert "nothing has a shape at the base" in result.stderr


def test_a_walk_from_several_revisions_is_refused(stored: Any) -> None:
    poke("UPDATE statemig_runs SET revision = 'bbb' WHERE run_id = ?", "r0")
    result = stored.run("upgrade", "+1")
    assert result.exit_code == exit_codes.ERROR
    assert "+1 counts from where the runs are, and they are at 2 revisions" in result.stderr
    assert "Name the revision" in result.stderr


def test_downgrade_is_exact(stored: Any) -> None:
    stored.ok("upgrade")
    first = stored.json("show", "head-1")["revision"]
    assert stored.ok("downgrade", "-1") == f"triage: 3 runs were brought to version 1 ({first}).\n"
    row = next(iter(store(stored).iterate()))[0]
    state = store(stored).document(row)["state"]
    assert "summary" in state
    assert "digest" not in state


def test_a_run_that_cannot_be_migrated_is_listed_and_the_others_go_on(failing: Any) -> None:
    result = failing.run("upgrade")
    assert result.exit_code == exit_codes.RUNS_LEFT
    assert "2 runs were brought to version 3 (ccc)." in result.stdout
    assert "1 run left: could not be migrated." in result.stdout
    assert "  - run r1, failed, revision ccc" in result.stderr


def test_no_command_prints_what_a_run_holds(failing: Any) -> None:
    shown = ""
    for command in (
        ["upgrade", "--dry-run"],
        ["upgrade"],
        ["upgrade", "--format", "json"],
        ["current", "-v"],
        ["downgrade", "--", "-1"],
        ["stamp", "head", "r0"],
    ):
        shown += failing.run(*command).output
    assert "r1" in shown
    assert SECRET not in shown


def test_the_result_as_json(failing: Any) -> None:
    (row,) = failing.json("upgrade")["workflows"]
    assert (row["to"], row["version"], row["moved"], row["failed"], row["complete"]) == (
        "ccc",
        3,
        2,
        1,
        False,
    )
    (failure,) = row["failures"]
    assert (failure["run_id"], failure["kind"], failure["revision"]) == ("r1", "failed", "ccc")


def test_a_run_under_a_lease_is_left_to_its_worker(stored: Any) -> None:
    poke("UPDATE statemig_runs SET owner='w', lease_until=1e12 WHERE run_id='r0'")
    result = stored.run("upgrade")
    assert result.exit_code == exit_codes.RUNS_LEFT
    assert "1 run left: held by a worker's lease; try again when it is done." in result.stdout


def test_stamp_changes_the_tag_and_not_the_document(stored: Any) -> None:
    before = {row.run_id: row.content for rows in store(stored).iterate() for row in rows}
    assert stored.ok("stamp", "bbb", "r0", "r1") == "triage: 2 runs stamped as version 2 (bbb).\n"
    after = {row.run_id: row for rows in store(stored).iterate() for row in rows}
    assert {run: row.content for run, row in after.items()} == before
    assert after["r0"].revision == "bbb"
    assert after["r2"].revision != "bbb"


def test_stamp_says_how_many_of_those_named_it_did_not_find(stored: Any) -> None:
    result = stored.run("stamp", "head", "r0", "nobody")
    assert result.exit_code == exit_codes.RUNS_LEFT
    assert "1 run of those named: not there, or held by a worker's lease." in result.stderr


def test_without_a_store_the_ways_to_name_one_are_listed(project: Any) -> None:
    file = project.root / "statemig.toml"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if not line.startswith("store")))
    result = project.run("current")
    assert result.exit_code == exit_codes.ERROR
    assert "no store is configured" in result.stderr
    assert "set STATEMIG_STORE, or pass --store" in result.stderr
    assert project.run("current", "--store", "sqlite:///other.db").exit_code == 0


def test_upgrade_without_revisions_says_how_to_make_one(here: Any) -> None:
    result = here.run("upgrade")
    assert result.exit_code == exit_codes.ERROR
    assert "statemig revision --autogenerate" in result.stderr


def test_the_base_is_no_target(stored: Any) -> None:
    result = stored.run("downgrade", "base")
    assert result.exit_code == exit_codes.ERROR
    assert "nothing has a shape at the base" in result.stderr


def test_progress_is_shown_only_where_a_person_looks_on(stored: Any) -> None:
    assert stored.run("upgrade").stderr == ""


def test_current_points_at_the_runs_that_could_not_follow(failing: Any) -> None:
    failing.run("upgrade")
    result = failing.run("current")
    assert "1 run could not be brought to the head: `statemig current --failures`." in result.stderr
    shown = failing.ok("current", "--failures")
    assert "r1" in shown
    assert SECRET not in shown
    (row,) = failing.json("current", "--failures")
    assert (row["workflow"], row["run_id"], row["kind"], row["revision"]) == ("triage", "r1", "failed", "ccc")


def test_current_without_failures(stored: Any) -> None:
    assert "No run failed" in stored.run("current", "--failures").stderr


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("sqlite:////nowhere/runs.db", "the store does not answer: unable to open database file."),
        ("nothing", "the store's URL can not be read."),
        ("oracle+nothing://h/d", "the store's URL names a database nobody knows here"),
    ],
)
def test_a_store_that_cannot_be_opened_is_one_sentence(stored: Any, url: str, reason: str) -> None:
    result = stored.run("current", "--store", url)
    assert result.exit_code == exit_codes.ERROR
    assert reason in result.stderr
    assert "Traceback" not in result.stderr
