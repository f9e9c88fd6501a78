"""The demo's judge: each way in which a resumed run can come out, from the run, its yardstick and the answer given."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest

_FILE = Path(__file__).parents[2] / "examples" / "dependency_review" / "fates.py"
_SPEC = importlib.util.spec_from_file_location("dependency_review_fates", _FILE)
assert _SPEC is not None
assert _SPEC.loader is not None
fates = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(fates)

ANSWER = {"verdict": "approved", "comment": "approved in ticket 1"}
REPORT = {"decision": "approved", "notices": ["kim"]}
ORACLE = {"status": "finished", "outputs": {"review": ANSWER, "publish": REPORT}}


def ended(status: str = "finished", **outputs: Any) -> dict[str, Any]:
    return {"status": status, "outputs": outputs}


@pytest.mark.parametrize(
    ("run", "expected"),
    [
        (ended(review=ANSWER, publish=REPORT), "right"),
        (ended(review=ANSWER, publish={**REPORT, "notices": ["k", "i", "m"]}), "silently wrong"),
        (ended(review=ANSWER), "ended without a result"),
        (ended(approve=ANSWER, publish=REPORT), "answer lost"),
        (ended(review={**ANSWER, "comment": "approved in ticket 2"}, publish=REPORT), "answer lost"),
        (ended("crashed", review=ANSWER, publish=REPORT), "crashed"),
    ],
)
def test_one_word_for_a_run(run: dict[str, Any], expected: str) -> None:
    assert fates.fate(run, ORACLE, ANSWER) == expected


def test_an_answer_nobody_gave_can_not_be_lost() -> None:
    assert fates.fate(ended(publish=REPORT), ORACLE, None) == "right"


def test_what_the_state_keeps_beside_the_result_does_not_count() -> None:
    assert (
        fates.fate(ended(review=ANSWER, publish=REPORT, summarise={"text": "old"}), ORACLE, ANSWER) == "right"
    )


def test_the_tally_counts_every_run_once() -> None:
    runs = {"a": ended(review=ANSWER, publish=REPORT), "b": ended("crashed"), "c": ended()}

    counted = fates.tally(runs, dict.fromkeys(runs, ORACLE), {"a": ANSWER})

    assert counted == {"right": 1, "crashed": 1, "ended without a result": 1}
