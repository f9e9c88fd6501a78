"""The verdict on one revision, as it is frozen beside its snapshot.

::

    {"prover": 1, "key": {"script": digest, "from": [digest], "to": digest},
     "guarantee": "proven" | "unproven",
     "up":     {"verdict": "proved" | "refuted" | "unknown", "findings": [{"path", "reason", ...}]},
     "cursor": {...}, "down": {...},
     "fits": true}

It holds as long as its key is that of the revision and of what it follows, and this is the prover that said it; else it is stale, and
the revision unproven. No value of a state is in it. `fits`: whatever was valid before is valid after, so that nobody needs to look; it
is less than proved where something was unreadable before and still is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from statemig.revisions.frozen import Frozen

#: counts up whenever a verdict could come out otherwise than before
PROVER: Final = 1

Answer = Literal["proved", "refuted", "unknown"]
Guarantee = Literal["proven", "tested", "unproven"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is not proved. `path` names a place in the new version, or in the old one where an operation refuses it; `step` a
    step. `witness` is a document that was run and rejected; it never leaves the process unless somebody asks for values."""

    path: str
    reason: str
    operation: str | None = None
    step: str | None = None
    witness: Any = None
    rejected: str | None = None

    @property
    def message(self) -> str:
        """``$.messages[].role value 'function' not accepted``: the path from the top of the state, and why."""
        place = self.path
        if self.path == "state" or self.path.startswith(("state.", "state<", "state[", "state{")):
            place = "$" + self.path.removeprefix("state")
        said = f"{place or '$'} {self.reason}"
        return said if self.operation is None else f"{said} (operation {self.operation})"

    def to_dict(self) -> dict[str, Any]:
        optional = {"operation": self.operation, "step": self.step, "rejected": self.rejected}
        given = {name: value for name, value in optional.items() if value is not None}
        return {"path": self.path, "reason": self.reason, **given}


@dataclass(frozen=True, slots=True)
class Part:
    """One obligation: proved, refuted by a document, or unknown. `notes` are what holds by the script's own word."""

    verdict: Answer
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding], notes: Iterable[str] = ()) -> Part:
        found = tuple(findings)
        refuted = any(each.witness is not None for each in found)
        return cls("refuted" if refuted else "unknown" if found else "proved", found, tuple(notes))

    def to_dict(self) -> dict[str, Any]:
        made: dict[str, Any] = {
            "verdict": self.verdict,
            "findings": [each.to_dict() for each in self.findings],
        }
        return {**made, "notes": list(self.notes)} if self.notes else made


@dataclass(frozen=True, slots=True)
class Verdict:
    """`up`: what the operations make of every stored state is one that the new version reads. `cursor`: every run still stands
    somewhere, and can go on. `down`: what the new version writes can be read by the old one, for a fleet of both."""

    up: Part
    cursor: Part
    down: Part
    fits: bool = False

    @property
    def answer(self) -> Answer:
        """Of the way up: state and cursor together."""
        both = (self.up.verdict, self.cursor.verdict)
        return "refuted" if "refuted" in both else "unknown" if "unknown" in both else "proved"

    @property
    def guarantee(self) -> Guarantee:
        return "proven" if self.answer == "proved" else "unproven"

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON without any value of a state."""
        return {
            "verdict": self.answer,
            "guarantee": self.guarantee,
            "up": self.up.to_dict(),
            "cursor": self.cursor.to_dict(),
            "down": self.down.to_dict(),
            "fits": self.fits,
        }


# -- frozen ------------------------------------------------------------------------------------------------------------


def key_of(frozen: Frozen, below: Iterable[Frozen]) -> dict[str, Any]:
    """What a verdict is about: the script, and the snapshots on both sides of it."""
    return {
        "script": frozen.script_digest,
        "from": [each.snapshot_digest for each in below],
        "to": frozen.snapshot_digest,
    }


def to_freeze(verdict: Verdict, frozen: Frozen, below: Iterable[Frozen]) -> dict[str, Any]:
    """The JSON that is kept beside a snapshot."""
    return {"prover": PROVER, "key": key_of(frozen, below), **verdict.to_dict()}


def standing(frozen: Frozen, below: Iterable[Frozen]) -> Mapping[str, Any] | None:
    """The frozen verdict where it still holds; None where there is none or it is stale. Runs no script."""
    found = frozen.verdict
    if not isinstance(found, dict) or found.get("prover") != PROVER:
        return None
    return found if found.get("key") == key_of(frozen, below) else None


def guarantee_of(frozen: Frozen, below: Iterable[Frozen]) -> Guarantee:
    """What can be said of a revision without running anything."""
    found = standing(frozen, below)
    word = None if found is None else found.get("guarantee")
    return word if word in ("proven", "tested") else "unproven"


def messages_of(frozen: Frozen, below: Iterable[Frozen]) -> list[str]:
    """The findings of a standing verdict on the way up, as sentences; [] where there is none."""
    found = standing(frozen, below) or {}
    return [
        Finding(each["path"], each["reason"], each.get("operation")).message
        for part in ("up", "cursor")
        for each in found.get(part, {}).get("findings", ())
    ]


def fits(revisions: Iterable[str], source: str, frozen: Callable[[str], Frozen]) -> bool:
    """Whether what is valid at `source` is valid behind all of these revisions, as frozen verdicts say. They compose only where each
    follows the one before it alone: on a way through a merge no snapshot says what a document looks like between two of them."""
    below = source
    for revision in revisions:
        record = frozen(revision)
        if record.down_revisions != (below,):
            return False
        found = standing(record, [frozen(below)])
        if found is None or found.get("fits") is not True:
            return False
        below = revision
    return True
