"""Fields that left one object and turned up in another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.renames import is_role, name_similarity
from statemig.autogenerate.structure import Walk
from statemig.path import Items, Key, Path, Slot, Values, Variant
from statemig.shapes.shape import (
    Anything,
    ListOf,
    MapOf,
    Object,
    Property,
    Schema,
    Shape,
    TupleOf,
    Union,
    without_null,
)

_REMOVED: Final = ("S07", "S08")
_ADDED: Final = ("S04", "S05", "S06")
# The same unusual name and the same type in exactly one other place.
_MOVED: Final = 0.85
_DEPTH: Final = 2


@dataclass(frozen=True, slots=True)
class Spot:
    """A field that is gone or new: itself, or inside an object that is gone or new."""

    change: Change
    path: Path
    target: Path
    prop: Property
    inside: bool


def pair_moves(walk: Walk) -> tuple[list[Change], list[tuple[str, str, float]]]:
    """The changes with removed and added fields paired to moves, and the moves that nobody was asked about, as (old path,
    new path, score)."""
    changes = list(walk.changes)
    answered: set[str] = set()
    for place, target in walk.moves.values():
        left = next((c for c in changes if c.rule in _REMOVED and c.path == str(place.path)), None)
        right = next((c for c in changes if c.rule in _ADDED and c.path == str(target)), None)
        if left is not None:
            _replace(changes, left, right, _move(left, left.path, place.target, target))
            answered.add(str(place.path))
    renames: list[tuple[str, str, float]] = []
    for gone, come in _matches(changes, walk):
        if gone.change not in changes or come.change not in changes:
            continue  # its object went elsewhere as a whole
        whole = not gone.inside
        move = _move(gone.change, str(gone.path), gone.target, come.target)
        if whole:
            _replace(changes, gone.change, None if come.inside else come.change, move)
        else:
            changes.insert(changes.index(gone.change), move)
            if not come.inside:
                changes.remove(come.change)
        renames.append((str(gone.path), str(come.path), _MOVED))
        answered.add(str(gone.path))
    taken = {new for _, new, _ in renames}
    open_questions = [
        (path, [candidate for candidate in candidates if candidate[0] not in taken])
        for path, candidates in walk.questions
        if path not in answered
    ]
    walk.questions = [(path, candidates) for path, candidates in open_questions if candidates]
    return changes, renames


def is_there(schema: Schema, path: Path) -> bool:
    """Whether some document of the schema may have a value at the path. Variants are not told apart."""
    shapes: list[Shape] = [schema.root]
    for segment in path.segments:
        inside: list[Shape] = []
        for shape in (member for outer in shapes for member in _members(outer, schema)):
            match segment, shape:
                case _, Anything():
                    return True
                case Variant(), _:
                    inside.append(shape)
                case Key(name), Object(properties) if name in properties:
                    inside.append(properties[name].shape)
                case Items(), ListOf():
                    inside.append(shape.items)
                case Values(), MapOf():
                    inside.append(shape.values)
                case Slot(index), TupleOf(slots) if index < len(slots):
                    inside.append(slots[index])
        shapes = inside
    return bool(shapes)


def _members(shape: Shape, schema: Schema) -> tuple[Shape, ...]:
    shape = schema.resolve(shape)
    if isinstance(shape, Union):
        return tuple(schema.resolve(member) for member in shape.members)
    return (shape,)


def _move(change: Change, path: str, target: Path | None, to: Path) -> Change:
    site = change.site
    old = site.old if site is not None else None
    return Change.of("S14", path, path, str(to), site=Site(target, old, None, detail=to))


def _replace(changes: list[Change], gone: Change, come: Change | None, move: Change) -> None:
    changes[changes.index(gone)] = move
    if come is not None:
        changes.remove(come)


def _matches(changes: list[Change], walk: Walk) -> Iterator[tuple[Spot, Spot]]:
    gone = [spot for change in changes if change.rule in _REMOVED for spot in _spots(change, walk.old)]
    come = [spot for change in changes if change.rule in _ADDED for spot in _spots(change, walk.new)]
    for left in gone:
        fitting = [right for right in come if _same_field(left, right, walk)]
        if len(fitting) != 1:
            continue
        right = fitting[0]
        if sum(_same_field(other, right, walk) for other in gone) == 1:
            yield left, right


def _spots(change: Change, schema: Schema) -> Iterator[Spot]:
    site = change.site
    prop = None if site is None else site.old_property or site.new_property
    if site is None or site.target is None or prop is None:
        return
    path = Path.parse(change.path)
    yield Spot(change, path, site.target, prop, inside=False)
    yield from _within(change, path, site.target, prop, schema, _DEPTH)


def _within(
    change: Change, path: Path, target: Path, prop: Property, schema: Schema, depth: int
) -> Iterator[Spot]:
    inside = schema.resolve(without_null(schema.resolve(prop.shape)))
    if depth == 0 or not isinstance(inside, Object):
        return
    for key, child in inside.properties.items():
        yield Spot(change, path / key, target / key, child, inside=True)
        yield from _within(change, path / key, target / key, child, schema, depth - 1)


def _same_field(gone: Spot, come: Spot, walk: Walk) -> bool:
    if gone.path.parent == come.path.parent or not _reachable(gone.target, come.target):
        return False
    if gone.inside and come.inside:
        return False  # of two unrelated objects, one gone and one new, some fields have the same name
    if not walk.alike(
        without_null(walk.old.resolve(gone.prop.shape)), without_null(walk.new.resolve(come.prop.shape))
    ):
        return False
    left, right = gone.path.key, come.path.key
    if left == right:
        return not is_role(left)
    return name_similarity(_two(gone.path), right) == 1.0 or name_similarity(left, _two(come.path)) == 1.0


def _two(path: Path) -> str:
    """The last two keys as one name: what a field is called once its object is dissolved."""
    above = path.segments[-2] if len(path.segments) > 1 else None
    return f"{above.name}_{path.key}" if isinstance(above, Key) else path.key


def _reachable(source: Path, target: Path) -> bool:
    """A value can move between objects, not in or out of a list, map or variant, nor between state and outputs."""
    common = 0
    limit = min(len(source.segments), len(target.segments)) - 1
    while common < limit and source.segments[common] == target.segments[common]:
        common += 1
    rest = (*source.segments[common:], *target.segments[common:])
    return common > 0 and all(isinstance(segment, Key) for segment in rest)
