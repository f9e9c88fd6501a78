"""rehearse, runs export and import: what they print, and their exit codes."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from statemig import Migrator, RunStore
from statemig.cli import exit_codes

SECRET = "the-patient-said-so"
STAGING = "sqlite:///staging.db"


def store(project: Any, url: str = "sqlite:///runs.db", head: str | None = None) -> RunStore:
    return RunStore(url, Migrator(project.root / "migrations", workflow="triage", head=head))


def everything() -> list[str]:
    with closing(sqlite3.connect("runs.db")) as connection:
        return list(connection.iterdump())


@pytest.fixture
def stored(project: Any) -> Any:
    """Three runs of version 1, one of which waits; version 2 renames a field and the step on which two of them stand."""
    project.first = project.head()
    runs = store(project)
    for number in range(3):
        runs.start({"topic": SECRET, "summary": "s"}, run_id=f"r{number}")
    with runs.claim("w1") as run:
        run.wait("send", key="k", payload={"q": SECRET})
    project.code("topic: str\ndigest: str", 'Step("sort", next="send"), Step("send")')
    project.ok(
        "revision",
        "--autogenerate",
        "--rename",
        "state.summary:digest",
        "--rename",
        "steps.classify:sort",
        "--rev-id",
        "bbb",
    )
    return project


@pytest.fixture
def careless(stored: Any) -> Any:
    """The line of the step was taken out of the script again."""
    [_, script] = stored.scripts()
    script.write_text(
        "".join(line for line in script.read_text().splitlines(True) if "rename_step" not in line)
    )
    from statemig.revisions.directory import Directory

    Directory(stored.root / "migrations").refreeze("bbb")
    return stored


def test_every_run_gets_there(stored: Any) -> None:
    before = everything()
    assert stored.ok("rehearse").splitlines() == [
        "triage to version 2 (bbb): 3 live runs tried in memory; nothing was written",
        "          3  migrated, valid, can go on, and brought back exactly",
    ]
    assert everything() == before


def test_what_fails_is_grouped_with_what_to_do_and_the_form_of_one_run(careless: Any) -> None:
    result = careless.run("rehearse")
    assert result.exit_code == exit_codes.UNFIT
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "triage to version 2 (bbb): 3 live runs tried in memory; nothing was written",
        "          1  migrated, valid, can go on, and brought back exactly",
        "          2  would not get there",
        "cursor.target-missing: 2 runs of version 1, revision bbb, step classify, path cursor[]",
    ]
    assert lines[4:7] == [
        "  there is no step 'classify' in version bbb",
        '  Add op.rename_step("classify", to=...) or op.remove_step("classify", cursor=...) to the revision',
        "  runs    r1, r2",
    ]
    assert lines[7].startswith('  before  {"cursor": [{"id": ')
    assert SECRET not in result.output


def test_as_json(careless: Any) -> None:
    [found] = careless.json("rehearse")["workflows"]
    assert (found["runs"], found["fine"], found["failed"], found["ok"]) == (3, 1, 2, False)
    [group] = found["groups"]
    assert (group["finding"], group["run_ids"], group["count"]) == ("cursor.target-missing", ["r1", "r2"], 2)
    assert group["example"]["before"]["state"]["summary"] == "x"


def test_a_sample_and_a_revision(stored: Any) -> None:
    assert "a sample of 2 of 3 live runs tried" in stored.ok("rehearse", "bbb", "--sample", "2")
    assert stored.run("rehearse", "--all", "--sample", "2").exit_code == exit_codes.USAGE
    assert "3  at that version already" in stored.ok("rehearse", stored.first)


def test_copies_are_resumed_with_the_steps_of_a_module(stored: Any) -> None:
    (stored.root / f"{stored.module}_steps.py").write_text(
        "def sort(run):\n    run.advance()\n\n\ndef send(run):\n    raise ValueError(run.state['topic'])\n\n\n"
        "STEPS = {'sort': sort, 'send': send}\nNONE = 3\n"
    )
    result = stored.run("rehearse", "--steps", f"{stored.module}_steps:STEPS")
    assert result.exit_code == exit_codes.UNFIT
    assert (
        "resume.failed: 2 runs of version 1, step send\n  the step's function raised ValueError"
        in result.stdout
    )
    assert SECRET not in result.output
    for wrong in (f"{stored.module}_steps:NONE", f"{stored.module}_steps:GONE", "nothing"):
        refused = stored.run("rehearse", "--steps", wrong)
        assert (refused.exit_code, "Write --steps package.module:STEPS" in refused.stderr) == (1, True)


class TestStaging:
    def export(self, project: Any) -> None:
        Path("staging.jsonl").write_text(project.ok("runs", "export", "--redact"))

    def test_exported_runs_stand_in_the_staging_store_as_they_stood(self, stored: Any) -> None:
        self.export(stored)
        assert (
            stored.ok("runs", "import", "staging.jsonl", "--store", STAGING) == "triage: 3 runs imported.\n"
        )

        def places(url: str) -> set[tuple[Any, ...]]:
            lines = stored.json("runs", "--store", url)["workflows"][0]["lines"]
            return {
                (line["version"], line["step"], line["status"], line["on"], line["count"]) for line in lines
            }

        assert places(STAGING) == places("sqlite:///runs.db")
        assert not any(SECRET.encode() in file.read_bytes() for file in Path().glob("staging.db*"))
        assert "3  migrated, valid" in stored.ok("rehearse", "--store", STAGING)

    def test_a_store_that_holds_runs_only_when_told(self, stored: Any) -> None:
        self.export(stored)
        store(stored, STAGING).start({"topic": "t", "digest": "d"})
        refused = stored.run("runs", "import", "staging.jsonl", "--store", STAGING)
        assert refused.exit_code == exit_codes.ERROR
        assert "the store holds 1 run already; nothing was written" in refused.stderr
        assert "3 runs imported" in stored.ok("runs", "import", "staging.jsonl", "--store", STAGING, "--add")
        again = stored.run("runs", "import", "staging.jsonl", "--store", STAGING, "--add")
        assert (again.exit_code, "one of those names is there already" in again.stderr) == (1, True)

    @pytest.mark.parametrize(
        "url", ["sqlite:///runs.db", "sqlite:///./runs.db", "sqlite+pysqlite:///runs.db"]
    )
    def test_never_into_the_configured_store(self, stored: Any, url: str) -> None:
        self.export(stored)
        refused = stored.run("runs", "import", "staging.jsonl", "--store", url, "--add")
        assert refused.exit_code == exit_codes.ERROR
        assert "this is the configured store, whose runs are live" in refused.stderr
        assert len([row for rows in store(stored).iterate() for row in rows]) == 3
        assert stored.run("runs", "import", "staging.jsonl").exit_code == exit_codes.USAGE

    def test_what_is_no_export_is_refused_as_a_whole(self, stored: Any) -> None:
        self.export(stored)
        good = Path("staging.jsonl").read_text()
        broken = json.loads(good.splitlines()[0])
        del broken["document"]
        newer = json.dumps({**json.loads(good.splitlines()[0]), "format": 2})
        for bad, said in (
            ("{", "line 4 is no JSON object"),
            (json.dumps(broken), "run 4 of the file is none that was exported"),
            (newer, "run 4 of the file is none that was exported, or of a format that is not known here"),
        ):
            Path("staging.jsonl").write_text(good + bad + "\n")
            refused = stored.run("runs", "import", "staging.jsonl", "--store", STAGING)
            assert (refused.exit_code, said in refused.stderr) == (exit_codes.ERROR, True)
        assert [row for rows in store(stored, STAGING).iterate() for row in rows] == []

    def test_runs_of_another_workflow_are_left_out_and_counted(self, stored: Any) -> None:
        self.export(stored)
        text = Path("staging.jsonl").read_text()
        Path("staging.jsonl").write_text(text.replace('"workflow":"triage"', '"workflow":"other"', 1))
        result = stored.run("runs", "import", "staging.jsonl", "--store", STAGING)
        assert (result.exit_code, result.stderr) == (
            exit_codes.RUNS_LEFT,
            "1 run left out: of the workflow other.\n",
        )
