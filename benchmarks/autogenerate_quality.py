"""How good autogenerate is on labelled changes between released versions of real models.

    python benchmarks/autogenerate_quality.py [FOLDER]

FOLDER holds one JSON file per pair (`old_schema`, `new_schema`, `changes`, `breaking`, `lossy`); without it STATEMIG_CASES
is taken, then ../shared/cases beside this repository. Prints the scores beside their bars, and every pair that is not complete
with the paths it lists. Exit code 1 where a bar is missed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from statemig.autogenerate.obligation import open_gaps
from statemig.autogenerate.propose import Proposal, propose
from statemig.workflow.snapshot import Snapshot

BARS = {
    "complete": 0.80,
    "rename precision": 0.95,
    "rename top-2 recall": 0.95,
    "breaking recall": 0.97,
    "breaking precision": 0.90,
    "no-ops without operations": 1.0,
}
NO_OPS = ("no_op", "ref_renamed", "model_renamed")


def folder() -> Path | None:
    """Where the labelled pairs are; None where there are none on this machine."""
    root = Path(__file__).resolve().parents[1]
    places = [Path(os.environ[name]) for name in ("STATEMIG_CASES",) if name in os.environ]
    for place in (*places, root.parent / "shared" / "cases"):
        for candidate in (place / "autogen", place):
            if any(candidate.glob("*.json")):
                return candidate
    return None


@dataclass(frozen=True)
class Share:
    """So many of so many. Of nothing, everything is right."""

    good: int
    of: int

    @property
    def value(self) -> float:
        return self.good / self.of if self.of else 1.0

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.good} of {self.of})"


@dataclass
class Scores:
    shares: dict[str, Share] = field(default_factory=dict)
    incomplete: dict[str, dict[str, str]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    @property
    def missed(self) -> list[str]:
        return [name for name, bar in BARS.items() if self.shares[name].value < bar] + self.wrong


def labelled_renames(case: dict[str, Any]) -> dict[str, str]:
    """What a person would pass with --rename."""
    return {
        f"state.{change['old']}": change["new"] if "." not in change["new"] else f"state.{change['new']}"
        for change in case["changes"]
        if change["kind"] in ("renamed", "moved") and change["old"] and change["new"]
    }


def measure(cases: Sequence[dict[str, Any]]) -> Scores:
    scores = Scores()
    complete = right = applied = found = asked = hits = flagged = dangerous = silent = no_ops = 0
    for case in cases:
        old = Snapshot.from_json_schema(case["old_schema"])
        new = Snapshot.from_json_schema(case["new_schema"])
        answers = labelled_renames(case)
        unasked, answered = propose(old, new), propose(old, new, answers)

        complete += answered.complete
        if not answered.complete:
            scores.incomplete[case["id"]] = answered.reasons
        scores.wrong += _disagreements(case["id"], old, new, answered)

        truth = {path: to if to.startswith("state.") else f"state.{to}" for path, to in answers.items()}
        renames = [(path, to) for path, to, _ in unasked.renames]
        applied += len(renames)
        right += sum(truth.get(path) == to for path, to in renames)
        labels = [c for c in case["changes"] if c["kind"] == "renamed" and c.get("schema_visible", True)]
        candidates = {path: [to] for path, to in renames}
        candidates |= {path: [to for to, _ in options[:2]] for path, options in unasked.questions}
        found += sum(f"state.{c['new']}" in candidates.get(f"state.{c['old']}", []) for c in labels)
        asked += len(labels)

        breaks = bool(case["breaking"] or case["lossy"])
        says = unasked.changes.change_class == "breaking"
        hits += breaks and says
        flagged += says
        dangerous += breaks
        if case["changes"] and all(change["kind"] in NO_OPS for change in case["changes"]):
            no_ops += 1
            silent += not unasked.operations
    scores.shares = {
        "complete": Share(complete, len(cases)),
        "rename precision": Share(right, applied),
        "rename top-2 recall": Share(found, asked),
        "breaking recall": Share(hits, dangerous),
        "breaking precision": Share(hits, flagged),
        "no-ops without operations": Share(silent, no_ops),
    }
    return scores


def _disagreements(name: str, old: Snapshot, new: Snapshot, proposal: Proposal) -> list[str]:
    """The listed paths are those that the subshape check finds; beyond them only changes that two schemas cannot show."""
    gaps = {gap.path for gap in open_gaps(old, new, proposal.operations)}
    listed = set(proposal.missing)
    unseen = {change.path for change in proposal.changes if change.change_class == "breaking"}
    wrong = [f"{name}: {path} is found and not listed" for path in sorted(gaps - listed)]
    return wrong + [f"{name}: {path} is listed without a reason" for path in sorted(listed - gaps - unseen)]


def load(place: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted(place.glob("*.json"))]


def main(arguments: Sequence[str]) -> int:
    place = Path(arguments[0]) if arguments else folder()
    if place is None:
        print("Skipped: no labelled pairs here. Pass their folder, or set STATEMIG_CASES.")
        return 0
    scores = measure(load(place))
    for name, share in scores.shares.items():
        print(f"{name:28} {share!s:22} bar {BARS[name]:.2f}")
    for case, reasons in scores.incomplete.items():
        for path, reason in reasons.items():
            print(f"not complete: {case} {path}: {reason}")
    for problem in scores.missed:
        print(f"missed: {problem}", file=sys.stderr)
    return 1 if scores.missed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
