"""A shape as the list of what it may be: unions flat, references followed, tags written into their members."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from statemig.path import Variant
from statemig.shapes.accept import accepts
from statemig.shapes.sample import depth_of, depths_of
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
    Property,
    Ref,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
    children,
)

_DEEPEST_COMPARED: Final = 4


@dataclass(frozen=True, slots=True)
class Alternative:
    """`shape` is neither a union nor a reference; `tag` is the segment of a path that leads there."""

    shape: Shape
    tag: Variant | None = None


class Alternatives:
    """The alternatives of one schema's shapes, worked out once each, so that equal questions meet equal objects."""

    def __init__(self, schema: Schema, *, wide: bool) -> None:
        self.schema = schema
        self.wide = wide  # what cannot be narrowed exactly: rather too wide, or rather left out
        self.depths = depths_of(schema)
        self.known: dict[int, tuple[Shape, tuple[Alternative, ...]]] = {}
        self.narrowed_members: dict[tuple[int, str, str], tuple[Shape, Shape]] = {}

    def inhabited(self, shape: Shape) -> bool:
        return not math.isinf(depth_of(shape, self.depths))

    def of(self, shape: Shape) -> tuple[Alternative, ...]:
        """Those that have values."""
        found = self.known.get(id(shape))
        if found is None:
            # The shape is kept with its answer: an id means something only while its object lives.
            found = self.known[id(shape)] = (shape, tuple(self.flat(shape, frozenset())))
        return found[1]

    def flat(self, shape: Shape, seen: frozenset[str]) -> list[Alternative]:
        if isinstance(shape, Ref):
            if shape.name in seen or shape.name not in self.schema.definitions:
                return []
            return self.flat(self.schema.definitions[shape.name], seen | {shape.name})
        if not isinstance(shape, Union):
            return [Alternative(shape)] if self.inhabited(shape) else []
        out: list[Alternative] = []
        for at, member in enumerate(shape.members):
            own = [value for value, index in shape.tag.mapping.items() if index == at] if shape.tag else []
            inside = self.flat(member, seen)
            if shape.tag is None or not own:
                out += inside
                continue
            for each in inside:
                narrow = self.narrowed(each.shape, shape.tag.key, tuple(own))
                if not isinstance(narrow, Never) and self.inhabited(narrow):
                    out.append(Alternative(narrow, each.tag or Variant((shape.tag.key,), own[0])))
        return out

    def narrowed(self, shape: Shape, key: str, values: tuple[Any, ...]) -> Shape:
        """The objects of a shape that have one of these values under `key`."""
        known = (id(shape), key, repr(values))
        if known not in self.narrowed_members:
            self.narrowed_members[known] = (shape, self.narrow(shape, key, values))
        return self.narrowed_members[known][1]

    def narrow(self, shape: Shape, key: str, values: tuple[Any, ...]) -> Shape:
        match shape:
            case Object(properties, extra, name):
                declared = properties.get(key)
                if declared is None and isinstance(extra, str):
                    return Never()
                inner = declared.shape if declared is not None else extra
                if isinstance(inner, str):
                    return Never()
                inside = tuple(value for value in values if accepts(inner, value, self.schema))
                if not inside:
                    return Never()
                return Object({**properties, key: Property(Enum(inside))}, extra, name)
            case MapOf(inner, keys, low, high):
                inside = tuple(value for value in values if accepts(inner, value, self.schema))
                if not inside or not accepts(keys, key, self.schema):
                    return Never()
                if keys == String() and low is None and high is None:
                    return Object({key: Property(Enum(inside))}, inner)
                return shape if self.wide else Never()
            case Anything():
                return Object({key: Property(Enum(values))}, shape)
            case _:
                return Never()


def disjoint(left: Alternatives, one: Shape, right: Alternatives, other: Shape, depth: int = 0) -> bool:
    """Whether two shapes certainly have no value in common; False also means "not known"."""
    if depth > _DEEPEST_COMPARED:
        return False
    return all(
        _apart(left, mine.shape, right, yours.shape, depth)
        for mine in left.of(one)
        for yours in right.of(other)
    )


def _apart(left: Alternatives, one: Shape, right: Alternatives, other: Shape, depth: int) -> bool:
    if isinstance(one, Anything) or isinstance(other, Anything):
        return False
    if isinstance(one, Enum):
        return not any(_may_accept(other, value) for value in one.values)
    if isinstance(other, Enum):
        return not any(_may_accept(one, value) for value in other.values)
    match one, other:
        case (Null(), Null()) | (Boolean(), Boolean()) | (String(), String()):
            return False
        case ((Integer() | Number()), (Integer() | Number())):
            return _beyond(one.minimum, other.maximum) or _beyond(other.minimum, one.maximum)
        case Object(), Object():
            return _objects_apart(left, one, right, other, depth)
        case ((Object() | MapOf()), (Object() | MapOf())):
            return False
        case ((ListOf() | TupleOf()), (ListOf() | TupleOf())):
            return _lengths_apart(one, other)
        case _:
            return True


def _objects_apart(left: Alternatives, one: Object, right: Alternatives, other: Object, depth: int) -> bool:
    for key, each in one.properties.items():
        theirs = other.properties.get(key)
        if theirs is None:
            if each.required and isinstance(other.extra, str):
                return True
        elif (each.required or theirs.required) and disjoint(
            left, each.shape, right, theirs.shape, depth + 1
        ):
            return True
    return isinstance(one.extra, str) and any(
        each.required and key not in one.properties for key, each in other.properties.items()
    )


def _lengths_apart(one: ListOf | TupleOf, other: ListOf | TupleOf) -> bool:
    (low, high), (least, most) = lengths(one), lengths(other)
    return low > most or least > high


def lengths(shape: ListOf | TupleOf) -> tuple[float, float]:
    """The fewest and the most items."""
    if isinstance(shape, ListOf):
        return shape.min_items or 0, math.inf if shape.max_items is None else shape.max_items
    return len(shape.slots), len(shape.slots) if shape.rest is None else math.inf


def _may_accept(shape: Shape, value: Any) -> bool:
    if isinstance(shape, String) and isinstance(value, str):
        # Patterns and formats are never a reason to rule something out: engines differ.
        shape = String(min_length=shape.min_length, max_length=shape.max_length)
    return accepts(shape, value, Schema(shape))


def _beyond(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and low > high


def has(schema: Schema, shapes: Iterable[Shape], wanted: Callable[[Shape], bool]) -> bool:
    """Whether some shape inside the given ones, at any depth, is such a one."""
    seen: set[str] = set()
    todo = list(shapes)
    while todo:
        each = todo.pop()
        if isinstance(each, MapOf):
            todo.append(each.keys)
        if wanted(each):
            return True
        if isinstance(each, Ref) and each.name not in seen:
            seen.add(each.name)
            todo.append(schema.resolve(each))
        todo += children(each)
    return False
