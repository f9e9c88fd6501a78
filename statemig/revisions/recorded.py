"""What a script says, once it has been run against a recorder: its operations, their lines, and what cannot be right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from statemig.errors import OperationError, PathError, RevisionError, StatemigError

if TYPE_CHECKING:
    from statemig.operations.base import Operation
    from statemig.operations.recorder import Operations
    from statemig.operations.recording import Lost
    from statemig.revisions.revision import Revision
    from statemig.workflow.snapshot import Snapshot


_HINT: Final = "It runs once, against a recorder: it may only call methods of op."


@dataclass(frozen=True, slots=True)
class Recorded:
    """`lines` are those of the operations in the script, `file` is what it was written in. `lost` are calls that recorded nothing.
    `error` is what ended the script early."""

    operations: tuple[Operation, ...] = ()
    lines: tuple[int | None, ...] = ()
    file: str | None = None
    lost: tuple[Lost, ...] = ()
    error: Exception | None = None
    error_line: int | None = None
    way: str = "upgrade"

    def place(self, line: int | None) -> str:
        """``versions/0002_b2_x.py, line 14``"""
        shown = self.file or "the script"
        return shown if line is None else f"{shown}, line {line}"

    def said(self, before: Snapshot | None = None) -> list[tuple[int | None, str]]:
        """(line, message) of everything that is wrong with what the script says. The version before is only asked for what may have been
        meant."""
        found = [
            (each.line, _sentence(each.name, each.error) + _meant(each.error, before)) for each in self.lost
        ]
        if self.error is not None:
            found.append((self.error_line, f"{self._raised(self.error)}. {_HINT}"))
        return found

    def _raised(self, error: Exception) -> str:
        return f"{self.way}(op) raised {type(error).__name__}: {error}"

    def require(self, revision: Revision) -> None:
        """Raises `RevisionError`, `OperationError` or `PathError` where something is wrong: all of it, each with its line."""
        if self.error is None and not self.lost:
            return
        where = {"revision": revision.revision, "workflow": revision.workflow}
        if self.error is not None and not self.lost:
            raise RevisionError(
                f"{self.place(self.error_line)}: {self._raised(self.error)}", hint=_HINT, **where
            ) from self.error
        problems = [f"{self.place(line)}: {text}" for line, text in self.said()]
        if len(self.lost) == 1 and self.error is None and isinstance(self.lost[0].error, PathError):
            raise PathError(problems[0], **where) from self.lost[0].error
        raise refusal(problems, **where) from (self.error or self.lost[0].error)


NOTHING = Recorded()


def refusal(problems: Sequence[str], **where: str | None) -> OperationError:
    """One error for all problems, each a sentence that begins with its place; `.problems` has them one by one."""
    if len(problems) == 1:
        return OperationError(problems[0], problems=problems, **where)
    listed = "".join(f"\n  - {problem}" for problem in problems)
    return OperationError(f"{len(problems)} problems:{listed}", problems=problems, **where)


def record(script: Callable[[Operations], object], way: str, file: str | None) -> Recorded:
    """Run a script's `upgrade` or `downgrade` against a recorder. `file` is the script's, where it has one of its own."""
    from statemig.operations.recording import ScriptRecorder, line_in

    code = getattr(script, "__code__", None)
    written = file if code is None else code.co_filename
    recorder = ScriptRecorder(written)
    error: Exception | None = None
    try:
        script(recorder)
    except Exception as raised:
        error = raised
    return Recorded(
        recorder.recorded,
        tuple(recorder.lines),
        file or written,
        tuple(recorder.lost),
        error,
        None if error is None else line_in(error.__traceback__, written),
        way,
    )


def _meant(error: Exception, before: Snapshot | None) -> str:
    """A path that is there, in place of one that is none."""
    if (
        before is None
        or not isinstance(error, OperationError)
        or error.path is None
        or error.hint is not None
    ):
        return ""
    from statemig.operations.checks.suggest import near
    from statemig.path import Path

    try:
        found = near(before.stored, Path.parse(error.path))
    except PathError:
        return ""
    return "" if found is None else f". Did you mean {found}?"


def _sentence(name: str, error: Exception) -> str:
    if not isinstance(error, StatemigError):
        return f"{name}: it takes other arguments ({error})"
    path = "" if error.path is None else f" {error.path}"
    text = f"{name}{path}: {error.message}"
    problems = getattr(error, "problems", ())
    if problems:
        text += f" ({'; '.join(map(str, problems))})"
    return text if error.hint is None else f"{text.rstrip('.')}. {error.hint}"
