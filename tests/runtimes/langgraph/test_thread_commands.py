"""The command line in a project folder with a graph in it, over the database of its checkpointer."""

from __future__ import annotations

import itertools
import json
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from langgraph.types import Command
from langgraph_savers import Storage
from langgraph_threads import url_of

from statemig import Migrator
from statemig.cli.main import cli
from statemig.config import Config
from statemig.runtimes.langgraph import MigratingSaver

_numbers = itertools.count()

V1 = """
class State(TypedDict, total=False):
    topic: str
    draft: str
    answer: str
    sent: bool

builder = StateGraph(State)
builder.add_node("write", lambda state: {"draft": state["topic"].upper()})
builder.add_node("approve", lambda state: {"answer": interrupt("send it?")})
builder.add_node("send", lambda state: {"sent": state["answer"] == "yes"})
builder.add_edge(START, "write")
builder.add_edge("write", "approve")
builder.add_edge("approve", "send")
builder.add_edge("send", END)
graph = builder.compile(name="letters")
"""
V2 = V1.replace("approve", "review").replace("draft", "text")
HEADER = """from typing import TypedDict
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
"""


class Project:
    """`letters` has two versions: the node `approve` became `review`, and the field `draft` became `text`."""

    def __init__(self, root: Path, storage: Storage) -> None:
        self.root = root
        self.storage = storage
        self.module = f"letters_{next(_numbers)}"

    def code(self, text: str) -> None:
        (self.root / f"{self.module}.py").write_text(HEADER + text)
        sys.modules.pop(self.module, None)

    def configure(self, **settings: str) -> None:
        lines = [f'workflows = ["{self.module}:graph"]', f'store = "{url_of(self.storage)}"']
        lines += [f'{name} = "{value}"' for name, value in settings.items()]
        (self.root / "statemig.toml").write_text("\n".join(lines) + "\n")

    def run(self, *arguments: str) -> Any:
        result = CliRunner().invoke(cli, list(arguments))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def ok(self, *arguments: str) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--format", "json").stdout)

    def freeze(self, message: str) -> None:
        self.ok("revision", "--autogenerate", "-m", message)

    def head(self) -> str:
        return str(self.json("heads")[0]["revision"])

    def second(self) -> None:
        """Version 2 of the code, and its revision."""
        self.code(V2)
        self.ok(
            "revision",
            "--autogenerate",
            "-m",
            "review",
            "--rename",
            "approve:review",
            "--rename",
            "state.draft:text",
        )

    def thread(self, name: str, *inputs: Any, wrapped: bool = True, **options: Any) -> Any:
        """Run with the code of today."""
        config: Any = {"configurable": {"thread_id": name}}
        with self.storage.open() as inner:
            saver = inner
            if wrapped:
                saver = MigratingSaver(inner, Migrator.from_config(self.root), **options)
            graph = (
                Config.load(self.root)
                .load_workflow(f"{self.module}:builder")
                .compile(checkpointer=saver, name="letters")
            )
            for each in inputs:
                graph.invoke(each, config)
            return graph.get_state(config)

    def tables(self) -> set[str]:
        with sqlite3.connect(self.storage.where) as connection:
            return {
                name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }


@pytest.fixture
def new_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Storage], Project]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def make(storage: Storage) -> Project:
        project = Project(tmp_path, storage)
        project.code(V1)
        project.configure()
        (tmp_path / "migrations").mkdir()
        project.freeze("as it is")
        return project

    return make


@pytest.fixture
def project(database: Storage, new_project: Callable[[Storage], Project]) -> Project:
    return new_project(database)


@pytest.fixture
def on_sqlite(tmp_path: Path, new_project: Callable[[Storage], Project]) -> Project:
    return new_project(Storage("sqlite", tmp_path / "checkpoints.db"))


def test_what_a_person_does_all_week(project: Project) -> None:
    for name in ("a", "b", "c"):
        project.thread(name, {"topic": name}, wrapped=name != "a")
    first = project.head()
    assert project.json("current")[0]["unfinished"] == 3
    project.second()
    second = project.head()
    assert [
        (row["revision"], row["step"], row["status"], row["on"], row["runs"])
        for row in project.json("current", "-v")
    ] == [(first, "approve", "waiting", "human", 3)]
    (found,) = project.json("runs")["workflows"]
    assert (found["runs"], found["unknown_tag"], found["zombies"]) == (
        3,
        0,
        "unknown: no worker has said yet what it can run",
    )
    (dry,) = project.json("upgrade", "--dry-run")["workflows"]
    assert (dry["moved"], dry["complete"]) == (3, True)
    assert "letters: 3 runs were brought to version 2" in project.ok("upgrade")
    assert "nothing to do" in project.ok("upgrade")
    assert [(row["revision"], row["step"]) for row in project.json("current", "-v")] == [(second, "review")]
    assert project.thread("a", Command(resume="yes"), wrapped=False).values == {
        "topic": "a",
        "text": "A",
        "answer": "yes",
        "sent": True,
    }
    (down,) = project.json("downgrade", "-1")["workflows"]
    assert down["moved"] == 2
    project.code(V1)
    assert project.thread("b", wrapped=False).values == {"topic": "b", "draft": "B"}


def test_asking_makes_no_tables(on_sqlite: Project) -> None:
    on_sqlite.thread("t1", {"topic": "x"})
    on_sqlite.second()
    before = on_sqlite.tables()
    for command in (
        ("runs",),
        ("current",),
        ("current", "-v"),
        ("current", "--failures"),
        ("upgrade", "--dry-run"),
        ("rehearse",),
        ("route", "explain", "t1"),
        ("route", "show"),
        ("deploy", "status"),
        ("diff", "head", "--store", url_of(on_sqlite.storage)),
        ("runs", "export", "--redact"),
        ("upgrade",),
    ):
        result = on_sqlite.run(*command)
        assert result.exit_code in (0, 14, 16, 20), (command, result.output)
        assert on_sqlite.tables() == before, command


def test_a_store_without_threads_is_said_to_be_none(on_sqlite: Project) -> None:
    for command in ("runs", "current", "upgrade"):
        result = on_sqlite.run(command)
        assert result.exit_code == 1
        assert "the store has no tables of langgraph" in result.stderr
    assert not Path(on_sqlite.storage.where).exists()


def test_the_database_of_a_checkpointer_is_no_store_of_another_workflow(on_sqlite: Project) -> None:
    on_sqlite.thread("t1", {"topic": "x"})
    before = on_sqlite.tables()
    (on_sqlite.root / "flows.py").write_text(
        "from pydantic import BaseModel\nfrom statemig import Step, Workflow\n"
        'class State(BaseModel):\n    topic: str\nmine = Workflow("mine", state=State, steps=[Step("go")])\n'
    )
    config = on_sqlite.root / "statemig.toml"
    config.write_text(config.read_text().replace(':graph"]', ':graph", "flows:mine"]'))
    on_sqlite.ok("revision", "--autogenerate", "-m", "mine")
    sys.modules.pop("flows", None)
    result = on_sqlite.run("runs", "--workflow", "mine")
    assert "the store is a database of langgraph, and this workflow is not a graph of it" in result.stderr
    both = on_sqlite.run("current", "--format", "json")
    assert [row["workflow"] for row in json.loads(both.stdout)] == ["letters"]
    assert "mine is left out" in both.stderr
    assert on_sqlite.tables() == before


def test_what_a_deploy_says_is_kept_where_the_configuration_says(on_sqlite: Project) -> None:
    on_sqlite.thread("t1", {"topic": "x"})
    on_sqlite.configure(deploy_store="sqlite:///deploy.db")
    on_sqlite.second()
    before = on_sqlite.tables()
    assert not (on_sqlite.root / "deploy.db").exists()
    on_sqlite.ok("route", "pin", "t1")
    assert (on_sqlite.root / "deploy.db").exists()
    assert on_sqlite.tables() == before
    (found,) = on_sqlite.json("upgrade")["workflows"]
    assert (found["moved"], found["pinned"], found["failures"][0]["kind"]) == (0, 1, "pinned")
    assert on_sqlite.json("current", "--failures")[0]["run_id"] == "t1"
    on_sqlite.ok("route", "unpin", "t1")
    assert on_sqlite.json("upgrade")["workflows"][0]["moved"] == 1
    assert on_sqlite.json("current", "--failures") == []


def test_routing_draining_and_the_window(project: Project) -> None:
    project.thread("t1", {"topic": "x"})
    project.thread("t2", {"topic": "y"}, Command(resume="yes"))
    first = project.head()
    project.second()
    second = project.head()
    opened = project.json("deploy", "start", second)
    assert opened["window"]["modes"] == {first: "pin"}
    project.ok("route", "policy", "step", "approve", "--strategy", "route")
    explained = project.json("route", "explain", "t1")
    assert (explained["rule"], explained["run"]["steps"]) == ("step", ["approve"])
    project.ok("route", "policy", "step", "approve", "--drop")
    drained = project.run("drain", first, "--format", "json")
    assert (drained.exit_code, json.loads(drained.stdout)["left"]) == (12, 1)
    assert json.loads(drained.stdout)["oldest"]["run"] == "t1"
    project.ok("drain", first, "--resume")
    project.ok("deploy", "complete")
    assert project.json("deploy", "status")["preferred"] == second
    assert project.json("upgrade")["workflows"][0]["moved"] == 1
    assert project.run("drain", first).exit_code == 0


def test_threads_are_rehearsed(project: Project) -> None:
    project.thread("t1", {"topic": "x"})
    project.second()
    result = project.run("rehearse", "--format", "json")
    assert result.exit_code == 0, result.output


def test_the_gate_goes_through_threads(on_sqlite: Project) -> None:
    on_sqlite.thread("t1", {"topic": "secret"})
    on_sqlite.second()
    on_sqlite.code(V2)
    before = on_sqlite.tables()
    (found,) = on_sqlite.json("gate")["workflows"]
    states = {item["name"]: item["state"] for item in found["items"] if item["state"] != "next"}
    assert [name for name, state in states.items() if state == "failed"] == []
    assert (found["rehearsal"]["runs"], found["rehearsal"]["fine"]) == (1, 1)
    assert (on_sqlite.tables(), "secret" in json.dumps(found)) == (before, False)


def test_a_redacted_thread_keeps_its_form(on_sqlite: Project) -> None:
    on_sqlite.thread("t1", {"topic": "secret"})
    (line,) = on_sqlite.ok("runs", "export", "--redact").splitlines()
    found = json.loads(line)
    assert found["document"]["state"] == {"topic": "xxxxxx", "draft": "xxxxxx"}
    assert [each["step"] for each in found["document"]["cursor"]] == ["approve"]


def test_threads_are_stamped(on_sqlite: Project) -> None:
    on_sqlite.thread("t1", {"topic": "x"}, wrapped=False)
    on_sqlite.second()
    on_sqlite.code(V2)
    on_sqlite.thread("t2", {"topic": "x"}, wrapped=False)
    on_sqlite.ok("stamp", on_sqlite.head(), "t2")
    (found,) = on_sqlite.json("upgrade")["workflows"]
    assert (found["moved"], found["failures"]) == (1, [])
