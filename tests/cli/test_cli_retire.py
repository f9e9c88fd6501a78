"""retire: what it prints, and its exit codes."""

from __future__ import annotations

from typing import Any

import pytest

from statemig import Migrator, RunStore
from statemig.cli import exit_codes

SECRET = "the-patient-said-so"


def store(project: Any, head: str | None = None) -> RunStore:
    location = project.root / "migrations"
    return RunStore("sqlite:///runs.db", Migrator(location, workflow="triage", head=head))


@pytest.fixture
def stored(project: Any) -> Any:
    """Version 2 has a field less. Two runs of version 1, of which one waits for a person, and a worker."""
    project.first = project.head()
    old = store(project)
    for number in range(2):
        old.start({"topic": SECRET, "summary": SECRET}, run_id=f"r{number}")
    with old.claim("w1") as run:
        run.wait("send", key="k")
    project.code("topic: str")
    project.ok("revision", "--autogenerate", "-m", "no summary", "--rev-id", "bbb")
    return project


def test_all_that_needs_it_is_listed(stored: Any) -> None:
    first = stored.first
    result = stored.run("retire", first)
    assert result.exit_code == exit_codes.BLOCKED
    assert [line.split("  ") and line.strip() for line in result.stdout.splitlines()] == [
        f"triage: version 1 ({first}) can not be retired yet",
        "version  need      count  what                         for example",
        "1  queued        1  ready at classify            r1",
        "1  approval      1  waiting for a human at send  r0",
        "1  worker        1  living and running it        w1",
    ]
    found = stored.run("retire", first, "--format", "json")
    assert found.exit_code == exit_codes.BLOCKED
    assert SECRET not in result.output + found.output


def test_the_version_that_new_runs_begin_on_is_refused(project: Any) -> None:
    result = project.run("retire", project.head())
    assert result.exit_code == exit_codes.BLOCKED
    assert "none is preferred: new runs start on it" in result.stdout
    assert store(project).start({"topic": SECRET, "summary": SECRET})


def test_what_was_kept_is_erased_and_the_version_is_refused(stored: Any) -> None:
    first = stored.first
    store(stored).deploy.leave("w1")
    stored.ok("upgrade")
    assert "could be retired" in stored.ok("retire", first, "--dry-run")
    assert stored.ok("retire", first) == (
        f"triage: version 1 ({first}) is retired\n"
        "  erased: what 2 runs kept for the way back, and 2 reverse patches\n"
    )
    assert store(stored).row("r0").complement is None
    result = stored.run("downgrade", first)
    assert result.exit_code == exit_codes.ERROR
    assert result.stderr == (
        f"Error: workflow triage, revision {first}: this version was retired. "
        f"Run a newer one; if it has to come back, say `statemig retire {first} --undo` first\n"
    )


def test_runs_shows_it_until_it_is_taken_back(stored: Any) -> None:
    first = stored.first
    store(stored).deploy.leave("w1")
    stored.ok("upgrade")
    assert stored.json("retire", first)["forgotten"] == {"runs": 2, "patches": 2, "left": 0}
    assert f"  retired: {first}, 0s ago\n" in stored.run("runs").stdout
    assert stored.ok("retire", first, "--undo") == f"triage: version 1 ({first}) may be run again.\n"
    assert "retired" not in stored.run("runs").stdout
    assert stored.json("retire", first, "--undo")["was_retired"] is False


def test_what_a_worker_holds_is_left(stored: Any) -> None:
    store(stored).deploy.leave("w1")
    stored.ok("upgrade")
    store(stored).claim("w2")
    result = stored.run("retire", stored.first)
    assert result.exit_code == exit_codes.RUNS_LEFT
    assert "  left: 1 run in a worker's hands; say it again when it is done\n" in result.stdout


def test_help_names_the_exit_codes(project: Any) -> None:
    assert "Exit code 15" in project.ok("retire", "--help")
