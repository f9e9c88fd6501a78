"""A snapshot's two schemas, reading and writing, as one for each purpose of a comparison.

What pydantic writes differs from what it reads even where nobody changed anything: computed fields are written and
ignored on the way in, and a float that is not a number is written as null and refused. Neither is a change, and neither is
a migration's fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from statemig.shapes.computed import with_computed
from statemig.shapes.join import join
from statemig.shapes.shape import (
    ListOf,
    MapOf,
    Null,
    Number,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    TupleOf,
    Union,
    is_nullable,
)
from statemig.workflow.snapshot import Snapshot

Meet = Callable[[Shape, Shape], Shape]


def declared(snapshot: Snapshot) -> Schema:
    """What the application reads, and the keys that it only writes: what the author declared."""

    def add_keys(read: Shape, both: Shape) -> Shape:
        if not isinstance(read, Object) or not isinstance(both, Object):
            return read
        more = {key: prop for key, prop in both.properties.items() if key not in read.properties}
        return replace(read, properties={**read.properties, **more}) if more else read

    return _beside(snapshot.reads, with_computed(snapshot.reads, snapshot.writes), add_keys)


def stored(snapshot: Snapshot) -> Schema:
    """What may be at rest, by the keys that are declared.

    Without null for floats that their own reader refuses, and without unknown keys: a reader that keeps those says
    nothing about their values. An old document may hold, unknown to its model, a key that the new model declares with
    another type; two schemas cannot tell, its validation will, by name.
    """

    def numbers(written: Shape, read: Shape) -> Shape:
        plain = (
            isinstance(written, Union) and isinstance(read, Number) and not is_nullable(read, snapshot.reads)
        )
        if isinstance(written, Union) and plain and len(written.members) == 2 and Null() in written.members:
            return next(member for member in written.members if not isinstance(member, Null))
        return written

    closed = _beside(snapshot.writes, snapshot.reads, numbers)
    return _without_extras(join(closed, snapshot.reads))


def _beside(left: Schema, right: Schema, meet: Meet) -> Schema:
    """`left` with `meet` applied to each place that `right` has too, from the inside out."""
    pairing = _Pairing(right, meet)
    definitions = {
        name: pairing.shape(shape, right.definitions[name]) if name in right.definitions else shape
        for name, shape in left.definitions.items()
    }
    return Schema(pairing.shape(left.root, right.root), definitions)


class _Pairing:
    def __init__(self, right: Schema, meet: Meet) -> None:
        self.right = right
        self.meet = meet

    def shape(self, left: Shape, right: Shape) -> Shape:
        if isinstance(left, Ref):
            return left  # its definition is paired with the one of the same name
        right = self.right.resolve(right)
        return self.meet(self.inside(left, right), right)

    def inside(self, left: Shape, right: Shape) -> Shape:
        match left, right:
            case Object(properties), Object(others):
                made = {key: self.property(prop, others.get(key)) for key, prop in properties.items()}
                return replace(left, properties=made)
            case ListOf(items), ListOf(others):
                return replace(left, items=self.shape(items, others))
            case MapOf(values), MapOf(others):
                return replace(left, values=self.shape(values, others))
            case TupleOf(slots, rest), TupleOf(others) if len(slots) == len(others):
                return TupleOf(tuple(map(self.shape, slots, others)), rest)
            case Union(members), Union(others) if len(members) == len(others):
                return replace(left, members=tuple(map(self.shape, members, others)))
            case _:
                return left

    def property(self, prop: Property, other: Property | None) -> Property:
        return prop if other is None else replace(prop, shape=self.shape(prop.shape, other.shape))


def _without_extras(schema: Schema) -> Schema:
    definitions = {name: _closed(shape) for name, shape in schema.definitions.items()}
    return Schema(_closed(schema.root), definitions)


def _closed(shape: Shape) -> Shape:
    match shape:
        case Object(properties, extra):
            inner = {key: replace(prop, shape=_closed(prop.shape)) for key, prop in properties.items()}
            return replace(shape, properties=inner, extra=extra if isinstance(extra, str) else _NO_EXTRAS)
        case ListOf(items):
            return replace(shape, items=_closed(items))
        case TupleOf(slots, rest):
            return TupleOf(tuple(map(_closed, slots)), None if rest is None else _closed(rest))
        case MapOf(values):
            return replace(shape, values=_closed(values))
        case Union(members):
            return replace(shape, members=tuple(map(_closed, members)))
        case _:
            return shape


_NO_EXTRAS: Final = "ignore"
