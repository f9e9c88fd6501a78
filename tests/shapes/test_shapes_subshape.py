"""Inclusion by example: which gaps are found, where, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from statemig.path import Path
from statemig.shapes.json_schema import read
from statemig.shapes.subshape import Gap, gaps

TEXT: dict[str, Any] = {"type": "string"}
INT: dict[str, Any] = {"type": "integer"}


def model(required: str = "", *, extra: Any = None, **properties: Any) -> dict[str, Any]:
    out: dict[str, Any] = {"type": "object", "properties": properties, "required": required.split()}
    return out if extra is None else {**out, "additionalProperties": extra}


def any_of(*members: Any) -> dict[str, Any]:
    return {"anyOf": list(members)}


def tagged(*values: str, **more: Any) -> dict[str, Any]:
    members = [model("kind", kind={"const": value}, **more) for value in values]
    return {
        "oneOf": members,
        "x-statemig": {"tag": {"key": "kind", "values": [[v, i] for i, v in enumerate(values)]}},
    }


RECURSIVE = {"$ref": "#/$defs/N", "$defs": {"N": model("role", role={"enum": ["user", "tool"]}, kids={
    "type": "array", "items": {"$ref": "#/$defs/N"}})}}  # fmt: skip
NARROWER = {"$ref": "#/$defs/M", "$defs": {"M": model("role", role={"enum": ["user"]}, kids={
    "type": "array", "items": {"$ref": "#/$defs/M"}})}}  # fmt: skip
JSON = {"$ref": "#/$defs/J", "$defs": {"J": any_of(
    {"type": "array", "items": {"$ref": "#/$defs/J"}}, {"type": "object", "additionalProperties": {"$ref": "#/$defs/J"}},
    TEXT, {"type": "number"}, {"type": "boolean"}, {"type": "null"})}}  # fmt: skip


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (INT, {"type": "number"}),
        ({"type": "integer", "minimum": 1, "maximum": 3}, {"enum": [3, 2, 1, 0]}),
        ({"type": "integer", "multipleOf": 4}, {"type": "number", "multipleOf": 2}),
        ({"enum": ["a", "b"]}, TEXT),
        ({"enum": ["a", "ab"]}, {"type": "string", "pattern": "^a", "maxLength": 2}),
        ({"const": "2024-01-01"}, {"type": "string", "format": "date"}),
        ({"type": "string", "format": "password"}, TEXT),
        ({"type": "boolean"}, {"enum": [False, True]}),
        ({"type": "boolean"}, any_of({"const": True}, {"const": False})),
        (model(a=INT), model(a=INT, b=TEXT)),
        (model("a", a=INT), model(a={"type": "number"})),
        (model("a", a=INT), model(extra=INT)),
        (model("a", a=INT), {"type": "object", "additionalProperties": INT}),
        (
            {"type": "array", "items": INT, "minItems": 2, "maxItems": 2},
            {"prefixItems": [INT, INT], "items": False},
        ),
        ({"prefixItems": [INT, INT], "minItems": 2, "maxItems": 2}, {"type": "array", "items": INT}),
        (tagged("a", "b"), tagged("a", "b", "c")),
        (tagged("a", "b"), model("kind", kind=TEXT)),
        (model("kind", kind={"enum": ["a", "b"]}), tagged("b", "a")),
        (model("a", a=any_of(INT, TEXT)), any_of(model("a", a=INT), model("a", a=TEXT))),
        (model(a=INT), any_of(model("a", a=INT), model())),
        (RECURSIVE, RECURSIVE),
        (NARROWER, RECURSIVE),
        ({}, JSON),
        (JSON, {}),
        (model("a", a=False), INT),
    ],
)
def test_included(left: Any, right: Any) -> None:
    assert gaps(read(left), read(right)) == []


@pytest.mark.parametrize(
    ("left", "right", "path", "reason"),
    [
        (INT, TEXT, "", "may be an integer, but a string is expected"),
        ({"type": "number"}, INT, "", "may be a fraction, but an integer is expected"),
        (model("a", a=INT), model("a", a=TEXT), "a", "may be an integer, but a string is expected"),
        (model(a=INT), model("a", a=INT), "a", "may be absent, but is required"),
        (model(), model("a", a=INT), "a", "may be absent, but is required"),
        (model(a=INT), model(), "a", "is not accepted: no such key is known"),
        (model(**{"odd key": INT}), model(extra=False), '"odd key"', "is not accepted: no such key is known"),
        (model(extra=TEXT), model(), "{}", "may hold any key, but no key is accepted"),
        (model(extra=TEXT), model(a=INT, extra=TEXT), "a", "may be a string, but an integer is expected"),
        (model(extra={}), model(extra=TEXT), "{}", "may be anything, but a string is expected"),
        (
            {"type": "array", "items": {"enum": ["user", "function"]}},
            {"type": "array", "items": {"enum": ["user", "tool"]}},
            "[]",
            'may be "function", but "user" or "tool" is expected',
        ),
        (RECURSIVE, NARROWER, "role", 'may be "tool", but "user" is expected'),
        (
            {"type": "array", "items": INT},
            {"type": "array", "items": INT, "uniqueItems": True},
            "",
            "may hold an item twice",
        ),
        ({"type": "array"}, {"type": "array", "minItems": 1}, "", "may have fewer than 1 items"),
        (
            {"type": "array"},
            {"prefixItems": [{}], "minItems": 1, "maxItems": 1},
            "",
            "may have more than 1 items",
        ),
        (
            {"prefixItems": [INT, INT], "minItems": 2, "maxItems": 2},
            {"prefixItems": [INT, TEXT], "minItems": 2, "maxItems": 2},
            "[1]",
            "may be an integer, but a string is expected",
        ),
        (TEXT, {"enum": ["a"]}, "", 'may be any string, but only "a" is accepted'),
        (TEXT, {"type": "string", "format": "uuid"}, "", "may be a string, but format uuid is expected"),
        (INT, {"type": "integer", "minimum": 0}, "", "may be less than the minimum 0"),
        (INT, {"type": "number", "exclusiveMaximum": 2}, "", "may not be less than 2"),
        ({}, INT, "", "may be anything, but an integer is expected"),
        (tagged("a", "b"), tagged("a"), "<kind=b>.kind", 'may be "b", but "a" is expected'),
        (
            {"type": "array", "items": tagged("a", "b", text=INT)},
            {"type": "array", "items": tagged("a", "b", text=TEXT)},
            "[]<kind=b>.text",
            "may be an integer, but a string is expected",
        ),
        (
            model("kind", kind={"enum": ["a", "b", "c"]}),
            tagged("a", "b"),
            "kind",
            'may be "c", but "a" or "b" is expected',
        ),
        (any_of(INT, {"type": "null"}), INT, "", "may be null, but an integer is expected"),
        (
            {"type": "object", "additionalProperties": TEXT},
            model("a", a=TEXT),
            "a",
            "may be absent, but is required",
        ),
        (
            {"type": "object", "additionalProperties": TEXT, "minProperties": 1},
            {"type": "object", "additionalProperties": TEXT, "minProperties": 2},
            "",
            "may have fewer than 2 keys",
        ),
    ],
)
def test_gap(left: Any, right: Any, path: str, reason: str) -> None:
    found = gaps(read(left), read(right))
    assert Gap(path, reason, True) in found
    assert all(not gap.path or gap.path.startswith(("{", "[", "<")) or Path.parse(gap.path) for gap in found)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ({"type": "string", "pattern": "^ab"}, {"type": "string", "pattern": "^a"}),
        ({"type": "string", "format": "email"}, {"type": "string", "maxLength": 100}),
        ({"const": "ä"}, {"type": "string", "pattern": "^\\w$"}),
        ({"const": "x@y"}, {"type": "string", "format": "email"}),
        ({"x-statemig": {"opaque": "lib.A"}}, {"x-statemig": {"opaque": "lib.B"}}),
        ({"type": "number", "multipleOf": 0.5}, {"type": "number", "multipleOf": 0.25}),
    ],
)
def test_what_cannot_be_decided_is_a_gap_that_is_not_certain(left: Any, right: Any) -> None:
    assert [gap.certain for gap in gaps(read(left), read(right))] == [False]


def test_the_tag_must_be_there_although_it_has_a_default() -> None:
    member = model(kind={"const": "a", "default": "a"})
    untagged, union = model(kind={"const": "a"}), {
        "oneOf": [member, model(kind={"const": "b"})],
        "x-statemig": {"tag": {"key": "kind", "values": [["a", 0], ["b", 1]]}},
    }  # fmt: skip
    assert Gap("kind", "may be absent, but is required", True) in gaps(read(untagged), read(union))
    assert gaps(read(union), read(union)) == []


def test_a_name_that_comes_back_with_another_type_is_a_gap() -> None:
    """V2 dropped `notes: str` and ignores unknown keys; V3 adds `notes: list[str]`; nobody dumped in between."""
    stored = read(model("topic", topic=TEXT, notes=TEXT))
    reads = read(model("topic", topic=TEXT, notes={"type": "array", "items": TEXT}))
    assert gaps(stored, reads) == [Gap("notes", "may be a string, but a list is expected", True)]
