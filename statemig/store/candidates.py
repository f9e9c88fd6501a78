"""Which run a worker tries next. Reads only; taking one is the store's compare-and-swap."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.sql.elements import ColumnElement

from statemig.store.protocols import StoredRun
from statemig.store.rows import Rows
from statemig.store.statement import Statement

# The first look takes one row, because its document comes with it; after a lost race, some more to choose from.
_MORE = 8
_PARKED = 50
# Parked runs are looked at once; after this many seconds all of them again (another machine's clock may be behind ours).
_LOOK_AGAIN = 300.0


class Candidates:
    """Runs that a worker of one head may take.

    Two kinds. Runs with something ready come from an index, oldest first. Runs of older revisions in which everything waits have to be
    looked at one by one, since bringing them to head may wake them (their step was removed, its policy sends them on); each is
    looked at once, in the order of their last change, and that place is remembered in this process.

    Revisions that turn out to be foreign (newer, or of another chain) are remembered too and asked for no more. Where a deploy decides who
    takes what (`only`), both kinds are narrowed to what is ours.
    """

    def __init__(self, rows: Rows, workflow: str, head: str) -> None:
        self._rows = rows
        self._workflow = workflow
        self._head = head
        self._looked = (0.0, "")
        self._began = float("-inf")
        self._mine: ColumnElement[bool] | None = None
        self._statements = self._build(frozenset())

    def _build(self, foreign: frozenset[str]) -> tuple[frozenset[str], Statement, Statement]:
        mine = self._mine
        return (
            foreign,
            self._rows.queue(self._head, foreign, mine),
            self._rows.parked(self._head, foreign, mine),
        )

    def only(self, mine: ColumnElement[bool] | None) -> None:
        """Offer no other runs than those; None: all again. What was looked at once may be ours now."""
        if mine is None and self._mine is None:
            return
        self._mine = mine
        self._statements = self._build(self._statements[0])
        self._began = float("-inf")

    def exclude(self, revision: str) -> None:
        """Do not offer runs of that revision any more. (Replaces one tuple, so threads need no lock.)"""
        foreign = self._statements[0]
        if revision not in foreign:
            self._statements = self._build(foreign | {revision})

    def ready(self, now: float, *, more: bool) -> list[StoredRun]:
        _, queue, _ = self._statements
        values = {"of_workflow": self._workflow, "lease_before": now, "limit": _MORE if more else 1}
        return [self._rows.row(found) for found in queue.fetch(values)]

    def routed(self, now: float) -> Iterator[StoredRun]:
        """After `only`: all that are ready and ours, oldest first, in pages: who looks at one may still leave it to others."""
        since, after = 0.0, ""
        while True:
            values = {
                "of_workflow": self._workflow,
                "lease_before": now,
                "since": since,
                "after": after,
                "limit": _MORE,
            }
            found = [self._rows.row(one) for one in self._statements[1].fetch(values)]
            yield from found
            if len(found) < _MORE:
                return
            since, after = found[-1].updated_at, found[-1].run_id

    def parked(self, now: float) -> Iterator[StoredRun]:
        """Parked runs of other revisions that were not looked at yet."""
        if now - self._began > _LOOK_AGAIN:
            self._began = now
            self._looked = (0.0, "")
        while True:
            _, _, parked = self._statements
            since, after = self._looked
            values = {
                "of_workflow": self._workflow,
                "lease_before": now,
                "since": since,
                "after": after,
                "limit": _PARKED,
            }
            found = [self._rows.row(one) for one in parked.fetch(values)]
            if not found:
                return
            for row in found:
                self._looked = (row.updated_at, row.run_id)
                yield row
