"""What a store has to hold: each run as it was last written, brought on by the migrator alone, one revision at a time.

That is the eager way, without a store in between. A store that upgrades lazily, over several revisions at once, has to come to the same.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from statemig import json_text
from statemig.document import Document, Position, positions
from statemig.errors import RevisionError
from statemig.migrator import Migrator

_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Stored:
    """A run as it is in a store now: the revision of its stamp, and its run document as it is written there."""

    revision: str
    document: Document


@dataclass(slots=True)
class Expected:
    """A run as it has to be in the store. `writes` counts those who have written or taken it, `leases` the claims. `leased_until` is when
    the lease on it ends, `maybe_until` that of a worker who died with one or another of the runs."""

    revision: str
    document: Document
    complement: dict[str, Any] = field(default_factory=dict)
    writes: int = 0
    leases: int = 0
    leased_until: float = float("-inf")
    maybe_until: float = float("-inf")


class Model:
    """The runs of a fleet. `order` are the revisions, oldest first. Raises `RevisionError` where they are no simple chain."""

    def __init__(self, migrator: Migrator) -> None:
        self.migrator = migrator
        self.order = chain_of(migrator)
        self.runs: dict[str, Expected] = {}

    def is_older(self, revision: str, other: str) -> bool:
        return self.order.index(revision) < self.order.index(other)

    def brought(self, run_id: str, to: str) -> Expected:
        """The run at another revision; what is expected now stays as it is. Raises the `StatemigError` that keeps it from going there."""
        now = self.runs[run_id]
        at, target = self.order.index(now.revision), self.order.index(to)
        document, complement = now.document, now.complement
        while at != target:
            up = at < target
            following = at + 1 if up else at - 1
            if up:
                result = self.migrator.upgrade(
                    document,
                    self.order[at],
                    to=self.order[following],
                    run_id=run_id,
                    record="complement",
                    complement=complement,
                )
            else:
                result = self.migrator.downgrade(
                    document,
                    to=self.order[following],
                    revision=self.order[at],
                    run_id=run_id,
                    complement=complement,
                )
            document, complement, at = result.unwrap(), result.complement, following
        # A migration shares what it leaves alone with the document before it.
        return replace(now, revision=to, document=copy.deepcopy(document), complement=complement)


def chain_of(migrator: Migrator) -> tuple[str, ...]:
    """The revisions, oldest first. Raises `RevisionError` where two follow the same one."""
    order: list[str] = []
    at: tuple[str, ...] = (migrator.head,)
    while at:
        if len(at) > 1:
            raise RevisionError(
                "the chain has a merge, and a store is tested on a simple chain",
                workflow=migrator.workflow,
                revision=order[-1],
                hint="Give the machine the revisions of one side: migrations = [...]",
            )
        order.append(at[0])
        at = migrator.revision(at[0]).down_revisions
    return tuple(reversed(order))


def settled(document: Document) -> Document:
    """Without what a claim writes into it: who tries a position, and how often. A copy."""
    made = copy.deepcopy(document)
    for position in positions(made):
        position.pop("attempt", None)
        if position.get("status", "ready") == "running":
            position["status"] = "ready"
    return made


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """The places in which two documents differ, never what is there."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key in sorted({*expected, *actual}):
            inside = f"{path}.{key}" if path else key
            if key not in actual:
                yield f"{inside} is gone"
            elif key not in expected:
                yield f"{inside} has come"
            else:
                yield from differences(expected[key], actual[key], inside)
    elif isinstance(expected, list) and isinstance(actual, list):
        if len(expected) != len(actual):
            yield f"{path} has {len(actual)} items, not {len(expected)}"
        for number, (left, right) in enumerate(zip(expected, actual, strict=False)):
            yield from differences(left, right, f"{path}[{number}]")
    elif not json_text.equal(expected, actual):
        yield f"{path} is another"


def listed(expected: Document, actual: Document) -> str:
    found = list(differences(expected, actual))
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    return ", ".join(found[:_SHOWN]) + more


def lost_answers(expected: Document, actual: Document) -> list[str]:
    """Steps whose answer, come but not taken up yet, is not there as it was given."""
    there = {position.get("id"): position for position in positions(actual)}
    return [
        position["step"]
        for position in positions(expected)
        if "answer" in position
        and not json_text.equal(there.get(position.get("id"), {}).get("answer"), position["answer"])
    ]


def waiting(document: Document) -> list[Position]:
    """The positions that wait for an answer."""
    if document.get("status", "active") != "active":
        return []
    return [each for each in positions(document) if each.get("status") == "waiting" and "key" in each]


def answers_since(base: Document, now: Document) -> dict[str, Any]:
    """By position id, the answers that `now` has and `base` was still waiting for."""
    asked = {each.get("id") for each in waiting(base)}
    return {
        each["id"]: each["answer"] for each in positions(now) if "answer" in each and each.get("id") in asked
    }


def with_answers(document: Document, came: dict[str, Any]) -> Document:
    """The document with answers in those of their positions that still wait. A copy."""
    made = copy.deepcopy(document)
    for position in positions(made):
        if position.get("id") in came and position.get("status") == "waiting":
            position["status"] = "ready"
            position["answer"] = came[position["id"]]
    return made
