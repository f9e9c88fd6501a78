"""Operations on what a script does not name: all other keys of an object, all items that the objects of a list hold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from statemig.operations.base import Operation, require, require_field, require_json
from statemig.path import Path, Variant
from statemig.plan import list_values
from statemig.plan.effects import shapes_at
from statemig.plan.instructions import Apply, Instruction
from statemig.plan.rest_values import GroupRest, UngroupRest
from statemig.plan.values import members
from statemig.shapes.shape import Object, Schema


@dataclass(frozen=True)
class NestRest(Operation):
    """All that the objects at `path` have at other keys than `keep` goes into a new object `into`, which is there even where there is
    nothing. The way back takes it out again."""

    name: ClassVar[str] = "nest_rest"
    path: Path
    into: str
    keep: tuple[str, ...]

    def __post_init__(self) -> None:
        require(bool(self.path.segments), "expected the path of an object", self.name)
        object.__setattr__(self, "keep", _beside(self.keep, self.into, self.name, self.path))

    def inverse(self) -> Operation:
        return FlattenRest(self.path / self.into, self.keep)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, GroupRest(self.keep, self.into)),)

    def bind(self, schema: Schema) -> Operation:
        shapes_at(schema, self.path)
        return self

    def describe(self) -> str:
        return f"what {self.path} has besides {', '.join(self.keep)} goes into {self.into}"


@dataclass(frozen=True)
class FlattenRest(Operation):
    """All that the object at `path` has comes out of it, and it goes. `keep` are the fields beside it, for the way back."""

    name: ClassVar[str] = "flatten_rest"
    path: Path
    keep: tuple[str, ...]

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        object.__setattr__(self, "keep", _beside(self.keep, self.path.key, self.name, self.path.parent))

    def inverse(self) -> Operation:
        return NestRest(self.path.parent, self.path.key, self.keep)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path.parent, UngroupRest(self.keep, self.path.key)),)

    def bind(self, schema: Schema) -> Operation:
        shapes_at(schema, self.path)
        beside = [
            name
            for shape in shapes_at(schema, self.path.parent)
            for member in members(shape, schema)
            if isinstance(member, Object) and self.path.key in member.properties
            for name in member.properties
            if name != self.path.key and name not in self.keep
        ]
        require(
            not beside,
            f"the way back could not tell {', '.join(dict.fromkeys(beside))} from what comes out; name all fields beside it in keep",
            self.name,
            self.path,
        )
        return self

    def describe(self) -> str:
        return f"all that {self.path} has comes out of it"


@dataclass(frozen=True)
class FlattenList(Operation):
    """The list of objects at `path` becomes the list of all items that they hold at `key`. How it was cut, and what else the objects had,
    is kept; without that, the way back makes one object of all, with the fields `rest` beside `key`."""

    name: ClassVar[str] = "flatten_list"
    positional: ClassVar[int] = 2
    path: Path
    key: str
    rest: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        _held(self.key, self.rest, self.name, self.path)
        object.__setattr__(self, "rest", self.rest or None)

    def inverse(self) -> Operation:
        return NestList(self.path, self.key, self.rest)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, list_values.FlattenList(self.key, self.rest or {})),)

    def describe(self) -> str:
        return f"{self.path} becomes one list of all {self.key}"


@dataclass(frozen=True)
class NestList(Operation):
    """The list at `path` becomes a list of one object, which holds it at `key` and has the fields `rest` beside it."""

    name: ClassVar[str] = "nest_list"
    positional: ClassVar[int] = 2
    path: Path
    key: str
    rest: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        _held(self.key, self.rest, self.name, self.path)
        object.__setattr__(self, "rest", self.rest or None)

    def inverse(self) -> Operation:
        return FlattenList(self.path, self.key, self.rest)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, list_values.NestList(self.key, self.rest or {})),)

    def describe(self) -> str:
        return f"{self.path} goes into the {self.key} of one object"


def _beside(keep: Any, into: Any, operation: str, path: Path) -> tuple[str, ...]:
    names = tuple(keep)
    for name in (*names, into):
        require(isinstance(name, str) and name != "", "fields are named by text", operation, path)
    require(into not in names, "the new object is not one of the fields beside it", operation, path)
    require(len(set(names)) == len(names), "a field is named twice", operation, path)
    last = path.last
    require(
        not isinstance(last, Variant) or last.tag[0] in names,
        "the path goes by a tag, so it is one of the fields to keep",
        operation,
        path,
    )
    return names


def _held(key: Any, rest: dict[str, Any] | None, operation: str, path: Path) -> None:
    require(
        isinstance(key, str) and key != "", "key must be the name of a field of the objects", operation, path
    )
    require(bool(path.segments[1:]), "expected the path of a list", operation, path)
    require(rest is None or isinstance(rest, dict), "rest is an object", operation, path)
    require(key not in (rest or {}), "rest are the other fields, without the list", operation, path)
    require_json(rest, operation, "rest")


__all__ = ["FlattenList", "FlattenRest", "NestList", "NestRest"]
