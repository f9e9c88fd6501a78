"""The demo as a user runs it: in a process of its own, judged by its exit code and its closing table."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "dependency_review"
FATES = ["right", "silently wrong", "ended without a result", "answer lost", "crashed"]
COLUMNS = ["plain dicts", "pydantic models", "with statemig"]


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    work = tmp_path_factory.mktemp("demo")
    ended = subprocess.run(
        [sys.executable, str(EXAMPLE / "demo.py"), "--work", str(work), "--format", "json"],
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_with_statemig_every_run_comes_out_right(summary: dict[str, Any]) -> None:
    assert summary["with statemig"]["right"] == summary["parked"]
    assert [what for what, holds in summary["checks"].items() if not holds] == []


def test_with_statemig_every_answer_arrives(summary: dict[str, Any]) -> None:
    assert summary["asked"] > 0
    assert summary["with statemig"]["answers arrived"] == summary["asked"]


@pytest.mark.parametrize("column", COLUMNS)
def test_the_fates_sum_to_the_number_of_runs(summary: dict[str, Any], column: str) -> None:
    counted = sum(summary[column][fate] for fate in FATES)

    assert counted + summary["finished before"] == summary["runs"]


def test_hundreds_of_runs_are_taken_from_the_environment(summary: dict[str, Any]) -> None:
    assert summary["runs"] >= 100
    assert summary["parked"] >= summary["runs"] / 3


def test_an_ordinary_loop_over_dicts_loses_answers_and_crashes(summary: dict[str, Any]) -> None:
    plain = summary["plain dicts"]

    assert plain["answer lost"] > 0
    assert plain["crashed"] > 0
    assert plain["ended without a result"] > 0


def test_a_loop_that_validates_crashes_instead(summary: dict[str, Any]) -> None:
    assert summary["pydantic models"]["crashed"] == summary["parked"]


def test_the_worker_knows_nothing_of_versions() -> None:
    assert (EXAMPLE / "v1" / "worker.py").read_bytes() == (EXAMPLE / "v2" / "worker.py").read_bytes()
