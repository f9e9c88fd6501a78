"""Prompts, tools and models of a step."""

from __future__ import annotations

import string
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import BaseModel

from statemig.workflow import Step, Workflow
from statemig.workflow.capture import capture
from statemig.workflow.prompts import prompt_of, variables
from statemig.workflow.tools import tool_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("About {topic}", ("topic",)),
        ("About {{topic}} and {{ tone | upper }}", ("tone", "topic")),
        ("{user.name} {items[0]} {cost:.2f} {who!r}", ("cost", "items", "user", "who")),
        ('Answer as {"label": 1} or {}', ()),
        ("{% for item in items %}{{ item }} {{ loop.index }}{% endfor %}", ("items",)),
        ("{b} {a} {b}", ("a", "b")),
    ],
)
def test_variables_of_a_template(text: str, expected: tuple[str, ...]) -> None:
    assert variables(text) == expected


def test_a_prompt_may_be_an_object_with_a_template() -> None:
    assert prompt_of(SimpleNamespace(template="Hi {x}")) == {"text": "Hi {x}", "variables": ["x"]}
    assert prompt_of(string.Template("Hi $x ${y}"))["variables"] == ["x", "y"]


def test_a_prompt_may_be_an_object_with_text() -> None:
    class Said:
        def __str__(self) -> str:
            return "Hi {x}"

    assert prompt_of(Said()) == {"text": "Hi {x}", "variables": ["x"]}


def lookup(_id: int, schema: str = "s", *rest: int, flag: bool = False) -> None: ...


def test_the_arguments_of_a_function_come_from_its_signature() -> None:
    tool = tool_of(lookup, set())
    assert tool.name == "lookup"
    assert tool.arguments is not None
    root = tool.arguments
    root = root["$defs"][root["$ref"].rpartition("/")[2]] if "$ref" in root else root
    assert root["properties"] == {
        "_id": {"type": "integer"},
        "schema": {"type": "string", "default": "s"},
        "flag": {"type": "boolean", "default": False},
    }
    assert root["required"] == ["_id"]


class Query(BaseModel):
    text: str


@pytest.mark.parametrize(
    "tool",
    [
        Query,
        {"name": "Query", "input_schema": Query.model_json_schema()},
        {"type": "function", "function": {"name": "Query", "parameters": Query.model_json_schema()}},
        SimpleNamespace(name="Query", args_schema=Query),
    ],
)
def test_one_contract_in_four_ways_has_one_digest(tool: Any) -> None:
    def digest(tool: Any) -> str:
        return capture(Workflow("w", steps=[Step("a", tools=[tool])])).digests["tools"]

    assert digest(tool) == digest(Query)


def test_a_tool_may_be_a_name_only() -> None:
    snapshot = capture(
        Workflow("w", steps=[Step("a", tools=["web", Query], next="b"), Step("b", tools=["web"])])
    )
    assert snapshot.tools["web"] == {"arguments": None, "steps": ["a", "b"]}


def test_a_model_is_a_name_or_settings() -> None:
    snapshot = capture(
        Workflow("w", steps=[Step("a", model="large", next="b"), Step("b", model={"name": "small"})])
    )
    assert snapshot.models == {"a": {"name": "large"}, "b": {"name": "small"}}
