"""The short way to another revision, for the most frequent upgrade: one that changes fields of the state and nothing about the graph.

Nodes have the names that they had, and a checkpoint that nothing has been written to stands where it stood: tasks, questions, edges, and
what nodes have seen are what they were. What is left is the state, whose channels are renamed, made, changed and removed. Which channel
is called what follows from the names alone, so it is found out once for all checkpoints that have the same channels (`Outline`), by the
rules of the long way (`translation.py`), which does whatever is not as simple. Both make the same of a checkpoint. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from statemig import json_text
from statemig.runtimes.langgraph.became import Became
from statemig.runtimes.langgraph.channels import fresh_version
from statemig.runtimes.langgraph.document import Read, is_data, questions_in
from statemig.runtimes.langgraph.identity import JOIN, PULL, interrupt_id, task_id, task_path
from statemig.runtimes.langgraph.tasks import (
    INTERRUPT,
    SENDS,
    START,
    Nodes,
    Parked,
    Row,
    Task,
    arrived,
    space,
)
from statemig.runtimes.langgraph.values import Tags, from_json

if TYPE_CHECKING:
    from statemig.document import Document
    from statemig.runtimes.langgraph.steps import Names

#: how many outlines of one way are remembered: threads have few combinations of channels
_OUTLINES: Final = 256


@dataclass(frozen=True, slots=True)
class Outline:
    """What the channels of a checkpoint are called at another revision.

    `names`: of each that has a version, its name there. `renamed`: the names under which nothing is stored. `data`: the channels of the
    state that have a value; `rest`: all others that have one, and `joins`, those among them where branches arrive.
    """

    names: Mapping[str, str]
    renamed: tuple[str, ...]
    data: tuple[str, ...]
    rest: tuple[str, ...]
    joins: tuple[str, ...]

    @classmethod
    def of(cls, became: Became) -> Outline | None:
        """None where only the long way knows what becomes of the channels."""
        versions = became.parked.checkpoint["channel_versions"]
        values = became.parked.checkpoint["channel_values"]
        names: dict[str, str] = {}
        for channel in versions:
            name = became.channel(channel)
            if name is None or (name != channel and not is_data(channel)):
                return None
            names[channel] = name
        if len(set(names.values())) < len(names):
            return None  # one takes the name of another
        if not values.keys() <= names.keys() or not values.keys().isdisjoint((START, SENDS)):
            return None
        return cls(
            names,
            tuple(name for channel, name in names.items() if name != channel),
            tuple(channel for channel in values if is_data(channel)),
            tuple(channel for channel in values if not is_data(channel)),
            tuple(channel for channel in values if channel.startswith(JOIN)),
        )


@dataclass(frozen=True)
class Outlines:
    """Those of the way between two revisions. `names`: between them; `nodes`: of the new one."""

    names: Names
    nodes: Nodes
    _kept: dict[tuple[tuple[str, ...], tuple[str, ...]], Outline | None] = field(default_factory=dict)

    def of(self, became: Became) -> Outline | None:
        checkpoint = became.parked.checkpoint
        key = (tuple(checkpoint["channel_versions"]), tuple(checkpoint["channel_values"]))
        try:
            return self._kept[key]
        except KeyError:
            if len(self._kept) >= _OUTLINES:
                self._kept.clear()
            found = self._kept[key] = Outline.of(became)
            return found


def by_fields(
    parked: Parked,
    read: Read,
    document: Document,
    outlines: Outlines,
    target: str,
    shown: Callable[[str, bool], str],
) -> Parked | None:
    """The root of a thread at the revision `target`, where `document` is what the script made of it; None where it takes the long way."""
    if outlines.names.speaks_of_steps or not _stands_still(parked, read, document):
        return None
    became = Became(parked, read, outlines.names, document, outlines.nodes, "")
    outline = outlines.of(became)
    checkpoint = parked.checkpoint
    if outline is None or shown(checkpoint["id"], False) != checkpoint["id"]:
        return None
    if any(arrived(checkpoint["channel_values"][join]) for join in outline.joins):
        return None
    names, updated = outline.names, checkpoint.get("updated_channels")
    if not all(
        each.keys() <= names.keys()
        for each in (*checkpoint["versions_seen"].values(), dict.fromkeys(updated or ()))
    ):
        return None
    asked = _asked(parked, read, outlines.nodes)
    if asked is None:
        return None
    rows, questions, paths = asked
    made = _Channels(became, outline, fresh_version(checkpoint, target))
    made.make()
    return Parked(
        "",
        {
            **checkpoint,
            "channel_values": made.values,
            "channel_versions": made.versions,
            "versions_seen": {
                node: {names[channel]: version for channel, version in channels.items()}
                for node, channels in checkpoint["versions_seen"].items()
            },
            "updated_channels": None
            if updated is None
            else [name for each in updated if (name := names[each]) not in made.gone],
        },
        parked.step,
        rows,
        {**{k: v for k, v in parked.fresh.items() if made.versions.get(k) == v}, **made.fresh},
        questions,
        {name: name for name in (space(parked, task) for task in read.tasks)},
        {},
        False,
        paths,
        parked.is_json,
    )


def _stands_still(parked: Parked, read: Read, document: Document) -> bool:
    """Whether nothing has been written to a checkpoint but questions, and the script has left its positions alone."""
    if read.answers or read.document.get("pending") or document.get("pending"):
        return False
    known = {task.id for task in read.tasks if task.index is None}
    return (
        len(known) == len(read.tasks)
        and all(row.channel == INTERRUPT and row.task in known for row in parked.rows)
        and json_text.equal(read.document["cursor"], document.get("cursor"))
    )


def _asked(
    parked: Parked, read: Read, nodes: Nodes
) -> tuple[tuple[Row, ...], dict[str, str], dict[str, str]] | None:
    """The rows, the questions and the paths of the tasks; None where a task has another id, as one whose triggers are others."""
    for task in read.tasks:
        triggers = (START,) if task.node == START else nodes.triggers("", task.node)
        if task_id(parked.checkpoint, "", parked.step, task.node, PULL, triggers) != task.id:
            return None
    rows: list[Row] = []
    questions: dict[str, str] = {}
    by_id: dict[str, Task] = {task.id: task for task in read.tasks}
    for row in parked.rows:
        asked = questions_in(row)
        own = interrupt_id(space(parked, by_id[row.task]), 0)
        if any(each.arg["id"] == own for each in asked):
            questions[own] = own
        rows.append(Row(row.task, INTERRUPT, asked))
    return tuple(rows), questions, {task.id: task_path(PULL, task.node) for task in read.tasks}


class _Channels:
    """Values and versions. `fresh`: versions of what is stored nowhere yet; `gone`: names of what is removed."""

    def __init__(self, became: Became, outline: Outline, version: Any) -> None:
        self._became = became
        self._outline = outline
        self._version = version
        self.values: dict[str, Any] = {}
        self.gone: set[str] = set()
        names = outline.names
        self.versions = {
            names[channel]: version
            for channel, version in became.parked.checkpoint["channel_versions"].items()
        }
        self.fresh = {name: self.versions[name] for name in outline.renamed}

    def make(self) -> None:
        old = self._became.parked.checkpoint["channel_values"]
        before, after = self._became.read.document["state"], self._became.document["state"]
        names, values = self._outline.names, self.values
        for channel in self._outline.data:
            if channel not in before:  # no field of the state
                values[names[channel]] = old[channel]
        if (
            self._became.parked.is_json
        ):  # what the script has left alone is in the document as it was in the channel
            values.update(after)
            written = [channel for channel in after if channel not in before]
            for channel in before.keys() & after.keys():
                if json_text.equal(before[channel], after[channel]):
                    values[channel] = old[channel]
                else:
                    written.append(channel)
        else:
            written = self._put(old, before, after)
        made = dict.fromkeys(written, self._version)
        self.versions.update(made)
        self.fresh.update(made)
        for channel in before:
            name = names[channel]
            if name not in after:
                self.gone.add(name)
                self.versions.pop(name, None)
                self.fresh.pop(name, None)
        for channel in self._outline.rest:
            values[channel] = old[channel]

    def _put(self, old: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
        """The channels of the state, with what their values were instances of. Returns those whose values are not stored."""
        tags, other = self._tags()
        written = []
        for channel, value in after.items():
            if channel in before and channel not in other and json_text.equal(before[channel], value):
                self.values[channel] = old[channel]
                continue
            noted = tags.get(channel)
            self.values[channel] = from_json(value, noted, ("state", channel)) if noted else value
            written.append(channel)
        return written

    def _tags(self) -> tuple[Mapping[Any, Tags], Collection[str]]:
        """What stood where there, by channel, and the channels in which something else did."""
        became = self._became
        stood = became.read.tags.get("state")
        if not stood:
            return {}, ()
        place_of, heads = became.names.place, became.names.heads
        other: Collection[str] = ()
        moved: Tags = {}
        if heads is not None and not became.relocates(stood):
            away = {place: place_of(place) for place in stood if place[:2] in heads}
            moved = {away.get(place, place): noted for place, noted in stood.items()} if away else stood
        if len(moved) < len(stood):
            moved = became.moved(stood)
            other = {str(place[1]) for place, noted in stood.items() if moved.get(place_of(place)) != noted}
        tags: dict[Any, Tags] = {}
        for place, noted in moved.items():
            tags.setdefault(place[1], {})[place] = noted
        return tags, other
