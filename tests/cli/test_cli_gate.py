"""gate on a good and on a bad change, as golden output; staging; exit codes."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from statemig import Migrator, RunStore
from statemig.cli import exit_codes
from statemig.revisions.directory import Directory

SECRET = "the-patient-said-so"
GOLDEN = Path(__file__).parent.parent / "golden" / "gate"


def store(project: Any, url: str = "sqlite:///runs.db") -> RunStore:
    return RunStore(url, Migrator(project.root / "migrations", workflow="triage"))


def golden(name: str, text: str) -> None:
    """The same as the file; UPDATE_GOLDEN=1 writes it."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text()


@pytest.fixture
def live(here: Any) -> Any:
    """Three runs of version 1 (aaa); one of them waits for a person. A worker lives."""
    here.ok("revision", "--autogenerate", "-m", "first version", "--rev-id", "aaa")
    runs = store(here)
    for number in range(3):
        runs.start({"topic": SECRET, "summary": "s"}, run_id=f"r{number}")
    with runs.claim("w1") as run:
        run.wait("send", key="k", payload={"q": SECRET})
    return here


@pytest.fixture
def good(live: Any) -> Any:
    """A field and a step are renamed, a field with a default comes, and a prompt changes."""
    live.code(
        "topic: str\ndigest: str\nurgent: bool = False",
        'Step("sort", prompt="Sort {topic}.", next="send"), Step("send")',
    )
    renames = ("--rename", "state.summary:digest", "--rename", "steps.classify:sort")
    live.run("revision", "--autogenerate", *renames, "-m", "digest", "--rev-id", "bbb")
    return live


@pytest.fixture
def bad(good: Any) -> Any:
    """Somebody took the line of the step out of the script, the prompt uses what no state has, and the code went on."""
    [_, script] = good.scripts()
    lines = script.read_text().splitlines(keepends=True)
    script.write_text("".join(line for line in lines if "rename_step" not in line))
    Directory(good.root / "migrations").refreeze("bbb")
    good.code(
        "topic: str\ndigest: str\nurgent: bool = False\nowner: str",
        'Step("sort", prompt="Sort {topic}.", next="send"), Step("send")',
    )
    return good


def test_a_good_change_opens_the_gate(good: Any) -> None:
    golden("good.txt", good.ok("gate"))
    golden("good.md", good.ok("gate", "--format", "markdown"))


def test_a_bad_change_closes_it_and_everything_in_the_way_is_listed(bad: Any) -> None:
    result = bad.run("gate")
    assert result.exit_code == exit_codes.CLOSED
    golden("bad.txt", result.stdout)
    golden("bad.md", bad.run("gate", "--format", "markdown").stdout)
    assert SECRET not in result.output


def test_as_json(bad: Any) -> None:
    found = bad.json("gate")
    [workflow] = found["workflows"]
    assert (found["verdict"], workflow["old"], workflow["new"]) == ("closed", "aaa", "bbb")
    failed = [item["name"] for item in workflow["items"] if item["state"] == "failed"]
    assert failed == [
        "additive rules",
        "the code is what was frozen",
        "proof of the scripts",
        "verify against in-flight state",
    ]
    assert workflow["rehearsal"]["groups"][0]["finding"] == "cursor.target-missing"


def test_it_writes_nothing(good: Any) -> None:
    def everything() -> list[str]:
        with closing(sqlite3.connect("runs.db")) as connection:
            return list(connection.iterdump())

    before = everything()
    good.ok("gate")
    assert everything() == before


def test_a_prompt_that_live_runs_speak_against(live: Any) -> None:
    live.code(
        "topic: str\nsummary: str", 'Step("classify", prompt="Sort {customer}.", next="send"), Step("send")'
    )
    live.ok("revision", "--autogenerate", "-m", "prompt", "--rev-id", "bbb")
    result = live.run("gate")
    assert result.exit_code == exit_codes.CLOSED
    assert '  [!] is "prompt-only" really safe ' in result.stdout
    assert "uses {customer}, which no state has: 2 live runs (r1, r2)" in " ".join(result.stdout.split())


def test_what_no_operation_makes_needs_a_word_about_the_runs(live: Any) -> None:
    live.code(
        "topic: str\nsummary: str", 'Step("classify", prompt="Sort {customer}.", next="send"), Step("send")'
    )
    live.ok("revision", "--autogenerate", "-m", "prompt", "--rev-id", "bbb")
    assert "  [!] breaking: migrate, drain or route " in live.run("gate").stdout
    live.ok("route", "policy", "class", "prompt", "--strategy", "route")
    assert "  [x] breaking: migrate, drain or route " in live.run("gate").stdout


def test_the_first_version_has_no_runs(here: Any) -> None:
    here.ok("revision", "--autogenerate", "-m", "first version", "--rev-id", "aaa")
    out = here.ok("gate")
    assert out.splitlines()[0] == "Deploying triage: nothing to version 1 (aaa)"
    assert "no live run to try" in out


def test_what_could_not_be_found_out_is_no_yes(good: Any) -> None:
    """The code has no workflow of that name, so nothing says whether it is what was frozen."""
    Path("statemig.toml").write_text(
        'script_location = "migrations"\nworkflows = []\nstore = "sqlite:///runs.db"\n'
    )
    assert good.ok("gate", "--chain-only").splitlines()[-1].startswith("The gate is open")
    result = good.run("gate")
    assert result.exit_code == exit_codes.ERROR
    good.reconfigure([f"{good.module}:other"])
    text = (good.root / f"{good.module}.py").read_text()
    (good.root / f"{good.module}.py").write_text(
        text.replace('triage = Workflow("triage"', 'other = Workflow("other"')
    )
    good.forget()
    result = good.run("gate")
    assert result.exit_code == exit_codes.NOT_KNOWN
    assert "  [?] the code is what was frozen " in result.stdout
    assert "The gate is not open: 1 of 9 checks could not be made." in result.stdout


def test_runs_that_nobody_can_take_close_it(good: Any) -> None:
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute("UPDATE statemig_runs SET revision = 'fffffffffff0' WHERE run_id = 'r2'")
    result = good.run("gate")
    assert result.exit_code == exit_codes.CLOSED
    assert "1 run of a revision that nobody here knows (fffffffffff0)" in " ".join(result.stdout.split())


class TestStaging:
    """Export, import, and the same checklist over there."""

    URL = "sqlite:///staging.db"

    def fill(self, project: Any) -> None:
        Path("staging.jsonl").write_text(project.ok("runs", "export", "--redact"))
        project.ok("runs", "import", "staging.jsonl", "--store", self.URL)

    def test_a_good_change_opens_the_gate_there_too(self, good: Any) -> None:
        self.fill(good)
        out = good.ok("gate", "--store", self.URL)
        assert "3 of 3 runs tried; 3 get there and back" in out
        assert "  [x] staging                            this is the staging store\n" in out
        assert "zombies: unknown: no worker has said yet what it can run" in out

    def test_a_bad_one_is_found_without_the_live_store(self, bad: Any) -> None:
        self.fill(bad)
        Path("runs.db").unlink()
        result = bad.run("gate", "--store", self.URL)
        assert result.exit_code == exit_codes.CLOSED
        assert "cursor.target-missing, 2 runs of version 1 at step classify" in result.stdout
        assert not Path("runs.db").exists()


def test_several_workflows_have_a_checklist_each(good: Any) -> None:
    text = (good.root / f"{good.module}.py").read_text()
    (good.root / f"{good.module}.py").write_text(
        text + 'other = Workflow("other", state=State, steps=[Step("one")])\n'
    )
    good.forget()
    good.reconfigure([f"{good.module}:triage", f"{good.module}:other"])
    good.ok("revision", "--autogenerate", "-w", "other", "-m", "other")
    found = json.loads(good.run("gate", "--format", "json").stdout)
    assert [each["workflow"] for each in found["workflows"]] == ["other", "triage"]
