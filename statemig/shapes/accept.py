"""Whether a JSON value has a shape. Closed: an object that ignores unknown keys has none here.

This is what tells the members of an untagged union apart at run time. Validating a whole document is
jsonschema-rs' work (with `write(closed=True)` and `formats.FORMATS`), which agrees with this and says what is
wrong.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, assert_never

from statemig.shapes.formats import has_format
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
    Ref,
    Schema,
    Shape,
    String,
    Tag,
    TupleOf,
    Union,
)

JSON = Any
_NOTHING_OPEN: frozenset[str] = frozenset()


def accepts(shape: Shape, value: JSON, schema: Schema) -> bool:
    """`schema` holds the definitions that `shape` refers to. A member of a tagged union must carry its tag."""
    return _accepts(shape, value, schema, _NOTHING_OPEN)


def _accepts(shape: Shape, value: JSON, schema: Schema, open_references: frozenset[str]) -> bool:
    match shape:
        case Anything():
            return True
        case Never():
            return False
        case Null():
            return value is None
        case Boolean():
            return isinstance(value, bool)
        case Integer() | Number():
            return accepts_number(shape, value)
        case String():
            return isinstance(value, str) and accepts_text(shape, value)
        case Enum(values):
            return any(same(value, member) for member in values)
        case ListOf(items, low, high, unique):
            return (
                isinstance(value, list)
                and _within(len(value), low, high)
                and all(accepts(items, item, schema) for item in value)
                and not (unique and repeats(value))
            )
        case TupleOf(slots, rest):
            if not isinstance(value, list) or len(value) < len(slots):
                return False
            if rest is None and len(value) > len(slots):
                return False
            pairs = zip(slots, value, strict=False)
            return all(accepts(slot, item, schema) for slot, item in pairs) and all(
                rest is not None and accepts(rest, item, schema) for item in value[len(slots) :]
            )
        case MapOf(values, keys, low, high):
            return (
                isinstance(value, dict)
                and _within(len(value), low, high)
                and all(
                    accepts(keys, key, schema) and accepts(values, inner, schema)
                    for key, inner in value.items()
                )
            )
        case Object():
            return isinstance(value, dict) and _accepts_record(shape, value, schema)
        case Union(members, tag):
            return any(
                (tag is None or carries(tag, at, value)) and _accepts(member, value, schema, open_references)
                for at, member in enumerate(members)
            )
        case Ref(name):
            if name in open_references or name not in schema.definitions:
                return False
            return _accepts(schema.definitions[name], value, schema, open_references | {name})
        case _:
            assert_never(shape)


def accepts_number(shape: Integer | Number, value: JSON) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    if isinstance(shape, Integer) and not isinstance(value, int) and value != int(value):
        return False
    if shape.minimum is not None:
        strict = isinstance(shape, Number) and shape.exclusive_minimum
        if value < shape.minimum or (strict and value == shape.minimum):
            return False
    if shape.maximum is not None:
        strict = isinstance(shape, Number) and shape.exclusive_maximum
        if value > shape.maximum or (strict and value == shape.maximum):
            return False
    return shape.multiple_of is None or exact(value) % exact(shape.multiple_of) == 0


def accepts_text(shape: String, text: str) -> bool:
    return (
        _within(len(text), shape.min_length, shape.max_length)
        and has_format(text, shape.format)
        and (shape.pattern is None or matches(shape.pattern, text))
    )


def carries(tag: Tag, member: int, value: JSON) -> bool:
    """Whether a value may be this member by its tag; members that no tag stands for may always."""
    own = [each for each, index in tag.mapping.items() if index == member]
    if not own:
        return True
    return isinstance(value, dict) and tag.key in value and any(same(value[tag.key], each) for each in own)


def same(left: JSON, right: JSON) -> bool:
    """JSON Schema's equality: 1 is 1.0, but not true."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def repeats(items: list[JSON]) -> bool:
    return any(same(item, other) for at, item in enumerate(items) for other in items[:at])


def exact(value: float | Decimal) -> Fraction:
    """The number as it is written: 0.3 is a multiple of 0.1."""
    return Fraction(str(value)) if isinstance(value, float) else Fraction(value)


def matches(pattern: str, text: str) -> bool:
    """ECMA's search, by Python's `re`, which reads almost every pattern alike; one that it cannot read matches."""
    compiled = _compiled(pattern)
    return compiled is None or compiled.search(text) is not None


def _accepts_record(shape: Object, value: dict[str, JSON], schema: Schema) -> bool:
    for key, each in shape.properties.items():
        if key not in value:
            if each.required:
                return False
        elif not accepts(each.shape, value[key], schema):
            return False
    unknown = [key for key in value if key not in shape.properties]
    if isinstance(shape.extra, str):
        return not unknown
    extra = shape.extra
    return all(accepts(extra, value[key], schema) for key in unknown)


def _within(size: int, low: int | None, high: int | None) -> bool:
    return (low is None or size >= low) and (high is None or size <= high)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern)
    except re.error:
        return None
