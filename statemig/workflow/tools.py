"""The contract of a tool: its name and the JSON Schema of its arguments."""

from __future__ import annotations

import inspect
import keyword
import typing
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from statemig.errors import SchemaError
from statemig.shapes import json_schema
from statemig.workflow.definition import DumpProfile
from statemig.workflow.pydantic_schema import generate

_WRITTEN_IN = ("parameters", "input_schema", "inputSchema", "arguments", "args_schema")


@dataclass(frozen=True, slots=True)
class Tool:
    """`arguments` is a canonical JSON Schema, or None where only the name is known."""

    name: str
    arguments: dict[str, Any] | None = None


def tool_of(tool: Any, own: Collection[str]) -> Tool:
    """What a tool promises. Takes a name, a function, a pydantic model, a dict as model providers want it, or an object with `.name` and
    `.args_schema` (LangChain). Raises `TypeError` or `SchemaError` with what is wrong."""
    if isinstance(tool, str):
        return Tool(tool)
    if isinstance(tool, Mapping):
        return _of_dict(tool)
    if isinstance(tool, type) and issubclass(tool, BaseModel):
        return Tool(tool.__name__, _of_type(tool, own))
    name = getattr(tool, "name", None)
    if isinstance(name, str):
        schema = getattr(tool, "args_schema", None)
        if isinstance(schema, Mapping):
            return Tool(name, _canonical(schema))
        return Tool(name, None if schema is None else _of_type(schema, own))
    if callable(tool):
        return Tool(_name_of(tool), _of_function(tool, own))
    raise TypeError(
        f"a tool must be a function, a pydantic model, a dict with a name or a name, not {type(tool).__name__}"
    )


def _of_dict(tool: Mapping[str, Any]) -> Tool:
    inner = tool.get("function", tool)
    name = inner.get("name") if isinstance(inner, Mapping) else None
    if not isinstance(name, str):
        raise TypeError("a tool that is a dict needs a 'name'")
    schema = next((inner[key] for key in _WRITTEN_IN if inner.get(key) is not None), None)
    return Tool(name, None if schema is None else _canonical(schema))


def _of_function(function: Callable[..., Any], own: Collection[str]) -> dict[str, Any]:
    signature = inspect.signature(function)
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):
        hints = {}
    fields: dict[str, Any] = {}
    open_ended = False
    for number, (name, parameter) in enumerate(signature.parameters.items()):
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            open_ended = True
            continue
        annotation = hints.get(name, parameter.annotation)
        if annotation is parameter.empty or isinstance(annotation, str):
            annotation = Any
        default = ... if parameter.default is parameter.empty else parameter.default
        # The alias is what counts; a name that pydantic keeps for itself cannot be the field's.
        fields[f"p{number}"] = (annotation, Field(default, alias=name))
    config = ConfigDict(arbitrary_types_allowed=True, extra="allow" if open_ended else "ignore")
    model: Any = create_model(_name_of(function), __config__=config, **fields)
    return _without_field_names(_of_type(model, own))


def _of_type(cls: Any, own: Collection[str]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        adapter: TypeAdapter[Any] = TypeAdapter(cls)
    (node,), definitions = _generated(adapter, {*own, str(cls.__module__).partition(".")[0]})
    return _canonical({**node, "$defs": definitions})


def _generated(
    adapter: TypeAdapter[Any], own: Collection[str]
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    keyed, definitions = generate([("tool", adapter.core_schema)], "validation", DumpProfile(), own)
    return list(keyed.values()), definitions


def _canonical(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Through shapes, so that every pydantic writes the same. What shapes cannot say stays as the author wrote it."""
    try:
        return json_schema.write(json_schema.read(schema))
    except SchemaError:
        return dict(schema)


def _without_field_names(schema: dict[str, Any]) -> dict[str, Any]:
    """The names p0, p1, ... are ours and mean nothing."""
    root = schema
    if "$ref" in schema:
        root = schema.get("$defs", {}).get(schema["$ref"].rpartition("/")[2], {})
    for node in root.get("properties", {}).values():
        hints = node.get("x-statemig")
        if hints is not None:
            hints.pop("python_name", None)
            if not hints:
                del node["x-statemig"]
    return schema


def _name_of(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", None) or type(function).__name__
    if not str(name).isidentifier() or keyword.iskeyword(str(name)):
        raise TypeError(f"a function as a tool needs a name, not {name}; define it with def, or pass a dict")
    return str(name)
