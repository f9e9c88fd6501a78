"""What is not known any more behind an operation that was left out: what it would have made, and what it would have changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Iterable
from typing import Any, Final

from statemig.errors import OperationError, PathError
from statemig.operations.base import Operation
from statemig.operations.unions import AddVariant, RemoveVariant, RenameVariant
from statemig.path import Key, Path, Segment, Variant
from statemig.plan.effects import shapes_at
from statemig.plan.instructions import Policy
from statemig.shapes.shape import Schema

#: arguments that hold values, and not names
_VALUES: Final = frozenset(
    {
        "default",
        "fill",
        "restore",
        "empty",
        "materialise",
        "value",
        "mapping",
        "why",
        "reject",
        "output",
        "clamp",
    }
)
#: arguments whose names are there before the operation
_SOURCES: Final = frozenset({"old", "step", "steps", "order", "branches", "was", "after", "cursor", "down"})

_ON_VARIANTS: Final = (RenameVariant, AddVariant, RemoveVariant)

Place = tuple[Segment, ...]


class Doubt:
    """Places of documents, and names of steps and types, of which nothing is known."""

    def __init__(self) -> None:
        self._places: set[Place] = set()
        self.names: set[str] = set()

    def operation(self, operation: Operation, schema: Schema, steps: Container[str]) -> None:
        """An operation on this schema was left out, or its result is doubtful."""
        if isinstance(operation, _ON_VARIANTS):
            self._places |= set(map(plain, _about(operation)))
            return
        for path in operation.paths:
            if _there(schema, path):
                self._places.add(plain(path))
        for path in (*operation.paths, *_own(operation)):
            for name in _names(operation, sources=False):
                self._places |= {plain(path.with_last(name)), plain(path / name)} if path.segments else set()
        for path in _own(operation):
            if path not in operation.paths or not _reads(operation, path):
                self._places.add(plain(path))
        self.names |= set(_names(operation, sources=False))
        self.names |= {name for name in _names(operation, sources=True) if name in steps}
        if operation.name == "add_step":
            self.names |= set(_names(operation, sources=True))

    def call(self, arguments: tuple[Any, ...]) -> None:
        """A call recorded nothing; these are its arguments."""
        texts = [each for each in _flat(arguments) if isinstance(each, str)]
        paths = [path for path in map(_parsed, texts) if path is not None and len(path.segments) > 1]
        self._places |= {plain(path) for path in paths}
        self.names |= set(texts)
        for path in paths:
            self._places |= {plain(path.with_last(name)) for name in texts}

    def touches(self, operation: Operation) -> bool:
        """Whether an operation is about something of which nothing is known."""
        if not (self._places or self.names):
            return False
        places = list(map(plain, _about(operation)))
        if any(_related(place, other) for place in places for other in self._places):
            return True
        if any(
            place[:1] == (Key("outputs"),) and len(place) > 1 and _is_in(place[1], self.names)
            for place in places
        ):
            return True
        if places:
            return False
        names = {*_names(operation, sources=True), *_names(operation, sources=False)}
        return not names.isdisjoint(self.names)


def plain(path: Path) -> Place:
    """A path without the variants that it passes: what is done to one may be done to what holds it."""
    return tuple(segment for segment in path.segments if not isinstance(segment, Variant))


def related(path: Path, other: Path) -> bool:
    """Whether one path may lie within the other."""
    return _related(plain(path), plain(other))


def _related(place: Place, other: Place) -> bool:
    shorter = min(len(place), len(other))
    return place[:shorter] == other[:shorter]


def _is_in(segment: Segment, names: Container[str]) -> bool:
    return isinstance(segment, Key) and segment.name in names


def _about(operation: Operation) -> list[Path]:
    """The places that an operation is about; a variant is a place below its tag."""
    match operation:
        case RenameVariant(path, old, new):
            return [path / str(old), path / str(new)]
        case AddVariant(path, variant) | RemoveVariant(path, variant):
            return [path / str(variant)]
        case _:
            return [*operation.paths, *_own(operation)]


def _own(operation: Operation) -> list[Path]:
    """The paths among the arguments, those included that need not be there before."""
    return [each for each in _flat(vars(operation).values()) if isinstance(each, Path)]


def _reads(operation: Operation, path: Path) -> bool:
    """Whether a path has to be there before the operation."""
    return operation.name not in ("add_field", "add_id") and path != getattr(operation, "to", None)


def _names(operation: Operation, *, sources: bool) -> list[str]:
    given = [
        getattr(operation, field.name)
        for field in dataclasses.fields(operation)
        if field.name not in _VALUES and (field.name in _SOURCES) is sources
    ]
    return [each for each in _flat(given) if isinstance(each, str)]


def _flat(values: Iterable[Any]) -> list[Any]:
    out: list[Any] = []
    for value in values:
        match value:
            case Policy(_, to):
                out += [] if to is None else [to]
            case Path() | str():
                out.append(value)
            case list() | tuple():
                out += _flat(value)
            case dict():
                out += _flat((*value.keys(), *value.values()))
    return out


def _parsed(text: str) -> Path | None:
    try:
        return Path.parse(text)
    except PathError:
        return None


def _there(schema: Schema, path: Path) -> bool:
    try:
        return bool(shapes_at(schema, path))
    except OperationError:
        return False
