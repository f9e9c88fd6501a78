"""The short way to another revision, for the most frequent upgrade: one that changes fields of the state and nothing about the graph.

Nodes have the names that they had, and a checkpoint that nothing has been written to stands where it stood: tasks, questions, edges, and
what nodes have seen are what they were. What is left is the state, whose channels are renamed, made, changed and removed. Which channel
is called what follows from the names alone, so it is found out once for all checkpoints that have the same channels (`Outline`). Values
that no script and no validation looks into are handed on as they are stored.

Whatever is not as simple takes the long way (`translation.py`), and so does everything that goes wrong, for the sake of its messages.
Both make the same of a checkpoint. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import CheckpointTuple
from langgraph.types import Interrupt

from statemig import json_text
from statemig.envelope import Stamp
from statemig.errors import StatemigError
from statemig.runtimes.langgraph.identity import interrupt_id, namespace_of
from statemig.runtimes.langgraph.long_way.became import moved, relocates
from statemig.runtimes.langgraph.long_way.channels import fresh_version
from statemig.runtimes.langgraph.seen import Seen
from statemig.runtimes.langgraph.short_way.outlines import OUTLINES, Blank, Laid, Outline, Put
from statemig.runtimes.langgraph.stored import instances
from statemig.runtimes.langgraph.stored.as_json import Tags, from_json, to_json
from statemig.runtimes.langgraph.stored.classes import AWAY, HERE, Here
from statemig.runtimes.langgraph.stored.stamps import without_complement
from statemig.runtimes.langgraph.stored.values import Foreign, Stored, alive, live
from statemig.runtimes.langgraph.tasks import INTERRUPT, Nodes

if TYPE_CHECKING:
    from statemig.document import Document
    from statemig.migrator import Migrator
    from statemig.plan.complement import Complement
    from statemig.runtimes.langgraph.long_way.steps import Names
    from statemig.way import Way


@dataclass(slots=True, eq=False)
class State:
    """The fields of a checkpoint on their way. `before`: those that are `looked` into as JSON, the others as they are stored. `living`: the
    channels, as they are called afterwards, whose values have to be built. Of those that are looked into, `noted`: what stood where, and
    `held`: which are stored as something else than JSON."""

    before: dict[str, Any]
    looked: Sequence[str]
    living: list[str] = field(default_factory=list)
    noted: dict[str, Tags] = field(default_factory=dict)
    held: list[str] = field(default_factory=list)


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
        #: whether the last checkpoint held instances and nobody looked into it, so that the next is built while it is decoded
        self._builds = False
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
        opened = self._decoded(stored.checkpoint)
        if opened is None:
            return None
        outline, found, is_built = opened
        whole: Stored | None = stored.checkpoint if type(stored.checkpoint) is Stored else None
        metadata: Any = stored.metadata
        tasks = outline.tasks(found, metadata.get("step", -1) + 1)
        if tasks is None:
            return None
        asked = _questions(tasks, stored.pending_writes or ())
        seen = outline.seen(found["versions_seen"])
        last = found.get("updated_channels")
        updated = outline.called(last or ())
        if asked is None or seen is None or updated is None:
            return None
        stood = found["channel_values"]
        state = State(outline.state(stood), ()) if is_built else self._opened(outline, stood, whole)
        upgraded = self._laid(outline, state, complement)
        if upgraded is None:
            document = _document(tasks, state.before, waiting=bool(asked))
            upgraded = self._upgraded(outline, document, complement, thread)
        if upgraded is None:
            return None
        after, put, noted = upgraded
        if any(self._removes(outline.names[channel], channel, put) for channel in state.noted):
            return None  # instances go
        if complement and self._puts_back(complement, put):
            return None  # they come back
        self._builds = is_built or (whole is not None and whole.instances > 0 and not state.looked)
        version = fresh_version(found, self._target)
        written = dict.fromkeys(put.new, version)
        values = after
        if outline.private:
            values = {**{name: stood[channel] for channel, name in outline.private}, **after}
        if state.looked:
            written.update(dict.fromkeys(self._closed(state, stood, values, written), version))
        for channel in outline.rest:
            values[channel] = stood[channel]
        for name in state.living:
            values[name] = alive(values[name], serde)
        versions = dict(zip(outline.targets, found["channel_versions"].values(), strict=True))
        versions.update(written)
        for name in put.gone:
            versions.pop(name, None)
        if put.renamed:
            written = {**{name: versions[name] for name in put.renamed}, **written}
        if put.gone and updated:
            updated = [name for name in updated if name not in put.gone]
        checkpoint: Any = {
            **found,
            "channel_values": values,
            "channel_versions": versions,
            "versions_seen": seen,
            "updated_channels": None if last is None else updated,
        }
        shown: Any = without_complement(live(metadata))
        writes = [*asked.values()]
        return CheckpointTuple(stored.config, checkpoint, shown, stored.parent_config, writes), Seen(
            found["id"],
            stamp if noted == stamp.complement else replace(stamp, complement=noted),
            fresh=written,
            questions={question: question for question in asked},
        )

    def _decoded(self, stored: Any) -> tuple[Outline, Any, bool] | None:
        """What the channels of a checkpoint are called, the checkpoint decoded, and whether instances were built with it."""
        builds, self._builds = self._builds, False
        found = stored
        if type(stored) is Stored:
            built = stored.built_if(self._here.checked) if builds else None
            outline = None if built is None else self._outline(built)
            if outline is not None and outline.hands_all_on:
                return outline, built, True
            found = stored.raw()
        outline = self._outline(found)
        return None if outline is None else (outline, found, False)

    # -- the state -----------------------------------------------------------------------------------------------------

    def _opened(self, outline: Outline, stood: Mapping[str, Any], whole: Stored | None) -> State:
        """The state of a checkpoint. `whole`: all of it, where that was stored in one."""
        before = outline.state(stood)
        if whole is not None and not whole.instances:
            state = State(before, outline.looked)
            if not outline.looked or whole.is_json:
                return state
        else:
            state = State(before, outline.looked, [*outline.others])
            self._sort(outline, state, -1 if whole is None else whole.instances)
        for channel in state.looked:
            value = before[channel]
            stored_alone = type(value) is Stored
            tags: Tags = {}
            before[channel] = to_json(value.raw() if stored_alone else value, tags, ("state", channel))
            if tags:
                state.noted[channel] = tags
            if tags or stored_alone:
                state.held.append(channel)
        return state

    def _sort(self, outline: Outline, state: State, instances: int) -> None:
        """Find the fields that hold instances. Where their classes are called otherwise today, they are looked into as well. `instances`:
        how many there are in all, or -1.

        Most are, or lie in a list at, the top of a field. What has been found there is counted down from all, and only where some are
        missing are the other objects and lists looked through for them.
        """
        before = state.before
        away: list[str] = []
        unsure: list[tuple[str, str]] = []
        left = instances
        for channel in outline.looked:
            left -= _instances(before[channel])
        for channel, name in outline.handed:
            value = before[channel]
            kind = type(value)
            if kind is Stored:
                if channel == name and not value.is_msgpack:
                    state.living.append(name)
                    continue
                built = value.built_if(self._here.checked) if outline.is_valid else None
                if built is not None:
                    before[channel] = built
                    continue
                before[channel] = value.raw()
                if not value.instances:
                    continue
            elif count := _instances(value):
                left -= count
            else:
                if kind is dict or kind is list:
                    unsure.append((channel, name))
                continue
            if self._here.kinds(before[channel]) == AWAY:
                away.append(channel)
            else:
                state.living.append(name)
        for channel, name in unsure if left else ():
            kinds = self._here.kinds(before[channel])
            if kinds == AWAY:
                away.append(channel)
            elif kinds == HERE:
                state.living.append(name)
        if away:
            state.looked = (*outline.looked, *away)

    def _closed(
        self, state: State, stood: Mapping[str, Any], after: dict[str, Any], new: Mapping[str, Any]
    ) -> list[str]:
        """Put on what fields that were looked into were instances of, and put back those that are what they were. `new`: the channels that
        come. Returns the others that are written."""
        noted, other = self._moved(state.noted)
        written: list[str] = []
        for channel in state.looked:
            if channel not in after or channel in new:
                continue
            if channel not in other and json_text.equal(state.before[channel], after[channel]):
                after[channel] = stood[channel]
                if channel in state.held:
                    state.living.append(channel)
            else:
                written.append(channel)
        for name, tags in noted.items():
            if name in new or name in written:
                after[name] = from_json(after[name], tags, ("state", name))
                state.living.append(name)
        return written

    def _laid(
        self, outline: Outline, state: State, complement: Complement
    ) -> tuple[dict[str, Any], Put, Complement] | None:
        """As `_upgraded`, where it is known of all states with such fields what becomes of them."""
        if state.looked or not outline.is_valid or not self._way.passes(complement):
            return None
        laid = outline.laid
        if laid is None:
            if outline.is_laid_out or not self._way.lays_out:
                return None
            outline.is_laid_out = True
            blank = {
                "status": "active",
                "state": {each: Blank(each) for each in outline.fields},
                "cursor": [],
            }
            try:
                made, noted = self._way.run(blank, {}, True, None)
            except (StatemigError, RecursionError):
                return None
            put = outline.put(made["state"], self._is_valid)
            if not put.is_valid:
                return None
            laid = outline.laid = Laid.of(put, outline.fields, made["state"], noted)
        noted = {**complement, **laid.noted} if complement else laid.noted
        return laid.filled(state.before.values()), laid.put, noted

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
            return (after, put, kept) if put.is_valid else None
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

    def _removes(self, name: str, channel: str, put: Put) -> bool:
        """Whether a channel that is called `name` afterwards goes, though another may have taken that name."""
        return name in put.gone or self._names.removes(("state", channel))

    def _puts_back(self, complement: Complement, put: Put) -> bool:
        """Whether instances may come back: under the name that they are kept under, or under another where the way uses what was kept."""
        kept = instances.channels(complement)
        return bool(kept) and (not self._way.passes(complement) or not kept.isdisjoint(put.new))

    def _is_valid(self, outline: Outline, after: Sequence[str]) -> bool:
        nodes = [node for _, node, _ in outline.edges]
        return self._migrator.goes_by_keys(self._way, outline.fields, after, nodes)

    def _outline(self, checkpoint: Mapping[str, Any]) -> Outline | None:
        key = (tuple(checkpoint["channel_versions"]), tuple(checkpoint["channel_values"]))
        try:
            return self._outlines[key]
        except KeyError:
            if len(self._outlines) >= OUTLINES:
                self._outlines.clear()
            found = self._outlines[key] = Outline.of(*key, self._names, self._nodes, self._way.hands_on)
            return found

    def _moved(self, stood: Mapping[str, Tags]) -> tuple[dict[str, Tags], Collection[str]]:
        """What stood where in each channel, by the channels of today, and the channels in which something else did."""
        names, classes = self._names, self._nodes[1].classes
        heads = names.heads
        found: dict[str, Tags] = {}
        other: set[str] = set()
        for channel, tags in stood.items():
            if heads is not None and not names.removes_from(channel):
                reached = heads.get(("state", channel))
                if (reached is None or max(map(len, tags)) < reached) and not relocates(tags, names, classes):
                    found[channel] = {**found[channel], **tags} if channel in found else tags
                    continue
            there = moved(tags, names, classes)
            for place, noted in there.items():
                found.setdefault(str(place[1]), {})[place] = noted
            left = [place for place in tags if not names.removes(place)]
            if any(there.get(names.place(place)) != tags[place] for place in left):
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
