"""The same workflow has the same digests on every supported pydantic and Python."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("rich_workflow.py")
OLDEST = "2.8.0"
GOLDEN = {
    "state": "ed94e36c0e723d779349c6a22c5ed853",
    "steps": "b4eb16891e2d8e072c414f8f4fcdd1da",
    "flow": "7ea2efac6a41b4750b83a3fbc610322c",
    "prompts": "3d05b97354427cd93a0930567f08850b",
    "tools": "c7a0b5c8c380f2b69f13257a98d492db",
    "models": "71da3606fa76476e2be627d369a50337",
}
GOLDEN_LEAN = "e5cc40c71720ec9128de8050aaf9997c"


def captured(python: str | Path) -> dict[str, Any]:
    run = subprocess.run(
        [python, SCRIPT],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
    )
    assert run.returncode == 0, run.stderr
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def environment(python: str, folder: Path, *packages: str) -> Path:
    """An environment with `packages` only, kept between test runs; skips where one cannot be made."""
    ready, interpreter = folder / "ready", folder / "bin" / "python"
    if sysconfig.get_platform().startswith("win"):
        interpreter = folder / "Scripts" / "python.exe"
    if ready.exists():
        return interpreter
    shutil.rmtree(folder, ignore_errors=True)
    steps = ([python, "-m", "venv", folder], [interpreter, "-m", "pip", "install", "-q", *packages])
    for command in steps:
        run = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if run.returncode != 0:
            reason = (run.stderr or run.stdout).strip().rpartition("\n")[2]
            pytest.skip(f"no environment with {', '.join(packages)}: {reason}")
    ready.touch()
    return interpreter


@pytest.fixture
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    cache = getattr(request.config, "cache", None)
    return Path(cache.mkdir("statemig-environments")) if cache is not None else tmp_path


def test_here() -> None:
    found = captured(sys.executable)
    assert found["digests"] == GOLDEN
    assert found["lean"] == GOLDEN_LEAN


def test_capture_imports_neither_storage_nor_terminal() -> None:
    heavy = {"sqlalchemy", "click", "rich", "jsonschema_rs", "mako", "rapidfuzz", "langgraph", "hypothesis"}
    assert not heavy & set(captured(sys.executable)["modules"])


def test_on_the_oldest_pydantic(folder: Path) -> None:
    python = environment(
        sys.executable, folder / f"oldest-{sys.version_info[1]}", f"pydantic=={OLDEST}", "orjson"
    )
    found = captured(python)
    assert found["pydantic"] == OLDEST
    assert found["digests"] == GOLDEN
    assert found["lean"] == GOLDEN_LEAN


@pytest.mark.parametrize("minor", [11, 12, 13])
def test_on_another_python(minor: int, folder: Path) -> None:
    if minor == sys.version_info[1]:
        pytest.skip("that is the Python running this; test_here covers it")
    name = f"python3.{minor}"
    python = shutil.which(name)
    works = python and subprocess.run([python, "-c", ""], capture_output=True).returncode == 0
    if not python or not works:
        pytest.skip(f"no working {name} on PATH")
    found = captured(environment(python, folder / name, "pydantic", "orjson"))
    assert found["digests"] == GOLDEN
    assert found["lean"] == GOLDEN_LEAN
