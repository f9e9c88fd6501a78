"""What a change means for the runs in flight: how many each part of it touches, whether it holds for them, and what to do with them.

How many runs stand where comes from one aggregate query. Documents are read only where a verdict depends on values, and then one batch at a
time; nothing is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, Protocol

from statemig.autogenerate.change import Change, Changes
from statemig.autogenerate.guard import Guard
from statemig.autogenerate.resolve import Resolver
from statemig.autogenerate.rules import NO_OPERATION
from statemig.autogenerate.touches import is_everywhere, place_of, steps_of
from statemig.document import Document
from statemig.errors import StatemigError, StoreError
from statemig.migrator import Migrator, Record
from statemig.operations.base import Operation
from statemig.operations.joins import Requeue
from statemig.operations.steps import AddStep, RenameStep
from statemig.store.deploy_records import Kind, Unknown
from statemig.store.protocols import Counted, Moved, RunFilter, StoredRun

Strategy = Literal["deploy", "migrate", "drain", "route"]

#: up to so many runs in flight, those that a change fails for are listed by id and not by example: finding them takes a scan
_FEW: Final = 10_000

#: the steps at which runs of a kind stand, as the older version calls them; None where that is not known
Standing = Callable[[Kind], tuple[str, ...] | None]

_ORDER: Final[tuple[Strategy, ...]] = ("deploy", "migrate", "drain", "route")


class Asked(Counted, Protocol):
    """A fleet whose runs can be counted, and read where counting does not say enough."""

    def document(self, row: StoredRun) -> Document: ...

    def bring(self, row: StoredRun, to: str = ..., *, record: Record | None = ...) -> Moved: ...


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do with the runs that a change is about: deploy without ceremony, migrate them, drain the old version, or let both versions
    run side by side (route)."""

    strategy: Strategy
    why: str


@dataclass(frozen=True, slots=True)
class Impact:
    """A change and the live runs. `runs` are at the older version or below it, `newer` above; `unknown` have no tag, or one that nobody
    here knows. `asked` is of how many the document was read. `advice` goes with `changes`, one for each; `overall` is the worst of it.
    """

    changes: Changes
    runs: int
    newer: int
    unknown: int | Unknown
    asked: int
    advice: tuple[Advice, ...]
    overall: Advice


def take_impact(
    fleet: Asked, changes: Changes, old: str, new: str | None = None, *, exact: bool = False
) -> Impact:
    """Ask the live runs about changes from the revision `old` to `new` (None: to code that no revision has frozen). With `exact` every
    document is read, and what each change touches is no upper bound."""
    kinds = fleet.kinds()
    migrator = fleet.migrator
    leading = [kind for kind in kinds if kind.revision in migrator.known and _leads(fleet, kind, old)]
    strange = sum(kind.count for kind in kinds if kind.revision not in migrator.known)
    untagged = fleet.untagged()
    resolver, guard = Resolver(changes), Guard(changes)
    standing = _standing(fleet.migrator, old)
    asked = 0
    if leading or strange or untagged or any(kind.revision == new for kind in kinds):
        everything = exact or resolver.needs_documents or guard.needs_documents
        if everything:
            asked = _read(fleet, resolver, guard, old, new, RunFilter())
        elif resolver.open or guard.open:
            asked = _count(fleet, resolver, guard, old, new, kinds, standing)
        settled = resolver.result() if asked or resolver.runs else changes
        if not everything:
            settled = _touched(settled, leading, standing)
        changes = guard.guarded(settled)
    waiting = any(status == "waiting" for kind in leading for _, status, _ in kind.places)
    advice = tuple(_advice(change, waiting) for change in changes)
    runs = sum(kind.count for kind in leading)
    overall = max(
        advice, key=lambda each: _ORDER.index(each.strategy), default=Advice("deploy", "nothing has changed")
    )
    return Impact(
        changes,
        runs,
        sum(kind.count for kind in kinds) - runs - strange,
        untagged if isinstance(untagged, Unknown) else strange + untagged,
        asked,
        advice,
        overall,
    )


def _leads(fleet: Asked, kind: Kind, old: str) -> bool:
    return kind.revision == old or fleet.migrator.leads(kind.revision or "", old)


def _count(
    fleet: Asked,
    resolver: Resolver,
    guard: Guard,
    old: str,
    new: str | None,
    kinds: Sequence[Kind],
    standing: Standing,
) -> int:
    """Where it is enough to know where runs stand they are asked by kind; those of which that is not known, one by one."""
    few = sum(kind.count for kind in kinds) <= _FEW
    others: set[str | None] = set()
    for kind in kinds:
        steps = standing(kind)
        if steps is None:
            others.add(kind.revision)
            continue

        def ids(limit: int, kind: Kind = kind) -> list[str]:
            return fleet.examples(kind, limit) if few and kind.count > 1 else [kind.example]

        resolver.add_alike(steps, kind.count, ids)
        guard.add_alike(steps, kind.count, ids)
    others.discard(new)
    asked = sum(_read(fleet, resolver, guard, old, new, RunFilter(revision=name)) for name in others if name)
    if None in others or fleet.untagged():
        asked += _read(fleet, resolver, guard, old, new, RunFilter(unstamped=True))
    return asked


def _read(fleet: Asked, resolver: Resolver, guard: Guard, old: str, new: str | None, where: RunFilter) -> int:
    """Ask runs one by one: each at the old version, or brought up to it in memory, or at the new one; or why it is none of these."""
    asked = 0
    for rows in fleet.iterate(where):
        for row in rows:
            asked += 1
            try:
                if new is not None and row.revision == new:
                    resolver.add_written(row.run_id, fleet.document(row))
                    continue
                there = row.revision == old
                document = fleet.document(row) if there else fleet.bring(row, old, record=None).document
            except StoreError:
                raise
            except StatemigError as error:
                resolver.unknown(row.run_id, row.revision, error.message)
                continue
            resolver.add(row.run_id, document)
            guard.add(row.run_id, document)
    return asked


def _standing(migrator: Migrator, old: str) -> Standing:
    """Gives the steps at which runs of a kind would stand at the old version; None where the scripts on the way there do more to a cursor
    than give steps other names, and where there is no way."""
    ways: dict[str | None, list[tuple[str, str]] | None] = {old: [], None: None}

    def renames(revision: str) -> list[tuple[str, str]] | None:
        if revision not in migrator.known or not migrator.leads(revision, old):
            return None
        found = []
        for name in migrator.path(revision, old):
            for operation in migrator.revision(name).operations:
                if isinstance(operation, RenameStep):
                    found.append((operation.old, operation.to))
                elif isinstance(operation, Requeue) or (
                    type(operation).flow_after is not Operation.flow_after
                    and not isinstance(operation, AddStep)
                ):
                    return None
        return found

    def standing(kind: Kind) -> tuple[str, ...] | None:
        revision = kind.revision
        if revision not in ways:
            ways[revision] = renames(revision or "")
        way = ways[revision]
        if way is None:
            return None
        steps = kind.steps
        for was, now in way:
            steps = tuple(now if step == was else step for step in steps)
        return steps

    return standing


def _touched(changes: Changes, kinds: Iterable[Kind], standing: Standing) -> Changes:
    """How many runs each change is about, as far as counting says it: where it is not known where a run would stand it is counted, as it
    is where a part of the state may be absent."""
    if changes.old is None:
        return changes
    places = [(kind.count, standing(kind)) for kind in kinds]
    total = sum(count for count, _ in places)
    open_ones = sum(count for count, at in places if at is None)
    items = []
    for change in changes:
        steps, place = steps_of(change, changes.old), place_of(change)
        if steps is not None:
            there = sum(count for count, at in places if at is not None and not steps.isdisjoint(at))
            change = replace(change, touches=there + open_ones, at_most=open_ones > 0)
        elif place is not None:
            change = replace(
                change, touches=total, at_most=total > 0 and not is_everywhere(place, changes.old)
            )
        items.append(change)
    return replace(changes, items=tuple(items))


def _advice(change: Change, waiting: bool) -> Advice:
    if change.change_class in ("none", "prompt"):
        return Advice("deploy", "what is stored stays as it is")
    if change.change_class == "additive":
        return Advice("migrate", "the new version reads what is stored")
    if change.touches == 0:
        return Advice("migrate", "no live run is concerned")
    if change.operation != NO_OPERATION and change.reason is None:
        return Advice("migrate", f"with {change.operation} in the script; rehearse it")
    why = change.reason or "no operation makes the one of the other"
    if waiting:
        return Advice("route", f"{why}, and some of the runs wait, which may take long")
    return Advice("drain", f"{why}, and the runs are under way")
