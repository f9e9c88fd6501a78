"""A whole thread at another revision, up or down, as checkpoints to be appended.

One new checkpoint per namespace, those of graphs inside first and that of the root last: its row is the switch, and nothing is deleted.
The new id comes right behind that of the checkpoint it stands for, so a worker that was at work on the thread meanwhile puts its next
checkpoint behind both and wins, and how long a thread has waited stays what it was.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from langgraph.checkpoint.base.id import uuid6

from statemig.document import Document
from statemig.envelope import Stamp
from statemig.errors import MigrationHeld, RunNotFoundError
from statemig.runtimes.langgraph.long_way.document import questions_in
from statemig.runtimes.langgraph.reading import Config, Get, Reading, Shape, Steps
from statemig.runtimes.langgraph.stored import pickled
from statemig.runtimes.langgraph.stored.complements import Write
from statemig.runtimes.langgraph.stored.rows import Rows
from statemig.runtimes.langgraph.stored.stamps import KEY, QUESTIONS, WORKFLOW, sorted_rows, stamped
from statemig.runtimes.langgraph.stored.values import Stored, built, raw
from statemig.runtimes.langgraph.tasks import INTERRUPT, Parked, Row

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple

#: LangGraph refuses an answer without an id where several questions are open; 1.0 counts the tasks that ask instead
_COUNTS_QUESTIONS: Final = find_spec("langgraph.pregel._task_status") is not None


@dataclass(frozen=True, slots=True)
class Written:
    """One checkpoint to be stored with its pending writes: the arguments of `put`, and of each `put_writes`. `row`: what its stamp names,
    `complement`: the same, for where that cannot be stored."""

    put: tuple[Any, ...]
    writes: tuple[tuple[Any, ...], ...]
    row: Write | None = None
    complement: Mapping[str, Any] = field(default_factory=dict)

    def arguments(self, kept: bool) -> tuple[Any, ...]:
        """Of `put`. `kept`: the row is stored."""
        if kept or self.row is None:
            return self.put
        place, checkpoint, marked, versions = self.put
        whole = {**marked, KEY: {**marked[KEY], "complement": dict(self.complement)}}
        return place, checkpoint, whole, versions


def store(written: Written, saver: Any, rows: Rows | None) -> None:
    """The row, then the pending writes, then the checkpoint: each is of no consequence without the next."""
    kept = written.row is not None and rows is not None and rows.do(written.row)
    for arguments in written.writes:
        saver.put_writes(*arguments)
    saver.put(*written.arguments(kept))


async def astore(written: Written, saver: Any, rows: Rows | None) -> None:
    """`store` in an event loop."""
    kept = written.row is not None and rows is not None and await rows.ado(written.row)
    for arguments in written.writes:
        await saver.aput_writes(*arguments)
    await saver.aput(*written.arguments(kept))


@dataclass(frozen=True, slots=True)
class Appended:
    """What is to be stored, in that order. `revision`: what the thread has in the store. `document`: that of the root, at the new one."""

    written: tuple[Written, ...]
    revision: str
    document: Document | None = None
    complement: Mapping[str, Any] = field(default_factory=dict)


def appended(reading: Reading, config: Config, to: str) -> Steps[Appended]:
    """A thread's last checkpoint at another revision; nothing to store where it is there already.

    Raises what a migration raises, `CursorError` where the new revision has no such node, `MigrationHeld` where an answer waits for a
    question that is asked later, and `RunNotFoundError`.
    """
    inside = config["configurable"]
    thread = str(inside["thread_id"])
    root: CheckpointTuple | None = yield Get(_place(inside["thread_id"], ""))
    if root is None:
        raise RunNotFoundError(
            "there is no such thread",
            run_id=thread,
            workflow=reading.migrator.workflow,
            hint="Is this the right store?",
        )
    return (yield from _Appending(reading, thread, to).thread(root))


class _Appending:
    def __init__(self, reading: Reading, thread: str, to: str) -> None:
        self._reading = reading
        self._thread = thread
        self._to = to
        self._written: list[Written] = []

    def thread(self, root: CheckpointTuple) -> Steps[Appended]:
        metadata: Mapping[str, Any] = root.metadata or {}
        stamp = yield from self._reading.stamp(root, metadata, self._thread)
        rows = sorted_rows(root.pending_writes or (), stamp.revision)
        if stamp.revision == self._to and set(rows.by_revision) <= {self._to}:
            return Appended((), stamp.revision)
        made = behind(root.config["configurable"]["checkpoint_id"])
        shape, _ = yield from self._checkpoint(root, made, "", {})
        return Appended(tuple(self._written), stamp.revision, shape.document, shape.complement)

    def _checkpoint(
        self, stored: CheckpointTuple, made: str, called: str, parents: Mapping[str, str]
    ) -> Steps[tuple[Shape, dict[str, str]]]:
        """Appends what is stored under the id `made` in the namespace `called`; with the new ids of questions by those that are stored."""
        reading = self._reading
        metadata: Mapping[str, Any] = stored.metadata or {}
        stamp = yield from reading.stamp(stored, metadata, self._thread)
        rows = sorted_rows(stored.pending_writes or (), stamp.revision)
        with pickled.told(stored, self._thread, reading.migrator.workflow, stamp.revision):
            shape: Shape = yield from reading.translated(
                stored, self._thread, metadata, stamp, rows, lambda _, guarded: made, self._to, called
            )
            parked = shape.parked
            if pickled.is_in(stored):
                reading.built(parked)  # or it would be found out only while it is stored
        self._require_whole(parked)
        asked: dict[str, str] = {}
        below = {**parents, parked.namespace: made}
        for here, there in [*parked.moved.items(), *(yield from self._with_memory(called))]:
            asked.update((yield from self._inside(here, there, below)))
        by_shown = {parked.questions.get(old, old): new for old, new in asked.items()}
        parked = replace(parked, rows=tuple(_renamed(row, by_shown) for row in parked.rows))
        questions = {**parked.questions, **asked}
        self._written.append(
            self._to_write(stored, parked, made, parents, questions, stamp, shape.complement)
        )
        return shape, questions

    def _inside(self, here: str, there: str, parents: Mapping[str, str]) -> Steps[dict[str, str]]:
        """The graphs that a task runs: a second one in the same node has a number behind its namespace."""
        asked: dict[str, str] = {}
        number = 0
        while True:
            rest = f"|{number}" if number else ""
            inner: CheckpointTuple | None = yield Get(_place(self._thread, there + rest))
            if inner is None:
                return asked
            made = behind(inner.config["configurable"]["checkpoint_id"])
            _, found = yield from self._checkpoint(inner, made, here + rest, parents)
            asked.update(found)
            number += 1

    def _with_memory(self, called: str) -> Steps[list[tuple[str, str]]]:
        """Subgraphs of the root that keep a memory of their own: stored under the name of their node alone, whatever runs now."""
        found: list[tuple[str, str]] = []
        snapshot = self._reading.migrator.snapshot(self._to)
        if called or snapshot is None:
            return found
        for node in snapshot.runtime.get("subgraphs", ()):
            if "." in node:
                continue
            for name in (node, *self._reading.names_before(node, self._to)):
                stored: CheckpointTuple | None = yield Get(_place(self._thread, name))
                if stored is not None:
                    found.append((node, name))
                    break
        return found

    def _require_whole(self, parked: Parked) -> None:
        self._reading.require_nodes(parked.checkpoint, parked.namespace, self._thread, self._to)
        if parked.held:
            raise MigrationHeld(
                "a person has answered a question that the new version asks later, and a checkpoint has no place for the answer",
                run_id=self._thread,
                workflow=self._reading.migrator.workflow,
                revision=self._to,
                hint="The thread is brought along when it is read: its step asks what comes first, and has the answer then",
            )
        if parked.guarded and not _COUNTS_QUESTIONS:
            raise MigrationHeld(
                "the new version asks another question before the one that waits, and this LangGraph would give it the answer to that one",
                run_id=self._thread,
                workflow=self._reading.migrator.workflow,
                revision=self._to,
                hint="The thread is brought along when it is read, where an answer that comes too early is refused",
            )

    def _to_write(
        self,
        stored: CheckpointTuple,
        parked: Parked,
        made: str,
        parents: Mapping[str, str],
        questions: Mapping[str, str],
        stamp: Stamp,
        complement: Mapping[str, Any],
    ) -> Written:
        reading = self._reading
        metadata: Any = stored.metadata or {}
        checkpoint = dict(parked.checkpoint)
        # Raw, because the classes of this process may be those of another version.
        values = checkpoint["channel_values"]
        checkpoint["channel_values"] = {name: raw(value) for name, value in values.items()}
        said = built(metadata, reading.serde) if isinstance(metadata, Stored) else metadata
        kept = {name: value for name, value in said.items() if name not in (KEY, WORKFLOW, QUESTIONS)}
        before = said.get(QUESTIONS) or {}
        asked = {**{old: questions.get(name, name) for old, name in before.items()}, **questions}
        named, beside = reading.complements.row_for(self._thread, dict(complement))
        new = replace(stamp, workflow=reading.migrator.workflow, revision=self._to, complement=named)
        marked = stamped({**kept, "parents": dict(parents)}, new)
        if asked and not parked.guarded:  # there, another question comes first
            marked[QUESTIONS] = asked
        place = stored.config["configurable"]
        where = {"thread_id": place["thread_id"], "checkpoint_ns": parked.namespace}
        same = place.get("checkpoint_ns", "") == parked.namespace
        above = {"checkpoint_id": place["checkpoint_id"]} if same else {}
        by_task: dict[str, list[tuple[str, Any]]] = {}
        for row in parked.rows:
            by_task.setdefault(row.task, []).append((row.channel, raw(row.value)))
        return Written(
            ({"configurable": {**where, **above}}, checkpoint, marked, dict(checkpoint["channel_versions"])),
            tuple(
                ({"configurable": {**where, "checkpoint_id": made}}, writes, task, parked.paths.get(task, ""))
                for task, writes in by_task.items()
            ),
            beside,
            complement,
        )


def behind(checkpoint: str) -> str:
    """An id that sorts right behind another one, before any that is made later."""
    try:
        old = UUID(checkpoint)
    except ValueError:
        return str(uuid6())
    if old.version != 6:
        return str(uuid6())
    high, low = old.int >> 80, (old.int >> 64) & 0x0FFF
    time = ((high << 12) | low) + 1
    rest = (old.int & (0xFFFF << 48)) | random.getrandbits(48)
    return str(UUID(int=((time >> 12) << 80) | (6 << 76) | ((time & 0x0FFF) << 64) | rest))


def _renamed(row: Row, ids: Mapping[str, str]) -> Row:
    if row.channel != INTERRUPT or not ids:
        return row
    asked = [
        replace(each, arg={**each.arg, "id": ids.get(each.arg["id"], each.arg["id"])})
        for each in questions_in(row)
    ]
    return replace(row, value=asked)


def _place(thread: Any, namespace: str) -> Config:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": namespace}}
