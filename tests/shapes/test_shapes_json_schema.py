"""What pydantic and people write, as shapes."""

from __future__ import annotations

import enum
import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from typing_extensions import TypedDict

from statemig.errors import SchemaError
from statemig.shapes.digest import digest
from statemig.shapes.json_schema import read, write
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
    union_of,
    without_null,
)


class Colour(enum.Enum):
    red = "red"
    green = "green"


class Search(BaseModel):
    kind: Literal["search"] = "search"
    query: str


class Call(BaseModel):
    kind: Literal["call", "invoke"]
    arguments: dict[str, int] = {}


class Number_(BaseModel):
    kind: Literal[1] = 1


class Node(BaseModel):
    label: str
    children: list[Node] = []
    parent: Node | None = None


class Options(TypedDict, total=False):
    depth: int


Tool = Annotated[Search | Call, Field(discriminator="kind")]


def shape_of(type_: Any, mode: Literal["validation", "serialization"] = "validation") -> Shape:
    return read(TypeAdapter(type_).json_schema(mode=mode)).root


@pytest.mark.parametrize(
    ("type_", "shape"),
    [
        (int, Integer()),
        (Annotated[int, Field(gt=0, lt=10)], Integer(1, 9)),
        (Annotated[float, Field(gt=0, le=1.5)], Number(0, 1.5, exclusive_minimum=True)),
        (bool, Boolean()),
        (None, Null()),
        (Any, Anything()),
        (str | None, Union((String(), Null()))),
        (Any | None, Anything()),
        (Literal["a"], Enum(("a",))),
        (Literal["a", None], Union((Enum(("a",)), Null()))),
        (Literal[True, False], Boolean()),
        (Colour, Enum(("red", "green"))),
        (Colour | None, Union((Enum(("red", "green")), Null()))),
        (list[int], ListOf(Integer())),
        (list, ListOf(Anything())),
        (set[int], ListOf(Integer(), unique=True)),
        (tuple[int, str], TupleOf((Integer(), String()))),
        (tuple[int, ...], ListOf(Integer())),
        (tuple[()], TupleOf(())),
        (dict[str, int], MapOf(Integer())),
        (dict, MapOf(Anything())),
        (dict[Colour, int], MapOf(Integer(), Enum(("red", "green")))),
        (dict[Annotated[str, Field(pattern="^a")], int], MapOf(Integer(), String(pattern="^a"))),
        (bytes, String()),
        (dict[str, dict[str, list[int | None]]], MapOf(MapOf(ListOf(Union((Integer(), Null())))))),
    ],
)
def test_types_of_pydantic(type_: Any, shape: Shape) -> None:
    assert shape_of(type_) == shape


def test_a_model_keeps_requiredness_defaults_and_its_name() -> None:
    class State(BaseModel):
        """The class's own words are not a field's."""

        topic: str = Field(description="What it is about.")
        note: str | None = None
        priority: int = 0

    schema = read(State.model_json_schema())
    assert schema.root == Object(
        {
            "topic": Property(String()),
            "note": Property(Union((String(), Null())), False, None),
            "priority": Property(Integer(), False, 0),
        }
    )
    assert isinstance(schema.root, Object)
    assert schema.root.name == "State"
    assert schema.root.properties["topic"].description == "What it is about."
    assert schema.root.properties["topic"].default is MISSING


def test_extras() -> None:
    def extra(mode: Any) -> Any:
        class Model(BaseModel):
            model_config = ConfigDict(extra=mode)
            a: int

        root = read(Model.model_json_schema()).root
        assert isinstance(root, Object)
        return root.extra

    assert (extra("ignore"), extra("forbid"), extra("allow")) == ("ignore", "forbid", Anything())


def test_a_model_without_fields_is_no_map() -> None:
    class Empty(BaseModel):
        pass

    class Open(BaseModel):
        model_config = ConfigDict(extra="allow")

    assert read(Empty.model_json_schema()).root == Object({})
    assert read(Open.model_json_schema()).root == Object({}, Anything())


@pytest.mark.parametrize("mode", ["validation", "serialization"])
def test_a_recursive_model(mode: Any) -> None:
    schema = read(Node.model_json_schema(mode=mode))
    assert schema.root == Ref("Node")
    node = schema.definitions["Node"]
    assert isinstance(node, Object)
    assert node.properties["children"].shape == ListOf(Ref("Node"))
    assert node.properties["parent"].shape == Union((Ref("Node"), Null()))


def test_a_tagged_union() -> None:
    schema = read(TypeAdapter(list[Tool]).json_schema())
    assert schema.root == ListOf(
        Union((Ref("Search"), Ref("Call")), Tag("kind", {"search": 0, "call": 1, "invoke": 1}))
    )


def test_an_optional_tagged_union_keeps_its_tag() -> None:
    shape = shape_of(Tool | None)
    assert shape == Union(
        (Ref("Search"), Ref("Call"), Null()), Tag("kind", {"search": 0, "call": 1, "invoke": 1})
    )
    assert without_null(shape) == Union(
        (Ref("Search"), Ref("Call")), Tag("kind", {"search": 0, "call": 1, "invoke": 1})
    )


def test_the_values_of_a_tag_keep_their_type() -> None:
    shape = shape_of(Annotated[Search | Number_, Field(discriminator="kind")])
    assert isinstance(shape, Union)
    assert shape.tag == Tag("kind", {"search": 0, 1: 1})


def test_a_tagged_union_inside_another_stands_alone() -> None:
    class A(BaseModel):
        kind: Literal["a"]
        sub: Literal["1"]

    class B(BaseModel):
        kind: Literal["a"]
        sub: Literal["2"]

    inner = Annotated[A | B, Field(discriminator="sub")]
    schema = read(TypeAdapter(Annotated[inner | Search, Field(discriminator="kind")]).json_schema())
    assert isinstance(schema.root, Union)
    assert schema.root.tag is not None
    assert schema.root.tag.key == "kind"
    assert read(write(schema)) == schema


def test_decimals() -> None:
    hinted = {"anyOf": [{"type": "number"}, {"type": "string"}], "x-statemig": {"decimal": True}}
    patterned = {
        "anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}]
    }
    assert read(hinted) == read(patterned) == Schema(Union((Number(), String("decimal"))))
    assert read({"type": "string", "x-statemig": {"decimal": True}}).root == String("decimal")
    assert isinstance(shape_of(Decimal), Union)


def test_integer_keys_and_opaque_types() -> None:
    integers = {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "x-statemig": {"keys": "integer"},
    }
    assert read(integers).root == MapOf(String(), String("integer"))
    assert read({"type": "object", "x-statemig": {"opaque": "lib.Message"}}).root == Anything("lib.Message")


@pytest.mark.parametrize(
    ("json_schema", "shape"),
    [
        (True, Anything()),
        (False, Never()),
        ({}, Anything()),
        ({"title": "T", "examples": [1], "$comment": "no"}, Anything()),
        ({"type": ["string", "null"], "maxLength": 3}, Union((String(max_length=3), Null()))),
        (
            {"allOf": [{"$ref": "#/definitions/A"}], "default": 1, "definitions": {"A": {"type": "integer"}}},
            Integer(),
        ),
        ({"type": "object"}, MapOf(Anything())),
        ({"type": "object", "additionalProperties": False}, Object({}, "forbid")),
        ({"type": "object", "required": ["a"]}, Object({"a": Property(Anything())})),
        ({"type": "integer", "minimum": 0.5, "exclusiveMaximum": 4}, Integer(1, 3)),
        ({"type": "integer", "multipleOf": 1.5}, Integer(multiple_of=3)),
        ({"enum": [1, True, 1.0]}, Enum((1, True, 1.0))),
        ({"const": None}, Null()),
        ({"type": "string", "enum": ["a", 1]}, Enum(("a",))),
        ({"type": "array", "items": [{"type": "null"}], "additionalItems": False}, None),
        (
            {"type": "array", "prefixItems": [{"type": "null"}], "items": {"type": "integer"}, "minItems": 1},
            TupleOf((Null(),), Integer()),
        ),
        (
            {"type": "array", "prefixItems": [{}, {"type": "null"}], "minItems": 1, "maxItems": 2},
            Union((TupleOf((Anything(),)), TupleOf((Anything(), Null())))),
        ),
    ],
)
def test_plain_json_schema(json_schema: Any, shape: Shape | None) -> None:
    expected = shape if shape is not None else Union((TupleOf(()), TupleOf((Null(),))))
    assert read(json_schema).root == expected


def test_a_reference_to_the_root_and_into_the_middle() -> None:
    schema = read(
        {
            "title": "Tree",
            "type": "object",
            "properties": {
                "kids": {"type": "array", "items": {"$ref": "#"}},
                "again": {"$ref": "#/properties/kids"},
            },
        }
    )
    assert schema.definitions.keys() == {"Tree", "properties.kids"}
    assert read(write(schema)) == schema


@pytest.mark.parametrize(
    ("json_schema", "pointer"),
    [
        ({"properties": {"a/b": {"not": {"type": "null"}}}}, "#/properties/a~1b/not"),
        ({"type": "array", "items": {"if": {}, "then": {}}}, "#/items/if"),
        ({"allOf": [{"type": "string"}, {"minLength": 1}]}, "#/allOf"),
        ({"$ref": "#/$defs/A"}, "#/$defs/A"),
        ({"$ref": "https://example.org/a"}, "https://example.org/a"),
        (
            {"type": "object", "properties": {}, "patternProperties": {"a": {}, "b": {}}},
            "#/patternProperties",
        ),
        ({"type": "object", "properties": {}, "minProperties": 1}, "#/minProperties"),
        ({"type": "text"}, "#/type"),
        ({"anyOf": [3]}, "#/anyOf/0"),
        ({"const": [1]}, "#"),
        ({"$ref": "#/$defs/A", "required": ["a"], "$defs": {"A": {}}}, "required"),
    ],
)
def test_what_cannot_be_represented_is_named(json_schema: Any, pointer: str) -> None:
    with pytest.raises(SchemaError) as error:
        read(json_schema)
    assert pointer in str(error.value)


def test_what_is_written_is_sorted_and_readable() -> None:
    schema = Schema(
        Object({"tools": Property(ListOf(Union((Ref("B"), Ref("A")), Tag("kind", {"b": 0, "a": 1}))), True)}),
        {
            "B": Object({"kind": Property(Enum(("b",)), False, "b")}, name="B"),
            "A": Object({"kind": Property(Enum(("a",)))}, "forbid", name="A"),
        },
    )
    assert write(schema) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "tools": {
                "type": "array",
                "items": {
                    "anyOf": [{"$ref": "#/$defs/B"}, {"$ref": "#/$defs/A"}],
                    "discriminator": {
                        "propertyName": "kind",
                        "mapping": {"b": "#/$defs/B", "a": "#/$defs/A"},
                    },
                },
            }
        },
        "required": ["tools"],
        "$defs": {
            "A": {
                "type": "object",
                "title": "A",
                "properties": {"kind": {"const": "a"}},
                "required": ["kind"],
                "additionalProperties": False,
            },
            "B": {"type": "object", "title": "B", "properties": {"kind": {"const": "b", "default": "b"}}},
        },
    }
    assert list(write(schema)["$defs"]) == ["A", "B"]


def test_the_union_of_shapes_keeps_what_tags_still_say() -> None:
    tagged = Union((Ref("A"), Ref("B")), Tag("kind", {"a": 0, "b": 1}))
    assert union_of(Null(), tagged) == Union((Null(), Ref("A"), Ref("B")), Tag("kind", {"a": 1, "b": 2}))
    more = Union((Ref("B"), Ref("C")), Tag("kind", {"b": 0, "c": 1}))
    assert union_of(tagged, more) == Union(
        (Ref("A"), Ref("B"), Ref("C")), Tag("kind", {"a": 0, "b": 1, "c": 2})
    )
    assert union_of(tagged, Ref("A")) == Union((Ref("A"), Ref("B")))
    assert union_of(Union((Ref("D"), Ref("B")), Tag("kind", {"a": 0, "b": 1})), tagged) == Union(
        (Ref("D"), Ref("B"), Ref("A"))
    )


def test_an_enum_of_one_is_not_an_enum_of_true() -> None:
    assert Enum((1,)) != Enum((True,))
    assert union_of(Enum((1,)), Enum((True,))) == Union((Enum((1,)), Enum((True,))))


def test_names_and_order_and_inlining_carry_no_meaning() -> None:
    one = read(TypeAdapter(dict[str, Tool | None]).json_schema())
    defs = TypeAdapter(dict[str, Tool | None]).json_schema()["$defs"]
    other = read(
        {
            "type": "object",
            "additionalProperties": {
                "oneOf": [
                    {"type": "null"},
                    {**defs["Call"], "title": "Other"},
                    {**defs["Search"], "description": "x"},
                ],
                "x-statemig": {"tag": {"key": "kind", "values": [["invoke", 1], ["call", 1], ["search", 2]]}},
            },
        }
    )
    assert digest(one) == digest(other)


def test_a_type_beside_members_that_all_have_it_says_nothing_more() -> None:
    definitions = {kind: {"type": "object", "properties": {"kind": {"const": kind}}} for kind in ("a", "b")}
    members = {"oneOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}], "$defs": definitions}
    assert read({"type": "object", **members}) == read(members)
    with pytest.raises(SchemaError, match="beside \\$ref would have to be merged"):
        read({"type": "string", **members})


def test_a_recursive_union_with_members_written_out_has_a_digest() -> None:
    inner = {"anyOf": [{"$ref": "#/$defs/U"}, {"type": "null"}]}
    member = {"type": "object", "properties": {"kind": {"const": "a"}, "next": inner}}
    hints = {"tag": {"key": "kind", "values": [["a", 0], ["b", 1]]}}
    other = {"type": "object", "properties": {"kind": {"const": "b"}}}
    union = {"oneOf": [member, other], "x-statemig": hints}
    again = {"oneOf": [{**member, "title": "A"}, other], "x-statemig": hints}
    assert digest(read({**inner, "$defs": {"U": union}})) == digest(
        read({"anyOf": [{"type": "null"}, again], "$defs": {"U": union}})
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"type": "integer"}, {"type": "number"}),
        ({"const": 1}, {"const": True}),
        ({"properties": {"a": {"default": 1}}}, {"properties": {"a": {"default": None}}}),
        ({"properties": {"a": {"default": None}}}, {"properties": {"a": {}}}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "required": ["a"]}),
        ({"properties": {"a": {}}}, {"properties": {"a": {}}, "additionalProperties": False}),
        ({"type": "integer", "maximum": 2**70}, {"type": "integer", "maximum": 2**70 + 1}),
    ],
)
def test_what_carries_meaning_changes_the_digest(one: Any, other: Any) -> None:
    assert digest(read(one)) != digest(read(other))


def _cases() -> Path:
    told = os.environ.get("STATEMIG_CASES")
    return Path(told) if told else Path(__file__).parents[2].parent / "shared" / "cases"


def test_schemas_of_released_sdks_are_read_exactly() -> None:
    files = sorted((_cases() / "autogen").glob("*.json"))
    if not files:
        pytest.skip("no case files here; STATEMIG_CASES says where they are")
    for file in files:
        case = json.loads(file.read_text())
        for side in ("old_schema", "new_schema"):
            schema = read(case[side])
            assert read(write(schema)) == schema, file.name
            assert digest(read(write(schema))) == digest(schema), file.name
