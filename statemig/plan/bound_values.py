"""Value functions that bring values inside new bounds, or refuse those outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from statemig import json_text
from statemig.errors import ConversionError
from statemig.plan.values import ValueFunction, kind, members, merge_enums, of_value
from statemig.shapes.accept import matches
from statemig.shapes.shape import (
    Enum,
    Integer,
    ListOf,
    MapOf,
    Number,
    Object,
    Schema,
    Shape,
    String,
    TupleOf,
    union_of,
)

#: the bounds of `reject`, in the words of JSON Schema
BOUNDS: Final = (
    "minimum",
    "maximum",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "enum",
)

Clamp = tuple[int | float | None, int | float | None]


@dataclass(frozen=True, slots=True)
class Constrain:
    """Numbers are brought between the ends of `clamp`, texts and lists are cut to `truncate`, and what is outside a bound of `reject`
    then raises. A bound concerns only the type that it is for."""

    clamp: Clamp | None = None
    truncate: int | None = None
    reject: tuple[tuple[str, Any], ...] = ()
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if self.clamp is not None and _is_number(value):
            value = _clamped(value, self.clamp)
        if self.truncate is not None and isinstance(value, str | list) and len(value) > self.truncate:
            value = value[: self.truncate]
        for name, bound in self.reject:
            if not _HOLDS[name](value, bound):
                raise ConversionError(
                    f"this {kind(value)} is outside {name}",
                    hint="Repair such values first, for example with map_values or a transform",
                )
        return value

    def inverse(self) -> ValueFunction:
        return Relax(self.clamp, self.truncate, self.reject)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        for member in members(shape, schema):
            if isinstance(member, Enum):
                for value in member.values:
                    try:
                        out.append(of_value(self.apply(value)))
                    except ConversionError:
                        continue  # raises at run time, so it leads nowhere
                continue
            if self.clamp is not None:
                member = _clamped_shape(member, self.clamp)
            if self.truncate is not None:
                member = _cut(member, self.truncate)
            for name, bound in self.reject:
                member = _bounded(member, name, bound)
            out.append(member)
        return merge_enums(union_of(*out))


@dataclass(frozen=True, slots=True)
class Relax:
    """Nothing changes, but values outside these bounds are possible from here on. The way back of `Constrain`."""

    clamp: Clamp | None = None
    truncate: int | None = None
    reject: tuple[tuple[str, Any], ...] = ()
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return value

    def inverse(self) -> ValueFunction:
        return Constrain(self.clamp, self.truncate, self.reject)

    def recover(self, value: Any, was: Any) -> Any:
        return value

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        return shape


def _is_number(value: Any) -> bool:
    return not isinstance(value, bool | str | list | dict) and value is not None


def _clamped(value: Any, clamp: Clamp) -> Any:
    low, high = clamp
    if low is not None and value < low:
        return low
    if high is not None and value > high:
        return high
    return value


def _clamped_shape(shape: Shape, clamp: Clamp) -> Shape:
    """Clamping keeps the order of numbers, so the ends of a range become the ends of the new one."""
    if not isinstance(shape, Integer | Number):
        return shape
    low, high = clamp
    least = low if shape.minimum is None else _clamped(shape.minimum, clamp)
    most = high if shape.maximum is None else _clamped(shape.maximum, clamp)
    if least == shape.minimum and most == shape.maximum:
        return shape
    if isinstance(shape, Integer):
        if isinstance(least, float) or isinstance(most, float):
            return Number(least, most)
        return Integer(least, most)
    # An open end stays open where nothing is brought to it.
    above = shape.exclusive_minimum and least == shape.minimum and least != high
    below = shape.exclusive_maximum and most == shape.maximum and most != low
    return Number(least, most, exclusive_minimum=above, exclusive_maximum=below)


def _cut(shape: Shape, most: int) -> Shape:
    match shape:
        case String(min_length=least, max_length=longest):
            if longest is not None and longest <= most:
                return shape
            return String(min_length=None if least is None else min(least, most), max_length=most)
        case ListOf(items, least, longest, unique):
            if longest is not None and longest <= most:
                return shape
            return ListOf(items, None if least is None else min(least, most), most, unique)
        case TupleOf(slots, rest):
            if len(slots) >= most or rest is None:
                return TupleOf(slots[:most])
            return ListOf(union_of(*slots, rest), len(slots) or None, most)
        case _:
            return shape


def _bounded(shape: Shape, name: str, bound: Any) -> Shape:
    match name, shape:
        case "minimum", Integer(minimum=old) if isinstance(bound, int) and (old is None or old < bound):
            return replace(shape, minimum=bound)
        case "maximum", Integer(maximum=old) if isinstance(bound, int) and (old is None or old > bound):
            return replace(shape, maximum=bound)
        case "minimum", Number(minimum=old) if old is None or old < bound:
            return replace(shape, minimum=bound, exclusive_minimum=False)
        case "maximum", Number(maximum=old) if old is None or old > bound:
            return replace(shape, maximum=bound, exclusive_maximum=False)
        case "minLength", String(min_length=old) if old is None or old < bound:
            return replace(shape, min_length=bound)
        case "maxLength", String(max_length=old) if old is None or old > bound:
            return replace(shape, max_length=bound)
        case "pattern", String(pattern=None):
            return replace(shape, pattern=bound)
        case "minItems", ListOf(min_items=old) if old is None or old < bound:
            return replace(shape, min_items=bound)
        case "maxItems", ListOf(max_items=old) if old is None or old > bound:
            return replace(shape, max_items=bound)
        case "minProperties", MapOf(min_items=old) if old is None or old < bound:
            return replace(shape, min_items=bound)
        case "maxProperties", MapOf(max_items=old) if old is None or old > bound:
            return replace(shape, max_items=bound)
        case "enum", ListOf() | TupleOf() | MapOf() | Object():
            return union_of()
        case "enum", _:
            from statemig.shapes.accept import accepts

            return (
                Enum(kept)
                if (kept := tuple(v for v in bound if accepts(shape, v, Schema(shape))))
                else union_of()
            )
        case _:
            return shape


_HOLDS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "minimum": lambda value, bound: not _is_number(value) or value >= bound,
    "maximum": lambda value, bound: not _is_number(value) or value <= bound,
    "minLength": lambda value, bound: not isinstance(value, str) or len(value) >= bound,
    "maxLength": lambda value, bound: not isinstance(value, str) or len(value) <= bound,
    "pattern": lambda value, bound: not isinstance(value, str) or matches(bound, value),
    "minItems": lambda value, bound: not isinstance(value, list) or len(value) >= bound,
    "maxItems": lambda value, bound: not isinstance(value, list) or len(value) <= bound,
    "minProperties": lambda value, bound: not isinstance(value, dict) or len(value) >= bound,
    "maxProperties": lambda value, bound: not isinstance(value, dict) or len(value) <= bound,
    "enum": lambda value, bound: any(json_text.equal(value, each) for each in bound),
}
