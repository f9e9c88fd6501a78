"""What is left to prove once the operations have run: every stored document is one that the new version reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from statemig.operations.base import Operation
from statemig.operations.lowering import schema_after
from statemig.shapes.computed import with_computed
from statemig.shapes.shape import (
    ListOf,
    MapOf,
    Object,
    Schema,
    Shape,
    TupleOf,
    Union,
)
from statemig.shapes.subshape import Gap, gaps
from statemig.workflow.snapshot import Snapshot


def open_gaps(old: Snapshot, new: Snapshot, operations: Sequence[Operation]) -> list[Gap]:
    """Where a document of `old`, taken through `operations`, may not fit what `new` reads, closed.

    A reader that keeps unknown keys says nothing about their values, so declared keys only are compared: an old
    document that already holds, unknown to its own model, a key that the new model declares with another type
    would fail its validation by name; it cannot be seen in two schemas. What a reader ignores of its own
    writer's output (computed fields) is no leftover. What was open before any change is not this change's.
    """
    before = declared_only(old.stored)
    after = schema_after(before, operations)
    found = gaps(after, with_computed(new.reads, new.writes))
    if not found:
        return []
    inherited = {gap.path for gap in gaps(before, with_computed(old.reads, old.writes))}
    touched = {str(path) for operation in operations for path in operation.paths}
    return [gap for gap in found if gap.path not in inherited or gap.path in touched]


def declared_only(schema: Schema) -> Schema:
    """The schema without the unknown keys that some of its records may hold."""

    def close(shape: Object) -> Object:
        return shape if isinstance(shape.extra, str) else replace(shape, extra="ignore")

    return Schema(
        _map_records(schema.root, close),
        {name: _map_records(s, close) for name, s in schema.definitions.items()},
    )


def _map_records(shape: Shape, change: Callable[[Object], Shape]) -> Shape:
    match shape:
        case Object(properties):
            inner = {
                key: replace(prop, shape=_map_records(prop.shape, change)) for key, prop in properties.items()
            }
            return change(replace(shape, properties=inner))
        case ListOf(items):
            return replace(shape, items=_map_records(items, change))
        case TupleOf(slots, rest):
            slots = tuple(_map_records(slot, change) for slot in slots)
            return TupleOf(slots, None if rest is None else _map_records(rest, change))
        case MapOf(values):
            return replace(shape, values=_map_records(values, change))
        case Union(members, tag):
            return Union(tuple(_map_records(member, change) for member in members), tag)
        case _:
            return shape
