"""Value functions on a list of objects that each hold a list: one list of all that they hold, and back.

What is kept is how the list was cut: what else each object had, and how many items it held. The items themselves are not kept, so an
edit of them survives the way back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from statemig import json_text
from statemig.errors import ConversionError
from statemig.plan.container_values import as_list
from statemig.plan.key_values import Keeps, property_at
from statemig.plan.values import ValueFunction, fresh, kind, members, of_value
from statemig.shapes.shape import (
    Anything,
    ListOf,
    Null,
    Object,
    Property,
    Schema,
    Shape,
    TupleOf,
    is_nullable,
    union_of,
    without_null,
)

#: how one object was: ``i``, the place of the list among its keys (None: it had none), ``n``, how many items, ``rest``, its other fields
Frame = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FlattenList(Keeps):
    """A list of objects becomes the list of all items that they hold at `key`. null stays. `rest` are the other fields of the object that
    the way back makes."""

    key: str
    rest: Mapping[str, Any]
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return None if value is None else [item for each in as_list(value) for item in self._held(each)]

    def _held(self, each: Any) -> list[Any]:
        if not isinstance(each, dict):
            raise ConversionError(f"expected objects that hold lists at {self.key!r}, found {kind(each)}")
        held = each.get(self.key, [])
        if not isinstance(held, list):
            raise ConversionError(f"expected a list at {self.key!r} of each object, found {kind(held)}")
        return held

    def inverse(self) -> ValueFunction:
        return NestList(self.key, self.rest)

    def keep(self, value: Any, result: Any) -> Any:
        frames: list[Frame] = [
            {
                "i": list(each).index(self.key) if self.key in each else None,
                "n": len(self._held(each)),
                "rest": {name: inner for name, inner in each.items() if name != self.key},
            }
            for each in value
        ]
        if len(frames) > 1:
            return {"frames": frames, "items": [json_text.digest(item, 8) for item in result]}
        return {"frames": frames}

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        found: list[Shape] = []
        for member in members(shape, schema):
            match member:
                case Null():
                    out.append(member)
                case ListOf(items):
                    found.extend(members(items, schema))
                case TupleOf(slots, more):
                    for slot in (*slots, *(() if more is None else (more,))):
                        found.extend(members(slot, schema))
                case Anything():
                    out.append(Null())
                    found.append(Anything())
                case _:
                    pass  # what is no list raises
        held: list[Shape] = []
        for each in found:
            prop = property_at(each, self.key)
            for inner in [] if prop is None else members(prop.shape, schema):
                match inner:
                    case ListOf(items):
                        held.append(items)
                    case TupleOf(slots, more):
                        held.extend((*slots, *(() if more is None else (more,))))
                    case Anything():
                        held.append(Anything())
                    case _:
                        pass
        return union_of(ListOf(union_of(*held)), *out)


@dataclass(frozen=True, slots=True)
class NestList(Keeps):
    """A list becomes a list of one object that holds it at `key` and has the fields `rest` beside it. null stays."""

    key: str
    rest: Mapping[str, Any]
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return None if value is None else [{self.key: as_list(value), **fresh(dict(self.rest))}]

    def inverse(self) -> ValueFunction:
        return FlattenList(self.key, self.rest)

    def keep(self, value: Any, result: Any) -> Any:
        return {}

    def recover(self, value: Any, was: Any) -> Any:
        frames: list[Frame] = was.get("frames", [])
        if not isinstance(value, list) or (value and not frames):
            return self.apply(value)
        parts: list[list[Any]] = [[] for _ in frames]
        for item, number in zip(value, _numbers(value, frames, was.get("items", [])), strict=True):
            parts[number].append(item)
        return [self._framed(frame, part) for frame, part in zip(frames, parts, strict=True)]

    def _framed(self, frame: Frame, part: list[Any]) -> dict[str, Any]:
        index = frame["i"]
        if index is None and not part:
            return dict(fresh(frame["rest"]))
        items = list(fresh(frame["rest"]).items())
        items.insert(len(items) if index is None else index, (self.key, part))
        return dict(items)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        nullable = is_nullable(shape, schema)
        resolved = schema.resolve(shape)
        inner = shape if isinstance(resolved, Anything) or not nullable else without_null(resolved)
        properties = {self.key: Property(inner)} | {
            name: Property(of_value(value)) for name, value in self.rest.items()
        }
        made = ListOf(Object(properties), min_items=1, max_items=1)
        return union_of(made, Null()) if nullable else made


def _numbers(items: list[Any], frames: list[Frame], digests: list[str]) -> list[int]:
    """Which object each item of a list goes back to. One that looks like a single one of before goes where that was; the others go with
    the item before them, and no item goes before another that it follows."""
    home: dict[str, int] = {}
    owners = [number for number, frame in enumerate(frames) for _ in range(frame["n"])]
    if digests and [json_text.digest(item, 8) for item in items] == digests:
        return owners
    for digest, owner in zip(digests, owners, strict=False):
        if digests.count(digest) == 1:
            home[digest] = owner
    numbers: list[int] = []
    at = 0
    for item in items:
        at = max(at, home.get(json_text.digest(item, 8), at))
        numbers.append(at)
    return numbers


__all__ = ["FlattenList", "NestList"]
