"""Whose turn a thread is, where something was said of the deploy: a saver is then a worker like any other."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import DrainingError, MigrationPinned, RoutedElsewhereError
from statemig.runtimes.langgraph.reading import Config, Get, Reading, Steps
from statemig.runtimes.langgraph.stored.stamps import TASK
from statemig.runtimes.langgraph.stored.values import Stored, raw
from statemig.runtimes.langgraph.tasks import CONTROL, Parked, Row, tasks_of
from statemig.store.deploy_routing import RunFacts, View
from statemig.store.deploy_view import Watched

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

    from statemig.store.protocols import DeployStore

#: seconds for which a worker is taken to live after it has read or written: nodes take their time, and only between them a saver is asked
LIVE_FOR: Final = 600.0


class Turns:
    """Of one saver, which runs `reading.target`. Reads what was said again only when it has changed."""

    def __init__(self, deploy: DeployStore, reading: Reading, worker: str | None) -> None:
        migrator = reading.migrator
        reads = frozenset(
            name
            for name in migrator.known
            if migrator.leads(name, reading.target) or reading.on_newer == "downgrade"
        )
        self.worker = worker or f"{socket.gethostname()}-{os.getpid()}"
        self._deploy = deploy
        self._target = reading.target
        self._watched = Watched(deploy, reading.target, reads)

    def beat(self) -> View:
        """The worker lives. What was said of the deploy."""
        self._watched.beat(self.worker, LIVE_FOR)
        return self._watched.with_me(self.worker)

    def leave(self) -> None:
        """The worker has stopped."""
        self._deploy.leave(self.worker, self._target)

    def require(self, reading: Reading, config: Config, view: View) -> Steps[None]:
        """Raises `MigrationPinned` or `RoutedElsewhereError` where the thread is for workers of another version, and `DrainingError` where
        there is none yet and this version drains."""
        inside = config["configurable"]
        if not view.decides or inside.get("checkpoint_ns"):
            return
        thread = str(inside["thread_id"])
        stored: CheckpointTuple | None = yield Get(
            {"configurable": {"thread_id": inside["thread_id"], "checkpoint_ns": ""}}
        )
        if stored is None:
            self._require_open(reading, thread, view)
            return
        metadata: Mapping[str, Any] = stored.metadata or {}
        stamp = yield from reading.stamp(stored, metadata, thread)
        steps = _steps(reading, stored, metadata, stamp.revision) if view.policies else ()
        decision = view.decide(RunFacts(thread, stamp.revision, stamp.started, None, steps))
        stays = stamp.revision == self._target and decision.rule != "pin"
        if stays or decision.revision in (None, self._target):
            return
        taken_by = (
            f"taken by {', '.join(decision.taken_by)}" if decision.taken_by else "nobody who lives takes it"
        )
        kind = MigrationPinned if decision.rule == "pin" else RoutedElsewhereError
        raise kind(
            f"the thread is for workers of {decision.revision}: {decision.why}; {taken_by}",
            run_id=thread,
            workflow=reading.migrator.workflow,
            revision=stamp.revision,
            hint=f"`statemig route explain {thread}` says who may take it",
        )

    def _require_open(self, reading: Reading, thread: str, view: View) -> None:
        if any(each.revision == self._target for each in view.drains):
            raise DrainingError(
                "no new threads of this version start while it drains",
                run_id=thread,
                workflow=reading.migrator.workflow,
                revision=self._target,
                hint=f"Start it with a newer version, or let this one go on: `statemig drain {self._target} --resume`",
            )


def _steps(
    reading: Reading, stored: CheckpointTuple, metadata: Mapping[str, Any], revision: str
) -> tuple[str, ...]:
    """The nodes of the root that a thread stands at, as its own revision calls them."""
    if revision not in reading.migrator.known:
        return ()
    checkpoint: Any = stored.checkpoint
    if isinstance(checkpoint, Stored):
        checkpoint = raw(checkpoint)
    rows = tuple(
        Row(task, channel, None)
        for task, channel, _ in stored.pending_writes or ()
        if not task.startswith(TASK)
    )
    done = {row.task for row in rows if row.channel not in CONTROL}
    tasks = tasks_of(Parked("", checkpoint, metadata.get("step", -1) + 1, rows), reading.nodes(revision))
    return tuple(dict.fromkeys(task.node for task in tasks if task.id not in done))
