"""What became of the names, the positions and the entries of a checkpoint that a script was run on. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from statemig.errors import CursorError
from statemig.runtimes.langgraph.identity import BRANCH, JOIN, join_channel
from statemig.runtimes.langgraph.long_way.document import Read, is_data
from statemig.runtimes.langgraph.stored.as_json import Tags
from statemig.runtimes.langgraph.stored.classes import relocated
from statemig.runtimes.langgraph.stored.values import Foreign
from statemig.runtimes.langgraph.tasks import START, Nodes, Parked, Task, branches_of

if TYPE_CHECKING:
    from statemig.document import Position
    from statemig.runtimes.langgraph.long_way.steps import Names


@dataclass
class Became:
    """`read`: the checkpoint at the old revision; `document`: what the script made of it; `names`, `nodes`, `namespace`: of the new one."""

    parked: Parked
    read: Read
    names: Names
    document: dict[str, Any]
    nodes: Nodes
    namespace: str

    @cached_property
    def prefix(self) -> str:
        return replace(self.parked, namespace=self.namespace).prefix

    def local(self, step: str) -> str:
        if not step.startswith(self.prefix):
            inside = self.prefix.rstrip(".") or "the graph"
            raise CursorError(
                f"the run stands inside {inside!r}, and the script sends it to {step!r}, which is elsewhere",
                step=step,
                hint="A position moves only within its own graph: name a step of the same subgraph",
            )
        return step[len(self.prefix) :]

    def finished(self, node: str) -> str | None:
        if node.startswith("__"):
            return node
        name = self.names.finished(self.parked.prefix + node)
        return None if name is None or not name.startswith(self.prefix) else name[len(self.prefix) :]

    def ahead(self, node: str) -> str | None:
        if node.startswith("__"):
            return node
        name = self.names.ahead(self.parked.prefix + node)
        return None if name is None or not name.startswith(self.prefix) else name[len(self.prefix) :]

    @cached_property
    def positions(self) -> dict[str, Position]:
        return {each["id"]: each for each in self.document.get("cursor", ()) if "#" not in str(each["id"])}

    @cached_property
    def answers(self) -> dict[str, Position]:
        return {each["id"]: each for each in self.document.get("cursor", ()) if "#" in str(each["id"])}

    @cached_property
    def items(self) -> dict[str, dict[str, Any]]:
        return {each.get("id", ""): each for each in self.document.get("pending", ())}

    @cached_property
    def node_of(self) -> dict[str, str]:
        """The node of each task that goes on, by the task's old id."""
        found: dict[str, str] = {}
        for task in self.read.tasks:
            if self.read.is_finished(task):
                item = self.items.get(task.id)
                if item is not None:
                    found[task.id] = START if task.node == START else self.local(item["step"])
            elif task.id in self.positions:
                found[task.id] = self.local(self.positions[task.id]["step"])
        return found

    def is_moved(self, task: Task) -> bool:
        """Whether a policy has sent the position to another step, where it begins anew."""
        if self.read.is_finished(task) or task.id not in self.positions:
            return False
        if self.finished(task.node) is None:
            return True
        waited = bool(self.read.question(task))
        return waited and self.positions[task.id].get("status") != "waiting"

    def channel(self, name: str) -> str | None:
        """What a channel is called; None where it is gone."""
        if name.startswith(BRANCH):
            node = self.ahead(name[len(BRANCH) :])
            return None if node is None else BRANCH + node
        if name.startswith(JOIN):
            return self.join(name)
        return self.names.field(name) if is_data(name) else name

    def join(self, name: str) -> str | None:
        target = self.finished(name.rsplit(":", 1)[1])
        if target is None:
            return None
        branches = [new for old in branches_of(name) if (new := self.finished(old)) is not None]
        known = self.nodes.joins(self.prefix, target)
        if not known:
            return None if self.nodes.known(self.prefix) else join_channel(branches, target)
        return next((each for each in known if set(branches_of(each)) == set(branches)), known[0])

    def moved(self, tags: Tags) -> Tags:
        """What stood where, at the places of today and of the classes of today."""
        return moved(tags, self.names, self.nodes.classes)


def moved(tags: Tags, names: Names, known: Mapping[str, type]) -> Tags:
    """What stood where, at the places that scripts give it and of the classes of today, without what they remove. `known`: the classes of
    the graph, by name."""
    found: Tags = {}
    there: dict[int, Foreign] = {}  # by what it was; instances of one class share it
    for place, noted in tags.items():
        if names.removes(place):
            continue
        for each in noted:
            if isinstance(each, Foreign) and id(each) not in there:
                there[id(each)] = relocated(each, names.types, known)
        found[names.place(place)] = tuple(there.get(id(each), each) for each in noted)
    return found


def relocates(tags: Tags, names: Names, known: Mapping[str, type]) -> bool:
    """Whether any of what stood there is of a class that is called otherwise today."""
    kinds = {id(noted): noted for noted in tags.values()}  # instances of one class share it
    classes = {id(each): each for noted in kinds.values() for each in noted if isinstance(each, Foreign)}
    return any(relocated(each, names.types, known) is not each for each in classes.values())
