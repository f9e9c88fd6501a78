"""The differences of two unions: which member became which, and what a tag does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statemig.autogenerate.members import Parts, constants, is_record, is_sequence, match_members, told_apart
from statemig.autogenerate.place import Place
from statemig.path import Variant
from statemig.shapes.shape import Enum, Object, Ref, Shape

if TYPE_CHECKING:
    from statemig.autogenerate.structure import Walk


def compare_unions(walk: Walk, left: Parts, right: Parts, old: Shape, new: Shape, place: Place) -> None:
    pairs, gone, come = match_members(left, right, walk.old, walk.new, walk.alike)
    if left.key is not None and right.key is not None and left.key != right.key:
        walk.found("S52", place, old, new, "key")
    for i, j in pairs:
        where = _member(walk, left, i, place)
        mark = len(walk.changes)
        walk.pair(left.shapes[i], right.shapes[j], where)
        if left.key is not None and left.key == right.key and left.tags[i] != right.tags[j]:
            _retagged(walk, left, right, i, j, where, mark)
    gone = [i for i in gone if not walk.covered(left.shapes[i], new)]
    if len(left.shapes) == len(gone) == 1 and len(come) == 1:
        walk.pair(left.shapes[0], right.shapes[come[0]], place)
        gone, come = [], []
    for i in gone:
        rule, direction = ("S51", "removed") if left.key else ("S49", "removed")
        if len(right.shapes) == 1:
            rule, direction = "S23", ""
        where = _member(walk, left, i, place) if rule == "S51" else place
        walk.found(rule, where, left.shapes[i], new, direction)
    if len(left.shapes) == 1 and come:
        _introduced(walk, left, right, old, new, place)
        return
    for j in come:
        rule = "S51" if right.key else "S49"
        walk.found(rule, place, None, right.shapes[j], "added")
    if len(left.shapes) > 1 and len(right.shapes) > 1 and bool(left.key) != bool(right.key):
        written = "tag written" if walk.covered(old, new) else "tag absent"
        walk.found("S53" if right.key else "S54", place, old, new, written if right.key else "")


def _retagged(walk: Walk, left: Parts, right: Parts, i: int, j: int, where: Place, mark: int) -> None:
    """A tag's other value is the variant's rename and nothing besides (no S36)."""
    key = left.key or ""
    inner = [change for change in walk.changes[mark:] if change.rule == "S36" and change.path.endswith(key)]
    for change in inner:
        walk.changes.remove(change)
    detail = (key, left.tags[i], right.tags[j])
    walk.found("S52", where, left.shapes[i], right.shapes[j], "value", detail=detail)


def _introduced(walk: Walk, left: Parts, right: Parts, old: Shape, new: Shape, place: Place) -> None:
    """One type became one of several."""
    inside = walk.old.resolve(left.shapes[0])
    if right.key is not None and isinstance(inside, Object):
        tag = inside.properties.get(right.key)
        written = tag is not None and tag.required
        constant = constants(inside, walk.old).get(right.key)
        direction = "tag written" if written else "tag absent"
        walk.found("S55", place, old, new, direction, detail=(right.key, constant))
    else:
        walk.found("S22", place, old, new)


def _member(walk: Walk, union: Parts, number: int, place: Place) -> Place:
    """The place of one member, if a path can name it."""
    shape = union.shapes[number]
    inside = walk.old.resolve(shape)
    value = union.tags[number] if union.tags else None
    if union.key is not None and isinstance(value, str | int | bool):
        return place.inside(Variant((union.key,), value))
    alike = is_record if is_record(inside) else is_sequence if is_sequence(inside) else None
    if alike is None:
        return place
    others = [other for other in union.shapes if alike(walk.old.resolve(other))]
    if len(others) == 1:
        return place
    if isinstance(shape, Ref):
        return place.definition(shape.name)
    key = told_apart(others, walk.old) if alike is is_record else None
    if key is not None and isinstance(inside, Object):
        constant = walk.old.resolve(inside.properties[key].shape)
        if isinstance(constant, Enum) and isinstance(constant.values[0], str):
            return place.inside(Variant((key,), constant.values[0]))
    return replace(place, target=None)
