"""Operations on unions: their variants, and the tag that tells them apart. A tag is named by its path, such as state.items[].kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from statemig.operations.base import (
    Operation,
    Value,
    literal,
    require,
    require_field,
    require_json,
)
from statemig.path import Definition, Path
from statemig.plan import union_values
from statemig.plan.effects import shapes_at
from statemig.plan.instructions import Apply, Instruction, Rename, Retype
from statemig.plan.union_values import AllowVariant, DropTag, WriteTag
from statemig.plan.values import LookUp
from statemig.shapes.shape import MISSING, Missing, Schema


@dataclass(frozen=True)
class RenameVariant(Operation):
    """The tag at `path` has the value `new` where it had `old`."""

    name: ClassVar[str] = "rename_variant"
    path: Path
    old: Any
    new: Any

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        _tag(self.old, "old", self.name, self.path)
        _tag(self.new, "new", self.name, self.path)
        require(self.old != self.new, "the new value is the old one", self.name, self.path)

    def inverse(self) -> Operation:
        return RenameVariant(self.path, old=self.new, new=self.old)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, LookUp(((self.old, self.new),), "keep")),)

    def describe(self) -> str:
        return f"{self.path}: the variant {literal(self.old)} becomes {literal(self.new)}"


@dataclass(frozen=True)
class RenameTag(Operation):
    """The key at the end of `path`, which tells the variants of a union apart, becomes `to`."""

    name: ClassVar[str] = "rename_tag"
    path: Path
    to: str

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        require(isinstance(self.to, str) and self.to != "", "to must be the new name", self.name, self.path)
        require(self.to != self.path.key, "the new name is the old one", self.name, self.path)

    def inverse(self) -> Operation:
        return RenameTag(self.path.with_last(self.to), to=self.path.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Rename(self.path.parent, self.path.key, self.to),)

    def describe(self) -> str:
        return f"the tag {self.path} becomes {self.to}"


@dataclass(frozen=True)
class _Variant(Operation):
    """An operation on the values whose tag at `path` is `variant`."""

    functions: ClassVar[tuple[str, ...]] = ("to",)
    positional: ClassVar[int] = 2
    path: Path
    variant: Any
    to: Any = MISSING
    key: str | None = None

    def __post_init__(self) -> None:
        _variant(self)

    @classmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Self:
        return super().from_arguments(_read_to(arguments))

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.path.parent,)


@dataclass(frozen=True)
class AddVariant(_Variant):
    """Values whose tag at `path` is `variant` are possible from here on. On the way back they become what `to` says: ``op.value(x)``, or
    what a function of the script makes of each; without it they are an error."""

    name: ClassVar[str] = "add_variant"

    def inverse(self) -> Operation:
        return RemoveVariant(self.path, self.variant, self.to, self.key)

    def lower(self) -> tuple[Instruction, ...]:
        function = AllowVariant(self.path.key, self.variant, _given(self.to))
        return (Apply(self.path.parent, function, self.key),)

    def describe(self) -> str:
        return f"{self.path} may be {literal(self.variant)}"


@dataclass(frozen=True)
class RemoveVariant(_Variant):
    """Values whose tag at `path` is `variant` become what `to` says: ``op.value(x)``, or what a function of the script makes of each.
    The way back has the originals."""

    name: ClassVar[str] = "remove_variant"

    def inverse(self) -> Operation:
        return AddVariant(self.path, self.variant, self.to, self.key)

    def lower(self) -> tuple[Instruction, ...]:
        function = union_values.RemoveVariant(self.path.key, self.variant, _given(self.to))
        return (Apply(self.path.parent, function, self.key),)

    def bind(self, schema: Schema) -> Operation:
        shapes_at(schema, self.path)
        return self

    def describe(self) -> str:
        return f"{self.path} is never {literal(self.variant)}"


@dataclass(frozen=True)
class TagUnion(Operation):
    """Each object at `path` without `key` gets it. `infer` says which tag: ``op.value("search")`` for all, ``{"query": "search", "text":
    "note"}`` for the tag of the first of these fields that is there, or a function of the script from object to tag."""

    name: ClassVar[str] = "tag_union"
    functions: ClassVar[tuple[str, ...]] = ("infer",)
    path: Path
    key: str
    infer: Any = MISSING

    def __post_init__(self) -> None:
        _union(self.path, self.name)
        require(
            isinstance(self.key, str) and self.key != "",
            "key must be the name of the tag",
            self.name,
            self.path,
        )
        object.__setattr__(self, "infer", _infer(self.infer, self.name, self.path))

    @classmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Self:
        return super().from_arguments(_read_infer(arguments))

    @property
    def paths(self) -> tuple[Path, ...]:
        return (self.path / self.key,)

    def inverse(self) -> Operation:
        return Untag(self.path / self.key, self.infer)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, WriteTag(self.key, _how(self.infer))),)

    def to_dict(self) -> dict[str, Any]:
        return _infer_to_dict(super().to_dict(), self.infer)

    def source(self) -> str:
        return f"op.{self.name}({literal(self.path)}, key={literal(self.key)}{_infer_source(self.infer)})"

    def describe(self) -> str:
        return f"{self.path} is told apart by {self.key}"


@dataclass(frozen=True)
class Untag(Operation):
    """The tag at `path` goes. `infer`, as for `tag_union`, writes it again on the way back."""

    name: ClassVar[str] = "untag"
    functions: ClassVar[tuple[str, ...]] = ("infer",)
    path: Path
    infer: Any = MISSING

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        _union(self.path.parent, self.name)
        object.__setattr__(self, "infer", _infer(self.infer, self.name, self.path))

    @classmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Self:
        return super().from_arguments(_read_infer(arguments))

    def inverse(self) -> Operation:
        return TagUnion(self.path.parent, self.path.key, self.infer)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path.parent, DropTag(self.path.key, _how(self.infer))),)

    def bind(self, schema: Schema) -> Operation:
        shapes_at(schema, self.path)
        return self

    def to_dict(self) -> dict[str, Any]:
        return _infer_to_dict(super().to_dict(), self.infer)

    def source(self) -> str:
        return f"op.{self.name}({literal(self.path)}{_infer_source(self.infer)})"

    def describe(self) -> str:
        return f"the tag {self.path} goes"


@dataclass(frozen=True)
class RenameType(Operation):
    """A type of the state has another name: ``<Old>`` is ``<New>`` in the paths that follow. Documents stay as they are."""

    name: ClassVar[str] = "rename_type"
    positional: ClassVar[int] = 2
    old: str
    new: str

    def __post_init__(self) -> None:
        for given in (self.old, self.new):
            require(isinstance(given, str) and given != "", "expected the name of a type", self.name)
        require(self.old != self.new, "the new name is the old one", self.name)

    def inverse(self) -> Operation:
        return RenameType(self.new, self.old)

    def lower(self) -> tuple[Instruction, ...]:
        return (Retype(self.old, self.new),)

    def describe(self) -> str:
        return f"the type {self.old} is called {self.new}"


def _union(path: Path, operation: str) -> None:
    require(
        bool(path.segments[1:]) or (bool(path.segments) and isinstance(path.segments[0], Definition)),
        "expected the path of a union below state or outputs",
        operation,
        path,
    )


def _tag(value: Any, argument: str, operation: str, path: Path) -> None:
    require(isinstance(value, str | int), f"{argument} must be the value of a tag", operation, path)


def _variant(operation: _Variant) -> None:
    name, path, to = operation.name, operation.path, operation.to
    require_field(path, name)
    _union(path.parent, name)
    _tag(operation.variant, "variant", name, path)
    require(
        isinstance(to, Value | Missing) or callable(to),
        "to is op.value(...) or a function of the script",
        name,
        path,
    )
    if isinstance(to, Value):
        require_json(to.value, name, "to")
        same = isinstance(to.value, dict) and to.value.get(path.key) == operation.variant
        require(not same, "to is the variant itself", name, path)


def _given(to: Any) -> Any:
    return ("value", to.value) if isinstance(to, Value) else to


def _read_to(arguments: dict[str, Any]) -> dict[str, Any]:
    if isinstance(arguments.get("to"), dict):
        return arguments | {"to": Value(arguments["to"]["value"])}
    return arguments


def _infer(infer: Any, operation: str, path: Path) -> Any:
    if isinstance(infer, Mapping):
        infer = tuple(infer.items())
    if isinstance(infer, Value):
        _tag(infer.value, "infer", operation, path)
    elif isinstance(infer, tuple | list):
        infer = tuple((name, tag) for name, tag in infer)
        require(
            bool(infer) and all(isinstance(name, str) for name, _ in infer),
            "infer names a tag for each field that gives it away",
            operation,
            path,
        )
        for _, tag in infer:
            _tag(tag, "infer", operation, path)
    else:
        require(
            isinstance(infer, Missing) or callable(infer),
            "infer is op.value(...), {field: tag} or a function of the script",
            operation,
            path,
        )
    return infer


def _how(infer: Any) -> Any:
    match infer:
        case Value(value):
            return ("value", value)
        case tuple():
            return ("fields", infer)
        case _:
            return infer


def _read_infer(arguments: dict[str, Any]) -> dict[str, Any]:
    match arguments.get("infer"):
        case {"value": value}:
            return arguments | {"infer": Value(value)}
        case {"fields": table}:
            return arguments | {"infer": table}
        case _:
            return arguments


def _infer_to_dict(data: dict[str, Any], infer: Any) -> dict[str, Any]:
    return data | {"infer": {"fields": [list(pair) for pair in infer]}} if isinstance(infer, tuple) else data


def _infer_source(infer: Any) -> str:
    if isinstance(infer, Missing):
        return ""
    return f", infer={literal(dict(infer) if isinstance(infer, tuple) else infer)}"
