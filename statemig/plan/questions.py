"""What a person was shown and has answered, when its shape or its place among the step's questions changes. Never asks again."""

from __future__ import annotations

from typing import Any

from statemig.document import Document, Position, positions
from statemig.errors import CursorError, MigrationError
from statemig.plan import nested
from statemig.plan.complement import Note, Notes
from statemig.plan.instructions import Instruction, MapQuestions
from statemig.plan.walk import Item

_FINDINGS = {"payload": "approval.payload-changed", "answer": "approval.answer-incompatible"}


def map_questions(document: Document, instruction: MapQuestions, notes: Notes) -> Document:
    """Raises `CursorError`: ``approval.payload-changed`` and ``approval.answer-incompatible`` where a value does not go through the
    operations, ``approval.order-changed`` where a question has no place on the other side."""
    cursor: list[Position] = []
    for number, position in enumerate(positions(document)):
        if position["step"] != instruction.step or not _is_asked(position):
            cursor.append(position)
            continue
        note = notes.take(("cursor", Item(number))) or {}
        kept: dict[str, Any] = {}
        position = _placed(position, instruction, note, kept, number)
        for part, instructions in (("payload", instruction.payload), ("answer", instruction.answer)):
            position = _mapped(position, part, instructions, note, kept, notes.recording, number)
        if kept:
            notes.write(("cursor", Item(number)), **kept)
        cursor.append(position)
    same = all(new is old for new, old in zip(cursor, positions(document), strict=True))
    return document if same else {**document, "cursor": cursor}


def _is_asked(position: Position) -> bool:
    return position.get("status") == "waiting" or "answer" in position


def _mapped(
    position: Position,
    part: str,
    instructions: tuple[Instruction, ...],
    note: Note,
    kept: dict[str, Any],
    recording: bool,
    number: int,
) -> Position:
    if part not in position or not instructions:
        return position
    try:
        value, written = nested.run(position[part], instructions, note.get(part, ()), recording=recording)
    except MigrationError as error:
        raise CursorError(
            f"{_FINDINGS[part]}: the {part} of position {position.get('id', '?')} does not go through the "
            f"operations of the script: {error.message}",
            step=position["step"],
            path=nested.beneath(f"cursor[{number}].{part}", error.path),
            hint=error.hint
            or f"Write a transform in {part}= that takes every value which the other version wrote",
        ) from error
    if written:
        kept[part] = written
    return position if value is position[part] else {**position, part: value}


def _placed(
    position: Position, instruction: MapQuestions, note: Note, kept: dict[str, Any], number: int
) -> Position:
    """With the question's `index` among those of its step. A position without one is at the first question, where the step has but one."""
    if instruction.places is None:
        return position
    places = dict(instruction.places)
    index = position.get("index", 0)
    if index not in places:
        raise CursorError(
            f"approval.order-changed: position {position.get('id', '?')} waits for the answer to question {index} of the step, which the "
            "other version does not ask",
            step=position["step"],
            path=f"cursor[{number}]",
            hint="Let it be answered and taken up on its own version first; an answer is never given to another question",
        )
    if "index" not in position and len(places) > 1:
        raise CursorError(
            f"approval.order-changed: nothing says for which of the {len(places)} questions of the step position "
            f"{position.get('id', '?')} waits, and their order changes",
            step=position["step"],
            path=f"cursor[{number}].index",
            hint="Let it be answered and taken up on its own version first",
        )
    new = places[index]
    if "index" in note and note["index"] is None and new == 0:
        kept["index"] = index
        return {name: value for name, value in position.items() if name != "index"}
    if "index" not in position:
        if new == 0 and "index" not in note:
            return position
        kept["index"] = None
    return position if "index" in position and new == index else {**position, "index": new}
