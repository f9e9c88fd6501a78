"""The short way to another revision, for the most frequent upgrade: one that changes fields of the state and nothing about the graph.

Nodes have the names that they had, and a checkpoint that nothing has been written to stands where it stood: tasks, questions, edges, and
what nodes have seen are what they were. What is left is the state, whose channels are renamed, made, changed and removed. Which channel
is called what follows from the names alone, so it is found out once for all checkpoints that have the same channels (`Outline`). Values
that no script and no validation looks into are handed on as they are stored.

Whatever is not as simple takes the long way (`translation.py`), and so does everything that goes wrong, for the sake of its messages.
Both make the same of a checkpoint. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import starmap
from typing import TYPE_CHECKING, Any, Final

from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import Interrupt

from statemig import json_text
from statemig.envelope import Stamp
from statemig.errors import StatemigError
from statemig.runtimes.langgraph.became import moved, relocates
from statemig.runtimes.langgraph.channels import fresh_version
from statemig.runtimes.langgraph.classes import AWAY, HERE, Here
from statemig.runtimes.langgraph.document import is_data
from statemig.runtimes.langgraph.identity import BRANCH, JOIN, PULL, interrupt_id, namespace_of, task_id
from statemig.runtimes.langgraph.requests import config_of
from statemig.runtimes.langgraph.seen import NO_ROWS, Seen
from statemig.runtimes.langgraph.stamps import Stamped, without_complement
from statemig.runtimes.langgraph.tasks import INTERRUPT, SENDS, START, Nodes, Row, arrived
from statemig.runtimes.langgraph.values import Foreign, Stored, Tags, alive, from_json, live, to_json

if TYPE_CHECKING:
    from statemig.document import Document
    from statemig.migrator import Migrator
    from statemig.plan.complement import Complement
    from statemig.runtimes.langgraph.steps import Names
    from statemig.way import Way

#: how many outlines of one way are remembered: threads have few combinations of channels
_OUTLINES: Final = 256


@dataclass(frozen=True, slots=True)
class Put:
    """What becomes of the channels of an `Outline` where the state has certain fields afterwards. `new`: the channels that come; `gone`:
    the names of those that go; `renamed`: those that have another name and no value. `is_valid`: every such state is."""

    is_valid: bool
    new: tuple[str, ...]
    gone: frozenset[str]
    renamed: tuple[str, ...]


@dataclass(slots=True, eq=False)
class Outline:
    """What the channels of a checkpoint are called at another revision.

    `names`: of each that has a version, its name there, and `targets` the same in their order. `moved`: those with another name, and
    `renamed` the names, under which nothing is stored. `private`: the channels that are no field of the state, and have a value.
    `fields`: those that are, in their order, some `handed` on and others `looked` into. `rest`: all others that have a value, and
    `joins`, those among them where branches arrive; `edges`: those that lead to a node, with the node and the triggers of its task.
    `others`: the names of channels that are no fields and may hold instances. `is_valid`: states with these fields are, whatever their
    values, as far as is known.
    """

    names: Mapping[str, str]
    targets: tuple[str, ...]
    moved: frozenset[str]
    renamed: tuple[str, ...]
    private: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    handed: tuple[tuple[str, str], ...]
    looked: tuple[str, ...]
    rest: tuple[str, ...]
    joins: tuple[str, ...]
    edges: tuple[tuple[str, str, tuple[str, ...]], ...]
    others: tuple[str, ...]
    is_valid: bool = False
    _puts: dict[tuple[str, ...], Put] = field(default_factory=dict)

    def put(self, after: Mapping[str, Any], is_valid: Callable[[Outline, Sequence[str]], bool]) -> Put:
        """`is_valid`: whether the fields before and after are enough to know that the state is valid, whatever the values."""
        key = tuple(after)
        found = self._puts.get(key)
        if found is None:
            new = tuple(name for name in after if name not in self.fields)
            gone = frozenset(name for each in self.fields if (name := self.names[each]) not in after)
            renamed = tuple(each for each in self.renamed if each not in new and each not in gone)
            found = Put(is_valid(self, key), new, gone, renamed)
            self.is_valid = self.is_valid or found.is_valid
            if len(self._puts) < _OUTLINES:
                self._puts[key] = found
        return found

    def tasks(self, checkpoint: Mapping[str, Any], step: int) -> dict[str, str] | None:
        """The nodes that run next, by the ids of their tasks; None where only the long way can say. `step`: the number of the superstep."""
        values, versions = checkpoint["channel_values"], checkpoint["channel_versions"]
        seen, updated = checkpoint["versions_seen"], checkpoint.get("updated_channels")
        for join in self.joins:
            if arrived(values[join]):
                return None
        found: dict[str, str] = {}
        for channel, node, triggers in self.edges:
            if updated and channel not in updated:
                continue
            if values[channel] is not None:
                return None
            known = seen.get(node)
            before = known.get(channel) if known else None
            if before is None or versions[channel] > before:
                found[task_id(checkpoint, "", step, node, PULL, triggers)] = node  # type: ignore[arg-type]
        return found


class FieldsOnly:
    """The short way between two revisions. `names`: between the two; `nodes`: of both."""

    def __init__(self, migrator: Migrator, way: Way, names: Names, nodes: tuple[Nodes, Nodes]) -> None:
        self._migrator = migrator
        self._way = way
        self._source = way.source
        self._target = way.target
        self._names = names
        self._nodes = nodes
        self._here = Here(names.types, nodes[1].classes)
        self._outlines: dict[tuple[tuple[str, ...], tuple[str, ...]], Outline | None] = {}

    @classmethod
    def between(
        cls, migrator: Migrator, source: str, target: str, names: Names, nodes: tuple[Nodes, Nodes]
    ) -> FieldsOnly | None:
        """None where there is only the long way."""
        way = None if names.speaks_of_steps else migrator.only_fields(source, target)
        return None if way is None else cls(migrator, way, names, nodes)

    def read(
        self, stored: CheckpointTuple, thread: str, stamp: Stamp, complement: Complement, serde: Any
    ) -> tuple[CheckpointTuple, Seen] | None:
        """The root of a thread as the code of the new revision sees it, and what is to be known of it; None where it takes the long way.
        `complement`: the one that the stamp has or names."""
        found: Any = stored.checkpoint
        whole: Stored | None = None
        instances = -1  # nobody has counted them
        if type(found) is Stored:
            whole = found
            found = whole.raw()
            instances = whole.instances
        outline = self._outline(found)
        metadata: Any = stored.metadata
        tasks = None if outline is None else outline.tasks(found, metadata.get("step", -1) + 1)
        if outline is None or tasks is None:
            return None
        asked = _questions(tasks, stored.pending_writes or ())
        seen = _seen(found["versions_seen"], outline)
        names, updated = outline.names, found.get("updated_channels")
        if asked is None or seen is None or not names.keys() >= set(updated or ()):
            return None
        stood = found["channel_values"]
        before = {channel: stood[channel] for channel in outline.fields}
        living = [*outline.others] if instances else []
        looked = self._looked(outline, before, living, instances) if instances else outline.looked
        stood_there: dict[str, Tags] = {}
        held: list[str] = []
        is_json = whole is not None and bool(looked) and whole.is_json
        for channel in () if is_json else looked:
            value = before[channel]
            tags: Tags = {}
            before[channel] = to_json(
                value.raw() if type(value) is Stored else value, tags, ("state", channel)
            )
            if tags:
                stood_there[channel] = tags
            if tags or type(value) is Stored:
                held.append(channel)
        upgraded = self._upgraded(outline, _document(tasks, before, waiting=bool(asked)), complement, thread)
        if upgraded is None:
            return None
        after, put, complement = upgraded
        version = fresh_version(found, self._target)
        written = dict.fromkeys(put.new, version)
        values = {name: stood[channel] for channel, name in outline.private}
        values.update(after)
        if looked:
            by_channel, other = self._moved(stood_there)
            for channel in looked:
                if channel not in after:
                    continue
                if channel not in other and json_text.equal(before[channel], after[channel]):
                    values[channel] = stood[channel]
                    if channel in held:
                        living.append(channel)
                else:
                    written[channel] = version
            for name, noted in by_channel.items():
                if name in written:
                    values[name] = from_json(values[name], noted, ("state", name))
                    living.append(name)
        for channel in outline.rest:
            values[channel] = stood[channel]
        for name in living:
            values[name] = alive(values[name], serde)
        versions = dict(zip(outline.targets, found["channel_versions"].values(), strict=True))
        versions.update(written)
        for name in put.gone:
            versions.pop(name, None)
        if put.renamed:
            written = {**{name: versions[name] for name in put.renamed}, **written}
        identity, thread_id = found["id"], stored.config["configurable"]["thread_id"]
        checkpoint: Any = {
            **found,
            "channel_values": values,
            "channel_versions": versions,
            "versions_seen": seen,
            "updated_channels": updated
            and [name for each in updated if (name := names[each]) not in put.gone],
        }
        rows = tuple(starmap(Row, stored.pending_writes or ()))
        above: Any = stored.parent_config
        parent: Any = above and config_of(thread_id, "", above["configurable"]["checkpoint_id"])
        return (
            CheckpointTuple(
                config_of(thread_id, "", identity),  # type: ignore[arg-type]
                checkpoint,
                without_complement(live(metadata)),  # type: ignore[arg-type]
                parent,
                [*asked.values()],
            ),
            Seen(
                identity,
                stamp if complement == stamp.complement else replace(stamp, complement=complement),
                Stamped({self._source: rows}) if asked else NO_ROWS,
                written,
                questions=dict(zip(asked, asked, strict=True)),
            ),
        )

    def _upgraded(
        self, outline: Outline, document: Document, complement: Complement, thread: str
    ) -> tuple[dict[str, Any], Put, Complement] | None:
        """The state, what becomes of the channels, and the complement; None where anything is wrong."""
        after: dict[str, Any]
        if outline.is_valid:
            try:
                made, kept = self._way.run(document, complement, True, thread)
            except (StatemigError, RecursionError):
                return None
            after = made["state"]
            put = outline.put(after, self._is_valid)
            if put.is_valid:
                return after, put, kept
        result = self._migrator.upgrade(
            document,
            self._source,
            to=self._target,
            run_id=thread,
            record="complement",
            complement=complement,
        )
        if result.error is not None:
            return None
        after = result.document["state"]
        return after, outline.put(after, self._is_valid), result.complement

    def _is_valid(self, outline: Outline, after: Sequence[str]) -> bool:
        nodes = [node for _, node, _ in outline.edges]
        return self._migrator.goes_by_keys(self._way, outline.fields, after, nodes)

    def _outline(self, checkpoint: Mapping[str, Any]) -> Outline | None:
        key = (tuple(checkpoint["channel_versions"]), tuple(checkpoint["channel_values"]))
        try:
            return self._outlines[key]
        except KeyError:
            if len(self._outlines) >= _OUTLINES:
                self._outlines.clear()
            found = self._outlines[key] = self._made(*key)
            return found

    def _made(self, versions: Sequence[str], values: Sequence[str]) -> Outline | None:
        old, new = self._nodes
        joins = [each for each in versions if each.startswith(JOIN)]
        known = new.known("")
        if joins and not all(each in set(new.targets("")) for each in joins):
            return None  # it may be called otherwise
        names = {each: self._names.field(each) if is_data(each) else each for each in versions}
        if not names.keys() >= set(values) or not {START, SENDS}.isdisjoint(values):
            return None
        if len(set(names.values())) < len(names):
            return None  # one takes the name of another
        edges = []
        for channel in values:
            if channel.startswith(BRANCH):
                node = channel[len(BRANCH) :]
                triggers = new.triggers("", node)
                if triggers != old.triggers("", node) or (known is not None and node not in known):
                    return None
                edges.append((channel, node, triggers))
        data = [each for each in values if is_data(each)]
        fields = [each for each in data if old.fields is None or each in old.fields]
        if any(names[each] != each and names[each] in fields for each in fields):
            return None  # two have changed places
        handed = [each for each in fields if self._way.hands_on(each)]
        private = [(each, names[each]) for each in data if each not in fields]
        rest = [each for each in values if not is_data(each)]
        return Outline(
            names,
            tuple(names.values()),
            frozenset(each for each, name in names.items() if name != each),
            tuple(name for each, name in names.items() if name != each),
            tuple(private),
            tuple(fields),
            tuple((each, names[each]) for each in handed),
            tuple(each for each in fields if each not in handed),
            tuple(rest),
            tuple(each for each in rest if each.startswith(JOIN)),
            tuple(edges),
            (*(name for _, name in private), *(each for each in rest if not each.startswith(BRANCH))),
        )

    def _looked(
        self, outline: Outline, state: dict[str, Any], living: list[str], instances: int
    ) -> Sequence[str]:
        """The fields that are looked into: also those with instances of a class that is called otherwise today. `living` gets the names
        of the others that hold any. `instances`: how many there are in all, or -1."""
        away: list[str] = []
        unsure: list[tuple[str, str]] = []
        left = instances
        for channel in outline.looked:
            left -= _instances(state[channel])
        for channel, name in outline.handed:
            value = state[channel]
            kind = type(value)
            if kind is Stored:
                state[channel] = value.raw()
                if not value.instances:
                    continue
            elif count := _instances(value):
                left -= count
            else:
                if kind is dict or kind is list:
                    unsure.append((channel, name))
                continue
            if self._here.kinds(state[channel]) == AWAY:
                away.append(channel)
            else:
                living.append(name)
        for channel, name in unsure if left else ():
            kinds = self._here.kinds(state[channel])
            if kinds == AWAY:
                away.append(channel)
            elif kinds == HERE:
                living.append(name)
        return (*outline.looked, *away) if away else outline.looked

    def _moved(self, stood: Mapping[str, Tags]) -> tuple[dict[str, Tags], Collection[str]]:
        """What stood where in each channel, by the channels of today, and the channels in which something else did."""
        names, classes = self._names, self._nodes[1].classes
        heads = names.heads
        found: dict[str, Tags] = {}
        other: set[str] = set()
        for channel, tags in stood.items():
            if heads is not None:
                reached = heads.get(("state", channel))
                if (reached is None or max(map(len, tags)) < reached) and not relocates(tags, names, classes):
                    found[channel] = {**found[channel], **tags} if channel in found else tags
                    continue
            there = moved(tags, names, classes)
            for place, noted in there.items():
                found.setdefault(str(place[1]), {})[place] = noted
            if any(there.get(names.place(place)) != noted for place, noted in tags.items()):
                other.add(channel)
        return found, other


def _instances(value: Any) -> int:
    """How many instances a value is, or is a list of."""
    if type(value) is list and value and type(value[0]) is Foreign:
        return [*map(type, value)].count(Foreign)
    return 1 if type(value) is Foreign else 0


def _document(tasks: Mapping[str, str], state: dict[str, Any], *, waiting: bool) -> Document:
    """As much of the run document as a script for fields and validation ask for."""
    status = "waiting" if waiting else "ready"
    cursor = [{"id": task, "step": node, "status": status} for task, node in tasks.items()]
    return {"status": "active" if tasks else "finished", "state": state, "cursor": cursor}


def _questions(
    tasks: Mapping[str, str], writes: Iterable[Sequence[Any]]
) -> dict[str, tuple[str, str, Any]] | None:
    """What is pending, as LangGraph reads it, by the id of the one question that each task asks itself; None where there is more."""
    found: dict[str, tuple[str, str, Any]] = {}
    for task, channel, value in writes:
        if channel != INTERRUPT or task not in tasks:
            return None
        asked = live(value)
        if type(asked) is not list or len(asked) != 1 or type(asked[0]) is not Interrupt:
            return None
        question = asked[0].id
        if question != interrupt_id(namespace_of("", tasks[task], task), 0):
            return None  # a graph inside it asks
        found[question] = (task, channel, asked)
    return found


def _seen(seen: Mapping[str, Mapping[str, Any]], outline: Outline) -> dict[str, Any] | None:
    """What nodes have seen, by the names of channels there; None where they have seen what has no name."""
    found: dict[str, Any] = {}
    names, moved = outline.names, outline.moved
    for node, channels in seen.items():
        if not names.keys() >= channels.keys():
            return None
        found[node] = (
            channels
            if moved.isdisjoint(channels)
            else {names[each]: version for each, version in channels.items()}
        )
    return found
