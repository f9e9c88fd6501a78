"""Where the graph that runs is not that of the revision that threads are brought to: most likely it is older code, beside a folder of
migrations that is newer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph.channels.base import BaseChannel

from statemig.runtimes.langgraph.long_way.document import is_data
from statemig.shapes.shape import Object
from statemig.workflow.run_shape import state_of

if TYPE_CHECKING:
    from statemig.migrator import Migrator
    from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Outline:
    """The names in a graph, with those of the graphs inside it."""

    steps: frozenset[str]
    fields: frozenset[str]

    @classmethod
    def of_graph(cls, graph: Any, prefix: str = "") -> Outline:
        steps = {prefix + name for name in graph.nodes if not name.startswith("__")}
        fields = {
            name for name, kind in graph.channels.items() if is_data(name) and isinstance(kind, BaseChannel)
        }
        for name, inner in graph.get_subgraphs():
            inside = cls.of_graph(inner, f"{prefix}{name}.")
            steps |= inside.steps
            fields |= inside.fields
        return cls(frozenset(steps), frozenset(fields))

    @classmethod
    def of_snapshot(cls, snapshot: Snapshot) -> Outline:
        state = state_of(snapshot.writes)
        shape = state.resolve(state.root)
        steps = (name for name in snapshot.steps if not name.rsplit(".", 1)[-1].startswith("__"))
        return cls(frozenset(steps), frozenset(shape.properties if isinstance(shape, Object) else ()))


def older(migrator: Migrator, target: str, graph: Any) -> str | None:
    """The newest revision before `target` that the graph may be the one of, where it is not that of the target."""
    found = Outline.of_graph(graph)

    def fits(revision: str) -> bool | None:
        snapshot = migrator.snapshot(revision)
        return None if snapshot is None else Outline.of_snapshot(snapshot) == found

    if fits(target) is not False:
        return None
    before = (name for name in migrator.known if migrator.version(name) < migrator.version(target))
    return next((name for name in sorted(before, key=migrator.version, reverse=True) if fits(name)), None)


def hint_for(migrator: Migrator, target: str, graph: Any, step: str) -> str:
    """What to do about a node that is not there."""
    add = f'op.rename_step("{step}", to=...) or op.remove_step("{step}", cursor=op.forward(...))'
    snapshot = migrator.snapshot(target)
    if graph is None or snapshot is None or step not in snapshot.steps:
        return f"Add a revision with {add}"
    fits = older(migrator, target, graph)
    if fits is not None:
        return (
            f"Revision {target} has the node, so this code is older than its folder of migrations: the graph is that of revision {fits}. "
            f'Say MigratingSaver(..., revision="{fits}")'
        )
    return (
        f"Revision {target} has the node. If this code is older than its folder of migrations, say which revision it is: "
        f"MigratingSaver(..., revision=...). If the graph has changed since, add a revision with {add}"
    )
