"""One revision: its place in the chain, and the operations that its script records.

Built in memory for tests and embedding, or by `directory` from a script. A script runs once, against a
recorder; it never sees a run, so what it does is known before any run is touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statemig.errors import RevisionError, StatemigError

if TYPE_CHECKING:
    from statemig.operations.base import Operation
    from statemig.operations.recorder import Operations
    from statemig.workflow.snapshot import Snapshot

Script = Callable[["Operations"], object]


@dataclass(frozen=True, eq=False)
class Revision:
    """A revision of one workflow. Immutable; any number of threads may read `.operations`.

    `down_revision` is None, an id, or a tuple of ids (a merge). `upgrade` and `downgrade` take the recorder
    (``lambda op: op.rename_field("state.a", to="b")``); without `upgrade` nothing changes, without `downgrade`
    the way down is derived. `version` is None where it follows from the graph. `file` is the script, for messages.
    """

    revision: str
    down_revision: str | tuple[str, ...] | None = None
    upgrade: Script | None = field(default=None, kw_only=True, repr=False)
    downgrade: Script | None = field(default=None, kw_only=True, repr=False)
    snapshot: Snapshot | None = field(default=None, kw_only=True, repr=False)
    workflow: str | None = field(default=None, kw_only=True)
    version: int | None = field(default=None, kw_only=True)
    message: str = field(default="", kw_only=True)
    file: str | None = field(default=None, kw_only=True)

    @property
    def down_revisions(self) -> tuple[str, ...]:
        """What it follows: () at the base, several ids for a merge."""
        match self.down_revision:
            case None:
                return ()
            case str() as only:
                return (only,)
            case several:
                return tuple(several)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What `upgrade` records; recorded once. Raises `RevisionError` or `OperationError` naming revision,
        file and line."""
        return self._once("_up", self.upgrade, "upgrade") or ()

    @property
    def downgrade_operations(self) -> tuple[Operation, ...] | None:
        """What `downgrade` records, or None where the way down is derived. Raises as `operations` does."""
        return self._once("_down", self.downgrade, "downgrade")

    def function(self, data: dict[str, Any]) -> Callable[..., Any]:
        """The function of its script that `Operation.to_dict` wrote as `data`; the second argument of
        `operations.from_dict`. Raises `OperationError` where there is none, or it does something else by now."""
        from statemig.operations.functions import resolve

        namespace: dict[str, Any] = getattr(self.upgrade or self.downgrade, "__globals__", {})
        return resolve(data, namespace, self.revision)

    def _once(self, slot: str, script: Script | None, name: str) -> tuple[Operation, ...] | None:
        # No lock: two threads that come at once record the same twice, and setdefault lets one of the two win
        # for everybody.
        if slot in self.__dict__:
            recorded: tuple[Operation, ...] | None = self.__dict__[slot]
            return recorded
        fresh = None if script is None else self._record(script, name)
        winner: tuple[Operation, ...] | None = self.__dict__.setdefault(slot, fresh)
        return winner

    def _record(self, script: Script, name: str) -> tuple[Operation, ...]:
        from statemig.operations.recorder import Operations

        recorder = Operations()
        try:
            script(recorder)
        except StatemigError as error:
            error.message = f"{_place(error, script, self.file)}: {error.message}"
            error.locate(revision=self.revision, workflow=self.workflow)
            raise
        except Exception as error:
            raise RevisionError(
                f"{_place(error, script, self.file)}: {name}(op) raised {type(error).__name__}: {error}",
                revision=self.revision,
                workflow=self.workflow,
                hint="It runs once, against a recorder: it may only call methods of op.",
            ) from error
        return tuple(recorder.recorded)


def _place(error: BaseException, script: Any, file: str | None) -> str:
    """Where in the script an exception came from: the innermost line of the script's own file."""
    code = getattr(script, "__code__", None)
    written = file if code is None else code.co_filename
    line: int | None = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == written:
            line = trace.tb_lineno
        trace = trace.tb_next
    shown = file or written or "the script"
    return shown if line is None else f"{shown}, line {line}"
