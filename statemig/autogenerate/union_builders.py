"""Operations for the members of unions, and for the tag that tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from statemig.autogenerate.built import Built, nothing, one, several
from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.members import constants
from statemig.operations.recorder import Operations
from statemig.path import Definition, Path, Variant
from statemig.shapes.shape import Object, Ref, Schema, Shape

VARIANT_NOTE: Final = (
    "to decide: to=op.value(...); until then a run that has one stays as it is and is listed"
)


def variant(change: Change, site: Site, target: Path) -> Built:
    """A variant that came or went. What the values of one that went become, nobody can guess."""
    key, value = site.detail
    tag = str(_everywhere(target) / key)
    if change.direction == "added":
        return one(change, lambda op: op.add_variant(tag, value))
    return one(change, lambda op: op.remove_variant(tag, value), note=VARIANT_NOTE)


def retagged(change: Change, site: Site, target: Path) -> Built:
    if change.direction == "key":
        was, now = site.detail
        return one(change, lambda op: op.rename_tag(str(target / was), to=now))
    key, was, now = site.detail
    return one(change, lambda op: op.rename_variant(str(_everywhere(target) / key), was, now))


def _everywhere(target: Path) -> Path:
    """By way of all variants: a path through the tag would not find the value again on the way back."""
    return target.parent if isinstance(target.last, Variant) else target


def tagged(change: Change, site: Site, target: Path, old: Schema) -> Built:
    """Write the tag: of the one member, or of the member whose field is there. The site's detail is the key, and the old members
    with the tag that each has now."""
    if change.direction == "tag written" or site.detail is None:
        return nothing(change)
    key, members = site.detail
    path = str(target)
    if len(members) == 1:
        _, tag = members[0]
        return one(change, lambda op: op.tag_union(path, key, Operations.value(tag)))
    table = telling_fields(members, old)
    if table is not None:
        return one(change, lambda op: op.tag_union(path, key, table))
    written = [_written(change, key, shape, tag, old) for shape, tag in members]
    if all(each is not None for each in written):
        return several(*(each for each in written if each is not None))
    return nothing(change, "no field gives every member away; write tag_union with a function")


def telling_fields(members: Sequence[tuple[Shape, Any]], schema: Schema) -> dict[str, Any] | None:
    """For each member a field that it always has and none of those behind it ever has; None where there is no such order."""
    table: dict[str, Any] = {}
    left = [(schema.resolve(shape), tag) for shape, tag in members]
    if not all(isinstance(shape, Object) for shape, _ in left):
        return None
    while left:
        found = None
        for shape, tag in left:
            others = [other for other, _ in left if other is not shape]
            assert isinstance(shape, Object)
            names = [
                name
                for name, prop in shape.properties.items()
                if prop.required and not any(_may_have(other, name) for other in others)
            ]
            if names:
                found = (shape, tag, names[0])
                break
        if found is None:
            return None
        shape, tag, name = found
        table[name] = tag
        left = [(other, value) for other, value in left if other is not shape]
    return table


def _may_have(shape: Shape, name: str) -> bool:
    return isinstance(shape, Object) and name in shape.properties


def _written(change: Change, key: str, shape: Shape, tag: Any, old: Schema) -> Built | None:
    """A tag that its model has as a constant, written where it was left out."""
    if not isinstance(shape, Ref) or constants(old.resolve(shape), old).get(key) != tag:
        return None
    path = str(Path((Definition(shape.name),)) / key)
    return one(change, lambda op: op.make_required(path, fill=tag))
