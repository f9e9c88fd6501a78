"""Which runs are in flight: by version, step and status, how old, of what tag nobody knows, and which no living worker can take.

One aggregate query over the runs; everything else is decided on the kinds of runs that come out of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from statemig.errors import ConfigError
from statemig.migrator import Migrator
from statemig.store.deploy_records import Kind, Unknown
from statemig.store.deploy_routing import Decision, RunFacts, View
from statemig.store.deploy_view import facts_of, read_view
from statemig.store.protocols import Counted, RunFilter

#: by what runs can be counted and chosen
FIELDS: Final = ("version", "revision", "step", "status", "on", "started", "pinned")
_PLACE: Final = frozenset({"step", "status", "on"})


@dataclass(frozen=True, slots=True)
class Line:
    """Runs that agree in what was asked for (`key`). A run on two branches is in the line of each, where they differ in it.

    `oldest` is when the first of them started, `since` when the first of them was last written, in seconds since the epoch.
    """

    key: Mapping[str, Any]
    count: int
    oldest: float
    since: float


@dataclass(frozen=True, slots=True)
class Zombies:
    """Runs alike that no living worker can take. `wanted` is the version whose worker could; None: any that reads `revision`. `need` says
    it, and why a pin can not be kept."""

    revision: str | None
    steps: tuple[str, ...]
    count: int
    wanted: str | None
    why: str
    examples: tuple[str, ...]
    need: str = ""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The runs of a workflow that are in flight. `unknown_tag` counts those whose revision nobody here knows, or that have none.
    `retired` are the versions that were retired, and when."""

    workflow: str
    at: float
    by: tuple[str, ...]
    lines: tuple[Line, ...]
    runs: int
    unknown_tag: int | Unknown
    unknown_tags: Mapping[str, int]
    zombies: int | Unknown
    zombie_kinds: tuple[Zombies, ...]
    retired: Mapping[str, float] = field(default_factory=dict)


def take(
    fleet: Counted,
    by: Sequence[str] = ("version", "step", "status", "on"),
    where: Mapping[str, str] | None = None,
) -> Inventory:
    """Count the runs in flight. `where` chooses by equality: ``{"step": "approve", "version": "3"}``.

    Raises:
        ConfigError: `by` or `where` names no field.
    """
    for name in (*by, *(where or ())):
        if name not in FIELDS:
            raise ConfigError(
                f"runs can not be counted by {name!r}", hint=f"By {', '.join(FIELDS)}, separated by commas"
            )
    kinds = [kind for kind in fleet.kinds() if _fits(fleet, kind, where or {})]
    untagged = fleet.untagged() if not where or set(where) <= {"revision"} else 0
    tags: dict[str, int] = {}
    for kind in kinds:
        if kind.revision is None or kind.revision not in fleet.migrator.known:
            tag = kind.revision or "none"
            tags[tag] = tags.get(tag, 0) + kind.count
    unknown: int | Unknown = sum(tags.values())
    if isinstance(untagged, Unknown):
        unknown = untagged
    elif untagged:
        unknown = sum(tags.values()) + untagged
        tags["never written by statemig"] = untagged
    count, found = _zombies(fleet, kinds)
    return Inventory(
        fleet.workflow,
        fleet.clock(),
        tuple(by),
        tuple(_lines(fleet, kinds, by, where or {})),
        sum(kind.count for kind in kinds),
        unknown,
        tags,
        count,
        tuple(found),
        fleet.deploy.retired(),
    )


def _keys(fleet: Counted, kind: Kind) -> list[dict[str, Any]]:
    """What a kind is in every field, once for each of its places."""
    version = fleet.migrator.version(kind.revision) if kind.revision in fleet.migrator.known else None
    common = {
        "version": version,
        "revision": kind.revision,
        "started": kind.started_revision,
        "pinned": kind.pinned_revision,
    }
    places = kind.places or ((None, "ready", None),)
    return [{**common, "step": step, "status": status, "on": on} for step, status, on in places]


def _matches(key: Mapping[str, Any], where: Mapping[str, str]) -> bool:
    return all(
        str(key[name]) == value or (key[name] is None and value == "") for name, value in where.items()
    )


def _fits(fleet: Counted, kind: Kind, where: Mapping[str, str]) -> bool:
    return any(_matches(key, where) for key in _keys(fleet, kind))


def _lines(fleet: Counted, kinds: Iterable[Kind], by: Sequence[str], where: Mapping[str, str]) -> list[Line]:
    found: dict[tuple[Any, ...], Line] = {}
    for kind in kinds:
        keys = {tuple(key[name] for name in by) for key in _keys(fleet, kind) if _matches(key, where)}
        for key in keys:
            line = found.get(key)
            found[key] = Line(
                dict(zip(by, key, strict=True)),
                kind.count + (line.count if line else 0),
                min(kind.oldest, line.oldest) if line else kind.oldest,
                min(kind.since, line.since) if line else kind.since,
            )
    return [found[key] for key in sorted(found, key=_order)]


def _order(key: tuple[Any, ...]) -> list[tuple[bool, int, str]]:
    """Newest version first, then by name; what is not known comes last."""
    return [
        (part is None, -part if isinstance(part, int) else 0, "" if part is None else str(part))
        for part in key
    ]


def _zombies(fleet: Counted, kinds: Sequence[Kind]) -> tuple[int | Unknown, list[Zombies]]:
    if not kinds:
        return 0, []
    if not fleet.deploy.workers(gone=True):
        return Unknown("no worker has said yet what it can run"), []
    view = read_view(fleet.deploy)
    stuck = [kind for kind in kinds if not kind.leased and _decide(view, kind).zombie]
    special = _decided_by_name(fleet, view)
    count = sum(kind.count for kind in stuck) + sum(after - before for before, after in special.values())
    found = []
    for kind in sorted(stuck, key=lambda each: -each.count):
        decision = _decide(view, kind)
        examples: tuple[str, ...] = (kind.example,)
        if kind.example in special:  # it may be the one that is not stuck; looking for others costs a scan
            examples = tuple(
                run_id
                for run_id in fleet.examples(kind)
                if special.get(run_id, (True, True)) != (True, False)
            )
        wanted, need = needed(fleet.migrator, decision, kind.revision)
        found.append(Zombies(kind.revision, kind.steps, kind.count, wanted, decision.why, examples, need))
    for run_id, (before, after) in special.items():
        if after and not before:
            need = "a worker of the version it is to have is needed"
            found.append(Zombies(None, (), 1, None, "by the policy for this run", (run_id,), need))
    return count, found


def needed(migrator: Migrator, decision: Decision, revision: str | None) -> tuple[str | None, str]:
    """The version whose worker could take runs of a revision that nobody takes (None: any that reads them), and a sentence about it. A
    worker of an older version than they have is never the one, whatever is wanted."""
    wanted = decision.revision
    if wanted is None:
        return None, f"a worker that reads {revision or 'runs without a tag'} is needed"
    if revision is not None and revision not in migrator.known:
        return None, f"a worker whose code knows {revision} is needed"
    if wanted not in migrator.known or wanted == revision or migrator.leads(revision or "", wanted):
        return wanted, f"a worker of {wanted} is needed"
    if decision.rule == "pin":
        return (
            None,
            f"no worker of {wanted} can read {revision}: unpin them, or bring them back with `statemig downgrade`",
        )
    return revision, f"a worker of {revision} is needed, for none of {wanted} can read it"


def _decide(view: View, kind: Kind) -> Decision:
    facts = RunFacts("", kind.revision, kind.started_revision, kind.pinned_revision, kind.steps, kind.canary)
    return view.decide(facts)


def _decided_by_name(fleet: Counted, view: View) -> dict[str, tuple[bool, bool]]:
    """Runs that a policy names: whether their kind is stuck, and whether they are."""
    named = sorted({each.target for each in view.policies if each.scope == "run"} | set(view.pins or ()))
    if not named:
        return {}
    found: dict[str, tuple[bool, bool]] = {}
    now = fleet.clock()
    for batch in fleet.iterate(RunFilter(run_ids=named)):
        for row in batch:
            if row.leased(now):
                continue
            facts = facts_of(row)
            nameless = replace(facts, run_id="")
            found[row.run_id] = view.decide(nameless).zombie, view.decide(facts).zombie
    return found
