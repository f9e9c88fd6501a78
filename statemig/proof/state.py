"""The obligation on states: what the operations make of everything that may be stored is something the other side reads, closed.

``up(stored(N))`` against ``reads(N+1)``, and for a fleet of both versions ``down(writes(N+1))`` against ``reads(N)``. `stored(N)` holds
all that ``reads(N)`` takes, so proofs of revisions that follow each other compose over documents that were never written again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from statemig.autogenerate.class_names import renamed_classes
from statemig.document import Document
from statemig.errors import IrreversibleError, OperationError, StatemigError
from statemig.operations.base import Operation
from statemig.operations.fields import RenameField
from statemig.operations.lowering import schema_after
from statemig.operations.steps import RenameStep
from statemig.path import Definition, Key, Path, Segment, Variant
from statemig.plan.names import renamed_definition
from statemig.proof import refusals
from statemig.proof.cases import documents
from statemig.proof.trial import Rejection, Trial
from statemig.proof.verdict import Finding, Part
from statemig.shapes.computed import with_computed
from statemig.shapes.shape import Schema
from statemig.shapes.subshape import Gap, gaps
from statemig.workflow.snapshot import Snapshot

#: how many documents are run at most to find one that is rejected
_DOCUMENTS: Final = 400
#: and after how many that bring nothing new the search ends: when nothing has been found yet, and when something has
_IDLE: Final = (100, 12)
_EXPECTED: Final = re.compile(r"may be ((?:\"|-?[0-9]|true|false).*), but (.*) is expected")
_DOUBT: Final = "is not decided: "
_NAN: Final = "may be null where a float is not a number (NaN), and no version reads that; declare it FiniteFloat, or nullable"


@dataclass(frozen=True, slots=True)
class Obligation:
    """`findings`: what is not proved, before any document is run. `fits`: what was valid before is valid after."""

    findings: tuple[Finding, ...]
    fits: bool


def up(old: Snapshot, new: Snapshot, operations: Sequence[Operation]) -> Obligation:
    """Raises nothing: what cannot be followed is a finding."""
    try:
        bound = refusals.bound(old.stored, operations)
        after, refused = refusals.run(old.stored, bound)
    except StatemigError as error:
        return Obligation((_not_followed(error),), False)
    found = [*_refused(refused), *_pending(old, bound), *_gaps(after, new)]
    fits = not gaps(after, new.accepts)
    if fits and not found:
        found += _nan(after, new)
    return Obligation((*found, *_unseen(old, new, operations), *_unchecked(old)), fits and not old.unchecked)


def down(
    old: Snapshot, new: Snapshot, operations: Sequence[Operation], written: Sequence[Operation] | None
) -> Obligation:
    """For documents that the new version has written and no complement is kept of."""
    try:
        if written is None:
            there = refusals.bound(old.stored, operations)
            back = [(name, operation.inverse()) for name, operation in reversed(there)]
            source = _as_called(new.writes, old, operations)
        else:
            back = refusals.bound(new.stored, written)
            source = new.writes
        after, refused = refusals.run(source, back)
    except StatemigError as error:
        return Obligation((_not_followed(error),), False)
    found = [*_refused(refused), *_gaps(after, old)]
    if not found:
        found += _nan(after, old)
    others = (*_unseen(new, old, [operation for _, operation in back]), *_unchecked(new))
    return Obligation((*found, *others), not found and not new.unchecked)


def _as_called(written: Schema, old: Snapshot, operations: Sequence[Operation]) -> Schema:
    """The schema with its classes called as the operations leave them. Where a runtime does not store the names of classes, no operation
    says that one has another name in the code."""
    paths = (path for operation in operations for path in operation.paths)
    if not any(isinstance(segment, Definition) for path in paths for segment in path.segments[:1]):
        return written
    left = schema_after(old.stored, operations)
    for was, now in renamed_classes(left, written, parts=("state", "outputs")).items():
        written = renamed_definition(written, now, was)
    return written


def _not_followed(error: StatemigError) -> Finding:
    why = error.message if isinstance(error, OperationError | IrreversibleError) else str(error)
    return Finding(error.path or "", f"cannot be followed: {why}", operation=error.operation)


def _refused(found: Sequence[refusals.Refusal]) -> Iterator[Finding]:
    for each in found:
        yield Finding(each.path, each.reason, operation=each.operation)


def _pending(old: Snapshot, operations: Sequence[tuple[str, Operation]]) -> Iterator[Finding]:
    if not any(info.joins for info in old.steps.values()):
        return
    for name, operation in operations:
        for instruction in operation.lower():
            why = refusals.in_pending(instruction)
            if why is not None:
                yield Finding("pending[].writes", why, operation=name)


def _gaps(after: Schema, new: Snapshot) -> Iterator[Finding]:
    for gap in gaps(after, new.accepts):
        yield Finding(gap.path, _said(gap))


def _said(gap: Gap) -> str:
    values = _EXPECTED.fullmatch(gap.reason)
    reason = gap.reason if values is None else f"value {values[1]} not accepted: {values[2]} is expected"
    return reason if gap.certain else f"{_DOUBT}{reason}"


def _nan(after: Schema, new: Snapshot) -> Iterator[Finding]:
    """Null for a float that is not a number: unreadable before as after, so it is no gap, but it is not proved either."""
    for gap in gaps(after, with_computed(new.reads, new.writes, nan=False)):
        yield Finding(gap.path, _NAN)


# -- what no schema says -----------------------------------------------------------------------------------------------


def _unseen(old: Snapshot, new: Snapshot, operations: Sequence[Operation]) -> Iterator[Finding]:
    """Code of the author's decides at every load. A bound that was there before still holds where no operation has been."""
    before = {(each.path, each.what) for each in old.unseen}
    for each in new.unseen:
        if each.code:
            yield Finding(each.path, f"{each.what}, which no schema shows")
        elif (_was(each.path, operations), each.what) not in before:
            yield Finding(each.path, f"{each.what}: whether what is stored keeps to that is not decided")


def _unchecked(source: Snapshot) -> Iterator[Finding]:
    """Types that are declared and not enforced: what was found above is about values that keep to them, and others may be there."""
    if source.unchecked:
        keys = ", ".join(each.key for each in source.unchecked)
        said = f"is not checked when it is written ({keys}): proved at most for values of the declared types"
        yield Finding("state", said)


def _was(path: str, operations: Sequence[Operation]) -> str | None:
    """Where a value at this place was before the operations; None where one of them may have changed it."""
    segments = Path.parse(path).segments
    for operation in reversed(operations):
        match operation:
            case RenameField(place, to):
                renamed = place.with_last(to).segments
                if segments[: len(renamed)] == renamed:
                    segments = (*place.segments, *segments[len(renamed) :])
                continue
            case RenameStep(name, to):
                if segments[:2] == (Key("outputs"), Key(to)):
                    segments = (Key("outputs"), Key(name), *segments[2:])
                continue
            case _:
                if any(_meet(place.segments, segments) for place in operation.paths):
                    return None
    return str(Path(segments))


def _meet(one: tuple[Segment, ...], other: tuple[Segment, ...]) -> bool:
    """Whether one of two places may lie in the other."""
    if not one or not isinstance(one[0], Key):
        return True  # every occurrence of a definition
    plain = tuple(segment for segment in one if not isinstance(segment, Variant))
    shorter = min(len(plain), len(other))
    return plain[:shorter] == other[:shorter]


# -- witnesses ---------------------------------------------------------------------------------------------------------


def decided(obligation: Obligation, trial: Callable[[], Trial]) -> Part:
    """The part of a verdict: proved where nothing was found, refuted where a document of the source was run and rejected."""
    if not obligation.findings:
        return Part("proved")
    try:
        return Part.of(_witnessed(list(obligation.findings), trial()))
    except StatemigError:
        return Part.of(obligation.findings)


def _witnessed(findings: list[Finding], trial: Trial) -> list[Finding]:
    focus = _focus(findings, trial)
    source = trial.source
    waiting = dict(enumerate(findings))
    spare: tuple[Rejection, Document] | None = None
    for schema in (source.writes, source.reads) if source.writes != source.reads else (source.writes,):
        idle = 0
        for values in islice(documents(schema, focus), _DOCUMENTS):
            document = as_document(values, source)
            rejections = [each for each in trial.rejections(document) if each.kind != "cursor"]
            idle += 1
            for rejection in rejections:
                if not any(_is_about(each, rejection) for each in waiting.values()) and spare is not None:
                    continue
                if not trial.genuine(document):
                    break
                spare = spare or (rejection, document)
                for number, each in list(waiting.items()):
                    if _is_about(each, rejection):
                        findings[number] = _with(waiting.pop(number), rejection, document)
                        idle = 0
            if all(_is_doubtful(each) for each in waiting.values()) and (spare is not None or not waiting):
                return findings
            if idle > _IDLE[spare is not None]:
                break
    if spare is not None and not any(each.witness is not None for each in findings):
        rejection, document = spare
        findings.append(_with(Finding(_general(rejection.path), rejection.reason), rejection, document))
    return findings


def _is_doubtful(finding: Finding) -> bool:
    """Whether there may be no document that shows it; where others are refuted it is not worth a longer search."""
    return finding.reason.startswith(_DOUBT)


def _focus(findings: Sequence[Finding], trial: Trial) -> set[str]:
    """The keys on the way to what was found, by the names of both versions."""
    words = {word for each in findings for word in _words(each.path)}
    for operation in trial.operations:
        said = set(_words(str(operation.to_dict())))
        if said & words - {"state", "outputs"}:
            words |= {word for path in operation.paths for word in _words(str(path))}
    return words


def _words(text: str) -> list[str]:
    return re.findall(r"[A-Za-z_][\w-]*", text)


def as_document(values: Document, source: Snapshot) -> Document:
    """A run document around a state and outputs, that stands at the start."""
    document: Document = {"status": "active", **values}
    document["done"] = dict.fromkeys(document.get("outputs", {}), 1)
    document["cursor"] = []
    if source.start is not None:
        document["cursor"] = [{"id": "p0", "step": source.start, "status": "ready"}]
    document["pending"] = []
    return document


def _with(finding: Finding, rejection: Rejection, document: Document) -> Finding:
    where = f"{rejection.path}: " if rejection.path else ""
    return Finding(
        finding.path,
        finding.reason.removeprefix(_DOUBT),
        finding.operation,
        finding.step,
        witness=document,
        rejected=_general(where) + rejection.reason,
    )


def _general(path: str) -> str:
    return re.sub(r"\[\d+\]", "[]", path)


def _is_about(finding: Finding, rejection: Rejection) -> bool:
    """Whether a rejected document shows what was found. The path of an operation's refusal is a place of the old version, and so is the
    finding's; a missing or surplus key is reported at the object around it, a union's misfit at any depth in it."""
    mine, theirs = _plain(finding.path), _plain(rejection.path)
    if finding.operation is not None:
        return rejection.kind == "operation" and (_same(mine, theirs) or _same(mine[:-1], theirs))
    match rejection.kind:
        case "operation" | "cursor":
            return False
        case "absent" | "surplus":
            told = finding.reason.removeprefix(_DOUBT)
            if told.startswith("may be absent") != (rejection.kind == "absent"):
                return False
            return any(_same(mine, (*theirs, name)) for name in rejection.about)
        case "value":
            if finding.reason.startswith("may be absent"):
                return False
    shorter = min(len(mine), len(theirs))
    return shorter >= min(len(mine), 2) and _same(mine[:shorter], theirs[:shorter])


def _plain(path: str) -> tuple[str, ...]:
    """The keys on a path; a map's value stands for any of them."""
    if not path:
        return ()
    try:
        segments = Path.parse(path).segments
    except StatemigError:
        return (path,)
    found = []
    for segment in segments:
        match segment:
            case Key(name):
                found.append(name)
            case Variant():
                pass
            case _:
                found.append("*")
    return tuple(found)


def _same(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(one) == len(other) and all(a == b or "*" in (a, b) for a, b in zip(one, other, strict=True))


__all__ = ["Obligation", "as_document", "decided", "down", "up"]
