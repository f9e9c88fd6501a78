"""The graph of revisions of one workflow: heads, order, paths, and what people type to name one. Pure.

A revision names the ones it follows (``down_revision``), so edges point down, towards the base; ``None``
stands for the base itself, where nothing was applied yet. What is typed reads as in Alembic: full or partial
ids, ``head``, ``heads``, ``base``, ``head-2``, ``5f2c+1``, ``+1`` and ``-2`` relative to where one stands,
and ranges ``a:b``.
"""

from __future__ import annotations

import heapq
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Final, Generic, Protocol, TypeVar

from statemig.errors import (
    AmbiguousRevisionError,
    MissingRevisionError,
    MultipleHeadsError,
    RevisionError,
    UnknownRevisionError,
)

BASE: Final = "base"
HEAD: Final = "head"
HEADS: Final = "heads"
CURRENT: Final = "current"
RESERVED: Final = frozenset((BASE, HEAD, HEADS, CURRENT))

NEWER_DEPLOY: Final = "`statemig history` lists the known ones. If a newer deploy wrote it, or it was never committed: update this code."

_ID = re.compile(r"[A-Za-z0-9_]+")
_RELATIVE = re.compile(r"([A-Za-z0-9_]*)([+-][0-9]+)")
_LISTED: Final = 8


class Node(Protocol):
    """What the graph needs to know of a revision."""

    @property
    def revision(self) -> str: ...

    @property
    def down_revisions(self) -> tuple[str, ...]: ...


N = TypeVar("N", bound=Node)


class Graph(Generic[N]):
    """Revisions of one workflow and how they follow each other. Immutable.

    Raises `RevisionError` where an id is used twice, is not letters, digits and underscores, or where
    revisions follow each other in a circle, and `MissingRevisionError` where one follows a revision that is
    not there.
    """

    def __init__(self, revisions: Iterable[N], *, workflow: str | None = None) -> None:
        self.workflow = workflow
        self._nodes: dict[str, N] = {}
        for node in revisions:
            self._admit(node)
        self._children: dict[str, list[str]] = {name: [] for name in self._nodes}
        for name, node in self._nodes.items():
            for below in node.down_revisions:
                if below not in self._nodes:
                    raise MissingRevisionError(
                        f"it follows revision {below}, which is not there",
                        workflow=workflow,
                        revision=name,
                        hint=f"Bring the script of {below} back, or correct down_revision.",
                    )
                self._children[below].append(name)
        self._versions = self._levels()
        #: every id, each after all that it follows; the same for the same revisions, however they were listed
        self.order: tuple[str, ...] = tuple(self._versions)
        self._place = {name: place for place, name in enumerate(self.order)}

    def _admit(self, node: N) -> None:
        name = node.revision
        if _ID.fullmatch(name) is None or name in RESERVED:
            raise RevisionError(
                f"{name!r} cannot be the id of a revision",
                workflow=self.workflow,
                hint=f"Use letters, digits and underscores, and none of {', '.join(sorted(RESERVED))}.",
            )
        if name in self._nodes:
            raise RevisionError(
                "two revisions have this id",
                workflow=self.workflow,
                revision=name,
                hint="Give one of them a new id.",
            )
        self._nodes[name] = node

    def _levels(self) -> dict[str, int]:
        sorter = TopologicalSorter({name: node.down_revisions for name, node in self._nodes.items()})
        versions: dict[str, int] = {}
        try:
            sorter.prepare()
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            raise RevisionError(
                f"revisions follow each other in a circle: {' -> '.join(circle)}",
                workflow=self.workflow,
                hint="Correct down_revision in one of them.",
            ) from None
        # What becomes ready in the n-th round has a longest path of n: that number is the version.
        level = 0
        while sorter.is_active():
            level += 1
            ready = sorter.get_ready()
            for name in sorted(ready):
                versions[name] = level
            sorter.done(*ready)
        return versions

    # -- what is there ---------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._nodes)

    def __iter__(self) -> Iterator[N]:
        """The revisions, each after all that it follows."""
        return (self._nodes[name] for name in self.order)

    def __contains__(self, revision: object) -> bool:
        return revision in self._nodes

    def __getitem__(self, revision: str) -> N:
        """The revision with this full id. Raises `UnknownRevisionError`."""
        try:
            return self._nodes[revision]
        except KeyError:
            raise self._unknown(revision) from None

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """Revisions that nothing follows, sorted; empty for an empty graph."""
        return tuple(sorted(name for name, above in self._children.items() if not above))

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """Revisions that follow nothing, sorted."""
        return tuple(sorted(name for name, node in self._nodes.items() if not node.down_revisions))

    @property
    def head(self) -> str | None:
        """The one head, or None for an empty graph. Raises `MultipleHeadsError`."""
        if len(self.heads) > 1:
            raise MultipleHeadsError(
                f"there are {len(self.heads)} heads: {', '.join(self.heads)}",
                workflow=self.workflow,
                hint="Name one of them, or put yours behind the other with `statemig rebase`.",
            )
        return self.heads[0] if self.heads else None

    def version(self, revision: str | None) -> int:
        """Length of the longest path from the base; 0 at the base."""
        if revision is None:
            return 0
        return self._versions[self[revision].revision]

    def next_version(self, down_revisions: Iterable[str]) -> int:
        """Version of a revision that would follow these: their maximum plus one."""
        return 1 + max(map(self.version, down_revisions), default=0)

    def children(self, revision: str | None) -> tuple[str, ...]:
        """What follows this revision directly, sorted; of the base: the bases."""
        if revision is None:
            return self.bases
        return tuple(sorted(self._children[self[revision].revision]))

    def ancestors(self, revision: str | None) -> frozenset[str]:
        """Everything this revision stands on, itself included. Empty at the base."""
        return frozenset(self._reach(revision, lambda name: self._nodes[name].down_revisions))

    def descendants(self, revision: str) -> tuple[str, ...]:
        """Everything that stands on this revision, itself left out, in order."""
        above = self._reach(revision, self._children.__getitem__) - {revision}
        return tuple(sorted(above, key=self._place.__getitem__))

    def _reach(self, revision: str | None, neighbours: _Neighbours) -> set[str]:
        if revision is None:
            return set()
        seen = {self[revision].revision}
        todo = [revision]
        while todo:
            for name in neighbours(todo.pop()):
                if name not in seen:
                    seen.add(name)
                    todo.append(name)
        return seen

    # -- paths -----------------------------------------------------------------------------------------------

    def path(self, lower: str | None, upper: str | None) -> list[str]:
        """What has to be applied to a document at `lower` to bring it to `upper`, in order.

        That is the ancestors of `upper` without those of `lower`: over a merge it includes the other branch.
        None is the base. Costs the distance between the two and not the length of the chain.
        """
        if upper is None:
            return []
        self[upper]
        if lower is None:
            return sorted(self.ancestors(upper), key=self._place.__getitem__)
        self[lower]
        # From the top down, in reverse order: a revision is looked at after all that stand on it, so it is
        # known for good then whether `lower` stands on it too. Nothing is left to find once everything in the
        # queue is below `lower`.
        below_lower = {lower}
        wanted = {upper} - below_lower
        queue = [-self._place[name] for name in {lower, upper}]
        heapq.heapify(queue)
        found: list[str] = []
        while wanted:
            name = self.order[-heapq.heappop(queue)]
            shared = name in below_lower
            if not shared:
                wanted.discard(name)
                found.append(name)
            for below in self._nodes[name].down_revisions:
                if below not in below_lower and below not in wanted:
                    heapq.heappush(queue, -self._place[below])
                if shared:
                    below_lower.add(below)
                    wanted.discard(below)
                elif below not in below_lower:
                    wanted.add(below)
        found.reverse()
        return found

    def is_ancestor(self, lower: str | None, upper: str | None) -> bool:
        """Whether `upper` stands on `lower` (or is it)."""
        if lower is None:
            return True
        self[lower]
        return upper is not None and (lower == upper or lower in self.ancestors(upper))

    # -- what people type ------------------------------------------------------------------------------------

    def resolve(self, text: str, *, current: str | None = HEAD) -> str | None:
        """The one revision that `text` names; None is the base.

        `current` is where ``+1``, ``-2`` and ``current`` start from: a full id, None or ``base``, ``head``
        unless told. Raises `UnknownRevisionError`, `AmbiguousRevisionError`, `MultipleHeadsError`, and
        `RevisionError` for a walk that leaves the graph or meets a fork.
        """
        text = text.strip()
        if ":" in text:
            raise RevisionError(
                f"{text!r} is a range, and one revision is needed here",
                workflow=self.workflow,
                hint="Give one side of it.",
            )
        relative = _RELATIVE.fullmatch(text)
        if relative is None:
            return self._named(text, current)
        start, steps = relative[1], int(relative[2])
        return self._walk(self._named(start or CURRENT, current), steps, text)

    def resolve_all(self, text: str, *, current: str | None = HEAD) -> tuple[str, ...]:
        """Like `resolve`, where several are welcome: ``heads`` gives every head. The base gives ()."""
        if text.strip() == HEADS:
            return self.heads
        found = self.resolve(text, current=current)
        return () if found is None else (found,)

    def resolve_range(self, text: str, *, current: str | None = HEAD) -> tuple[str | None, str | None]:
        """The two ends of ``a:b``; an empty one is the base or the head.

        As in Alembic, a bare ``-3`` on the left counts from the right end, and a bare ``+2`` on the right
        from the left end. Raises what `resolve` raises, and `RevisionError` where the left end is above the
        right one.
        """
        left, colon, right = (part.strip() for part in text.partition(":"))
        if not colon or ":" in right:
            raise RevisionError(
                f"{text!r} is not a range",
                workflow=self.workflow,
                hint="Write it as FROM:TO, for example base:head.",
            )
        upper: str | None
        if left.startswith("-"):
            upper = self.resolve(right or HEAD, current=current)
            lower = self.resolve(left, current=upper)
        else:
            lower = self.resolve(left or BASE, current=current)
            upper = self.resolve(right or HEAD, current=lower if right.startswith("+") else current)
        if lower != upper and self.is_ancestor(upper, lower):
            raise RevisionError(
                f"in {text!r} the left end is above the right one",
                workflow=self.workflow,
                hint="Swap the two ends.",
            )
        return lower, upper

    def _named(self, name: str, current: str | None) -> str | None:
        match name.casefold():
            case "base":
                return None
            case "head" | "heads":
                return self.head
            case "current":
                return None if current is None else self._named(HEAD if current == CURRENT else current, HEAD)
        if name in self._nodes:
            return name
        fits = self._starting_with(name) if _ID.fullmatch(name) else []
        # An id that merely begins another one is still that id, whatever the case it is typed in.
        whole = [fit for fit in fits if len(fit) == len(name)]
        fits = whole or fits
        if len(fits) > 1:
            raise AmbiguousRevisionError(
                f"{name!r} fits {len(fits)} revisions: {_listed(fits)}",
                workflow=self.workflow,
                hint="Type more of the id.",
            )
        if not fits:
            raise self._unknown(name)
        return fits[0]

    @cached_property
    def _folded(self) -> list[tuple[str, str]]:
        return sorted((name.casefold(), name) for name in self._nodes)

    def _starting_with(self, name: str) -> list[str]:
        prefix = name.casefold()
        fits: list[str] = []
        for folded, full in self._folded[bisect_left(self._folded, (prefix, "")) :]:
            if not folded.startswith(prefix):
                break
            fits.append(full)
        return fits

    def _walk(self, start: str | None, steps: int, text: str) -> str | None:
        place = start
        for taken in range(abs(steps)):
            if steps > 0:
                onward: Sequence[str | None] = self.children(place)
            else:
                onward = () if place is None else (self._nodes[place].down_revisions or (None,))
            if not onward:
                end = "head" if steps > 0 else "base"
                raise RevisionError(
                    f"{text!r} goes {abs(steps)} from {start or BASE}, and the {end} is {taken} away",
                    workflow=self.workflow,
                )
            if len(onward) > 1:
                raise AmbiguousRevisionError(
                    f"{text!r} meets a fork at {place or BASE}: {_listed([str(name) for name in onward])}",
                    workflow=self.workflow,
                    hint="Name the revision.",
                )
            place = onward[0]
        return place

    def _unknown(self, name: str) -> UnknownRevisionError:
        near = self._nearest(name)
        known = f" Nearest: {', '.join(near)}." if near else ""
        return UnknownRevisionError(
            f"there is no revision {name!r} among the {len(self)} known here.{known}",
            workflow=self.workflow,
            hint=NEWER_DEPLOY,
        )

    def _nearest(self, name: str) -> list[str]:
        from rapidfuzz import process  # only for a message

        return [fit for fit, _, _ in process.extract(name, self.order, limit=3, score_cutoff=60)]


class _Neighbours(Protocol):
    def __call__(self, name: str, /) -> Iterable[str]: ...


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_LISTED])
    return shown if len(names) <= _LISTED else f"{shown} and {len(names) - _LISTED} more"
