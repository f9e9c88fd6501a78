"""The LangGraph example as its README shows it: its output, its size, and its scripts as they are generated from its graphs."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "langgraph_approval"
README = (FOLDER / "README.md").read_text()


def run(folder: Path, *arguments: str, **environment: str) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_it_prints_what_its_readme_shows() -> None:
    shown = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    assert run(FOLDER, "demo.py") == shown[1]


def test_it_is_short() -> None:
    files = [FOLDER / "demo.py", *FOLDER.glob("v*/*.py")]
    assert sum(len(each.read_text().splitlines()) for each in files) <= 150


@pytest.fixture
def generated(tmp_path: Path) -> Path:
    """The project with scripts made by the commands of the README."""
    project = tmp_path / "project"
    shutil.copytree(FOLDER, project, ignore=shutil.ignore_patterns("migrations", "__pycache__"))
    run(project, "-m", "statemig", "init", PYTHONPATH="v1")
    commands = re.findall(r"^\$ PYTHONPATH=(v\d) statemig (.*)$", README, re.MULTILINE)
    assert [version for version, _ in commands] == ["v1", "v2", "v3"]
    for version, arguments in commands:
        run(project, "-m", "statemig", *shlex.split(arguments), PYTHONPATH=version)
    return project / "migrations"


def test_its_scripts_are_the_generated_ones(generated: Path) -> None:
    kept = FOLDER / "migrations" / "versions"
    made = {each.name: each.read_text() for each in (generated / "versions").glob("*.py")}
    assert made == {each.name: each.read_text() for each in kept.glob("*.py")}
    shown = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert shown is not None
    assert made["0003_c3_assess_before_deciding.py"].endswith(shown[1])


def test_no_revision_is_missing() -> None:
    assert "the code is what the head froze" in run(FOLDER, "-m", "statemig", "check", PYTHONPATH="v3")
