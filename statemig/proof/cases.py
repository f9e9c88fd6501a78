"""Documents that go through the alternatives of a schema one by one: every member of a union, every value of an enum, each optional
property there and absent, lists of none, one and two items, both ends of bounds.

Random documents seldom hold the one value that a script forgot; here each is held by some document, with everything else ordinary.
Recursion is followed a few times and then ended as soon as it can be. What lies on the way to a finding comes first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from random import Random
from typing import Any, Final

from statemig.errors import SchemaError
from statemig.shapes.accept import accepts
from statemig.shapes.sample import depth_of, depths_of, member_with_tag, sampler
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
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
)

JSON = Any

_FOLLOWED: Final = 2
_ANYTHING: Final[tuple[JSON, ...]] = ("a", None, True, 7, 0.5, [], [1], {}, {"a": "b"}, "")
_TEXTS: Final = ("a", "", "Zz 9", "-", "12", "true", "2020-02-02", "ä😀", "a" * 300)
_INTEGERS: Final = (1, 0, -1, 2, 7, 10**6, -(10**6), 10**20)
_NUMBERS: Final = (0.5, 1, 0, -1, -2.5, 1e6, 3.0)
_DRAWS: Final = 4


class Cases:
    """The documents of one schema. `focus` are keys that lie on the way to what is looked for."""

    def __init__(self, schema: Schema, focus: Collection[str] = ()) -> None:
        self.schema = schema
        self.focus = frozenset(focus)
        self.depths = depths_of(schema)
        self.draw: Callable[..., JSON] = sampler(schema)
        self.open: dict[str, int] = {}

    def of(self, shape: Shape) -> Iterator[JSON]:
        """Values of the shape, an ordinary one first; none where there is none."""
        match shape:
            case Never():
                return
            case Null():
                yield None
            case Boolean():
                yield from (True, False)
            case Enum(values):
                yield from values
            case Anything():
                yield from _ANYTHING
            case Integer() | Number() | String():
                yield from self.scalars(shape)
            case Object():
                yield from self.objects(shape)
            case ListOf():
                yield from self.lists(shape)
            case TupleOf(slots, rest):
                yield from self.tuples(slots, rest)
            case MapOf():
                yield from self.maps(shape)
            case Union(members, tag):
                yield from _in_turn(
                    self.of(member_with_tag(self.schema.resolve(member), tag, at) if tag else member)
                    for at, member in enumerate(members)
                )
            case Ref(name):
                yield from self.definition(name)

    def ordinary(self, shape: Shape) -> JSON:
        """Raises `SchemaError` where the shape has no value."""
        for value in self.of(shape):
            return value
        raise SchemaError("there is no value of this shape")

    def inhabited(self, shape: Shape) -> bool:
        return not math.isinf(depth_of(shape, self.depths))

    def definition(self, name: str) -> Iterator[JSON]:
        if name not in self.schema.definitions or not self.inhabited(Ref(name)):
            return
        times = self.open.get(name, 0)
        if times >= _FOLLOWED:
            yield self.shortest(self.schema.definitions[name])
            return
        # Counted only while a value is being made: between two of them others use the count.
        inside = self.of(self.schema.definitions[name])
        while True:
            self.open[name] = times + 1
            try:
                value = next(inside)
            except StopIteration:
                return
            finally:
                self.open[name] = times
            yield value

    def shortest(self, shape: Shape) -> JSON:
        """A value that is as little nested as can be."""
        match shape:
            case Ref(name):
                return self.shortest(self.schema.definitions[name])
            case Union(members, tag):
                narrowed = (
                    member_with_tag(self.schema.resolve(each), tag, at) if tag else each
                    for at, each in enumerate(members)
                )
                return self.shortest(min(narrowed, key=lambda each: depth_of(each, self.depths)))
            case Object(properties):
                return {key: self.shortest(each.shape) for key, each in properties.items() if each.required}
            case ListOf(items, least):
                return [self.shortest(items) for _ in range(least or 0)]
            case TupleOf(slots):
                return [self.shortest(slot) for slot in slots]
            case MapOf(min_items=None | 0):
                return {}
            case _:
                return self.draw(shape, Random(1), True)

    def scalars(self, shape: Integer | Number | String) -> Iterator[JSON]:
        plain: tuple[JSON, ...] = (
            _TEXTS if isinstance(shape, String) else _INTEGERS if isinstance(shape, Integer) else _NUMBERS
        )
        found: list[JSON] = []
        special = isinstance(shape, String) and (shape.format is not None or shape.pattern is not None)
        ends: list[JSON] = []
        match shape:
            case Integer(minimum=low, maximum=high) | Number(minimum=low, maximum=high):
                ends = [end for end in (low, high) if end is not None]
            case String(min_length=least, max_length=most):
                ends = ["a" * end for end in (least, most) if end is not None and end < 10**5]
        drawn: list[JSON] = []
        random = Random(5)
        for _ in range(_DRAWS):
            try:
                drawn.append(self.draw(shape, random, False))
            except SchemaError:
                break
        candidates = [*drawn, *ends] if special else [*plain, *ends, *drawn]
        for value in candidates:
            if value not in found and accepts(shape, value, self.schema):
                found.append(value)
        yield from found

    def objects(self, shape: Object) -> Iterator[JSON]:
        base: dict[str, JSON] = {}
        for key, each in shape.properties.items():
            if each.required or self.inhabited(each.shape):
                try:
                    base[key] = self.ordinary(each.shape)
                except SchemaError:
                    if each.required:
                        return
        yield base
        optional = [key for key in base if not shape.properties[key].required]

        def without() -> Iterator[JSON]:
            for key in sorted(optional, key=lambda key: key not in self.focus):
                yield {name: value for name, value in base.items() if name != key}
            if len(optional) > 1:
                yield {name: value for name, value in base.items() if name not in optional}

        def with_extra(extra: Shape) -> Iterator[JSON]:
            free = [key for key in (*sorted(self.focus), "extra") if key not in shape.properties]
            for value in self.of(extra):
                for key in free[:4]:
                    yield {**base, key: value}

        def changed(key: str) -> Iterator[JSON]:
            for value in self.others(shape.properties[key].shape):
                yield {**base, key: value}

        ways = [without()]
        if not isinstance(shape.extra, str):
            ways.append(with_extra(shape.extra))
        yield from _in_turn((*ways, *(changed(key) for key in base if key in self.focus)))
        yield from _in_turn(changed(key) for key in base if key not in self.focus)

    def others(self, shape: Shape) -> Iterator[JSON]:
        """All values but the ordinary one."""
        return islice(self.of(shape), 1, None)

    def lists(self, shape: ListOf) -> Iterator[JSON]:
        least, most = shape.min_items or 0, shape.max_items
        room = math.inf if most is None else most
        if not self.inhabited(shape.items) or room == 0:
            if least == 0:
                yield []
            return
        size = max(1, least)
        if size > room:
            return
        values = self.of(shape.items)
        first = next(values, None)
        filling = [first] * size
        if shape.unique and size > 1:
            filling = []
            for value in self.of(shape.items):
                if value not in filling:
                    filling.append(value)
                if len(filling) == size:
                    break
            if len(filling) < size:
                return
        yield filling
        if least == 0:
            yield []
        if not shape.unique and size + 1 <= room:
            yield [*filling, first]
        if most is not None and not shape.unique and size < most <= 200:
            yield [first] * most
        for value in values:
            if not shape.unique or value not in filling[1:]:
                yield [value, *filling[1:]]
            if size + 1 <= room and value not in filling:
                yield [*filling, value]

    def tuples(self, slots: tuple[Shape, ...], rest: Shape | None) -> Iterator[JSON]:
        try:
            base = [self.ordinary(slot) for slot in slots]
        except SchemaError:
            return
        yield base
        for at, slot in enumerate(slots):
            for value in self.others(slot):
                yield [*base[:at], value, *base[at + 1 :]]
        if rest is not None:
            for value in self.of(rest):
                yield [*base, value]

    def maps(self, shape: MapOf) -> Iterator[JSON]:
        least = shape.min_items or 0
        names: list[str] = []
        for key in (*sorted(self.focus), *self.of(shape.keys)):
            if isinstance(key, str) and key not in names and accepts(shape.keys, key, self.schema):
                names.append(key)
        size = max(1, least)
        if shape.max_items == 0 or len(names) < size or not self.inhabited(shape.values):
            if least == 0:
                yield {}
            return
        base = dict.fromkeys(names[:size], self.ordinary(shape.values))
        yield base
        if least == 0:
            yield {}
        for key in names[size:]:
            yield {**dict(list(base.items())[1:]), key: base[names[0]]}
        for value in self.others(shape.values):
            yield {**base, names[0]: value}


def _in_turn(several: Iterable[Iterator[JSON]]) -> Iterator[JSON]:
    """One of each, then the next of each, so that all of them come soon."""
    waiting = list(several)
    while waiting:
        going = []
        for each in waiting:
            for value in each:
                going.append(each)
                yield value
                break
        waiting = going


def documents(schema: Schema, focus: Collection[str] = ()) -> Iterator[dict[str, JSON]]:
    """Values of a run document's schema (its state and outputs)."""
    root = schema.resolve(schema.root)
    if isinstance(root, Object):
        # In a run document outputs may be absent, which is no case of its own.
        properties = {key: replace(each, required=True) for key, each in root.properties.items()}
        root = Object(properties, root.extra, root.name)
    yield from Cases(schema, focus).of(root)
