"""Operations on several fields of one object: copy, nest and flatten, split and merge."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statemig.errors import OperationError
from statemig.operations.base import Operation, require, require_field
from statemig.operations.fields import MoveField
from statemig.path import Key, Path
from statemig.plan.effects import shapes_at
from statemig.plan.instructions import Apply, Instruction
from statemig.plan.key_values import CopyKey, Function, Group, Merge, OnKeys, Split, Ungroup
from statemig.plan.values import members
from statemig.shapes.shape import Object, Schema


@dataclass(frozen=True)
class CopyField(Operation):
    """The value at `path` is at `to` as well, another place below the same object. The way back drops the copy. `made` as for
    `move_field`."""

    name: ClassVar[str] = "copy_field"
    path: Path
    to: Path
    made: int = 0
    reverse: bool = False

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        require_field(self.to, self.name)
        require(self.path != self.to, "the copy would be where the original is", self.name, self.path)
        require(
            not self.to.startswith(self.path) and not self.path.startswith(self.to),
            "a value cannot be copied into itself",
            self.name,
            self.path,
        )
        require(
            self.to.segments[0] == self.path.segments[0]
            and self.to.startswith(self.path.parent)
            and all(isinstance(each, Key) for each in self.to.segments[len(self.path.parent.segments) :]),
            f"a value can be copied to another place in the same object; {self.to} lies elsewhere",
            self.name,
            self.path,
        )

    def inverse(self) -> Operation:
        return replace(self, reverse=not self.reverse)

    @property
    def _beside(self) -> Path:
        """Where the copy is until it moves into another object: a name that no model has."""
        if self.to.parent == self.path.parent:
            return self.to
        return self.path.with_last(f"copy of {self.path.key}")

    def lower(self) -> tuple[Instruction, ...]:
        beside = self._beside
        function: OnKeys = CopyKey(self.path.key, beside.key)
        move = () if beside == self.to else (MoveField(beside, self.to, made=self.made),)
        if self.reverse:
            there = tuple(each for operation in move for each in operation.inverse().lower())
            return (*there, Apply(self.path.parent, function.inverse()))
        there = tuple(each for operation in move for each in operation.lower())
        return (Apply(self.path.parent, function), *there)

    @property
    def is_open(self) -> bool:
        return not self.reverse and not self.made and self._beside != self.to

    def bind(self, schema: Schema) -> Operation:
        if self.reverse:
            return self
        shapes_at(schema, self.path)
        if not self.is_open:
            return self
        bound = MoveField(self._beside, self.to).bind(schema)
        return replace(self, made=bound.made) if isinstance(bound, MoveField) else self

    def describe(self) -> str:
        return f"{self.to} is no longer a copy" if self.reverse else f"{self.path} is copied to {self.to}"


@dataclass(frozen=True)
class Nest(Operation):
    """Fields of one object go into a new object `into` beside them, which is there even where none of them is. The way back takes them
    out again."""

    name: ClassVar[str] = "nest"
    fields: tuple[Path, ...]
    into: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", tuple(self.fields))
        _siblings(self.fields, self.name)
        _name(self.into, "into", self.name)

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.fields

    def inverse(self) -> Operation:
        return Flatten(self.fields[0].with_last(self.into), tuple(path.key for path in self.fields))

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.fields[0].parent, Group(tuple(path.key for path in self.fields), self.into)),)

    def bind(self, schema: Schema) -> Operation:
        for path in self.fields:
            shapes_at(schema, path)
        return self

    def describe(self) -> str:
        return (
            f"{', '.join(map(str, self.fields))} {'goes' if len(self.fields) == 1 else 'go'} into {self.into}"
        )


@dataclass(frozen=True)
class Flatten(Operation):
    """The `fields` of the object at `path` come out of it, and it goes. `fields` are all that the snapshot knows, where they are not
    given; null has none. The way back nests them again."""

    name: ClassVar[str] = "flatten"
    path: Path
    fields: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        object.__setattr__(self, "fields", tuple(self.fields))
        require(len(set(self.fields)) == len(self.fields), "a field is named twice", self.name, self.path)
        for field in self.fields:
            _name(field, "fields", self.name)

    def inverse(self) -> Operation:
        if not self.fields:
            return Unflatten(self.path)
        return Nest(tuple(self.path.with_last(name) for name in self.fields), self.path.key)

    def lower(self) -> tuple[Instruction, ...]:
        _require_fields(self.fields, self.name, self.path)
        return (Apply(self.path.parent, Ungroup(self.path.key, self.fields)),)

    @property
    def is_open(self) -> bool:
        return not self.fields

    def bind(self, schema: Schema) -> Operation:
        found = shapes_at(schema, self.path)
        if self.fields:
            return self
        names = dict.fromkeys(
            name
            for shape in found
            for member in members(shape, schema)
            if isinstance(member, Object)
            for name in member.properties
        )
        _require_fields(tuple(names), self.name, self.path)
        return replace(self, fields=tuple(names))

    def describe(self) -> str:
        return f"the fields of {self.path} come out of it"


@dataclass(frozen=True)
class Unflatten(Operation):
    """The way back of a flatten whose fields nobody said; it has none without the snapshot that says them."""

    name: ClassVar[str] = "unflatten"
    path: Path

    def inverse(self) -> Operation:
        return Flatten(self.path)

    def lower(self) -> tuple[Instruction, ...]:
        _require_fields((), "flatten", self.path)
        return ()

    def describe(self) -> str:
        return f"fields go into {self.path}"


@dataclass(frozen=True)
class SplitField(Operation):
    """The value at `path` becomes several fields `into` of the same object: `by` is a function from the value to a tuple of as many
    values, `join` one from those values to the old one."""

    name: ClassVar[str] = "split_field"
    functions: ClassVar[tuple[str, ...]] = ("by", "join")
    path: Path
    into: tuple[str, ...]
    by: Function | None
    join: Function | None = None

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        object.__setattr__(self, "into", tuple(self.into))
        for name in self.into:
            _name(name, "into", self.name)
        require(
            bool(self.into) and len(set(self.into)) == len(self.into),
            "into names different fields",
            self.name,
            self.path,
        )
        _functions(self.by, self.join, "by and join", self.name, self.path)

    def inverse(self) -> Operation:
        return MergeFields(
            tuple(self.path.with_last(name) for name in self.into), self.path.key, self.join, self.by
        )

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path.parent, Split(self.path.key, self.into, self.by, self.join)),)

    def bind(self, schema: Schema) -> Operation:
        shapes_at(schema, self.path)
        return self

    def describe(self) -> str:
        return f"{self.path} is split into {', '.join(self.into)}"


@dataclass(frozen=True)
class MergeFields(Operation):
    """Several fields of one object become the one field `into`: `by` is a function from their values, in order, to the new one, `split`
    one from the new value to a tuple of the old ones."""

    name: ClassVar[str] = "merge_fields"
    functions: ClassVar[tuple[str, ...]] = ("by", "split")
    fields: tuple[Path, ...]
    into: str
    by: Function | None
    split: Function | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "fields", tuple(self.fields))
        _siblings(self.fields, self.name)
        _name(self.into, "into", self.name)
        _functions(self.by, self.split, "by and split", self.name, self.fields[0])

    @property
    def paths(self) -> tuple[Path, ...]:
        return self.fields

    def inverse(self) -> Operation:
        names = tuple(path.key for path in self.fields)
        return SplitField(self.fields[0].with_last(self.into), names, self.split, self.by)

    def lower(self) -> tuple[Instruction, ...]:
        names = tuple(path.key for path in self.fields)
        return (Apply(self.fields[0].parent, Merge(names, self.into, self.by, self.split)),)

    def bind(self, schema: Schema) -> Operation:
        for path in self.fields:
            shapes_at(schema, path)
        return self

    def describe(self) -> str:
        return f"{', '.join(map(str, self.fields))} are merged into {self.into}"


def _siblings(paths: tuple[Path, ...], operation: str) -> None:
    require(bool(paths), "name at least one field", operation)
    for path in paths:
        require_field(path, operation)
        require(
            path.parent == paths[0].parent,
            f"expected fields of one object; {paths[0]} lies in another",
            operation,
            path,
        )
    require(len(set(paths)) == len(paths), "a field is named twice", operation, paths[0])


def _name(name: Any, argument: str, operation: str) -> None:
    require(
        isinstance(name, str) and name != "",
        f"{argument} must be the name of a field in the same object",
        operation,
    )


def _functions(one: Any, other: Any, names: str, operation: str, path: Path) -> None:
    for function in (one, other):
        require(
            function is None or callable(function), f"{names} are functions of the script", operation, path
        )
    require(one is not None or other is not None, f"give it a function ({names})", operation, path)


def _require_fields(fields: tuple[str, ...], operation: str, path: Path) -> None:
    if not fields:
        raise OperationError(
            "the fields of this object are not known",
            operation=operation,
            path=str(path),
            hint='Say them: flatten(..., fields=["a", "b"]), or give the revision before it a snapshot that has them',
        )


__all__ = ["CopyField", "Flatten", "MergeFields", "Nest", "SplitField", "Unflatten"]
