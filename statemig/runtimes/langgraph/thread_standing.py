"""Where a thread stands, by the last checkpoint of its root as the tables show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from statemig.runtimes.langgraph.identity import namespace_of
from statemig.runtimes.langgraph.stamps import TASK
from statemig.runtimes.langgraph.tasks import (
    CONTROL,
    ERROR,
    INTERRUPT,
    START,
    Nodes,
    Parked,
    Row,
    Task,
    tasks_of,
)
from statemig.runtimes.langgraph.thread_tables import Latest

#: (step, status, what it waits on)
Place = tuple[str | None, str, str | None]
#: the last checkpoint in a namespace of the same thread
Inside = Callable[[str], Latest | None]

_UUID_EPOCH: Final = 0x01B21DD213814000  # of 100 ns, from 1582 to 1970


@dataclass(frozen=True, slots=True)
class Standing:
    """`status` as in a run document. `places` as in `Kind`; of a thread that has ended there are none.

    A node whose last try has raised is "failed": LangGraph tries it again when somebody goes on with the thread.
    """

    status: str
    places: tuple[Place, ...]

    @property
    def phase(self) -> str:
        if self.status != "active":
            return "ended"
        return "parked" if all(status == "waiting" for _, status, _ in self.places) else "ready"


def standing_of(latest: Latest, nodes: Nodes, inside: Inside) -> Standing:
    """Where it stands. `inside` is asked where it stands in a subgraph; a step that can not be told is None."""
    if latest.checkpoint is None or int(latest.checkpoint.get("v") or 1) < 3:
        return Standing("active", ((None, "ready", None),))
    places = tuple(dict.fromkeys(_places(latest, nodes, inside)))
    return Standing("active" if places else "finished", places)


def _places(latest: Latest, nodes: Nodes, inside: Inside) -> Iterator[Place]:
    checkpoint: Any = latest.checkpoint
    rows = tuple(Row(task, channel, None) for task, _, channel in latest.rows if not task.startswith(TASK))
    parked = Parked(latest.namespace, checkpoint, latest.step + 1, rows)
    tasks = tasks_of(parked, nodes)
    if not any(task.node == START for task in tasks) and _has_input(checkpoint):
        tasks.append(Task("", START))
    by_task: dict[str, set[str]] = {}
    for row in rows:
        by_task.setdefault(row.task, set()).add(row.channel)
    open_tasks = [task for task in tasks if by_task.get(task.id, set()) <= CONTROL]
    for task in open_tasks or tasks:  # all done, and nobody has gone on
        written = by_task.get(task.id, set())
        step = parked.prefix + task.node
        status: tuple[str, str | None] = ("ready", None)
        if INTERRUPT in written:
            status = ("waiting", "human")
        elif ERROR in written:
            status = ("failed", None)
        elif step in nodes.stops:
            status = ("waiting", "human")
        deeper = list(_deeper(latest, task, nodes, inside)) if step in nodes.subgraphs and task.id else []
        yield from deeper or [(step, *status)]


def _deeper(latest: Latest, task: Task, nodes: Nodes, inside: Inside) -> Iterator[Place]:
    """Where it stands in the graph that a node runs."""
    own = namespace_of(latest.namespace, task.node, task.id)
    found = inside(own) or inside(task.node)
    if found is not None and found.checkpoint is not None:
        yield from _places(found, nodes, inside)


def _has_input(checkpoint: dict[str, Any]) -> bool:
    """Whether something was put in that no node has seen."""
    if START not in checkpoint["channel_values"]:
        return False
    version = checkpoint["channel_versions"].get(START)
    seen = checkpoint["versions_seen"].get(START, {}).get(START)
    return version is not None and (seen is None or version > seen)


def time_of(checkpoint: str) -> float:
    """When a checkpoint was made, in seconds since the epoch; 0 where its id does not say it."""
    try:
        made = UUID(checkpoint)
    except ValueError:
        return 0.0
    if made.version != 6:
        return 0.0
    ticks = ((made.int >> 80) << 12) | ((made.int >> 64) & 0x0FFF)
    return (ticks - _UUID_EPOCH) / 1e7
