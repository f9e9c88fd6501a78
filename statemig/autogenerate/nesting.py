"""A value that became an object which holds it, or the reverse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from statemig.autogenerate.fill import zero
from statemig.autogenerate.objects import compare_objects
from statemig.autogenerate.place import Place
from statemig.autogenerate.renames import name_similarity
from statemig.path import Key
from statemig.shapes.shape import (
    MISSING,
    Missing,
    Null,
    Object,
    Property,
    Schema,
    Shape,
    is_nullable,
    union_of,
    without_null,
)
from statemig.shapes.similarity import similarity

if TYPE_CHECKING:
    from statemig.autogenerate.structure import Walk

_ALIKE: Final = 0.7
_SAME_NAME: Final = 0.75


def holder_of(record: Object, schema: Schema, value: Shape, other: Schema, place: Place) -> str | None:
    """The field of an object that holds a value of this type, None where several might. An equal type alone proves nothing: the
    field has to be the only one that the object must have, or to be called like the place."""
    scores = {key: similarity(prop.shape, schema, value, other) for key, prop in record.properties.items()}
    fitting = [key for key, score in scores.items() if score >= _ALIKE]
    last = None if place.target is None else place.target.last
    if isinstance(last, Key):
        same = [key for key in fitting if name_similarity(key, last.name) >= _SAME_NAME]
        if len(same) == 1:
            return same[0]
    if len(record.properties) > 1:
        fitting = [key for key in fitting if record.properties[key].required]
    others = [key for key, prop in record.properties.items() if prop.required and key not in fitting]
    return fitting[0] if len(fitting) == 1 and not others else None


@dataclass(frozen=True, slots=True)
class Held:
    """How a value goes into the `field` of an object, or comes out of it. `in_lists`: no field is beside the value in which the object
    could be made, or the object may be null; then both are put into lists on the way. `default` is what null becomes, `empty` what it was
    at the place on the way back, and `empty_inside` in the field."""

    field: str
    in_lists: bool = False
    default: Any = MISSING
    assumed: bool = False
    empty: Any = MISSING
    empty_inside: Any = MISSING


def compare_nested(walk: Walk, old: Shape, new: Object, inner: str | None, place: Place) -> None:
    """`inner` is the field that holds the old value, None where several might."""
    was_nullable, may_be_null = walk.beside
    inside = None if inner is None else new.properties[inner].shape
    to_null = inside is not None and is_nullable(inside, walk.new)
    stays_null = was_nullable and may_be_null and not to_null
    if inner is None or inside is None or stays_null or place.target is None:
        walk.found("S30", place, old, new, "nested")
        return
    if isinstance(place.target.last, Key):
        held = Held(inner)
        kept = union_of(old, Null()) if was_nullable else old
    else:
        fill = None if to_null else zero(inside, walk.new)
        if was_nullable and isinstance(fill, Missing):
            walk.found("S30", place, old, new, "nested")
            return
        empty = None if was_nullable else MISSING
        held = Held(inner, True, fill if was_nullable else MISSING, was_nullable and not to_null, empty)
        kept = union_of(old, Null()) if was_nullable and to_null else old
    walk.found("S30", place, old, new, "nested", detail=held)
    compare_objects(walk, Object({inner: Property(kept)}), replace(new, extra="ignore"), place)


def compare_flattened(walk: Walk, old: Object, new: Shape, inner: str | None, place: Place) -> None:
    was_nullable, may_be_null = walk.beside
    in_lists = was_nullable or (place.target is not None and not isinstance(place.target.last, Key))
    default = None if may_be_null else zero(new, walk.new)
    if inner is None or place.target is None or (in_lists and isinstance(default, Missing)):
        walk.found("S30", place, old, new, "flattened")
        return
    for key, prop in old.properties.items():
        if key != inner:
            walk.found("S07", place.field(key, key), prop.shape, None, old_property=prop)
    inside = old.properties[inner].shape
    had_null = was_nullable or is_nullable(inside, walk.old)
    empty = None if was_nullable else MISSING
    empty_inside = None if is_nullable(inside, walk.old) else zero(inside, walk.old)
    held = Held(inner)
    if in_lists:
        held = Held(inner, True, default, had_null and not may_be_null, empty, empty_inside)
    walk.found("S30", place, old, new, "flattened", detail=held)
    if in_lists:
        inside = without_null(walk.old.resolve(inside)) if is_nullable(inside, walk.old) else inside
    elif may_be_null:
        new = union_of(new, Null())
    walk.compare(inside, new, replace(place, path=place.path / inner))


def settle_null(walk: Walk, mark: int, place: Place) -> bool:
    """Null beside a value that goes into an object, or comes out of one: what is found at `mark` says already what becomes of it, or it
    may be there only afterwards. False where nothing here is such a value."""
    found = [
        change
        for change in walk.changes[mark:]
        if change.rule == "S30" and change.path == str(place.path) and change.site is not None
    ]
    held = found[0].site.detail if found and found[0].site is not None else None
    if not isinstance(held, Held):
        return False
    allowed = [
        change for change in walk.changes[mark:] if change.rule == "S24" and change.path == str(place.path)
    ]
    for change in allowed:
        walk.changes.remove(change)
        if found[0].direction == "nested" or held.in_lists:
            walk.changes.append(change)
    return True
