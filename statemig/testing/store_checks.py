"""What a machine asks after each of its steps: is every run as the model has it, and is what a worker was given right for it?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from statemig import json_text
from statemig.document import Document, positions
from statemig.errors import StatemigError
from statemig.migrator import Migrator
from statemig.testing.store_model import (
    Expected,
    Model,
    Stored,
    answers_since,
    listed,
    lost_answers,
    settled,
    with_answers,
)


@dataclass(eq=False, slots=True)
class Worker:
    """A process of one version of the application: the store as that version's code opens it."""

    name: str
    revision: str
    store: Any = field(repr=False)
    migrator: Migrator = field(repr=False)


@dataclass(eq=False, slots=True)
class Held:
    """A run between read and write. `base` is its document as it was taken, `writes` how often it had been written then,
    `lease` the number of its lease where it was claimed."""

    worker: Worker
    run_id: str
    lease: int | None
    block: Any = field(repr=False)
    run: Any = field(repr=False)
    base: Document = field(repr=False)
    writes: int = 0


class StoreChecks:
    """The part of `StoreMachine` that judges. Raises `AssertionError` with the run, and what is wrong with it."""

    model: Model
    now: float

    def stored(self, run_id: str) -> Stored:
        raise NotImplementedError

    def _saved(self, hold: Held, document: Document, expected: Expected) -> None:
        revision = hold.worker.revision
        self._require(
            not self.model.is_older(revision, expected.revision),
            f"{hold.worker.name} saved run {hold.run_id} at {revision} over what was written at {expected.revision}",
        )
        now = self.model.brought(hold.run_id, revision)
        came = answers_since(hold.base, now.document)
        written = listed(settled(now.document), with_answers(hold.base, came))
        if expected.writes != hold.writes and not _skips(self.model, revision, now.document):
            self._require(
                not written,
                f"{hold.worker.name} saved run {hold.run_id} over what somebody else had written meanwhile: {written}",
            )
        now.document = with_answers(document, came)
        now.writes += 1
        self.model.runs[hold.run_id] = now
        self._end_lease(hold)
        self._compare(hold.run_id, now, self.stored(hold.run_id), "what a step saved is lost")

    def _end_lease(self, hold: Held) -> None:
        expected = self.model.runs[hold.run_id]
        if hold.lease is not None and hold.lease == expected.leases:
            expected.leased_until = float("-inf")

    def _follow(self, worked: str | None) -> None:
        """Take note of runs that a worker of that revision has brought there; everything else has to be where it was."""
        for run_id, expected in self.model.runs.items():
            stored = self.stored(run_id)
            if stored.revision != expected.revision:
                self._require(
                    stored.revision in self.model.order,
                    f"run {run_id} is stamped with the revision {stored.revision}, which is none of the chain",
                )
                self._require(
                    not self.model.is_older(stored.revision, expected.revision),
                    f"the stamp of run {run_id} moved backwards from {expected.revision} to {stored.revision}, and nobody downgraded it",
                )
                self._require(
                    stored.revision == worked,
                    f"the stamp of run {run_id} moved from {expected.revision} to {stored.revision}, and no worker of that did it",
                )
                expected = self.model.brought(run_id, stored.revision)
                expected.writes += 1
                self.model.runs[run_id] = expected
            if worked is not None and _skips(self.model, worked, expected.document):
                expected.document = settled(stored.document)  # a step that is gone by now was passed over
            self._compare(run_id, expected, stored, "lazily it is not what it is eagerly, or a write is lost")

    def _compare(self, run_id: str, expected: Expected, stored: Stored, meaning: str) -> None:
        if stored.revision != expected.revision:
            back = stored.revision in self.model.order and self.model.is_older(
                stored.revision, expected.revision
            )
            raise AssertionError(
                f"the stamp of run {run_id} moved {'backwards ' if back else ''}from {expected.revision} to {stored.revision}, "
                "and what was written last is not of that"
            )
        document, actual = settled(expected.document), settled(stored.document)
        unanswered = lost_answers(document, actual)
        self._require(not unanswered, f"run {run_id} has lost the answer to {', '.join(unanswered)}")
        if not json_text.equal(document, actual):
            raise AssertionError(f"run {run_id}: {meaning}: {listed(document, actual)}")

    def _require_handed(self, worker: Worker, run_id: str, document: Document) -> None:
        """What a worker is given is valid for its version, and what the eager way gives."""
        _, error = self._try(lambda: worker.migrator.validate(document, worker.revision))
        self._require(error is None, f"{worker.name} was given run {run_id}, which is not valid: {error}")
        there = self._possible(run_id, worker.revision)
        self._require(
            there is not None,
            f"{worker.name} was given run {run_id}, which can not be brought to {worker.revision}",
        )
        assert there is not None
        if not _skips(self.model, worker.revision, there.document):
            left, right = settled(there.document), settled(document)
            if not json_text.equal(left, right):
                raise AssertionError(
                    f"{worker.name} was given run {run_id} lazily as it is not eagerly: {listed(left, right)}"
                )

    def _require_not_newer(self, worker: Worker, run_id: str) -> None:
        revision = self.model.runs[run_id].revision
        self._require(
            not self.model.is_older(worker.revision, revision),
            f"{worker.name} of {worker.revision} was given run {run_id}, which is of {revision}",
        )

    def _refused(self, run_id: str, to: str, message: str) -> None:
        """It is right that a run was refused where the migrator says so too."""
        self._require(self._possible(run_id, to) is None, message)

    def _possible(self, run_id: str, to: str) -> Expected | None:
        try:
            return self.model.brought(run_id, to)
        except StatemigError:
            return None

    def _leased(self, expected: Expected) -> bool:
        """Whether somebody's lease on it may be alive."""
        return max(expected.leased_until, expected.maybe_until) > self.now

    @staticmethod
    def _try(action: Callable[[], Any]) -> tuple[Any, StatemigError | None]:
        """Its result, or the typed error. Every other exception is a finding."""
        try:
            return action(), None
        except StatemigError as error:
            return None, error

    @staticmethod
    def _require(condition: bool, message: str) -> None:
        if not condition:
            raise AssertionError(message)


def _skips(model: Model, revision: str, document: Document) -> bool:
    """Whether a worker of that revision passes over a step that the document stands on."""
    snapshot = model.migrator.snapshot(revision)
    if snapshot is None:
        return False
    steps = (snapshot.steps.get(position["step"]) for position in positions(document))
    return any(step is not None and step.removed for step in steps)
