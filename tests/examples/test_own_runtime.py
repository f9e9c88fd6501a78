"""The examples for a runtime of one's own run as they stand, and store what they say they store."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "examples" / "own_runtime"


def run(script: str, *arguments: str) -> str:
    ended = subprocess.run(
        [sys.executable, str(FOLDER / script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.mark.parametrize("script", ["files.py", "table.py", "keyvalue.py"])
def test_old_runs_are_upgraded_on_load_and_carry_their_stamp_from_then_on(script: str) -> None:
    stored = json.loads(run(script).splitlines()[-1].split(maxsplit=3)[-1])

    stamp = stored.pop("$statemig")
    assert (stamp["workflow"], stamp["revision"]) == ("triage", "b2")
    assert stored == {
        "topic": "refund",
        "digest": "wants the money back",
        "owner": ["kim", "lee"],
        "notes": [{"body": "called twice"}, {"body": "is right"}],
        "priority": "normal",
        "step": "send",
    }


def test_a_file_that_went_through_a_model_is_not_upgraded_twice(tmp_path: Path) -> None:
    run("files.py", str(tmp_path))

    assert json.loads((tmp_path / "r1.json").read_text())["owner"] == ["kim", "lee"]


def test_every_script_is_in_the_readme() -> None:
    readme = (FOLDER / "README.md").read_text()

    for script in FOLDER.glob("*.py"):
        assert script.name in readme
