"""Which tasks a checkpoint runs next, and what the graph of a revision looks like as far as that depends on it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from statemig.runtimes.langgraph.identity import (
    BRANCH,
    JOIN,
    NULL_TASK,
    PULL,
    PUSH,
    join_channel,
    namespace_of,
    prefix_of,
    task_id,
    triggers_tried,
)
from statemig.runtimes.langgraph.stored.classes import classes_of
from statemig.runtimes.langgraph.stored.values import Foreign, raw
from statemig.shapes.shape import Object
from statemig.workflow.run_shape import state_of

if TYPE_CHECKING:
    from statemig.workflow.flow import StepInfo
    from statemig.workflow.snapshot import Snapshot

START, SENDS = "__start__", "__pregel_tasks"
INTERRUPT, RESUME, ERROR = "__interrupt__", "__resume__", "__error__"
#: the channel of the row of a task that has finished and written nothing
NO_WRITES = "__no_writes__"
#: channels of rows that say what happened to a task, and not what it wrote
CONTROL = frozenset((INTERRUPT, RESUME, ERROR, "__error_source_node__"))


@dataclass(frozen=True, slots=True)
class Row:
    """One pending write: of which task, to which channel, and what, raw."""

    task: str
    channel: str
    value: Any


@dataclass(frozen=True, slots=True)
class Parked:
    """One checkpoint of one namespace, as the code of one revision sees it.

    `step`: the number of the superstep that follows. `fresh`: the channels that are not stored under the version they have here.
    `questions`: the ids of questions here by those that are stored, empty where a policy has done away with one. `moved`: the namespace of
    each task here, and the one that is stored. `held`: answers to later questions, by task. `guarded`: a question has come before the one
    that waits. `paths`: of each task, what savers order its writes by.
    """

    namespace: str
    checkpoint: dict[str, Any]
    step: int
    rows: tuple[Row, ...]
    fresh: Mapping[str, Any] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    moved: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    guarded: bool = False
    paths: Mapping[str, str] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """What the steps of this namespace begin with in a snapshot: ``inner.``"""
        return prefix_of(self.namespace)


@dataclass(frozen=True, slots=True)
class Task:
    """`index`: its place among the packets of Send, None for one that an edge leads to."""

    id: str
    node: str
    index: int | None = None


class Nodes:
    """The nodes of one revision: of its snapshot, and of the compiled graph where it is at hand."""

    def __init__(self, snapshot: Snapshot | None, graph: Any = None) -> None:
        self._steps: Mapping[str, StepInfo] = {} if snapshot is None else snapshot.steps
        #: the branches of each join that leads to a node, in the order of the code
        self._joins: Mapping[str, list[list[str]]] = (
            {} if snapshot is None else snapshot.runtime.get("joins", {})
        )
        runtime: Mapping[str, Any] = {} if snapshot is None else snapshot.runtime
        #: the steps that run a graph of their own, and those before which runs stop until somebody goes on
        self.subgraphs = frozenset(runtime.get("subgraphs", ()))
        self.stops = frozenset(runtime.get("interrupt_before", ()))
        self._triggers: dict[str, dict[str, tuple[str, ...]]] = {}
        self._known: dict[str, frozenset[str] | None] = {}
        self._likely: dict[tuple[str, str], tuple[str, ...]] = {}
        self._snapshot = snapshot
        #: the classes of the graph's channels, by name
        self.classes: Mapping[str, type] = {}
        if graph is not None:
            self._read(graph, "")
            self.classes = classes_of(graph)

    def _read(self, graph: Any, prefix: str) -> None:
        self._triggers[prefix] = {name: tuple(sorted(node.triggers)) for name, node in graph.nodes.items()}
        for name, inner in graph.get_subgraphs():
            self._read(inner, f"{prefix}{name}.")

    @cached_property
    def fields(self) -> Collection[str] | None:
        """The fields of the state; None where it may have any."""
        if self._snapshot is None:
            return None
        state = state_of(self._snapshot.writes)
        shape = state.resolve(state.root)
        return shape.properties if isinstance(shape, Object) and isinstance(shape.extra, str) else None

    def known(self, prefix: str) -> frozenset[str] | None:
        """The nodes of a (sub)graph; None where nothing is known of it."""
        if prefix not in self._known:
            inside = (name[len(prefix) :] for name in self._steps if name.startswith(prefix))
            found = self._triggers.get(prefix) or [name for name in inside if "." not in name]
            self._known[prefix] = frozenset(found) or None
        return self._known[prefix]

    def joins(self, prefix: str, node: str) -> list[str]:
        """The channels of the joins that lead to a node."""
        if prefix in self._triggers:
            return [each for each in self._triggers[prefix].get(node, ()) if each.startswith(JOIN)]
        info = self._steps.get(prefix + node)
        joins = self._joins.get(prefix + node)
        if joins is None:
            joins = [list(info.joins)] if info is not None and info.joins else []
        return [join_channel((name[len(prefix) :] for name in each), node) for each in joins]

    def targets(self, prefix: str) -> Iterator[str]:
        """The channels of all joins."""
        for node in self.known(prefix) or ():
            yield from self.joins(prefix, node)

    def triggers(self, prefix: str, node: str) -> tuple[str, ...]:
        exact = self._triggers.get(prefix, {}).get(node)
        if exact is None:
            exact = self._likely.get((prefix, node))
        if exact is None:
            exact = self._likely[prefix, node] = tuple(sorted((BRANCH + node, *self.joins(prefix, node))))
        return exact

    def tried(self, prefix: str, node: str, present: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """What the triggers of a node may have been, the likeliest first."""
        if node == START:
            yield (START,)
            return
        yield self.triggers(prefix, node)
        ends = [each for each in present if each.startswith(JOIN) and each.endswith(f":{node}")]
        yield from triggers_tried(node, [*ends, *self.joins(prefix, node)])


def tasks_of(parked: Parked, nodes: Nodes) -> list[Task]:
    """The tasks of the superstep that follows, and those that rows belong to."""
    wanted = {row.task for row in parked.rows if row.task != NULL_TASK}
    found: dict[str, Task] = {}
    values, versions = parked.checkpoint["channel_values"], parked.checkpoint["channel_versions"]
    for index, packet in enumerate(packets(values)):
        made = task_id(parked.checkpoint, parked.namespace, parked.step, packet.arg[0], PUSH, (str(index),))
        found[made] = Task(made, packet.arg[0], index)

    def ids(node: str) -> Iterator[str]:
        for triggers in nodes.tried(parked.prefix, node, versions):
            yield task_id(parked.checkpoint, parked.namespace, parked.step, node, PULL, triggers)

    due = dict.fromkeys(due_now(parked.checkpoint))
    for node in due:
        first = next(tried := ids(node))
        chosen = first if not wanted or first in wanted else next((e for e in tried if e in wanted), first)
        found[chosen] = Task(chosen, node)
    if wanted <= found.keys():
        return list(found.values())
    known = nodes.known(parked.prefix) or frozenset()
    names = dict.fromkeys(
        [
            *(each[len(BRANCH) :] for each in versions if each.startswith(BRANCH)),
            *(each.rsplit(":", 1)[1] for each in versions if each.startswith(JOIN)),
            *(each for each in parked.checkpoint["versions_seen"] if not each.startswith("__")),
            *sorted(known),
            START,
        ]
    )
    for node in names:
        if node in due:
            continue
        if wanted <= found.keys():
            break
        stored = next((each for each in ids(node) if each in wanted), None)
        if stored is not None:
            found[stored] = Task(stored, node)
    return list(found.values())


def due_now(checkpoint: Mapping[str, Any]) -> Iterator[str]:
    """The nodes that an edge or a join leads to."""
    values, versions, seen = (
        checkpoint["channel_values"],
        checkpoint["channel_versions"],
        checkpoint["versions_seen"],
    )
    updated = checkpoint.get("updated_channels")
    for channel in values:
        if not channel.startswith((BRANCH, JOIN)) or (updated and channel not in updated):
            continue
        node = channel[len(BRANCH) :] if channel.startswith(BRANCH) else channel.rsplit(":", 1)[1]
        version = versions.get(channel)
        before = seen.get(node, {}).get(channel)
        if (
            version is not None
            and (before is None or version > before)
            and is_complete(channel, values[channel])
        ):
            yield node


def is_complete(channel: str, value: Any) -> bool:
    """Whether a channel that has a value lets its node run: a join only when all have arrived, a deferred one only at the end."""
    value = raw(value)
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], bool):
        return value[1]
    return channel.startswith(BRANCH) or arrived(value) >= set(branches_of(channel))


def arrived(value: Any) -> set[str]:
    """The names in the value of a join."""
    value = raw(value)
    if isinstance(value, list) and len(value) == 2 and isinstance(value[1], bool):
        value = value[0]
    return set(value.arg) if isinstance(value, Foreign) else set(value or ())


def branches_of(channel: str) -> list[str]:
    return channel[len(JOIN) :].rsplit(":", 1)[0].split("+")


def packets(values: Mapping[str, Any]) -> list[Foreign]:
    """The packets of Send that wait: node, argument, and a timeout where there is one."""
    if SENDS not in values:
        return []
    found = raw(values[SENDS]) or []
    return [each for each in found if isinstance(each, Foreign) and each.name == "Send"]


def space(parked: Parked, task: Task) -> str:
    return namespace_of(parked.namespace, task.node, task.id)
