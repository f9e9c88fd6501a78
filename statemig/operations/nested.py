"""Operations on a value inside a run document: what a person is shown, the arguments of a tool call.

They are recorded by a function of a recorder, ``lambda op: op.rename_field("amount", to="sum")``; several are a tuple in a lambda, or a
function of the script. Paths are relative to the value, which is called ``$`` where it has to be named.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from statemig.operations.base import Operation, from_dict, require
from statemig.plan.instructions import Apply, Drop, Fill, Instruction, Move, Put, Refuse, Rename, Unfill

_ON_VALUES = (Put, Drop, Fill, Unfill, Rename, Move, Apply, Refuse)


def recorded(argument: Any, operation: str, name: str) -> tuple[Operation, ...]:
    """The operations of an argument: a function of a recorder, operations, or what `to_dict` wrote of them. Raises `OperationError`."""
    if argument is None:
        return ()
    if callable(argument):
        from statemig.operations.recorder import NestedOperations

        recorder = NestedOperations()
        argument(recorder)
        operations = recorder.recorded
    else:
        require(
            isinstance(argument, Iterable) and not isinstance(argument, str | Mapping),
            f"{name} is a function that records operations: {name}=lambda op: op.rename_field(...)",
            operation,
        )
        operations = tuple(from_dict(dict(each)) if isinstance(each, Mapping) else each for each in argument)
    for each in operations:
        require(
            isinstance(each, Operation) and all(isinstance(one, _ON_VALUES) for one in each.lower()),
            f"{name} takes operations on fields and values",
            operation,
        )
    return operations


def inverses(operations: tuple[Operation, ...]) -> tuple[Operation, ...]:
    return tuple(each.inverse() for each in reversed(operations))


def lowered(operations: tuple[Operation, ...]) -> tuple[Instruction, ...]:
    return tuple(instruction for each in operations for instruction in each.lower())


def source(operations: tuple[Operation, ...]) -> str:
    """How they read in a script."""
    lines = [each.source() for each in operations]
    return f"lambda op: {lines[0] if len(lines) == 1 else '(' + ', '.join(lines) + ')'}"
