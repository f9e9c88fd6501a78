"""Undoing a deploy: new runs start on the old version again, and every run that was upgraded is brought back, or stays with the new one.

Each run goes one of three ways, the first that is open to it:

==========  ==========================================================================================================
patched     its upgrade was written alone and the document is still that upgrade's: the recorded reverse patch
downgraded  the scripts' way down, with the run's complement: what the upgrade took out is put back, and what the new
            version has added is kept for the day it comes again
pinned      there is no way back for it, and it stays with workers of the new version
==========  ==========================================================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from statemig.deploy.router import Router
from statemig.errors import (
    ConflictError,
    DeployError,
    MigrationPinned,
    NewerRevisionError,
    RevisionError,
    StatemigError,
    UnknownRevisionError,
)
from statemig.migrator import Migrator
from statemig.store.deploy_records import Policy, Rollout
from statemig.store.deploy_store import batches
from statemig.store.protocols import Failure, FleetStore, Moved, RunFilter, StoredRun

_BATCH: Final = 200
#: how often the runs are gone through: workers that had not heard of it yet may have upgraded one more
_PASSES: Final = 3
_TRIES: Final = 10


@dataclass(slots=True)
class Aborted:
    """What became of the runs; each unfinished one is in exactly one count, and is brought back in that of the abort which wrote it.

    `stayed` had never left the old version, or are back already, if another abort has brought them. `patched`, `downgraded` and `pinned`
    were started on the old version or one below; those that were started on a newer one are counted apart. `leased` are left for the
    worker that holds them and `changed` were written by somebody else meanwhile: abort again. `foreign` are of a revision that is not
    known here. `failures` says of each pinned and foreign run why it can not go back. With ``dry_run`` everything says what would be.
    """

    old: str
    new: str
    dry_run: bool
    stayed: int = 0
    patched: int = 0
    downgraded: int = 0
    pinned: int = 0
    started_downgraded: int = 0
    started_pinned: int = 0
    leased: int = 0
    changed: int = 0
    foreign: int = 0
    failures: list[Failure] = field(default_factory=list)
    policies: tuple[Policy, ...] = ()
    drain_ended: bool = False
    old_workers: int = 0

    @property
    def back(self) -> int:
        """Runs that were brought back now."""
        return self.patched + self.downgraded + self.started_downgraded

    @property
    def seen(self) -> int:
        """Runs of newer versions that were looked at."""
        kept = self.pinned + self.started_pinned
        return self.back + kept + self.leased + self.changed + self.foreign

    @property
    def complete(self) -> bool:
        """Whether no run is left on a newer version."""
        return self.seen == self.back


Progress = Callable[[Aborted], None]


def abort(
    fleet: FleetStore,
    *,
    to: str | None = None,
    dry_run: bool = False,
    batch: int = _BATCH,
    progress: Progress | None = None,
) -> Aborted:
    """Undo the deploy that is open, or was aborted before; with `to`, go back to that version whatever was deployed since.

    The old version is preferred first, so that workers of the new one take no more runs along; its drain ends, and policies that lead runs
    to newer versions are dropped. Then the window is closed ("aborted", which ends a canary, too), and the runs are gone through. Said
    again it goes on with what was left; where nothing is left it writes nothing.

    Args:
        batch: runs per transaction.
        progress: called after each batch.

    Raises:
        DeployError: no deploy is open and `to` is not given, no newer version follows from `to`, or the old one was retired.
    """
    deploy = fleet.deploy
    present = deploy.rollout()
    old, new = _ends(fleet, present, to)
    if old in deploy.retired():
        raise DeployError(
            "the version to go back to was retired",
            workflow=fleet.workflow,
            revision=old,
            hint=f"Let it come back with `statemig retire {old} --undo`; what was kept for the way back is gone",
        )
    done = Aborted(old, new, dry_run)
    migrator = fleet.migrator
    done.policies = tuple(
        each
        for each in deploy.policies()
        if each.revision is not None and _is_newer(migrator, old, each.revision)
    )
    done.drain_ended = any(each.revision == old for each in deploy.drains())
    done.old_workers = sum(each.revision == old for each in deploy.workers())
    if not dry_run:
        _say(fleet, done)
    below = {name for name in migrator.known if name == old or migrator.leads(name, old)}
    done.stayed = _count_in(fleet, below)
    sweep = _Sweep(fleet, done)
    for number in range(1 if dry_run else _PASSES):
        done.changed = 0
        for rows in _newer(fleet, old, below, batch):
            sweep.bring_back(rows)
            if progress is not None:
                progress(done)
        if number > 0 and not done.changed:
            break
    if not dry_run:
        done.stayed = sweep.stayed(below)
    return done


def _count_in(fleet: FleetStore, revisions: set[str]) -> int:
    return sum(kind.count for kind in fleet.kinds() if kind.revision in revisions)


def _ends(fleet: FleetStore, present: Rollout | None, to: str | None) -> tuple[str, str]:
    """The version to go back to, and the one that is left."""
    migrator = fleet.migrator
    if to is None:
        if present is None or present.stage == "completed":
            said = "no deploy is open" if present is None else f"the deploy of {present.new} is complete"
            back = "REV" if present is None else present.old
            raise DeployError(
                said, workflow=fleet.workflow, hint=f"To go back all the same: `statemig abort --to {back}`"
            )
        return migrator.resolve(present.old), migrator.resolve(present.new)
    old = migrator.resolve(to)
    preferred = fleet.deploy.preferred()
    candidates = (
        None if present is None else present.new,
        None if preferred is None else preferred[0],
        migrator.head,
    )
    for new in candidates:
        if new is not None and new in migrator.known and _is_newer(migrator, old, new):
            return old, new
    raise DeployError(
        "no newer version follows from this one",
        workflow=fleet.workflow,
        revision=old,
        hint="Name the version that the runs are to go back to",
    )


def _is_newer(migrator: Migrator, old: str, revision: str) -> bool:
    return revision != old and revision in migrator.known and migrator.leads(old, revision)


def _say(fleet: FleetStore, done: Aborted) -> None:
    """Tell all workers. First what is preferred: between that and the end of the window nobody upgrades in place."""
    deploy = fleet.deploy
    preferred = deploy.preferred()
    if preferred is None or preferred[0] != done.old:
        Router(fleet).prefer(done.old)
    for policy in done.policies:
        deploy.drop_policy(policy.scope, policy.target)
    if done.drain_ended:
        deploy.end_drain(done.old)
    if any(kind.canary is not None for kind in fleet.kinds()) or deploy.canary_beside():
        deploy.empty_canary()
    for attempt in range(_TRIES):
        present = deploy.rollout()
        if present is not None and (present.old, present.new, present.stage) == (
            done.old,
            done.new,
            "aborted",
        ):
            return
        try:
            deploy.put_rollout(_closed(present, done, fleet.clock()))
        except ConflictError:
            if attempt == _TRIES - 1:
                raise
        else:
            return


def _closed(present: Rollout | None, done: Aborted, now: float) -> Rollout:
    if present is not None and present.new == done.new:
        # The modes stay: who has a run in hand that is stored in the old version writes it back as that.
        return replace(present, old=done.old, newest_writable=done.old, stage="aborted")
    version = 0 if present is None else present.version
    return Rollout(
        done.old,
        done.new,
        "aborted",
        oldest_readable=done.old,
        newest_writable=done.old,
        started_at=now,
        version=version,
    )


def _newer(fleet: FleetStore, old: str, below: set[str], batch: int) -> Iterator[list[StoredRun]]:
    """The unfinished runs that are not at the old version or below it, and those of which nobody knows."""
    migrator = fleet.migrator
    names = [name for name in migrator.known if _is_newer(migrator, old, name)]
    present = {kind.revision for kind in fleet.kinds()}
    foreign = sorted(name for name in present if name is not None and name not in below and name not in names)
    # The newest first: a run that a worker takes one version further meanwhile is seen at the next pass.
    for name in (*sorted(names, key=migrator.version, reverse=True), *foreign):
        yield from fleet.iterate(RunFilter(revision=name), batch=batch)
    if None in present:
        yield from fleet.iterate(RunFilter(unstamped=True), batch=batch)


class _Sweep:
    """Goes through the runs, as often as it takes. `_settled` are those that stay where they are, `_returned` those that were brought back:
    a worker that had not heard of it may take one along again, and it is still one run."""

    def __init__(self, fleet: FleetStore, done: Aborted) -> None:
        self._fleet = fleet
        self._done = done
        self._settled: set[str] = set()
        self._returned: set[str] = set()

    def bring_back(self, rows: list[StoredRun]) -> None:
        fleet, done = self._fleet, self._done
        ready: list[Moved] = []
        stuck: list[tuple[StoredRun, StatemigError]] = []
        foreign: list[tuple[StoredRun, StatemigError]] = []
        for row in rows:
            if row.run_id in self._settled:
                continue
            if row.leased(fleet.clock()):
                done.leased += 1
                self._settled.add(row.run_id)
                continue
            try:
                moved = _back(fleet, row, done.old)
            except RevisionError as error:
                # Any other trouble with revisions (an edited script, say) concerns every run; another line's revision only this one.
                if type(error) not in (UnknownRevisionError, NewerRevisionError, RevisionError):
                    raise
                foreign.append((row, error))
            except StatemigError as error:
                (foreign if row.revision is None else stuck).append((row, error))
            else:
                if moved.revision != row.revision:
                    ready.append(moved)
        written = [True] * len(ready) if done.dry_run or not ready else fleet.swap(ready)
        for moved, was_written in zip(ready, written, strict=True):
            self._count(moved, was_written)
        if stuck:
            self._keep(stuck)
        if foreign:
            done.foreign += len(foreign)
            self._settled.update(row.run_id for row, _ in foreign)
            done.failures += fleet.record_failures(foreign, done.old, write=not done.dry_run)

    def stayed(self, below: set[str]) -> int:
        """The runs that are at one of these versions, without those that were brought back here: workers and other aborts have moved some
        since the first look. Each is only asked for where the sum does not come out."""
        there = _count_in(self._fleet, below)
        if there == self._done.stayed + len(self._returned):
            return self._done.stayed
        for some in batches(sorted(self._returned)):
            rows = (row for found in self._fleet.iterate(RunFilter(run_ids=some)) for row in found)
            there -= sum(row.revision in below for row in rows)
        return max(there, 0)

    def _count(self, moved: Moved, was_written: bool) -> None:
        done, run_id = self._done, moved.row.run_id
        if not was_written:
            done.changed += 1
        elif run_id in self._returned:
            return
        elif self._is_started_newer(moved.row):
            done.started_downgraded += 1
        elif moved.patched:
            done.patched += 1
        else:
            done.downgraded += 1
        if was_written:
            self._returned.add(run_id)

    def _keep(self, stuck: list[tuple[StoredRun, StatemigError]]) -> None:
        """Pin each to the new version, and write down why."""
        fleet, done = self._fleet, self._done
        kept: list[tuple[StoredRun, StatemigError]] = []
        for row, error in stuck:
            if row.pinned_revision is None and not done.dry_run:
                if not fleet.deploy.pin(
                    row.run_id, _home(fleet.migrator, row, done.new), version=row.version
                ):
                    done.changed += 1
                    continue
                row = fleet.row(row.run_id)  # what is written down of it is about the row with its pin
            self._settled.add(row.run_id)
            kept.append((row, error))
            if self._is_started_newer(row):
                done.started_pinned += 1
            else:
                done.pinned += 1
        done.failures += fleet.record_failures(kept, done.old, write=not done.dry_run)

    def _is_started_newer(self, row: StoredRun) -> bool:
        started = row.started_revision
        return started is not None and _is_newer(self._fleet.migrator, self._done.old, started)


def _back(fleet: FleetStore, row: StoredRun, old: str) -> Moved:
    """The run at the old version, in memory; raises what keeps it from going there."""
    if row.pinned_revision in (None, old):
        return fleet.bring(row, old, record="complement", down=True)
    # It was pinned before, by an abort or by somebody. If there is no way back that is the better reason.
    fleet.bring(replace(row, pinned_revision=None), old, record="complement", down=True)
    raise MigrationPinned(
        f"it is pinned to revision {row.pinned_revision}",
        run_id=row.run_id,
        workflow=fleet.workflow,
        revision=row.pinned_revision,
        hint=f"There is a way back: `statemig route unpin {row.run_id}`, then abort again",
    )


def _home(migrator: Migrator, row: StoredRun, new: str) -> str:
    """The version whose workers keep a run: the new one, or its own where it is beyond that."""
    own = row.revision
    return own if own is not None and not migrator.leads(own, new) else new


def as_json(done: Aborted) -> dict[str, Any]:
    """Plain JSON, every run that could not go back with its reason."""
    return {
        "old": done.old,
        "new": done.new,
        "dry_run": done.dry_run,
        "stayed": done.stayed,
        "patched": done.patched,
        "downgraded": done.downgraded,
        "pinned": done.pinned,
        "started": {"downgraded": done.started_downgraded, "pinned": done.started_pinned},
        "leased": done.leased,
        "changed": done.changed,
        "foreign": done.foreign,
        "complete": done.complete,
        "old_workers": done.old_workers,
        "drain_ended": done.drain_ended,
        "policies_dropped": [asdict(each) for each in done.policies],
        "failures": [asdict(each) for each in done.failures],
    }
