"""Operations for values that now have to be smaller, shorter or one of a few."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from statemig.autogenerate.built import Built, nothing, one
from statemig.autogenerate.change import Change, Site
from statemig.shapes.shape import MISSING, Enum, Integer, ListOf, MapOf, Number, String

CLAMP_NOTE: Final = "assumed: may numbers outside be brought to the nearest bound?"
NEXT_NOTE: Final = (
    "assumed: may numbers outside be brought to the one next to the bound, which is outside itself?"
)
CUT_NOTE: Final = "assumed: may what is too long be cut?"
REJECT_NOTE: Final = "a run with a value outside stays as it is and is listed"

#: the site's detail where the place may hold null beside the values that the change is about
NULLABLE: Final = "nullable"


def constrained(change: Change, site: Site, path: str) -> Built:
    """`constrain`: numbers are clamped, long texts and lists cut; nothing makes up a text, or a choice of a few, so runs with
    another value are refused by name."""
    match site.old, site.new:
        case _, Enum(values):
            allowed = [*values, None] if site.detail == NULLABLE else list(values)
            return _rejected(change, path, {"enum": allowed})
        case Integer() | Number() as old, Integer() | Number() as new:
            return _clamped(change, path, old, new)
        case String() as old, String() as new:
            sizes = (old.min_length, old.max_length), (new.min_length, new.max_length)
            plain = new.format is None and new.pattern is None and new.encoding is None
            return _sized(change, path, *sizes, "Length", may_cut=plain)
        case ListOf() as old, ListOf() as new:
            sizes = (old.min_items, old.max_items), (new.min_items, new.max_items)
            return _sized(change, path, *sizes, "Items", may_cut=True)
        case MapOf() as old, MapOf() as new:
            sizes = (old.min_items, old.max_items), (new.min_items, new.max_items)
            return _sized(change, path, *sizes, "Properties", may_cut=False)
        case _:
            return nothing(change)


def _clamped(change: Change, path: str, old: Integer | Number, new: Integer | Number) -> Built:
    """A bound that is itself outside is the number next to it, where there is one that a float can hold."""
    low, high = _end(old, new, "minimum", 1), _end(old, new, "maximum", -1)
    if low is None and high is None:
        return nothing(change)
    ends = None if low is None else low.value, None if high is None else high.value
    if any(end is not None and end.value is None for end in (low, high)):
        return nothing(
            change, "no float lies between the bound, which is outside, and infinity; write a transform"
        )
    note = NEXT_NOTE if any(end is not None and end.beside for end in (low, high)) else CLAMP_NOTE
    return one(change, lambda op: op.constrain(path, clamp=ends), list(ends), note)


@dataclass(frozen=True, slots=True)
class _End:
    """The nearest number inside a bound; None where there is none. `beside`: it is not the bound itself."""

    value: int | float | None
    beside: bool = False


def _end(old: Integer | Number, new: Integer | Number, name: str, sign: int) -> _End | None:
    """None where every old value is inside already. `sign`: in which direction inside lies."""
    was, now = getattr(old, name), getattr(new, name)
    excluded = isinstance(new, Number) and getattr(new, f"exclusive_{name}")
    had_excluded = isinstance(old, Number) and getattr(old, f"exclusive_{name}")
    if now is None:
        return None
    if was is not None and ((was - now) * sign > 0 or (was == now and (had_excluded or not excluded))):
        return None
    if not excluded:
        return _End(now)
    try:
        beside = math.nextafter(float(now), sign * math.inf)
    except OverflowError:
        return _End(None)
    return _End(beside if math.isfinite(beside) else None, beside=True)


Sizes = tuple[int | None, int | None]


def _sized(change: Change, path: str, old: Sizes, new: Sizes, what: str, *, may_cut: bool) -> Built:
    least = None if (new[0] or 0) <= (old[0] or 0) else new[0]
    most = None if new[1] is None or (old[1] is not None and old[1] <= new[1]) else new[1]
    reject: dict[str, Any] = {} if least is None else {f"min{what}": least}
    if most is not None and not may_cut:
        reject[f"max{what}"] = most
    if most is None or not may_cut:
        return _rejected(change, path, reject) if reject else nothing(change)
    return one(change, lambda op: op.constrain(path, truncate=most, reject=reject), most, CUT_NOTE)


def _rejected(change: Change, path: str, reject: dict[str, Any]) -> Built:
    return one(change, lambda op: op.constrain(path, reject=reject), MISSING, REJECT_NOTE)
