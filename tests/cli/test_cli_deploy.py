"""runs, route, drain, deploy: what they print, and their exit codes."""

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
def stored(project: Any) -> Any:
    """Three runs of version 1, of which one waits; a worker of it; version 2 renames a field."""
    project.first = project.head()
    runs = store(project)
    for number in range(3):
        runs.start({"topic": SECRET, "summary": "s"}, run_id=f"r{number}")
    with runs.claim("w1") as run:
        run.wait("send", key="k")
    project.code("topic: str\ndigest: str")
    project.ok(
        "revision", "--autogenerate", "-m", "digest", "--rename", "state.summary:digest", "--rev-id", "bbb"
    )
    return project


def test_runs_says_where_they_stand(stored: Any) -> None:
    out = stored.ok("runs")
    assert out.splitlines()[0] == "triage: 3 runs in flight"
    assert [line.split()[:5] for line in out.splitlines()[1:4]] == [
        ["version", "step", "status", "on", "runs"],
        ["1", "classify", "ready", "-", "2"],
        ["1", "send", "waiting", "human", "1"],
    ]
    assert out.splitlines()[4:] == ["  unknown tag: none", "  zombies: none"]
    assert SECRET not in out


def test_runs_by_and_where(stored: Any) -> None:
    found = stored.json("runs", "--by", "step", "--where", "status=waiting")["workflows"][0]
    assert [(line["step"], line["count"]) for line in found["lines"]] == [("send", 1)]
    assert stored.run("runs", "--where", "step").exit_code == exit_codes.USAGE


def test_zombies_are_named_and_decide_the_exit_code(stored: Any) -> None:
    store(stored).deploy.leave("w1")
    result = stored.run("runs")
    assert result.exit_code == exit_codes.ZOMBIES
    assert "  zombies: 3 runs that no living worker can take\n" in result.stdout
    assert "for example r1" in result.stdout


def test_what_is_not_known_has_an_exit_code_of_its_own(project: Any) -> None:
    store(project).start({"topic": "t", "summary": "s"})
    result = project.run("runs")
    assert result.exit_code == exit_codes.NOT_KNOWN
    assert "  zombies: unknown: no worker has said yet what it can run\n" in result.stdout


def test_export_keeps_the_form_alone(stored: Any) -> None:
    result = stored.run("runs", "export", "--redact")
    assert result.exit_code == 0
    assert len([json.loads(line) for line in result.stdout.splitlines()]) == 3
    assert SECRET not in result.stdout
    assert result.stderr == "3 runs exported.\n"
    assert stored.run("runs", "export").exit_code == exit_codes.USAGE


def test_explain_names_the_rule_that_won(stored: Any) -> None:
    stored.ok("route", "pin", "r1")
    first = stored.first
    out = stored.ok("route", "explain", "r1")
    assert out == (
        f"run r1 stands at classify, its state is of version 1 ({first}), it started on {first}\n"
        f"  goes to    version 1 ({first})\n"
        f"  rule       pin: it is pinned to {first}\n"
        "  taken by   w1\n"
    )
    stored.ok("route", "unpin", "r1")
    stored.ok("route", "prefer", "bbb")
    found = stored.json("route", "explain", "r1")
    assert (found["rule"], found["revision"], found["wanted"]) == ("preferred", first, "bbb")
    assert found["change_class"] == "breaking"
    assert found["why"] == f"bbb is the preferred version; no living worker takes it to bbb, so {first}"


def test_policies_are_listed_and_dropped(stored: Any) -> None:
    assert (
        stored.ok("route", "policy", "step", "send", "--strategy", "route") == "triage: step send: route.\n"
    )
    stored.ok("route", "policy", "class", "breaking", "--strategy", "drain")
    [shown] = stored.json("route", "show")["workflows"]
    assert [(each["scope"], each["target"], each["strategy"]) for each in shown["policies"]] == [
        ("class", "breaking", "drain"),
        ("step", "send", "route"),
    ]
    assert stored.json("route", "explain", "r0")["rule"] == "step"
    assert (
        stored.ok("route", "policy", "step", "send", "--drop")
        == "triage: no policy for step send any more.\n"
    )
    result = stored.run("route", "policy", "class", "huge", "--strategy", "route")
    assert (
        result.stderr == "Error: there is no change class 'huge'. One of none, prompt, additive, breaking\n"
    )


def test_drain_and_resume(stored: Any) -> None:
    first = stored.first
    result = stored.run("drain", first, "--deadline", "2h")
    assert result.exit_code == exit_codes.DRAINING
    lines = result.stdout.splitlines()
    assert lines[0] == f"triage version 1 ({first}): draining, 3 runs left of 3"
    assert "  rate         unknown: no run has ended since it began" in lines
    assert any(line.startswith("  it is        waiting at send for a human, since") for line in lines)
    assert stored.json("drain", first)["left"] == 3
    assert stored.ok("drain", first, "--resume") == f"triage version 1 ({first}): new runs start again.\n"
    assert stored.run("drain", first, "--deadline", "soon").exit_code == exit_codes.USAGE


def test_a_drain_says_where_the_runs_go_that_are_left(stored: Any) -> None:
    first = stored.first
    result = stored.run("drain", first, "--deadline", "2h", "--on-deadline", "migrate")
    assert "then migrate to version 2 (bbb)" in result.stdout
    assert result.stderr == ""
    stored.ok("route", "prefer", first)
    result = stored.run("drain", first)
    assert result.exit_code == exit_codes.DRAINING
    assert result.stderr == (
        f"triage version 1 ({first}) is preferred itself: no new run starts while it drains, and after the deadline its runs go to "
        "version 2 (bbb), the newest. Say which is wanted: `statemig route prefer REV`\n"
    )


def test_drained(stored: Any) -> None:
    runs = store(stored)
    for number in range(3):
        runs.upgrade(f"r{number}")
    result = stored.run("drain", stored.first)
    assert (result.exit_code, result.stdout.splitlines()[0].split(": ")[1]) == (
        0,
        "drained, 0 runs left of 0",
    )


def test_deploy_start_status_complete(stored: Any) -> None:
    first = stored.first
    out = stored.ok("deploy", "start", "bbb")
    assert f"triage: 1 ({first}) -> 2 (bbb), started, began 0s ago\n" in out
    assert "in memory  the way down is proved" in out
    blocked = stored.run("deploy", "complete")
    assert blocked.exit_code == exit_codes.BLOCKED
    assert f"worker w1 runs {first}" in blocked.stderr
    listed = stored.run("deploy", "complete", "--format", "json")
    assert listed.exit_code == exit_codes.BLOCKED
    found = json.loads(listed.stdout)
    assert (found["workflow"], found["blocked"]) == ("triage", True)
    assert found["blockers"] == [f"worker w1 runs {first}"]
    assert listed.stderr == blocked.stderr
    store(stored).deploy.leave("w1")
    assert stored.json("deploy", "complete")["window"]["stage"] == "completed"
    assert stored.json("deploy", "status")["preferred"] == "bbb"


@pytest.mark.parametrize("command", [["runs"], ["route", "explain"], ["drain"], ["deploy", "start"]])
def test_help_names_the_exit_codes(project: Any, command: list[str]) -> None:
    assert "Exit code" in project.ok(*command, "--help")
