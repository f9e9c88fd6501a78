"""Operations on what a field may hold: its bounds, and its default."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statemig.operations.base import Operation, literal, require, require_field, require_json
from statemig.path import Path
from statemig.plan import bound_values
from statemig.plan.bound_values import BOUNDS
from statemig.plan.effects import shapes_at
from statemig.plan.instructions import Apply, Fill, Instruction, Unfill
from statemig.shapes.shape import MISSING, Missing, Schema


@dataclass(frozen=True)
class SetDefault(Operation):
    """The default of `path` is `value` from here on. Documents where it is absent rely on the old default: `materialise` writes that one
    into them, so that they keep their meaning. The way back takes away what was written and is still the same."""

    name: ClassVar[str] = "set_default"
    path: Path
    value: Any
    materialise: Any = MISSING
    reverse: bool = False

    def __post_init__(self) -> None:
        require_field(self.path, self.name)
        require_json(self.value, self.name, "value")
        require_json(self.materialise, self.name, "materialise")

    def inverse(self) -> Operation:
        return replace(self, reverse=not self.reverse)

    def lower(self) -> tuple[Instruction, ...]:
        if isinstance(self.materialise, Missing):
            return ()
        kind = Unfill if self.reverse else Fill
        return (kind(self.path.parent, self.path.key, self.materialise),)

    def bind(self, schema: Schema) -> Operation:
        shapes_at(schema, self.path)
        return self

    def describe(self) -> str:
        return f"the default of {self.path} is {literal(self.value)}"


@dataclass(frozen=True)
class Constrain(Operation):
    """Values outside new bounds are repaired: numbers brought between the ends of `clamp`, texts and lists cut to the length `truncate`;
    what is outside a bound of `reject` (words of JSON Schema: minimum, maxLength, pattern, enum, ...) is an error. The way back has the
    originals."""

    name: ClassVar[str] = "constrain"
    path: Path
    clamp: Any = None
    truncate: int | None = None
    reject: Any = ()
    key: str | None = None

    def __post_init__(self) -> None:
        require(bool(self.path.segments[1:]), "expected the path of a value", self.name, self.path)
        if self.clamp is not None:
            object.__setattr__(self, "clamp", tuple(self.clamp))
            _clamp(self.clamp, self.name, self.path)
        require(
            self.truncate is None or (type(self.truncate) is int and self.truncate >= 0),
            "truncate is the greatest length",
            self.name,
            self.path,
        )
        given = self.reject
        pairs = (
            tuple(given.items())
            if isinstance(given, Mapping)
            else tuple((name, bound) for name, bound in given)
        )
        for name, bound in pairs:
            _bound(name, bound, self.name, self.path)
        frozen = tuple((name, tuple(bound) if name == "enum" else bound) for name, bound in pairs)
        object.__setattr__(self, "reject", frozen)

    @property
    def _arguments(self) -> tuple[Any, Any, Any]:
        return self.clamp, self.truncate, self.reject

    @property
    def _table(self) -> dict[str, Any]:
        return {name: list(bound) if name == "enum" else bound for name, bound in self.reject}

    def to_dict(self) -> dict[str, Any]:
        data = super().to_dict()
        return data | {"reject": self._table} if self.reject else data

    def source(self) -> str:
        given = [
            f"{name}={literal(self._table if name == 'reject' else value)}"
            for _, name, value in self._given()
            if name != "path"
        ]
        return f"op.{self.name}({', '.join([literal(self.path), *given])})"

    def inverse(self) -> Operation:
        return Relax(self.path, *self._arguments, self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, bound_values.Constrain(*self._arguments), self.key),)

    def describe(self) -> str:
        return f"{self.path} has narrower bounds"


@dataclass(frozen=True)
class Relax(Constrain):
    """Bounds are gone or wider from here on. The arguments say how values outside the old bounds are repaired on the way back."""

    name: ClassVar[str] = "relax"

    def inverse(self) -> Operation:
        return Constrain(self.path, *self._arguments, self.key)

    def lower(self) -> tuple[Instruction, ...]:
        return (Apply(self.path, bound_values.Relax(*self._arguments), self.key),)

    def describe(self) -> str:
        return f"{self.path} has wider bounds"


def _clamp(clamp: tuple[Any, ...], operation: str, path: Path) -> None:
    ends = [end for end in clamp if end is not None]
    require(
        len(clamp) == 2
        and bool(ends)
        and all(isinstance(end, int | float) and not isinstance(end, bool) for end in ends)
        and (len(ends) < 2 or ends[0] <= ends[1]),
        "clamp is (least, greatest), two numbers; None leaves an end open",
        operation,
        path,
    )


def _bound(name: Any, bound: Any, operation: str, path: Path) -> None:
    require(name in BOUNDS, f"{name!r} is no bound; reject knows {', '.join(BOUNDS)}", operation, path)
    if name == "pattern":
        try:
            re.compile(bound)
            fits = True
        except (re.error, TypeError):
            fits = False
        require(fits, "pattern must be a regular expression", operation, path)
    elif name == "enum":
        require(
            isinstance(bound, list | tuple)
            and bool(bound)
            and all(each is None or isinstance(each, str | int | float) for each in bound),
            "enum must be a list of scalars",
            operation,
            path,
        )
    else:
        whole = name not in ("minimum", "maximum")
        require(
            isinstance(bound, int if whole else int | float) and not isinstance(bound, bool),
            f"{name} must be a number",
            operation,
            path,
        )
