"""abort: what it prints, and its exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from statemig import Migrator, RunStore
from statemig.cli import exit_codes

SECRET = "the-patient-said-so"


def store(project: Any, head: str | None = None) -> RunStore:
    location = project.root / "migrations"
    return RunStore("sqlite:///runs.db", Migrator(location, workflow="triage", head=head))


@pytest.fixture
def deployed(project: Any) -> Any:
    """Version 2 renames a field. Of four runs of version 1 one stayed, one was upgraded alone, one went on, and one is pinned there."""
    project.first = project.head()
    old = store(project)
    for number in range(4):
        old.start({"topic": SECRET, "summary": "s"}, run_id=f"r{number}")
    old.watched.beat("w1", 1e6)
    project.code("topic: str\ndigest: str")
    project.ok(
        "revision", "--autogenerate", "-m", "digest", "--rename", "state.summary:digest", "--rev-id", "bbb"
    )
    new = store(project)
    for number in (1, 2, 3):
        new.upgrade(f"r{number}")
    with new.load("r2") as run:
        run.state["digest"] = "longer"
    new.pin("r3", "bbb")
    project.ok("deploy", "start", "bbb")
    return project


def test_every_bucket_is_counted_and_what_can_not_go_back_is_listed(deployed: Any) -> None:
    first = deployed.first
    result = deployed.run("abort")
    assert result.exit_code == exit_codes.RUNS_LEFT
    assert [line.split("  ")[0] for line in result.stdout.splitlines()[:1]] == [
        f"triage: the deploy of version 2 (bbb) aborted; new runs start on version 1 ({first})"
    ]
    counts = {line.split()[0]: line.split()[1] for line in result.stdout.splitlines()[2:]}
    assert counts == {"stayed": "1", "patched": "1", "downgraded": "1", "pinned": "1"}
    assert result.stderr == (
        "1 run can not go back:\n"
        "  - run r3, pinned, revision bbb: it is pinned to revision bbb. "
        "There is a way back: `statemig route unpin r3`, then abort again\n"
    )
    assert SECRET not in result.output


def test_when_nothing_is_left_the_exit_code_says_so(deployed: Any) -> None:
    deployed.ok("route", "unpin", "r3")
    found = deployed.json("abort")
    assert (found["stayed"], found["patched"], found["downgraded"], found["complete"]) == (1, 2, 1, True)
    assert found["failures"] == []
    again = deployed.json("abort")
    assert (again["stayed"], again["complete"]) == (4, True)


def test_a_dry_run_is_a_dry_run(deployed: Any) -> None:
    result = deployed.run("abort", "--dry-run")
    assert result.exit_code == exit_codes.RUNS_LEFT
    assert "would be aborted" in result.stdout
    assert store(deployed).row("r1").revision == "bbb"
    assert deployed.json("deploy", "status")["window"]["stage"] == "started"


def test_without_a_deploy_it_is_blocked(project: Any) -> None:
    result = project.run("abort")
    assert result.exit_code == exit_codes.BLOCKED
    assert (
        result.stderr
        == "Error: workflow triage: no deploy is open. To go back all the same: `statemig abort --to REV`\n"
    )
    listed = project.run("abort", "--format", "json")
    assert listed.exit_code == exit_codes.BLOCKED
    assert json.loads(listed.stdout) == {
        "workflow": "triage",
        "revision": None,
        "blocked": True,
        "error": "no deploy is open",
        "blockers": ["no deploy is open"],
        "hint": "To go back all the same: `statemig abort --to REV`",
    }


def test_back_to_a_named_version_and_nobody_there_to_run_it(deployed: Any) -> None:
    store(deployed).deploy.leave("w1")
    result = deployed.run("abort", "--to", deployed.first)
    assert result.exit_code == exit_codes.RUNS_LEFT
    assert result.stderr.startswith(
        f"No worker of version 1 ({deployed.first}) lives: its runs wait for one.\n"
    )


def test_help_names_the_exit_codes(project: Any) -> None:
    assert "Exit code 7" in project.ok("abort", "--help")
