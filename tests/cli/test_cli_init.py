"""`statemig init`, and how it finds workflows without running the code."""

import json
import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from statemig.cli.discovery import Found, find_workflows
from statemig.cli.main import cli

FLOW = 'from statemig import Step, Workflow\n\ntriage = Workflow("triage", steps=[Step("classify")])\n'


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def put(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FLOW, [Found("flows:triage", "triage")]),
        ("import statemig\nflow = statemig.Workflow('a')\n", [Found("flows:flow", "a")]),
        ("import statemig as sm\nflow = sm.Workflow(name='a')\n", [Found("flows:flow", "a")]),
        ("from statemig import Workflow as W\nflow: W = W(NAME)\n", [Found("flows:flow", None)]),
        ("from statemig.workflow.definition import Workflow\nx = Workflow('b')\n", [Found("flows:x", "b")]),
        ("from llama_index import Workflow\nflow = Workflow('a')\n", []),
        ("from statemig import Workflow\ndef make():\n    flow = Workflow('a')\n", []),
        ("from statemig import Workflow\nthis is no Python\nflow = Workflow('a')\n", []),
    ],
)
def test_a_workflow_is_found_by_what_its_name_means(tmp_path: Path, text: str, expected: list[Found]) -> None:
    put(tmp_path, "flows.py", text)
    assert find_workflows(tmp_path) == expected


def test_packages_and_a_src_layout_are_searched_and_other_folders_are_not(tmp_path: Path) -> None:
    for name in ("app/__init__.py", "app/inner/__init__.py", "src/lib/__init__.py"):
        put(tmp_path, name, "")
    for name in (
        "app/inner/flows.py",
        "src/lib/flows.py",
        "tests/flows.py",
        ".venv/flows.py",
        "loose/flows.py",
    ):
        put(tmp_path, name, FLOW)
    references = [found.reference for found in find_workflows(tmp_path)]
    assert references == ["app.inner.flows:triage", "lib.flows:triage"]


def test_a_workflow_in_the_package_file_is_named_by_the_package(tmp_path: Path) -> None:
    put(tmp_path, "app/__init__.py", FLOW)
    assert find_workflows(tmp_path) == [Found("app:triage", "triage")]


def test_init_writes_a_file_of_its_own_and_names_what_it_found(here: Path) -> None:
    put(here, "flows.py", FLOW)
    result = CliRunner().invoke(cli, ["init"])
    assert result.exit_code == 0, result.output
    assert tomllib.loads((here / "statemig.toml").read_text()) == {
        "script_location": "migrations",
        "workflows": ["flows:triage"],
        "store": "sqlite:///runs.db",
    }
    parts = {path.name for path in (here / "migrations").iterdir()}
    assert {"heads", "snapshots", "versions", "README.md"} <= parts
    assert result.output == (
        "Wrote the configuration to statemig.toml and made migrations/.\n"
        "Wrote tests/test_migrations.py: `pytest` tries the laws of every revision (pip install 'statemig[test]').\n"
        "Found 1 workflow:\n"
        "  flows:triage (triage)\n"
        'Next: statemig revision --autogenerate -m "first version"\n'
    )


@pytest.mark.parametrize("ending", ["\n", ""])
def test_init_adds_a_section_to_a_pyproject_that_is_there(here: Path, ending: str) -> None:
    put(here, "pyproject.toml", f'[project]\nname = "app"  # mine{ending}')
    assert CliRunner().invoke(cli, ["init", "--store", "sqlite:///other.db"]).exit_code == 0
    text = (here / "pyproject.toml").read_text()
    assert text.startswith('[project]\nname = "app"  # mine\n')
    assert tomllib.loads(text)["tool"]["statemig"]["store"] == "sqlite:///other.db"
    assert not (here / "statemig.toml").exists()


def test_init_leaves_a_configuration_that_is_there_as_it_is(here: Path) -> None:
    put(here, "statemig.toml", 'script_location = "history"\n')
    result = CliRunner().invoke(cli, ["init"])
    assert result.exit_code == 0
    assert (here / "statemig.toml").read_text() == 'script_location = "history"\n'
    assert (here / "history" / "heads").is_dir()
    assert "Already configured in statemig.toml" in result.output


def test_init_without_a_workflow_says_how_to_name_one(here: Path) -> None:
    result = CliRunner().invoke(cli, ["init"])
    assert result.exit_code == 0
    assert 'workflows = ["package.module:variable"]' in result.output


def test_init_refuses_a_pyproject_that_cannot_be_read_and_changes_nothing(here: Path) -> None:
    put(here, "pyproject.toml", "[project\n")
    result = CliRunner().invoke(cli, ["init"])
    assert result.exit_code == 1
    assert "pyproject.toml is not TOML" in result.stderr
    assert "Correct it first; nothing was written." in result.stderr
    assert [path.name for path in here.iterdir()] == ["pyproject.toml"]


def test_init_as_json(here: Path) -> None:
    put(here, "flows.py", FLOW)
    result = CliRunner().invoke(cli, ["init", "--format", "json"])
    assert json.loads(result.stdout) == {
        "configuration": str(here / "statemig.toml"),
        "written": True,
        "script_location": str(here / "migrations"),
        "tests": str(here / "tests" / "test_migrations.py"),
        "workflows": [{"reference": "flows:triage", "name": "triage"}],
    }
