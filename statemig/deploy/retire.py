"""Retiring a version: when nothing needs it any more it is refused from then on, and what was kept for the way back to it is erased.

Its script and its snapshot stay: runs of older versions, ended ones among them, still come up through them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from statemig.errors import DeployError
from statemig.migrator import Migrator
from statemig.store.deploy_records import Kind, Unknown
from statemig.store.deploy_routing import RunFacts, View
from statemig.store.deploy_view import facts_of, read_view
from statemig.store.protocols import Counted, FleetStore, Forgotten, RunFilter

Need = Literal[
    "running",
    "queued",
    "approval",
    "timer",
    "event",
    "routed",
    "pin",
    "policy",
    "preferred",
    "head",
    "window",
    "worker",
    "unknown",
]
_WAITS: Final[dict[str | None, Need]] = {"human": "approval", "timer": "timer"}
_EXAMPLES: Final = 3


@dataclass(frozen=True, slots=True)
class Blocker:
    """Something that needs a version. `count` of what `what` says; `examples` are ids of runs, or names of workers."""

    revision: str
    need: Need
    count: int | Unknown
    what: str
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        named = f"{self.need} of {self.revision}"
        if isinstance(self.count, Unknown):
            return f"{named}: {self.what}: {self.count}"
        shown = f", for example {', '.join(self.examples)}" if self.examples else ""
        return f"{named}: {self.count:,} {self.what}{shown}"


@dataclass(frozen=True, slots=True)
class Retirement:
    """`revisions` are retired (with ``dry_run``: would be). `forgotten` is what was erased; `kept_for` are older versions that are not
    retired: what leads back to them was kept."""

    revisions: tuple[str, ...]
    forgotten: Forgotten | Unknown
    kept_for: tuple[str, ...]
    dry_run: bool = False


def retire(fleet: FleetStore, revision: str, *, below: bool = False, dry_run: bool = False) -> Retirement:
    """Retire a version, with `below` every older one, too. Said again it erases what was left to erase.

    Raises:
        DeployError: something needs one of them; `problems` lists all of it, and nothing was written.
    """
    names = chosen(fleet.migrator, revision, below=below)
    _refuse(fleet, blockers(fleet, names))
    before = fleet.deploy.retired()
    if not dry_run:
        # First the mark, then another look: what came in between is seen by the one or stopped by the other.
        fresh = [name for name in names if name not in before]
        for name in fresh:
            fleet.deploy.retire(name)
        try:
            _refuse(fleet, blockers(fleet, fresh))
        except DeployError:
            for name in fresh:
                fleet.deploy.unretire(name)
            raise
        for name in names:
            fleet.deploy.end_drain(name)
    gone = {*before, *names}
    return Retirement(
        tuple(names),
        fleet.forget(_way_back(fleet.migrator, gone), gone, dry_run=dry_run),
        tuple(_remembered(fleet.migrator, names, gone)),
        dry_run,
    )


def unretire(fleet: Counted, revision: str) -> bool:
    """Let a version be run again; what was erased stays erased. Returns whether it was retired."""
    return fleet.deploy.unretire(fleet.migrator.resolve(revision))


def chosen(migrator: Migrator, revision: str, *, below: bool = False) -> list[str]:
    """The full id, with `below` those of all older versions before it."""
    target = migrator.resolve(revision)
    if not below:
        return [target]
    names = (name for name in migrator.known if name == target or migrator.leads(name, target))
    return sorted(names, key=lambda name: (migrator.version(name), name))


def blockers(fleet: Counted, revisions: Sequence[str]) -> list[Blocker]:
    """Everything that needs one of these versions, the runs first."""
    deploy = fleet.deploy
    kinds, view = fleet.kinds(), read_view(deploy)
    found: list[Blocker] = []
    for revision in revisions:
        found += _runs_at(fleet, kinds, revision)
        found += _routed_to(fleet, kinds, view, revision)
        found += _pinned_to(fleet, kinds, view, revision)
        found += _said_of(view, revision, fleet.migrator.head)
    if revisions:
        found += _nameless(fleet, kinds, revisions[-1])
    return found


def _refuse(fleet: Counted, found: Sequence[Blocker]) -> None:
    if found:
        problems = [str(each) for each in found]
        raise DeployError(
            f"it is needed: {'; '.join(problems)}",
            problems=problems,
            workflow=fleet.workflow,
            hint="Nothing was written",
        )


def _runs_at(fleet: Counted, kinds: Iterable[Kind], revision: str) -> Iterator[Blocker]:
    """A run on two branches is listed at each, for each has to end."""
    grouped: dict[tuple[Need, str], list[Kind]] = {}
    for kind in kinds:
        if kind.revision == revision:
            for need, what in dict.fromkeys(_place(kind)):
                grouped.setdefault((need, what), []).append(kind)
    for (need, what), group in grouped.items():
        yield Blocker(revision, need, sum(kind.count for kind in group), what, _examples(fleet, group))


def _place(kind: Kind) -> Iterator[tuple[Need, str]]:
    for step, status, on in kind.places or ((None, "ready", None),):
        at = "at no step" if step is None else f"at {step}"
        if status == "waiting":
            yield _WAITS.get(on, "event"), f"waiting for a {on} {at}"
        elif status == "running":
            yield "running", f"in a worker's hands {at}"
        else:
            yield "queued", f"ready {at}"


def _routed_to(fleet: Counted, kinds: Iterable[Kind], view: View, revision: str) -> Iterator[Blocker]:
    """Runs of another shape that policy leaves to this version all the same."""
    group = [
        kind
        for kind in kinds
        if kind.revision != revision
        and kind.pinned_revision is None
        and _first(view, _facts(kind)) == revision
    ]
    if group:
        yield Blocker(
            revision,
            "routed",
            sum(kind.count for kind in group),
            "left to it by a policy",
            _examples(fleet, group),
        )
    named = [each.target for each in view.policies if each.scope == "run" and each.strategy != "migrate"]
    if named:
        rows = [row for batch in fleet.iterate(RunFilter(run_ids=named)) for row in batch]
        ids = [
            row.run_id for row in rows if row.revision != revision and _first(view, facts_of(row)) == revision
        ]
        if ids:
            yield Blocker(
                revision, "routed", len(ids), "left to it by a policy of its own", tuple(ids[:_EXAMPLES])
            )


def _first(view: View, run: RunFacts) -> str | None:
    wanted = view.wanted(run)
    return wanted.revisions[0] if wanted.revisions and wanted.rule not in ("preferred", "pin") else None


def _facts(kind: Kind) -> RunFacts:
    return RunFacts("", kind.revision, kind.started_revision, kind.pinned_revision, kind.steps, kind.canary)


def _pinned_to(fleet: Counted, kinds: Iterable[Kind], view: View, revision: str) -> Iterator[Blocker]:
    group = [kind for kind in kinds if kind.pinned_revision == revision]
    if group:
        yield Blocker(
            revision, "pin", sum(kind.count for kind in group), "pinned to it", _examples(fleet, group)
        )
    beside = sorted(run_id for run_id, to in (view.pins or {}).items() if to == revision)
    if beside:
        yield Blocker(revision, "pin", len(beside), "pinned to it", tuple(beside[:_EXAMPLES]))


def _said_of(view: View, revision: str, head: str) -> Iterator[Blocker]:
    for policy in view.policies:
        if policy.revision == revision:
            name = " ".join(part for part in (policy.scope, policy.target) if part)
            yield Blocker(revision, "policy", 1, f"policy for {name} leads runs to it")
    if view.preferred == revision:
        yield Blocker(revision, "preferred", 1, "preference: new runs start on it")
    if view.preferred is None and revision == head:
        yield Blocker(revision, "head", 1, "newest version, and none is preferred: new runs start on it")
    rollout = view.rollout
    if (
        rollout is not None
        and rollout.open
        and revision in (rollout.old, rollout.new, rollout.newest_writable)
    ):
        yield Blocker(revision, "window", 1, f"deploy from {rollout.old} to {rollout.new} is open")
    names = sorted({each.name for each in view.workers if each.revision == revision})
    if names:
        yield Blocker(revision, "worker", len(names), "living and running it", tuple(names[:_EXAMPLES]))


def _nameless(fleet: Counted, kinds: Iterable[Kind], revision: str) -> Iterator[Blocker]:
    """Runs that do not say which version they have may have this one."""
    untagged = fleet.untagged()
    if isinstance(untagged, Unknown):
        yield Blocker(revision, "unknown", untagged, "runs without a stamp")
        return
    count = untagged + sum(kind.count for kind in kinds if kind.revision is None)
    if count:
        yield Blocker(revision, "unknown", count, "not saying which version they have; stamp them")


def _examples(fleet: Counted, group: Iterable[Kind]) -> tuple[str, ...]:
    found: list[str] = []
    for kind in group:
        if len(found) < _EXAMPLES:
            found += fleet.examples(kind, _EXAMPLES - len(found))
    return tuple(found)


def _way_back(migrator: Migrator, gone: set[str]) -> dict[str, set[str]]:
    """The revisions below which every version is retired, each with itself and those that stand on it."""
    found: dict[str, set[str]] = {}
    for name in migrator.known:
        lower = {other for other in migrator.known if other != name and migrator.leads(other, name)}
        if lower and lower <= gone:
            found[name] = {other for other in migrator.known if other == name or migrator.leads(name, other)}
    return found


def _remembered(migrator: Migrator, names: Iterable[str], gone: set[str]) -> list[str]:
    """Older versions that are not retired."""
    names = list(names)
    older = {
        other for name in names for other in migrator.known if other != name and migrator.leads(other, name)
    }
    return sorted(older - gone, key=lambda name: (migrator.version(name), name))


def as_json(found: Sequence[Blocker]) -> list[dict[str, Any]]:
    """Plain JSON; a figure that is not known is the text that says why."""
    return [
        {**asdict(each), "count": str(each.count) if isinstance(each.count, Unknown) else each.count}
        for each in found
    ]
