"""Strategies of numbers and texts within their bounds, patterns and formats."""

from __future__ import annotations

import math
import re
from typing import Final

from hypothesis import strategies as st
from hypothesis.errors import InvalidArgument
from hypothesis.strategies import SearchStrategy

from statemig.shapes.accept import accepts_number, accepts_text, exact
from statemig.shapes.shape import Integer, Number, String
from statemig.testing.formats import LETTERS, encoded, of_format

_ASCII: Final = "".join(map(chr, range(32, 127)))
TEXTS: Final = st.text(LETTERS, max_size=8)


def integers(shape: Integer) -> SearchStrategy[int]:
    step = shape.multiple_of or 1
    low = -(2**63) if shape.minimum is None else shape.minimum
    high = max(2**63 - 1, low) if shape.maximum is None else shape.maximum
    low = min(low, high) if shape.minimum is None else low
    least, most = -(-low // step), high // step
    if least > most:
        return st.nothing()
    return (
        st.integers(least, most) if step == 1 else st.integers(least, most).map(lambda number: number * step)
    )


def numbers(shape: Number) -> SearchStrategy[float | int]:
    if shape.multiple_of is not None:
        step = exact(shape.multiple_of)
        low = -1000 * step if shape.minimum is None else exact(shape.minimum)
        high = max(low, 1000 * step) if shape.maximum is None else exact(shape.maximum)
        least, most = math.ceil(low / step), math.floor(high / step)
        if least > most:
            return st.nothing()
        made = st.integers(least, most).map(lambda number: number * step)
        plain = made.map(lambda value: value.numerator if value.denominator == 1 else float(value))
        return plain.filter(lambda value: accepts_number(shape, value))
    low_float = None if shape.minimum is None else float(shape.minimum) + 0.0  # not -0.0
    high_float = None if shape.maximum is None else float(shape.maximum)
    if low_float is not None and high_float is not None and low_float > high_float:
        return st.nothing()
    try:
        found = st.floats(
            low_float,
            high_float,
            allow_nan=False,
            allow_infinity=False,
            allow_subnormal=False,
            exclude_min=shape.exclusive_minimum and low_float is not None,
            exclude_max=shape.exclusive_maximum and high_float is not None,
        )
        found.validate()
    except InvalidArgument:
        return st.nothing()
    return found if low_float is not None and low_float >= 0 else _without_minus_zero(found)


@st.composite
def _without_minus_zero(draw: st.DrawFn, found: SearchStrategy[float]) -> float:
    """-0.0 is 0 for everybody who compares, and not for those who write it down again. (`map` takes half as long again.)"""
    return draw(found) + 0.0


def strings(shape: String) -> SearchStrategy[str]:
    low = shape.min_length or 0
    high = low + 8 if shape.max_length is None else min(shape.max_length, low + 8)
    if low > high:
        return st.nothing()
    own = of_format(shape.format)
    if own is None:
        own = encoded(shape.encoding)
    if own is not None:
        checked = shape.pattern is not None or shape.min_length is not None or shape.max_length is not None
        return own.filter(lambda text: accepts_text(shape, text)) if checked else own
    if shape.pattern is not None:
        return _from_regex(shape.pattern).filter(lambda text: accepts_text(shape, text))
    return st.text(LETTERS, min_size=low, max_size=high)


def _from_regex(pattern: str) -> SearchStrategy[str]:
    try:
        re.compile(pattern)
    except re.error:
        return (
            TEXTS  # the pattern of another dialect; what does not fit is filtered out by whoever can read it
        )
    for alphabet in (_ASCII, None):
        try:
            found = st.from_regex(pattern) if alphabet is None else st.from_regex(pattern, alphabet=alphabet)
            found.validate()
        except InvalidArgument:
            continue
        return found.filter(
            lambda text: not text.endswith("\n")
        )  # Python's `$` takes one more line, others' do not
    return TEXTS
