"""The reader/writer window: opened before workers of a new version come, closed when those of the old one are gone.

While it is open, what becomes of a run that a worker of the new version has follows, for each revision that runs have, from the change
class of the way and from the proof of the way down:

=========  ===========================================================================================================
in place   it is written in the new version: what is stored does not change (no change, prompts only), or every living
           worker of the old version brings it down by itself
in memory  it is written back through the way down, which is proved; what the old version has no place for is kept
           beside it
pin        it is left to workers of its version: the way down is not proved, or there is none
=========  ===========================================================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Protocol

from statemig.deploy.classes import below, classes_to
from statemig.deploy.router import Router
from statemig.errors import DeployError, StatemigError
from statemig.migrator import Migrator
from statemig.proof.prove import prove_revision
from statemig.store.deploy_records import Mode, Rollout, Worker
from statemig.store.protocols import Counted, StoredRun


class Deployed(Counted, Protocol):
    """A fleet whose runs can also be looked up one by one."""

    def row(self, run_id: str) -> StoredRun: ...


@dataclass(frozen=True, slots=True)
class WindowStatus:
    """The window, the runs in flight by revision, who lives, and what keeps it from being closed."""

    rollout: Rollout | None
    preferred: str | None
    runs: dict[str | None, int]
    workers: tuple[Worker, ...]
    blockers: tuple[str, ...]


def start(fleet: Deployed, new: str, *, old: str | None = None, in_memory: bool = True) -> Rollout:
    """Open the window between the version that is preferred now (or `old`) and a new one.

    The old one stays preferred: runs move when `Router.prefer` says so. Said again for the same version it looks anew at what lives.

    Args:
        in_memory: whether the store can keep what the old version has no place for beside a run. A checkpointer can not.

    Raises:
        DeployError: another deploy is open, or the new version does not follow from the old.
    """
    migrator, deploy = fleet.migrator, fleet.deploy
    target = migrator.resolve(new)
    present = deploy.rollout()
    if present is not None and present.open and present.new != target:
        raise DeployError(
            f"the deploy of {present.new} is open",
            workflow=fleet.workflow,
            revision=target,
            hint="Finish it with `statemig deploy complete` first",
        )
    again = present is not None and present.open
    source = present.old if again and present is not None and old is None else _old(fleet, target, old)
    if source == target or not migrator.leads(source, target):
        raise DeployError(
            f"revision {target} does not follow from {source}",
            workflow=fleet.workflow,
            hint="Name a newer revision, or say which one is old: --from REV",
        )
    shapes = {
        source,
        *(kind.revision for kind in fleet.kinds()),
        *(each.revision for each in deploy.workers()),
    }
    shapes_below = [name for name in below(migrator, target) if name in shapes]
    modes, reasons = modes_of(migrator, target, shapes_below, deploy.workers(), in_memory=in_memory)
    now = fleet.clock()
    window = Rollout(
        old=source,
        new=target,
        stage=present.stage if again and present is not None else "started",
        oldest_readable=min([source, *shapes_below], key=migrator.version),
        newest_writable=source,
        modes=modes,
        reasons=reasons,
        details=present.details if again and present is not None else {},
        started_at=present.started_at if again and present is not None else now,
        version=0 if present is None else present.version,
    )
    written = deploy.put_rollout(window)
    if deploy.preferred() is None:
        Router(fleet).prefer(source)
    return written


def complete(fleet: Deployed, *, force: bool = False) -> Rollout:
    """Close the window: the new version is preferred, and everything is written in it. Idempotent.

    Raises:
        DeployError: no deploy was started; or workers live that can not read the new version (`problems` lists them), unless `force`.
    """
    present = fleet.deploy.rollout()
    if present is None or present.stage == "aborted":
        raise DeployError(
            "no deploy is open", workflow=fleet.workflow, hint="Open one with `statemig deploy start REV`"
        )
    if present.stage == "completed":
        return present
    blockers = _blockers(present, fleet.deploy.workers())
    if blockers and not force:
        raise DeployError(
            f"{len(blockers)} living worker{'' if len(blockers) == 1 else 's'} can not read what would be written: {'; '.join(blockers)}",
            problems=blockers,
            workflow=fleet.workflow,
            revision=present.new,
            hint="Stop them, or say --force: their runs are then left to workers of the new version",
        )
    known = [kind.revision for kind in fleet.kinds() if kind.revision in fleet.migrator.known]
    oldest = min([present.new, *(name for name in known if name is not None)], key=fleet.migrator.version)
    closed = replace(
        present, stage="completed", oldest_readable=oldest, newest_writable=present.new, modes={}, reasons={}
    )
    Router(fleet).prefer(present.new)
    return fleet.deploy.put_rollout(closed)


def status(fleet: Counted) -> WindowStatus:
    """How far a deploy is."""
    runs: dict[str | None, int] = {}
    for kind in fleet.kinds():
        runs[kind.revision] = runs.get(kind.revision, 0) + kind.count
    rollout, workers = fleet.deploy.rollout(), fleet.deploy.workers()
    preferred = fleet.deploy.preferred()
    blockers = _blockers(rollout, workers) if rollout is not None and rollout.open else []
    return WindowStatus(
        rollout, None if preferred is None else preferred[0], runs, tuple(workers), tuple(blockers)
    )


def modes_of(
    migrator: Migrator, new: str, shapes: Iterable[str], workers: Iterable[Worker], *, in_memory: bool = True
) -> tuple[dict[str, Mode], dict[str, str]]:
    """For each older revision, what becomes of its runs under a worker of `new`, and why."""
    shapes = list(shapes)
    classes = classes_to(migrator, new, shapes)
    unproved: dict[str, str | None] = {}
    others = [each for each in workers if each.revision != new]
    modes: dict[str, Mode] = {}
    reasons: dict[str, str] = {}
    for shape in shapes:
        doubts = (_doubt(migrator, name, unproved) for name in migrator.path(shape, new))
        doubt = None if classes[shape] in ("none", "prompt") else next((one for one in doubts if one), None)
        if classes[shape] in ("none", "prompt"):
            modes[shape] = "in place"
            reasons[shape] = f"what is stored stays as it is ({classes[shape]})"
        elif doubt is not None:
            modes[shape], reasons[shape] = "pin", doubt
        elif others and all(new in each.reads for each in others):
            modes[shape] = "in place"
            reasons[shape] = "the way down is proved, and every living worker brings it down by itself"
        elif in_memory:
            modes[shape] = "in memory"
            reasons[shape] = "the way down is proved"
        else:
            modes[shape] = "pin"
            reasons[shape] = "this store has no place beside a run for what the old version does not know"
    return modes, reasons


def _doubt(migrator: Migrator, revision: str, found: dict[str, str | None]) -> str | None:
    """Why nobody can be sure of the way down over a revision; None where it is proved."""
    if revision not in found:
        try:
            down = prove_revision(migrator.revision(revision), migrator.snapshot).down
        except StatemigError as error:
            found[revision] = f"the script of {revision} can not be followed: {error.message}"
        else:
            said = f": {down.findings[0].message}" if down.findings else ""
            found[revision] = (
                None if down.verdict == "proved" else f"the way down over {revision} is {down.verdict}{said}"
            )
    return found[revision]


def _old(fleet: Deployed, target: str, given: str | None) -> str:
    migrator = fleet.migrator
    if given is not None:
        return migrator.resolve(given)
    preferred = fleet.deploy.preferred()
    if preferred is not None and preferred[0] != target:
        return preferred[0]
    candidates = below(migrator, target)
    live = {each.revision for each in fleet.deploy.workers()} | {kind.revision for kind in fleet.kinds()}
    found = [name for name in candidates if name in live] or candidates
    if not found:
        raise DeployError(
            "there is no version before this one",
            workflow=fleet.workflow,
            revision=target,
            hint="A first version needs no deploy: start its workers",
        )
    return found[-1]


def _blockers(rollout: Rollout, workers: Iterable[Worker]) -> list[str]:
    return [
        f"worker {each.name} runs {each.revision}"
        for each in workers
        if each.revision != rollout.new and rollout.new not in each.reads
    ]
