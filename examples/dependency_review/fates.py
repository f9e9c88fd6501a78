"""What became of a run, judged against the same run executed wholly on version 2 and against the log of answers."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal, get_args

JSON = dict[str, Any]
Fate = Literal["right", "silently wrong", "ended without a result", "answer lost", "crashed"]
FATES: tuple[Fate, ...] = get_args(Fate)


def fate(ended: JSON, oracle: JSON, answer: JSON | None) -> Fate:
    """The one word for a run as it `ended`; `oracle` is the same run executed wholly on version 2, `answer` what a person said, if
    anyone was asked. Only what was published counts, not what the state looks like inside."""
    if ended["status"] == "crashed":
        return "crashed"
    if not arrived(ended, answer):
        return "answer lost"
    if "publish" not in ended["outputs"]:
        return "ended without a result"
    return "right" if ended["outputs"]["publish"] == oracle["outputs"]["publish"] else "silently wrong"


def arrived(ended: JSON, answer: JSON | None) -> bool:
    return answer is None or ended["outputs"].get("review") == answer


def tally(ended: dict[str, JSON], oracle: dict[str, JSON], answers: dict[str, JSON]) -> Counter[Fate]:
    return Counter(fate(run, oracle[run_id], answers.get(run_id)) for run_id, run in ended.items())
