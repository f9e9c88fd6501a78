"""Which parts of two schemas are written the same, found out without looking at them again and again.

A mark is a hash of everything that a shape says, by itself and inside, with names and descriptions; a reference says its name. Shapes of
equal marks are equal, types of values included, where what they refer to is. Stricter than `digest`, which is about meaning.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from statemig.shapes.shape import Property, Ref, Schema, Shape

_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Marks:
    """Of every shape and property in one schema, by its id, which lasts as long as `schema`: its mark, and the definitions that can
    be got to from it. `digests` are those that somebody has asked for."""

    schema: Schema
    known: Mapping[int, tuple[bytes, frozenset[str]]]
    definitions: Mapping[str, bytes]
    digests: dict[int, str] = field(default_factory=dict)

    @classmethod
    def of(cls, schema: Schema) -> Marks:
        marker = _Marker()
        marker.of(schema.root)
        definitions = {name: marker.of(shape)[0] for name, shape in schema.definitions.items()}
        direct = {name: marker.known[id(shape)][1] for name, shape in schema.definitions.items()}
        reach = {name: _closure(frozenset({name}), direct) for name in direct}
        known = {
            each: (mark, _NONE.union(*(reach.get(name, {name}) for name in names)) if names else _NONE)
            for each, (mark, names) in marker.known.items()
        }
        return cls(schema, known, definitions)

    def changed(self, other: Marks) -> frozenset[str]:
        """The definitions that are not written the same in both."""
        names = self.definitions.keys() | other.definitions.keys()
        return frozenset(name for name in names if self.definitions.get(name) != other.definitions.get(name))


class _Marker:
    def __init__(self) -> None:
        self.known: dict[int, tuple[bytes, frozenset[str]]] = {}

    def of(self, shape: Shape | Property) -> tuple[bytes, frozenset[str]]:
        found = self.known.get(id(shape))
        if found is None:
            said: list[str] = []
            names: set[str] = set()
            self.say(shape, said, names)
            mark = hashlib.blake2b("\0".join(said).encode("utf-8", "surrogatepass"), digest_size=16).digest()
            found = self.known[id(shape)] = mark, frozenset(names)
        return found

    def say(self, value: Any, said: list[str], names: set[str]) -> None:
        """What one shape or property holds; for the shapes in it, their marks."""
        said.append(type(value).__name__)
        if isinstance(value, Ref):
            names.add(value.name)
        for name in value.__match_args__:
            self.part(getattr(value, name), said, names)

    def part(self, value: Any, said: list[str], names: set[str]) -> None:
        if isinstance(value, Shape | Property):
            mark, inside = self.of(value)
            said.append(mark.hex())
            names |= inside
        elif isinstance(value, tuple | list):
            said.append(f"{len(value)} items")
            for each in value:
                self.part(each, said, names)
        elif isinstance(value, Mapping):
            said.append(f"{len(value)} keys")
            for key, each in value.items():
                said.append(repr(key))
                self.part(each, said, names)
        elif hasattr(value, "__match_args__"):
            self.say(value, said, names)
        else:
            said.append(repr(value))


def _closure(names: frozenset[str], direct: Mapping[str, frozenset[str]]) -> frozenset[str]:
    seen = set(names)
    todo = list(names)
    while todo:
        more = direct.get(todo.pop(), _NONE) - seen
        seen |= more
        todo += more
    return frozenset(seen)
