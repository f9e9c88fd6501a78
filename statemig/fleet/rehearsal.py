"""What a rehearsal found: plain records, and how those of several processes become one."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from statemig.document import Document
from statemig.errors import InvalidStateError, StatemigError
from statemig.fleet.findings import FINDINGS, Weight, finding_of, reason_of

_LISTED: Final = 1000
#: what differs from run to run in a reason or a path, and is no reason to list two runs apart
_POSITION: Final = re.compile(r"\bposition \S+ (?=stands|waits|does)")
_NUMBER: Final = re.compile(r"\[\d+\]")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong with one run, or worth saying of it. `revision` and `operation` say in which script, `path` where in the
    run. No value of a state is in it."""

    finding: str
    reason: str
    hint: str | None = None
    revision: str | None = None
    operation: str | None = None
    step: str | None = None
    path: str | None = None

    @classmethod
    def of(cls, error: StatemigError, finding: str | None = None) -> Trouble:
        reason = reason_of(error)
        if isinstance(error, InvalidStateError) and error.problems:
            each = (
                f"{_NUMBER.sub('[]', path) or 'the document'}: {expected}"
                for path, expected in error.problems
            )
            reason = "; ".join(dict.fromkeys(each))
        return cls(
            finding or finding_of(error),
            reason,
            error.hint,
            error.revision,
            error.operation,
            error.step,
            error.path,
        )

    @property
    def alike(self) -> Trouble:
        """The same for all runs that it is wrong with for the same reason."""
        path = None if self.path is None else _NUMBER.sub("[]", self.path)
        reason = _NUMBER.sub("[]", _POSITION.sub("a position ", self.reason))
        return Trouble(self.finding, reason, self.hint, self.revision, self.operation, self.step, path)


@dataclass(frozen=True, slots=True)
class Example:
    """One run of a group: its document and what it would become, as far as it came, both without their contents."""

    run_id: str
    before: Document
    after: Document | None


@dataclass(slots=True)
class Group:
    """Runs of one revision with the same trouble. `run_ids` are the first thousand of them."""

    trouble: Trouble
    from_revision: str | None
    count: int = 0
    run_ids: list[str] = field(default_factory=list)
    example: Example | None = None

    @property
    def weight(self) -> Weight:
        return FINDINGS[self.trouble.finding].weight

    def to_dict(self) -> dict[str, Any]:
        return {
            **asdict(self.trouble),
            "weight": self.weight,
            "from_revision": self.from_revision,
            "count": self.count,
            "run_ids": list(self.run_ids),
            "example": None if self.example is None else asdict(self.example),
        }


@dataclass(slots=True)
class Tally:
    """Runs looked at, counted; each is in exactly one of `fine`, `current`, `stays`, `failed` and `newer`.

    `current` were at the target already, `newer` are of a revision from which it can not be reached. `resumed` is how many of the copies
    were resumed until they waited or ended, `stopped` how many of those came to a step without a function.
    """

    runs: int = 0
    fine: int = 0
    current: int = 0
    stays: int = 0
    failed: int = 0
    newer: int = 0
    resumed: int = 0
    stopped: int = 0
    groups: dict[tuple[Trouble, str | None], Group] = field(default_factory=dict)

    def add(
        self, run_id: str, revision: str | None, trouble: Trouble, example: Callable[[], Example | None]
    ) -> None:
        alike = trouble.alike
        group = self.groups.get((alike, revision))
        if group is None:
            group = self.groups[alike, revision] = Group(alike, revision, example=example())
        group.count += 1
        if len(group.run_ids) < _LISTED:
            group.run_ids.append(run_id)

    def take(self, other: Tally) -> None:
        """Count what another process has counted."""
        for name in ("runs", "fine", "current", "stays", "failed", "newer", "resumed", "stopped"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for key, theirs in other.groups.items():
            mine = self.groups.get(key)
            if mine is None:
                self.groups[key] = theirs
                continue
            mine.count += theirs.count
            mine.run_ids = sorted([*mine.run_ids, *theirs.run_ids])[:_LISTED]
            if mine.example is None or (theirs.example and theirs.example.run_id < mine.example.run_id):
                mine.example = theirs.example or mine.example


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """How the migration of live runs to a revision would go. `total` is how many there are: with a sample more than `runs`, None where
    that was not counted. `workers` is in how many processes it was tried.
    """

    workflow: str
    to: str
    total: int | None
    sampled: bool
    workers: int
    runs: int
    fine: int
    current: int
    stays: int
    failed: int
    newer: int
    resumed: int
    stopped: int
    groups: tuple[Group, ...]

    @property
    def ok(self) -> bool:
        """Whether every run that was looked at gets there, or stays because somebody said so."""
        return self.failed == 0

    @classmethod
    def of(
        cls, tally: Tally, *, workflow: str, to: str, total: int | None, sampled: bool, workers: int
    ) -> Rehearsal:
        order = {"fails": 0, "stays": 1, "note": 2}
        groups = sorted(
            tally.groups.values(),
            key=lambda each: (
                order[each.weight],
                -each.count,
                each.trouble.finding,
                each.trouble.path or "",
                each.run_ids[0],
            ),
        )
        return cls(
            workflow,
            to,
            total,
            sampled,
            workers,
            tally.runs,
            tally.fine,
            tally.current,
            tally.stays,
            tally.failed,
            tally.newer,
            tally.resumed,
            tally.stopped,
            tuple(groups),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "workflow": self.workflow,
            "to": self.to,
            "ok": self.ok,
            "total": self.total,
            "sampled": self.sampled,
            "workers": self.workers,
            "runs": self.runs,
            "fine": self.fine,
            "current": self.current,
            "stays": self.stays,
            "failed": self.failed,
            "newer": self.newer,
            "resumed": self.resumed,
            "stopped": self.stopped,
            "groups": [each.to_dict() for each in self.groups],
        }
