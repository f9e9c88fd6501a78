"""Operations for maps, sets and tuples as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from statemig.autogenerate.built import FILL_NOTE, Built, Step, nothing, one, several
from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.fill import zero
from statemig.autogenerate.rules import RULES
from statemig.autogenerate.scalars import ValueMapping
from statemig.operations.containers import TupleAdd, TupleRemove
from statemig.path import Path, Slot
from statemig.shapes.shape import MISSING, Missing, Schema, TupleOf

KEYS_NOTE = "assumed: is this what the old keys are called now?"


def map_keys(change: Change, site: Site, path: str) -> Built:
    """`rename_keys`, where the keys are known by name on both sides."""
    mapping = site.detail
    if not isinstance(mapping, ValueMapping):
        return nothing(change)
    table = {str(was): str(now) for was, now in (*mapping.certain, *mapping.guessed)}
    guessed = {str(was): str(now) for was, now in mapping.guessed}
    if mapping.open:
        gone = ", ".join(map(repr, mapping.open))
        advice = f"nothing says what becomes of the keys {gone}; rename them with rename_keys, or write a transform"
        left = nothing(change, advice)
    else:
        left = Built()
    if not table:
        return left
    note = KEYS_NOTE if guessed else None
    return several(one(change, lambda op: op.rename_keys(path, table), guessed or MISSING, note), left)


def set_or_list(change: Change, path: str) -> Built:
    if change.direction == "tightened":
        return one(change, lambda op: op.to_set(path))
    return one(change, lambda op: op.to_list(path))


def slots(change: Change, site: Site, target: Path, old: Schema, new: Schema) -> Built:
    """The site's detail names the slots: old ones that went, new ones that came, or for each new one the old."""
    if not isinstance(site.detail, tuple):
        return nothing(change)
    match change.direction:
        case "reordered":
            order = list(site.detail)
            return one(change, lambda op: op.tuple_reorder(str(target), order))
        case "removed":
            gone = sorted(site.detail, reverse=True)
            return Built(tuple(Step(TupleRemove(target / Slot(at)), change) for at in gone))
        case _:
            return several(*_slots_added(change, site, target, new))


def _slots_added(change: Change, site: Site, target: Path, new: Schema) -> Iterator[Built]:
    assert isinstance(site.new, TupleOf)
    for at in sorted(site.detail):
        value = zero(site.new.slots[at], new)
        if isinstance(value, Missing):
            yield Built(
                reason=f"{RULES[change.rule].name}: slot {at} has no smallest value; write tuple_add yourself"
            )
            return
        yield Built((Step(TupleAdd(target / Slot(at), value), change, value, FILL_NOTE),))
