"""One revision: its place in the chain, and the operations that its script records.

Built in memory for tests and embedding, or by `directory` from a script. A script runs once, against a
recorder; it never sees a run, so what it does is known before any run is touched.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from statemig.revisions.recorded import NOTHING, Recorded, record

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
        file and line, all problems at once."""
        recorded = self.recorded
        recorded.require(self)
        return recorded.operations

    @property
    def downgrade_operations(self) -> tuple[Operation, ...] | None:
        """What `downgrade` records, or None where the way down is derived. Raises as `operations` does."""
        recorded = self.recorded_downgrade
        if recorded is None:
            return None
        recorded.require(self)
        return recorded.operations

    @property
    def recorded(self) -> Recorded:
        """What `upgrade` records, with the lines, and with what it said that cannot be right."""
        return self._once("_up", self.upgrade, "upgrade") or NOTHING

    @property
    def recorded_downgrade(self) -> Recorded | None:
        """The same of `downgrade`; None where the way down is derived."""
        return self._once("_down", self.downgrade, "downgrade")

    def function(self, data: dict[str, Any]) -> Callable[..., Any]:
        """The function of its script that `Operation.to_dict` wrote as `data`; the second argument of
        `operations.from_dict`. Raises `OperationError` where there is none, or it does something else by now."""
        from statemig.operations.functions import resolve

        namespace: dict[str, Any] = getattr(self.upgrade or self.downgrade, "__globals__", {})
        return resolve(data, namespace, self.revision)

    def _once(self, slot: str, script: Script | None, name: str) -> Recorded | None:
        # No lock: two threads that come at once record the same twice, and setdefault lets one of the two win
        # for everybody.
        if slot in self.__dict__:
            kept: Recorded | None = self.__dict__[slot]
            return kept
        fresh = None if script is None else record(script, name, self.file)
        winner: Recorded | None = self.__dict__.setdefault(slot, fresh)
        return winner
