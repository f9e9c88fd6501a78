"""The union of two schemas, as a shape that is still readable: what may be stored when two writers may have
written it.

Pointwise: objects that stand for the same thing become one object with the properties of both, required where
both require it. Objects of a union stand for the same thing when they share a tag's value, a definition or a
class name. So the result accepts at least what either schema accepts, and sometimes mixtures of the two;
never less.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from statemig.shapes.accept import accepts, accepts_number, accepts_text
from statemig.shapes.json_schema_scalars import enum_of
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Never,
    Null,
    Number,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    String,
    Tag,
    TupleOf,
    Union,
    trimmed,
    union_of,
)

Side = Literal["left", "right"]


def join(left: Schema, right: Schema) -> Schema:
    """A schema that accepts whatever `left` or `right` accepts. Definitions of one name are joined."""
    if left == right:
        return left
    joiner = _Join(left, right)
    root = joiner.shape(left.root, right.root)
    return trimmed(Schema(root, joiner.definitions))


class _Join:
    def __init__(self, left: Schema, right: Schema) -> None:
        self.left = left
        self.right = right
        self.definitions: dict[str, Shape] = {}
        self.pairs: dict[tuple[str, str], str] = {}

    # -- references ------------------------------------------------------------------------------------------

    def shape(self, left: Shape, right: Shape) -> Shape:
        if isinstance(left, Ref) and isinstance(right, Ref):
            return self.pair(left.name, right.name)
        if isinstance(left, Never):
            return self.only(right, "right")
        if isinstance(right, Never):
            return self.only(left, "left")
        if isinstance(left, Union) or isinstance(right, Union):
            return self.unions(left, right)
        # A reference beside something written out: join what it refers to, so that like meets like.
        if isinstance(left, Ref) and self.mergeable(self.left.resolve(left), right):
            return self.merged(self.left.resolve(left), right)
        if isinstance(right, Ref) and self.mergeable(left, self.right.resolve(right)):
            return self.merged(left, self.right.resolve(right))
        if self.mergeable(left, right):
            return self.merged(left, right)
        return union_of(self.only(left, "left"), self.only(right, "right"))

    def pair(self, left: str, right: str) -> Shape:
        if (left, right) in self.pairs:
            return Ref(self.pairs[left, right])
        one, other = self.left.resolve(Ref(left)), self.right.resolve(Ref(right))
        if left != right and not self.mergeable(one, other):
            return union_of(self.only(Ref(left), "left"), self.only(Ref(right), "right"))
        name = self.fresh(left if left == right else f"{left}_{right}", taken=left != right)
        self.pairs[left, right] = name
        self.definitions[name] = Never()
        self.definitions[name] = self.shape(one, other)
        return Ref(name)

    def only(self, shape: Shape, side: Side) -> Shape:
        """A part that one schema has alone, with its references renamed into the result."""
        match shape:
            case Ref(name):
                return self.alone(name, side)
            case ListOf(items, low, high, unique):
                return ListOf(self.only(items, side), low, high, unique)
            case TupleOf(slots, rest):
                tail = None if rest is None else self.only(rest, side)
                return TupleOf(tuple(self.only(slot, side) for slot in slots), tail)
            case MapOf(values, keys, low, high):
                return MapOf(self.only(values, side), keys, low, high)
            case Object(properties, extra, name):
                kept = {key: self.property(each, side, each.required) for key, each in properties.items()}
                return Object(kept, extra if isinstance(extra, str) else self.only(extra, side), name)
            case Union(members):
                return replace(shape, members=tuple(self.only(member, side) for member in members))
            case _:
                return shape

    def alone(self, name: str, side: Side) -> Shape:
        # Where the other schema knows the name too, both mean the joined definition: one name, one meaning.
        if name in self.left.definitions and name in self.right.definitions:
            return self.pair(name, name)
        if name not in self.definitions:
            self.definitions[name] = Never()
            whose = self.left if side == "left" else self.right
            self.definitions[name] = self.only(whose.definitions.get(name, Never()), side)
        return Ref(name)

    def fresh(self, wanted: str, *, taken: bool) -> str:
        name, number = wanted, 2
        while taken and (
            name in self.definitions or name in self.left.definitions or name in self.right.definitions
        ):
            name, number = f"{wanted}_{number}", number + 1
        return name

    def property(self, each: Property, side: Side, required: bool) -> Property:
        shape = self.only(each.shape, side)
        return Property(shape, required, each.default, each.python_name, each.aliases, each.description)

    # -- two of a kind ---------------------------------------------------------------------------------------

    def mergeable(self, left: Shape, right: Shape) -> bool:
        match left, right:
            case (Object(), Object()) | (MapOf(), MapOf()) | (ListOf(), ListOf()):
                return True
            case (Enum(), Enum()) | (Null(), Null()) | (Boolean(), Boolean()):
                return True
            case TupleOf(slots, rest), TupleOf(others, tail):
                return len(slots) == len(others) and (rest is None) == (tail is None)
            case (Anything(None), _) | (_, Anything(None)):
                return True
            case _:
                return left == right or _wider(left, right) is not None

    def merged(self, left: Shape, right: Shape) -> Shape:
        match left, right:
            case Object(), Object():
                return self.objects(left, right)
            case ListOf(), ListOf():
                low = _lowest(left.min_items, right.min_items)
                high = _highest(left.max_items, right.max_items)
                return ListOf(self.shape(left.items, right.items), low, high, left.unique and right.unique)
            case MapOf(), MapOf():
                low = _lowest(left.min_items, right.min_items)
                high = _highest(left.max_items, right.max_items)
                return MapOf(self.shape(left.values, right.values), _keys(left.keys, right.keys), low, high)
            case TupleOf(slots, rest), TupleOf(others, tail):
                joined = tuple(self.shape(slot, other) for slot, other in zip(slots, others, strict=True))
                return TupleOf(joined, None if rest is None or tail is None else self.shape(rest, tail))
            case Enum(), Enum():
                return _enums(left, right)
            case (Anything(None), _) | (_, Anything(None)):
                return Anything()
            case _:
                wider = _wider(left, right)
                return left if wider is None else wider

    def objects(self, left: Object, right: Object) -> Object:
        properties: dict[str, Property] = {}
        for key, each in left.properties.items():
            other = right.properties.get(key)
            properties[key] = (
                self.both(each, other) if other else self.one(each, "left", right.extra, "right")
            )
        for key, each in right.properties.items():
            if key not in properties:
                properties[key] = self.one(each, "right", left.extra, "left")
        name = left.name if left.name is not None else right.name
        return Object(properties, self.extras(left.extra, right.extra), name)

    def both(self, left: Property, right: Property) -> Property:
        return Property(
            self.shape(left.shape, right.shape),
            left.required and right.required,
            right.default if left.default is MISSING else left.default,
            left.python_name if left.python_name is not None else right.python_name,
            tuple(dict.fromkeys((*left.aliases, *right.aliases))),
            left.description if left.description is not None else right.description,
        )

    def one(self, each: Property, side: Side, extra: Any, other: Side) -> Property:
        """A property that the other object may hold only as an extra one."""
        kept = self.property(each, side, False)
        if isinstance(extra, str):
            return kept
        shape = self.shape(each.shape, extra) if side == "left" else self.shape(extra, each.shape)
        return Property(shape, False, kept.default, kept.python_name, kept.aliases, kept.description)

    def extras(self, left: Any, right: Any) -> Any:
        if isinstance(left, str) and isinstance(right, str):
            return "forbid" if left == right == "forbid" else "ignore"
        if isinstance(left, str):
            return self.only(right, "right")
        if isinstance(right, str):
            return self.only(left, "left")
        return self.shape(left, right)

    # -- unions ----------------------------------------------------------------------------------------------

    def unions(self, left: Shape, right: Shape) -> Shape:
        ours, theirs = _members(left), _members(right)
        links = [
            (at, other)
            for at, (one, _) in enumerate(ours)
            for other, (two, _) in enumerate(theirs)
            if self.alike(left, at, one, right, other, two)
        ]
        # The only object here and the only one there stand for the same thing, whatever their names.
        objects = [
            at for at, (one, own) in enumerate(ours) if not own and isinstance(self.left.resolve(one), Object)
        ]
        others = [
            at
            for at, (two, own) in enumerate(theirs)
            if not own and isinstance(self.right.resolve(two), Object)
        ]
        if len(objects) == len(others) == 1:
            links.append((objects[0], others[0]))
        return self.poured(ours, theirs, links, _key(left), _key(right))

    def poured(
        self,
        ours: list[tuple[Shape, list[Any]]],
        theirs: list[tuple[Shape, list[Any]]],
        links: list[tuple[int, int]],
        key: str | None,
        other_key: str | None,
    ) -> Shape:
        """Joins linked members. A member linked to several takes them all in."""
        groups: list[tuple[set[int], set[int]]] = []
        for at, other in links:
            touching = [group for group in groups if at in group[0] or other in group[1]]
            whole = ({at}.union(*(group[0] for group in touching)), {other}.union(*(g[1] for g in touching)))
            groups = [group for group in groups if group not in touching] + [whole]
        members: list[Shape] = []
        values: list[list[Any]] = []
        used_left: set[int] = set()
        for at in range(len(ours)):
            if at in used_left:
                continue
            group = next((group for group in groups if at in group[0]), ({at}, set()))
            used_left |= group[0]
            here = [ours[number] for number in sorted(group[0])]
            there = [theirs[number] for number in sorted(group[1])]
            members.append(self.gathered([shape for shape, _ in here], [shape for shape, _ in there]))
            values.append([value for _, own in (*here, *there) for value in own])
        linked = set().union(*(group[1] for group in groups)) if groups else set()
        for at, (two, own) in enumerate(theirs):
            if at not in linked:
                members.append(self.only(two, "right"))
                values.append(own)
        return _with_tag(members, values, key, other_key)

    def gathered(self, ours: list[Shape], theirs: list[Shape]) -> Shape:
        if len(ours) == 1 and not theirs:
            return self.only(ours[0], "left")
        if len(ours) == len(theirs) == 1:
            return self.shape(ours[0], theirs[0])
        return union_of(
            *(self.only(each, "left") for each in ours), *(self.only(each, "right") for each in theirs)
        )

    def alike(self, left: Shape, at: int, one: Shape, right: Shape, other: int, two: Shape) -> bool:
        ours, theirs = _members(left)[at][1], _members(right)[other][1]
        if bool(ours) != bool(theirs):
            return False  # one carries a tag and the other need not
        if ours and _key(left) == _key(right):
            return any(value in theirs for value in ours)
        if isinstance(one, Ref) and isinstance(two, Ref) and one.name == two.name:
            return True
        inside, within = self.left.resolve(one), self.right.resolve(two)
        if isinstance(inside, Object) and isinstance(within, Object):
            return inside.name is not None and inside.name == within.name
        if isinstance(inside, TupleOf | Union) or isinstance(within, TupleOf | Union):
            return False
        if isinstance(inside, ListOf | MapOf):
            kind = type(inside)
            alone = all(
                sum(isinstance(schema.resolve(member), kind) for member, _ in _members(shape)) == 1
                for shape, schema in ((left, self.left), (right, self.right))
            )
            return alone and isinstance(within, kind)
        return self.mergeable(inside, within)


def _members(shape: Shape) -> list[tuple[Shape, list[Any]]]:
    """Members of a union, or the shape alone, each with the values of the tag that stand for it."""
    if not isinstance(shape, Union):
        return [(shape, [])]
    mapping = shape.tag.mapping if shape.tag else {}
    return [
        (member, [value for value, index in mapping.items() if index == at])
        for at, member in enumerate(shape.members)
    ]


def _key(shape: Shape) -> str | None:
    return shape.tag.key if isinstance(shape, Union) and shape.tag else None


def _with_tag(members: list[Shape], values: list[list[Any]], key: str | None, other: str | None) -> Shape:
    mapping = {value: at for at, own in enumerate(values) for value in own}
    one_key = key if other is None else other if key is None else key if key == other else None
    if one_key is None or not mapping:
        return union_of(*(Union(m.members) if isinstance(m, Union) else m for m in members))
    return union_of(*members, tag=Tag(one_key, mapping))


def _wider(left: Shape, right: Shape) -> Shape | None:
    """The one of two scalars that surely includes the other."""
    for narrow, wide in ((left, right), (right, left)):
        match narrow, wide:
            case ((Integer() | Number()), (Integer() | Number())):
                if narrow == wide or _bounds_include(wide, narrow):
                    return wide
            case String(), String():
                if narrow == wide or wide == String():
                    return wide
            case Enum(values), (String() | Integer() | Number() | Boolean()):
                if _accept_all(wide, values):
                    return wide
            case _:
                pass
    return None


def _bounds_include(wide: Integer | Number, narrow: Integer | Number) -> bool:
    if isinstance(wide, Integer) and isinstance(narrow, Number):
        return False
    if wide.multiple_of is not None and wide.multiple_of != narrow.multiple_of:
        return False
    if isinstance(wide, Number) and (wide.exclusive_minimum or wide.exclusive_maximum):
        return False
    low = wide.minimum is None or (narrow.minimum is not None and narrow.minimum >= wide.minimum)
    high = wide.maximum is None or (narrow.maximum is not None and narrow.maximum <= wide.maximum)
    return low and high


def _accept_all(wide: Shape, values: tuple[Any, ...]) -> bool:
    if isinstance(wide, String):
        return (
            wide.pattern is None
            and wide.format is None
            and all(isinstance(value, str) and accepts_text(wide, value) for value in values)
        )
    if isinstance(wide, Integer | Number):
        return all(accepts_number(wide, value) for value in values)
    return all(accepts(wide, value, Schema(wide)) for value in values)


def _enums(left: Enum, right: Enum) -> Shape:
    return enum_of((*_named(left), *_named(right)))


def _named(enum: Enum) -> list[tuple[Any, str | None]]:
    return list(zip(enum.values, enum.names or [None] * len(enum.values), strict=True))


def _keys(left: String | Enum, right: String | Enum) -> String | Enum:
    if isinstance(left, Enum) and isinstance(right, Enum):
        both = _enums(left, right)
        return both if isinstance(both, Enum) else String()
    wider = _wider(left, right)
    return wider if isinstance(wider, String) else String()


def _lowest(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else min(left, right)


def _highest(left: int | None, right: int | None) -> int | None:
    return None if left is None or right is None else max(left, right)
