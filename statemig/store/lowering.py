"""What a worker of the new version writes while the window of a deploy is open: back through the way down, so that the old one reads it.

New fields and whatever else the old version has no place for are kept in the run's complement, and are there again when the new version
takes the run the next time (laws 3 and 4 of the operations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemig.store.deploy_routing import View
from statemig.store.protocols import HistoryEntry, Moved

if TYPE_CHECKING:
    from statemig.store.stored_runs import StoredRuns


def as_written(store: StoredRuns, moved: Moved, cause: str, view: View | None = None) -> Moved:
    """What of a document at head may be written now.

    Raises what the way down raises; the window is only opened "in memory" over one that was proved.
    """
    row = moved.row
    if row.revision == store.head or moved.revision != store.head or row.revision is None:
        return moved
    view = store.watched.view() if view is None else view
    rollout = view.rollout
    aborted = (
        rollout is not None
        and (rollout.stage, rollout.new, rollout.old) == ("aborted", store.head, view.preferred)
        and rollout.modes.get(row.revision) == "in memory"
    )
    if rollout is None or (view.mode(store.head, row.revision) == "in place" and not aborted):
        if moved.entry is not None:
            return moved
        # It was taken while the window was open, and is written after it was closed.
        return Moved(row, moved.document, moved.revision, moved.complement, _entry(store, moved, cause))
    return lowered(store, moved, rollout.newest_writable, cause)


def lowered(store: StoredRuns, moved: Moved, to: str, cause: str) -> Moved:
    """A document at head brought down to `to` for being stored."""
    row = moved.row
    result = store.migrator.downgrade(
        moved.document,
        to=to,
        revision=moved.revision,
        run_id=row.run_id,
        record="complement",
        complement=moved.complement or {},
        checked=True,
    )
    document = result.unwrap()
    entry = None if row.revision == to else _entry(store, Moved(row, document, to, None, None), cause)
    return Moved(row, document, to, result.complement or None, entry, checked=False, lowered=True)


def _entry(store: StoredRuns, moved: Moved, cause: str) -> HistoryEntry:
    row = moved.row
    return HistoryEntry(row.migrations + 1, store.clock(), "upgrade", cause, row.revision, moved.revision)
