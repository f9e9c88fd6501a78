"""A run in a worker's hands: its document to change, its cursor to move. Nothing is written before the block ends well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from pydantic import BaseModel

from statemig.document import Document, Position
from statemig.errors import CursorError, StoreError
from statemig.store import flow
from statemig.store.protocols import HistoryEntry, StoredRun
from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it would be at head, to look at. `stored_revision` is what the store has; nothing was written."""

    run_id: str
    document: Document
    revision: str
    stored_revision: str | None
    started_revision: str | None
    pinned_revision: str | None
    owner: str | None
    lease_until: float | None

    @property
    def status(self) -> str:
        status: str = self.document.get("status", "active")
        return status

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.document["state"]
        return state

    @property
    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = self.document.get("outputs") or {}
        return outputs

    @property
    def cursor(self) -> list[Position]:
        cursor: list[Position] = self.document.get("cursor") or []
        return cursor


class Keeper(Protocol):
    """What a run needs of its store."""

    def keep(self, run: Run) -> None: ...

    def abandon(self, run: Run, outcome: str, error: str | None) -> None: ...

    def prolong(self, run: Run, ttl: float) -> StoredRun: ...


class Run:
    """A run taken with `RunStore.claim` or `RunStore.load`. Use it as a context manager, plain or `async with`.

    At the end of the block the document is validated and written in one compare-and-swap, and the lease is given up; after an
    exception nothing is written but the end of the attempt. `row`, `base`, `entry` and `outcome` are the store's.
    """

    __slots__ = (
        "_keeper",
        "_snapshot",
        "base",
        "claimed",
        "closed",
        "complement",
        "document",
        "entry",
        "error",
        "outcome",
        "position",
        "revision",
        "row",
        "taken_at",
    )

    def __init__(
        self,
        keeper: Keeper,
        snapshot: Snapshot | None,
        *,
        row: StoredRun,
        document: Document,
        base: Callable[[], Document],
        position: Position | None,
        revision: str,
        claimed: bool,
        complement: dict[str, Any] | None,
        entry: HistoryEntry | None,
        taken_at: float,
    ) -> None:
        self._keeper = keeper
        self._snapshot = snapshot
        self.row = row
        self.document = document
        self.base = base
        self.position = position
        self.revision = revision
        self.claimed = claimed
        self.complement = complement
        self.entry = entry
        self.taken_at = taken_at
        self.outcome: str | None = None
        self.error: str | None = None
        self.closed = False

    def __repr__(self) -> str:
        return f"<Run {self.run_id} at {self.step} revision {self.revision}>"

    @property
    def run_id(self) -> str:
        return self.row.run_id

    @property
    def status(self) -> str:
        status: str = self.document.get("status", "active")
        return status

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.document["state"]
        return state

    @state.setter
    def state(self, value: dict[str, Any] | BaseModel) -> None:
        self.document["state"] = plain(value, self._snapshot)

    @property
    def outputs(self) -> dict[str, Any]:
        outputs: dict[str, Any] = self.document.setdefault("outputs", {})
        return outputs

    @property
    def cursor(self) -> list[Position]:
        cursor: list[Position] = self.document.setdefault("cursor", [])
        return cursor

    @property
    def step(self) -> str | None:
        """The step of the position this run was taken at; None where nothing is left to do."""
        return None if self.position is None else self.position["step"]

    @property
    def answer(self) -> Any:
        """What a person answered to this position, or None."""
        return None if self.position is None else self.position.get("answer")

    @property
    def attempt(self) -> int:
        """The number of this try of the position, from 1; 0 where it was not claimed."""
        return 0 if self.position is None else self.position.get("attempt", 0)

    @property
    def idempotency_key(self) -> str | None:
        """The same for every try of one visit of a step, through migrations and renames: give it to what has side effects."""
        return None if self.position is None else f"{self.run_id}/{self.position['id']}"

    @property
    def started_revision(self) -> str | None:
        return self.row.started_revision

    @property
    def lease_until(self) -> float | None:
        return self.row.lease_until

    # -- moving the cursor ---------------------------------------------------------------------------------------------

    def advance(self, *steps: str, output: Any = None) -> None:
        """The step is done: keep its output, go on to `steps`. Several are a fork; none means as the workflow declares.

        Raises:
            CursorError: a target is not in the workflow, or the workflow leaves a choice that was not made, or a join could
                never fire.
        """
        position = self._standing()
        known = flow.steps_of(self._snapshot)
        targets = list(steps) or flow.declared_next(position["step"], known)
        for target in targets:
            flow.require_step(target, known)
        if output is not None:
            self.outputs[position["step"]] = plain(output, self._snapshot)
        flow.mark_done(self.document, position["step"])
        flow.go_on(self.document, position, targets, known)
        self._moved("done" if self.status == "active" else "finished")

    def wait(
        self, step: str, key: str, payload: Any = None, *, on: str = "human", output: Any = None
    ) -> None:
        """Wait at `step` until `RunStore.answer` brings an answer for `key`.

        At the position's own step this asks and stays; at another step the present one is done (with `output`) and the run goes on
        to wait there. `payload` is what the person is shown; it is kept with the position. What comes after the answer is work of
        its own, with an idempotency key of its own.
        """
        position = self._standing()
        flow.require_step(step, flow.steps_of(self._snapshot))
        question: dict[str, Any] = {"on": on, "key": key, "payload": plain(payload, self._snapshot)}
        if step != position["step"]:
            if output is not None:
                self.outputs[position["step"]] = plain(output, self._snapshot)
            flow.mark_done(self.document, position["step"])
        flow.wait(self.document, position, flow.new_position(step, "waiting", **question))
        self._moved("waiting")

    def finish(self, output: Any = None) -> None:
        """The run is over, whatever other branches are doing."""
        self._end("finished", output)

    def fail(self, error: str | BaseException) -> None:
        """The run has failed for good. With the attempt a text is kept as given, of an exception only the name of its type."""
        self.error = error[:255] if isinstance(error, str) else type(error).__name__
        self._end("failed", None)

    def _end(self, status: str, output: Any) -> None:
        if self._open().position is not None:
            position = self._standing()
            if output is not None:
                self.outputs[position["step"]] = plain(output, self._snapshot)
            if status == "finished":
                flow.mark_done(self.document, position["step"])
        self.document["status"] = status
        if status == "finished":
            self.document["cursor"] = []
            self.document["pending"] = []
        self._moved(status)

    # -- the lease -----------------------------------------------------------------------------------------------------

    def renew(self, ttl: float = 60) -> None:
        """Keep the lease for `ttl` more seconds from now. Raises `LeaseLostError` where another worker has taken the run."""
        self.row = self._keeper.prolong(self._open(), ttl)

    def save(self) -> None:
        """Write now, as the end of the block would."""
        self._open()
        self.closed = True
        self._keeper.keep(self)

    def release(self) -> None:
        """Give the run back unchanged; another worker may take it at once."""
        self._open()
        self.closed = True
        self._keeper.abandon(self, "released", None)

    def __enter__(self) -> Self:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.closed:
            return
        self.closed = True
        if kind is None:
            self._keeper.keep(self)
        else:
            self._keeper.abandon(self, "error", kind.__name__)

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.__exit__, kind, error, trace)

    def _open(self) -> Self:
        if self.closed:
            raise StoreError(
                "this run was saved or released already",
                run_id=self.run_id,
                hint="Take it again with claim or load",
            )
        return self

    def _standing(self) -> Position:
        position = self._open().position
        if position is None or self.outcome is not None:
            raise CursorError(
                "the run stands nowhere, so it can not go on from there"
                if position is None
                else "the run was moved on already, and it moves once in a block",
                run_id=self.run_id,
                hint="Claim or load the run again for its next step",
            )
        return position

    def _moved(self, outcome: str) -> None:
        self.outcome = outcome


def plain(value: Any, snapshot: Snapshot | None) -> Any:
    """A pydantic model as JSON, in the workflow's own dump profile; everything else as it is."""
    if not isinstance(value, BaseModel):
        return value
    if snapshot is None:
        return value.model_dump(mode="json", by_alias=True)
    profile = snapshot.profile
    return value.model_dump(
        mode="json",
        by_alias=profile.by_alias,
        exclude_none=profile.exclude_none,
        exclude_defaults=profile.exclude_defaults,
        exclude_unset=profile.exclude_unset,
    )
