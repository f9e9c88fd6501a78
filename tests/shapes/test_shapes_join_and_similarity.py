"""Joining what two writers may have written, and scoring likeness, by example."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from statemig.errors import SchemaError
from statemig.shapes.accept import accepts
from statemig.shapes.join import join
from statemig.shapes.json_schema import read
from statemig.shapes.sample import sample
from statemig.shapes.shape import Schema, String
from statemig.shapes.similarity import similarity, tokens


def model(required: str = "", **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required.split()}


INT, TEXT, NULL = {"type": "integer"}, {"type": "string"}, {"type": "null"}


@pytest.mark.parametrize(
    ("left", "right", "both"),
    [
        (INT, {"type": "number"}, {"type": "number"}),
        (INT, TEXT, {"anyOf": [INT, TEXT]}),
        ({"enum": ["a"]}, {"enum": ["b", "a"]}, {"enum": ["a", "b"]}),
        (model("a b", a=INT, b=INT), model("b c", b=TEXT, c=INT), model("b", a=INT, b={"anyOf": [INT, TEXT]}, c=INT)),
        (model("a", a=INT), {}, {}),
        ({"type": "array", "items": INT, "minItems": 2}, {"type": "array", "items": TEXT, "minItems": 1},
         {"type": "array", "items": {"anyOf": [INT, TEXT]}, "minItems": 1}),
        ({"anyOf": [model(a=INT), NULL]}, model(a=TEXT), {"anyOf": [model(a={"anyOf": [INT, TEXT]}), NULL]}),
    ],
)  # fmt: skip
def test_join(left: Any, right: Any, both: Any) -> None:
    assert join(read(left), read(right)) == read(both)


def test_variants_are_joined_by_their_tag() -> None:
    def union(**members: Any) -> Any:
        return {
            "anyOf": [model("kind", kind={"const": name}, **more) for name, more in members.items()],
            "x-statemig": {"tag": {"key": "kind", "values": [[name, at] for at, name in enumerate(members)]}},
        }

    joined = join(read(union(a={"x": INT}, b={})), read(union(b={"y": INT}, c={})))
    assert joined == read(union(a={"x": INT}, b={"y": INT}, c={}))


def test_an_object_without_the_tag_stays_beside_the_variants() -> None:
    tagged = {
        "anyOf": [{**model(kind={"const": name}), "title": "Thing"} for name in "ab"],
        "x-statemig": {"tag": {"key": "kind", "values": [["a", 0], ["b", 1]]}},
    }
    joined = join(read({**model(), "title": "Thing"}), read(tagged))
    assert [accepts(joined.root, value, joined) for value in ({}, {"kind": "a"}, {"kind": "c"})] == [
        True,
        True,
        False,
    ]


def test_recursive_definitions_are_joined_by_name() -> None:
    def tree(**more: Any) -> Any:
        kids = {"type": "array", "items": {"$ref": "#/$defs/Node"}}
        return {"$ref": "#/$defs/Node", "$defs": {"Node": model("kids", kids=kids, **more)}}

    assert join(read(tree(a=INT)), read(tree(b=INT))) == read(tree(a=INT, b=INT))


def test_sampling_says_when_there_is_no_value() -> None:
    endless = read({"$ref": "#/$defs/N", "$defs": {"N": model("next", next={"$ref": "#/$defs/N"})}})
    with pytest.raises(SchemaError, match="no value of the definition N"):
        sample(endless, Random(0))
    with pytest.raises(SchemaError, match="pattern"):
        sample(Schema(String(pattern="^a(?=b)c$")), Random(0))


def test_sampling_is_repeatable_and_reaches_every_case() -> None:
    schema = read(model("a", a={"enum": ["x", "y"]}, b={"anyOf": [INT, NULL]}))
    assert sample(schema, Random(5)) == sample(schema, Random(5))
    found = [sample(schema, Random(seed), sparse=True) for seed in range(200)]
    assert {value["a"] for value in found} == {"x", "y"}
    assert {type(value.get("b", ...)) for value in found} == {int, type(None), type(...)}


@pytest.mark.parametrize(
    "pattern", [r"^\d{4}-\d{2}$", r"^[a-z_][a-z0-9_]*$", r"(foo|bar)+baz?", r"^[^x]{3}$", r"^sk-\w{5,}"]
)
def test_sampling_from_a_pattern(pattern: str) -> None:
    shape = String(pattern=pattern)
    assert all(accepts(shape, sample(Schema(shape), Random(seed)), Schema(shape)) for seed in range(30))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tool_call_id", ("tool", "call", "id")),
        ("toolCallID2", ("tool", "call", "id", "2")),
        ("HTTPServer", ("http", "server")),
        ("größe", ("größe",)),
        ("_", ()),
    ],
)
def test_tokens(name: str, words: tuple[str, ...]) -> None:
    assert tokens(name) == words


def test_likeness_orders_as_a_person_would() -> None:
    def score(left: Any, right: Any) -> float:
        one, other = read(left), read(right)
        return similarity(one.root, one, other.root, other)

    record = model("a", a=INT, b=TEXT)
    assert score(record, {**record, "title": "Other"}) == 1
    assert score(TEXT, {"anyOf": [TEXT, NULL]}) > score(TEXT, {"enum": ["a"]}) > score(TEXT, INT) == 0
    assert score(INT, {"type": "number"}) > 0.5
    assert score(record, model("a", a=INT, b=TEXT, c=TEXT)) > 0.6 > score(record, model("x", x=INT))
