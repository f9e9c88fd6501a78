"""Objects and lists in few draws.

Each draw takes hypothesis as long as a small value: one for all keys says which of them are absent, and what can only be one value is
not drawn.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

JSON = Any

_COIN: Final = st.integers(0, 1)
_FIVE: Final = st.integers(0, 4)


@dataclass(frozen=True, slots=True)
class Only:
    """A field that can have no other value."""

    value: str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Nullable:
    """A field that is null in half of the values. `inner` draws the others; there must be some."""

    inner: SearchStrategy[JSON]


Field = SearchStrategy[JSON] | Only | Nullable


def record(fields: list[tuple[str, Field, bool]], *, sparse: bool) -> SearchStrategy[dict[str, JSON]]:
    """An object of these (key, values, whether it may be absent), its keys in this order. `sparse`: each that may be absent is so in half
    of the values; otherwise one of them is in a quarter of the values. (`st.fixed_dictionaries` shuffles its keys, a draw for each.)"""
    optional = [key for key, _, may in fields if may]
    return _sparse(fields, optional) if sparse else _nearly_full(fields, optional)


@st.composite
def _sparse(draw: st.DrawFn, fields: list[tuple[str, Field, bool]], optional: list[str]) -> dict[str, JSON]:
    nullable = [key for key, value, _ in fields if isinstance(value, Nullable)]
    count = len(optional) + len(nullable)
    if count <= 4:
        bits = draw(st.integers(0, 2**count - 1)) if count else 0
    else:
        # Of large numbers hypothesis prefers the small ones, in which most keys are absent; not so of bytes.
        size = -(-count // 8)
        bits = int.from_bytes(draw(st.binary(min_size=size, max_size=size)), "big")
    there = {key for number, key in enumerate(optional) if bits >> number & 1}
    filled = {key for number, key in enumerate(nullable, len(optional)) if bits >> number & 1}
    made: dict[str, JSON] = {}
    for key, value, may in fields:
        if may and key not in there:
            continue
        made[key] = None if isinstance(value, Nullable) and key not in filled else _value(draw, value)
    return made


@st.composite
def _nearly_full(
    draw: st.DrawFn, fields: list[tuple[str, Field, bool]], optional: list[str]
) -> dict[str, JSON]:
    count = len(optional)
    drawn = draw(st.integers(0, 4 * count - 1)) if optional else 0
    gone = optional[drawn - 3 * count] if optional and drawn >= 3 * count else None
    made: dict[str, JSON] = {}
    for key, value, _ in fields:
        if key != gone:
            made[key] = None if isinstance(value, Nullable) and not draw(_COIN) else _value(draw, value)
    return made


def sequence(items: SearchStrategy[JSON], least: int, most: int) -> SearchStrategy[list[JSON]]:
    """A list of at least `least` items and at most `most`, which is at least two. (One draw for the length would be a little faster, but
    then counterexamples keep items that do not matter: a quarter of those with lists of lists, instead of a twentieth.)

    Equal items are what migrations of lists forget: in one of five lists the last item is the first once more.
    """
    return _repeating(st.lists(items, min_size=least, max_size=most), most)


@st.composite
def _repeating(draw: st.DrawFn, lists: SearchStrategy[list[JSON]], most: int) -> list[JSON]:
    items = draw(lists)
    if items and len(items) < most and draw(_FIVE) == 4:
        return [*items, copy.deepcopy(items[0])]
    return items


@st.composite
def mapping(
    draw: st.DrawFn, keys: SearchStrategy[str], values: SearchStrategy[JSON], most: int
) -> dict[str, JSON]:
    """At most so many keys, of which there are enough: where one is drawn twice there is one fewer. (`st.dictionaries` draws again.)"""
    return dict(draw(st.lists(st.tuples(keys, values), max_size=most)))


def _value(draw: st.DrawFn, field: Field) -> JSON:
    match field:
        case Only(value):
            return value
        case Nullable(inner):
            return draw(inner)
        case _:
            return draw(field)


__all__ = ["Field", "Nullable", "Only", "mapping", "record", "sequence"]
