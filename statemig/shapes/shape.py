"""The algebra of JSON types. Plain data: what is done with shapes lives in the modules beside this one.

Everything is frozen; a mapping inside a shape is never changed after it was made. A `Schema` is a root shape
and the definitions that its `Ref`s name, recursion included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal


class Missing:
    """The absence of a default, which is not the default null."""

    _only: Missing | None = None

    def __new__(cls) -> Missing:
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False

    def __copy__(self) -> Missing:
        return self

    def __deepcopy__(self, memo: object) -> Missing:
        return self

    def __reduce__(self) -> str:
        return "MISSING"


MISSING: Final = Missing()

Scalar = str | int | float | bool | None


def _typed(values: tuple[Scalar, ...]) -> tuple[tuple[bool, Scalar], ...]:
    return tuple((isinstance(value, bool), value) for value in values)


@dataclass(frozen=True, slots=True)
class Anything:
    """Any JSON value. `opaque` names a third-party type whose inside is not ours to see ("langchain_core.messages.AIMessage")."""

    opaque: str | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """No value at all."""


@dataclass(frozen=True, slots=True)
class Null:
    pass


@dataclass(frozen=True, slots=True)
class Boolean:
    pass


@dataclass(frozen=True, slots=True)
class Integer:
    """Bounds are inclusive (an exclusive one is moved by one when read)."""

    minimum: int | None = None
    maximum: int | None = None
    multiple_of: int | None = None


@dataclass(frozen=True, slots=True)
class Number:
    """An integer or a float."""

    minimum: float | int | None = None
    maximum: float | int | None = None
    exclusive_minimum: bool = False
    exclusive_maximum: bool = False
    multiple_of: float | int | None = None


@dataclass(frozen=True, slots=True)
class String:
    """`format` is JSON Schema's, plus "decimal" and "integer" (the key of an int-keyed map). `encoding` is contentEncoding."""

    format: str | None = None
    pattern: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    encoding: str | None = None


@dataclass(frozen=True, slots=True)
class Enum:
    """One or many scalars, in the author's order; order carries no meaning. `names` are Python's member names where known."""

    values: tuple[Scalar, ...]
    names: tuple[str, ...] | None = field(default=None, compare=False)

    def __eq__(self, other: object) -> bool:
        # Python's True equals 1; JSON's does not.
        return isinstance(other, Enum) and _typed(self.values) == _typed(other.values)

    def __hash__(self) -> int:
        return hash(self.values)


@dataclass(frozen=True, slots=True)
class ListOf:
    items: Shape
    min_items: int | None = None
    max_items: int | None = None
    unique: bool = False


@dataclass(frozen=True, slots=True)
class TupleOf:
    """Exactly `slots`, then any number of `rest` where that is given."""

    slots: tuple[Shape, ...]
    rest: Shape | None = None


@dataclass(frozen=True, slots=True)
class MapOf:
    """An object used as a dictionary. `keys` is the shape of its keys (always strings in JSON)."""

    values: Shape
    keys: String | Enum = String()
    min_items: int | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """One property of an object. `required`: a document without it is not valid. `default`: what a reader
    fills in.

    `python_name` is the field's name in Python where it differs from the key; `aliases` are other keys that a
    reader accepts (AliasChoices, `Was`): a rename written down by its author. Neither they nor `description`
    are part of the shape's meaning.
    """

    shape: Shape
    required: bool = True
    default: Any = MISSING
    python_name: str | None = field(default=None, compare=False)
    aliases: tuple[str, ...] = field(default=(), compare=False)
    description: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Object:
    """A record. `extra`: "ignore" (the reader drops unknown keys), "forbid", or the shape of extra values
    that are kept.

    `name` is the class's, for people and for ``<Node>`` paths; it is no part of the meaning.
    """

    properties: Mapping[str, Property]
    extra: Literal["ignore", "forbid"] | Shape = "ignore"
    name: str | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Tag:
    """The discriminator of a union: values of `key`, each with the number of its member.

    Members without a number (null, above all) are told apart by their own shape.
    """

    key: str
    mapping: Mapping[Any, int]


@dataclass(frozen=True, slots=True)
class Union:
    """At least two members, none of them a union; an optional value is a union with `Null`.

    `in_order`: the first member that accepts a value has it (pydantic's `union_mode="left_to_right"`), so the order of those that are not
    null carries meaning. It says nothing about which values the union holds.
    """

    members: tuple[Shape, ...]
    tag: Tag | None = None
    in_order: bool = False


@dataclass(frozen=True, slots=True)
class Ref:
    name: str


Shape = (
    Anything
    | Never
    | Null
    | Boolean
    | Integer
    | Number
    | String
    | Enum
    | ListOf
    | TupleOf
    | MapOf
    | Object
    | Union
    | Ref
)


@dataclass(frozen=True, slots=True)
class Schema:
    """A shape with the definitions that its references name."""

    root: Shape
    definitions: Mapping[str, Shape] = field(default_factory=dict)

    def resolve(self, shape: Shape) -> Shape:
        """The shape behind a reference (and behind a reference to a reference); others as they are."""
        seen: set[str] = set()
        while isinstance(shape, Ref):
            if shape.name in seen or shape.name not in self.definitions:
                return Never()
            seen.add(shape.name)
            shape = self.definitions[shape.name]
        return shape


def union_of(*members: Shape, tag: Tag | None = None) -> Shape:
    """A union without nested unions, duplicates and nevers; a single member stands for itself.

    `tag` numbers `members`. The tags of tagged unions among the members survive where all of them use one key
    and no value of it stands for two members; otherwise the result has no tag (which accepts more, never
    less).
    """
    flat: list[Shape] = []
    plain: list[Shape] = []
    tagged: dict[Any, Shape] = {}
    keys: set[str] = set()
    clash = False
    for number, member in enumerate(members):
        outer = {} if tag is None else {value: at for value, at in tag.mapping.items() if at == number}
        inner = dict(member.tag.mapping) if isinstance(member, Union) and member.tag else {}
        parts = member.members if isinstance(member, Union) else (member,)
        clash = clash or (isinstance(member, Union) and bool(outer))
        for at, part in enumerate(parts):
            if isinstance(part, Never):
                continue
            if part not in flat:
                flat.append(part)
            values = [value for value, index in inner.items() if index == at] or list(outer)
            for value in values:
                clash = clash or tagged.setdefault(value, part) != part
            if not values:
                plain.append(part)
        if inner and isinstance(member, Union) and member.tag:
            keys.add(member.tag.key)
        elif outer and tag is not None:
            keys.add(tag.key)
    whole = next((part for part in flat if isinstance(part, Anything) and part.opaque is None), None)
    if whole is not None:
        return whole
    if not flat:
        return Never()
    if len(flat) == 1:
        return flat[0]
    clash = clash or len(keys) != 1 or any(part in plain for part in tagged.values())
    if clash:
        return Union(tuple(flat))
    return Union(tuple(flat), Tag(keys.pop(), {value: flat.index(part) for value, part in tagged.items()}))


def is_nullable(shape: Shape, schema: Schema) -> bool:
    resolved = schema.resolve(shape)
    if isinstance(resolved, Union):
        return any(is_nullable(member, schema) for member in resolved.members)
    return isinstance(resolved, Null | Anything) or (isinstance(resolved, Enum) and None in resolved.values)


def without_null(shape: Shape) -> Shape:
    """The members of an optional shape other than null; a tag stays."""
    if isinstance(shape, Union):
        rest = tuple(member for member in shape.members if not isinstance(member, Null))
        if len(rest) == len(shape.members):
            return shape
        if len(rest) == 1:
            return rest[0]
        tag = shape.tag
        if tag is not None:
            number = {old: rest.index(shape.members[old]) for old in tag.mapping.values()}
            tag = Tag(tag.key, {value: number[old] for value, old in tag.mapping.items()})
        return Union(rest, tag, shape.in_order)
    return shape


def children(shape: Shape) -> tuple[Shape, ...]:
    """The shapes that a shape is made of, one level down."""
    match shape:
        case Union(members):
            return members
        case ListOf(items):
            return (items,)
        case TupleOf(slots, rest):
            return slots if rest is None else (*slots, rest)
        case MapOf(values):
            return (values,)
        case Object(properties, extra):
            inner = tuple(each.shape for each in properties.values())
            return inner if isinstance(extra, str) else (*inner, extra)
        case _:
            return ()


def trimmed(schema: Schema) -> Schema:
    """The same schema without the definitions that nothing refers to, sorted by name."""
    names: set[str] = set()
    todo = [schema.root]
    while todo:
        shape = todo.pop()
        if isinstance(shape, Ref) and shape.name not in names and shape.name in schema.definitions:
            names.add(shape.name)
            todo.append(schema.definitions[shape.name])
        todo += children(shape)
    return Schema(schema.root, {name: schema.definitions[name] for name in sorted(names)})
