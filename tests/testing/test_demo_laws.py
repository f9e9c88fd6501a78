"""The migration of the demo keeps every law."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "dependency_review"
RENAMES = ("state.findings[].text:state.findings[].detail", "steps.approve:steps.review")


def run(folder: Path, *command: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_demo_keeps_every_law(tmp_path: Path) -> None:
    shutil.copy(EXAMPLE / "v1" / "flows.py", tmp_path)
    run(tmp_path, "statemig", "init", "--no-tests")
    run(tmp_path, "statemig", "revision", "--autogenerate", "-m", "first")
    shutil.copy(EXAMPLE / "v2" / "flows.py", tmp_path)
    given = [part for rename in RENAMES for part in ("--rename", rename)]
    run(tmp_path, "statemig", "revision", "--autogenerate", "-m", "second", *given)
    printed = run(tmp_path, "pytest", "--statemig", "-p", "no:cacheprovider", "-rs")
    assert "failed" not in printed
    assert "passed" in printed
