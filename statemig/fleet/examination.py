"""One live run, taken to another version and back in memory: everything that a worker would find out, and some that it would not."""

from __future__ import annotations

from statemig import json_text
from statemig.document import Document, positions
from statemig.errors import (
    CursorError,
    InvalidStateError,
    IrreversibleError,
    MigrationError,
    MigrationHeld,
    MigrationPinned,
    NewerRevisionError,
    StatemigError,
    UnknownRevisionError,
    UnstampedError,
)
from statemig.fleet.questions import Outstanding
from statemig.fleet.redaction import Vocabulary, redact
from statemig.fleet.rehearsal import Example, Tally, Trouble
from statemig.fleet.resume import Recorded, resume
from statemig.plan.values import fresh
from statemig.store import flow
from statemig.store.protocols import Fleet, Moved, StoredRun
from statemig.validity import require_cursor


class Examination:
    """Examines runs of one fleet on their way to one revision, and counts what it finds."""

    def __init__(self, fleet: Fleet, target: str, recorded: Recorded | None = None) -> None:
        self._fleet = fleet
        self._migrator = fleet.migrator
        self._target = target
        self._recorded = recorded
        self._snapshot = fleet.migrator.snapshot(target)
        self._steps = flow.steps_of(self._snapshot)
        self._removed = any(info.removed for info in self._steps.values())
        self._outstanding: dict[str, Outstanding] = {}
        self._vocabularies: dict[str, Vocabulary] = {}
        self.tally = Tally()

    def examine(self, row: StoredRun) -> None:
        """One run; what is wrong with it is in the tally. Raises what concerns every run: a script that can not be loaded."""
        tally = self.tally
        tally.runs += 1
        try:
            # Validated at its own revision, too, whatever its stamp says.
            moved = self._fleet.bring(row, self._target, cause="rehearsal", record="complement", afresh=True)
        except NewerRevisionError:
            tally.newer += 1
            return
        except StatemigError as error:
            if not isinstance(error, MigrationError | UnstampedError | UnknownRevisionError):
                raise
            if isinstance(error, MigrationHeld | MigrationPinned):
                tally.stays += 1
            else:
                tally.failed += 1
            self._count(row, [Trouble.of(error)], None)
            return
        current = moved.entry is None
        troubles = self._here(row, moved.document) if current else self._moved(row, moved)
        failing = [each for each in troubles if each.finding != "back.irreversible"]
        if not failing and self._recorded is not None:
            troubles += self._resumed(row, moved.document, self._recorded)
            failing = [each for each in troubles if each.finding != "back.irreversible"]
        if failing:
            tally.failed += 1
        elif current:
            tally.current += 1
        else:
            tally.fine += 1
        if troubles:
            self._count(row, troubles, moved.document)

    def _here(self, row: StoredRun, document: Document) -> list[Trouble]:
        """A run that is at the target already."""
        if self._snapshot is None or not self._steps:
            return []
        try:
            require_cursor(document, self._snapshot, self._target)
        except CursorError as error:
            return [Trouble.of(error)]
        return []

    def _moved(self, row: StoredRun, moved: Moved) -> list[Trouble]:
        assert moved.entry is not None
        source = moved.entry.from_revision
        assert source is not None
        found = self._outstanding.get(source)
        if found is None:
            found = self._outstanding[source] = Outstanding(self._migrator, source, self._target)
        troubles: list[Trouble] = []
        if any(each.get("status") == "waiting" or "answer" in each for each in positions(moved.document)):
            troubles += found.of_positions(self._before(row, moved), moved.document)
        troubles += found.of_calls(moved.document)
        troubles += self._back(row, moved, source)
        if self._removed and not troubles:
            troubles += self._skipping(moved.document)
        return troubles

    def _back(self, row: StoredRun, moved: Moved, source: str) -> list[Trouble]:
        """Brought down again it has to be what it was."""
        try:
            back = self._migrator.undone(
                moved.document,
                to=source,
                revision=self._target,
                complement=moved.complement,
                run_id=row.run_id,
            )
        except IrreversibleError as error:
            return [Trouble.of(error, "back.irreversible")]
        except (MigrationError, RecursionError) as error:
            if isinstance(error, RecursionError):
                return [Trouble("back.refused", "it is nested too deeply for this interpreter")]
            return [Trouble.of(error, "back.refused")]
        before = self._before(row, moved)
        if json_text.equal(back, before):  # of what no operation has touched, this is the same object
            return []
        path = first_difference(before, back)
        return [
            Trouble(
                "back.differs",
                "brought down again it is not what it was",
                "Write the way back out: a downgrade() in the script, or inverse= of the transform",
                revision=source,
                path=path,
            )
        ]

    def _before(self, row: StoredRun, moved: Moved) -> Document:
        return self._fleet.document(row) if moved.before is None else moved.before

    def _skipping(self, document: Document) -> list[Trouble]:
        """A step that is declared as removed is passed over when the run is taken."""
        try:
            flow.skip_removed(fresh(document), self._steps)
        except StatemigError as error:
            return [Trouble.of(error, "cursor.removed-unmapped")]
        return []

    def _resumed(self, row: StoredRun, document: Document, recorded: Recorded) -> list[Trouble]:
        found = resume(self._migrator, row, fresh(document), self._target, recorded)
        if found.trouble is not None:
            return [found.trouble]
        self.tally.resumed += 1
        self.tally.stopped += found.stopped is not None
        return []

    # -- reports -------------------------------------------------------------------------------------------------------

    def _count(self, row: StoredRun, troubles: list[Trouble], after: Document | None) -> None:
        for trouble in dict.fromkeys(troubles):
            self.tally.add(row.run_id, row.revision, trouble, lambda: self._example(row, after))

    def _example(self, row: StoredRun, after: Document | None) -> Example | None:
        """The form of the run before and after; None where what is stored is no document."""
        if row.revision is None or row.revision not in self._migrator.known:
            return None
        try:
            before = redact(self._fleet.document(row), self._vocabulary(row.revision))
        except InvalidStateError:
            return None
        made = None if after is None else redact(after, self._vocabulary(self._target))
        return Example(row.run_id, before, made)

    def _vocabulary(self, revision: str) -> Vocabulary:
        found = self._vocabularies.get(revision)
        if found is None:
            found = self._vocabularies[revision] = Vocabulary.of(self._migrator.snapshot(revision))
        return found


def first_difference(left: object, right: object, place: str = "") -> str:
    """Where two JSON values differ; the keys, and no value."""
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            if key not in left or key not in right:
                return f"{place}.{key}" if place else str(key)
            if not json_text.equal(left[key], right[key]):
                return first_difference(left[key], right[key], f"{place}.{key}" if place else str(key))
    if isinstance(left, list) and isinstance(right, list):
        for number, (was, now) in enumerate(zip(left, right, strict=False)):
            if not json_text.equal(was, now):
                return first_difference(was, now, f"{place}[{number}]")
    return place
