"""Ids that a migration has to make: always the same for the same run, place and revision, and never twice in a document."""

from __future__ import annotations

from typing import Any, Final

from statemig import json_text
from statemig.document import Document
from statemig.plan.complement import Notes
from statemig.plan.instructions import Mint
from statemig.plan.values import fresh
from statemig.plan.walk import Trail, over, trail_text
from statemig.shapes.shape import Schema, String

LONGEST: Final = 64


def mint(
    document: Document,
    instruction: Mint,
    notes: Notes,
    *,
    revision: str,
    schema: Schema | None,
) -> Document:
    """Each object at the place has an id: the one it has, the one it had before it was downgraded, or a new one; but none where it
    had none in this version before it was downgraded."""
    key = instruction.key
    taken: set[Any] = set()
    without: set[Trail] = set()

    def restore(value: Any, trail: Trail, partial: bool = False) -> Any:
        if not isinstance(value, dict):
            return value
        note = notes.take(trail)
        if key in value:
            notes.write(trail, present=True)
        elif note is not None and "was" in note:
            items = list(value.items())
            items.insert(note.get("i", len(items)), (key, fresh(note["was"])))
            value = dict(items)
        elif note is not None and "absent" in note:
            without.add(trail)
        if isinstance(value.get(key), str):
            taken.add(value[key])
        return value

    def make(value: Any, trail: Trail, partial: bool = False) -> Any:
        if not isinstance(value, dict) or key in value or partial or trail in without:
            return value
        place = trail_text((*trail, key))
        number = 0
        while (made := _id(instruction, notes.run_id, place, revision, number)) in taken:
            number += 1
        taken.add(made)
        return {**value, key: made}

    for visit in (restore, make):
        document = over(
            document,
            instruction.parent,
            visit,
            lambda value, trail, visit=visit: visit(value, trail, True),  # type: ignore[misc]
            schema=schema,
        )
    return document


def _id(instruction: Mint, run_id: str | None, place: str, revision: str, number: int) -> str:
    seed = [run_id, place, revision, *([number] if number else [])]
    return json_text.digest(seed, LONGEST // 2)[: instruction.length]


def shape_of_id(length: int) -> String:
    return String(pattern=f"^[0-9a-f]{{{length}}}$", min_length=length, max_length=length)
