"""Objects and lists in few draws.

Each draw takes hypothesis as long as a small value: one for all keys says which of them are absent, one how long a list is, and what can
only be one value is not drawn.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

JSON = Any

_COIN: Final = st.integers(0, 1)


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
    if len(optional) <= 4:
        bits = draw(st.integers(0, 2 ** len(optional) - 1)) if optional else 0
    else:
        # Of large numbers hypothesis prefers the small ones, in which most keys are absent; not so of bytes.
        size = -(-len(optional) // 8)
        bits = int.from_bytes(draw(st.binary(min_size=size, max_size=size)), "big")
    return _values(draw, fields, {key for number, key in enumerate(optional) if not bits >> number & 1})


@st.composite
def _nearly_full(
    draw: st.DrawFn, fields: list[tuple[str, Field, bool]], optional: list[str]
) -> dict[str, JSON]:
    count = len(optional)
    drawn = draw(st.integers(0, 4 * count - 1)) if optional else 0
    return _values(draw, fields, {optional[drawn - 3 * count]} if optional and drawn >= 3 * count else set())


@st.composite
def sequence(draw: st.DrawFn, items: SearchStrategy[JSON], least: int, most: int) -> list[JSON]:
    """A list of at least `least` items and at most `most`, which is at least two. (`st.lists` asks before each item whether there is one.)

    Equal items are what migrations of lists forget: in one of five lists the last item is the first once more.
    """
    sizes = most - least + 1
    again, more = divmod(draw(st.integers(0, 5 * sizes - 1)), sizes)
    made = [draw(items) for _ in range(least + more)]
    if again == 4 and 0 < len(made) < most:
        made.append(copy.deepcopy(made[0]))
    return made


def _values(draw: st.DrawFn, fields: list[tuple[str, Field, bool]], gone: set[str]) -> dict[str, JSON]:
    made: dict[str, JSON] = {}
    for key, value, _ in fields:
        if key in gone:
            continue
        if isinstance(value, Nullable):
            made[key] = draw(value.inner) if draw(_COIN) else None
        else:
            made[key] = value.value if isinstance(value, Only) else draw(value)
    return made


__all__ = ["Field", "Nullable", "Only", "record", "sequence"]
