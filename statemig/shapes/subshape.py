"""Whether every document of one schema is one of another, and where not.

Structural and coinductive, after Amadio and Cardelli: on meeting a pair of shapes again inside itself, it is assumed to hold. That is
sound because a difference would have to show at some finite depth, on some path that is walked; a pair that turns out to fail takes
everything with it that was concluded while it was assumed. What fails under such an assumption fails for certain.

An object on the left against several on the right fits when it fits one of them, or when each case of one of its properties
(present or absent, each value of an enum, each member of a union) fits some of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from statemig.errors import SchemaError
from statemig.path import Items, Key, Segment, Slot, Values, render
from statemig.shapes.accept import accepts
from statemig.shapes.alternatives import Alternatives, disjoint, has, lengths
from statemig.shapes.formats import is_decided
from statemig.shapes.sample import sampler
from statemig.shapes.shape import (
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Null,
    Number,
    Object,
    Property,
    Schema,
    Shape,
    String,
    TupleOf,
)
from statemig.shapes.subshape_scalars import Refusal, compare_scalars, described, enumerated, values_refused

_SPLITS: Final = 64
_WITNESS_TRIES: Final = 40
_MOST: Final = 200


#: the reason of a gap where a reader that ignores unknown keys would drop one
UNKNOWN_KEY: Final = "is not accepted: no such key is known"


@dataclass(frozen=True, slots=True)
class Gap:
    """At `path`, a document of the left schema may hold what the right one rejects.

    `certain`: there is such a document. Otherwise it could not be decided, and the answer is "unknown". `reason` is a sentence about
    schemas and holds no value of a state. `opaque`: what the left schema has there is what a function makes, so that nobody can know.
    """

    path: str
    reason: str
    certain: bool
    opaque: bool = False


def gaps(left: Schema, right: Schema) -> list[Gap]:
    """Where `left` is not included in `right`; empty when it is proven to be, for all documents.

    Closed on both sides: an object that ignores unknown keys has none. The root's path is "".
    """
    found = _Comparison(left, right).shapes(left.root, right.root)
    unique = {(render(gap.segments), gap.reason): (gap.certain, gap.opaque) for gap in found}
    return [Gap(*place, *how) for place, how in unique.items()]


@dataclass(frozen=True, slots=True)
class _Found:
    segments: tuple[Segment, ...]
    reason: str
    certain: bool
    opaque: bool = False

    def under(self, *segments: Segment) -> _Found:
        return _Found((*segments, *self.segments), self.reason, self.certain, self.opaque)

    def unsure(self) -> _Found:
        return _Found(self.segments, self.reason, False, self.opaque)


@dataclass(frozen=True, slots=True)
class _Record:
    """Objects and maps alike: declared keys, and the shapes of other keys and their values, if any."""

    declared: dict[str, Property]
    other: tuple[String | Enum, Shape] | None
    least: float
    most: float


# What JSON is made of; compared instead of `Anything`, so that a recursive "any JSON" type is recognised.
_ANY: Final = Anything()
_JSON: Final[tuple[Shape, ...]] = (Null(), Boolean(), Number(), String(), ListOf(_ANY), MapOf(_ANY))


class _Comparison:
    def __init__(self, left: Schema, right: Schema) -> None:
        self.left = Alternatives(left, wide=True)
        self.right = Alternatives(right, wide=False)
        self.assumed: set[tuple[int, int]] = set()
        self.trail: list[tuple[int, int]] = []
        self.refuted: dict[tuple[int, int], list[_Found]] = {}
        self.kept: list[Shape] = []  # ids mean something only while the objects live
        self.draw = sampler(left)

    # -- unions --------------------------------------------------------------------------------------------------------

    def shapes(self, left: Shape, right: Shape) -> list[_Found]:
        left, right = self.left.schema.resolve(left), self.right.schema.resolve(right)
        pair = (id(left), id(right))
        if pair in self.assumed:
            return []
        if pair in self.refuted:
            return self.refuted[pair]
        mark = len(self.trail)
        self.assumed.add(pair)
        self.trail.append(pair)
        self.kept += (left, right)
        found = self.unions(left, right)
        if found:
            for undone in self.trail[mark:]:
                self.assumed.discard(undone)
            del self.trail[mark:]
            self.refuted[pair] = found = found[:_MOST]
        return found

    def unions(self, left: Shape, right: Shape) -> list[_Found]:
        found: list[_Found] = []
        options = tuple(each.shape for each in self.right.of(right))
        for each in self.left.of(left):
            step = (each.tag,) if each.tag is not None else ()
            found += (gap.under(*step) for gap in self.one_of(each.shape, options))
        return found

    def one_of(self, left: Shape, options: tuple[Shape, ...], budget: int = _SPLITS) -> list[_Found]:
        """One shape, not a union, against alternatives."""
        if isinstance(left, Anything):
            return self.anything(left, options)
        if any(isinstance(option, Anything) and option.opaque is None for option in options):
            return []
        if isinstance(left, Enum | Boolean):
            values = left.values if isinstance(left, Enum) else (False, True)
            return _refusals(values_refused(values, options))
        near = tuple(option for option in options if not disjoint(self.left, left, self.right, option))
        if not near and len(options) == 1:
            near = options  # every difference is worth telling, not only the one that decides
        if not near:
            return self.told_apart(left, options)
        attempts: list[list[_Found]] = []
        for option in near:
            attempt = self.pair(left, option)
            if not attempt:
                return []
            attempts.append(attempt)
        if len(near) == 1:
            return attempts[0]
        parts = self.cases(left, near)
        if 1 < len(parts) <= budget:
            return [gap for part in parts for gap in self.one_of(part, near, budget // len(parts))]
        certain = self.witnessed(left, near)
        best = min(attempts, key=len)
        return [_Found(gap.segments, gap.reason, certain, gap.opaque) for gap in best]

    def expected(self, options: tuple[Shape, ...]) -> str:
        return " or ".join(dict.fromkeys(described(option) for option in options)) or "nothing"

    def told_apart(self, left: Shape, options: tuple[Shape, ...]) -> list[_Found]:
        """No alternative has a value in common with the left shape: says where that shows, if it is one property."""
        if isinstance(left, Object) and options:
            for key, each in left.properties.items():
                theirs = [option.properties.get(key) for option in options if isinstance(option, Object)]
                inner = [other.shape for other in theirs if other is not None]
                if each.required and len(inner) == len(options):
                    apart = [disjoint(self.left, each.shape, self.right, other) for other in inner]
                    if all(apart):
                        return [gap.under(Key(key)) for gap in self.apart(each.shape, inner)]
        return self.apart(left, options)

    def apart(self, left: Shape, options: Sequence[Shape]) -> list[_Found]:
        flat = tuple(each.shape for option in options for each in self.right.of(option))
        mine = [each.shape for each in self.left.of(left)]
        told = " or ".join(dict.fromkeys(described(each) for each in mine))
        return [_Found((), f"may be {told}, but {self.expected(flat)} is expected", True)]

    def anything(self, left: Anything, options: tuple[Shape, ...]) -> list[_Found]:
        for option in options:
            if isinstance(option, Anything) and option.opaque in (None, left.opaque):
                return []
        if left.opaque is not None:
            reason = f"is {left.opaque}, whose inside is not known; {self.expected(options)} is expected"
            return [_Found((), reason, False, opaque=True)]
        found = [gap for part in _JSON for gap in self.one_of(part, options)]
        if not found:
            return []
        certain = any(gap.certain for gap in found)
        return [_Found((), f"may be anything, but {self.expected(options)} is expected", certain)]

    def cases(self, left: Shape, options: tuple[Shape, ...]) -> list[Shape]:
        """The left side split into cases, each of which may fit another alternative."""
        match left:
            case Object(properties, extra, name):
                key, parts = self.split(left, options)
                rest = {other: each for other, each in properties.items() if other != key}
                return [
                    Object(rest if part is None else {**properties, key: Property(part)}, extra, name)
                    for part in parts
                ]
            case Integer():
                return [Enum((value,)) for value in enumerated(left) or ()]
            case _:
                return []

    def split(self, left: Object, options: tuple[Shape, ...]) -> tuple[str, list[Shape | None]]:
        """The property whose cases tell the alternatives apart best: one that is a scalar constant in all of them, else any
        that differs."""
        records = [option for option in options if isinstance(option, Object)]
        best: tuple[str, list[Shape | None]] = ("", [])
        for key, each in left.properties.items():
            theirs = [option.properties.get(key) for option in records]
            if all(other == theirs[0] for other in theirs):
                continue
            parts = self.property_cases(each, isinstance(left.extra, str))
            if len(parts) > 1:
                if all(other is not None and isinstance(other.shape, Enum | Boolean) for other in theirs):
                    return key, parts
                best = best if best[1] else (key, parts)
        return best

    def property_cases(self, each: Property, closed: bool) -> list[Shape | None]:
        """The cases of one property; None is "absent"."""
        parts: list[Shape | None] = []
        for inner in self.left.of(each.shape):
            if isinstance(inner.shape, Enum):
                parts += [Enum((value,)) for value in inner.shape.values]
            elif isinstance(inner.shape, Boolean):
                parts += [Enum((False,)), Enum((True,))]
            else:
                parts.append(inner.shape)
        if each.required:
            return parts
        # Without the property, an object with extras may hold the key as an extra one.
        return [*parts, None] if closed else []

    def witnessed(self, left: Shape, options: tuple[Shape, ...]) -> bool:
        """Looks for a value that no alternative accepts."""
        doubtful = (
            has(
                self.left.schema, (left,), lambda each: isinstance(each, Anything) and each.opaque is not None
            ),
            has(
                self.left.schema,
                (left,),
                lambda each: isinstance(each, String) and not is_decided(each.format),
            ),
            has(self.right.schema, options, _is_loose),
        )
        if any(doubtful):
            return False
        random = Random(7)
        try:
            for _ in range(_WITNESS_TRIES):
                value = self.draw(left, random, True)
                if not any(accepts(option, value, self.right.schema) for option in options):
                    return True
        except SchemaError:
            pass
        return False

    # -- one against one -----------------------------------------------------------------------------------------------

    def pair(self, left: Shape, right: Shape) -> list[_Found]:
        match left, right:
            case _, Anything(opaque):
                wanted = f"may be {described(left)}, but a {opaque} is expected, whose inside is not known"
                return [] if opaque is None else [_Found((), wanted, False)]
            case ((ListOf() | TupleOf()), (ListOf() | TupleOf())):
                return self.sequences(left, right)
            case ((Object() | MapOf()), (Object() | MapOf())):
                return self.records(self.record(left, self.left), self.record(right, self.right))
            case _:
                return _refusals(compare_scalars(left, right))

    def sequences(self, left: ListOf | TupleOf, right: ListOf | TupleOf) -> list[_Found]:
        (low, high), (least, most) = lengths(left), lengths(right)
        rest = left.items if isinstance(left, ListOf) else left.rest
        if rest is not None and not self.left.inhabited(rest):
            high, rest = len(left.slots) if isinstance(left, TupleOf) else 0, None
        found: list[_Found] = []
        if low < least:
            found.append(_Found((), f"may have fewer than {least} items", True))
        if high > most:
            found.append(_Found((), f"may have more than {most} items", not _unique(left)))
        if _unique(right) and not _unique(left) and high > 1:
            found.append(_Found((), "may hold an item twice", isinstance(left, ListOf)))
        fixed = max(len(each.slots) if isinstance(each, TupleOf) else 0 for each in (left, right))
        for at in range(int(min(fixed, high, most))):
            ours, theirs = _item(left, at), _item(right, at)
            if ours is not None and theirs is not None:
                found += (gap.under(Slot(at)) for gap in self.shapes(ours, theirs))
        other = right.items if isinstance(right, ListOf) else right.rest
        if rest is not None and other is not None and high > fixed:
            found += (gap.under(Items()) for gap in self.shapes(rest, other))
        return found

    def record(self, shape: Object | MapOf, side: Alternatives) -> _Record:
        if isinstance(shape, MapOf):
            most = math.inf if shape.max_items is None else shape.max_items
            if not side.inhabited(shape.values):
                return _Record({}, None, shape.min_items or 0, 0)
            if isinstance(shape.keys, Enum):
                all_needed = (shape.min_items or 0) >= len(shape.keys.values)
                declared = {str(key): Property(shape.values, all_needed) for key in shape.keys.values}
                return _Record(declared, None, shape.min_items or 0, min(most, len(declared)))
            return _Record({}, (shape.keys, shape.values), shape.min_items or 0, most)
        declared = {
            key: each for key, each in shape.properties.items() if each.required or side.inhabited(each.shape)
        }
        gone = [key for key in shape.properties if key not in declared]
        least = sum(each.required for each in declared.values())
        if isinstance(shape.extra, str) or not side.inhabited(shape.extra):
            return _Record(declared, None, least, len(declared))
        # A property without values may not come as an extra one either.
        declared |= {key: shape.properties[key] for key in gone}
        return _Record(declared, (String(), shape.extra), least, math.inf)

    def records(self, left: _Record, right: _Record) -> list[_Found]:
        if left.most == 0:
            left = _Record({}, None, left.least, 0)
        found: list[_Found] = []
        for key, each in left.declared.items():
            if not self.left.inhabited(each.shape):
                continue
            found += (gap.under(Key(key)) for gap in self.declared(key, each.shape, right))
        for key, each in right.declared.items():
            ours = left.declared.get(key)
            if each.required and (ours is None or not ours.required):
                found.append(
                    _Found(
                        (Key(key),),
                        "may be absent, but is required",
                        True,
                    )
                )
            if ours is None and left.other is not None and _may_be_key(left.other[0], key):
                found += (gap.under(Key(key)) for gap in self.shapes(left.other[1], each.shape))
        if left.other is not None:
            found += self.others(left.other, right)
        if left.least < right.least and not any(each.required for each in right.declared.values()):
            found.append(_Found((), f"may have fewer than {right.least} keys", True))
        if left.most > right.most and (right.other is not None or _is_bounded(right)):
            found.append(_Found((), f"may have more than {right.most} keys", True))
        return found

    def declared(self, key: str, shape: Shape, right: _Record) -> list[_Found]:
        theirs = right.declared.get(key)
        if theirs is not None:
            return self.shapes(shape, theirs.shape)
        if right.other is None:
            return [_Found((), UNKNOWN_KEY, True)]
        keys, values = right.other
        return [*_refusals(values_refused((key,), (keys,))), *self.shapes(shape, values)]

    def others(self, left: tuple[String | Enum, Shape], right: _Record) -> list[_Found]:
        if right.other is None:
            known = "no other keys are" if right.declared else "no key is"
            return [_Found((Values(),), f"may hold any key, but {known} accepted", left[0] == String())]
        keys = [
            _Found((Values(),), f"a key {why.reason}", why.certain)
            for why in compare_scalars(left[0], right.other[0])
        ]
        return [*keys, *(gap.under(Values()) for gap in self.shapes(left[1], right.other[1]))]


def _refusals(refusals: list[Refusal]) -> list[_Found]:
    return [_Found((), each.reason, each.certain) for each in refusals]


def _unique(shape: ListOf | TupleOf) -> bool:
    return isinstance(shape, ListOf) and shape.unique


def _item(shape: ListOf | TupleOf, at: int) -> Shape | None:
    if isinstance(shape, ListOf):
        return shape.items
    return shape.slots[at] if at < len(shape.slots) else shape.rest


def _may_be_key(keys: String | Enum, key: str) -> bool:
    # A pattern or format rules nothing out here: engines differ, and the proof must not rest on one.
    if isinstance(keys, Enum):
        return key in keys.values
    return accepts(String(min_length=keys.min_length, max_length=keys.max_length), key, Schema(keys))


def _is_loose(shape: Shape) -> bool:
    return isinstance(shape, String) and (shape.pattern is not None or shape.format is not None)


def _is_bounded(record: _Record) -> bool:
    return record.most < len(record.declared)
