"""Eager migration in bulk: bring what is stored to a revision. Resumable, since it asks only for runs that are not there yet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from statemig.errors import (
    MigrationHeld,
    MigrationPinned,
    NewerRevisionError,
    RevisionError,
    StatemigError,
    UnknownRevisionError,
)
from statemig.store.protocols import Failure, Fleet, Moved, RunFilter, StoredRun

_BATCH: Final = 200


@dataclass(slots=True)
class Backfill:
    """How far a backfill has come; every run looked at is in exactly one count.

    `moved` was written (with ``dry_run``: would be); `leased` is left for the worker that holds it; `changed` was written by somebody
    else meanwhile, so run the backfill again; `foreign` is of a revision from which the target can not be reached; it is listed where
    nobody here knows that revision.
    """

    to: str
    dry_run: bool
    moved: int = 0
    leased: int = 0
    held: int = 0
    pinned: int = 0
    failed: int = 0
    foreign: int = 0
    changed: int = 0
    failures: list[Failure] = field(default_factory=list)

    @property
    def seen(self) -> int:
        return self.moved + self.leased + self.held + self.pinned + self.failed + self.foreign + self.changed

    @property
    def complete(self) -> bool:
        """Whether every run that can get there at all is there."""
        return self.seen == self.moved + self.foreign and not self.failures


Progress = Callable[[Backfill], None]


def upgrade_all(
    store: Fleet,
    to: str = "head",
    *,
    dry_run: bool = False,
    batch: int = _BATCH,
    progress: Progress | None = None,
    ended: bool = False,
) -> Backfill:
    """Bring every unfinished run (with `ended` the finished ones too) up to a revision, `batch` runs per transaction.

    A run that can not be migrated is counted, listed by the store's `failures`, and left as it is; the rest go on. Runs at newer
    revisions than `to` are none of its business. `progress` is called after each batch. Raises only what concerns all runs.
    """
    return _move_all(store, to, False, dry_run, batch, progress, ended)


def downgrade_all(
    store: Fleet,
    to: str,
    *,
    dry_run: bool = False,
    batch: int = _BATCH,
    progress: Progress | None = None,
    ended: bool = False,
) -> Backfill:
    """Bring every run above a revision down to it, each by its exact way back where it has one. As `upgrade_all` otherwise."""
    return _move_all(store, to, True, dry_run, batch, progress, ended)


def _move_all(
    store: Fleet,
    to: str,
    down: bool,
    dry_run: bool,
    batch: int,
    progress: Progress | None,
    ended: bool,
) -> Backfill:
    target = store.migrator.resolve(to)
    done = Backfill(target, dry_run)
    for rows in store.iterate(RunFilter(not_revision=target, ended=ended), batch=batch):
        ready: list[Moved] = []
        failed: list[tuple[StoredRun, StatemigError]] = []
        for row, brought in _brought(store, rows, target, down, done):
            if isinstance(brought, StatemigError):
                failed.append((row, brought))
            else:
                ready.append(brought)
        if dry_run:
            done.moved += len(ready)
        elif ready:
            written = store.swap(ready)
            done.moved += sum(written)
            done.changed += len(written) - sum(written)
        if failed:
            done.failures += store.record_failures(failed, target, write=not dry_run)
        if progress is not None:
            progress(done)
    return done


def _brought(
    store: Fleet, rows: list[StoredRun], target: str, down: bool, done: Backfill
) -> Iterator[tuple[StoredRun, Moved | StatemigError]]:
    for row in rows:
        if row.leased(store.clock()):
            done.leased += 1
            continue
        try:
            moved = store.bring(row, target, record="complement" if down else "patch", down=down)
        except RevisionError as error:
            # Above an upgrade's target, below a downgrade's, or another deploy's. Any other trouble with revisions (an
            # edited script, say) concerns every run.
            if type(error) not in (UnknownRevisionError, NewerRevisionError, RevisionError):
                raise
            done.foreign += 1
            if row.revision not in store.migrator.known:
                yield row, error
        except MigrationHeld as error:
            done.held += 1
            yield row, error
        except MigrationPinned as error:
            done.pinned += 1
            yield row, error
        except StatemigError as error:
            done.failed += 1
            yield row, error
        else:
            yield row, moved
