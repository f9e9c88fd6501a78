"""Names in shapes that an instruction changes: of definitions, and of the keys of maps."""

from __future__ import annotations

from statemig.errors import OperationError
from statemig.shapes.shape import (
    Anything,
    Enum,
    ListOf,
    MapOf,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    TupleOf,
    Union,
)


def renamed_definition(schema: Schema, old: str, new: str) -> Schema:
    """The schema with the definition, and the objects and opaque values that carry its name, renamed. Raises `OperationError` where it is
    not there, or `new` is there already."""
    found: set[str] = set(schema.definitions)

    def deep(shape: Shape) -> Shape:
        match shape:
            case Ref(name):
                return Ref(new) if name == old else shape
            case Object(properties, extra, name):
                if name is not None:
                    found.add(name)
                inside = {
                    key: Property(
                        deep(each.shape),
                        each.required,
                        each.default,
                        each.python_name,
                        each.aliases,
                        each.description,
                    )
                    for key, each in properties.items()
                }
                return Object(
                    inside, extra if isinstance(extra, str) else deep(extra), new if name == old else name
                )
            case ListOf(items, least, most, unique):
                return ListOf(deep(items), least, most, unique)
            case TupleOf(slots, rest):
                return TupleOf(tuple(map(deep, slots)), None if rest is None else deep(rest))
            case MapOf(values, keys, least, most):
                return MapOf(deep(values), keys, least, most)
            case Union(members, tag):
                return Union(tuple(map(deep, members)), tag)
            case Anything(opaque) if opaque is not None:
                found.add(opaque)
                return Anything(new) if opaque == old else shape
            case _:
                return shape

    definitions = {new if key == old else key: deep(shape) for key, shape in schema.definitions.items()}
    made = Schema(deep(schema.root), definitions)
    if old not in found:
        raise OperationError(f"there is no type {old!r} in the schema before the operation")
    if new in found:
        raise OperationError(f"there is a type {new!r} already, so {old!r} cannot become it")
    return made


def renamed_key(shape: Shape, old: str, new: str) -> Shape:
    """A map whose keys are known by name no longer has `old`."""
    if isinstance(shape, MapOf) and isinstance(shape.keys, Enum) and new in shape.keys.values:
        rest = tuple(key for key in shape.keys.values if key != old)
        return MapOf(shape.values, Enum(rest), shape.min_items, shape.max_items)
    return shape
