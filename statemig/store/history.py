"""From a stored row to another revision and back: pure decisions, nothing here reads or writes a store.

The complement belongs to the run and travels in its row: after every migration it is what the migrator says to keep *now*, so no number
of migrations and no shortening of the history can lose the way back. The history says what was done when; where an upgrade was
written alone its row also keeps the reverse patch, good for as long as the document is still that upgrade's.
"""

from __future__ import annotations

from typing import Any

import jsonpatch

from statemig import json_text
from statemig.document import Document
from statemig.errors import (
    InvalidStateError,
    MigrationHeld,
    MigrationPinned,
    NewerRevisionError,
    StatemigError,
    UnknownRevisionError,
    UnstampedError,
)
from statemig.migrator import Migrator, Record, Result
from statemig.store.protocols import Failure, HistoryEntry, Moved, StoredRun


def revision_of(row: StoredRun, unstamped: str | None) -> str:
    """The revision of a row's document. Raises `UnstampedError` where neither the row nor the policy says it."""
    revision = row.revision if row.revision is not None else unstamped
    if revision is None:
        raise UnstampedError(
            "the run does not say which revision its document has",
            run_id=row.run_id,
            hint="Open the store with unstamped=REV, or stamp the run with store.stamp(REV, [run_id])",
        )
    return revision


def bring(
    migrator: Migrator,
    row: StoredRun,
    document: Document,
    *,
    to: str,
    unstamped: str | None,
    record: Record | None,
    cause: str,
    now: float,
    down: bool = False,
    afresh: bool = False,
) -> Moved:
    """A row's document at the revision `to` (a full id), in memory. `afresh`: validated at its own revision whatever its stamp says.

    Raises:
        UnstampedError, UnknownRevisionError: the revision of the document is not known, to anybody or to this migrator.
        MigrationHeld, MigrationPinned: a policy keeps the run where it is.
        StatemigError: whatever else kept the document from being migrated; it names the place.
    """
    revision = revision_of(row, unstamped)
    if row.pinned_revision is not None and row.pinned_revision != to:
        raise MigrationPinned(
            f"the run is pinned to revision {row.pinned_revision} and stays there",
            run_id=row.run_id,
            workflow=migrator.workflow,
            revision=row.pinned_revision,
            hint=f"A worker of {row.pinned_revision} can take it; store.pin(run_id, None) lets it go",
        )
    complement: dict[str, Any] | None = None
    checked = row.checked and not afresh
    try:
        if revision == to:
            if not checked:
                migrator.validate(document, revision)
            return Moved(row, document, to, None, None)
        if row.complement is not None:
            complement = json_text.loads(row.complement)
        if down:
            result = migrator.downgrade(
                document,
                to=to,
                revision=revision,
                run_id=row.run_id,
                record=record,
                complement=complement,
                checked=checked,
            )
        else:
            result = migrator.upgrade(
                document,
                revision,
                # The name lets the migrator skip resolving.
                to="head" if to == migrator.head else to,
                run_id=row.run_id,
                record=record,
                complement=complement,
                checked=checked,
                by_proof=afresh,
            )
        migrated = result.unwrap()
    except StatemigError as error:
        raise error.locate(run_id=row.run_id, workflow=migrator.workflow) from error.__cause__
    if result.revision == revision:
        return Moved(row, migrated, revision, None, None)
    return Moved(
        row,
        migrated,
        result.revision,
        result.complement or None,
        _entry(row, revision, result, cause, now, complement),
        # A document that went down is validated again by whoever takes it up at the older revision.
        checked=not down,
        before=document if afresh else None,
    )


def _entry(
    row: StoredRun, revision: str, result: Result, cause: str, now: float, before: dict[str, Any] | None
) -> HistoryEntry:
    kind = "downgrade" if result.outcome == "downgraded" else "upgrade"
    if result.reverse_patch is None:
        return HistoryEntry(row.migrations + 1, now, kind, cause, revision, result.revision)
    return HistoryEntry(
        row.migrations + 1,
        now,
        kind,
        cause,
        revision,
        result.revision,
        reverse_patch=result.reverse_patch,
        complement_before=before,
        digest=json_text.digest(result.document),
    )


def patched_back(
    row: StoredRun, document: Document, last: HistoryEntry | None, to: str, now: float
) -> Moved | None:
    """The exact way back over one upgrade that was written alone; None where it does not lead to `to` or the document has
    changed since."""
    if (
        last is None
        or last.reverse_patch is None
        or last.from_revision != to
        or last.to_revision != row.revision
        or last.seq != row.migrations
        or last.digest != json_text.digest(document)
    ):
        return None
    patch: Any = last.reverse_patch
    before: Any = jsonpatch.apply_patch(document, patch)
    entry = HistoryEntry(row.migrations + 1, now, "downgrade", "eager", row.revision, to)
    return Moved(row, before, to, last.complement_before, entry, checked=False, patched=True)


def failure(row: StoredRun, error: StatemigError, head: str, now: float) -> Failure:
    """What the failures table says of an error."""
    match error:
        case MigrationHeld():
            kind = "held"
        case MigrationPinned():
            kind = "pinned"
        case InvalidStateError():
            kind = "invalid"
        case UnstampedError():
            kind = "unstamped"
        case UnknownRevisionError() | NewerRevisionError():
            kind = "unknown"
        case _:
            kind = "failed"
    path = error.path
    if path is None and isinstance(error, InvalidStateError) and error.problems:
        path = error.problems[0][0]
    return Failure(
        run_id=row.run_id,
        head=head,
        kind=kind,
        reason=error.message,
        hint=error.hint,
        from_revision=row.revision,
        revision=error.revision,
        operation=error.operation,
        step=error.step,
        path=path,
        at=now,
        run_version=row.version,
    )
