"""The fast path: a plan compiled to Python functions, grown for the documents that come.

A plan is cut into segments, each one function from document to document (see `kinds`). Where a segment turns out not to be able to do a
document, the stepwise interpreter, which is the authority, does; the segment is halved first, and the halves are tried, so that one
instruction that always needs the interpreter does not cost the others their function.

A recording is the same with what surely has something to note left to the interpreter from the start. What usually has nothing to
note (a new field that is not there yet, a rename) is compiled, and is out of the ordinary where there is something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, overload

from statemig.document import Document
from statemig.path import Definition, Key
from statemig.plan import stepwise
from statemig.plan.complement import Complement, Notes
from statemig.plan.instructions import (
    Apply,
    CloseStep,
    Drop,
    Fill,
    Instruction,
    Move,
    OpenStep,
    Put,
    Refuse,
    Relabel,
    Rename,
    Retype,
    Unfill,
)
from statemig.plan.kinds import Act, Function, OutOfTheOrdinary, on_value, place
from statemig.plan.stepwise import Stage
from statemig.plan.values import AllowNull
from statemig.shapes.shape import Missing

#: a segment that failed this much more often than it worked is not tried any more
_PATIENCE: Final = 8
#: what growing a plan's functions costs before any instruction is looked at, in instructions run one by one
_COMPILING: Final = 24

_ON_FIELDS = (Put, Fill, Drop, Unfill, Rename, Move, Apply)

Plan = Callable[[Document], Document]
RecordingPlan = Callable[[Document], tuple[Document, Complement]]


@overload
def compile_stages(
    stages: Sequence[Stage], recording: Literal[False] = False, *, sparing: bool = False
) -> Plan: ...


@overload
def compile_stages(
    stages: Sequence[Stage], recording: Literal[True], *, sparing: bool = False
) -> RecordingPlan: ...


def compile_stages(
    stages: Sequence[Stage], recording: bool = False, *, sparing: bool = False
) -> Plan | RecordingPlan:
    """One function from document to document for the whole plan; with `recording`, to the document and its complement.

    With `sparing` the first documents are done by the interpreter, as many as it does in the time that growing the functions takes:
    a process that meets no more of them never grows any.

    It gives and raises what `stepwise.run` does with an empty complement, and its argument is never changed. Safe for any number
    of threads: what they grow at the same time is grown twice, and either is good.
    """
    spared = _COMPILING // max(1, len(stages)) if sparing else 0
    segments = [_Segment(part, recording, fast=fast, spared=spared) for part, fast in _cut(stages, recording)]
    if len(segments) == 1:
        alone = segments[0].run

        def record_alone(document: Document) -> tuple[Document, Complement]:
            kept: Complement = {}
            return alone(document, kept), kept

        return record_alone if recording else lambda document: alone(document, {})

    def record(document: Document) -> tuple[Document, Complement]:
        kept: Complement = {}
        for segment in segments:
            document = segment.run(document, kept)
        return document, kept

    def plan(document: Document) -> Document:
        for segment in segments:
            document = segment.run(document, {})
        return document

    return record if recording else plan


def _cut(stages: Sequence[Stage], recording: bool) -> list[tuple[tuple[Stage, ...], bool]]:
    """Runs of stages that can be compiled together, and runs of those that cannot."""
    parts: list[tuple[list[Stage], bool]] = []
    for stage in stages:
        fast = _compiles(stage, recording)
        if parts and parts[-1][1] is fast:
            parts[-1][0].append(stage)
        else:
            parts.append(([stage], fast))
    return [(tuple(part), fast) for part, fast in parts]


def works_inside(instruction: Instruction) -> bool:
    """Whether an instruction changes nothing but what lies inside the state or the outputs, so that a run document stays one."""
    match instruction:
        case Retype():
            return True
        case Put(parent) | Fill(parent) | Drop(parent) | Unfill(parent) | Rename(parent) | Move(parent):
            inside = parent.segments
        case Apply(path):
            inside = path.segments[:-1]
        case _:
            return False
    return bool(inside) and inside[0] in (Key("state"), Key("outputs"))


def _compiles(stage: Stage, recording: bool) -> bool:
    instruction = stage.instruction
    if isinstance(instruction, _ON_FIELDS):
        segments = place(instruction).segments
        if not segments or isinstance(segments[0], Definition):
            return False
    if not recording:
        return True
    match instruction:
        case Put() | Rename() | Relabel() | Refuse() | Retype():
            return True
        case Drop(keep=keep, restore=restore):
            return not keep and isinstance(restore, Missing)
        case Apply(function=function):
            return isinstance(function, AllowNull) and isinstance(function.fill, Missing)
        case Unfill(value=fill):
            return isinstance(fill, Missing)
        case _:  # usually has something to note
            return False


class _Segment:
    """Some stages in a row."""

    def __init__(self, stages: tuple[Stage, ...], recording: bool, *, fast: bool, spared: int = 0) -> None:
        self._stages = stages
        self._recording = recording
        self._fast = fast
        self._function: Function | None = None
        self._halves: tuple[_Segment, _Segment] | None = None
        self._failed = 0
        #: how many documents are still left to the interpreter
        self._spared = spared

    def run(self, document: Document, kept: Complement) -> Document:
        """The document after the stages; notes go to `kept`. Raises a `MigrationError` that names revision, operation and path."""
        if not self._fast or document.get("pending"):
            return self._one_by_one(document, kept)
        if self._spared > 0:
            self._spared -= 1
            return self._one_by_one(document, kept)
        if self._failed > _PATIENCE:
            return self._in_halves(document, kept)
        try:
            result: Document = (self._function or self._compiled())(document)
        except Exception:
            # Whatever it was, the interpreter says it with revision, operation and path; if it fails too, that was the document's
            # fault and does not count.
            result = self._in_halves(document, kept)
            self._failed += 2
        else:
            if self._failed:
                self._failed -= 1
        return result

    def _one_by_one(self, document: Document, kept: Complement) -> Document:
        document, notes = stepwise.run(document, self._stages, {}, recording=self._recording)
        kept.update(notes)
        return document

    def _in_halves(self, document: Document, kept: Complement) -> Document:
        if len(self._stages) == 1:
            return self._one_by_one(document, kept)
        if self._halves is None:
            middle = len(self._stages) // 2
            self._halves = (
                _Segment(self._stages[:middle], self._recording, fast=True),
                _Segment(self._stages[middle:], self._recording, fast=True),
            )
        for half in self._halves:
            document = half.run(document, kept)
        return document

    def _compiled(self) -> Function:
        self._function = _chain(self._stages, self._recording)
        return self._function


def _chain(stages: Sequence[Stage], recording: bool) -> Function:
    """Instructions on state and those on the cursor do not meet, so each kind is kept together."""
    parts: list[Function] = []
    acts: list[Act] = []
    cursor: list[Function] = []

    def flush() -> None:
        if acts:
            parts.append(on_value(acts))
            acts.clear()
        parts.extend(cursor)
        cursor.clear()

    for stage in stages:
        instruction = stage.instruction
        if isinstance(instruction, _ON_FIELDS):
            segments = place(instruction).segments
            if cursor and segments[0] != Key("state"):
                flush()
            if not _does_nothing(stage):
                acts.append(Act(segments, stage, recording))
        else:
            cursor.append(_stepwise(stage, recording))
            if _meets_state(instruction):
                flush()
    flush()
    if len(parts) == 1:
        return parts[0]

    def chain(document: Any) -> Any:
        for part in parts:
            document = part(document)
        return document

    return chain


def _meets_state(instruction: Instruction) -> bool:
    """Whether an instruction on the cursor may read or write state as well, so that it keeps its place among those on the state."""
    return (
        bool(instruction.output)
        if isinstance(instruction, CloseStep)
        else not isinstance(instruction, Relabel | OpenStep | Refuse | Retype)
    )


def _does_nothing(stage: Stage) -> bool:
    """Null is allowed from here on: nothing changes, and where nothing has to be filled in on the way back, nothing is noted."""
    function = getattr(stage.instruction, "function", None)
    return isinstance(function, AllowNull) and isinstance(function.fill, Missing)


def _stepwise(stage: Stage, recording: bool) -> Function:
    def run(document: Any) -> Any:
        notes = Notes(recording)
        result = stepwise.apply(document, stage.instruction, notes, stage)
        if recording and notes.seal(result):
            raise OutOfTheOrdinary
        return result

    return run
