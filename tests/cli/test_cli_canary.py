"""canary and watch: what they print, and their exit codes."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from statemig import Migrator, RunStore
from statemig.cli import exit_codes
from statemig.store.tables import attempts

SECRET = "the-patient-said-so"


def store(project: Any, head: str | None = None) -> RunStore:
    location = project.root / "migrations"
    return RunStore("sqlite:///runs.db", Migrator(location, workflow="triage", head=head))


@pytest.fixture
def stored(project: Any) -> Any:
    """Forty runs of version 1; workers of both versions; version 2 renames a field."""
    project.first = project.head()
    runs = store(project)
    for number in range(40):
        runs.start({"topic": SECRET, "summary": "s"}, run_id=f"r{number}")
    runs.watched.beat("w1", 1e6)
    project.code("topic: str\ndigest: str")
    project.ok(
        "revision", "--autogenerate", "-m", "digest", "--rename", "state.summary:digest", "--rev-id", "bbb"
    )
    store(project).watched.beat("w2", 1e6)
    return project


def tried(project: Any, revision: str, count: int, bad: int = 0) -> None:
    runs = store(project)
    now = time.time()
    common = {"workflow": "triage", "token": 1, "step": "classify", "started_at": now, "ended_at": now}
    with runs.engine.begin() as connection:
        connection.execute(
            attempts.insert(),
            [
                {**common, "run_id": f"{revision}-{number}", "revision": revision}
                | {"outcome": "error" if number < bad else "done", "error": "ValueError"}
                for number in range(count)
            ],
        )


def test_a_canary_from_its_start_to_its_end(stored: Any) -> None:
    out = stored.ok("canary", "start", "bbb", "--new", "5%", "--parked", "10%", "--hold", "20m")
    lines = out.splitlines()
    assert lines[0] == "triage: canary of bbb, stage 1 of 3: 5% of new runs, 10% of those in flight"
    assert lines[1] == "  ramp     5%/10%, 25%, 100%"
    assert lines[2].startswith("  stage    19m 5")
    [row] = stored.json("canary", "status")["steps"].values()
    assert (row["runs"], row["new"]) == (40, 0)
    assert abs(row["canary"] - 4) <= 1
    assert SECRET not in out

    blocked = stored.run("canary", "advance")
    assert blocked.exit_code == exit_codes.BLOCKED
    assert "the stage has stood for 0 of 1,200 seconds" in blocked.stderr
    assert "the verdict is WAIT: errors: too few runs to tell: none of the new version yet" in blocked.stderr
    listed = json.loads(stored.run("canary", "advance", "--format", "json").stdout)["blockers"]
    assert [each.split(":")[0] for each in listed] == [
        "the stage has stood for 0 of 1,200 seconds",
        "the verdict is WAIT",
    ]

    found = stored.json("canary", "advance", "--force", "a small shop")
    assert (found["stage"], found["shares"], found["log"][-1]["forced"]) == (1, [0.25, 0.25], "a small shop")
    assert found["watch"]["verdict"] == "WAIT"
    assert (
        "  forced   to 25% of new runs, 25% of those in flight: a small shop; although the stage has stood for 0 of"
    ) in stored.ok("canary", "status")
    assert stored.ok("canary", "stop").splitlines()[0] == (
        "triage: the canary of bbb is over, the deploy is started"
    )


def test_explain_names_the_canary(stored: Any) -> None:
    stored.ok("canary", "start", "bbb", "--stages", "100/100")
    assert stored.json("route", "explain", "r0")["rule"] == "canary"


def test_runs_that_are_left_out_are_counted_with_the_reason(stored: Any) -> None:
    stored.ok("route", "pin", "r1")
    assert "  left out 1 run: pinned\n" in stored.ok("canary", "start", "bbb")


def test_without_a_canary(stored: Any) -> None:
    assert stored.ok("canary", "status") == "triage: no canary was started\n"
    assert stored.run("canary", "stop").exit_code == exit_codes.BLOCKED
    found = json.loads(stored.run("canary", "stop", "--format", "json").stdout)
    assert found["blockers"] == [found["error"]] == ["no canary is on"]


@pytest.mark.parametrize(
    "arguments", [("--new", "lots"), ("--parked", "101%"), ("--stages", "5,,100"), ("--hold", "soon")]
)
def test_what_is_no_share_and_no_time(stored: Any, arguments: tuple[str, str]) -> None:
    assert stored.run("canary", "start", "bbb", *arguments).exit_code == exit_codes.USAGE


def test_watch_once(stored: Any) -> None:
    stored.ok("canary", "start", "bbb")
    result = stored.run("watch")
    assert result.exit_code == exit_codes.WAIT
    assert result.stdout.splitlines()[:2] == [
        "triage: WAIT, bbb over the last 0s",
        "  because  errors: too few runs to tell: none of the new version yet",
    ]
    tried(stored, stored.first, 300, bad=2)
    tried(stored, "bbb", 90)
    result = stored.run("watch", "--once")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1] == "  because  errors: 0 of 90 against 2 of 300, at most +3.5%"
    assert [line.split()[:1] for line in result.stdout.splitlines()[2:5]] == [
        ["sign"],
        ["errors"],
        ["errors"],
    ]


def test_watch_ends_at_abort(stored: Any) -> None:
    stored.ok("canary", "start", "bbb")
    tried(stored, stored.first, 300, bad=2)
    tried(stored, "bbb", 40, bad=12)
    result = stored.run("watch", "--for", "30m")
    assert result.exit_code == exit_codes.ABORT
    assert "  because  errors: 12 of 40 against 2 of 300" in result.stdout
    assert "  errors: for example bbb-0, bbb-1," in result.stdout


def test_watch_prints_an_object_for_each_look(stored: Any) -> None:
    stored.ok("canary", "start", "bbb")
    result = stored.run("watch", "--for", "1s", "--every", "1s", "--format", "json")
    looks = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["verdict"] for each in looks] == ["WAIT", "WAIT"]
    assert [each["sign"] for each in looks[0]["signs"]] == [
        "errors",
        "silent ends",
        "asked again",
        "no progress",
    ]


def test_there_is_nothing_to_watch(stored: Any) -> None:
    result = stored.run("watch")
    assert (result.exit_code, "no deploy was started" in result.stderr) == (exit_codes.ERROR, True)
    assert stored.run("watch", "--once", "--for", "1m").exit_code == exit_codes.USAGE


@pytest.mark.parametrize(
    "command", [["watch"], ["canary", "start"], ["canary", "advance"], ["canary", "stop"]]
)
def test_help_names_the_exit_codes(project: Any, command: list[str]) -> None:
    assert "Exit code" in project.ok(*command, "--help")
