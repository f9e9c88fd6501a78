"""The channels of a checkpoint at another revision: the fields of the state, and those that LangGraph derives from the graph, of edges,
of joins and who has arrived there, and packets of Send. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from xxhash import xxh3_64_intdigest

from statemig import json_text
from statemig.runtimes.langgraph.identity import BRANCH, JOIN
from statemig.runtimes.langgraph.long_way.became import Became
from statemig.runtimes.langgraph.long_way.document import entry, is_data
from statemig.runtimes.langgraph.stored import instances
from statemig.runtimes.langgraph.stored.as_json import Tags, from_json
from statemig.runtimes.langgraph.stored.values import SINGLE, Foreign, raw
from statemig.runtimes.langgraph.tasks import SENDS, START, arrived, branches_of, is_complete

if TYPE_CHECKING:
    from statemig.plan.complement import Complement


#: digits of the number that LangGraph's own savers begin a version with that is text
_DIGITS: Final = 32


def _top(versions: Collection[Any]) -> Any:
    """The last one, of savers that number them and of those that write text with the number in front."""
    try:
        last = max(versions, default=0)
    except TypeError:
        last = ""
    if isinstance(last, int | float):
        return last
    if last.find(".") == _DIGITS:  # of numbers with as many digits, the last in the alphabet is the highest
        return last[:_DIGITS]
    return str(max([int(str(each).split(".", 1)[0]) for each in set(versions)]))


def fresh_version(checkpoint: Mapping[str, Any], revision: str) -> Any:
    """The version of what a translation to `revision` makes of a checkpoint, for all of its channels, as LangGraph has one for all that
    a superstep writes. Savers keep a value under channel and version, so another checkpoint's and another revision's is another."""
    top = _top(checkpoint["channel_versions"].values())
    if not isinstance(top, str):
        return top + 1
    made = xxh3_64_intdigest(f"{checkpoint['id']} {revision}".encode())
    return f"{int(top) + 1:0{_DIGITS}}.{made % 10**16:016}"


@dataclass
class Channels(Became):
    """`revision`: the new one. `fresh`: versions of what is stored nowhere yet. `updated`: the channels that the last superstep
    wrote to. `complement`: what was kept before, and whether the script `puts_back` some of it. `gone`: the channels of the state that
    are removed now, and `back`: those that have come back as what they were."""

    revision: str
    fresh: dict[str, Any] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)
    updated: list[str] | None = None
    complement: Complement = field(default_factory=dict)
    puts_back: bool = False
    gone: list[str] = field(default_factory=list)
    back: list[instances.Key] = field(default_factory=list)

    def make(self) -> None:
        """All of them."""
        old = self.parked.checkpoint
        self.versions = {}
        for channel, version in old["channel_versions"].items():
            name = self.channel(channel)
            if name is None:
                continue
            self.versions[name] = version
            if name != channel:
                self.fresh[name] = version  # under this name nothing is stored
        updated = old.get("updated_channels")
        self.updated = None if updated is None else [n for n in map(self.channel, updated) if n is not None]
        self._data()
        self._edges()
        self._joins()
        self._sends()
        self._started()

    def put(self, channel: str, value: Any, *, version: bool = True) -> None:
        """A channel gets a value that is stored nowhere yet."""
        self.values[channel] = value
        if version:
            self.versions[channel] = self.fresh[channel] = self._version
        else:
            self.fresh[channel] = self.versions[channel]

    @cached_property
    def _version(self) -> Any:
        return fresh_version(self.parked.checkpoint, self.revision)

    def trigger(self, channel: str, value: Any = None) -> None:
        self.put(channel, value)
        if self.updated is not None and channel not in self.updated:
            self.updated.append(channel)

    def _data(self) -> None:
        old = self.parked.checkpoint["channel_values"]
        before = self.read.document["state"]
        item = "state"
        after = self.document["state"]
        if "channels" in self.read.tags:
            item = "channels"
            before = next(
                (p["writes"] for p in self.read.document.get("pending", ()) if p.get("id") == item), {}
            )
            after = self.items.get(item, {}).get("writes", {})
        elif self.namespace:
            before = after = {}
        stood = self.read.tags.get(item, {})
        moved = self.moved(stood)
        tags: dict[Any, Tags] = {}
        for place, noted in moved.items():
            tags.setdefault(place[1], {})[place] = noted
        other = {
            place[1]
            for place, noted in stood.items()
            if not self.names.removes(place) and moved.get(self.names.place(place)) != noted
        }
        for channel, value in old.items():
            if is_data(channel) and channel not in before:
                self.values[self.names.field(channel)] = value
        for channel, value in after.items():
            same = channel in before and channel in old and channel not in other
            same = (
                same and self.names.field(channel) == channel
            )  # else it is another one that has taken the name
            if same and json_text.equal(before[channel], value):
                self.values[channel] = old[channel]
            else:
                self.put(channel, self._instance(channel, value, tags.get(channel, {})))
        for channel in before:
            name = self.names.field(channel)
            if name not in after:
                self.gone.append(channel)
            elif self.names.removes(("state", channel)) and not json_text.equal(before[channel], after[name]):
                self.gone.append(channel)  # and another one has taken its name
            if name not in after:
                self.versions.pop(name, None)
                self.fresh.pop(name, None)
                if self.updated is not None and name in self.updated:
                    self.updated.remove(name)

    @cached_property
    def _instances(self) -> Mapping[instances.Key, tuple[Any, Any]]:
        return instances.of(self.complement)

    def _instance(self, channel: str, value: Any, tags: Tags) -> Any:
        """A value as what it is or was an instance of."""
        if not tags and self.complement:
            # Under its own name; or under one that it had before, where it is not what has its own name now.
            for key in sorted(self._instances, key=lambda key: key[1] != channel):
                stored, shown = self._instances[key]
                if json_text.equal(shown, value) and (key[1] == channel or self._is_free(key[1], shown)):
                    self.back.append(key)
                    return stored
        return from_json(value, tags, ("state", channel))

    def _is_free(self, name: str, shown: Any) -> bool:
        """Whether what is kept under a name may come back under another."""
        state = self.document["state"]
        return self.puts_back and not (name in state and json_text.equal(shown, state[name]))

    def _edges(self) -> None:
        """The channels of edges: those of tasks that go on under another name, or are sent elsewhere, and those of new positions."""
        values = self.parked.checkpoint["channel_values"]
        gone = {
            task.node
            for task in self.read.tasks
            if task.index is None and (self.is_moved(task) or task.id not in self.node_of)
        }
        names = {task.node: self.node_of[task.id] for task in self.read.tasks if task.id in self.node_of}
        for channel, value in values.items():
            if not channel.startswith(BRANCH):
                continue
            node = channel[len(BRANCH) :]
            if node in gone:
                self._forget(self.channel(channel))
                continue
            name = names.get(node) or self.ahead(node)
            if name is None:
                self._forget(self.channel(channel))
                continue
            new = BRANCH + name
            self.values[new] = value
            if new not in self.versions:  # split: not the part that comes first
                self.trigger(new, value)
        for task in self.read.tasks:
            if self.is_moved(task):
                self.trigger(BRANCH + self.node_of[task.id])
        known = {task.id for task in self.read.tasks}
        standing = {self.node_of[task.id] for task in self.read.tasks if task.id in self.node_of}
        for made, position in self.positions.items():
            node = self.local(position["step"])
            if made not in known and node not in standing:
                self.trigger(BRANCH + node)

    def _forget(self, channel: str | None) -> None:
        if channel is not None and self.updated is not None and channel in self.updated:
            self.updated.remove(channel)

    def _joins(self) -> None:
        old = self.parked.checkpoint["channel_values"]
        known = {
            entry(task.id, n)
            for task in self.read.tasks
            for n in range(len(self.read.rows.get(task.id, ())) + 1)
        }
        present: dict[str, set[str]] = {}
        for made, item in self.items.items():
            if item.get("to") is not None and made not in known:
                present.setdefault(self.local(item["to"]), set()).add(self.local(item["step"]))
        running = {self.node_of[task.id] for task in self.read.tasks if task.id in self.node_of}
        for channel, value in old.items():
            if not channel.startswith(JOIN):
                continue
            name = self.join(channel)
            if name is None:
                self._forget(channel)
                continue
            target = name.rsplit(":", 1)[1]
            if is_complete(channel, value) and target in running:
                now = set(branches_of(name))  # it is what the task was started by
            else:
                now = {each for each in present.pop(target, set()) if each in branches_of(name)}
            present.pop(target, None)
            if name == channel and now == arrived(value):
                self.values[name] = value
                continue
            deferred = raw(value)
            names = Foreign(SINGLE, "builtins", "set", sorted(now))
            pair = isinstance(deferred, list) and len(deferred) == 2 and isinstance(deferred[1], bool)
            self.put(name, [names, deferred[1]] if pair else names)
        for target, names_in in present.items():
            for name in self.nodes.joins(self.prefix, target):
                if found := names_in & set(branches_of(name)):
                    self.put(name, Foreign(SINGLE, "builtins", "set", sorted(found)))

    def _sends(self) -> None:
        """Packets of Send. `index_of` is the new place of each."""
        stored = self.parked.checkpoint["channel_values"].get(SENDS)
        self.index_of: dict[int, int] = {}
        if stored is None:
            return
        found: list[Any] = []
        by_index = {task.index: task for task in self.read.tasks if task.index is not None}
        for number, packet in enumerate(raw(stored)):
            task = by_index[number]
            if task.id not in self.node_of or self.is_moved(task):
                continue
            self.index_of[number] = len(found)
            found.append(self.packet(packet, self.node_of[task.id], f"send~{number}"))
        if found != raw(stored):
            self.put(SENDS, found)
        else:
            self.values[SENDS] = stored

    def packet(self, packet: Foreign, node: str, item: str = "") -> Foreign:
        argument = packet.arg[1]
        if item in self.items:
            tags = self.moved(self.read.tags.get(item, {}))
            writes = self.items[item]["writes"]
            argument = {key: from_json(value, tags, ("state", key)) for key, value in writes.items()}
        return replace(packet, arg=[node, argument, *packet.arg[2:]])

    def _started(self) -> None:
        """All else: an input that no node has seen, and what the library keeps for itself."""
        for channel, value in self.parked.checkpoint["channel_values"].items():
            if channel.startswith(("__",)) and channel not in (SENDS, START):
                self.values[channel] = value
            elif channel == START:
                item = self.items.get(START)
                before = next(
                    (p for p in self.read.document.get("pending", ()) if p.get("id") == START), None
                )
                if item is None or item == before:
                    self.values[START] = value
                    continue
                tags = self.moved(self.read.tags[START])
                fields = {key: from_json(each, tags, ("state", key)) for key, each in item["writes"].items()}
                stored = raw(value)
                self.put(START, replace(stored, arg=fields) if isinstance(stored, Foreign) else fields)
