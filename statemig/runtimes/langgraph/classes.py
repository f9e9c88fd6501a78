"""The classes of today for what is stored: a class that has another name, or lies in another module, is found again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, get_args, get_type_hints

from statemig.runtimes.langgraph.values import Foreign

_LIBRARIES = frozenset(sys.stdlib_module_names) | {"langgraph", "langchain_core"}


def classes_of(graph: Any) -> dict[str, type]:
    """The classes that a graph's channels, and those of graphs inside, are declared with, at any depth, by name. A name that two of
    them have is left out."""
    found: dict[str, type | None] = {}
    seen: set[int] = set()
    todo = [schema for each in _graphs(graph) for schema in getattr(each.builder, "schemas", ())]
    while todo:
        hint = todo.pop()
        if id(hint) in seen:
            continue
        seen.add(id(hint))
        todo += get_args(hint)
        if isinstance(hint, type) and hint.__module__.split(".")[0] not in _LIBRARIES:
            found[hint.__name__] = hint if found.get(hint.__name__, hint) is hint else None
            todo += _fields(hint)
    return {name: each for name, each in found.items() if each is not None}


def _graphs(graph: Any) -> Iterator[Any]:
    yield graph
    for _, inner in graph.get_subgraphs(recurse=True):
        yield inner


def _fields(hint: type) -> list[Any]:
    try:
        return list(get_type_hints(hint).values())
    except (NameError, TypeError):
        return [field.annotation for field in getattr(hint, "model_fields", {}).values()]


def relocated(stored: Foreign, renamed: Mapping[str, str], known: Mapping[str, type]) -> Foreign:
    """What is stored as an instance of a class, of the class that it has today: itself where that class is still there; else the one
    that the script says it is called, in the same module; else one of that name among the graph's own."""
    if (
        stored.module.split(".")[0] in _LIBRARIES
        or not stored.module
        or _is_there(stored.module, stored.name)
    ):
        return stored
    name = renamed.get(stored.name, stored.name)
    if name in known:
        return replace(stored, module=known[name].__module__, name=name)
    return replace(stored, name=name) if _is_there(stored.module, name) else stored


def _is_there(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name)
    except ImportError:
        return False
