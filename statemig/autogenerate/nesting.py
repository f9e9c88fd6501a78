"""A value that became an object which holds it, or the reverse."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from statemig.autogenerate.objects import compare_objects
from statemig.autogenerate.place import Place
from statemig.autogenerate.renames import name_similarity
from statemig.path import Key
from statemig.shapes.shape import Object, Property, Schema, Shape
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


def compare_nested(walk: Walk, old: Shape, new: Object, inner: str | None, place: Place) -> None:
    """`inner` is the field that holds the old value, None where several might."""
    walk.found("S30", place, old, new, "nested", detail=_at_a_field(inner, place))
    if inner is not None:
        compare_objects(walk, Object({inner: Property(old)}), replace(new, extra="ignore"), place)


def compare_flattened(walk: Walk, old: Object, new: Shape, inner: str | None, place: Place) -> None:
    if inner is None:
        walk.found("S30", place, old, new, "flattened")
        return
    for key, prop in old.properties.items():
        if key != inner:
            walk.found("S07", place.field(key, key), prop.shape, None, old_property=prop)
    walk.found("S30", place, old, new, "flattened", detail=_at_a_field(inner, place))
    walk.compare(old.properties[inner].shape, new, replace(place, path=place.path / inner))


def _at_a_field(inner: str | None, place: Place) -> str | None:
    """An item of a list has no name beside which an object could stand."""
    return inner if place.target is not None and isinstance(place.target.last, Key) else None
