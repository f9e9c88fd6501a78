"""A project whose configuration names a graph and nothing else, from the first version to the second."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from statemig import Migrator

VERSION_1 = """
import operator
from typing import Annotated

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel
from typing_extensions import TypedDict


class Line(BaseModel):
    name: str


class State(TypedDict):
    topic: str
    summary: str
    lines: list[Line]
    log: Annotated[list[str], operator.add]


def write(state: State):
    return {"summary": state["topic"]}


def approve(state: State):
    answer = interrupt({"question": "Send it?"})
    return {"log": [answer]}


def send(state: State):
    return {"log": ["sent"]}


builder = StateGraph(State)
for node in (write, approve, send):
    builder.add_node(node)
builder.add_edge(START, "write")
builder.add_edge("write", "approve")
builder.add_edge("approve", "send")
builder.add_edge("send", END)
graph = builder.compile(name="triage")
"""

VERSION_2 = (
    VERSION_1.replace("summary", "digest")
    .replace("approve", "review")
    .replace("    answer = interrupt(", '    who = interrupt("Who are you?")\n    answer = who + interrupt(')
    .replace("    topic: str\n", "    topic: str\n    priority: str\n")
    .replace("    name: str\n", "    title: str\n")
)


class Project:
    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "app").mkdir()
        (root / "app" / "__init__.py").write_text("")
        assert self.run("init").returncode == 0
        (root / "statemig.toml").write_text('workflows = ["app.graph:graph"]\n')

    def code(self, text: str) -> None:
        (self.root / "app" / "graph.py").write_text(text)

    def run(self, *arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "statemig", *arguments]
        return subprocess.run(
            command, cwd=self.root, env=environment, capture_output=True, text=True, timeout=120, check=False
        )

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--format", "json").stdout)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.code(VERSION_1)
    first = made.run("revision", "--autogenerate", "--rev-id", "a1")
    assert first.returncode == 0, first.stderr
    return made


RENAMES = (
    *("--rename", "approve:review"),
    *("--rename", "state.summary:digest"),
    *("--rename", "state.lines[].name:title"),
)


def test_the_same_graph_is_no_change_in_any_process(project: Project) -> None:
    for seed in ("1", "2"):
        found = project.run("diff", seed=seed)
        assert found.returncode == 0, found.stderr
        assert "no change" in found.stdout


def test_the_next_version_is_compared_by_what_it_declares(project: Project) -> None:
    project.code(VERSION_2)
    (found,) = project.json("diff", *RENAMES)["workflows"]
    assert {(each["rule"], each["path"]) for each in found["changes"]} == {
        ("S12", "state.summary"),
        ("S12", "state.lines[].name"),
        ("S06", "state.priority"),
        ("W04", "steps.approve"),
        ("W08", "steps.approve"),
    }


def test_a_class_that_checkpoints_name_is_told_to_have_another_name(project: Project) -> None:
    project.code(VERSION_1.replace("Line", "Row"))
    assert project.run("check").returncode != 0
    written = project.run("revision", "--autogenerate", "--rev-id", "b2")
    assert 'op.rename_type("Line", "Row")' in written.stdout, written.stderr
    assert project.run("check").returncode == 0


def test_a_class_is_renamed_together_with_what_holds_it_and_what_it_holds(project: Project) -> None:
    project.code(VERSION_1.replace("Line", "Row").replace("lines", "rows").replace("    name:", "    title:"))
    renames = ("--rename", "state.lines:rows", "--rename", "state.lines[].name:title")
    written = project.run("revision", "--autogenerate", "--rev-id", "b2", *renames)
    assert 'op.rename_type("Line", "Row")' in written.stdout, written.stderr


def test_the_name_of_a_dict_is_nowhere_stored(tmp_path: Path) -> None:
    made = Project(tmp_path)
    typed = VERSION_1.replace("Line(BaseModel)", "Line(TypedDict)")
    made.code(typed)
    made.run("revision", "--autogenerate", "--rev-id", "a1")
    made.code(typed.replace("Line", "Row"))
    assert "no change" in made.run("diff").stdout


def test_its_revision_brings_a_parked_run_along(project: Project) -> None:
    project.code(VERSION_2)
    written = project.run("revision", "--autogenerate", "--rev-id", "b2", *RENAMES)
    assert written.returncode == 0, written.stderr
    migrator = Migrator(project.root / "migrations", workflow="triage")
    parked = {
        "status": "active",
        "state": {"topic": "t", "summary": "s", "lines": [{"name": "n"}]},  # log has not been written yet
        "cursor": [
            {
                "id": "p",
                "step": "approve",
                "status": "waiting",
                "on": "human",
                "key": "k",
                "payload": "Send it?",
            }
        ],
    }
    moved = migrator.upgrade(parked, revision="a1").document
    assert moved["state"] == {"topic": "t", "priority": "", "digest": "s", "lines": [{"title": "n"}]}
    (position,) = moved["cursor"]
    assert (position["step"], position["key"], position["index"]) == ("review", "k", 1)
    assert migrator.downgrade(moved, to="a1", revision="b2").document["state"]["summary"] == "s"


def test_what_may_be_a_rename_is_asked_and_never_guessed(project: Project) -> None:
    project.code(VERSION_2)
    refused = project.run("revision", "--autogenerate")
    assert refused.returncode == 3
    assert "--rename steps.approve:steps.review" in refused.stderr
    assert len(list((project.root / "migrations" / "versions").glob("*.py"))) == 1


WITH_A_SUBGRAPH = (
    VERSION_1
    + """
outer = StateGraph(State)
outer.add_node("inner", graph)
outer.add_edge(START, "inner")
outer.add_edge("inner", END)
graph = outer.compile(name="letters")
"""
)


@pytest.fixture
def nested(tmp_path: Path) -> Project:
    made = Project(tmp_path)
    made.code(WITH_A_SUBGRAPH)
    assert made.run("revision", "--autogenerate", "--rev-id", "a1").returncode == 0
    return made


def test_one_question_is_asked_about_a_subgraph(nested: Project) -> None:
    nested.code(WITH_A_SUBGRAPH.replace('"inner"', '"triage"'))
    refused = nested.run("revision", "--autogenerate")
    assert refused.returncode == 3
    assert "--rename steps.inner:steps.triage" in refused.stderr
    assert "inner." not in refused.stderr


def test_what_is_in_a_subgraph_goes_with_its_node(nested: Project) -> None:
    nested.code(WITH_A_SUBGRAPH.replace('"inner"', '"triage"'))
    written = nested.run("revision", "--autogenerate", "--rev-id", "b2", "--rename", "inner:triage")
    assert written.returncode == 0, written.stderr
    assert "--rename" not in written.stderr
    migrator = Migrator(nested.root / "migrations", workflow="letters")
    parked = {
        "status": "active",
        "state": {"topic": "t"},
        "cursor": [{"id": "p", "step": "inner.approve", "status": "waiting", "on": "human", "key": "k"}],
    }
    assert migrator.upgrade(parked, revision="a1").document["cursor"][0]["step"] == "triage.approve"


def test_of_a_subgraph_with_another_name_what_has_changed_inside_is_asked(nested: Project) -> None:
    nested.code(WITH_A_SUBGRAPH.replace('"inner"', '"triage"').replace("approve", "accept"))
    found = nested.json("diff", "--rename", "inner:triage")["workflows"][0]
    assert [each["old"] for each in found["questions"]] == ["steps.inner.approve"]
    renames = ("--rename", "inner:triage", "--rename", "inner.approve:triage.accept")
    assert nested.json("diff", *renames)["workflows"][0]["questions"] == []


def test_a_proof_says_that_the_types_are_only_declared(project: Project) -> None:
    project.code(VERSION_2)
    project.run("revision", "--autogenerate", "--rev-id", "b2", *RENAMES)
    told = project.run("verify", "b2")
    assert "UNKNOWN" in told.stdout
    assert "is not checked when it is written (topic, summary, lines, log)" in told.stdout


def test_a_script_that_forgets_a_required_field_is_refuted(project: Project) -> None:
    project.code(VERSION_2)
    project.run("revision", "--autogenerate", "--rev-id", "b2", *RENAMES)
    (script,) = (project.root / "migrations" / "versions").glob("*_b2_*.py")
    lines = [line for line in script.read_text().splitlines() if "add_field" not in line]
    script.write_text("\n".join(lines) + "\n")
    accepted = project.run("edit", "b2", "--freeze")
    told = project.run("verify", "b2")
    assert "REFUTED" in told.stdout, accepted.stderr + told.stderr
    assert "priority" in told.stdout


def test_two_graphs_of_one_name_are_refused_with_how_to_name_them(project: Project) -> None:
    (project.root / "statemig.toml").write_text(
        'workflows = ["app.graph:graph", "app.graph:builder", "app.graph:again"]\n'
    )
    project.code(VERSION_1 + "again = builder.compile()\n")
    refused = project.run("diff")
    assert refused.returncode == 1
    assert (
        "app.graph:again: another configured workflow is called 'LangGraph' too; name a graph with compile(name=...)"
        in (refused.stderr)
    )
