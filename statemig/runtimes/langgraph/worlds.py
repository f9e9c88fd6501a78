"""Which revision a thread is shown at, and what the graph of each revision looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import CursorError, NewerRevisionError, UnknownRevisionError
from statemig.runtimes.langgraph.identity import BRANCH
from statemig.runtimes.langgraph.long_way.steps import Names
from statemig.runtimes.langgraph.misfit import hint_for
from statemig.runtimes.langgraph.short_way.fields_only import FieldsOnly
from statemig.runtimes.langgraph.tasks import Nodes, Parked

if TYPE_CHECKING:
    from statemig.migrator import Migrator


#: of channels, how many are remembered
_COMBINATIONS: Final = 1000


class Worlds:
    """The revisions that a thread may be at, with the graph of each as far as it is known. `target`: the one of the code that runs."""

    def __init__(
        self,
        migrator: Migrator,
        on_newer: str,
        target: str,
    ) -> None:
        self.migrator = migrator
        self.on_newer = on_newer
        self.target = target
        # A list, because the clones that `with_allowlist` makes share it: a graph is bound after it was compiled with a clone.
        self._bound: list[Any] = []
        self._nodes: dict[str, Nodes] = {}
        self._names: dict[tuple[str, str], Names] = {}
        self._short: dict[str, FieldsOnly | None] = {}
        #: combinations of channels none of which leads to a node that there is not
        self._safe: set[tuple[Any, ...]] = set()

    def bind(self, graph: Any) -> None:
        self._bound[:] = [graph]
        self._short.clear()
        self._safe.clear()
        self._nodes.pop(self.target, None)

    @property
    def graph(self) -> Any:
        """The compiled graph of today, where somebody has told it."""
        return self._bound[0] if self._bound else None

    def nodes(self, revision: str) -> Nodes:
        found = self._nodes.get(revision)
        if found is None:
            snapshot = self.migrator.snapshot(revision)
            graph = self.graph if revision == self.target else None
            found = self._nodes[revision] = Nodes(snapshot, graph)
        return found

    def names(self, source: str, target: str) -> Names:
        found = self._names.get((source, target))
        if found is None:
            found = self._names[source, target] = Names.between(self.migrator, source, target)
        return found

    def short_way(self, source: str) -> FieldsOnly | None:
        """The short way from a revision to the target, where there is one."""
        if source not in self._short:
            names, nodes = self.names(source, self.target), (self.nodes(source), self.nodes(self.target))
            self._short[source] = FieldsOnly.between(self.migrator, source, self.target, names, nodes)
        return self._short[source]

    def revisions(self) -> list[str]:
        return sorted(self.migrator.known, key=self.migrator.version)

    def names_before(self, node: str, target: str | None = None) -> list[str]:
        """What a node of the graph was called before: a subgraph that keeps its own memory is stored under its name alone."""
        found: dict[str, None] = {}
        for revision in reversed(self.revisions()):
            names = self.names(revision, target or self.target)
            for old in self.nodes(revision).known("") or ():
                if old != node and names.ahead(old) == node:
                    found.setdefault(old)
        return list(found)

    def name_at(self, node: str, world: str) -> str:
        """What a node that is stored under its name alone is called at a revision."""
        first = next((each for each in self.revisions() if node in (self.nodes(each).known("") or ())), world)
        return self.names(first, world).ahead(node) or node

    def reachable(self, revisions: list[str], thread: str) -> str | None:
        """The revision to show; None where newer shapes are passed as they are. Raises for a newer one as `on_newer` says."""
        if all(each == self.target for each in revisions):
            return self.target
        workflow = self.migrator.workflow
        for each in dict.fromkeys(revisions):
            known = each in self.migrator.known
            if known and self.migrator.version(each) <= self.migrator.version(self.target):
                continue
            if self.on_newer == "pass":
                return None
            if not known:
                raise UnknownRevisionError(
                    "this code does not know the revision",
                    run_id=thread,
                    workflow=workflow,
                    revision=each,
                    hint="A newer deploy wrote it: leave the thread to a newer worker, or give this one the newer migrations folder",
                )
            if self.on_newer == "refuse":
                raise NewerRevisionError(
                    f"a newer deploy has upgraded the thread, and this worker runs revision {self.target}",
                    run_id=thread,
                    workflow=workflow,
                    revision=each,
                    hint='Leave it to a newer worker, or say MigratingSaver(..., on_newer="downgrade")',
                )
        return self.target

    def require_nodes(
        self, checkpoint: Mapping[str, Any], namespace: str, thread: str, target: str | None = None
    ) -> bool:
        """Raises `CursorError` where an edge leads to a node that there is not: LangGraph would end the run. Returns whether it never does
        where the same channels were written to last."""
        values = checkpoint["channel_values"]
        # Where LangGraph has noted what was written to last, it runs what that leads to, and nothing else.
        channels = (namespace, target, *(checkpoint.get("updated_channels") or values))
        if channels in self._safe:
            return True
        branches = [each for each in channels[2:] if each in values and each.startswith(BRANCH)]
        prefix = Parked(namespace, {}, 0, ()).prefix if namespace else ""
        known = self.nodes(target or self.target).known(prefix)
        away = [] if known is None else [each for each in branches if not _is_in(known, each[len(BRANCH) :])]
        if not away:
            if ":" not in namespace and len(self._safe) < _COMBINATIONS:
                self._safe.add(channels)
            return True
        for channel in away:
            node = channel[len(BRANCH) :]
            seen = checkpoint["versions_seen"].get(node, {}).get(channel)
            if seen is None or checkpoint["channel_versions"][channel] > seen:
                raise CursorError(
                    f"thread {thread} stands on node {prefix + node!r}, which the graph does not have: LangGraph would "
                    "end the run here without a word",
                    run_id=thread,
                    workflow=self.migrator.workflow,
                    revision=target or self.target,
                    step=prefix + node,
                    hint=hint_for(self.migrator, target or self.target, self.graph, prefix + node),
                )
        return False


def _is_in(known: frozenset[str], node: str) -> bool:
    return node in known or node.startswith("__")
