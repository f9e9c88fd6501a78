"""From one revision to another: the same checkpoint as the code of the other revision would have stored it. Pure; nothing stored changes.

Every name that LangGraph derives from the graph is made anew: channels of edges and joins and who has arrived there, what nodes have seen,
packets of Send, ids of tasks and of questions, and the pending writes with all of it. What is left out ends a run silently, or runs a
side effect again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

from statemig.errors import CursorError, StatemigError
from statemig.runtimes.langgraph.identity import (
    BRANCH,
    JOIN,
    NULL_TASK,
    PULL,
    PUSH,
    interrupt_id,
    is_kept,
    namespace_of,
    task_id,
    task_path,
)
from statemig.runtimes.langgraph.long_way.channels import Channels
from statemig.runtimes.langgraph.long_way.document import Reader, entry, is_data, questions_in
from statemig.runtimes.langgraph.stored import instances
from statemig.runtimes.langgraph.stored.as_json import from_json
from statemig.runtimes.langgraph.stored.values import Foreign, raw
from statemig.runtimes.langgraph.tasks import (
    CONTROL,
    INTERRUPT,
    NO_WRITES,
    RESUME,
    SENDS,
    START,
    Nodes,
    Parked,
    Row,
    Task,
    branches_of,
    space,
)

if TYPE_CHECKING:
    from statemig.document import Document
    from statemig.migrator import Migrator
    from statemig.plan.complement import Complement
    from statemig.runtimes.langgraph.long_way.steps import Names


#: the id under which a checkpoint is shown, by its id and whether a question has come before the one that waits
Shown = Callable[[str, bool], str]


def as_it_is(checkpoint: str, guarded: bool) -> str:
    return checkpoint


@dataclass(frozen=True, slots=True)
class Translated:
    parked: Parked
    complement: Complement
    tasks: Mapping[str, str]
    document: Document


def translate(
    migrator: Migrator,
    parked: Parked,
    source: str,
    target: str,
    *,
    names: Names,
    nodes: tuple[Nodes, Nodes],
    namespace: str,
    around: Parked | None = None,
    complement: Complement | None = None,
    thread: str | None = None,
    shown: Shown = as_it_is,
    waiting: bool = False,
) -> Translated:
    """`parked` as the code of revision `target` sees it; it is called `namespace` there. `names`: between the two; `nodes`: those of both.
    `shown` gives the checkpoint another id where a question has come before the one that waits, so that no id of a question stays valid.
    `waiting`: a task waits, by what another revision wrote.

    Raises what a migration raises, and `CursorError` where a name has no counterpart.
    """
    read = Reader(parked, nodes[0], migrator.snapshot(source), names, around).read()
    up = migrator.version(source) < migrator.version(target)
    arguments: dict[str, Any] = {
        "run_id": thread,
        "record": "complement",
        "complement": complement,
        "checked": around is not None,
    }
    if up:
        result = migrator.upgrade(read.document, source, to=target, **arguments)
    else:
        result = migrator.downgrade(read.document, to=target, revision=source, **arguments)
    document = result.unwrap()
    kept = complement or {}
    work = _Work(
        parked,
        read,
        names,
        document,
        nodes[1],
        namespace,
        target,
        complement=kept,
        puts_back=any(result.complement.get(label) != notes for label, notes in kept.items()),
        shown=shown,
        waiting=waiting,
    )
    try:
        made = work.parked_there()
    except StatemigError as error:
        raise error.locate(run_id=thread, workflow=migrator.workflow, revision=target) from None
    stood = read.tags.get("channels") or read.tags.get("state", {})
    left = instances.kept(
        _by_ids(result.complement, work.ids),
        target,
        parked.checkpoint["channel_values"],
        filter(names.may_keep, work.gone),
        stood,
        work.back,
    )
    return Translated(made, left, work.ids, document)


def _by_ids(complement: Complement, ids: Mapping[str, str]) -> Complement:
    """The complement with the ids that tasks have there."""

    def named(part: Any) -> Any:
        if not isinstance(part, dict) or part.get("by") != "id" or not isinstance(part.get("key"), str):
            return part
        task = re.split("[~#]", part["key"], maxsplit=1)[0]
        return {**part, "key": ids.get(task, task) + part["key"][len(task) :]}

    def placed(note: dict[str, Any]) -> dict[str, Any]:
        at = note.get("at", [])
        return {**note, "at": [at[0], named(at[1]), *at[2:]]} if at[:1] in (["cursor"], ["pending"]) else note

    return {label: [placed(note) for note in notes] for label, notes in complement.items()}


@dataclass(kw_only=True)
class _Work(Channels):
    shown: Shown
    waiting: bool
    questions: dict[str, str] = field(default_factory=dict)
    held: dict[str, dict[int, Any]] = field(default_factory=dict)
    guarded: bool = False
    shifted: bool = False
    #: the tasks here, by the ids there
    ids: dict[str, str] = field(default_factory=dict)
    paths: dict[str, str] = field(default_factory=dict)

    def parked_there(self) -> Parked:
        self.make()
        old = self.parked.checkpoint
        seen = {
            self.finished(node): {
                name: version
                for channel, version in channels.items()
                if (name := self.channel(channel)) is not None
            }
            for node, channels in old["versions_seen"].items()
        }
        seen.pop(None, None)
        checkpoint = {
            **old,
            "channel_values": self.values,
            "channel_versions": self.versions,
            "versions_seen": seen,
            "updated_channels": self.updated,
        }
        self._foresee()
        checkpoint["id"] = self.shown(old["id"], self.guarded or self.shifted)
        rows = self._rows(checkpoint)
        moved = {
            namespace_of(self.namespace, self.node_of[task.id], self.ids[task.id]): space(self.parked, task)
            for task in self.read.tasks
            if task.id in self.ids
        }
        return Parked(
            self.namespace,
            checkpoint,
            self.parked.step,
            tuple(rows),
            {**{k: v for k, v in self.parked.fresh.items() if self.versions.get(k) == v}, **self.fresh},
            self.questions,
            moved,
            self.held,
            self.guarded,
            self.paths,
        )

    # -- questions -----------------------------------------------------------------------------------------------------

    def _foresee(self) -> None:
        """The answers of each task in their new places: those that its questions come to one after the other, and those that are held."""
        self.placed: dict[str, list[Any]] = {}
        self._later: dict[str, dict[int, Any]] = {}
        for task in self.read.tasks:
            answers = self.read.answers.get(task.id)
            if answers is None and not self.read.question(task):
                continue
            if self.read.is_finished(task) or task.id not in self.node_of or self.is_moved(task):
                continue
            there: dict[int, Any] = {}
            for number in range(len(answers or ())):
                item = f"{task.id}#{number}"
                if item in self.answers:
                    position = self.answers[item]
                    tags = self.read.tags.get(item, {})
                    there[position.get("index", 0)] = from_json(position["answer"], tags, ("answer",))
            line: list[Any] = []
            while len(line) in there:
                line.append(there.pop(len(line)))
            self.placed[task.id] = line
            if there:
                self._later[task.id] = there
            waits = self.positions[task.id].get("index")
            if waits is not None and self.names.questions(self.parked.prefix + task.node) is not None:
                self.guarded = self.guarded or waits > len(line)
                # An id says which question in line it is: one that was answered may have been called what this one would be.
                self.shifted = self.shifted or waits != len(answers or ())

    # -- pending writes ------------------------------------------------------------------------------------------------

    def _rows(self, checkpoint: dict[str, Any]) -> list[Row]:
        for task in self.read.tasks:
            node = self.node_of.get(task.id)
            if node is None or self.is_moved(task):
                continue
            if task.index is not None:
                rest: tuple[str, ...] = (str(self.index_of[task.index]),)
                kind = PUSH
            else:
                rest, kind = (START,) if node == START else self.nodes.triggers(self.prefix, node), PULL
            self.ids[task.id] = task_id(checkpoint, self.namespace, self.parked.step, node, kind, rest)
            path = task_path(kind, rest[0] if kind == PUSH else node)
            self.paths[self.ids[task.id]] = path
        waiting = self.waiting or any(self.read.question(task) for task in self.read.tasks)
        by_id = {task.id: task for task in self.read.tasks}
        found: list[Row] = []
        counted: dict[tuple[str, str], int] = {}
        for row in self.parked.rows:
            if row.task == NULL_TASK:
                if row.channel == RESUME:
                    if not waiting:
                        found.append(row)
                    continue
                found += self._row(row, NULL_TASK, counted)
                continue
            if row.task not in by_id:
                found.append(self._unexplained(row))
                continue
            task = by_id[row.task]
            here = self.ids.get(task.id)
            if here is None:
                if row.channel == INTERRUPT:  # a policy has sent the run elsewhere: nobody asks that any more
                    self.questions.update({each.arg["id"]: "" for each in questions_in(row)})
                continue
            match row.channel:
                case "__interrupt__" if not self.read.is_finished(task):
                    found.append(self._asked(row, task, here))
                case "__resume__" if not self.read.is_finished(task):
                    if self.placed.get(task.id):
                        found.append(Row(here, RESUME, self.placed[task.id]))
                case channel if channel in CONTROL:
                    found.append(Row(here, channel, row.value))
                case _:
                    found += self._row(row, here, counted)
        found += self._made(NULL_TASK, NULL_TASK, {row.channel for row in found if row.task == NULL_TASK})
        for task in self.read.tasks:
            here = self.ids.get(task.id)
            if here is not None and self.read.is_finished(task):
                found += self._made(task.id, here, {row.channel for row in found if row.task == here})
                if not any(row.task == here and row.channel not in CONTROL for row in found):
                    found.append(Row(here, NO_WRITES, None))  # or it would run again
        for name, later in self._later.items():
            if name in self.ids:
                self.held[self.ids[name]] = later
        return found

    def _row(self, row: Row, here: str, counted: dict[tuple[str, str], int]) -> list[Row]:
        """What a finished task has written, or the caller."""
        channel = row.channel
        if channel.startswith(BRANCH):
            name = self.channel(channel)
            if name is None:
                raise CursorError(
                    f"a branch that has finished leads to step {channel[len(BRANCH) :]!r}, which is removed, and nothing says where to",
                    step=self.parked.prefix + channel[len(BRANCH) :],
                    path="pending",
                    hint="Let the run get past this point on its own version, or remove the step with cursor=op.forward(...)",
                )
            return [Row(here, name, row.value)]
        if channel.startswith(JOIN):
            joined = self.join(channel)
            value = self.finished(raw(row.value)) if isinstance(raw(row.value), str) else None
            if joined is None or value is None or value not in branches_of(joined):
                return []
            return [Row(here, joined, value)]
        if channel == SENDS:
            packet = raw(row.value)
            node = self.ahead(packet.arg[0]) if isinstance(packet, Foreign) else None
            if node is None:
                raise CursorError(
                    "a branch that has finished has sent a packet to a step that is removed",
                    step=self.parked.prefix + str(packet.arg[0]),
                    path="pending",
                    hint="Let the run get past this point on its own version first",
                )
            return [Row(here, SENDS, self.packet(packet, node))]
        if not is_data(channel):
            return [Row(here, channel, row.value)]
        field_name = self.names.field(channel)
        number = counted.get((row.task, channel), 0)
        counted[row.task, channel] = number + 1
        item = entry(row.task, number)
        if channel not in self.read.written.get(item, ()):
            return [Row(here, field_name, row.value)]  # no field of the state
        if field_name not in self.items.get(item, {}).get("writes", {}):
            return []
        value = self.items[item]["writes"][field_name]
        tags = self.moved(self.read.tags.get(item, {}))
        made = from_json(value, tags, ("state", field_name))
        if (item, channel) in self.read.wrapped and isinstance(made, list) and len(made) == 1:
            made = made[0]
        return [Row(here, field_name, made)]

    def _made(self, task: str, here: str, present: set[str]) -> list[Row]:
        """What a task has written by today's names under none that it used: parts of a field, or what an upgrade had removed."""
        item = self.items.get(task, {})
        tags = self.moved(self.read.tags.get(task, {}))
        return [
            Row(here, name, from_json(value, tags, ("state", name)))
            for name, value in item.get("writes", {}).items()
            if name not in present
        ]

    def _asked(self, row: Row, task: Task, here: str) -> Row:
        """The questions of a task, with the ids that they have here."""
        line = self.placed.get(task.id, [])
        there = space(self.parked, task)
        inside = namespace_of(self.namespace, self.node_of[task.id], here)
        old = {interrupt_id(there, n): n for n in range(len(self.read.answers.get(task.id, ())) + 1)}
        position = self.positions[task.id]
        asked = questions_in(row)
        found = []
        for question in asked:
            arg = dict(question.arg)
            if arg["id"] in old:
                waits = position.get("index", len(line))
                new = interrupt_id(inside, waits)
                self.questions[arg["id"]] = new
                arg["id"] = new
                if "payload" in position:
                    arg["value"] = from_json(
                        position["payload"], self.read.tags.get(task.id, {}), ("payload",)
                    )
            found.append(replace(question, arg=arg))
        waits = position.get("index", len(line))
        if len(found) == 1 and waits > len(line):
            # LangGraph refuses an answer without an id where two questions are open.
            first = replace(
                found[0], arg={**found[0].arg, "id": interrupt_id(inside, len(line)), "value": None}
            )
            found.insert(0, first)
        return Row(here, INTERRUPT, found)

    def _unexplained(self, row: Row) -> Row:
        if row.channel in CONTROL and row.channel != INTERRUPT:
            return row
        made = UUID(self.parked.checkpoint["id"])
        kept = row.task == str(uuid5(made, "__input__")) or is_kept(row.task, self.parked.step)
        if kept and is_data(row.channel):
            return row  # what a DeltaChannel keeps: no task's, and replayed by channel
        updates = (INTERRUPT if n == 0 else f"{INTERRUPT}:{n}" for n in range(len(self.parked.rows)))
        if row.task in (str(uuid5(made, each)) for each in updates):
            return row  # what a caller wrote in the name of a step that was not due: the checkpoint that follows has it
        raise CursorError(
            f"the pending write to {row.channel!r} belongs to a task that no step of its revision explains",
            path="pending",
            hint="The graph that wrote it was not the one of its revision: stamp the thread with the revision it really has",
        )
