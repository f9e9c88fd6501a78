"""The obligation on where runs stand: after the revision every position has a place, an end can be reached, joins can still fire, and
what a step reads is there.

Decided by running: a flow leads to few ways of standing, and what becomes of a position depends on steps alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from statemig.errors import StatemigError
from statemig.operations.base import Operation
from statemig.path import Key, Path
from statemig.plan.instructions import (
    Apply,
    CloseStep,
    Drop,
    Fill,
    MapCalls,
    Move,
    Put,
    Refuse,
    Rename,
    Reorder,
    Retype,
    Unfill,
)
from statemig.proof import cases
from statemig.proof.standing import documents, standings
from statemig.proof.trial import Trial
from statemig.proof.verdict import Finding, Part
from statemig.shapes.shape import Object, Schema
from statemig.workflow.snapshot import Snapshot


def proved(
    old: Snapshot,
    new: Snapshot,
    operations: Sequence[Operation],
    after: Schema | None,
    trial: Callable[[], Trial],
) -> Part:
    """`after` is what the operations make of the stored states, None where that could not be followed."""
    if not old.steps or not new.steps:
        return Part("proved")  # nothing is known of steps on one side, so no position can be wrong
    notes = list(_notes(operations))
    if _is_same(old, new, operations):
        return Part.of(_reads(new, after), notes)
    try:
        runner = trial()
        values = next(cases.documents(old.writes))
    except (StatemigError, StopIteration) as error:
        return Part.of([Finding("cursor", f"cannot be followed: {error}")], notes)
    ways, whole = standings(old)
    found: dict[tuple[str | None, str], Finding] = {}
    for standing in ways:
        for document in documents(standing, old, values):
            rejection = runner.cursor_rejection(document)
            if rejection is None:
                continue
            if rejection.kind != "cursor":
                # The state of these documents is one and the same, and judged elsewhere.
                found.setdefault((None, "state"), _undecided(rejection.path, rejection.reason))
                continue
            step = rejection.step or standing.at[0]
            where = f"a run at {' and '.join(standing.at)}"
            reason = f"{where}: {rejection.reason}"
            refuted = "done" in document
            key = (step, rejection.reason)
            if key not in found or (refuted and found[key].witness is None):
                found[key] = Finding(
                    "cursor",
                    reason if refuted else f"{reason} (where `done` is not recorded)",
                    step=step,
                    witness=document if refuted else None,
                    rejected=rejection.reason if refuted else None,
                )
    if not whole:
        found[None, "many"] = Finding("cursor", "the flow leads to more ways of standing than are looked at")
    return Part.of([*found.values(), *_reads(new, after)], notes)


def _undecided(path: str, reason: str) -> Finding:
    return Finding("cursor", f"is not decided, because the state does not get through ({path}: {reason})")


def _is_same(old: Snapshot, new: Snapshot, operations: Sequence[Operation]) -> bool:
    """Whether nobody moves, in a flow from each of whose steps an end can be reached."""
    if any(not _of_state(instruction) for operation in operations for instruction in operation.lower()):
        return False
    return (
        not new.dead_ends
        and old.start == new.start
        and old.steps.keys() == new.steps.keys()
        and all(
            (info.next, info.fork, info.joins, info.removed)
            == (other.next, other.fork, other.joins, other.removed)
            for info, other in ((old.steps[name], new.steps[name]) for name in old.steps)
        )
    )


def _of_state(instruction: object) -> bool:
    return isinstance(
        instruction, Put | Fill | Drop | Unfill | Rename | Move | Apply | Retype | Refuse | MapCalls
    )


def _reads(new: Snapshot, after: Schema | None) -> Iterator[Finding]:
    """What a step reads of the state has to be there in every document, not only in those that were run."""
    if after is None:
        return
    for step, info in new.steps.items():
        for text in info.reads:
            if text.startswith("state") and not _must_be_there(after, Path.parse(text)):
                yield Finding(text, f"may be absent, and step {step!r} reads it", step=step)


def _must_be_there(schema: Schema, path: Path) -> bool:
    shape = schema.resolve(schema.root)
    for segment in path.segments:
        if not isinstance(segment, Key):
            return True  # what lies in lists and maps may be empty
        if not isinstance(shape, Object):
            return False
        prop = shape.properties.get(segment.name)
        if prop is None or not prop.required:
            return False
        shape = schema.resolve(prop.shape)
    return True


def _notes(operations: Sequence[Operation]) -> Iterator[str]:
    """Runs that stay behind because the script says so."""
    words = {"hold": "is held", "pin": "stays on its version", "fail": "fails"}
    for operation in operations:
        for instruction in operation.lower():
            match instruction:
                case CloseStep(step, policy) if policy.kind in words:
                    yield f"a run at {step!r} {words[policy.kind]}, as the script says"
                case Reorder(was=was, policy=policy) if policy.kind in words:
                    yield f"a run in the middle of {', '.join(was or ())} {words[policy.kind]}, as the script says"
                case _:
                    pass


__all__ = ["proved"]
