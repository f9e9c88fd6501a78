"""Which places an operation names, in the old document and in the new one: outside of them nothing may change."""

from __future__ import annotations

import copy
from typing import Any

from statemig.operations.base import Operation
from statemig.operations.bounds import Constrain, SetDefault
from statemig.operations.fields import (
    AddField,
    AddId,
    MakeOptional,
    MakeRequired,
    MoveField,
    RemoveField,
    RenameField,
)
from statemig.operations.groups import CopyField
from statemig.operations.steps import AddStep, RemoveStep, RenameStep
from statemig.operations.values import (
    Convert,
    DropNull,
    Irreversible,
    MakeNullable,
    MapValues,
    Transform,
    UnwrapValue,
    WrapValue,
)
from statemig.path import Definition, Items, Key, Path, Slot, Values, Variant

JSON = Any
_EXACT = (
    AddField,
    AddId,
    RemoveField,
    MakeRequired,
    MakeOptional,
    SetDefault,
    Constrain,
    Convert,
    MapValues,
    MakeNullable,
    DropNull,
    WrapValue,
    UnwrapValue,
)
_WHOLE = Path(())


def named(operation: Operation) -> tuple[Path, ...]:
    """() where it changes nothing; the empty path stands for the whole document."""
    match operation:
        case Irreversible():
            return ()
        case RenameField(path, to):
            return (path, path.with_last(to))
        case MoveField(path, to) | CopyField(path, to):
            return (path, to)
        case Transform(path=path, writes=writes):
            return tuple(map(Path.parse, writes)) or (path or _WHOLE,)
        case RenameStep() | AddStep() | RemoveStep():
            return _of_steps(operation)
        case _ if isinstance(operation, _EXACT):
            return operation.paths
        case _ if operation.paths:
            # What it makes lies beside what it names.
            return tuple(path.parent for path in operation.paths)
        case _:
            return (_WHOLE,)


def _of_steps(operation: Operation) -> tuple[Path, ...]:
    return tuple(Path.of(part) for part in ("outputs", "done", "cursor", "pending", "status"))


def without(value: JSON, path: Path) -> JSON:
    """A copy of the value less what lies at the path."""
    return _without(copy.deepcopy(value), path.segments)


def _without(value: JSON, rest: tuple[Any, ...]) -> JSON:
    if not rest:
        return None
    match rest[0]:
        case Definition():
            return _everywhere(value, rest[-1])
        case Key(name):
            if isinstance(value, dict) and name in value:
                if len(rest) == 1:
                    del value[name]
                else:
                    value[name] = _without(value[name], rest[1:])
        case Slot(index):
            if isinstance(value, list) and -len(value) <= index < len(value):
                value[index] = _without(value[index], rest[1:])
        case Items():
            if isinstance(value, list):
                return [_without(each, rest[1:]) for each in value]
        case Values():
            if isinstance(value, dict):
                return {key: _without(each, rest[1:]) for key, each in value.items()}
        case Variant():
            return _without(value, rest[1:])
    return value


def _everywhere(value: JSON, last: Any) -> JSON:
    match value:
        case dict():
            kept = {
                key: each for key, each in value.items() if not (isinstance(last, Key) and key == last.name)
            }
            return {key: _everywhere(each, last) for key, each in kept.items()}
        case list():
            return [_everywhere(each, last) for each in value]
        case _:
            return value
