"""Random schemas in normal form, and what more than one test of shapes needs."""

from __future__ import annotations

from random import Random
from typing import Any

import jsonschema_rs
from hypothesis import strategies as st

from statemig.errors import SchemaError
from statemig.shapes.formats import FORMATS
from statemig.shapes.json_schema import write
from statemig.shapes.json_schema_scalars import enum_of
from statemig.shapes.sample import depths_of, sampler
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
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

KEYS = st.sampled_from(["a", "b", "c", "kind", "odd key", "ü"])
NAMES = ["Node", "Leaf", "Part/of~it"]
FORMATS_USED = [None, None, None, "date-time", "date", "uuid", "decimal", "integer", "password"]


def validator(schema: Schema) -> Any:
    return jsonschema_rs.validator_for(
        write(schema, closed=True), validate_formats=True, formats=dict(FORMATS)
    )


def samples(schema: Schema, seed: int, number: int = 8) -> list[Any]:
    """Values of a schema; fewer, or none, where it has hardly any."""
    draw, random, found = sampler(schema), Random(seed), []
    for at in range(number):
        try:
            found.append(draw(schema.root, random, at % 2 == 0))
        except SchemaError:
            break
    return found


@st.composite
def bounds(draw: Any, low: int, high: int) -> tuple[int | None, int | None]:
    one = draw(st.none() | st.integers(low, high))
    other = draw(st.none() | st.integers(low, high))
    if one is not None and other is not None and one > other:
        one, other = other, one
    return one, other


@st.composite
def integers(draw: Any) -> Shape:
    low, high = draw(bounds(-6, 6))
    return Integer(low, high, draw(st.sampled_from([None, None, None, 2, 3])))


@st.composite
def numbers(draw: Any) -> Shape:
    low, high = draw(bounds(-3, 3))
    open_low = low is not None and draw(st.booleans())
    open_high = high is not None and draw(st.booleans())
    return Number(low, high, open_low, open_high, draw(st.sampled_from([None, None, None, 2, 0.5])))


@st.composite
def strings(draw: Any) -> Shape:
    form = draw(st.sampled_from(FORMATS_USED))
    if form is not None:
        return String(form)
    low, high = draw(bounds(0, 4))
    return String(None, draw(st.sampled_from([None, None, None, "^a", "^[a-c]+$", "b"])), low or None, high)


ENUMS = st.lists(
    st.sampled_from(["a", "b", "abc", "", "2020-01-01", 0, 1, 2, True, False, 1.5]), min_size=1, max_size=4
).map(lambda values: enum_of((value, None) for value in values))

SCALARS = st.one_of(
    st.just(Null()),
    st.just(Boolean()),
    st.just(Anything()),
    st.just(Anything("some.Class")),
    integers(),
    numbers(),
    strings(),
    ENUMS,
)


@st.composite
def objects(draw: Any, inner: st.SearchStrategy[Shape], *, tag: str | None = None) -> Object:
    keys = draw(st.lists(KEYS, unique=True, max_size=3))
    properties = {
        key: Property(
            draw(inner),
            draw(st.booleans()),
            draw(st.sampled_from([MISSING, MISSING, None, 0, "x", []])),
            draw(st.sampled_from([None, None, "field"])),
            draw(st.sampled_from([(), (), ("old",)])),
            draw(st.sampled_from([None, None, "What it is."])),
        )
        for key in keys
    }
    if tag is not None:
        properties["kind"] = Property(Enum((tag,)), draw(st.booleans()), tag)
    extra = draw(st.one_of(st.sampled_from(["ignore", "ignore", "forbid"]), inner))
    return Object(properties, extra, draw(st.sampled_from([None, "Thing", "Other"])))


@st.composite
def lists(draw: Any, inner: st.SearchStrategy[Shape]) -> Shape:
    low, high = draw(bounds(0, 3))
    return ListOf(draw(inner), low or None, high, draw(st.sampled_from([False, False, True])))


@st.composite
def maps(draw: Any, inner: st.SearchStrategy[Shape]) -> Shape:
    low, high = draw(bounds(0, 3))
    keys = draw(
        st.sampled_from(
            [String(), String(), String("integer"), Enum(("a", "b")), String(min_length=2), Enum(("c",))]
        )
    )
    return MapOf(draw(inner), keys, low or None, high)


@st.composite
def tuples(draw: Any, inner: st.SearchStrategy[Shape]) -> Shape:
    slots = tuple(draw(st.lists(inner, max_size=3)))
    return TupleOf(slots, draw(inner) if slots and draw(st.booleans()) else None)


@st.composite
def tagged(draw: Any, inner: st.SearchStrategy[Shape]) -> Shape:
    values = draw(st.lists(st.sampled_from(["x", "y", "z", "w w"]), unique=True, min_size=2, max_size=3))
    members: list[Shape] = [draw(objects(inner, tag=value)) for value in values]
    if draw(st.booleans()):
        members.append(Null())
    return Union(tuple(members), Tag("kind", {value: at for at, value in enumerate(values)}))


def shapes(names: list[str]) -> st.SearchStrategy[Shape]:
    leaves: st.SearchStrategy[Shape] = SCALARS
    if names:
        leaves = leaves | st.sampled_from([Ref(name) for name in names])
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            objects(inner),
            objects(inner),
            lists(inner),
            maps(inner),
            tuples(inner),
            tagged(inner),
            st.lists(inner, min_size=2, max_size=3).map(lambda members: union_of(*members)),
        ),
        max_leaves=6,
    )


@st.composite
def schemas(draw: Any) -> Schema:
    """Normal form: definitions are containers, all of them used."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=2))
    inner = shapes(names)
    definitions = {
        name: draw(st.one_of(objects(inner), objects(inner), lists(inner), tagged(inner))) for name in names
    }
    return trimmed(Schema(draw(inner), definitions))


def is_inhabited(schema: Schema) -> bool:
    from math import isinf

    from statemig.shapes.sample import depth_of

    return not isinf(depth_of(schema.root, depths_of(schema)))
