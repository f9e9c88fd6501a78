"""The tools that the nodes of a graph run, with what they promise."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic.errors import PydanticUserError

from statemig.errors import SchemaError
from statemig.runtimes.langgraph.capture.flow import functions_of, parts_of
from statemig.workflow.tools import Tool, tool_of


def tools_of(runnable: Any, own: Collection[str]) -> Iterator[Tool]:
    """Those of a `ToolNode`, be it the node itself, part of a sequence, or used by the node's function."""
    seen: set[int] = set()
    for part in (*parts_of(runnable), *_used_by(runnable)):
        tools = getattr(part, "tools_by_name", None)
        if isinstance(tools, Mapping) and id(part) not in seen:
            seen.add(id(part))
            for tool in tools.values():
                yield _tool(tool, own)


def _used_by(runnable: Any) -> Iterator[Any]:
    for function in functions_of(runnable):
        plain = inspect.unwrap(getattr(function, "__func__", function))
        if inspect.isfunction(plain):
            for name in plain.__code__.co_names:
                if name in plain.__globals__:
                    yield plain.__globals__[name]
            for cell in plain.__closure__ or ():
                try:
                    yield cell.cell_contents
                except ValueError:
                    continue  # not there yet


def _tool(tool: Any, own: Collection[str]) -> Tool:
    """By what the model has to say: arguments that LangGraph puts in itself are no part of the promise."""
    name = str(tool.name)
    try:
        schema = getattr(tool, "tool_call_schema", None)
        if isinstance(schema, type) and issubclass(schema, BaseModel):
            return Tool(name, tool_of(schema, own).arguments)
        if isinstance(schema, Mapping):
            return tool_of({"name": name, "parameters": dict(schema)}, own)
        return tool_of(tool, own)
    except (PydanticUserError, SchemaError, NameError, TypeError, AttributeError, ValueError):
        return Tool(name)  # its arguments are beyond what JSON Schema says; its name is known
