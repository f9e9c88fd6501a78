"""Random operations on several fields, containers, bounds and unions that fit a schema. Part of `operation_chains.Proposer`."""

from __future__ import annotations

from random import Random
from typing import Any

from statemig.operations import Operation
from statemig.operations.base import Value
from statemig.operations.bounds import Constrain, Relax, SetDefault
from statemig.operations.containers import (
    ListToMap,
    MapToList,
    RenameKeys,
    ToList,
    ToSet,
    TupleAdd,
    TupleRemove,
    TupleReorder,
)
from statemig.operations.groups import CopyField, Flatten, MergeFields, Nest, SplitField
from statemig.operations.unions import (
    AddVariant,
    RemoveVariant,
    RenameTag,
    RenameType,
    RenameVariant,
    TagUnion,
    Untag,
)
from statemig.path import Key, Path
from statemig.plan.values import members
from statemig.shapes.shape import (
    MISSING,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Number,
    Object,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
)

KINDS = (
    *("copy_field", "nest", "nest", "flatten", "split_field", "merge_fields"),
    *("set_default", "constrain", "constrain", "relax"),
    *("list_to_map", "map_to_list", "rename_keys", "tuple_add", "tuple_remove", "tuple_reorder"),
    *("to_set", "to_list"),
    *("rename_variant", "rename_tag", "add_variant", "remove_variant", "tag_union", "untag", "rename_type"),
)

PARTS = ("p", "q", "tmp")


def halves(value: Any) -> Any:
    """A lossless pair of any value; the second part is the same for all."""
    return value, "half"


def whole(value: Any, _: Any) -> Any:
    return value


def both(one: Any, other: Any) -> Any:
    return [one, other]


def apart(value: Any) -> Any:
    return tuple(value)


def tag_of(value: Any) -> Any:
    return f"keys {len(value)}"


def as_note(value: Any) -> Any:
    return {"kind": "note", "before": value}


#: what the lines of generated scripts name
FUNCTIONS = {each.__name__: each for each in (halves, whole, both, apart, tag_of, as_note)}


class FieldAndValueProposer:
    random: Random
    schema: Schema
    places: list[Any]

    def pick(self, suits: Any) -> Any:
        raise NotImplementedError

    def value(self, shape: Shape) -> Any:
        raise NotImplementedError

    def new_name(self) -> str:
        raise NotImplementedError

    def inner(self) -> Any:
        """A field that is not a step's output."""
        return self.pick(lambda each: each.holder is not None and each.path.parent != Path.of("outputs"))

    def of_kind(self, *kinds: Any) -> Any:
        def suits(place: Any) -> bool:
            return place.path.parent.segments[:1] != () and any(
                isinstance(member, kinds) for member in members(place.shape, self.schema)
            )

        return self.pick(suits)

    def member(self, place: Any, *kinds: Any) -> Any:
        return next(each for each in members(place.shape, self.schema) if isinstance(each, kinds))

    def siblings(self, place: Any, most: int) -> tuple[Path, ...]:
        names = list(place.holder.properties)
        return tuple(
            place.path.with_last(name)
            for name in self.random.sample(names, min(len(names), self.random.randint(1, most)))
            if place.path.with_last(name) != Path.of("state", "frame")
        )

    def copy_field(self) -> Operation | None:
        place = self.inner()
        if place is None:
            return None
        to = place.path.with_last(self.new_name())
        if self.random.random() < 0.3:
            to = to / self.new_name()
        return CopyField(place.path, to)

    def nest(self) -> Operation | None:
        place = self.inner()
        return place and Nest(self.siblings(place, 3), self.new_name())

    def flatten(self) -> Operation | None:
        place = self.pick(
            lambda each: (
                each.holder is not None
                and each.path.parent != Path.of("outputs")
                and any(
                    isinstance(member, Object) and member.properties
                    for member in members(each.shape, self.schema)
                )
            )
        )
        if place is None:
            return None
        fields = tuple(self.member(place, Object).properties)
        return Flatten(place.path, fields)

    def split_field(self) -> Operation | None:
        place = self.inner()
        if place is None:
            return None
        join = whole if self.random.random() < 0.8 else None
        return SplitField(place.path, (self.new_name(), self.random.choice(PARTS)), halves, join)

    def merge_fields(self) -> Operation | None:
        place = self.inner()
        if place is None:
            return None
        fields = self.siblings(place, 2)
        if len(fields) != 2:
            return None
        return MergeFields(fields, self.new_name(), both, apart if self.random.random() < 0.8 else None)

    def set_default(self) -> Operation | None:
        place = self.inner()
        return place and SetDefault(
            place.path,
            self.value(place.shape),
            self.value(place.shape) if self.random.random() < 0.7 else MISSING,
        )

    def bounds(self, place: Any) -> Any:
        random = self.random
        there = members(place.shape, self.schema)
        clamp = truncate = None
        if any(isinstance(each, Integer | Number) for each in there):
            clamp = random.choice((None, (0, 5), (None, 3), (2.5, None)))
        if any(isinstance(each, String | ListOf | TupleOf) for each in there):
            truncate = random.choice((None, 0, 1, 3))
        reject: Any = random.choice(
            (
                (),
                (),
                (("minimum", 1), ("maximum", 100)),
                (("minLength", 1), ("maxItems", 5)),
                (("enum", ("red", 1, None)),),
                (("pattern", "^[a-z]"), ("minItems", 1)),
            )
        )
        return clamp, truncate, reject

    def constrain(self) -> Operation | None:
        place = self.of_kind(Integer, Number, String, Enum, ListOf, TupleOf)
        bounds = self.bounds(place) if place else (None, None, ())
        return Constrain(place.path, *bounds) if bounds != (None, None, ()) else None

    def relax(self) -> Operation | None:
        place = self.of_kind(Integer, Number, String, Enum, ListOf, TupleOf)
        return place and Relax(place.path, *self.bounds(place))

    def list_to_map(self) -> Operation | None:
        place = self.of_kind(ListOf)
        if place is None:
            return None
        names = [
            name
            for inner in members(self.member(place, ListOf).items, self.schema)
            if isinstance(inner, Object)
            for name in inner.properties
        ]
        return ListToMap(place.path, self.random.choice(names), self.random.random() < 0.5) if names else None

    def map_to_list(self) -> Operation | None:
        place = self.of_kind(MapOf)
        return place and MapToList(place.path, self.new_name(), self.random.random() < 0.5)

    def rename_keys(self) -> Operation | None:
        place = self.of_kind(MapOf)
        if place is None:
            return None
        names = self.random.sample((*"abcde", "kind", "tmp"), 4)
        return RenameKeys(
            place.path,
            self.random.choice((((names[0], names[1]),), (names[:2], names[1:3]), (names[:2], names[2:]))),
        )

    def tuple_add(self) -> Operation | None:
        from statemig.path import Slot

        place = self.of_kind(TupleOf, TupleOf, ListOf)
        default = self.random.choice((None, 1, "x", [], {"a": 1}))
        return place and TupleAdd(place.path / Slot(self.random.randint(0, 2)), default)

    def tuple_remove(self) -> Operation | None:
        from statemig.path import Slot

        place = self.of_kind(TupleOf, ListOf)
        if place is None:
            return None
        slot = place.path / Slot(self.random.randint(0, 2))
        there = [each.shape for each in self.places if each.path == slot]
        restore = self.value(there[0]) if there and self.random.random() < 0.5 else MISSING
        return TupleRemove(slot, restore)

    def tuple_reorder(self) -> Operation | None:
        place = self.of_kind(TupleOf, ListOf)
        return place and TupleReorder(place.path, self.random.choice(((1, 0), (2, 0, 1))))

    def to_set(self) -> Operation | None:
        place = self.of_kind(ListOf, TupleOf)
        return place and ToSet(place.path)

    def to_list(self) -> Operation | None:
        place = self.of_kind(ListOf)
        return place and ToList(place.path)

    def tag(self) -> Any:
        """The path of a tag and the values that it may have."""

        def tagged(place: Any) -> bool:
            found = self.schema.resolve(place.shape)
            return isinstance(found, Union) and found.tag is not None and len(place.path.segments) > 1

        place = self.pick(tagged)
        if place is None:
            return None
        tag = self.schema.resolve(place.shape).tag  # type: ignore[union-attr]
        return place.path / tag.key, tuple(tag.mapping)

    def rename_variant(self) -> Operation | None:
        found = self.tag()
        if found is None:
            return None
        path, values = found
        return RenameVariant(path, self.random.choice(values), self.random.choice(("find", "note", 3)))

    def rename_tag(self) -> Operation | None:
        found = self.tag()
        return found and RenameTag(found[0], self.new_name())

    def variant_end(self) -> Any:
        return self.random.choice((Value(None), Value({"kind": "other", "v": [1]}), as_note))

    def add_variant(self) -> Operation | None:
        found = self.tag()
        to = self.random.choice((MISSING, self.variant_end()))
        return found and AddVariant(found[0], "new", to)

    def remove_variant(self) -> Operation | None:
        found = self.tag()
        return found and RemoveVariant(found[0], self.random.choice(found[1]), self.variant_end())

    def tag_union(self) -> Operation | None:
        place = self.pick(
            lambda each: (
                len(each.path.segments) > 1
                and each.path.segments != (Key("outputs"),)
                and any(isinstance(member, Object) for member in members(each.shape, self.schema))
            )
        )
        if place is None:
            return None
        names = [
            name
            for member in members(place.shape, self.schema)
            if isinstance(member, Object)
            for name in member.properties
        ]
        table = tuple((name, f"has {name}") for name in dict.fromkeys(names)) or (("a", 1),)
        return TagUnion(
            place.path,
            self.random.choice(("kind", "type")),
            self.random.choice((Value("one"), table, table, tag_of)),
        )

    def untag(self) -> Operation | None:
        found = self.tag()
        infer = self.random.choice((MISSING, Value("note"), (("a", "search"), ("b", "note"))))
        return found and Untag(found[0], infer)

    def rename_type(self) -> Operation | None:
        old = self.random.choice(sorted(self.schema.definitions))
        new = self.random.choice(
            [name for name in ("Tree", "Thing", "Node", "Leaf") if name not in self.schema.definitions]
        )
        return RenameType(old, new)
