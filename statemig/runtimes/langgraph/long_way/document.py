"""A stored checkpoint as a run document: what an operation can reach of it, and what stood where."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from statemig.document import Document
from statemig.runtimes.langgraph.identity import BRANCH, JOIN, NULL_TASK, beside, interrupt_id
from statemig.runtimes.langgraph.stored.as_json import Tags, to_json
from statemig.runtimes.langgraph.stored.values import Foreign, raw
from statemig.runtimes.langgraph.tasks import (
    CONTROL,
    INTERRUPT,
    RESUME,
    SENDS,
    START,
    Nodes,
    Parked,
    Row,
    Task,
    arrived,
    is_complete,
    packets,
    space,
    tasks_of,
)

if TYPE_CHECKING:
    from statemig.runtimes.langgraph.long_way.steps import Names
    from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True)
class Read:
    """The document of a checkpoint, and what leads back from it. `tags` by item: "state", or the id of an entry of the document."""

    document: Document
    tasks: list[Task]
    rows: Mapping[str, list[Row]]
    tags: Mapping[str, Tags]
    #: answers that a task has, raw
    answers: Mapping[str, list[Any]]
    #: entries that hold one value in a list, because that is what its channel holds
    wrapped: frozenset[tuple[str, str]] = frozenset()

    @cached_property
    def written(self) -> dict[str, frozenset[str]]:
        """The channels of each entry of what branches have written."""
        return {each["id"]: frozenset(each["writes"]) for each in self.document.get("pending", ())}

    def is_finished(self, task: Task) -> bool:
        return any(row.channel not in CONTROL for row in self.rows.get(task.id, ()))

    def question(self, task: Task) -> list[Foreign]:
        """The questions that a task waits for."""
        if self.is_finished(task):
            return []
        return [
            each
            for row in self.rows.get(task.id, ())
            if row.channel == INTERRUPT
            for each in questions_in(row)
        ]


def questions_in(row: Row) -> list[Foreign]:
    value = raw(row.value)
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, Foreign)]


def has_answer(asked: Sequence[Foreign]) -> bool:
    """Whether the question of a task has its answer already, which was held for it: it is followed by a second one then, made of its id."""
    return len(asked) == 2 and asked[1].arg["id"] == beside(asked[0].arg["id"])


def is_data(channel: str) -> bool:
    """Whether a channel is a field of the state."""
    return not channel.startswith((BRANCH, JOIN, "__"))


def entry(task: str, number: int) -> str:
    """The id in the document of what a task has written: a channel that it wrote twice makes a second entry."""
    return task if number == 0 else f"{task}~{number}"


@dataclass
class Reader:
    """Makes the document. `around`: the checkpoint of the root, for a subgraph, whose own channels are written like a branch's."""

    parked: Parked
    nodes: Nodes
    snapshot: Snapshot | None
    names: Names
    around: Parked | None = None
    tags: dict[str, Tags] = field(default_factory=dict)
    wrapped: set[tuple[str, str]] = field(default_factory=set)

    def read(self) -> Read:
        parked = self.parked
        tasks = tasks_of(parked, self.nodes)
        rows: dict[str, list[Row]] = {}
        for row in parked.rows:
            rows.setdefault(row.task, []).append(row)
        answers = {
            task.id: _answers(rows.get(task.id, ()))
            for task in tasks
            if any(row.channel == RESUME for row in rows.get(task.id, ()))
        }
        read = Read({}, tasks, rows, self.tags, answers)
        home = self.around or parked
        state = self._values(home.checkpoint["channel_values"], "state")
        pending: list[dict[str, Any]] = []
        if self.around is not None:
            pending += self._partial(
                "channels", self._values(parked.checkpoint["channel_values"], "channels")
            )
        pending += self._started()
        cursor = []
        for task in tasks:
            if read.is_finished(task):
                step = self._carrier() if task.node == START else self._step(task.node)
                pending += self._written(task.id, step, rows[task.id], state)
            else:
                cursor += self._position(task, read)
        if NULL_TASK in rows:
            pending += self._written(NULL_TASK, self._carrier(), rows[NULL_TASK], state)
        pending += self._arrivals()
        pending += self._sends()
        document = {"status": "active" if cursor or pending else "finished", "state": state, "cursor": cursor}
        if pending:
            document["pending"] = pending
        return Read(document, tasks, rows, self.tags, answers, frozenset(self.wrapped))

    def _values(self, values: Mapping[str, Any], item: str) -> dict[str, Any]:
        tags = self.tags.setdefault(item, {})
        fields = self.nodes.fields
        named = [each for each in values if is_data(each) and (fields is None or each in fields)]
        return {channel: to_json(raw(values[channel]), tags, ("state", channel)) for channel in named}

    def _is_known(self, channel: str) -> bool:
        """Whether the state of the snapshot has a field for it; a private channel may be in none."""
        fields = self.nodes.fields
        return fields is None or channel in fields

    def _step(self, node: str) -> str:
        return self.names.told(self.parked.prefix + node)

    def _carrier(self) -> str:
        """A step to hang something on that belongs to none: one that nothing happens to."""
        steps = self.snapshot.steps if self.snapshot is not None else {}
        same = [name for name, info in steps.items() if self.names.finished(name) == name and not info.joins]
        there = [name for name in steps if self.names.finished(name) is not None]
        return next(iter([*same, *there]), START)

    def _partial(self, item: str, writes: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"id": item, "step": self._carrier(), "writes": writes}] if writes else []

    def _started(self) -> list[dict[str, Any]]:
        """An input that no node has seen yet."""
        if START not in self.parked.checkpoint["channel_values"]:
            return []
        value = raw(self.parked.checkpoint["channel_values"][START])
        fields = value.arg if isinstance(value, Foreign) and isinstance(value.arg, dict) else value
        if not isinstance(fields, dict) or not all(isinstance(key, str) for key in fields):
            return []
        return self._partial(START, self._values(fields, START))

    def _sends(self) -> list[dict[str, Any]]:
        found = []
        for number, packet in enumerate(packets(self.parked.checkpoint["channel_values"])):
            argument = packet.arg[1]
            if isinstance(argument, dict) and argument and self._is_state(argument):
                found += self._partial(f"send~{number}", self._values(argument, f"send~{number}"))
        return found

    def _is_state(self, argument: Mapping[Any, Any]) -> bool:
        return all(isinstance(key, str) and self._is_known(key) for key in argument)

    def _written(
        self, task: str, step: str, rows: list[Row], state: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        """What a task has written and no superstep has taken up: an entry, and further ones for a channel that it wrote to again and for
        further joins that it has arrived at."""
        entries: list[dict[str, Any]] = []
        targets = [row.channel.rsplit(":", 1)[1] for row in rows if row.channel.startswith(JOIN)]
        for row in rows:
            if not is_data(row.channel) or not self._is_known(row.channel):
                continue
            number = next(
                (n for n, each in enumerate(entries) if row.channel not in each["writes"]), len(entries)
            )
            if number == len(entries):
                entries.append({"id": entry(task, number), "step": step, "writes": {}})
            name = entries[number]["id"]
            tags = self.tags.setdefault(name, {})
            wrap = isinstance(state.get(row.channel), list) and not isinstance(raw(row.value), list)
            place = ("state", row.channel, 0) if wrap else ("state", row.channel)
            value = to_json(raw(row.value), tags, place)
            if wrap and isinstance(value, list):
                wrap = False  # a wrapper around a list
                tags.clear()
                value = to_json(raw(row.value), tags, ("state", row.channel))
            if wrap:
                self.wrapped.add((name, row.channel))
            entries[number]["writes"][row.channel] = [value] if wrap else value
        while len(entries) < max(1, len(targets)):
            entries.append({"id": entry(task, len(entries)), "step": step, "writes": {}})
        for made, target in zip(entries, targets, strict=False):
            made["to"] = self._step(target)
        return entries if task != NULL_TASK else [each for each in entries if each["writes"]]

    def _arrivals(self) -> list[dict[str, Any]]:
        """Branches that have arrived at a join that still waits."""
        return [
            {
                "id": f"{channel}#{name}",
                "step": self._step(name),
                "writes": {},
                "to": self._step(channel.rsplit(":", 1)[1]),
            }
            for channel, value in self.parked.checkpoint["channel_values"].items()
            if channel.startswith(JOIN) and not is_complete(channel, value)
            for name in sorted(arrived(value))
        ]

    def _position(self, task: Task, read: Read) -> list[dict[str, Any]]:
        step = self._step(task.node)
        questions = read.question(task)
        answers = read.answers.get(task.id, [])
        position: dict[str, Any] = {
            "id": task.id,
            "step": step,
            "status": "waiting" if questions else "ready",
        }
        own = {interrupt_id(space(self.parked, task), number) for number in range(len(answers) + 1)}
        if questions:
            position["on"] = "human"
            position["key"] = questions[0].arg["id"]
            if len(questions) == 1 and position["key"] in own:
                tags = self.tags.setdefault(task.id, {})
                position["payload"] = to_json(questions[0].arg["value"], tags, ("payload",))
                position["index"] = len(answers)
        placed = self.names.questions(self.parked.prefix + task.node)
        extra = []
        for number, answer in enumerate(answers):
            if placed is None or number in placed:
                item = f"{task.id}#{number}"
                value = to_json(answer, self.tags.setdefault(item, {}), ("answer",))
                extra.append({"id": item, "step": step, "status": "ready", "answer": value, "index": number})
        return [position, *extra]


def _answers(rows: Any) -> list[Any]:
    value = next(raw(row.value) for row in rows if row.channel == RESUME)
    return value if isinstance(value, list) else [value]


__all__ = ["INTERRUPT", "RESUME", "SENDS", "Read", "Reader", "entry", "is_data", "questions_in"]
