"""The scalars of a JSON Schema as shapes, in normal form."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any, Final

from statemig import json_text
from statemig.shapes.json_schema_writer import HINTS
from statemig.shapes.shape import Boolean, Enum, Integer, Null, Number, Shape, String, union_of

Node = Mapping[str, Any]

# What pydantic writes for a Decimal without max_digits; it only says "a decimal number", which the format says already.
_DECIMAL_PATTERN: Final = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"


def enum_of(pairs: Iterable[tuple[Any, str | None]]) -> Shape:
    """The shape of some scalars in normal form: null stands apart, false and true together are a boolean."""
    seen: list[tuple[Any, str | None]] = []
    null = False
    for value, name in pairs:
        if value is None:
            null = True
        elif not any(json_text.equal(value, other) for other, _ in seen):
            seen.append((value, name))
    members: list[Shape] = []
    if len(seen) == 2 and all(isinstance(value, bool) for value, _ in seen):
        members.append(Boolean())
    elif seen:
        names = tuple(name for _, name in seen if name is not None)
        members.append(Enum(tuple(value for value, _ in seen), names if len(names) == len(seen) else None))
    return union_of(*members, *([Null()] if null else []))


def integer_of(node: Node) -> Integer:
    low, high, multiple = node.get("minimum"), node.get("maximum"), node.get("multipleOf")
    if (above := node.get("exclusiveMinimum")) is not None and not isinstance(above, bool):
        low = max(math.floor(above) + 1, low if low is not None else -math.inf)
    if (below := node.get("exclusiveMaximum")) is not None and not isinstance(below, bool):
        high = min(math.ceil(below) - 1, high if high is not None else math.inf)
    # An integer is a multiple of p/q (in lowest terms) exactly when it is a multiple of p.
    step = None if multiple is None else Fraction(str(multiple)).numerator
    return Integer(
        None if low is None else math.ceil(low),
        None if high is None else math.floor(high),
        None if step == 1 else step,
    )


def number_of(node: Node) -> Number:
    low, high = node.get("minimum"), node.get("maximum")
    above, below = node.get("exclusiveMinimum"), node.get("exclusiveMaximum")
    open_low = above is not None and not isinstance(above, bool) and (low is None or above >= low)
    open_high = below is not None and not isinstance(below, bool) and (high is None or below <= high)
    return Number(
        above if open_low else low, below if open_high else high, open_low, open_high, node.get("multipleOf")
    )


def string_of(node: Node) -> String:
    hints = node.get(HINTS) or {}
    form, pattern, media = node.get("format"), node.get("pattern"), node.get("contentMediaType")
    if hints.get("decimal") or pattern == _DECIMAL_PATTERN:
        form = "decimal"
    if form == "decimal" and pattern == _DECIMAL_PATTERN:
        pattern = None
    if form == "binary":
        form = None
    if media == "application/json" and form is None:
        inner = node.get("contentSchema")
        form = "json-string" if inner in (None, {}, True) else f"json-string:{json_text.digest(inner, 8)}"
    return String(
        form, pattern, node.get("minLength") or None, node.get("maxLength"), node.get("contentEncoding")
    )


def as_decimal(option: Any) -> Any:
    is_text = isinstance(option, Mapping) and option.get("type") == "string"
    return {**option, HINTS: {"decimal": True}} if is_text else option


def is_type(value: Any, name: str) -> bool:
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "integer":
            return not isinstance(value, bool | str | None) and value == int(value)
        case "number":
            return not isinstance(value, bool | str | None)
        case _:
            return False
