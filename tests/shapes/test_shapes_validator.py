"""What a validator says of a value inside a union: the reasons of the member that the tag names, and of no other."""

from __future__ import annotations

from typing import Any

import pytest

from statemig.shapes import json_schema
from statemig.shapes.validator import Validator


def member(kind: list[str], **fields: Any) -> dict[str, Any]:
    properties = {"kind": {"enum": kind}, **fields}
    return {"type": "object", "properties": properties, "required": list(properties)}


TAGGED = {
    "oneOf": [
        {"$ref": "#/$defs/Search"},
        member(["fetch", "get"], url={"type": "string"}),
        member(["many"], parts={"type": "array", "items": {"$ref": "#/$defs/Call"}}),
    ],
    "discriminator": {"propertyName": "kind"},
}
SCHEMA = {
    "type": "object",
    "properties": {"call": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Call"}]}},
    "required": ["call"],
    "$defs": {"Call": TAGGED, "Search": member(["search"], query={"type": "string"})},
}


@pytest.mark.parametrize(
    ("call", "problems"),
    [
        ({"kind": "search"}, [("call", "'query' is required and absent")]),
        ({"kind": "search", "query": 3}, [("call.query", "expected string")]),
        ({"kind": "get", "url": "x", "limit": 1}, [("call", "not known here: 'limit'")]),
        ({"kind": "many", "parts": [{"kind": "get", "url": 1}]}, [("call.parts[0].url", "expected string")]),
        (
            {"kind": "many", "parts": [{"kind": "search"}]},
            [("call.parts[0]", "'query' is required and absent")],
        ),
        ({"kind": "look"}, [("call.kind", "expected one of ['search', 'fetch', 'get', 'many']")]),
        ({"query": "x"}, [("call", "'kind' is required and absent")]),
        (3, [("call", "expected null or object")]),
    ],
)
def test_only_the_member_that_the_tag_names_speaks(call: Any, problems: list[tuple[str, str]]) -> None:
    assert Validator(json_schema.read(SCHEMA)).problems({"call": call}) == problems


def test_without_a_tag_the_member_that_nearly_fits_speaks() -> None:
    near = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    schema = json_schema.read({"anyOf": [{"type": "string"}, near]})
    assert Validator(schema).problems({"a": "x"}) == [("a", "expected integer")]
