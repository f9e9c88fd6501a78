"""The differences of two unions: which member became which, and what a tag does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from statemig.autogenerate.claims import accepted_by, claimed
from statemig.autogenerate.members import Parts, constants, is_record, is_sequence, match_members, told_apart
from statemig.autogenerate.place import Place
from statemig.path import Key, Path, Variant
from statemig.shapes.shape import Enum, Object, Ref, Scalar, Schema, Shape
from statemig.shapes.subshape import gaps

if TYPE_CHECKING:
    from statemig.autogenerate.structure import Walk


def compare_unions(walk: Walk, left: Parts, right: Parts, old: Shape, new: Shape, place: Place) -> None:
    pairs, gone, come = match_members(left, right, walk.old, walk.new, walk.alike)
    rekeyed = left.key is not None and right.key is not None and left.key != right.key
    if rekeyed:
        walk.found("S52", place, old, new, "key", detail=(left.key, right.key))
    several = len(left.shapes) > 1 and len(right.shapes) > 1
    becomes_tagged = several and right.key is not None and left.key is None
    if becomes_tagged:
        written = "tag written" if walk.covered(old, new) else "tag absent"
        members = tuple((left.shapes[i], right.tags[j]) for i, j in pairs)
        tags = (right.key, members) if not gone else None
        walk.found("S53", place, old, new, written, detail=tags)
    for i, j in pairs:
        where = _member(walk, left, i, place)
        if becomes_tagged or rekeyed:
            where = _as_variant(left, right, i, j, place, where)
        mark = len(walk.changes)
        walk.rekeyed = (left.key, right.key) if rekeyed else None
        walk.pair(left.shapes[i], right.shapes[j], where)
        walk.rekeyed = None
        if right.key is not None and left.key is None:
            _drop_tag(walk, mark, right.key)
        if left.key is not None and right.key is not None and left.tags[i] != right.tags[j]:
            _retagged(walk, left, right, i, j, where, mark)
    if several and _meant_otherwise(walk, left, right, pairs):
        walk.found("S50", place, old, new)
    gone = [i for i in gone if not walk.covered(left.shapes[i], new)]
    if len(left.shapes) == len(gone) == 1 and len(come) == 1:
        walk.pair(left.shapes[0], right.shapes[come[0]], place)
        pairs, gone, come = [(0, come[0])], [], []
    for i in gone:
        rule, direction = ("S51", "removed") if left.key else ("S49", "removed")
        if len(right.shapes) == 1:
            rule, direction = "S23", ""
        where = _member(walk, left, i, place) if left.key else place
        detail = _tag_of(walk, left, i)
        if rekeyed and right.key is not None:  # its tag is called so by then
            detail = (right.key, left.tags[i])
        walk.found(rule, where, left.shapes[i], new, direction, detail=detail)
    if len(left.shapes) == 1 and len(right.shapes) > 1:
        _introduced(walk, left, right, pairs, old, new, place)
        return
    for j in come:
        if right.key is not None:
            walk.found("S51", place, None, right.shapes[j], "added", detail=(right.key, right.tags[j]))
        else:
            taken = _overlap(walk, left, right.shapes[j]) or _comes_first(walk, left, right, pairs, j)
            walk.found("S49", place, None, right.shapes[j], taken or "added")
    if several and left.key is not None and right.key is None:
        back = gaps(Schema(new, walk.new.definitions), Schema(old, walk.old.definitions))
        walk.found("S54", place, old, new, "tag absent" if back else "tag written")


def _overlap(walk: Walk, left: Parts, *added: Shape) -> str:
    taken = any(claimed(walk.old, shape, walk.new, other) for shape in left.shapes for other in added)
    return "overlapping" if taken else ""


def _comes_first(walk: Walk, left: Parts, right: Parts, pairs: Sequence[tuple[int, int]], added: int) -> str:
    """Whether a new member is asked before one whose values it accepts as well."""
    taken = right.in_order and any(
        added < j and accepted_by(walk.old, left.shapes[i], walk.new, right.shapes[added]) for i, j in pairs
    )
    return "overlapping" if taken else ""


def _meant_otherwise(walk: Walk, left: Parts, right: Parts, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether the order in which members are asked makes another one of them accept a value first than the one that wrote it."""
    if not (left.in_order or right.in_order) or left.key is not None or right.key is not None:
        return False
    return any(
        _asked_first(left, right, (i, j), other)
        and accepted_by(walk.old, left.shapes[i], walk.new, right.shapes[other[1]])
        for i, j in pairs
        for other in pairs
        if other != (i, j)
    )


def _asked_first(left: Parts, right: Parts, own: tuple[int, int], other: tuple[int, int]) -> bool:
    """Whether `other` may be asked before `own` now, and was not before."""
    may_now = not right.in_order or other[1] < own[1]
    had_before = left.in_order and other[0] < own[0]
    return may_now and not had_before


def _as_variant(left: Parts, right: Parts, i: int, j: int, place: Place, where: Place) -> Place:
    """By the time the inside of a member changes, the tag is there, or has its new name, with the old value."""
    value = left.tags[i] if left.tags else right.tags[j]
    if right.key is None or not isinstance(value, str | int | bool):
        return where
    now = Variant((right.key,), value)
    if left.key is not None:
        return place.variant(Variant((left.key,), value), now)
    return replace(where, target=place.target / now if place.target is not None else None)


def _drop_tag(walk: Walk, mark: int, key: str) -> None:
    """A tag that is new is the union's change, and not one of each member."""
    fields = ("S03", "S04", "S05", "S06", "S09", "S10")
    walk.changes[mark:] = [
        change
        for change in walk.changes[mark:]
        if not (change.rule in fields and Path.parse(change.path).last == Key(key))
    ]


def _tag_of(walk: Walk, union: Parts, number: int) -> tuple[str, Scalar] | None:
    """The key and value by which a value of this member is known."""
    if union.key is not None:
        return (union.key, union.tags[number])
    inside = walk.old.resolve(union.shapes[number])
    others = [walk.old.resolve(shape) for at, shape in enumerate(union.shapes) if at != number]
    for key, value in constants(inside, walk.old).items():
        if isinstance(inside, Object) and not inside.properties[key].required:
            continue
        if all(not isinstance(other, Object) or _never(walk, other, key, value) for other in others):
            return (key, value)
    return None


def _never(walk: Walk, other: Object, key: str, value: Scalar) -> bool:
    """Whether no value of this object has the value at the key."""
    if key not in other.properties:
        return isinstance(other.extra, str)
    held = walk.old.resolve(other.properties[key].shape)
    return isinstance(held, Enum) and value not in held.values


def _retagged(walk: Walk, left: Parts, right: Parts, i: int, j: int, where: Place, mark: int) -> None:
    """A tag's other value is the variant's rename and nothing besides (no S36)."""
    key = right.key or ""
    inner = [
        change
        for change in walk.changes[mark:]
        if change.rule == "S36" and change.path.endswith((key, left.key or key))
    ]
    for change in inner:
        walk.changes.remove(change)
    detail = (key, left.tags[i], right.tags[j])
    walk.found("S52", where, left.shapes[i], right.shapes[j], "value", detail=detail)


def _introduced(
    walk: Walk,
    left: Parts,
    right: Parts,
    pairs: Sequence[tuple[int, int]],
    old: Shape,
    new: Shape,
    place: Place,
) -> None:
    """One type became one of several."""
    inside = walk.old.resolve(left.shapes[0])
    if right.key is not None and isinstance(inside, Object):
        tag = inside.properties.get(right.key)
        written = tag is not None and tag.required
        direction = "tag written" if written else "tag absent"
        members = tuple((left.shapes[i], right.tags[j]) for i, j in pairs)
        walk.found("S55", place, old, new, direction, detail=(right.key, members) if members else None)
    else:
        kept = {j for _, j in pairs}
        come = [shape for j, shape in enumerate(right.shapes) if j not in kept]
        walk.found("S22", place, old, new, _overlap(walk, left, *come))


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
