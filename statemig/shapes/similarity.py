"""How alike two shapes are, from 0 to 1: evidence that a removed field and an added one are the same one renamed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from statemig.shapes.shape import (
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Never,
    Null,
    Number,
    Object,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
)

_DEEPEST: Final = 5
_WORD: Final = re.compile(r"[^\W_]+")


def tokens(name: str) -> tuple[str, ...]:
    """The words of an identifier, in lower case: ``toolCallID2`` gives ``("tool", "call", "id", "2")``."""
    return tuple(part.lower() for word in _WORD.findall(name) for part in _humps(word))


def _humps(word: str) -> list[str]:
    parts = [word[0]]
    for at in range(1, len(word)):
        before, here, after = word[at - 1], word[at], word[at + 1 : at + 2]
        starts = here.isdigit() != before.isdigit() or (
            here.isupper() and (before.islower() or (before.isupper() and after.islower()))
        )
        if starts:
            parts.append(here)
        else:
            parts[-1] += here
    return parts


def similarity(left: Shape, left_schema: Schema, right: Shape, right_schema: Schema) -> float:
    """1 for the same shape, whatever its classes are called; 0 for shapes with nothing in common. Symmetric.

    Scalars that convert into each other (integer and number, enum and string) are partly alike; a null beside a shape hardly counts;
    containers compare by what they hold, objects by the names they share first. Shapes deeper than a few levels, and recursion, count
    as alike: what tells two fields apart lies near the top.
    """
    if left_schema is right_schema and left == right:
        return 1.0
    return _Comparison(left_schema, right_schema).of(left, right, 0)


class _Comparison:
    def __init__(self, left: Schema, right: Schema) -> None:
        self.left = left
        self.right = right
        self.open: set[tuple[int, int]] = set()

    def of(self, left: Shape, right: Shape, depth: int) -> float:
        left, right = self.left.resolve(left), self.right.resolve(right)
        pair = (id(left), id(right))
        if depth > _DEEPEST or pair in self.open:
            return 1.0 if _kind(left) == _kind(right) else 0.0
        self.open.add(pair)
        try:
            return self.compare(left, right, depth)
        finally:
            self.open.discard(pair)

    def compare(self, left: Shape, right: Shape, depth: int) -> float:
        match left, right:
            case (Union(), _) | (_, Union()):
                return self.unions(left, right, depth)
            case (Null(), Null()) | (Boolean(), Boolean()) | (Never(), Never()):
                return 1.0
            case Anything(one), Anything(other):
                return 1.0 if one == other else 0.3
            case (Anything(None), _) | (_, Anything(None)):
                return 0.3
            case Enum(values), Enum(others):
                return _shared([repr(value) for value in values], [repr(value) for value in others])
            case (Enum(values), other) | (other, Enum(values)) if _is_scalar(other):
                same = sum(_kind(other) == _kind_of(value) for value in values)
                return 0.5 * same / len(values) if values else 0.0
            case (Integer(), Integer()) | (Number(), Number()):
                return 1.0 if left == right else 0.9
            case (Integer(), Number()) | (Number(), Integer()):
                return 0.7
            case String(), String():
                if left == right:
                    return 1.0
                return 0.85 if left.format == right.format else 0.5
            case ListOf(), ListOf():
                return 0.4 + 0.6 * self.of(left.items, right.items, depth + 1)
            case TupleOf(slots), TupleOf(others):
                pairs = zip(slots, others, strict=False)
                alike = sum(self.of(slot, other, depth + 1) for slot, other in pairs)
                longest = max(len(slots), len(others))
                return 0.3 + 0.7 * (alike / longest if longest else 1.0)
            case (ListOf(), TupleOf(slots)) | (TupleOf(slots), ListOf()):
                return 0.4
            case MapOf(), MapOf():
                return 0.4 + 0.6 * self.of(left.values, right.values, depth + 1)
            case Object(), Object():
                return self.objects(left, right, depth)
            case (Object(), MapOf()) | (MapOf(), Object()):
                return 0.25
            case _:
                return 0.0

    def objects(self, left: Object, right: Object, depth: int) -> float:
        names = left.properties.keys() | right.properties.keys()
        if not names:
            return 1.0 if isinstance(left.extra, str) == isinstance(right.extra, str) else 0.5
        alike = sum(
            0.5 + 0.5 * self.of(left.properties[name].shape, right.properties[name].shape, depth + 1)
            for name in sorted(left.properties.keys() & right.properties.keys())
        )
        return 0.1 + 0.9 * alike / len(names)

    def unions(self, left: Shape, right: Shape, depth: int) -> float:
        """The best partner for each member, from both sides; null is a small matter of its own."""
        ours, theirs = _members(left), _members(right)
        null = sum(any(isinstance(member, Null) for member in side) for side in (ours, theirs))
        mine = [member for member in ours if not isinstance(member, Null)]
        yours = [member for member in theirs if not isinstance(member, Null)]
        factor = 0.9 if null == 1 else 1.0
        if not mine or not yours:
            return 1.0 if not mine and not yours else 0.1
        table = [[self.of(one, other, depth + 1) for other in yours] for one in mine]
        forth = sum(max(row) for row in table)
        back = sum(max(row[at] for row in table) for at in range(len(yours)))
        return factor * (forth + back) / (len(mine) + len(yours))


def _members(shape: Shape) -> tuple[Shape, ...]:
    return shape.members if isinstance(shape, Union) else (shape,)


def _shared(left: Sequence[str], right: Sequence[str]) -> float:
    one, other = set(left), set(right)
    return 0.2 + 0.8 * len(one & other) / len(one | other) if one | other else 1.0


def _is_scalar(shape: Shape) -> bool:
    return isinstance(shape, Null | Boolean | Integer | Number | String)


def _kind(shape: Shape) -> str:
    return type(shape).__name__


def _kind_of(value: object) -> str:
    kinds = {str: "String", bool: "Boolean", int: "Integer", float: "Number", type(None): "Null"}
    return kinds[type(value)]
