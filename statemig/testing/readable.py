"""What an application writes, less what its own reader refuses on sight: the null that stands for a float that is not a number."""

from __future__ import annotations

from dataclasses import replace

from statemig.shapes.shape import (
    ListOf,
    MapOf,
    Null,
    Number,
    Object,
    Ref,
    Schema,
    Shape,
    TupleOf,
    Union,
    is_nullable,
    union_of,
)


def readable(writes: Schema, reads: Schema) -> Schema:
    """`writes` without null for numbers where `reads` takes none. Definitions of one name are taken for one class."""
    definitions = {
        name: _narrowed(shape, reads.definitions[name], reads) if name in reads.definitions else shape
        for name, shape in writes.definitions.items()
    }
    return Schema(_narrowed(writes.root, reads.root, reads), definitions)


def _narrowed(left: Shape, right: Shape, reads: Schema) -> Shape:
    if isinstance(left, Ref):
        return left
    right = reads.resolve(right)
    match left, right:
        case Object(), Object():
            properties = {
                key: replace(each, shape=_narrowed(each.shape, right.properties[key].shape, reads))
                if key in right.properties
                else each
                for key, each in left.properties.items()
            }
            return replace(left, properties=properties)
        case ListOf(), ListOf():
            return replace(left, items=_narrowed(left.items, right.items, reads))
        case MapOf(), MapOf():
            return replace(left, values=_narrowed(left.values, right.values, reads))
        case TupleOf(), TupleOf() if len(left.slots) == len(right.slots):
            pairs = zip(left.slots, right.slots, strict=True)
            return replace(left, slots=tuple(_narrowed(one, other, reads) for one, other in pairs))
        case Union(members, None), _ if not is_nullable(right, reads):
            if any(isinstance(each, Number) for each in members):
                return union_of(*(each for each in members if not isinstance(each, Null)))
            return left
        case Union(members, None), Union(others, None):
            rest = [each for each in others if not isinstance(each, Null)]
            wide = [each for each in members if not isinstance(each, Null)]
            if len(rest) == len(wide) == 1:
                return union_of(Null(), _narrowed(wide[0], rest[0], reads))
            return left
        case _:
            return left
