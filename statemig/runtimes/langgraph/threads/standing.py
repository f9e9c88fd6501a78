"""Where a thread stands, by the last checkpoint of its root as the tables show it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from statemig.runtimes.langgraph.identity import NULL_TASK, namespace_of, prefix_of
from statemig.runtimes.langgraph.stored.stamps import TASK
from statemig.runtimes.langgraph.tasks import (
    CONTROL,
    ERROR,
    INTERRUPT,
    SENDS,
    START,
    Nodes,
    Parked,
    Row,
    Task,
    due_now,
    tasks_of,
)
from statemig.runtimes.langgraph.threads.tables import Latest

#: (step, status, what it waits on)
Place = tuple[str | None, str, str | None]
#: the last checkpoint in a namespace of the same thread
Inside = Callable[[str], Latest | None]

_NOTHING: Final[frozenset[str]] = frozenset()
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
    by_task: dict[str, set[str]] = {}
    for name, _, channel in latest.rows:
        if not name.startswith(TASK) and name != NULL_TASK:
            by_task.setdefault(name, set()).add(channel)
    tasks = _tasks(latest, checkpoint, nodes, by_task)
    open_tasks = [task for task in tasks if by_task.get(task.id, _NOTHING) <= CONTROL]
    for task in open_tasks or tasks:  # all done, and nobody has gone on
        written = by_task.get(task.id, _NOTHING)
        step = task.node if not latest.namespace else prefix_of(latest.namespace) + task.node
        status: tuple[str, str | None] = ("ready", None)
        if INTERRUPT in written:
            status = ("waiting", "human")
        elif ERROR in written:
            status = ("failed", None)
        elif step in nodes.stops:
            status = ("waiting", "human")
        deeper = list(_deeper(latest, task, nodes, inside)) if step in nodes.subgraphs and task.id else []
        yield from deeper or [(step, *status)]


def _tasks(
    latest: Latest, checkpoint: dict[str, Any], nodes: Nodes, by_task: dict[str, set[str]]
) -> list[Task]:
    """What runs next. Which task a row belongs to shows only in its id, which is a hash of much; where there is one task, no hash is
    needed."""
    values = checkpoint["channel_values"]
    due = list(dict.fromkeys(due_now(checkpoint)))
    if not values.get(SENDS) and START not in values and len(due) <= 1 and len(by_task) <= len(due):
        if not due:
            return []
        if by_task or not nodes.subgraphs:
            return [Task(next(iter(by_task), ""), due[0])]
    rows = tuple(Row(name, channel, None) for name, channels in by_task.items() for channel in channels)
    tasks = tasks_of(Parked(latest.namespace, checkpoint, latest.step + 1, rows), nodes)
    if _has_input(checkpoint) and not any(task.node == START for task in tasks):
        tasks.append(Task("", START))
    return tasks


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
