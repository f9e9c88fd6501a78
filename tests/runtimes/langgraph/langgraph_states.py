"""The classes of the application: from one list of fields a TypedDict, a pydantic model or a dataclass, as the version of the code that
runs has them."""

from __future__ import annotations

import dataclasses
import sys
import types
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Required, get_args, get_origin

from langgraph.graph import StateGraph
from pydantic import BaseModel, Field, create_model
from typing_extensions import TypedDict

Kind = Literal["TypedDict", "pydantic", "dataclass"]
KINDS: tuple[Kind, ...] = ("TypedDict", "pydantic", "dataclass")

#: a field is optional unless its type is ``Required[...]``; a type may be a `Model`
Fields = Mapping[str, Any]

#: A checkpoint says module and name of a class. These modules hold those of the version that runs, and nothing else.
HERE, ELSEWHERE = "langgraph_app", "langgraph_app_elsewhere"
for _name in (HERE, ELSEWHERE):
    sys.modules.setdefault(_name, types.ModuleType(_name))


@dataclass(frozen=True)
class Model:
    """A class of a value in the state, all of whose fields are required but those in `defaults`: a dataclass where the state is one, and
    else a pydantic model."""

    name: str
    fields: tuple[tuple[str, type], ...]
    defaults: tuple[tuple[str, Any], ...] = ()
    module: str = HERE


def forget_classes() -> None:
    """Another version of the code starts, in a process of its own."""
    for name in (HERE, ELSEWHERE):
        module = vars(sys.modules[name])
        for each in [each for each in module if not each.startswith("__")]:
            del module[each]


def state(kind: Kind, fields: Fields, name: str = "State") -> type:
    """A class to make a `StateGraph` of."""
    hints = {each: _declared(kind, hint) for each, hint in fields.items()}
    required = {each for each, hint in hints.items() if get_origin(hint) is Required}
    inner = {each: get_args(hint)[0] if each in required else hint for each, hint in hints.items()}
    match kind:
        case "TypedDict":
            made: Any = TypedDict(name, hints, total=False)  # type: ignore[operator]
        case "pydantic":
            made = create_model(
                name,
                **{each: (hint, ... if each in required else _default(hint)) for each, hint in _open(inner)},
            )
        case "dataclass":
            made = dataclasses.make_dataclass(
                name,
                [
                    (each, hint) if each in required else (each, hint, _field_default(hint))
                    for each, hint in _open(inner)
                ],
                kw_only=True,
            )
    return _published(made, HERE)


def graph_of(kind: Kind, fields: Fields) -> StateGraph:
    return StateGraph(state(kind, fields))


def new(name: str, module: str = HERE, **values: Any) -> Any:
    """An instance of a class of the version that runs."""
    return getattr(sys.modules[module], name)(**values)


def at(state: Any, name: str) -> Any:
    """What a node finds in a field, whatever its state is."""
    return state[name] if isinstance(state, Mapping) else getattr(state, name)


def shown(value: Any) -> Any:
    """A value to compare and to keep in a file: an instance is text, with its module where it has moved."""
    match value:
        case None | bool() | int() | float() | str():
            return value
        case list() | tuple():
            return [shown(each) for each in value]
        case dict():
            return {str(key): shown(each) for key, each in value.items()}
        case _:
            module = type(value).__module__
            return f"{module}.{value!r}" if module == ELSEWHERE else repr(value)


def _declared(kind: Kind, hint: Any) -> Any:
    if get_origin(hint) is Required:
        return Required[_declared(kind, get_args(hint)[0])]
    if not isinstance(hint, Model):
        return hint
    defaults = dict(hint.defaults)
    made: Any
    if kind == "dataclass":
        made = dataclasses.make_dataclass(
            hint.name,
            [
                (name, type_, dataclasses.field(default=defaults[name]))
                if name in defaults
                else (name, type_)
                for name, type_ in hint.fields
            ],
            kw_only=True,
        )
    else:
        made = create_model(
            hint.name, **{name: (type_, defaults.get(name, ...)) for name, type_ in hint.fields}
        )
    return _published(made, hint.module)


def _published(made: Any, module: str) -> Any:
    made.__module__ = module
    setattr(sys.modules[module], made.__name__, made)
    return made


def _open(hints: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Of an own class there is no empty value, so a field of it may be None."""
    return [(name, hint | None if _is_own(hint) else hint) for name, hint in hints.items()]


def _is_own(hint: Any) -> bool:
    return isinstance(hint, type) and (issubclass(hint, BaseModel) or dataclasses.is_dataclass(hint))


def _empty(hint: Any) -> Any:
    kind = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    kind = get_origin(kind) or kind
    return kind() if kind in (str, bool, int, list) else None


def _default(hint: Any) -> Any:
    empty = _empty(hint)
    return Field(default_factory=list) if empty == [] else empty


def _field_default(hint: Any) -> Any:
    empty = _empty(hint)
    return dataclasses.field(default_factory=list) if empty == [] else dataclasses.field(default=empty)
