"""What is done to one stored thread on request: taking it back to an older revision, and finding out what became of a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base.id import uuid6

from statemig.envelope import Stamp
from statemig.errors import AnswerError, StoreError
from statemig.runtimes.langgraph.reading import Config, Get, Reading, Shape, Steps
from statemig.runtimes.langgraph.stamps import KEY, WORKFLOW, sorted_rows, stamped
from statemig.runtimes.langgraph.values import Stored, built, raw

if TYPE_CHECKING:
    from langgraph.checkpoint.base import CheckpointTuple


@dataclass(frozen=True, slots=True)
class Written:
    """One checkpoint to be stored with its pending writes: the arguments of `put`, and of each `put_writes`."""

    put: tuple[Any, ...]
    writes: tuple[tuple[Any, ...], ...]


def answers_today(reading: Reading, config: Config, given: Mapping[str, Any]) -> Steps[dict[str, Any]]:
    """Answers by the ids that the questions of a thread have today, from those by ids that a client still holds. Raises `AnswerError` for
    an id that belongs to no open question, and where another question comes first."""
    found = yield from reading.one(config)
    inside = config["configurable"]
    thread = str(inside["thread_id"])
    asked: set[str] = set()
    seen = None
    if found is not None:
        asked = {
            each.id
            for _, channel, value in found.pending_writes or ()
            if channel == "__interrupt__"
            for each in value
        }
        seen = reading.seen.get((thread, "", found.checkpoint["id"]))
    made: dict[str, Any] = {}
    for name, answer in given.items():
        today = name if name in asked else (seen.questions.get(name) if seen is not None else None)
        if today not in asked:
            raise AnswerError(
                "the answer is for a question that the thread does not wait for",
                run_id=thread,
                workflow=reading.migrator.workflow,
                path=f"interrupt {name}",
                hint="It was answered already, or is gone: ask graph.get_state(config).interrupts what is open",
            )
        if seen is not None and seen.guarded:
            raise AnswerError(
                "the answer cannot be given yet, because the new version asks another question first",
                run_id=thread,
                workflow=reading.migrator.workflow,
                path=f"interrupt {name}",
                hint="Let the step ask: graph.invoke(None, config), and answer what is open then",
            )
        made[str(today)] = answer
    return made


def back(reading: Reading, config: Config, to: str) -> Steps[list[Written]]:
    """A thread's last checkpoint at an older revision, to be appended: graphs inside first, so that the last write is the switch."""
    inside = config["configurable"]
    thread = str(inside["thread_id"])
    root: CheckpointTuple | None = yield Get(
        {"configurable": {"thread_id": inside["thread_id"], "checkpoint_ns": ""}}
    )
    if root is None:
        raise StoreError("there is no such thread", run_id=thread, workflow=reading.migrator.workflow)
    made = str(uuid6(clock_seq=(root.metadata or {}).get("step", 0)))
    written: list[Written] = []
    yield from _back(reading, root, thread, to, made, None, {}, written)
    return written


def _back(
    reading: Reading,
    stored: CheckpointTuple,
    thread: str,
    to: str,
    made: str,
    called: str | None,
    parents: Mapping[str, str],
    written: list[Written],
) -> Steps[None]:
    metadata: Mapping[str, Any] = stored.metadata or {}
    stamp = yield from reading.stamp(stored, metadata, thread)
    rows = sorted_rows(stored.pending_writes or (), stamp.revision)
    if stamp.revision == to and set(rows.by_revision) <= {to}:
        return
    shape: Shape = yield from reading.translated(
        stored, thread, metadata, stamp, rows, lambda _, guarded: made, to, called
    )
    parked = shape.parked
    below = {**parents, parked.namespace: made}
    for here, there in parked.moved.items():
        inner = yield Get(
            {
                "configurable": {
                    "thread_id": stored.config["configurable"]["thread_id"],
                    "checkpoint_ns": there,
                }
            }
        )
        if inner is not None:
            child = str(uuid6(clock_seq=(inner.metadata or {}).get("step", 0)))
            yield from _back(reading, inner, thread, to, child, here, below, written)
    checkpoint = dict(parked.checkpoint)
    values = checkpoint["channel_values"]
    # Raw, because the classes of this process may be those of another version.
    checkpoint["channel_values"] = {name: raw(value) for name, value in values.items()}
    said = built(metadata, reading.serde) if isinstance(metadata, Stored) else metadata
    kept = {name: value for name, value in said.items() if name not in (KEY, WORKFLOW)}
    new = Stamp(reading.migrator.workflow, to, started=stamp.started, complement=shape.complement)
    where = {"thread_id": stored.config["configurable"]["thread_id"], "checkpoint_ns": parked.namespace}
    same = stored.config["configurable"].get("checkpoint_ns", "") == parked.namespace
    above = {"checkpoint_id": stored.config["configurable"]["checkpoint_id"]} if same else {}
    by_task: dict[str, list[tuple[str, Any]]] = {}
    for row in parked.rows:
        by_task.setdefault(row.task, []).append((row.channel, raw(row.value)))
    written.append(
        Written(
            (
                {"configurable": {**where, **above}},
                checkpoint,
                stamped({**kept, "parents": dict(parents)}, new),
                dict(checkpoint["channel_versions"]),
            ),
            tuple(
                ({"configurable": {**where, "checkpoint_id": made}}, writes, task, parked.paths.get(task, ""))
                for task, writes in by_task.items()
            ),
        )
    )
