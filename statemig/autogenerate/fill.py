"""The plainest value of a shape, for a required field that nobody gave a default."""

from __future__ import annotations

from typing import Any, Final

from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Missing,
    Never,
    Null,
    Number,
    Object,
    Ref,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
)

_FORMATS: Final = {
    "date-time": "1970-01-01T00:00:00Z",
    "date": "1970-01-01",
    "time": "00:00:00Z",
    "duration": "PT0S",
    "uuid": "00000000-0000-0000-0000-000000000000",
    "uri": "https://example.invalid/",
    "email": "nobody@example.invalid",
    "ipv4": "0.0.0.0",
    "ipv6": "::",
    "decimal": "0",
    "integer": "0",
}


def zero(shape: Shape, schema: Schema) -> Any:
    """null where it may be null, else "", 0, 0.0, false, [], {}, the first value of an enum; of an object only what is
    required. `MISSING` where there is no such value (a record that needs itself)."""
    return _zero(shape, schema, ())


def _zero(shape: Shape, schema: Schema, inside: tuple[str, ...]) -> Any:
    match shape:
        case Anything() | Null():
            return None
        case Never():
            return MISSING
        case Boolean():
            return False
        case Integer(minimum, maximum):
            return _within(0, minimum, maximum)
        case Number(minimum, maximum):
            return float(_within(0.0, minimum, maximum))
        case String(format=name, min_length=least):
            return _FORMATS.get(name, "") if name else " " * (least or 0)
        case Enum(values):
            return None if None in values else values[0] if values else MISSING
        case ListOf(items, least):
            return _repeated(items, least or 0, schema, inside)
        case TupleOf(slots):
            made = [_zero(slot, schema, inside) for slot in slots]
            return MISSING if any(isinstance(value, Missing) for value in made) else made
        case MapOf():
            return {}
        case Object(properties):
            record: dict[str, Any] = {}
            for key, prop in properties.items():
                if not prop.required:
                    continue
                value = prop.default if prop.default is not MISSING else _zero(prop.shape, schema, inside)
                if isinstance(value, Missing):
                    return MISSING
                record[key] = value
            return record
        case Union(members, tag):
            return _first(members, schema, inside) if tag is None else _tagged(shape, schema, inside)
        case Ref(name):
            if name in inside or name not in schema.definitions:
                return MISSING
            return _zero(schema.definitions[name], schema, (*inside, name))


def _within(value: float, minimum: float | None, maximum: float | None) -> Any:
    if minimum is not None and value < minimum:
        return minimum
    return maximum if maximum is not None and value > maximum else value


def _repeated(items: Shape, count: int, schema: Schema, inside: tuple[str, ...]) -> Any:
    if count == 0:
        return []
    value = _zero(items, schema, inside)
    return MISSING if isinstance(value, Missing) else [value] * count


def _first(members: tuple[Shape, ...], schema: Schema, inside: tuple[str, ...]) -> Any:
    if any(isinstance(schema.resolve(member), Null) for member in members):
        return None
    # A decimal is read from numbers too, and written as text.
    members = tuple(sorted(members, key=lambda member: member != String(format="decimal")))
    values = (_zero(member, schema, inside) for member in members)
    return next((value for value in values if not isinstance(value, Missing)), MISSING)


def _tagged(union: Union, schema: Schema, inside: tuple[str, ...]) -> Any:
    """The tag must be in the data even where the model has a default for it."""
    value = _first(union.members, schema, inside)
    if union.tag is not None and isinstance(value, dict) and union.tag.key not in value:
        first = min(union.tag.mapping.items(), key=lambda item: item[1])
        return {union.tag.key: first[0], **value}
    return value
