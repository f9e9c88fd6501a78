"""The share of the runs that goes to a new version first: who is in it. Pure; no storage.

A run's *place* is a number from 0 to 1, made of its id and the new revision: the same in every process and for as long as that deploy
lasts, and another at the next deploy, so that it is not always the same runs that go first. Of new runs those begin on the new version
whose place is below their share. Of the runs in flight the first by place are chosen at each step, and that is written down with the run
(`chosen`, and the column ``canary``): a run that has been on the new side stays there, wherever it goes and however the share grows.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from statemig.store.deploy_records import Rollout


class Shares(NamedTuple):
    """Parts of one: of the new runs, and of those that are in flight."""

    revision: str
    new: float
    parked: float


def shares_of(rollout: Rollout) -> Shares | None:
    """What a rollout's details say of its canary; None where it has none, or that is over."""
    canary = rollout.details.get("canary")
    if canary is None or not canary["on"] or not rollout.open:
        return None
    return Shares(rollout.new, canary["new"], canary["parked"])


def place(revision: str, run_id: str) -> float:
    """Where a run is between 0 and 1 in the canary of a revision."""
    digest = hashlib.sha256(f"{revision}\0{run_id}".encode()).digest()
    return int.from_bytes(digest[:6], "big") / (1 << 48)


def begins(shares: Shares, run_id: str) -> bool:
    """Whether a run that starts now is in the canary."""
    return place(shares.revision, run_id) < shares.new


def chosen(revision: str, step: str, run_ids: Iterable[str], share: float, already: int = 0) -> list[str]:
    """Of the runs in flight at one step those to add, so that with the `already` chosen ones the share of all of them is in the canary.

    It is kept to within one run. Which way a part of a run is rounded follows from the step's own place: the same at every call, and
    over many steps as often up as down, so that many steps with few runs each have the share together, too.
    """
    waiting = sorted(run_ids, key=lambda run_id: place(revision, run_id))
    wanted = math.floor(share * (len(waiting) + already) + place(revision, f"step\0{step}"))
    return waiting[: max(wanted - already, 0)]
