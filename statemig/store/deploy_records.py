"""What a deploy says to all workers and hears from them: plain records, no storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Strategy = Literal["migrate", "route", "drain"]
Scope = Literal["workflow", "class", "step", "run"]
Mode = Literal["in place", "in memory", "pin"]
OnDeadline = Literal["notify", "migrate", "fail"]


@dataclass(frozen=True, slots=True)
class Unknown:
    """In the place of a figure that could not be computed; never zero."""

    reason: str

    def __str__(self) -> str:
        return f"unknown: {self.reason}"


@dataclass(frozen=True, slots=True)
class Kind:
    """Unfinished runs that are alike: the same tags, standing at the same places, each (step, ready, running or waiting, on what).

    `oldest` is when the first of them was started, `since` when the first of them was last written (for one that waits: since when).
    `example` is the id of any of them. `canary`: the revision whose canary they are in.
    """

    revision: str | None
    started_revision: str | None
    pinned_revision: str | None
    places: tuple[tuple[str | None, str, str | None], ...]
    leased: bool
    count: int
    oldest: float
    since: float
    example: str
    canary: str | None = None

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(step for step, _, _ in self.places if step is not None))


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that says what it can run: the steps of `revision`, on documents of the revisions in `reads`.

    One that runs several versions has one record for each. It is taken to live until `live_until`, unless it says something before.
    """

    name: str
    revision: str
    reads: frozenset[str]
    started_at: float
    beat_at: float
    live_until: float

    def can_take(self, shape: str | None) -> bool:
        """Whether it can bring a document of that revision to its own. One without a stamp is for anybody."""
        return shape is None or shape in self.reads


@dataclass(frozen=True, slots=True)
class Policy:
    """What is wanted for the runs of a scope: all of a workflow, those that a change of a class stands before, those at a step, or one.

    `target` names the class, step or run; "" for the workflow. `revision` is the preferred one, None for that of the workflow.
    """

    scope: Scope
    target: str
    strategy: Strategy
    revision: str | None = None
    set_at: float = 0.0


@dataclass(frozen=True, slots=True)
class Drain:
    """A version that starts no new runs. `counted` runs were left when it began, `left` at the last look; `changed_at` is when a look
    last found fewer than the one before."""

    revision: str
    since: float
    deadline: float | None
    on_deadline: OnDeadline
    counted: int
    left: int
    checked_at: float
    changed_at: float


@dataclass(frozen=True, slots=True)
class Rollout:
    """The reader/writer window of a deploy. `stage`: started, completed or aborted, or what a canary calls its stages.

    While it is open, documents newer than `newest_writable` are written back through the way down, where `modes` says "in memory" for
    the revision that they have in the store; with "pin" the run is left to workers of its version. `details` is plain JSON for whoever
    moves the stages. `version` counts the writes: each compares it and swaps.
    """

    old: str
    new: str
    stage: str
    oldest_readable: str
    newest_writable: str
    modes: Mapping[str, Mode] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    started_at: float = 0.0
    changed_at: float = 0.0
    version: int = 0

    @property
    def open(self) -> bool:
        return self.stage not in ("completed", "aborted")

    def mode(self, shape: str | None) -> Mode:
        """What becomes of a run of that revision when a worker of the new version has it."""
        if shape is None or shape == self.new or not self.open:
            return "in place"
        return self.modes.get(shape, "pin")
