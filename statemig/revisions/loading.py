"""Scripts that cannot be right are refused when they are loaded: every problem of every script, each with its file and line.

What a script says is held against the frozen snapshot of the revision before it, and its values against its own. Where there is no
snapshot before it (a base, a merge, a revision in memory without one) only what the script says by itself is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statemig.revisions.recorded import Recorded, refusal
from statemig.revisions.revision import Revision

if TYPE_CHECKING:
    from statemig.operations.base import Operation
    from statemig.workflow.snapshot import Snapshot

SnapshotOf = Callable[[str], "Snapshot | None"]


@dataclass(frozen=True, slots=True)
class Said:
    """One problem of a script: what is wrong in which line."""

    revision: str
    place: str
    line: int | None
    text: str

    def __str__(self) -> str:
        return f"{self.place}: {self.text}"


def refuse(revisions: Iterable[Revision], snapshot: SnapshotOf, workflow: str | None = None) -> None:
    """Raises `OperationError` with the problems of all these revisions."""
    found = {each.revision: problems_of_script(each, snapshot) for each in revisions}
    raise_all({name: said for name, said in found.items() if said}, workflow)


def raise_all(found: Mapping[str, Sequence[Said]], workflow: str | None = None) -> None:
    """Raises `OperationError` with all problems of all revisions, where there is one."""
    if found:
        only = next(iter(found)) if len(found) == 1 else None
        raise refusal(
            [str(each) for said in found.values() for each in said], workflow=workflow, revision=only
        )


def problems_of_script(revision: Revision, snapshot: SnapshotOf) -> list[Said]:
    """Everything that is wrong with one script, in the order of its lines."""
    up, down = revision.recorded, revision.recorded_downgrade
    below = snapshot(revision.down_revisions[0]) if len(revision.down_revisions) == 1 else None
    own = snapshot(revision.revision)
    found = _problems(revision, up, below, own, derived=down is None)
    if down is not None:
        found += _problems(revision, down, own if below is not None else None, below, derived=False)
    return sorted(found, key=lambda each: each.line or 0)


def _problems(
    revision: Revision, recorded: Recorded, before: Snapshot | None, after: Snapshot | None, *, derived: bool
) -> list[Said]:
    from statemig.operations.checks.faults import faults

    def said(line: int | None, text: str) -> Said:
        return Said(revision.revision, recorded.place(line), line, text)

    found = [said(line, text) for line, text in recorded.said(before)]
    if revision.file is not None:
        for operation, line in zip(recorded.operations, recorded.lines, strict=True):
            found += [said(line, text) for text in _without_names(operation)]
    if before is not None and recorded.operations:
        for fault in faults(recorded.operations, before, after, lost=recorded.lost, derived=derived):
            found.append(said(recorded.lines[fault.number], fault.message))
    return found


def _without_names(operation: Operation) -> list[str]:
    """Functions that could not be found again by revision and name."""
    from statemig.operations.checks.faults import subject
    from statemig.operations.functions import HOW, described, name_of

    return [
        f"{subject(operation)}: {argument} is {described(function)}, which has no name at the top level of the script. {HOW}"
        for argument, function in operation.given_functions
        if name_of(function) is None
    ]
