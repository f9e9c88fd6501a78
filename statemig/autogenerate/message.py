"""The first line of a script for which nobody gave a message."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from statemig.autogenerate.change import Changes
from statemig.autogenerate.rules import RULES
from statemig.operations.base import Operation
from statemig.operations.fields import (
    AddField,
    MakeOptional,
    MakeRequired,
    MoveField,
    RemoveField,
    RenameField,
)
from statemig.operations.steps import AddStep, RemoveStep, RenameStep
from statemig.operations.values import (
    Convert,
    DropNull,
    MakeNullable,
    MapValues,
    UnwrapValue,
    WrapValue,
)
from statemig.path import Key, Path, render

_LONGEST: Final = 72
# What a person would name first: names, then what is new or gone, then types.
_ORDER: Final = (RenameStep, RemoveStep, AddStep, RenameField, MoveField, RemoveField, AddField)


def default_message(operations: Sequence[Operation], changes: Changes) -> str:
    """ "approve becomes review; summary becomes digest": from the operations, else from what changed beside the state."""
    if changes.first:
        return "first version"
    told: dict[str, str] = {}
    for operation in sorted(_from_end_to_end(operations), key=_rank):
        about, words = _words(operation)
        told.setdefault(about, words)
    parts = list(told.values()) or list(dict.fromkeys(_beside(changes)))
    return _joined(parts) or "no change"


def _from_end_to_end(operations: Sequence[Operation]) -> Iterator[Operation]:
    """A field that is renamed by way of a name in between is renamed once."""
    left = list(operations)
    while left:
        first = left.pop(0)
        if isinstance(first, RenameField):
            between = first.path.with_last(first.to)
            for other in left:
                if isinstance(other, RenameField) and other.path == between and other.to != first.path.key:
                    first = RenameField(first.path, other.to)
                    left.remove(other)
                    break
        yield first


def _joined(parts: list[str]) -> str:
    shown = parts[:]
    while len(shown) > 1 and len("; ".join(shown)) > _LONGEST:
        shown.pop()
    rest = len(parts) - len(shown)
    return "; ".join(shown) + (f"; {rest} more" if rest else "")


def _rank(operation: Operation) -> int:
    return next((n for n, kind in enumerate(_ORDER) if isinstance(operation, kind)), len(_ORDER))


def _words(operation: Operation) -> tuple[str, str]:
    """What it is about, so that two operations on one field are named once, and what it says."""
    match operation:
        case RenameStep(old, to):
            return f"step {old}", f"{old} becomes {to}"
        case RemoveStep(step=step):
            return f"step {step}", f"step {step} goes"
        case AddStep(step=step):
            return f"step {step}", f"step {step} is new"
        case RenameField(path, to):
            return str(path), f"{_last(path)} becomes {to}"
        case MoveField(path, to):
            return str(path), f"{_last(path)} moves to {_last(to.parent)}"
        case RemoveField(path=path):
            return str(path), f"{_last(path)} goes"
        case AddField(path=path):
            return str(path), f"{_last(path)} is new"
        case WrapValue(path=path):
            return str(path), f"{_last(path)} becomes a list"
        case UnwrapValue(path=path):
            return str(path), f"{_last(path)} becomes one value"
        case Convert(path=path, to=to):
            return str(path), f"{_last(path)} becomes {to}"
        case MapValues(path=path):
            return str(path), f"{_last(path)} has other values"
        case MakeRequired(path=path):
            return str(path), f"{_last(path)} is required"
        case MakeOptional(path=path):
            return str(path), f"{_last(path)} is optional"
        case MakeNullable(path=path):
            return str(path), f"{_last(path)} may be null"
        case DropNull(path=path):
            return str(path), f"{_last(path)} is never null"
        case _:
            return operation.describe(), operation.describe()


def _last(path: Path) -> str:
    """The end of a path as one would say it: the last key, with what stands behind it."""
    for number in range(len(path.segments) - 1, -1, -1):
        if isinstance(path.segments[number], Key):
            return render(path.segments[number:])
    return str(path)


def _beside(changes: Changes) -> Iterator[str]:
    for change in changes:
        kind, _, name = change.path.partition(".")
        if change.rule == "W01":
            yield f"{'prompt' if kind == 'prompts' else 'model'} of {name}"
        elif change.rule in ("W06", "W10"):
            yield f"tool {name}"
        elif change.rule not in ("S01", "S02"):
            yield f"{RULES[change.rule].slug.replace('-', ' ')}: {change.path}"
