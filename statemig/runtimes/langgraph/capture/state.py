"""The channels of a graph as the state of a run document.

The types are those that the author has declared. LangGraph enforces little of that: nothing when a channel is written, the types of a
pydantic model and that the fields of a dataclass are there when a node starts, and of a TypedDict nothing at all (`Unchecked`).
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from langgraph.channels import BinaryOperatorAggregate, EphemeralValue, LastValue, UntrackedValue
from langgraph.graph import StateGraph
from pydantic import BaseModel

from statemig.errors import CaptureError
from statemig.runtimes.langgraph.capture.source import digest_of
from statemig.shapes.shape import MISSING, Missing, Object, Property, Schema, trimmed
from statemig.workflow.capture import run_schemas
from statemig.workflow.definition import DumpProfile
from statemig.workflow.ownership import is_foreign, opaque_name, package_of
from statemig.workflow.run_shape import outputs_of, run_schema
from statemig.workflow.unchecked import Unchecked
from statemig.workflow.unseen import Unseen

#: LangGraph stores what pydantic dumps in Python mode, under the names of fields.
PROFILE: Final = DumpProfile(by_alias=False, mode="python")
_ROOT: Final = "__root__"
_OUTPUTS: Final = "outputs"

Builder = StateGraph[Any, Any, Any, Any]


@dataclass(frozen=True)
class GraphState:
    """`channels`: how what is written to a channel is combined, where it is not the last value that counts."""

    writes: Schema
    reads: Schema
    unchecked: tuple[Unchecked, ...]
    unseen: tuple[Unseen, ...]
    channels: dict[str, str]


def state_of(
    builder: Builder, inner: Sequence[tuple[str, Builder]], workflow: str, own: frozenset[str]
) -> GraphState:
    """`inner`: the graphs inside, each with the path of nodes to it. Their channels are stored apart, and are the same field where they
    have the same name. Raises `CaptureError`."""
    schemas: list[Any] = [builder.state_schema]
    for each in (builder, *(graph for _, graph in inner)):
        schemas += [schema for schema in each.schemas if schema not in schemas]
    places = {f"{_OUTPUTS}.{_place(number)}": schema for number, schema in enumerate(schemas)}
    try:
        writes, reads, unseen = run_schemas(places, PROFILE, own, workflow)
    except CaptureError as error:
        raise CaptureError(_named(error.message, schemas), workflow=workflow) from error
    kept = {
        name: channel
        for graph in (builder, *(graph for _, graph in inner))
        for name, channel in graph.channels.items()
        if not isinstance(channel, UntrackedValue)
    }
    read, defaults = _state(reads, schemas, kept, {}), _defaults(kept)
    written = _state(writes, schemas, kept, read)
    return GraphState(
        writes=_finished(written, read, builder.state_schema, defaults, writes),
        reads=_finished(read, read, builder.state_schema, defaults, reads),
        unchecked=tuple(_unchecked(builder, read)),
        unseen=tuple(_unseen(unseen, schemas, kept)),
        channels=dict(_combined(builder, inner)),
    )


def packages(builder: Builder) -> set[str]:
    """The packages whose classes are the author's own: those of the classes that hold the state."""
    return {package_of(schema) for schema in builder.schemas if isinstance(schema, type)} - {"builtins"}


# -- properties --------------------------------------------------------------------------------------------------------


def _state(
    schema: Schema, schemas: Sequence[Any], kept: Mapping[str, Any], like: Mapping[str, Property]
) -> dict[str, Property]:
    """The channels by name, from the first class that declares each, and required only where the state itself does. Channels go by the
    names of fields whatever aliases they have."""
    found: dict[str, Property] = {}
    parts = outputs_of(schema)
    for number, cls in enumerate(schemas):
        shape = parts[_place(number)].root
        if not hasattr(cls, "__annotations__"):
            if _ROOT in kept:
                found.setdefault(_ROOT, Property(shape, required=number == 0))
            continue
        inside = schema.resolve(shape)
        for key, prop in inside.properties.items() if isinstance(inside, Object) else ():
            name: str = prop.python_name or key
            if name in kept and name not in found:
                found[name] = replace(prop, python_name=None, required=prop.required and number == 0)
    order = like or found
    return {name: found[name] for name in order if name in found}


def _place(number: int) -> str:
    """Under which each class is read together with the others, so that they share their definitions."""
    return f"schema{number}"


def _finished(
    properties: Mapping[str, Property],
    read: Mapping[str, Property],
    state: Any,
    defaults: Mapping[str, Any],
    found: Schema,
) -> Schema:
    """A channel that begins with an empty value of its type is never missing to a node, and not stored before it is written."""
    made: dict[str, Property] = {}
    for name, prop in properties.items():
        empty = defaults.get(name, MISSING)
        default = read[name].default if isinstance(empty, Missing) else empty
        required = read[name].required and isinstance(empty, Missing)
        made[name] = replace(prop, required=required, default=default)
    called = getattr(state, "__name__", None)
    return trimmed(run_schema(Object(made, name=called), {}, found.definitions))


def _defaults(kept: Mapping[str, Any]) -> dict[str, Any]:
    """What a channel begins with, where that is JSON."""
    found: dict[str, Any] = {}
    for name, channel in kept.items():
        if isinstance(channel, LastValue):
            continue
        if isinstance(channel, EphemeralValue):
            continue
        value = getattr(channel, "value", None)
        value = [] if value in (set(), frozenset()) else value
        try:
            json.dumps(value)
        except (TypeError, ValueError):
            continue
        if value is not None:
            found[name] = value
    return found


def _unchecked(builder: Builder, read: Mapping[str, Property]) -> Iterator[Unchecked]:
    """All channels. The checkpoint of the input has none of them yet, and one of a subgraph only its own; so each may be missing,
    although a node that starts asks for the fields of a model or a dataclass."""
    state = builder.state_schema
    is_model = isinstance(state, type) and issubclass(state, BaseModel)
    declared = builder.schemas.get(state, {})
    for name in read:
        yield Unchecked(name, value=not (is_model and name in declared))


def _unseen(found: Sequence[Unseen], schemas: Sequence[Any], kept: Mapping[str, Any]) -> Iterator[Unseen]:
    """What a pydantic model checks beyond its schema, under the state; the other classes check nothing."""
    state = schemas[0]
    if not (isinstance(state, type) and issubclass(state, BaseModel)):
        return
    names: dict[str, str] = {}
    for name, declared in state.model_fields.items():
        alias = declared.validation_alias or declared.alias
        names[alias if isinstance(alias, str) else name] = name
    prefix = f"{_OUTPUTS}.{_place(0)}"
    for each in found:
        if each.path == prefix or each.path.startswith((f"{prefix}.", f"{prefix}<", f"{prefix}[")):
            rest = each.path.removeprefix(prefix)
            first = rest[1:].partition(".")[0].partition("[")[0].partition("{")[0].partition("<")[0]
            if rest.startswith(".") and first in names:
                rest = f".{names[first]}{rest[1 + len(first) :]}"
            yield replace(each, path=f"state{rest}")


def _named(message: str, schemas: Sequence[Any]) -> str:
    for number, schema in enumerate(schemas):
        message = message.replace(
            f"step {_place(number)!r}: output", str(getattr(schema, "__name__", schema))
        )
    return message


# -- reducers ----------------------------------------------------------------------------------------------------------


def _combined(builder: Builder, inner: Sequence[tuple[str, Builder]]) -> Iterator[tuple[str, str]]:
    for path, graph in (("", builder), *inner):
        for name, channel in graph.channels.items():
            if type(channel) is not LastValue and not isinstance(channel, UntrackedValue):
                yield (f"{path}.{name}" if path else name), _way(channel)


def _way(channel: Any) -> str:
    """How a channel combines writes: the name of the reducer, and of the author's own a digest of what it does; else the channel's class
    with what it was made with."""
    kind = type(channel)
    own = opaque_name(kind) if is_foreign_class(kind) else f"{kind.__module__}.{kind.__qualname__}"
    short = kind.__qualname__ if package_of(kind) == "langgraph" else own
    reducer = getattr(channel, "operator", None) or getattr(channel, "reducer", None)
    if reducer is not None:
        named = function_name(reducer)
        return named if kind is BinaryOperatorAggregate else f"{short}({named})"
    said = {
        each: getattr(channel, each)
        for each in ("accumulate", "guard")
        if isinstance(getattr(channel, each, None), bool)
    }
    return f"{short}({', '.join(f'{key}={value}' for key, value in sorted(said.items()))})" if said else short


def is_foreign_class(cls: type) -> bool:
    return is_foreign(cls, ())


def function_name(function: Any) -> str:
    if isinstance(function, partial):
        words = [*enumerate(function.args), *sorted(function.keywords.items())]
        given = ", ".join(f"{key}={value!r}" for key, value in words if _is_plain(value))
        return f"{function_name(function.func)}({given})"
    if inspect.ismethod(function):
        return function_name(function.__func__)
    module = getattr(function, "__module__", None) or type(function).__module__
    if not hasattr(function, "__qualname__"):
        return f"{type(function).__module__}.{type(function).__qualname__}"
    module = "operator" if module == "_operator" else module
    if is_foreign(function, ()) or module == "operator":
        # What a library wraps its function in is its own affair.
        return f"{module}.{function.__qualname__.rpartition('.')[2].lstrip('_')}"
    digest = digest_of(function)
    # Of the author's own it says what is done; what the function is called, and where it lies, does not count.
    return f"{module}.{function.__qualname__}" if digest is None else f"code {digest[:12]}"


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float | bool | None)
