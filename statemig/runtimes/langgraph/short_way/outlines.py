"""What the channels of a checkpoint are called at another revision, as far as it follows from names alone: found out once for all
checkpoints that have the same channels. Pure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from statemig.runtimes.langgraph.identity import BRANCH, JOIN, PULL, task_id
from statemig.runtimes.langgraph.long_way.document import is_data
from statemig.runtimes.langgraph.tasks import SENDS, START, Nodes, arrived

if TYPE_CHECKING:
    from statemig.plan.complement import Complement
    from statemig.runtimes.langgraph.long_way.steps import Names

#: how many are remembered of one way: threads have few combinations of channels
OUTLINES: Final = 256


@dataclass(frozen=True, slots=True)
class Put:
    """What becomes of the channels of an `Outline` where the state has certain fields afterwards. `new`: the channels that come; `gone`:
    the names of those that go; `renamed`: those that have another name and no value. `is_valid`: every such state is."""

    is_valid: bool
    new: tuple[str, ...]
    gone: frozenset[str]
    renamed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Laid:
    """What every state becomes that has the fields of an `Outline`, where nobody looks into a value and no function makes one. `state`: the
    values that are made, and where those go that are handed on; `names`: what these are called there, in the order of the fields."""

    put: Put
    state: dict[str, Any]
    names: tuple[str, ...]
    noted: Complement
    #: of the values that are made, those that somebody may change
    open: tuple[tuple[str, Any], ...]

    @classmethod
    def of(cls, put: Put, fields: Iterable[str], state: dict[str, Any], noted: Complement) -> Laid:
        """`state`: what became of one that had a `Blank` for the value of each of its `fields`."""
        handed = {value.channel: name for name, value in state.items() if type(value) is Blank}
        made = tuple((name, value) for name, value in state.items() if isinstance(value, dict | list))
        return cls(put, state, tuple(handed[each] for each in fields), noted, made)

    def filled(self, values: Iterable[Any]) -> dict[str, Any]:
        """The state, with these values handed on."""
        found = self.state.copy()
        found.update(zip(self.names, values, strict=True))
        for name, value in self.open:
            found[name] = copy.deepcopy(value) if value else value.copy()
        return found


@dataclass(frozen=True, slots=True)
class Blank:
    """In place of the value of a channel."""

    channel: str


@dataclass(slots=True, eq=False)
class Outline:
    """What the channels of a checkpoint are called at another revision.

    `names`: of each that has a version, its name there, and `targets` the same in their order. `moved`: those with another name, and
    `renamed` the names, under which nothing is stored. `private`: the channels that are no field of the state, and have a value.
    `fields`: those that are, in their order, some `handed` on and others `looked` into. `rest`: all others that have a value, and
    `joins`, those among them where branches arrive; `edges`: those that lead to a node, with the node and the triggers of its task.
    `others`: the names of channels that are no fields and may hold instances. `is_valid`: states with these fields are, whatever their
    values, as far as is known, and `laid` is what becomes of them, once it `is_laid_out`.
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
    laid: Laid | None = None
    is_laid_out: bool = False
    _puts: dict[tuple[str, ...], Put] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        versions: Sequence[str],
        values: Collection[str],
        names: Names,
        nodes: tuple[Nodes, Nodes],
        hands_on: Callable[[str], bool],
    ) -> Outline | None:
        """Of checkpoints in which these channels have a version, and a value. `names`: between the two revisions; `nodes`: of both;
        `hands_on`: whether nobody looks into the value of a field. None where only the long way knows what becomes of the channels."""
        old, new = nodes
        joins = [each for each in versions if each.startswith(JOIN)]
        known = new.known("")
        if joins and not all(each in set(new.targets("")) for each in joins):
            return None  # it may be called otherwise
        there = {each: names.field(each) if is_data(each) else each for each in versions}
        if not there.keys() >= set(values) or not {START, SENDS}.isdisjoint(values):
            return None
        if len(set(there.values())) < len(there):
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
        if any(there[each] != each and there[each] in fields for each in fields):
            return None  # two have changed places
        handed = [each for each in fields if hands_on(each)]
        private = [(each, there[each]) for each in data if each not in fields]
        rest = [each for each in values if not is_data(each)]
        moved = {each: name for each, name in there.items() if name != each}
        return cls(
            names=there,
            targets=tuple(there.values()),
            moved=frozenset(moved),
            renamed=tuple(moved.values()),
            private=tuple(private),
            fields=tuple(fields),
            handed=tuple((each, there[each]) for each in handed),
            looked=tuple(each for each in fields if each not in handed),
            rest=tuple(rest),
            joins=tuple(each for each in rest if each.startswith(JOIN)),
            edges=tuple(edges),
            others=(*(name for _, name in private), *(each for each in rest if not each.startswith(BRANCH))),
        )

    @property
    def hands_all_on(self) -> bool:
        """Whether nobody looks into any value."""
        return self.is_valid and not self.looked

    def put(self, after: Mapping[str, Any], is_valid: Callable[[Outline, Sequence[str]], bool]) -> Put:
        """`is_valid`: whether the fields before and after are enough to know that the state is valid, whatever the values."""
        key = tuple(after)
        found = self._puts.get(key)
        if found is None:
            stay = {each for each in self.fields if self.names[each] == each}
            new = tuple(name for name in after if name not in stay)
            gone = frozenset(name for each in self.fields if (name := self.names[each]) not in after)
            renamed = tuple(each for each in self.renamed if each not in new and each not in gone)
            found = Put(is_valid(self, key), new, gone, renamed)
            self.is_valid = self.is_valid or found.is_valid
            if len(self._puts) < OUTLINES:
                self._puts[key] = found
        return found

    def state(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The fields, of the values of all channels."""
        return {channel: values[channel] for channel in self.fields}

    def called(self, channels: Iterable[str]) -> list[str] | None:
        """The names of some channels there; None where one has none."""
        names = self.names
        try:
            return [names[each] for each in channels]
        except KeyError:
            return None

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

    def seen(self, seen: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
        """What nodes have seen, by the names of channels there; None where they have seen what has no name."""
        found: dict[str, Any] = {}
        names, moved = self.names, self.moved
        for node, channels in seen.items():
            if not names.keys() >= channels.keys():
                return None
            found[node] = (
                channels
                if moved.isdisjoint(channels)
                else {names[each]: version for each, version in channels.items()}
            )
        return found
