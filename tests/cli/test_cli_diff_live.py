"""diff asks the stored runs where a verdict depends on values: on real SQLite files, and without showing what runs hold."""

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
PAUSE = 'Step("classify", next="send"), Step("send")'


def store(project: Any, url: str = "sqlite:///runs.db") -> RunStore:
    return RunStore(url, Migrator(project.root / "migrations", workflow="triage"))


@pytest.fixture
def bounded(project: Any) -> Any:
    """Version 1 has a text of any length, the code one of at most ten characters."""
    (project.root / f"{project.module}.py").write_text(
        "from typing import Annotated\n\nfrom pydantic import BaseModel, Field\n\nfrom statemig import Step, Workflow\n\n\n"
        "class State(BaseModel):\n    topic: str\n    summary: Annotated[str, Field(max_length=10)]\n\n\n"
        'triage = Workflow("triage", state=State, steps=[Step("classify", next="send"), Step("send")])\n'
    )
    project.forget()
    return project


def start(project: Any, *summaries: str, url: str = "sqlite:///runs.db") -> None:
    runs = store(project, url)
    for number, summary in enumerate(summaries):
        runs.start({"topic": SECRET, "summary": summary}, run_id=f"r{number}")


def test_without_runs_it_depends_on_the_values_and_no_file_is_made(bounded: Any) -> None:
    result = bounded.run("diff")
    assert result.exit_code == exit_codes.BREAKING
    assert "live run" not in result.output
    assert not Path("runs.db").exists()


def test_what_holds_for_all_live_runs_is_not_breaking(bounded: Any) -> None:
    start(bounded, "short", "short too")
    result = bounded.run("diff")
    assert result.exit_code == exit_codes.ADDITIVE
    assert "triage: additive, 1 change" in result.stdout
    assert "  S40 state.summary, R: holds for all 2 live runs\n" in result.stdout


def test_the_runs_that_it_fails_for_are_named_and_their_values_are_not(bounded: Any) -> None:
    start(bounded, "short", SECRET, SECRET)
    result = bounded.run("diff")
    assert result.exit_code == exit_codes.BREAKING
    assert (
        "  S40 state.summary, R: fails for 2 of 3 live runs: r1, r2 (first at state.summary)\n"
        in result.stdout
    )
    assert SECRET not in result.output


def test_as_json_by_the_same_names(bounded: Any) -> None:
    start(bounded, "short", SECRET)
    (workflow,) = bounded.json("diff")["workflows"]
    (change,) = workflow["changes"]
    assert (change["reads"], change["change_class"], workflow["unknown"]) == ("no", "breaking", [])
    assert change["evidence"] == {
        "reads": {"runs": 2, "failing": 1, "unknown": 0, "run_ids": ["r1"], "path": "state.summary"}
    }


def test_another_store_than_the_configured_one(bounded: Any) -> None:
    start(bounded, SECRET)
    start(bounded, "short", url="sqlite:///other.db")
    assert bounded.run("diff", "--store", "sqlite:///other.db").exit_code == exit_codes.ADDITIVE
    assert bounded.run("diff").exit_code == exit_codes.BREAKING


def test_finished_runs_are_not_asked(bounded: Any) -> None:
    start(bounded, "short", SECRET)
    with store(bounded).load("r1") as run:
        run.document["status"] = "finished"
        run.document["cursor"] = []
    assert "holds for all 1 live run\n" in bounded.run("diff").stdout


def test_a_run_of_an_older_revision_is_brought_up_in_memory(bounded: Any) -> None:
    start(bounded, "short", SECRET)
    code = (bounded.root / f"{bounded.module}.py").read_text()
    bounded.code("topic: str\ndigest: str")
    bounded.ok("revision", "--autogenerate", "-m", "digest", "--rename", "state.summary:digest")
    (bounded.root / f"{bounded.module}.py").write_text(code.replace("summary", "digest"))
    bounded.forget()
    result = bounded.run("diff")
    assert "S40 state.digest, R: fails for 1 of 2 live runs: r1 (first at state.digest)" in result.stdout
    assert [revision for revision, _, _ in store(bounded).revisions()] != [bounded.head()]


def test_a_run_that_could_not_be_asked_is_listed_with_the_reason(bounded: Any) -> None:
    start(bounded, "short", "short")
    store(bounded).pin("r1", bounded.head())
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        connection.execute("UPDATE statemig_runs SET revision = 'fffffffffff0' WHERE run_id = 'r0'")
    result = bounded.run("diff")
    assert result.exit_code == exit_codes.BREAKING
    assert "R: holds for 1 live run; 1 could not be asked\n" in result.stdout
    assert "  1 live run could not be asked:\n    r0, at fffffffffff0: " in result.stdout
    (workflow,) = bounded.json("diff")["workflows"]
    (unknown,) = workflow["unknown"]
    assert (unknown["run_id"], unknown["revision"]) == ("r0", "fffffffffff0")
    assert workflow["changes"][0]["reads"] == "?"


def test_runs_at_the_new_revision_say_whether_the_old_one_reads_them(project: Any) -> None:
    old = project.head()
    project.code("topic: str\nsummary: str | None")
    project.ok("revision", "--autogenerate", "-m", "no summary", "--rev-id", "bbb")
    runs = store(project)
    runs.start({"topic": SECRET, "summary": None}, run_id="r0")
    runs.start({"topic": SECRET, "summary": SECRET}, run_id="r1")
    result = project.run("diff", old, "bbb")
    assert "S24 state.summary, F: fails for 1 of 2 live runs: r0 (first at state.summary)" in result.stdout
    assert SECRET not in result.output


def test_a_configured_store_that_does_not_answer_leaves_the_verdict_open(bounded: Any) -> None:
    Path("runs.db").write_text("this is no database, and long enough to be looked at" * 100)
    result = bounded.run("diff")
    assert result.exit_code == exit_codes.BREAKING
    assert "triage: the store was not asked: " in result.stderr
    assert "S40" in result.stdout


def test_a_store_named_on_the_command_line_has_to_answer(bounded: Any) -> None:
    Path("runs.db").write_text("this is no database, and long enough to be looked at" * 100)
    result = bounded.run("diff", "--store", "sqlite:///runs.db")
    assert result.exit_code not in (exit_codes.OK, exit_codes.ADDITIVE, exit_codes.BREAKING)


@pytest.mark.parametrize(
    "url", ["sqlite:///typo.db", "sqlite:///no/such/folder/runs.db", "postgresql://nobody@127.0.0.1:1/none"]
)
@pytest.mark.parametrize("changed", [True, False])
def test_it_has_to_answer_where_nothing_has_changed_as_well(bounded: Any, url: str, changed: bool) -> None:
    if not changed:
        bounded.ok("revision", "--autogenerate", "-m", "bounded")
    result = bounded.run("diff", "--store", url)
    assert result.exit_code == exit_codes.ERROR
    assert "the store does not answer" in result.stderr
    assert not Path("typo.db").exists()


def test_where_nothing_has_changed_the_runs_are_counted(project: Any) -> None:
    store(project, "sqlite:///other.db").start({"topic": SECRET, "summary": SECRET})
    (workflow,) = project.json("diff", "--store", "sqlite:///other.db")["workflows"]
    assert (workflow["live"]["runs"], workflow["strategy"]["strategy"]) == (1, "deploy")
    assert project.json("diff")["workflows"][0]["live"] is None


def test_two_files_have_no_runs(bounded: Any) -> None:
    for name in ("a.json", "b.json"):
        Path(name).write_text(json.dumps({"type": "object", "properties": {"a": {"type": "string"}}}))
    result = bounded.run("diff", "a.json", "b.json", "--store", "sqlite:///runs.db")
    assert "stored runs have the shape of a revision, and the older side is none" in result.stderr


def test_how_many_live_runs_each_change_touches(project: Any) -> None:
    project.code("topic: str\nsummary: str | None = None\nparts: list[str] = []", PAUSE)
    project.run("revision", "--autogenerate", "-m", "parts")
    runs = store(project)
    runs.start({"topic": SECRET, "summary": SECRET, "parts": []}, run_id="r0")
    runs.start({"topic": SECRET, "summary": None, "parts": [SECRET]}, run_id="r1")
    runs.start({"topic": SECRET, "parts": [SECRET, SECRET]}, run_id="r2")
    project.code("topic: str\nparts: list[int] = []\nextra: int = 0", 'Step("send")')
    result = project.run("diff", "--exact", "--rename", "state.summary:", "--rename", "classify:")
    (workflow,) = project.json("diff", "--exact", "--rename", "state.summary:", "--rename", "classify:")[
        "workflows"
    ]
    touches = {(change["rule"], change["path"]): change["touches"] for change in workflow["changes"]}
    assert touches == {
        ("S07", "state.summary"): 2,
        ("S28", "state.parts[]"): 2,
        ("S04", "state.extra"): 3,
        ("W04", "steps.classify"): 3,
    }
    assert "touches" in result.stdout.splitlines()[1]
    assert SECRET not in result.output


def test_without_a_store_nothing_is_counted(bounded: Any) -> None:
    assert all("touches" not in change for change in bounded.json("diff")["workflows"][0]["changes"])


def test_a_new_step_has_no_runs_to_count(project: Any) -> None:
    store(project).start({"topic": SECRET, "summary": SECRET}, run_id="r0")
    project.code(
        "topic: str\nsummary: str", 'Step("classify", next="check"), Step("check", next="send"), Step("send")'
    )
    changes = project.json("diff")["workflows"][0]["changes"]
    assert [change.get("touches") for change in changes if change["rule"] == "W03"] == [None]


def unreadable(*run_ids: str) -> None:
    """Whoever reads these documents fails."""
    with closing(sqlite3.connect("runs.db")) as connection, connection:
        for run_id in run_ids:
            connection.execute("UPDATE statemig_runs SET document = 'no JSON' WHERE run_id = ?", (run_id,))


def test_where_no_value_decides_no_document_is_read_and_touches_is_an_upper_bound(project: Any) -> None:
    project.code("topic: str\nsummary: str | None = None\nparts: list[str] = []")
    project.run("revision", "--autogenerate", "-m", "parts")
    start(project, SECRET, SECRET)
    unreadable("r0", "r1")
    project.code("topic: list[str]\nsummary: str | None = None\nparts: list[int] = []")
    result = project.run("diff")
    (workflow,) = project.json("diff")["workflows"]
    found = {each["path"]: (each["touches"], each.get("at_most", False)) for each in workflow["changes"]}
    assert found == {"state.topic": (2, False), "state.parts[]": (2, True)}
    assert workflow["live"] == {"runs": 2, "newer": 0, "unknown": 0, "asked": 0}
    assert " up to 2 " in result.stdout


class TestStrategy:
    """What to do with the runs that a change touches."""

    def strategies(self, project: Any) -> dict[str, Any]:
        (workflow,) = project.json("diff")["workflows"]
        return {change["rule"]: change["strategy"] for change in workflow["changes"]} | {
            "all": workflow["strategy"]["strategy"],
            "live": workflow["live"]["asked"],
        }

    def test_prompts_are_deployed_without_ceremony(self, project: Any) -> None:
        start(project, "s")
        project.code(
            "topic: str\nsummary: str", 'Step("classify", prompt="Sort.", next="send"), Step("send")'
        )
        result = project.run("diff")
        assert result.exit_code == exit_codes.OK
        assert "  strategy: deploy; what is stored stays as it is\n" in result.stdout
        assert "  1 live run at the older version or below it\n" in result.stdout

    def test_what_is_additive_is_migrated(self, project: Any) -> None:
        start(project, "s")
        project.code("topic: str\nsummary: str\nextra: int = 0")
        assert self.strategies(project)["all"] == "migrate"

    def test_what_an_operation_does_is_migrated(self, project: Any) -> None:
        start(project, "s")
        project.code("topic: str\nsummary: list[str]")
        assert self.strategies(project) == {"S29": "migrate", "all": "migrate", "live": 0}

    def test_what_no_operation_does_is_drained(self, project: Any) -> None:
        start(project, "s")
        self.with_pattern(project)
        assert self.strategies(project) == {"S41": "drain", "all": "drain", "live": 1}

    def test_and_routed_where_runs_wait(self, project: Any) -> None:
        start(project, "s")
        with store(project).claim("w") as run:
            run.wait("send", key="k")
        self.with_pattern(project)
        assert self.strategies(project)["all"] == "route"

    def test_what_concerns_no_run_is_migrated(self, project: Any) -> None:
        start(project, "s")
        with store(project).claim("w") as run:
            run.advance("send")
        project.code("topic: str\nsummary: str", 'Step("classify", kind="human", next="send"), Step("send")')
        assert self.strategies(project) == {"W11": "migrate", "all": "migrate", "live": 0}

    def with_pattern(self, project: Any) -> None:
        file = project.root / f"{project.module}.py"
        text = file.read_text().replace("summary: str", 'summary: Annotated[str, Field(pattern="^[A-Z]+$")]')
        file.write_text(
            text.replace("Literal", "Annotated, Literal").replace("BaseModel\n", "BaseModel, Field\n", 1)
        )
        project.forget()


def test_a_removed_step_is_judged_by_where_runs_stand_without_reading_them(project: Any) -> None:
    start(project, "s", "s", "s")
    unreadable("r0", "r1", "r2")
    project.code("topic: str\nsummary: str", 'Step("send")')
    result = project.run("diff", "--rename", "classify:")
    assert "W04 steps.classify, R: fails for 3 of 3 live runs: r0, r1, r2" in result.stdout


class TestPromptGuard:
    """A change of prompts alone is checked against the live runs."""

    def with_prompt(self, project: Any, prompt: str, fields: str = "topic: str\nsummary: str") -> None:
        project.code(fields, f'Step("classify", prompt="{prompt}", next="send"), Step("send")')

    def test_a_variable_that_no_state_has(self, project: Any) -> None:
        start(project, "s", "s")
        self.with_prompt(project, "Sort {topic} of {customer}.")
        result = project.run("diff")
        assert result.exit_code == exit_codes.BREAKING
        assert (
            "  W01 prompts.classify: the prompt of 'classify' uses {customer}, which no state has: 2 live runs (r0, r1)\n"
            in result.stdout
        )
        assert "  strategy: drain; " in result.stdout

    def test_only_runs_that_get_to_the_prompt_count(self, project: Any) -> None:
        start(project, "s")
        with store(project).claim("w") as run:
            run.advance("send")
        self.with_prompt(project, "Sort {customer}.")
        assert project.run("diff").exit_code == exit_codes.OK

    def test_it_touches_the_runs_that_get_to_the_prompt_and_says_what_to_do_with_them(
        self, project: Any
    ) -> None:
        start(project, "s", "s")
        project.code(
            "topic: str\nsummary: str",
            'Step("classify", next="send"), Step("send", prompt="Dear {customer}")',
        )
        (workflow,) = project.json("diff")["workflows"]
        (change,) = workflow["changes"]
        assert (change["change_class"], change["touches"], change["strategy"]) == ("breaking", 2, "drain")

    def test_a_variable_that_was_used_before_is_supplied_somehow(self, project: Any) -> None:
        self.with_prompt(project, "Sort for {customer}.")
        project.ok("revision", "--autogenerate", "-m", "prompt")
        start(project, "s")
        self.with_prompt(project, "Please sort for {customer}.")
        assert project.run("diff").exit_code == exit_codes.OK

    def test_without_live_runs_there_is_nothing_to_guard(self, project: Any) -> None:
        self.with_prompt(project, "Sort for {customer}.")
        assert project.run("diff").exit_code == exit_codes.OK

    def test_a_call_without_a_result_of_a_tool_that_changed(self, project: Any) -> None:
        fields = "topic: str\nmessages: list[dict] = []"
        project.code(fields, 'Step("classify", tools=["search"], next="send"), Step("send")')
        project.ok("revision", "--autogenerate", "-m", "tools", "--rename", "state.summary:")
        runs = store(project)
        call = {"tool_calls": [{"id": "c", "name": "search", "args": {"q": SECRET}}]}
        runs.start({"topic": SECRET, "messages": [call]}, run_id="calls")
        runs.start({"topic": SECRET, "messages": [call, {"tool_call_id": "c"}]}, run_id="done")
        project.code(fields, 'Step("classify", next="send"), Step("send")')
        result = project.run("diff")
        assert result.exit_code == exit_codes.BREAKING
        assert (
            "  W10 tools.search: the tool 'search' is gone, and calls of it have no result yet: 1 live run (calls)\n"
            in result.stdout
        )
        assert SECRET not in result.output
        (workflow,) = project.json("diff")["workflows"]
        assert "1 live run (calls)" in workflow["changes"][0]["reason"]

    def test_a_form_that_changed_along_is_said_at_the_prompt(self, project: Any) -> None:
        text = (
            "from pydantic import BaseModel\n\nfrom statemig import Step, Workflow\n\n\n"
            "class State(BaseModel):\n    topic: str\n    summary: str\n\n\n"
            "class Label(BaseModel):\n    label: str\n\n\n"
            'triage = Workflow("triage", state=State, steps=[Step("classify", prompt="A", output=Label, next="send"), Step("send")])\n'
        )
        file = project.root / f"{project.module}.py"
        file.write_text(text)
        project.forget()
        project.ok("revision", "--autogenerate", "-m", "label")
        start(project, "s")
        file.write_text(
            text.replace('"A"', '"B"').replace("label: str\n", "label: str\n    sure: bool = True\n")
        )
        project.forget()
        result = project.run("diff")
        assert result.exit_code == exit_codes.ADDITIVE
        assert (
            "  W01 prompts.classify: the form of what 'classify' puts out has changed along\n"
            in result.stdout
        )
