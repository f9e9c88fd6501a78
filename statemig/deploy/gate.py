"""The deployment checklist, ticked: from the inventory, the difference, the scripts, and a rehearsal. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from statemig.autogenerate.change import Changes
from statemig.autogenerate.compare import diff
from statemig.deploy import gate_items as items
from statemig.deploy.checklist import Checklist, Item
from statemig.deploy.classes import below
from statemig.deploy.impact import Advice, Impact, take_impact
from statemig.errors import OperationError, StatemigError
from statemig.fleet.rehearsal import Rehearsal, Tally
from statemig.fleet.rehearse import Progress, rehearse
from statemig.fleet.resume import Step
from statemig.migrator import Migrator
from statemig.operations.fields import RenameField
from statemig.operations.steps import RenameStep
from statemig.store.protocols import FleetStore
from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Gate:
    """The checklist with what it was made of. `old` is the version that runs now; None before the first deploy."""

    checklist: Checklist
    old: str | None
    new: str
    impact: Impact
    rehearsal: Rehearsal

    @property
    def verdict(self) -> str:
        """ "open", "closed" or "unknown"."""
        return self.checklist.verdict

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            **self.checklist.to_dict(),
            "old": self.old,
            "new": self.new,
            "change_class": self.impact.changes.change_class,
            "rehearsal": self.rehearsal.to_dict(),
        }


def gate(
    fleet: FleetStore,
    new: str = "head",
    *,
    old: str | None = None,
    changes: Changes | None = None,
    evidence: Iterable[Item] = (),
    sample: int | None = None,
    workers: int | None = None,
    steps: Mapping[str, Step] | None = None,
    progress: Progress | None = None,
    staging: bool = False,
) -> Gate:
    """Go through the checklist before a revision is deployed.

    Args:
        old: the version that runs now; the preferred one unless told, else the newest below `new` that a live run or worker has.
        changes: what is to be taken for the difference, where some of it is to be ignored.
        evidence: what was checked elsewhere (the files of the revisions, the code).
        sample, workers, steps, progress: of the rehearsal.
        staging: this is the staging store.

    Raises what concerns all runs, such as a revision that there is not.
    """
    migrator = fleet.migrator
    target = migrator.resolve(new)
    source = running(fleet, target) if old is None else migrator.resolve(old)
    compared = difference(migrator, source, target) if changes is None else changes
    impact = _untouched(compared) if source is None else take_impact(fleet, compared, source, target)
    try:
        rehearsal = rehearse(fleet, target, sample=sample, workers=workers, steps=steps, progress=progress)
        tried: Rehearsal | StatemigError = rehearsal
    except (
        OperationError
    ) as error:  # a script that can not be right: nothing can be tried, and the checklist says why
        tried = error
        rehearsal = _nothing(fleet, target)
    listed = [
        items.inventory(fleet),
        items.classified(impact, source),
        items.prompts(impact),
        items.strategies(fleet, impact, source, target),
        items.additive(migrator, source, target),
        *evidence,
        items.proved(migrator, source, target, tried),
        items.rehearsed(migrator, tried),
        *items.to_come(fleet, source, target, staging, rehearsal.runs),
    ]
    title = f"Deploying {fleet.workflow}: {items.named(migrator, source)} to {items.named(migrator, target)}"
    return Gate(Checklist(fleet.workflow, title, tuple(listed)), source, target, impact, rehearsal)


def running(fleet: FleetStore, target: str) -> str | None:
    """The version that runs now; None where there is none below the target."""
    preferred = fleet.deploy.preferred()
    if preferred is not None and preferred[0] != target and preferred[0] in fleet.migrator.known:
        return preferred[0]
    candidates = below(fleet.migrator, target)
    live = {each.revision for each in fleet.deploy.workers()} | {kind.revision for kind in fleet.kinds()}
    found = [name for name in candidates if name in live] or candidates
    return found[-1] if found else None


def difference(migrator: Migrator, old: str | None, new: str) -> Changes:
    """What changed between two frozen versions; names that the script on the way there gives are taken from it."""
    after = migrator.snapshot(new) or Snapshot.empty(migrator.workflow)
    before = None if old is None else migrator.snapshot(old)
    if old is None or before is None:
        return diff(Snapshot.empty(migrator.workflow), after)
    path = migrator.path(old, new)
    renames = _renames(migrator, path[0]) if len(path) == 1 else {}
    earlier = (migrator.snapshot(name) for name in below(migrator, old))
    history = tuple(each for each in earlier if each is not None)
    try:
        return diff(before, after, renames, history)
    except OperationError:  # a rename of what another operation of the script has made
        return diff(before, after, history=history)


def _renames(migrator: Migrator, revision: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for operation in migrator.revision(revision).operations:
        if isinstance(operation, RenameField):
            found[str(operation.path)] = operation.to
        elif isinstance(operation, RenameStep):
            found[f"steps.{operation.old}"] = operation.to
    return found


def _untouched(changes: Changes) -> Impact:
    first = Advice("deploy", "there is no older version")
    return Impact(changes, 0, 0, 0, 0, (first,) * len(changes), first)


def _nothing(fleet: FleetStore, target: str) -> Rehearsal:
    return Rehearsal.of(Tally(), workflow=fleet.workflow, to=target, total=None, sampled=False, workers=0)
