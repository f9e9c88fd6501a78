"""Value functions on lists and maps as a whole: index and values, sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from statemig import json_text
from statemig.errors import ConversionError
from statemig.plan.values import ValueFunction, fresh, kind, members
from statemig.shapes.shape import (
    Anything,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Never,
    Null,
    Object,
    Property,
    Schema,
    Shape,
    String,
    TupleOf,
    union_of,
)


@dataclass(frozen=True, slots=True)
class Index:
    """A list of objects becomes a map by the text that each has at `key`, which goes from the object unless `inside`. null stays."""

    key: str
    inside: bool = True
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        made: dict[str, Any] = {}
        for item in as_list(value):
            if not isinstance(item, dict) or self.key not in item:
                raise ConversionError(
                    f"an item of the list has no {self.key!r} to be found by",
                    hint="Give it one first, for example with add_field or make_required",
                )
            name = item[self.key]
            if isinstance(name, int) and not isinstance(name, bool) and self.inside:
                name = str(name)
            if not isinstance(name, str):
                raise ConversionError(
                    f"{self.key!r} of an item is no text ({kind(name)}), so it cannot be a key of the map",
                    hint=f'Convert it first: convert("...[].{self.key}", to="str")',
                )
            if name in made:
                raise ConversionError(
                    f"two items of the list have the same {self.key!r}, so one of them would be lost",
                    hint="Make them different or remove one with a transform first",
                )
            made[name] = item if self.inside else _less(item, self.key)
        return made

    def inverse(self) -> ValueFunction:
        return Unindex(self.key, self.inside)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        for member in members(shape, schema):
            match member:
                case ListOf(items, least, most):
                    out.append(self._map([items], schema, least, most))
                case TupleOf(slots, rest):
                    all_items = [*slots, *([] if rest is None else [rest])]
                    out.append(self._map(all_items, schema, len(slots), None if rest else len(slots)))
                case Anything():
                    out += [MapOf(Anything()), Null()]
                case Null():
                    out.append(member)
                case _:
                    pass  # a value that is no list raises
        return union_of(*out)

    def _map(self, items: list[Shape], schema: Schema, least: int | None, most: int | None) -> Shape:
        values: list[Shape] = []
        keys: list[String | Enum] = []
        for shape in (member for item in items for member in members(item, schema)):
            match shape:
                case Object(properties, extra, name):
                    prop = properties.get(self.key)
                    if prop is None and isinstance(extra, str):
                        continue
                    key = Anything() if prop is None else prop.shape
                    keys.extend(_key_shapes(key, schema))
                    kept = {at: each for at, each in properties.items() if at != self.key or self.inside}
                    if self.inside and prop is not None and not prop.required:
                        kept[self.key] = Property(prop.shape, True)
                    values.append(Object(kept, extra, name))
                case MapOf() | Anything():
                    keys.append(String())
                    values.append(shape)
                case _:
                    pass  # no object: raises
        if not values:
            return MapOf(Never(), max_items=0)
        one = keys[0] if keys and all(each == keys[0] for each in keys) else String()
        return MapOf(union_of(*values), one, least, most)


@dataclass(frozen=True, slots=True)
class Unindex:
    """The values of a map become a list; each gets its key at `key`, unless it is there already (with `inside`). null stays."""

    key: str
    inside: bool = True
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        if not isinstance(value, dict):
            raise ConversionError(f"expected a map, found {kind(value)}")
        made = []
        for name, inner in value.items():
            if not isinstance(inner, dict):
                raise ConversionError(
                    f"a value of the map is no object ({kind(inner)}), so its key has no place in it",
                    hint="Write a transform",
                )
            if self.key not in inner:
                made.append({self.key: name, **inner})
            elif self.inside:
                made.append(inner)
            else:
                raise ConversionError(
                    f"a value of the map has a {self.key!r} already, so its key has no place in it",
                    hint="Rename or remove it first, or say inside=True",
                )
        return made

    def inverse(self) -> ValueFunction:
        return Index(self.key, self.inside)

    def recover(self, value: Any, was: Any) -> Any:
        """Items that are still the same come back as they were; those that were there before come first, in their old order."""
        items = self.apply(value)
        if not isinstance(was, list) or not isinstance(items, list):
            return items
        names = list(value)
        old = [self._name(item) for item in was]
        made = []
        for place in sorted(
            range(len(items)), key=lambda at: old.index(names[at]) if names[at] in old else len(old)
        ):
            name = names[place]
            before = was[old.index(name)] if name in old else None
            made.append(fresh(before) if json_text.equal(before, items[place]) else items[place])
        return made

    def _name(self, item: Any) -> str | None:
        name = item.get(self.key) if isinstance(item, dict) else None
        return None if name is None else str(name)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        for member in members(shape, schema):
            match member:
                case MapOf(values, keys, least, most):
                    out.append(ListOf(self._item([(values, keys)], schema), least, most))
                case Object(properties, extra):
                    parts: list[tuple[Shape, Shape]] = [
                        (prop.shape, Enum((name,))) for name, prop in properties.items()
                    ]
                    most = len(parts) if isinstance(extra, str) else None
                    if not isinstance(extra, str):
                        parts.append((extra, String()))
                    least = sum(prop.required for prop in properties.values())
                    out.append(ListOf(self._item(parts, schema), least or None, most))
                case Anything():
                    out += [ListOf(Anything()), Null()]
                case Null():
                    out.append(member)
                case _:
                    pass  # a value that is no map raises
        return union_of(*out)

    def _item(self, parts: list[tuple[Shape, Shape]], schema: Schema) -> Shape:
        out: list[Shape] = []
        for values, keys in parts:
            for member in members(values, schema):
                match member:
                    case Object(properties, extra, name):
                        prop = properties.get(self.key)
                        if prop is None:
                            held = keys if isinstance(extra, str) else union_of(keys, extra)
                        elif not self.inside:
                            held = keys
                        else:
                            held = prop.shape if prop.required else union_of(prop.shape, keys)
                        out.append(
                            Object(
                                {self.key: Property(held), **_other(properties, self.key, held)}, extra, name
                            )
                        )
                    case MapOf(inner):
                        out.append(Object({self.key: Property(union_of(inner, keys))}, inner))
                    case Anything():
                        out.append(member)
                    case _:
                        pass  # no object: raises
        return union_of(*out)


@dataclass(frozen=True, slots=True)
class Distinct:
    """A list without its duplicates; the first of each stays. null stays."""

    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        seen: set[bytes] = set()
        made = []
        for item in as_list(value):
            text = _identity(item)
            if text not in seen:
                seen.add(text)
                made.append(item)
        return value if len(made) == len(value) else made

    def inverse(self) -> ValueFunction:
        return Ordered()

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        for member in members(shape, schema):
            match member:
                case ListOf(items, least, most, unique):
                    out.append(member if unique else ListOf(items, 1 if least else None, most, unique=True))
                case TupleOf(slots, rest):
                    inside = union_of(*slots, *([] if rest is None else [rest]))
                    out.append(
                        ListOf(inside, 1 if slots else None, None if rest else len(slots), unique=True)
                    )
                case Anything():
                    out += [ListOf(Anything(), unique=True), Null()]
                case Null():
                    out.append(member)
                case _:
                    pass  # a value that is no list raises
        return union_of(*out)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Nothing changes, but order and duplicates count from here on. The way back of `Distinct`."""

    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return value

    def inverse(self) -> ValueFunction:
        return Distinct()

    def recover(self, value: Any, was: Any) -> Any:
        """Duplicates of what is still there come back; what is new comes last."""
        if not isinstance(was, list) or not isinstance(value, list):
            return value
        now = {_identity(item): item for item in value}
        old = {_identity(item) for item in was}
        kept = [fresh(item) for item in was if _identity(item) in now]
        return [*kept, *(item for text, item in now.items() if text not in old)]

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        for member in members(shape, schema):
            out.append(
                ListOf(member.items, member.min_items, member.max_items)
                if isinstance(member, ListOf)
                else member
            )
        return union_of(*out)


def as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ConversionError(f"expected a list, found {kind(value)}")
    return value


def _less(value: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: inner for name, inner in value.items() if name != key}


def _other(properties: Any, key: str, held: Shape) -> dict[str, Property]:
    """The properties in their order; that at `key` with the shape that it has now."""
    return {name: Property(held) if name == key else prop for name, prop in properties.items()}


def _key_shapes(shape: Shape, schema: Schema) -> list[String | Enum]:
    """The shapes of the keys that values of a shape become; what cannot be one raises."""
    out: list[String | Enum] = []
    for member in members(shape, schema):
        match member:
            case String():
                out.append(member)
            case Integer():
                out.append(String())
            case Enum(values):
                texts = tuple(
                    str(each) for each in values if isinstance(each, str | int) and not isinstance(each, bool)
                )
                out.append(Enum(texts) if texts else String())
            case Anything():
                out.append(String())
            case _:
                pass
    return out


def _identity(item: Any) -> bytes:
    """Equal for items that a set would take for the same: 1 and 1.0 are."""
    return json_text.canonical(_integral(item))


def _integral(item: Any) -> Any:
    if isinstance(item, float | Decimal) and item == int(item):
        return int(item)
    if isinstance(item, list):
        return [_integral(each) for each in item]
    if isinstance(item, dict):
        return {key: _integral(each) for key, each in item.items()}
    return item
