"""Operations on values: their type, and the set they are taken from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statemig.operations.base import Function, Operation, Value, literal, require, require_json
from statemig.path import Path
from statemig.plan.casts import CASTS, Cast
from statemig.plan.instructions import Apply, Instruction, Refuse
from statemig.plan.values import (
    AllowNull,
    FillNull,
    LookUp,
    PythonFunction,
    Unwrap,
    ValueFunction,
    Wrap,
    members,
)
from statemig.shapes.shape import MISSING, Boolean, Integer, Number, Schema, Shape, String


@dataclass(frozen=True)
class WrapValue(Operation):
    """x becomes [x], null becomes []. On the way back an empty list becomes `empty`."""

    name: ClassVar[str] = "wrap"
    path: Path
    empty: Any = MISSING
    key: str | None = None

    def __post_init__(self) -> None:
        require_json(self.empty, self.name, "empty")

    def inverse(self) -> Operation:
        return UnwrapValue(self.path, default=self.empty, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Wrap(self.empty), self.key),)

    def describe(self) -> str:
        return f"{self.path} becomes a list"


@dataclass(frozen=True)
class UnwrapValue(Operation):
    """A list becomes its first item, an empty one `default`; the other items are kept for the way back."""

    name: ClassVar[str] = "unwrap"
    path: Path
    default: Any = MISSING
    key: str | None = None

    def __post_init__(self) -> None:
        require_json(self.default, self.name, "default")

    def inverse(self) -> Operation:
        return WrapValue(self.path, empty=self.default, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Unwrap(self.default), self.key),)

    def describe(self) -> str:
        return f"{self.path} becomes its first item"


@dataclass(frozen=True)
class Convert(Operation):
    """A scalar becomes another type: `to` is one of bool, date, date-time, float, int, str. `was` is the type it has before, taken
    from the snapshot where it is not given. `rounding` ("nearest", "down") says what becomes of a fraction; else it is an error."""

    name: ClassVar[str] = "convert"
    path: Path
    to: str
    was: str | None = None
    rounding: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        for given in (self.to, self.was):
            require(given is None or given in CASTS, f"types are {', '.join(CASTS)}", self.name, self.path)
        require(
            self.rounding in (None, "nearest", "down"),
            'rounding is "nearest" or "down"',
            self.name,
            self.path,
        )

    def inverse(self) -> Operation:
        if self.was is None:
            return Unconvert(self.path, self.to, self.rounding, self.key)
        return Convert(self.path, to=self.was, was=self.to, rounding=self.rounding, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Cast(self.to, self.was, self.rounding), self.key),)

    def describe(self) -> str:
        return f"{self.path} becomes {self.to}"

    @property
    def is_open(self) -> bool:
        return self.was is None

    def bind(self, schema: Schema) -> Operation:
        if not self.is_open:
            return self
        from statemig.plan.effects import shapes_at

        found = {
            _type_name(member) for shape in shapes_at(schema, self.path) for member in members(shape, schema)
        } - {None}
        return replace(self, was=found.pop()) if len(found) == 1 else self


@dataclass(frozen=True)
class Unconvert(Operation):
    """The way back of a convert whose source type nobody said; exact for what was upgraded, an error for the rest."""

    name: ClassVar[str] = "unconvert"
    path: Path
    to: str
    rounding: str | None = None
    key: str | None = None

    def inverse(self) -> Operation:
        return Convert(self.path, to=self.to, rounding=self.rounding, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, Cast(self.to, None, self.rounding).inverse(), self.key),)

    def describe(self) -> str:
        return f"{self.path} becomes what it was"


@dataclass(frozen=True)
class MapValues(Operation):
    """Values are looked up in `mapping`. One that is not there is an error, stays (`otherwise="keep"`), or becomes
    ``op.value(x)``; null stays unless the mapping names it."""

    name: ClassVar[str] = "map_values"
    positional: ClassVar[int] = 2
    path: Path
    mapping: Any
    otherwise: str | Value = "error"
    key: str | None = None
    reverse: bool = False

    def __post_init__(self) -> None:
        mapping = self.mapping
        if isinstance(mapping, Mapping):
            pairs = tuple(mapping.items())
        else:
            pairs = tuple((old, new) for old, new in mapping)
        require(bool(pairs), "the mapping is empty", self.name, self.path)
        for old, new in pairs:
            require(
                old is None or isinstance(old, str | int | float | bool),
                "keys of the mapping are scalars",
                self.name,
                self.path,
            )
            require_json(new, self.name, "mapping")
        object.__setattr__(self, "mapping", pairs)
        if isinstance(self.otherwise, dict):
            object.__setattr__(self, "otherwise", Value(self.otherwise["value"]))
        require(
            isinstance(self.otherwise, Value) or self.otherwise in ("error", "keep"),
            'otherwise is "error", "keep" or op.value(...)',
            self.name,
            self.path,
        )

    def _table(self) -> LookUp:
        otherwise = self.otherwise
        return LookUp(self.mapping, ("value", otherwise.value) if isinstance(otherwise, Value) else otherwise)

    def inverse(self) -> Operation:
        return replace(self, reverse=not self.reverse)

    def lower(self) -> tuple[Instruction, ...]:
        function: ValueFunction = self._table().inverse() if self.reverse else self._table()
        return (Apply(self.path, function, self.key),)

    def describe(self) -> str:
        pairs = self._table().inverse().pairs if self.reverse else self.mapping  # type: ignore[attr-defined]
        shown = ", ".join(f"{literal(old)} becomes {literal(new)}" for old, new in pairs)
        return f"{self.path}: {shown}"

    def to_dict(self) -> dict[str, Any]:
        data = super().to_dict()
        if all(isinstance(old, str) for old, _ in self.mapping):
            data["mapping"] = dict(self.mapping)
        return data

    def source(self) -> str:
        rest = [
            f"{name}={literal(value)}" for _, name, value in self._given() if name not in ("path", "mapping")
        ]
        table = "{" + ", ".join(f"{literal(old)}: {literal(new)}" for old, new in self.mapping) + "}"
        return f"op.{self.name}({', '.join([literal(self.path), table, *rest])})"


@dataclass(frozen=True)
class MakeNullable(Operation):
    """`path` may be null. On the way back null becomes `fill`."""

    name: ClassVar[str] = "make_nullable"
    path: Path
    fill: Any = MISSING
    key: str | None = None

    def __post_init__(self) -> None:
        require_json(self.fill, self.name, "fill")

    def inverse(self) -> Operation:
        return DropNull(self.path, fill=self.fill, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, AllowNull(self.fill), self.key),)

    def describe(self) -> str:
        return f"{self.path} may be null"


@dataclass(frozen=True)
class DropNull(Operation):
    """null becomes `fill`; which were null is remembered."""

    name: ClassVar[str] = "drop_null"
    path: Path
    fill: Any = MISSING
    key: str | None = None

    def __post_init__(self) -> None:
        require_json(self.fill, self.name, "fill")
        require(self.fill is not None, "fill cannot be null", self.name, self.path)

    def inverse(self) -> Operation:
        return MakeNullable(self.path, fill=self.fill, key=self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, FillNull(self.fill), self.key),)

    def describe(self) -> str:
        return f"{self.path} is never null"


@dataclass(frozen=True)
class Transform(Operation):
    """Plain functions of the script, on the value at `path` or on the whole document. They are given a copy and return the new value.
    Without `down` only what was upgraded and not edited since can go back."""

    name: ClassVar[str] = "transform"
    functions: ClassVar[tuple[str, ...]] = ("up", "down")
    positional: ClassVar[int] = 2
    up: Function | None
    down: Function | None = None
    path: Path | None = None
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    key: str | None = None

    def __post_init__(self) -> None:
        for function in (self.up, self.down):
            require(
                function is None or callable(function),
                "up and down are functions of the script",
                self.name,
                self.path,
            )
        require(self.up is not None or self.down is not None, "give it a function", self.name, self.path)
        for argument in ("reads", "writes"):
            object.__setattr__(self, argument, tuple(getattr(self, argument)))

    def inverse(self) -> Operation:
        return replace(self, up=self.down, down=self.up)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path or Path(()), PythonFunction(self.up, self.down), self.key),)

    def describe(self) -> str:
        name = getattr(self.up, "__name__", "a function")
        return f"{self.path if self.path else 'the document'} goes through {name}"


@dataclass(frozen=True)
class Irreversible(Operation):
    """The way back is refused with `why`."""

    name: ClassVar[str] = "irreversible"
    why: str
    blocked: bool = False

    def inverse(self) -> Operation:
        return replace(self, blocked=not self.blocked)

    def lower(self) -> tuple[Instruction, ...]:
        return (Refuse(self.why),) if self.blocked else ()

    def describe(self) -> str:
        return f"there is no way back: {self.why}"


def _type_name(shape: Shape) -> str | None:
    match shape:
        case Boolean():
            return "bool"
        case Integer():
            return "int"
        case Number():
            return "float"
        case String(format=form):
            return form if form in ("date", "date-time") else "str"
        case _:
            return None
