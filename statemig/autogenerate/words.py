"""A shape in a few plain words, for people: "list of string", "Finding or null"."""

from __future__ import annotations

import json
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
    Ref,
    Shape,
    String,
    TupleOf,
    Union,
)

_LONGEST: Final = 60


def in_words(shape: Shape) -> str:
    """At most some sixty characters; what is longer is cut in the middle of an enumeration, never of a name."""
    match shape:
        case Anything(opaque):
            return opaque.rpartition(".")[2] if opaque else "anything"
        case Never():
            return "nothing"
        case Null():
            return "null"
        case Boolean():
            return "boolean"
        case Integer():
            return "integer"
        case Number():
            return "number"
        case String(format=name):
            return name or "string"
        case Enum(values):
            return _cut([json.dumps(value, ensure_ascii=False) for value in values], " | ")
        case ListOf(items, unique=unique):
            return f"{'set' if unique else 'list'} of {_inside(items)}"
        case TupleOf(slots, rest):
            inner = [in_words(slot) for slot in slots] + ([f"{in_words(rest)}..."] if rest else [])
            return f"({_cut(inner, ', ')})"
        case MapOf(values):
            return f"map of {_inside(values)}"
        case Object(name=name):
            return name or "object"
        case Union(members):
            ordered = sorted(members, key=lambda member: isinstance(member, Null))
            return _cut([in_words(member) for member in ordered], " or ")
        case Ref(name):
            return name


def _inside(shape: Shape) -> str:
    text = in_words(shape)
    return (
        f"({text})"
        if isinstance(shape, Union) or (isinstance(shape, Enum) and len(shape.values) > 1)
        else text
    )


def _cut(parts: list[str], between: str) -> str:
    shown = list(parts)
    while len(shown) > 2 and len(between.join(shown)) > _LONGEST:
        shown.pop()
    if len(shown) < len(parts):
        shown.append(f"{len(parts) - len(shown)} more")
    return between.join(shown)
