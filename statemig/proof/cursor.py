"""The obligation on where runs stand: after the revision every position has a place, an end can be reached, joins can still fire, and
what a step reads is there.

Decided by running: a flow leads to few ways of standing, and what becomes of a position depends on steps alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from statemig.document import Document
from statemig.errors import StatemigError
from statemig.operations.base import Operation
from statemig.operations.lowering import schema_after
from statemig.path import Key, Path, Segment
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
from statemig.proof.standing import Standing, documents, standings
from statemig.proof.trial import Trial
from statemig.proof.verdict import Finding, Part
from statemig.shapes.shape import Object, Schema, Shape
from statemig.workflow.snapshot import Snapshot


def proved(old: Snapshot, new: Snapshot, operations: Sequence[Operation], trial: Callable[[], Trial]) -> Part:
    """`trial` runs documents of the old version."""
    if not old.steps or not new.steps:
        return Part("proved")  # nothing is known of steps on one side, so no position can be wrong
    notes = list(_notes(operations))
    if _is_same(old, new, operations):
        return Part.of(_reads(old, new, operations), notes)
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
            refuted = "done" in document and standing.real
            key = (step, rejection.reason)
            if key not in found or (refuted and found[key].witness is None):
                found[key] = Finding(
                    "cursor",
                    _with_doubt(reason, document, standing),
                    step=step,
                    witness=document if refuted else None,
                    rejected=rejection.reason if refuted else None,
                )
    if not whole:
        found[None, "many"] = Finding("cursor", "the flow leads to more ways of standing than are looked at")
    return Part.of([*found.values(), *_reads(old, new, operations)], notes)


def _with_doubt(reason: str, document: Document, standing: Standing) -> str:
    if not standing.real:
        return f"{reason} (whether any run stands so is not known)"
    return reason if "done" in document else f"{reason} (where `done` is not recorded)"


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
            and not {text for text in other.reads if text.startswith("outputs")}.difference(info.reads)
            for info, other in ((old.steps[name], new.steps[name]) for name in old.steps)
        )
    )


def _of_state(instruction: object) -> bool:
    return isinstance(
        instruction, Put | Fill | Drop | Unfill | Rename | Move | Apply | Retype | Refuse | MapCalls
    )


def _reads(old: Snapshot, new: Snapshot, operations: Sequence[Operation]) -> Iterator[Finding]:
    """What a step reads of the state has to be there in every document, not only in those that were run."""
    try:
        after = schema_after(_kept(old), operations)
    except StatemigError:
        return  # that the operations cannot be followed is said of the state
    for step, info in new.steps.items():
        for text in info.reads:
            if text.startswith("state") and not _must_be_there(after, Path.parse(text)):
                yield Finding(text, f"may be absent, and step {step!r} reads it", step=step)


def _kept(old: Snapshot) -> Schema:
    """What is stored, with that there which steps of the old version read and its writer always writes: of a document that came from an
    older version the proof of that revision has said the same."""
    root = old.stored.root
    for info in old.steps.values():
        for text in info.reads:
            path = Path.parse(text)
            if _must_be_there(old.writes, path):
                root = _requiring(root, path.segments, old.stored)
    return Schema(root, old.stored.definitions)


def _requiring(shape: Shape, segments: tuple[Segment, ...], schema: Schema) -> Shape:
    resolved = schema.resolve(shape)
    if not segments or not isinstance(segments[0], Key) or not isinstance(resolved, Object):
        return shape
    name = segments[0].name
    prop = resolved.properties.get(name)
    if prop is None:
        return shape
    made = replace(prop, required=True, shape=_requiring(prop.shape, segments[1:], schema))
    return replace(resolved, properties={**resolved.properties, name: made})


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
