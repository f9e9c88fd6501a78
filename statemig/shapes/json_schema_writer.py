"""JSON Schema out: the canonical 2020-12 text that snapshots freeze.

Plain JSON Schema wherever it has a word; what it has none for stands under ``x-statemig``. Definitions are
sorted by name; properties and members stay in their order, which renames and left-to-right unions look at.
"""

from __future__ import annotations

from typing import Any, Final, assert_never
from urllib.parse import quote

from statemig.shapes.shape import (
    MISSING,
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
    Tag,
    TupleOf,
    Union,
)

HINTS: Final = "x-statemig"
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


def write(schema: Schema, *, closed: bool = False) -> dict[str, Any]:
    """The JSON Schema that `read` gives `schema` back for.

    With `closed` it is for validating instead: an object that ignores unknown keys has none, at any depth,
    and a member of a tagged union must carry its tag.
    """
    writer = _Writer(closed)
    out = {"$schema": _DIALECT, **writer.shape(schema.root)}
    if schema.definitions:
        out["$defs"] = {name: writer.shape(schema.definitions[name]) for name in sorted(schema.definitions)}
    return out


class _Writer:
    def __init__(self, closed: bool) -> None:
        self.closed = closed

    def shape(self, shape: Shape) -> dict[str, Any]:
        match shape:
            case Anything(None):
                return {}
            case Anything(opaque):
                return {HINTS: {"opaque": opaque}}
            case Never():
                return {"not": {}}
            case Null():
                return {"type": "null"}
            case Boolean():
                return {"type": "boolean"}
            case Integer(low, high, multiple):
                return _present(type="integer", minimum=low, maximum=high, multipleOf=multiple)
            case Number(low, high, open_low, open_high, multiple):
                bounds = {
                    "exclusiveMinimum" if open_low else "minimum": low,
                    "exclusiveMaximum" if open_high else "maximum": high,
                }
                return _present(type="number", **bounds, multipleOf=multiple)
            case String(form, pattern, low, high, encoding):
                return _present(
                    type="string",
                    format=form,
                    pattern=pattern,
                    minLength=low,
                    maxLength=high,
                    contentEncoding=encoding,
                )
            case Enum(values, names):
                body: dict[str, Any] = {"const": values[0]} if len(values) == 1 else {"enum": list(values)}
                return body if names is None else {**body, HINTS: {"enum_names": list(names)}}
            case ListOf(items, low, high, unique):
                return _present(
                    type="array",
                    items=self.shape(items),
                    minItems=low,
                    maxItems=high,
                    uniqueItems=True if unique else None,
                )
            case TupleOf(slots, rest):
                return _present(
                    type="array",
                    prefixItems=[self.shape(slot) for slot in slots] or None,
                    items=None if rest is None else self.shape(rest),
                    minItems=len(slots),
                    maxItems=len(slots) if rest is None else None,
                )
            case MapOf(values, keys, low, high):
                return _present(
                    type="object",
                    additionalProperties=_open(self.shape(values)),
                    propertyNames=None if keys == String() else self.shape(keys),
                    minProperties=low,
                    maxProperties=high,
                )
            case Object():
                return self.object(shape)
            case Union():
                return self.union(shape)
            case Ref(name):
                return {"$ref": reference(name)}
            case _:
                assert_never(shape)

    def object(self, shape: Object) -> dict[str, Any]:
        extra: Any
        if shape.extra == "ignore":
            extra = False if self.closed else None
        elif shape.extra == "forbid":
            extra = False
        else:
            extra = _open(self.shape(shape.extra))
        return _present(
            type="object",
            title=shape.name,
            properties={key: self.property(each) for key, each in shape.properties.items()},
            required=[key for key, each in shape.properties.items() if each.required] or None,
            additionalProperties=extra,
        )

    def property(self, each: Property) -> dict[str, Any]:
        out = self.shape(each.shape)
        hints = dict(out.pop(HINTS, {}))
        if each.python_name is not None:
            hints["python_name"] = each.python_name
        if each.aliases:
            hints["aliases"] = list(each.aliases)
        if each.description is not None:
            out["description"] = each.description
        if each.default is not MISSING:
            out["default"] = each.default
        if hints:
            out[HINTS] = hints
        return out

    def union(self, shape: Union) -> dict[str, Any]:
        tag = shape.tag
        members = [self.shape(member) for member in shape.members]
        if tag is None:
            return {"anyOf": members, **({HINTS: {"in_order": True}} if shape.in_order else {})}
        if self.closed:
            return {"anyOf": [_with_tag(member, tag, at) for at, member in enumerate(members)]}
        targets = [shape.members[at] for at in tag.mapping.values()]
        others = [member for at, member in enumerate(shape.members) if at not in set(tag.mapping.values())]
        plain = all(isinstance(target, Ref) for target in targets) and all(
            isinstance(other, Null) for other in others
        )
        if plain and all(isinstance(value, str) for value in tag.mapping):
            mapping = {value: members[at]["$ref"] for value, at in tag.mapping.items()}
            return {"anyOf": members, "discriminator": {"propertyName": tag.key, "mapping": mapping}}
        values = [[value, at] for value, at in tag.mapping.items()]
        return {"anyOf": members, HINTS: {"tag": {"key": tag.key, "values": values}}}


def reference(name: str) -> str:
    """The `$ref` to a definition."""
    return "#/$defs/" + quote(name.replace("~", "~0").replace("/", "~1"), safe="~[]().,_-")


def _with_tag(member: dict[str, Any], tag: Tag, at: int) -> dict[str, Any]:
    """JSON Schema knows no discriminator, so the member itself says that the tag is there and is one of its own."""
    values = [value for value, index in tag.mapping.items() if index == at]
    if not values:
        return member
    return {
        "allOf": [
            member,
            {"type": "object", "required": [tag.key], "properties": {tag.key: {"enum": values}}},
        ]
    }


def _open(inner: dict[str, Any]) -> Any:
    return inner if inner else True


def _present(**keywords: Any) -> dict[str, Any]:
    return {keyword: value for keyword, value in keywords.items() if value is not None}
