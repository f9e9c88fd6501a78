"""Whether every scalar of one shape is one of another; the leaves of :mod:`statemig.shapes.subshape`."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from statemig.shapes.accept import accepts, accepts_text, exact, matches
from statemig.shapes.formats import FORMATS, includes, is_decided
from statemig.shapes.shape import Anything, Boolean, Enum, Integer, Null, Number, Schema, Shape, String

_ENUMERABLE: Final = 64
# Constructs that Python's, ECMA's and Rust's engines read alike for ASCII text of one line.
_PORTABLE: Final = re.compile(
    r"(?:[^\\(\[]|\\[dwsDWS.\\/+*?()\[\]{}|^$-]|\((?:\?:)?(?!\?)|\[\^?(?:[^\\\[\]&~|]|\\[dws.\\/\]^-])+\])*"
)
_WITNESSES: Final = ("", "a", "0", " ", "-", "Zz 9", "a" * 40, "\t")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a value of one shape may not have another. Not certain: it could not be decided."""

    reason: str
    certain: bool = True


def compare_scalars(left: Shape, right: Shape) -> list[Refusal]:
    """For shapes that are neither containers nor unions nor references; empty where everything fits."""
    match left, right:
        case Enum(values), _:
            return values_refused(values, (right,))
        case (Null(), Null()) | (Boolean(), Boolean()):
            return []
        case Boolean(), Enum():
            return values_refused((False, True), (right,))
        case Null(), Enum():
            return values_refused((None,), (right,))
        case Integer(), (Integer() | Number() | Enum()):
            inside = enumerated(left)
            if inside is not None:
                return values_refused(inside, (right,))
            if isinstance(right, Enum):
                return [Refusal(f"may be any integer, but only {described(right)} is accepted")]
            return [*_bounds(left, right), *_multiple(left, right)]
        case Number(), Number():
            return [*_bounds(left, right), *_multiple(left, right)]
        case Number(), Integer():
            some = left.multiple_of is None and not (
                left.minimum is not None and left.maximum is not None and left.minimum >= left.maximum
            )
            return [Refusal("may be a fraction, but an integer is expected", some)]
        case Number(), Enum():
            some = left.minimum is None or left.maximum is None
            return [Refusal(f"may be any number, but only {described(right)} is accepted", some)]
        case String(), String():
            return _strings(left, right)
        case String(), Enum():
            some = left.pattern is None and (left.max_length is None or left.max_length > 2)
            free = left.format is None or left.format in FORMATS
            return [Refusal(f"may be any string, but only {described(right)} is accepted", some and free)]
        case _:
            return [Refusal(f"may be {described(left)}, but {described(right)} is expected")]


def values_refused(values: Iterable[Any], options: tuple[Shape, ...]) -> list[Refusal]:
    """Checks each of a few scalars against alternatives."""
    refused: list[Any] = []
    doubtful: list[Any] = []
    for value in values:
        verdicts = [_value_fits(option, value) for option in options]
        if True in verdicts:
            continue
        (doubtful if None in verdicts else refused).append(value)
    expected = " or ".join(dict.fromkeys(described(option) for option in options)) or "nothing"
    out = []
    if refused:
        out.append(Refusal(f"may be {_listed(refused)}, but {expected} is expected"))
    if doubtful:
        out.append(
            Refusal(f"may be {_listed(doubtful)}; whether {expected} accepts that is not decided", False)
        )
    return out


def _value_fits(shape: Shape, value: Any) -> bool | None:
    if isinstance(shape, Anything):
        return True if shape.opaque is None else None
    if isinstance(shape, String) and isinstance(value, str):
        loose = String(min_length=shape.min_length, max_length=shape.max_length)
        if not accepts_text(loose, value):
            return False
        if not is_decided(shape.format) or shape.encoding is not None:
            return None
        if shape.pattern is not None and not _is_portable(shape.pattern, value):
            return None
        return accepts_text(shape, value)
    return accepts(shape, value, Schema(shape))


def _is_portable(pattern: str, text: str) -> bool:
    return (
        text.isascii()
        and "\n" not in text
        and "\r" not in text
        and _PORTABLE.fullmatch(pattern) is not None
        and "{," not in pattern
    )


def enumerated(shape: Integer) -> list[int] | None:
    """The integers of a shape that has few."""
    if shape.minimum is None or shape.maximum is None:
        return None
    step = shape.multiple_of or 1
    first = -(-shape.minimum // step) * step
    if (shape.maximum - first) // step >= _ENUMERABLE:
        return None
    return list(range(first, shape.maximum + 1, step))


def _bounds(left: Integer | Number, right: Integer | Number) -> list[Refusal]:
    low, high = left.minimum, left.maximum
    if isinstance(left, Integer) and left.multiple_of:
        low = None if left.minimum is None else -(-left.minimum // left.multiple_of) * left.multiple_of
        high = None if left.maximum is None else left.maximum // left.multiple_of * left.multiple_of
    # A float's multiple need not reach its bounds.
    reached = isinstance(left, Integer) or left.multiple_of is None
    out = []
    if right.minimum is not None:
        strict = isinstance(right, Number) and right.exclusive_minimum
        open_ = isinstance(left, Number) and left.exclusive_minimum
        if low is None or low < right.minimum or (low == right.minimum and strict and not open_):
            reason = f"may be less than the minimum {_number(right.minimum)}"
            if strict:
                reason = f"may not be more than {_number(right.minimum)}"
            out.append(Refusal(reason, reached or low is None))
    if right.maximum is not None:
        strict = isinstance(right, Number) and right.exclusive_maximum
        open_ = isinstance(left, Number) and left.exclusive_maximum
        if high is None or high > right.maximum or (high == right.maximum and strict and not open_):
            reason = f"may be more than the maximum {_number(right.maximum)}"
            if strict:
                reason = f"may not be less than {_number(right.maximum)}"
            out.append(Refusal(reason, reached or high is None))
    return out


def _multiple(left: Integer | Number, right: Integer | Number) -> list[Refusal]:
    if right.multiple_of is None or left.multiple_of == right.multiple_of:
        return []
    step = left.multiple_of if left.multiple_of is not None else 1 if isinstance(left, Integer) else None
    whole = all(isinstance(each, int) for each in (step, right.multiple_of))
    if step is not None and whole and exact(step) % exact(right.multiple_of) == 0:
        return []
    reason = f"may not be a multiple of {_number(right.multiple_of)}"
    # Arithmetic of floats differs between validators; an integer left of here has more values than a few.
    return [Refusal(reason, isinstance(left, Integer) and whole)]


def _strings(left: String, right: String) -> list[Refusal]:
    out = []
    free = left.format is None and left.pattern is None and left.encoding is None
    if not includes(right.format, left.format):
        refuses = right.format in FORMATS and is_decided(right.format)
        some = free and refuses and _some_refused(left, String(format=right.format))
        out.append(Refusal(f"may be {described(left)}, but format {right.format} is expected", some))
    if right.encoding is not None and right.encoding != left.encoding:
        out.append(Refusal(f"may not be encoded as {right.encoding}", False))
    if (left.min_length or 0) < (right.min_length or 0):
        out.append(Refusal(f"may be shorter than {right.min_length}", free))
    if right.max_length is not None and (left.max_length is None or left.max_length > right.max_length):
        out.append(Refusal(f"may be longer than {right.max_length}", free))
    if right.pattern is not None and right.pattern != left.pattern:
        some = free and any(
            _is_portable(right.pattern, text)
            and not matches(right.pattern, text)
            and accepts_text(left, text)
            for text in _WITNESSES
        )
        out.append(Refusal(f"may not match the pattern {right.pattern}", some))
    return out


def _some_refused(left: String, right: String) -> bool:
    return any(accepts_text(left, text) and not accepts_text(right, text) for text in _WITNESSES)


def described(shape: Shape) -> str:
    """A shape in few words, for reasons."""
    match shape:
        case Anything(opaque):
            return "anything" if opaque is None else f"a {opaque}"
        case Null():
            return "null"
        case Boolean():
            return "a boolean"
        case Integer():
            return "an integer"
        case Number():
            return "a number"
        case String(None):
            return "a string"
        case String(form):
            return f"a string of format {form}"
        case Enum(values):
            return _listed(values)
        case _:
            name = getattr(shape, "name", None)
            kind = {"ListOf": "a list", "TupleOf": "a tuple", "MapOf": "a map", "Object": "an object"}
            word = kind.get(type(shape).__name__, "another shape")
            return f"{word} {name}" if name else word


def _listed(values: Iterable[Any]) -> str:
    texts = [json.dumps(value, ensure_ascii=False) for value in values]
    if len(texts) > 6:
        texts = [*texts[:5], f"{len(texts) - 5} more"]
    return texts[0] if len(texts) == 1 else ", ".join(texts[:-1]) + f" or {texts[-1]}"


def _number(value: float) -> str:
    return str(int(value)) if math.isfinite(value) and value == int(value) else repr(value)
