"""Value functions: what an `Apply` instruction does to one JSON value.

Each is a record with `apply` (the value on the other side), `inverse` (the function of the way back), `recover` (the way back of a
value that was edited since, given the original) and `shape` (the same on shapes). Whether the original has to be kept is not a
property of a function: the interpreter keeps it exactly where the way back would not give it again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from statemig import json_text
from statemig.errors import ConversionError, IrreversibleError
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Missing,
    Never,
    Null,
    Number,
    Object,
    Property,
    Scalar,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
    is_nullable,
    union_of,
    without_null,
)


class ValueFunction(Protocol):
    """A pure function on JSON values; `structural` ones change what lies inside the value at another place."""

    @property
    def structural(self) -> bool: ...

    def apply(self, value: Any) -> Any:
        """Raises `ConversionError` for a value that has no counterpart. Never changes its argument."""

    def inverse(self) -> ValueFunction: ...

    def recover(self, value: Any, was: Any) -> Any:
        """The counterpart of `value`, which came from `was` and was edited since."""

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        """Every result of `apply` on a value of `shape` lies in this."""


@dataclass(frozen=True, slots=True)
class Wrap:
    """x becomes [x], null becomes []; `empty` is what an empty list becomes on the way back."""

    empty: Any = MISSING
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return [] if value is None else [value]

    def inverse(self) -> ValueFunction:
        return Unwrap(self.empty)

    def recover(self, value: Any, was: Any) -> Any:
        kept = was[1:] if isinstance(was, list) else []
        return [*self.apply(value), *kept]

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        resolved = schema.resolve(shape)
        nullable = is_nullable(resolved, schema)
        inner = shape if isinstance(resolved, Anything) or not nullable else without_null(resolved)
        return ListOf(inner, min_items=None if nullable else 1, max_items=1)


@dataclass(frozen=True, slots=True)
class Unwrap:
    """A list becomes its first item; an empty list becomes `default`."""

    default: Any = MISSING
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, list):
            raise ConversionError(
                f"expected a list, found {kind(value)}",
                hint="Unwrap only what is a list everywhere, or write a transform",
            )
        if value:
            return value[0]
        if isinstance(self.default, Missing):
            raise ConversionError(
                "an empty list has no first item",
                hint="Say what it becomes: unwrap(..., default=...) or wrap(..., empty=...)",
            )
        return fresh(self.default)

    def inverse(self) -> ValueFunction:
        return Wrap(self.default)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = [] if isinstance(self.default, Missing) else [of_value(self.default)]
        for member in members(shape, schema):
            match member:
                case ListOf(items):
                    out.append(items)
                case TupleOf(slots, rest):
                    out.extend(slots[:1] or ([rest] if rest is not None else []))
                case Null() | Anything():
                    out.append(member)
                case _:
                    pass  # a value that is no list raises
        return union_of(*out)


@dataclass(frozen=True, slots=True)
class FillNull:
    """null becomes `fill`."""

    fill: Any
    structural: bool = field(default=False, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return fresh(self.fill) if value is None and not isinstance(self.fill, Missing) else value

    def inverse(self) -> ValueFunction:
        return AllowNull(self.fill)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        if isinstance(self.fill, Missing) or not is_nullable(shape, schema):
            return shape
        resolved = schema.resolve(shape)
        if isinstance(resolved, Anything):
            return resolved
        return add_value(never_null(resolved, schema), self.fill, schema)


@dataclass(frozen=True, slots=True)
class AllowNull:
    """Nothing changes, but null is possible from here on; the way back puts `fill` for it."""

    fill: Any = MISSING
    structural: bool = field(default=False, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return value

    def inverse(self) -> ValueFunction:
        return FillNull(self.fill)

    def recover(self, value: Any, was: Any) -> Any:
        return value

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        return shape if is_nullable(shape, schema) else union_of(shape, Null())


@dataclass(frozen=True, slots=True)
class LookUp:
    """A table of values. `otherwise`: "error", "keep", or ("value", x). null passes unless the table names it."""

    pairs: tuple[tuple[Scalar, Any], ...]
    otherwise: str | tuple[str, Any] = "error"
    structural: bool = field(default=False, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None or isinstance(value, str | int | float | bool):
            for old, new in self.pairs:
                if old == value and type(old) is type(value):
                    return fresh(new)
        if value is None or self.otherwise == "keep":
            return value
        if isinstance(self.otherwise, tuple):
            return fresh(self.otherwise[1])
        raise ConversionError(
            f"this {kind(value)} is not in the table of map_values",
            hint='Add it to the mapping, or say otherwise="keep" or otherwise=op.value(...)',
        )

    def inverse(self) -> ValueFunction:
        back: list[tuple[Scalar, Any]] = []
        for old, new in self.pairs:
            if not any(json_text.equal(new, seen) for seen, _ in back) and not isinstance(new, dict | list):
                back.append((new, old))
        return ReverseLookUp(tuple(back), self)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        for member in members(shape, schema):
            if isinstance(member, Enum):
                out.extend(results(self, member.values))
                continue
            if isinstance(member, Boolean):
                out.extend(results(self, (True, False)))
                continue
            if isinstance(member, Null):
                out.extend(results(self, (None,)))
                continue
            out.extend(of_value(new) for old, new in self.pairs if may_hold(member, old))
            if self.otherwise == "keep":
                out.append(member)
            elif isinstance(self.otherwise, tuple):
                out.append(of_value(self.otherwise[1]))
            if isinstance(member, Anything):
                out.append(Null())
        return merge_enums(union_of(*out))


@dataclass(frozen=True, slots=True)
class ReverseLookUp:
    """The way back of a table: the first value that leads here; a value the table does not give is kept as it is."""

    pairs: tuple[tuple[Scalar, Any], ...]
    forward: LookUp
    structural: bool = field(default=False, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return LookUp(self.pairs, "keep").apply(value)

    def inverse(self) -> ValueFunction:
        return self.forward

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        return LookUp(self.pairs, "keep").shape(shape, schema)


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function of the script. It is given a copy, so it may change its argument and return it."""

    up: Callable[[Any], Any] | None
    down: Callable[[Any], Any] | None
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if self.up is None:
            raise IrreversibleError(
                "transform has no way back for this value",
                hint="Give it one: transform(up, down), or accept that runs born at this version stay",
            )
        return self.up(fresh(value))

    def inverse(self) -> ValueFunction:
        return PythonFunction(self.down, self.up)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        return Anything(opaque="a function of the script")


# -- values and shapes -------------------------------------------------------------------------------------------------


def fresh(value: Any) -> Any:
    """A copy that shares no container with the original."""
    if isinstance(value, dict):
        return {key: fresh(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [fresh(inner) for inner in value]
    return value


def kind(value: Any) -> str:
    """The JSON type of a value, for messages; never the value itself."""
    names: Mapping[type, str] = {
        type(None): "null",
        bool: "boolean",
        int: "integer",
        float: "number",
        Decimal: "number",
        str: "string",
        list: "list",
        dict: "object",
    }
    return names.get(type(value), type(value).__name__)


def of_value(value: Any) -> Shape:
    """The narrowest shape that holds a value."""
    if value is None:
        return Null()
    if isinstance(value, dict):
        return Object({key: Property(of_value(inner)) for key, inner in value.items()})
    if isinstance(value, list):
        return TupleOf(tuple(of_value(inner) for inner in value)) if value else ListOf(Never(), max_items=0)
    if isinstance(value, Decimal):
        return Number()
    return Enum((value,))


def add_value(shape: Shape, value: Any, schema: Schema) -> Shape:
    """A shape that holds what `shape` holds, and `value`."""
    from statemig.shapes.accept import accepts

    return shape if accepts(shape, value, schema) else merge_enums(union_of(shape, of_value(value)))


def never_null(shape: Shape, schema: Schema) -> Shape:
    """What a shape holds besides null; a tag stays."""
    resolved = schema.resolve(shape)
    match resolved:
        case Null():
            return Never()
        case Enum(values) if None in values:
            rest = tuple(value for value in values if value is not None)
            return Enum(rest) if rest else Never()
        case Union(inside, tag):
            kept = without_null(resolved)
            if any(is_nullable(member, schema) for member in members(kept, schema)):
                return union_of(*(never_null(member, schema) for member in inside), tag=tag)
            return kept
        case _:
            return shape


def members(shape: Shape, schema: Schema) -> list[Shape]:
    """The members of a union, references resolved; another shape is its only member."""
    resolved = schema.resolve(shape)
    if isinstance(resolved, Union):
        return [inner for member in resolved.members for inner in members(member, schema)]
    return [resolved]


def merge_enums(shape: Shape) -> Shape:
    """One enum in place of several."""
    if not isinstance(shape, Union):
        return shape
    values: list[Scalar] = []
    rest: list[Shape] = []
    enums = 0
    for member in shape.members:
        if isinstance(member, Enum):
            enums += 1
            values.extend(v for v in member.values if not any(json_text.equal(v, seen) for seen in values))
        else:
            rest.append(member)
    return shape if enums < 2 else union_of(Enum(tuple(values)), *rest)


def may_hold(shape: Shape, value: Any) -> bool:
    """Whether a scalar may lie in a shape, judged by its type alone (so true is the careful answer)."""
    match shape:
        case Null():
            return value is None
        case Boolean():
            return isinstance(value, bool)
        case Integer():
            return isinstance(value, int) and not isinstance(value, bool)
        case Number():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case String():
            return isinstance(value, str)
        case Enum(values):
            return any(json_text.equal(value, each) for each in values)
        case ListOf() | TupleOf() | MapOf() | Object() | Never():
            return False
        case _:
            return True


def results(function: ValueFunction, values: tuple[Scalar, ...]) -> list[Shape]:
    """What a function makes of these values, as shapes."""
    out: list[Shape] = []
    for value in values:
        try:
            out.append(of_value(function.apply(value)))
        except ConversionError:
            continue  # raises at run time, so it leads nowhere
    return [merge_enums(union_of(*out))] if out else []
