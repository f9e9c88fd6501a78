"""The documents that go through a schema's alternatives: each is one of the schema, and none of the alternatives is left out."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operation_chains import random_schema

from statemig.proof.cases import Cases, documents
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    Enum,
    Integer,
    ListOf,
    MapOf,
    Null,
    Object,
    Property,
    Ref,
    Schema,
    String,
    Tag,
    TupleOf,
    Union,
    union_of,
)


@given(st.integers(0, 2**32))
def test_every_document_is_one_of_the_schema(seed: int) -> None:
    schema = random_schema(Random(seed))
    for value in islice(documents(schema, ("a",)), 300):
        assert accepts(schema.root, value, schema)


def all_of(shape: Any, **definitions: Any) -> list[Any]:
    return list(islice(Cases(Schema(shape, definitions)).of(shape), 500))


def test_every_value_of_an_enum_and_every_member_of_a_union_is_there() -> None:
    found = all_of(Object({"a": Property(union_of(Enum(("x", "y")), Null(), ListOf(Integer())))}))
    held = [each["a"] for each in found]
    assert all(value in held for value in ("x", "y", None, [], [1]))


def test_optional_properties_are_there_alone_and_absent() -> None:
    shape = Object(
        {"a": Property(Integer(), False), "b": Property(String(), False), "c": Property(Integer())}
    )
    keys = [tuple(each) for each in all_of(shape)]
    assert {("a", "b", "c"), ("a", "c"), ("b", "c"), ("c",)} <= set(keys)


def test_both_ends_of_bounds() -> None:
    assert {3, 9} <= set(all_of(Integer(minimum=3, maximum=9)))
    assert {2, 5} <= {len(text) for text in all_of(String(min_length=2, max_length=5))}
    assert {2, 3, 4} <= {len(items) for items in all_of(ListOf(Integer(), min_items=2, max_items=4))}


def test_recursion_is_followed_and_ends() -> None:
    node = Object({"kind": Property(Enum(("leaf", "fork"))), "next": Property(union_of(Null(), Ref("Node")))})
    found = all_of(Ref("Node"), Node=node)
    assert 1 < len(found) < 500
    assert any(each["next"] and each["next"]["kind"] == "fork" for each in found)


def test_each_variant_of_a_tagged_union_comes_among_the_first() -> None:
    members = tuple(
        Object({"kind": Property(Enum((name,))), "n": Property(Integer())}) for name in ("a", "b", "c")
    )
    shape = ListOf(Union(members, Tag("kind", {"a": 0, "b": 1, "c": 2})))
    first = [item["kind"] for items in all_of(shape)[:12] for item in items]
    assert set(first) == {"a", "b", "c"}


@pytest.mark.parametrize("shape", [MapOf(Ref("Gone")), ListOf(Ref("Gone")), TupleOf((), Ref("Gone"))])
def test_a_container_of_nothing_is_empty(shape: Any) -> None:
    assert set(map(str, all_of(shape))) <= {"{}", "[]"}
