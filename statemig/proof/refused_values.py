"""Which values of a shape a value function would refuse: one rule per function, and "may refuse" for a function without one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from statemig import json_text
from statemig.errors import MigrationError
from statemig.plan.bound_values import Constrain, Relax
from statemig.plan.casts import Cast
from statemig.plan.container_values import Distinct, Ordered, Unindex
from statemig.plan.key_values import CopyKey, DropCopy, Group, Merge, OnKeys, Split, Ungroup, property_at
from statemig.plan.list_values import FlattenList, NestList
from statemig.plan.rest_values import GroupRest, UngroupRest
from statemig.plan.tuple_values import AddSlot, Permute, RemoveSlot
from statemig.plan.union_values import AllowVariant, DropTag, RemoveVariant, WriteTag
from statemig.plan.values import (
    AllowNull,
    FillNull,
    LookUp,
    PythonFunction,
    ReverseLookUp,
    Unwrap,
    ValueFunction,
    Wrap,
    members,
)
from statemig.shapes.shape import (
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
    Schema,
    Shape,
    String,
    TupleOf,
)

_NO_TABLE: Final = "holds a value that is not in the table"
_NO_LIST: Final = "may be no list"
_UNKNOWN: Final = "a function of the script, which may fail on a value"


def refused_by(function: ValueFunction, shape: Shape, schema: Schema) -> str | None:
    """Why `function` may refuse a value of `shape`, which is neither a union nor a reference; None where it refuses none."""
    if isinstance(shape, Never):
        return None
    match function:
        case Wrap() | FillNull() | AllowNull() | ReverseLookUp() | Relax() | AllowVariant() | Ordered():
            return None
        case LookUp():
            return _not_in_table(function, shape)
        case Cast():
            return _not_cast(function, shape)
        case Constrain():
            return _out_of_bounds(function, shape)
        case Unwrap(default):
            if not isinstance(shape, Null | ListOf | TupleOf):
                return _NO_LIST
            return "may be empty" if isinstance(default, Missing) and _may_be_empty(shape) else None
        case Distinct():
            return None if isinstance(shape, Null | ListOf | TupleOf) else _NO_LIST
        case AddSlot(index, value):
            if isinstance(value, Missing):
                return None if isinstance(shape, Null) else "nobody said what the slot holds"
            return _too_short(shape, index)
        case RemoveSlot():
            return _too_short(shape, 0)
        case Permute(order):
            return _too_short(shape, len(order))
        case NestList():
            return None if isinstance(shape, Null | ListOf | TupleOf) else _NO_LIST
        case FlattenList(key):
            return _no_lists_inside(key, shape, schema)
        case RemoveVariant():
            return _variant_left(function, shape, schema)
        case Unindex():
            return _no_place_for_key(function, shape, schema)
        case OnKeys():
            return _on_keys(function, shape, schema)
        case PythonFunction():
            return _UNKNOWN
        case _:
            return f"nobody has said which values a {type(function).__name__} refuses"


def _raises(function: ValueFunction, values: Iterable[Any]) -> bool:
    for value in values:
        try:
            function.apply(value)
        except MigrationError:
            return True
    return False


def _scalars(shape: Shape) -> tuple[Any, ...] | None:
    match shape:
        case Null():
            return (None,)
        case Boolean():
            return (False, True)
        case Enum(values):
            return values
        case _:
            return None


def _not_in_table(table: LookUp, shape: Shape) -> str | None:
    if table.otherwise != "error":
        return None
    values = _scalars(shape)
    return _NO_TABLE if values is None or _raises(table, values) else None


def _not_cast(cast: Cast, shape: Shape) -> str | None:
    values = _scalars(shape)
    if values is not None:
        return f"holds a value that cannot become {cast.to}" if _raises(cast, values) else None
    safe = False
    match cast.to, shape:
        case "str", Integer() | Number() | String():
            safe = True
        case "int", Integer():
            safe = True
        case "int", Number():
            safe = cast.rounding is not None
        case "float", Integer(minimum=least, maximum=most) | Number(minimum=least, maximum=most):
            # An integer beyond the range of floats cannot become one.
            safe = least is not None and most is not None
        case "date-time", String(format="date-time") | String(format="date"):
            safe = shape.pattern is None
        case "date", String(format="date") | String(format="date-time"):
            safe = shape.pattern is None
        case _:
            pass
    return None if safe else f"may be no value that can become {cast.to}"


def _out_of_bounds(constrain: Constrain, shape: Shape) -> str | None:
    values = _scalars(shape)
    if values is not None:
        return "holds a value outside the bounds" if _raises(constrain, values) else None
    if isinstance(shape, Anything) and (constrain.reject or constrain.clamp or constrain.truncate):
        return "may be anything, so it may be outside the bounds"
    left = Constrain(constrain.clamp, constrain.truncate).shape(shape, Schema(shape))
    for name, bound in constrain.reject:
        if not all(_within(member, name, bound) for member in members(left, Schema(left))):
            return f"may be outside {name}"
    return None


def _within(shape: Shape, name: str, bound: Any) -> bool:
    """Whether every value of the shape keeps the bound; a bound concerns only the type that it is for."""
    match name, shape:
        case (
            ("minimum" | "maximum"),
            Integer(minimum=least, maximum=most) | Number(minimum=least, maximum=most),
        ):
            if name == "minimum":
                return least is not None and least >= bound
            return most is not None and most <= bound
        case "minLength", String(min_length=least):
            return least is not None and least >= bound
        case "maxLength", String(max_length=most):
            return most is not None and most <= bound
        case "pattern", String(pattern=pattern):
            return bool(pattern == bound)
        case (("minItems" | "maxItems"), ListOf() | TupleOf()):
            low, high = _lengths(shape)
            return low >= bound if name == "minItems" else high is not None and high <= bound
        case "enum", Enum(values):
            return all(any(json_text.equal(value, each) for each in bound) for value in values)
        case "enum", _:
            return False
        case _, Anything():
            return False
        case _, Enum(values):
            return not _raises(Constrain(reject=((name, bound),)), values)
        case _:
            return True


def _lengths(shape: ListOf | TupleOf) -> tuple[int, int | None]:
    if isinstance(shape, ListOf):
        return shape.min_items or 0, shape.max_items
    return len(shape.slots), len(shape.slots) if shape.rest is None else None


def _may_be_empty(shape: Shape) -> bool:
    return isinstance(shape, ListOf | TupleOf) and _lengths(shape)[0] == 0


def _too_short(shape: Shape, least: int) -> str | None:
    if isinstance(shape, Null):
        return None
    if not isinstance(shape, ListOf | TupleOf):
        return _NO_LIST
    return None if _lengths(shape)[0] >= least else f"may have fewer than {least} items"


def _no_lists_inside(key: str, shape: Shape, schema: Schema) -> str | None:
    match shape:
        case Null():
            return None
        case ListOf(items):
            inner = [items]
        case TupleOf(slots, rest):
            inner = [*slots, *(() if rest is None else (rest,))]
        case _:
            return _NO_LIST
    for each in (member for one in inner for member in members(one, schema)):
        if not isinstance(each, Object | MapOf):
            return "may hold what is no object"
        prop = property_at(each, key)
        held = [] if prop is None else members(prop.shape, schema)
        if not all(isinstance(member, ListOf | TupleOf) for member in held):
            return f"may hold an object whose {key!r} is no list"
    return None


def _variant_left(remove: RemoveVariant, shape: Shape, schema: Schema) -> str | None:
    if isinstance(remove.to, tuple):
        return None
    prop = property_at(shape, remove.key)
    if prop is None:
        return None
    held = schema.resolve(prop.shape)
    if isinstance(held, Enum) and not any(json_text.equal(each, remove.variant) for each in held.values):
        return None
    return (
        f"nobody said what {remove.key}={remove.variant} becomes"
        if isinstance(remove.to, Missing)
        else _UNKNOWN
    )


def _no_place_for_key(unindex: Unindex, shape: Shape, schema: Schema) -> str | None:
    match shape:
        case Null():
            return None
        case MapOf(values):
            inner = [values]
        case Object(properties, extra):
            inner = [prop.shape for prop in properties.values()]
            inner += [] if isinstance(extra, str) else [extra]
        case _:
            return "may be no map"
    for each in (member for one in inner for member in members(one, schema)):
        if not isinstance(each, Object | MapOf):
            return "a value of the map may be no object"
        if not unindex.inside and property_at(each, unindex.key) is not None:
            return f"a value of the map may have a {unindex.key!r} already"
    return None


def _on_keys(function: OnKeys, shape: Shape, schema: Schema) -> str | None:
    if not isinstance(shape, Object | MapOf | Anything):
        return None  # passes through

    def may_have(key: str) -> bool:
        return property_at(shape, key) is not None

    def has(key: str) -> bool:
        prop = property_at(shape, key)
        return prop is not None and prop.required

    match function:
        case DropCopy() | DropTag():
            return None
        case CopyKey(source, target):
            both = may_have(source) and may_have(target)
            return f"{target!r} may be there already" if both else None
        case Group(names, into):
            taken = into not in names and may_have(into)
            return f"{into!r} may be there already" if taken else None
        case Ungroup(into, names):
            return _not_flat(into, names, shape, schema)
        case WriteTag(key, infer):
            if has(key):
                return None
            if not isinstance(infer, tuple):
                return _UNKNOWN if not isinstance(infer, Missing) else f"nobody said what {key!r} is"
            how, what = infer
            known = how == "value" or any(has(name) for name, _ in what)
            return None if known else "may have none of the fields that tell the variants apart"
        case GroupRest(outside, into):
            return f"{into!r} may be there already" if into in outside else None
        case UngroupRest(outside, into):
            return _not_flat_rest(outside, into, shape, schema)
        case Split() | Merge():
            return _UNKNOWN
        case _:
            return f"nobody has said which values a {type(function).__name__} refuses"


def _not_flat_rest(outside: tuple[str, ...], into: str, shape: Shape, schema: Schema) -> str | None:
    prop = property_at(shape, into)
    if prop is None:
        return None
    if not isinstance(shape, Object) or not isinstance(shape.extra, str):
        return f"a key of {into!r} may be there beside it already"
    for member in members(prop.shape, schema):
        match member:
            case Null():
                continue
            case Object(properties, extra) if isinstance(extra, str):
                taken = (properties.keys() & {*shape.properties, *outside}) - {into}
                if taken or (into in properties and into in outside):
                    return f"a key of {into!r} may be there beside it already"
            case Object() | MapOf():
                return f"a key of {into!r} may be there beside it already"
            case _:
                return f"{into!r} may be no object"
    return None


def _not_flat(into: str, names: tuple[str, ...], shape: Shape, schema: Schema) -> str | None:
    prop = property_at(shape, into)
    if prop is None:
        return None
    inside = members(prop.shape, schema)
    if not all(isinstance(member, Object | MapOf | Null) for member in inside):
        return f"{into!r} may be no object"
    out = [name for name in names if any(property_at(member, name) is not None for member in inside)]
    taken = [name for name in out if name != into and property_at(shape, name) is not None]
    return f"{taken[0]!r} may be there already" if taken else None
