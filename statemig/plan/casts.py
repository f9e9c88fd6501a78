"""One scalar type to another: a fixed table of pairs, each with its way back."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from statemig import json_text
from statemig.errors import ConversionError
from statemig.plan.values import ValueFunction, kind, members, results
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
    Schema,
    Shape,
    String,
    TupleOf,
    union_of,
)

CASTS: Final = ("bool", "date", "date-time", "float", "int", "str")


@dataclass(frozen=True, slots=True)
class Cast:
    """One scalar type to another; null stays null. `was` is the type of the way back."""

    to: str
    was: str | None = None
    rounding: str | None = None
    structural: bool = field(default=False, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        try:
            return _CAST[self.to](value, self.rounding)
        except (ValueError, TypeError, ArithmeticError, OSError):
            raise ConversionError(
                f"this {kind(value)} cannot become {self.to}",
                hint="Map it first with map_values, or write a transform",
            ) from None

    def inverse(self) -> ValueFunction:
        if self.was is None:
            return Back(self)
        return Cast(self.was, was=self.to)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        for member in members(shape, schema):
            if isinstance(member, Null):
                out.append(member)
            elif isinstance(member, Enum):
                out.extend(results(self, member.values))
            elif isinstance(member, Anything):
                out.extend([_CAST_SHAPE[self.to], Null()])
            elif not isinstance(member, ListOf | TupleOf | MapOf | Object | Never):
                out.append(member if _same_scalar(self.to, member) else _CAST_SHAPE[self.to])
        return union_of(*out)


@dataclass(frozen=True, slots=True)
class Back:
    """The way back of a cast whose source type nobody said: only originals that were kept can be given."""

    cast: Cast
    structural: bool = field(default=False, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        raise ConversionError(
            "the type before convert is not known",
            hint=f'Say it in the script: convert(..., to="{self.cast.to}", was=...)',
        )

    def inverse(self) -> ValueFunction:
        return self.cast

    def recover(self, value: Any, was: Any) -> Any:
        return Cast(_TYPE_NAMES.get(type(was), "str")).apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        return Anything()


def _same_scalar(to: str, member: Shape) -> bool:
    match member:
        case String(format=form):
            return to == "str" or (to == form and form in ("date", "date-time"))
        case Integer():
            return to == "int"
        case Boolean():
            return to == "bool"
        case _:
            return False


_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_FLOAT: Final = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")


def _timestamp(text: str) -> float:
    """Seconds since 1970 of a date and time, which is the way back of `_to_date_time`; one without a zone is UTC."""
    if len(text) <= 10:
        raise ValueError
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


def _to_int(value: Any, rounding: str | None) -> int:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float | Decimal):
        if rounding == "nearest":
            return round(value)
        if rounding == "down":
            return math.floor(value)
        if value != int(value):
            raise ValueError("has a fraction")
        return int(value)
    if isinstance(value, str):
        text = value.strip()
        return int(text) if _INTEGER.fullmatch(text) else _to_int(_timestamp(text), rounding)
    raise TypeError


def _to_float(value: Any, rounding: str | None) -> float:
    if isinstance(value, str):
        text = value.strip()
        number = float(text) if _FLOAT.fullmatch(text) else _timestamp(text)
    elif isinstance(value, int | float | Decimal):
        number = float(value)
    else:
        raise TypeError
    if not math.isfinite(number):
        raise ValueError("not a JSON number")
    return number


def _to_str(value: Any, rounding: str | None) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float | Decimal):
        return json_text.dumps(value).decode()
    raise TypeError


def _to_bool(value: Any, rounding: str | None) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    raise ValueError


def _to_date_time(value: Any, rounding: str | None) -> str:
    if isinstance(value, bool):
        raise TypeError
    if isinstance(value, int | float | Decimal):
        return datetime.fromtimestamp(float(value), UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, str):
        if len(value) == 10:
            return date.fromisoformat(value).isoformat() + "T00:00:00"
        if value[10:11] not in ("T", "t", " ", "_"):
            raise ValueError
        datetime.fromisoformat(value)
        return value
    raise TypeError


def _to_date(value: Any, rounding: str | None) -> str:
    if isinstance(value, str):
        return (
            date.fromisoformat(value) if len(value) == 10 else datetime.fromisoformat(value).date()
        ).isoformat()
    raise TypeError


_CAST: Final[Mapping[str, Callable[[Any, str | None], Any]]] = {
    "bool": _to_bool,
    "date": _to_date,
    "date-time": _to_date_time,
    "float": _to_float,
    "int": _to_int,
    "str": _to_str,
}
_CAST_SHAPE: Final[Mapping[str, Shape]] = {
    "bool": Boolean(),
    "date": String(format="date"),
    "date-time": String(format="date-time"),
    "float": Number(),
    "int": Integer(),
    "str": String(),
}
_TYPE_NAMES: Final[Mapping[type, str]] = {bool: "bool", int: "int", float: "float", str: "str"}
