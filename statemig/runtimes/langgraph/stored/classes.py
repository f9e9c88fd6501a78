"""The classes of today for what is stored: a class that has another name, or lies in another module, is found again."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, get_args, get_type_hints

from statemig.runtimes.langgraph.stored.values import CLASSED, Foreign, Hook, is_json, refuse, unbuilt

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


#: of the instances in a value: there are none; all are of classes that are where they were; some are not, or nobody can tell
NONE, HERE, AWAY = range(3)
_FOREIGN: Final = {Foreign}
#: how many classes are remembered: a program may make them as it goes, each with a name of its own
_CLASSES: Final = 256


@dataclass(slots=True)
class Here:
    """Tells of stored values whether the classes in them are where they were, for the most part without decoding them: only where there is
    a byte that an instance inside may begin with. `renamed` and `known` as of `relocated`."""

    renamed: Mapping[str, str]
    known: Mapping[str, type]
    #: how instances of classes begin that are where they were
    _heads: tuple[bytes, ...] = ()

    def checked(self, build: Hook) -> Hook:
        """Builds instances of classes that are where they were, as are all instances inside; refuses others."""
        heads = self._heads

        def hook(code: int, data: bytes) -> Any:
            # Written out: this is most of what it costs to look at an instance.
            if not (
                code in CLASSED
                and data.startswith(heads)
                and not (0xC7 in data or 0xC8 in data or 0xC9 in data or 0xD7 in data or 0xD8 in data)
            ) and not self._are_here([unbuilt(code, data)]):
                return refuse(code, data)
            return build(code, data)

        return hook

    def kinds(self, value: Any) -> int:
        """NONE, HERE or AWAY, of a raw value."""
        kind = type(value)
        if kind is Foreign:
            return HERE if self._are_here([value]) else AWAY
        if kind is list:
            if value and type(value[0]) is Foreign and _is_uniform(value):
                return HERE if self._are_here(value) else AWAY
            inside = value
        elif kind is dict:
            inside = value.values()
        else:
            return NONE
        return NONE if is_json(value) else max(map(self.kinds, inside), default=NONE)

    def _are_here(self, stored: Sequence[Foreign]) -> bool:
        last: bytes | None = None
        for each in stored:
            data = each.packed
            if data is None or each.code not in CLASSED:
                return False
            if last is None or not data.startswith(last):  # instances of one class mostly come together
                last = _head(data)
                if last not in self._heads:
                    if relocated(each, self.renamed, self.known) is not each:
                        return False
                    if last is not None:
                        self._heads = (*self._heads[-_CLASSES + 1 :], last)
            if _may_hold_another(data) and self.kinds(each.arg) == AWAY:
                return False
        return True


def _may_hold_another(data: bytes) -> bool:
    """Whether an instance as it is stored has a byte in it that one inside begins with. Written out, because it is asked so often."""
    return 0xC7 in data or 0xC8 in data or 0xC9 in data or 0xD7 in data or 0xD8 in data


def _is_uniform(items: Sequence[Any]) -> bool:
    return set(map(type, items)) == _FOREIGN


def _head(data: bytes) -> bytes | None:
    """The beginning of an instance as it is stored, with the names of its module and of its class; None where they are odd ones."""
    end = 1
    for _ in range(2):
        size = data[end] if end < len(data) else 0
        if size >> 5 == 0b101:  # a text of up to 31 bytes
            end += 1 + (size & 0x1F)
        elif size == 0xD9 and end + 1 < len(data):
            end += 2 + data[end + 1]
        else:
            return None
    return data[:end]
