"""What a writer writes although its own reader does not take it.

Computed fields: they are stored, so a closed reader would call each document of its own writer invalid; and whatever stands there is
harmless, because nobody ever reads it. And null for a float that is not a number, as pydantic writes it: the reader refuses it before a
migration as after it, so it is no fault of the migration.
"""

from __future__ import annotations

from dataclasses import replace

from statemig.shapes.shape import (
    Anything,
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
    union_of,
)


def with_computed(reads: Schema, writes: Schema, *, nan: bool = True) -> Schema:
    """`reads`, with the keys that only `writes` has where the reader ignores unknown ones (optional, and of any value), and (with
    `nan`) with null for numbers where `writes` has it."""
    pairing = _Pairing(reads, writes, nan)
    root = pairing.shape(reads.root, writes.root)
    definitions = {
        name: pairing.shape(shape, writes.definitions[name]) if name in writes.definitions else shape
        for name, shape in reads.definitions.items()
    }
    return Schema(root, definitions)


class _Pairing:
    def __init__(self, reads: Schema, writes: Schema, nan: bool) -> None:
        self.reads = reads
        self.writes = writes
        self.nan = nan

    def shape(self, read: Shape, written: Shape) -> Shape:
        if isinstance(read, Ref):
            return read  # its definition is paired with the writer's of the same name
        written = self.writes.resolve(written)
        if self.nan and isinstance(read, Number) and isinstance(written, Union) and Null() in written.members:
            return union_of(read, Null())
        match read, written:
            case Object(properties, extra, name), Object():
                made = {key: self._property(key, prop, written) for key, prop in properties.items()}
                if extra == "ignore":
                    for key in written.properties:
                        made.setdefault(key, Property(Anything(), required=False))
                return Object(made, extra, name)
            case ListOf(items, least, most, unique), ListOf():
                return ListOf(self.shape(items, written.items), least, most, unique)
            case MapOf(values, keys, least, most), MapOf():
                return MapOf(self.shape(values, written.values), keys, least, most)
            case TupleOf(slots, rest), TupleOf() if len(slots) == len(written.slots):
                return TupleOf(tuple(map(self.shape, slots, written.slots)), rest)
            case Union(members), _:
                kept = tuple(self.shape(member, self._fellow(member, written)) for member in members)
                return replace(read, members=kept)
            case _:
                return read

    def _property(self, key: str, prop: Property, written: Object) -> Property:
        fellow = written.properties.get(key)
        if fellow is None:
            return prop
        made = self.shape(prop.shape, fellow.shape)
        return Property(made, prop.required, prop.default, prop.python_name, prop.aliases, prop.description)

    def _fellow(self, member: Shape, written: Shape) -> Shape:
        """The member of the writer's union that is the same one, or of the same class, or the writer's only shape; nothing is known of
        one that several may be."""
        if not isinstance(written, Union):
            return written
        alike = [
            resolved
            for resolved in map(self.writes.resolve, written.members)
            if type(resolved) is type(member)
            and getattr(resolved, "name", None) == getattr(member, "name", None)
        ]
        if member in alike:
            return member
        return alike[0] if len(alike) == 1 else Anything()
