"""What can be wrong with a run that is brought to another version, by id. Reports are grouped by these, and people search for them.

An id keeps its meaning. Where one of deploy tables of other systems can not arise here, `never` says why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from statemig.errors import (
    CollisionError,
    ConversionError,
    CursorError,
    InvalidStateError,
    IrreversibleError,
    MigrationHeld,
    MigrationPinned,
    StatemigError,
    TransformError,
    UnknownRevisionError,
    UnstampedError,
)

#: fails: the run can not go there. stays: the script or a pin says that it stays. note: it can, and somebody should know this.
Weight = Literal["fails", "stays", "note"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a migration of a run can go wrong. `never`: why a rehearsal does not find it."""

    id: str
    says: str
    weight: Weight = "fails"
    never: str | None = None


_TABLE: Final = (
    Finding(
        "cursor.target-missing",
        "the run would stand on, or wait for, a step that the new version does not have",
    ),
    Finding(
        "cursor.removed-unmapped", "the run stands on a step that goes, and nothing says where it is to go"
    ),
    Finding(
        "cursor.ambiguous-split", "its step becomes several, and nobody can know on which of them it stands"
    ),
    Finding("cursor.order-changed", "its steps come in another order, and it is in the middle of them"),
    Finding("cursor.name-taken", "a step gets a name that the run knows already"),
    Finding("cursor.no-end", "from where it would stand no end can be reached"),
    Finding("data.missing-input", "the step it would stand on reads what is not there"),
    Finding("data.invalid-before", "what is stored does not fit the revision that it says it has"),
    Finding("data.invalid-after", "the migrated state does not fit the new version"),
    Finding("data.collision", "what a field is renamed or moved to is there already"),
    Finding("data.not-converted", "a value can not be converted as the script says"),
    Finding("data.function-failed", "a function of the script raised"),
    Finding("pending.owner-ambiguous", "a branch has arrived at a join, and its step becomes several"),
    Finding(
        "pending.untransformable", "what a branch has written, and no join has taken up, can not be migrated"
    ),
    Finding("state.merge-conflict", "steps become one that have written different things, or are half done"),
    Finding(
        "join.unreachable", "a join would wait for a branch that never comes, or would have to fire here"
    ),
    Finding(
        "join.extra-branch",
        "a branch has arrived at, or is on its way to, a join that does not wait for it any more",
    ),
    Finding("approval.payload-changed", "what a person was shown does not go through the script"),
    Finding(
        "approval.answer-incompatible",
        "the answer, given or in the form that was asked for, is not one of the new version",
    ),
    Finding(
        "approval.order-changed",
        "the step asks other questions, or in another order, and no line of the script says which is which",
    ),
    Finding(
        "timer.policy-required",
        "the run waits for a timer or an event at a step that waits for none any more",
    ),
    Finding(
        "tool.call-orphaned",
        "a call of a tool has no result yet, and the tool is gone or takes other arguments",
    ),
    Finding(
        "child.incompatible",
        "a sub-workflow of the run does not go with its new version",
        never="a run document has no sub-workflow: steps of a subgraph are steps of its parent, and are judged as such",
    ),
    Finding(
        "conflict.concurrent-write",
        "somebody else wrote the run at the same moment",
        never="nothing is written in a rehearsal; a write that loses is tried again by whoever made it",
    ),
    Finding("revision.unknown", "nobody here knows the revision that the run has"),
    Finding("revision.unstamped", "the run does not say which revision it has"),
    Finding("policy.held", "the script holds runs that stand there until a person decides", "stays"),
    Finding("policy.pinned", "a pin, or the script, leaves the run to workers of its version", "stays"),
    Finding("back.irreversible", "the script says that there is no way back", "note"),
    Finding("back.refused", "the migrated run can not be brought down again"),
    Finding("back.differs", "brought down again, the run is not what it was"),
    Finding("resume.failed", "a copy of the migrated run was resumed, and did not get on"),
    Finding("run.failed", "the run could not be migrated for a reason that has no id of its own"),
)

FINDINGS: Final[Mapping[str, Finding]] = {each.id: each for each in _TABLE}

_NAMED: Final = re.compile(r"([a-z]+\.[a-z-]+): ")
_IN_PENDING: Final = re.compile(r"pending\[\d+\]\.writes")


def finding_of(error: StatemigError) -> str:
    """The id of what kept a run from being brought somewhere."""
    said = _NAMED.match(error.message)
    named = error.finding or (said[1] if said else None)
    if named in FINDINGS:
        return str(named)
    if error.path is not None and _IN_PENDING.match(error.path):
        return "pending.untransformable"
    match error:
        case MigrationHeld():
            return "policy.held"
        case MigrationPinned():
            return "policy.pinned"
        case UnstampedError():
            return "revision.unstamped"
        case UnknownRevisionError():
            return "revision.unknown"
        case InvalidStateError():
            return "data.invalid-after"
        case CollisionError():
            return "data.collision"
        case ConversionError():
            return "data.not-converted"
        case TransformError():
            return "data.function-failed"
        case IrreversibleError():
            return "back.irreversible"
        case CursorError():
            return "cursor.target-missing"
        case _:
            return "run.failed"


def reason_of(error: StatemigError) -> str:
    """What the error says, without the id at its head."""
    return _NAMED.sub("", error.message, count=1) if _NAMED.match(error.message) else error.message
