"""Names that earlier versions had for something else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from statemig.autogenerate.change import Change
from statemig.autogenerate.known import declared
from statemig.autogenerate.rules import RULES
from statemig.autogenerate.words import in_words
from statemig.errors import StatemigError
from statemig.path import Path
from statemig.plan.effects import shapes_at
from statemig.shapes.shape import Schema, Shape
from statemig.shapes.subshape import gaps
from statemig.workflow.snapshot import Snapshot

_ADDED = ("S04", "S05", "S06")


def used_again(
    changes: Iterable[Change], new: Schema, history: Sequence[Snapshot], released: Iterable[str]
) -> list[Change]:
    """The changes, with S15 in the place of a field that is added under a name whose values had another type in some version of
    `history`. `released`: paths of which somebody has said that no such value is left."""
    before = [declared(snapshot) for snapshot in history]
    free = set(released)
    found = []
    for change in changes:
        was = _was(change, new, before) if change.rule in _ADDED and change.path not in free else None
        if was is None:
            found.append(change)
            continue
        case = RULES["S15"].case()
        found.append(
            replace(
                change,
                rule="S15",
                old=in_words(was),
                reads=case.reads,
                forward=case.forward,
                keeps=case.keeps,
                change_class=case.change_class,
                direction="",
            )
        )
    return found


def had(path: str, history: Sequence[Snapshot]) -> bool:
    """Whether some version had this field."""
    return any(_at(path, declared(snapshot)) for snapshot in history)


def _was(change: Change, new: Schema, before: Sequence[Schema]) -> Shape | None:
    shape = None if change.site is None else change.site.new
    if shape is None:
        return None
    now = Schema(shape, new.definitions)
    for schema in before:
        for was in _at(change.path, schema):
            if gaps(Schema(was, schema.definitions), now):
                return was
    return None


def _at(path: str, schema: Schema) -> list[Shape]:
    try:
        return shapes_at(schema, Path.parse(path))
    except StatemigError:
        return []
