"""The recorder that a script is run against: it knows the line of each operation, and goes on after one that cannot be right."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from types import TracebackType
from typing import Any, Final

from statemig.errors import OperationError, StatemigError
from statemig.operations.base import Operation
from statemig.operations.checks.suggest import nearest
from statemig.operations.recorder import Operations


@dataclass(frozen=True, slots=True)
class Lost:
    """A call that recorded nothing, since its arguments cannot be right. `place` is the number that the operation would have had,
    `arguments` are what it was called with."""

    place: int
    line: int | None
    name: str
    error: Exception
    arguments: tuple[Any, ...]


class ScriptRecorder(Operations):
    """Records one script, whose code is in `file`. `lines` are those of the operations, `lost` are the calls that recorded nothing."""

    def __init__(self, file: str | None) -> None:
        super().__init__()
        self.lines: list[int | None] = []
        self.lost: list[Lost] = []
        self._file = file

    def record(self, operation: Operation) -> None:
        super().record(operation)
        self.lines.append(_line_of_caller(self._file))

    def __getattr__(self, name: str) -> Any:
        """A method that there is not records nothing when it is called, as one does with arguments that cannot be right."""
        if name.startswith("_"):
            raise AttributeError(f"op has no attribute {name!r}")

        def call(*positional: Any, **named: Any) -> None:
            hint = nearest(name, [each for each in dir(Operations) if each[0] != "_"])
            error = OperationError(
                f"op has no attribute {name!r}", hint=None if hint is None else f"Did you mean op.{hint}?"
            )
            self._lose(name, error, (*positional, *named.values()))

        return call

    def _lose(self, name: str, error: Exception, arguments: tuple[Any, ...]) -> None:
        line = line_in(error.__traceback__, self._file) or _line_of_caller(self._file)
        self.lost.append(Lost(len(self.lines), line, name, error, arguments))


def _going_on(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(method)

    @wraps(method)
    def call(self: ScriptRecorder, *positional: Any, **named: Any) -> Any:
        given = (*positional, *named.values())
        try:
            signature.bind(self, *positional, **named)
        except TypeError as error:
            self._lose(name, error, given)
            return None
        try:
            return method(self, *positional, **named)
        except StatemigError as error:
            self._lose(name, error, given)
            return None

    return call


#: methods that record nothing
_QUIET: Final = ("record", "recorded")

for _name, _method in inspect.getmembers(Operations, inspect.isfunction):
    is_static = isinstance(inspect.getattr_static(Operations, _name), staticmethod)
    if _name[0] != "_" and _name not in _QUIET and not is_static:
        setattr(ScriptRecorder, _name, _going_on(_name, _method))


def line_in(trace: TracebackType | None, file: str | None) -> int | None:
    """The innermost line of a file that an exception came through; None where it came through none."""
    line: int | None = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _line_of_caller(file: str | None) -> int | None:
    frame = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back  # type: ignore[assignment]
    return None if frame is None else frame.f_lineno
