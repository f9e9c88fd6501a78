"""What every operation is: a frozen record that knows its inverse, how it reads in a script, and how it lowers to instructions."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from statemig import json_text
from statemig.errors import OperationError, StatemigError
from statemig.operations.functions import Function, Resolve, reference
from statemig.path import Key, Path
from statemig.plan.instructions import Instruction, Policy
from statemig.shapes.shape import MISSING, Missing, Schema
from statemig.workflow.flow import Flow


@dataclass(frozen=True)
class Operation:
    """Base of all operations.

    Subclasses are dataclasses whose fields are the arguments in a script; the first `positional` of them are written without their
    name. They are registered under `name` by being defined.
    """

    name: ClassVar[str]
    positional: ClassVar[int] = 1
    #: arguments that may be functions of the script
    functions: ClassVar[tuple[str, ...]] = ()
    #: arguments that are operations on a value
    nested: ClassVar[tuple[str, ...]] = ()
    registry: ClassVar[dict[str, type[Operation]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "name" in cls.__dict__:  # what several operations have in common has none
            Operation.registry[cls.name] = cls

    def inverse(self) -> Operation:
        """The operation of the way back; ``op.inverse().inverse() == op``."""
        raise NotImplementedError

    def lower(self) -> tuple[Instruction, ...]:
        """The instructions, in order. The inverse lowers to the inverse of each, in reverse."""
        raise NotImplementedError

    def describe(self) -> str:
        """One plain sentence part: "state.summary becomes state.digest"."""
        raise NotImplementedError

    def bind(self, schema: Schema) -> Operation:
        """The operation with what it leaves open filled in from the schema before it."""
        return self

    @property
    def is_open(self) -> bool:
        """Whether `bind` has something to fill in."""
        return False

    @property
    def needs_flow(self) -> bool:
        """Whether `settle` has something to fill in."""
        return False

    def settle(self, flow: Flow) -> Operation:
        """The operation with what it leaves open filled in from the flow before it."""
        return self

    def flow_after(self, flow: Flow) -> Flow:
        """What it makes of a flow, for what the operations after it leave open."""
        return flow

    @property
    def paths(self) -> tuple[Path, ...]:
        """The places in the old document that it touches."""
        return tuple(value for value in self._values() if isinstance(value, Path))

    @property
    def needs_schema(self) -> bool:
        """Whether it can only run with the schema of the documents before it."""
        from statemig.path import Definition

        return any(isinstance(segment, Definition) for path in self.paths for segment in path.segments[:1])

    def _values(self) -> list[Any]:
        return [getattr(self, field.name) for field in dataclasses.fields(self)]

    def _given(self) -> list[tuple[int, str, Any]]:
        """(number, name, value) of the arguments that differ from their default."""
        return [
            (number, field.name, getattr(self, field.name))
            for number, field in enumerate(dataclasses.fields(self))
            if not _same(getattr(self, field.name), field.default)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: ``{"op": "rename_field", "path": "state.a", "to": "b"}``; arguments at their default are left out. A function of
        the script is written as ``{"function": {"revision": ..., "name": ..., "digest": ...}}``. Raises `OperationError` for one that
        has no name there."""
        try:
            return {"op": self.name, **{name: _to_json(value) for _, name, value in self._given()}}
        except StatemigError as error:
            raise error.locate(operation=self.name) from None

    @property
    def given_functions(self) -> list[tuple[str, Function]]:
        """(argument, function) of all functions in it, in those of operations inside as well."""
        own = [(name, getattr(self, name)) for name in self.functions if callable(getattr(self, name))]
        inside = [each for name in self.nested for each in getattr(self, name)]
        return own + [found for each in inside for found in each.given_functions]

    @classmethod
    def from_arguments(cls, arguments: dict[str, Any]) -> Self:
        fields = {field.name: field for field in dataclasses.fields(cls)}
        unknown = arguments.keys() - fields.keys()
        missing = [
            name
            for name, field in fields.items()
            if field.default is dataclasses.MISSING and name not in arguments
        ]
        if unknown or missing:
            raise OperationError(
                f"{cls.name} takes {', '.join(fields)}",
                problems=[
                    *(f"unknown: {name}" for name in sorted(unknown)),
                    *(f"missing: {name}" for name in missing),
                ],
                operation=cls.name,
            )
        return cls(**{name: cls._read(str(fields[name].type), value) for name, value in arguments.items()})

    @staticmethod
    def _read(annotation: str, value: Any) -> Any:
        if annotation == "Path" or (annotation == "Path | None" and value is not None):
            return Path.parse(value)
        if annotation == "tuple[Path, ...]":
            return tuple(map(Path.parse, value))
        if annotation.startswith("Policy") and isinstance(value, dict):
            return Policy(**value)
        if "Backfill" in annotation and isinstance(value, dict):
            return Backfill(value["backfill"])
        if "Value" in annotation and isinstance(value, dict):
            return Value(value["value"])
        return value

    def source(self) -> str:
        """The line in a script."""
        given = self._given()
        arguments = [
            literal(value) if number < self.positional else f"{name}={literal(value)}"
            for number, name, value in given
        ]
        return f"op.{self.name}({', '.join(arguments)})"


def from_dict(data: Mapping[str, Any], functions: Resolve | None = None) -> Operation:
    """The operation that `to_dict` wrote. `functions` finds the functions in it: `Directory.function` those of scripts,
    `Revision.function` those of one revision. Raises `OperationError` for an unknown name or argument, and for a function that cannot
    be found or does something else than when it was written."""
    arguments = dict(data)
    name = arguments.pop("op", None)
    found = Operation.registry.get(name) if isinstance(name, str) else None
    if found is None:
        raise OperationError(
            f"there is no operation {name!r}; there are {', '.join(sorted(Operation.registry))}"
        )
    for argument in found.functions:
        value = arguments.get(argument)
        if isinstance(value, dict) and value.keys() == {"function"}:
            if functions is None or not isinstance(value["function"], Mapping):
                raise OperationError(
                    f"{argument} is a function of its script, so it can be read only from the script",
                    operation=name,
                    hint="Say where functions are: from_dict(data, directory.function)",
                )
            try:
                arguments[argument] = functions(value)
            except StatemigError as error:
                raise error.locate(operation=name) from None
    for argument in found.nested:
        if isinstance(arguments.get(argument), list):
            arguments[argument] = [from_dict(each, functions) for each in arguments[argument]]
    return found.from_arguments(arguments)


@dataclass(frozen=True, slots=True)
class Backfill:
    """``passed=op.backfill(value)``: runs past a new step are given this output."""

    value: Any


@dataclass(frozen=True, slots=True)
class Value:
    """``otherwise=op.value(x)``: every value that the table does not name becomes x."""

    value: Any


def require_json(value: Any, operation: str, argument: str) -> None:
    """Raises `OperationError` where an argument is no JSON value."""
    if isinstance(value, Missing):
        return
    found = json_text.problem(value)
    if found is not None:
        raise OperationError(f"{argument} must be a JSON value: {found}", operation=operation)


def require(condition: bool, message: str, operation: str, path: object = None) -> None:
    if not condition:
        raise OperationError(message, operation=operation, path=None if path is None else str(path))


def require_field(path: Path, operation: str) -> None:
    require(
        len(path.segments) > 1 and isinstance(path.last, Key),
        "expected the path of a field, such as state.items[].name",
        operation,
        path,
    )


def literal(value: Any) -> str:
    """Python source of an argument, as the ruff formatter would leave it."""
    match value:
        case Path():
            return _string(str(value))
        case str():
            return _string(value)
        case Policy(kind, to):
            return f"op.{kind}({'' if to is None else _string(to)})"
        case Backfill(inner):
            return f"op.backfill({literal(inner)})"
        case Value(inner):
            return f"op.value({literal(inner)})"
        case dict():
            return "{" + ", ".join(f"{literal(key)}: {literal(inner)}" for key, inner in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(literal, value)) + "]"
        case (Path(), *_):
            return "[" + ", ".join(map(literal, value)) + "]"
        case tuple():
            return "(" + ", ".join(map(literal, value)) + ("," if len(value) == 1 else "") + ")"
        case _ if callable(value):
            return str(getattr(value, "__name__", "function"))
        case _:
            return repr(value)


def _string(text: str) -> str:
    plain = repr(text)
    if plain[0] == '"' or '"' in text:
        return plain
    return '"' + plain[1:-1].replace("\\'", "'") + '"'


def _same(value: Any, default: Any) -> bool:
    if default is dataclasses.MISSING:
        return False
    return value is default or (type(value) is type(default) and bool(value == default))


def _to_json(value: Any) -> Any:
    match value:
        case Path():
            return str(value)
        case Policy(kind, to):
            return {"kind": kind} if to is None else {"kind": kind, "to": to}
        case Backfill(inner):
            return {"backfill": inner}
        case Value(inner):
            return {"value": inner}
        case tuple():
            return [_to_json(inner) for inner in value]
        case _ if callable(value):
            return reference(value)
        case _:
            return value


__all__ = [
    "MISSING",
    "Backfill",
    "Function",
    "Operation",
    "Value",
    "from_dict",
    "literal",
    "require",
    "require_field",
    "require_json",
]
