"""Operations for values that now have to be smaller, shorter or one of a few."""

from __future__ import annotations

from typing import Any, Final

from statemig.autogenerate.built import Built, nothing, one
from statemig.autogenerate.change import Change, Site
from statemig.shapes.shape import MISSING, Enum, Integer, ListOf, MapOf, Number, String

CLAMP_NOTE: Final = "assumed: may numbers outside be brought to the nearest bound?"
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
    low = None if new.minimum is None or _within(old.minimum, new.minimum, 1) else new.minimum
    high = None if new.maximum is None or _within(old.maximum, new.maximum, -1) else new.maximum
    if low is None and high is None:
        return nothing(change, "the bound itself is no longer allowed, and nothing says what lies beside it")
    return one(change, lambda op: op.constrain(path, clamp=(low, high)), [low, high], CLAMP_NOTE)


def _within(old: float | None, new: float, sign: int) -> bool:
    return old is not None and (old - new) * sign >= 0


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
