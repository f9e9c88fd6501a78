"""A merge brings two lines of revisions together, and documents come to it on either. That is only sound where their order does not
matter: where no operation of one line meets one of the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import RevisionError
from statemig.operations.lowering import Lowered
from statemig.plan.footprint import Footprint, footprint
from statemig.revisions.graph import Graph
from statemig.revisions.revision import Revision

if TYPE_CHECKING:
    from statemig.workflow.snapshot import Snapshot


_SHOWN: Final = 5


def refuse_merge(
    merge: str,
    graph: Graph[Any],
    revision: Callable[[str], Revision],
    snapshot: Callable[[str], Snapshot | None],
) -> None:
    """Raises `RevisionError` with pairs of operations whose order would matter."""
    problems: list[str] = []
    for one, other in combinations(graph[merge].down_revisions, 2):
        left, right = graph.ancestors(one), graph.ancestors(other)
        lines = [
            [found for name in graph.order if name in line for found in _footprints(revision(name), snapshot)]
            for line in (left - right, right - left)
        ]
        problems += [
            f"{first} and {second} meet"
            for first, print_of_first in lines[0]
            for second, print_of_second in lines[1]
            if print_of_first.meets(print_of_second)
        ]
    if problems:
        raise RevisionError(
            f"the order of what it merges matters: {'; '.join(problems[:_SHOWN])}",
            workflow=graph.workflow,
            revision=merge,
            hint="Put one line behind the other instead: `statemig rebase`",
        )


def _footprints(
    revision: Revision, snapshot: Callable[[str], Snapshot | None]
) -> Iterator[tuple[str, Footprint]]:
    """Each operation of a script, as "operation 0 rename_field of revision 5f2c", with what it is about."""
    below = revision.down_revisions[0] if revision.down_revisions else None
    before = None if below is None else snapshot(below)
    lowered = Lowered(
        revision.revision,
        revision.operations,
        lambda: None if before is None else before.stored,
        lambda: None,
    )
    for stage in lowered.up():
        yield f"operation {stage.operation} of revision {revision.revision}", footprint(stage.instruction)


__all__ = ["refuse_merge"]
