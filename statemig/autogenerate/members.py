"""Which member of an old union became which member of the new one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from statemig.autogenerate.renames import assign
from statemig.shapes.shape import (
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Null,
    Number,
    Object,
    Ref,
    Scalar,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
)
from statemig.shapes.similarity import similarity

_SAME: Final = 0.5


@dataclass(frozen=True, slots=True)
class Parts:
    """A shape as a list of alternatives, null apart. `tags[i]` is the tag value of the i-th, where there is a tag. `in_order`: the first
    one that accepts a value has it."""

    shapes: tuple[Shape, ...]
    nullable: bool
    key: str | None = None
    tags: tuple[Scalar, ...] = ()
    in_order: bool = False


def parts(shape: Shape, schema: Schema) -> Parts:
    """References to unions are opened; other references stay, so that the name of a definition is not lost."""
    found: list[Shape] = []
    nullable = in_order = False
    pending: list[Shape] = [shape]
    opened: set[str] = set()
    top = schema.resolve(shape)
    while pending:
        member = pending.pop(0)
        resolved = schema.resolve(member)
        if isinstance(resolved, Union):
            in_order = in_order or resolved.in_order
            if isinstance(member, Ref):
                if member.name in opened:
                    continue
                opened.add(member.name)
            pending = [*resolved.members, *pending]
        elif isinstance(resolved, Null):
            nullable = True
        else:
            found.append(member)
    if isinstance(top, Union) and top.tag is not None:
        values = {number: value for value, number in top.tag.mapping.items()}
        tags = tuple(
            values.get(number)
            for number, member in enumerate(top.members)
            if not isinstance(schema.resolve(member), Null)
        )
        if len(tags) == len(found):
            return Parts(tuple(found), nullable, top.tag.key, tags)
    return Parts(tuple(found), nullable, in_order=in_order)


def is_record(shape: Shape) -> bool:
    return isinstance(shape, Object | MapOf)


def is_sequence(shape: Shape) -> bool:
    return isinstance(shape, ListOf | TupleOf)


def kind(shape: Shape) -> str:
    """Members of one kind may be two versions of each other."""
    match shape:
        case Object() | MapOf():
            return "record"
        case ListOf() | TupleOf():
            return "sequence"
        case Integer() | Number():
            return "number"
        case String():
            return "string"
        case Boolean():
            return "boolean"
        case Enum(values):
            return "string" if all(isinstance(value, str) for value in values) else "enum"
        case _:
            return type(shape).__name__


def match_members(
    old: Parts, new: Parts, old_schema: Schema, new_schema: Schema, same: Callable[[Shape, Shape], bool]
) -> tuple[list[tuple[int, int]], list[int], list[int]]:
    """Pairs of numbers, and the numbers left over on both sides.

    Equal members first; then the same tag or discriminating constant; then the same class name; then the most alike
    of one kind.
    """
    left, right = list(range(len(old.shapes))), list(range(len(new.shapes)))
    pairs: list[tuple[int, int]] = []

    def pair_up(fits: Callable[[int, int], bool]) -> None:
        for i in list(left):
            partners = [j for j in right if fits(i, j)]
            if len(partners) == 1 and sum(fits(other, partners[0]) for other in left) == 1:
                pairs.append((i, partners[0]))
                left.remove(i)
                right.remove(partners[0])

    inside_old = [old_schema.resolve(shape) for shape in old.shapes]
    inside_new = [new_schema.resolve(shape) for shape in new.shapes]
    pair_up(lambda i, j: same(old.shapes[i], new.shapes[j]) and _name(old.shapes[i]) == _name(new.shapes[j]))
    if old.key is not None and new.key is not None:
        pair_up(lambda i, j: old.tags[i] is not None and old.tags[i] == new.tags[j])
    pair_up(lambda i, j: bool(_constants(inside_old[i], old_schema) & _constants(inside_new[j], new_schema)))
    pair_up(lambda i, j: same(old.shapes[i], new.shapes[j]))
    pair_up(lambda i, j: _name(old.shapes[i]) is not None and _name(old.shapes[i]) == _name(new.shapes[j]))
    pair_up(lambda i, j: not is_record(inside_old[i]) and type(inside_old[i]) is type(inside_new[j]))
    scores = [
        [
            similarity(
                _beside_tag(old, i, new, old_schema),
                old_schema,
                _beside_tag(new, j, old, new_schema),
                new_schema,
            )
            if kind(inside_old[i]) == kind(inside_new[j])
            and not _contradict(inside_old[i], inside_new[j], old_schema, new_schema)
            else 0.0
            for j in right
        ]
        for i in left
    ]
    for row, column in sorted(assign(scores, _SAME).items()) if right else ():
        pairs.append((left[row], right[column]))
    gone, come = {i for i, _ in pairs}, {j for _, j in pairs}
    return sorted(pairs), [i for i in left if i not in gone], [j for j in right if j not in come]


def _beside_tag(union: Parts, number: int, other: Parts, schema: Schema) -> Shape:
    """A member by itself; where the tag has another name on the other side, without it."""
    shape = union.shapes[number]
    inside = schema.resolve(shape)
    if union.key is None or other.key in (None, union.key) or not isinstance(inside, Object):
        return shape
    rest = {key: prop for key, prop in inside.properties.items() if key != union.key}
    return Object(rest, inside.extra, inside.name)


def _name(shape: Shape) -> str | None:
    return shape.name if isinstance(shape, Ref | Object) else None


def constants(shape: Shape, schema: Schema) -> dict[str, Scalar]:
    """The properties of an object that have one possible value: what tells it from its neighbours."""
    if not isinstance(shape, Object):
        return {}
    found: dict[str, Scalar] = {}
    for key, prop in shape.properties.items():
        inside = schema.resolve(prop.shape)
        if isinstance(inside, Enum) and len(inside.values) == 1:
            found[key] = inside.values[0]
    return found


def _constants(shape: Shape, schema: Schema) -> set[tuple[str, Scalar]]:
    return set(constants(shape, schema).items())


def _contradict(old: Shape, new: Shape, old_schema: Schema, new_schema: Schema) -> bool:
    left, right = constants(old, old_schema), constants(new, new_schema)
    return any(key in right and right[key] != value for key, value in left.items())


def told_apart(shapes: Sequence[Shape], schema: Schema) -> str | None:
    """A key whose constant differs in every one of these objects, if there is one."""
    all_constants = [constants(schema.resolve(shape), schema) for shape in shapes]
    if not all_constants:
        return None
    for key in all_constants[0]:
        values = [found.get(key) for found in all_constants]
        if all(isinstance(value, str) for value in values) and len(set(values)) == len(values):
            return key
    return None
