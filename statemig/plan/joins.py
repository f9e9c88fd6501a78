"""What waits for a join: which arrivals count, and work that is put aside or done again.

A branch arrives by an entry of `pending`: ``{"step": branch, "writes": {...}, "to": join}``. Where a join has to fire in the migration
itself, only the runtime could take up what its branches have written, so that is done only where they wrote nothing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from statemig import json_text
from statemig.document import Document, Position, pending, positions
from statemig.errors import CursorError, IrreversibleError
from statemig.plan.complement import Note, Notes
from statemig.plan.instructions import Reinstate, Rejoin, Withdraw
from statemig.plan.values import fresh
from statemig.plan.walk import Item

Entry = dict[str, Any]
#: entries of a list with their places
Placed = list[list[Any]]


# -- the branches of a join --------------------------------------------------------------------------------------------


def rejoin(document: Document, instruction: Rejoin, notes: Notes, label: str) -> Document:
    """The join `step` waits for other branches. Raises `CursorError` (``join.unreachable``, ``join.extra-branch``)."""
    note = notes.take(()) or {}
    if instruction.branches is None or instruction.was is None:
        return _unknown(document, instruction)
    run = _Joining(document, instruction, note, label)
    run.undo()
    run.leave(instruction.new)
    run.drop()
    run.bring()
    run.fire()
    if run.marks:
        notes.write((), **run.marks)
    if not run.changed:
        return document
    made = {**document, "cursor": run.cursor}
    return {**made, "pending": run.pending} if run.pending or "pending" in document else made


class _Joining:
    """One run on its way from one set of branches to another. `note` is what the other direction did to it."""

    def __init__(self, document: Document, instruction: Rejoin, note: Note, label: str) -> None:
        self.cursor = list(positions(document))
        self.pending = list(pending(document))
        self.marks: dict[str, Any] = {}
        self.changed = False
        self._join = instruction.step
        self._branches: tuple[str, ...] = instruction.branches or ()
        self._was: tuple[str, ...] = instruction.was or ()
        self._start = instruction.start
        self._ways = dict(instruction.ways)
        self._note = note
        self._label = label
        on_the_way = sum(position["step"] in self._region() for position in self.cursor)
        self._inside = bool(self._arrived()) or on_the_way > 1

    def undo(self) -> None:
        """Take back what the other direction made, where it is still as it was made."""
        fired = self._note.get("fired")
        if fired is not None:
            at = _find(self.cursor, fired["id"], self._join)
            if at is not None and json_text.digest(self.cursor[at], 8) == fired["now"]:
                self.marks["unfired"] = [at, self.cursor.pop(at)]
                _put_back(self.pending, fired["taken"])
                self.changed = self._inside = True
        stopped: Placed = []
        for started in self._note.get("started", ()):
            at = _find(self.cursor, started["id"], started["step"])
            if at is not None:
                stopped.append([at, self.cursor.pop(at)])
        if stopped:
            self.marks["stopped"] = stopped
            self.changed = True

    def leave(self, new: Sequence[str]) -> None:
        """Nobody can stand on a branch that is no step of the version that the run goes to."""
        for number, position in enumerate(self.cursor):
            if position["step"] in new and position["step"] not in self._branches:
                raise CursorError(
                    f"position {position.get('id', '?')} stands on step {position['step']!r}, a branch that only the other version has",
                    step=position["step"],
                    path=f"cursor[{number}]",
                    hint="Let it finish the step on its own version first",
                    finding="join.extra-branch",
                )

    def drop(self) -> None:
        """Arrivals of branches that the join does not wait for any more."""
        extra: Placed = [
            [number, item]
            for number, item in enumerate(self.pending)
            if item.get("to") == self._join and item["step"] not in self._branches
        ]
        for number, item in extra:
            if item.get("writes"):
                raise CursorError(
                    f"join.extra-branch: {item['step']!r} has arrived at the join with committed writes, and the join does not wait for it "
                    "any more",
                    step=self._join,
                    path=f"pending[{number}].writes",
                    hint=f"Let the run reach its join first, or give the writes up: op.drop_pending({item['step']!r}, why=...) before it",
                )
        if extra:
            self.pending = [each for each in self.pending if not any(each is item for _, item in extra)]
            self.marks["dropped"] = extra
            self.changed = True
        gone = [branch for branch in self._was if branch not in self._branches]
        left = [
            position.get("id")
            for position in self.cursor
            if any(self._is_on(position, branch) for branch in gone)
        ]
        if left:
            self.marks["left"] = left  # they came this way as they are, so they may go back
        if self._inside:
            arrived = {item["step"] for _, item in extra}
            absent = [branch for branch in gone if branch not in arrived and not self._is_under_way(branch)]
            if absent:
                self.marks["absent"] = absent

    def bring(self) -> None:
        """Branches that the join did not wait for before."""
        on_the_way = any(position["step"] in self._region() for position in self.cursor)
        if self._inside or on_the_way:
            for part, entries in (("dropped", self.pending), ("stopped", self.cursor)):
                if part in self._note:
                    back = self._note[part]
                    _put_back(entries, back if part == "dropped" else reversed(back))
                    self.changed = self._inside = True
        if not self._inside:
            for number, position in enumerate(self.cursor):
                new = [branch for branch in self._branches if branch not in self._was]
                alone = position.get("id") in self._note.get("left", ())
                if not alone and any(self._is_on(position, branch) for branch in new):
                    raise CursorError(
                        f"join.unreachable: the join has gone on without step {position['step']!r}, which is still to arrive at it",
                        step=self._join,
                        path=f"cursor[{number}]",
                        hint="Let the run go on past that step first",
                    )
            return
        known = {*self._was, *self._arrived(), *self._note.get("absent", ())}
        for branch in self._branches:
            if branch in known or self._is_under_way(branch):
                continue
            if self._start is None:
                raise CursorError(
                    f"join.unreachable: the run is past the fork, and the join now also waits for {branch!r}, which nothing starts",
                    step=self._join,
                    path="pending",
                    hint='Say change_join(..., new_branch="start") to start it there, or new_branch="arrived" to do without it',
                )
            made = self._id("branch", branch)
            self.changed = True
            if self._start:
                self.cursor.append({"id": made, "step": branch, "status": "ready"})
                self.marks.setdefault("started", []).append({"id": made, "step": branch})
            else:
                self.pending.append({"id": made, "step": branch, "writes": {}, "to": self._join})

    def fire(self) -> None:
        """Nothing arrives any more that would make the join fire, so where all have arrived it fires here."""
        if not self._arrived().issuperset(self._branches):
            return
        self.changed = True
        taken: Placed = []
        for branch in self._branches:
            number = next(
                number
                for number, item in enumerate(self.pending)
                if item["step"] == branch and item.get("to") == self._join
            )
            taken.append([number, self.pending[number]])
        for number, item in taken:
            if item.get("writes"):
                raise CursorError(
                    "join.unreachable: every branch that the join still waits for has arrived, so it would have to fire here, and only the "
                    f"runtime can take up what {item['step']!r} has written",
                    step=self._join,
                    path=f"pending[{number}].writes",
                    hint="Let the run reach its join on its own version first",
                )
        self.pending = [each for each in self.pending if not any(each is item for _, item in taken)]
        made = self._id("join", taken)
        at, position = self._note.get("unfired") or [
            None,
            {"id": made, "step": self._join, "status": "ready"},
        ]
        position = fresh(position)
        self.cursor.insert(len(self.cursor) if at is None else at, position)
        self.marks["fired"] = {
            "id": position["id"],
            "now": json_text.digest(position, 8),
            "taken": sorted(taken, key=lambda pair: pair[0]),
        }

    def _arrived(self) -> set[str]:
        return {item["step"] for item in self.pending if item.get("to") == self._join}

    def _region(self) -> set[str]:
        """Steps between the fork and the join, in the version that the run leaves."""
        return {step for branch in self._was for step in (branch, *self._ways.get(branch, ()))}

    def _is_under_way(self, branch: str) -> bool:
        return any(self._is_on(position, branch) for position in self.cursor)

    def _is_on(self, position: Position, branch: str) -> bool:
        return position["step"] == branch or position["step"] in self._ways.get(branch, ())

    def _id(self, *what: Any) -> str:
        arrived = [item for item in self.pending if item.get("to") == self._join]
        standing = [position.get("id") for position in self.cursor]
        return json_text.digest([self._label, *what, arrived, standing], 6)


def _unknown(document: Document, instruction: Rejoin) -> Document:
    """Without both sets of branches only a run that the join does not concern gets through."""
    branches = instruction.branches or instruction.was or ()
    for part, entries in (("pending", pending(document)), ("cursor", positions(document))):
        for number, entry in enumerate(entries):
            if entry["step"] in branches or entry.get("to") == instruction.step:
                error = CursorError if instruction.branches is not None else IrreversibleError
                raise error(
                    "join.unreachable: nobody said for which branches the join waited before",
                    step=instruction.step,
                    path=f"{part}[{number}]",
                    hint="Say change_join(..., was=[...]), or give the revision before it its snapshot",
                )
    return document


# -- work put aside ----------------------------------------------------------------------------------------------------


def withdraw(document: Document, instruction: Withdraw, notes: Notes, label: str) -> Document:
    """What the step has written for a join goes, and (unless it is done again) what waits for the step. Raises `CursorError`
    (``join.unreachable``) where nothing would be left to go on."""
    step, again = instruction.step, instruction.again
    stopped = {position["id"]: [at, position] for at, position in (notes.take(()) or {}).get("stopped", ())}
    gone: Placed = []
    rest: list[Entry] = []
    for number, item in enumerate(pending(document)):
        concerned = item["step"] == step or (not again and item.get("to") == step)
        kept = notes.take(("pending", Item(number))) if concerned else None
        if concerned and kept is None:
            gone.append([number, item])
        else:
            rest.append(item)
    if not gone:
        return document
    cursor = list(positions(document))
    started: list[str] = []
    for number, (_, item) in enumerate(gone if again else ()):
        made = json_text.digest([label, number, item], 6)
        at, position = stopped.get(made) or [
            len(cursor),
            {"id": made, "step": item["step"], "status": "ready"},
        ]
        cursor.insert(at, fresh(position))
        started.append(made)
    if not cursor and document.get("status", "active") == "active":
        raise CursorError(
            "join.unreachable: without what waits here nothing is left that could go on",
            step=step,
            path=f"pending[{gone[0][0]}]",
            hint=f"Say op.requeue({step!r}) to have it done again, or let the run reach its join first",
        )
    notes.write(
        (),
        items=gone,
        rounds=_rounds(document, gone),
        beside=_beside(rest, gone),
        **({"started": started} if again else {}),
    )
    return {**document, "pending": rest, **({"cursor": cursor} if again else {})}


def reinstate(document: Document, instruction: Reinstate, notes: Notes) -> Document:
    """What `withdraw` took comes back where it would still be taken up; what has arrived since stays, also on the next way up."""
    note = notes.take(()) or {}
    mine = [
        number
        for number, item in enumerate(pending(document))
        if instruction.step in (item["step"], None if instruction.again else item.get("to"))
    ]
    cursor = list(positions(document))
    items: Placed = note.get("items", [])
    may_return = bool(items) and _may_return(document, note)
    if instruction.again:
        back: Placed = []
        stopped: Placed = []
        for placed, made in zip(items, note.get("started", ()), strict=True):
            at = _find(cursor, made, instruction.step)
            if at is not None and may_return:
                stopped.append([at, cursor.pop(at)])
                back.append(placed)
        if stopped:
            notes.write((), stopped=stopped[::-1])
    else:
        back = items if may_return else []
    entries = list(pending(document))
    kept = [entries[number] for number in mine]
    _put_back(entries, back)
    for number, entry in enumerate(entries):
        if any(entry is each for each in kept):
            notes.write(("pending", Item(number)), present=True)
    if not back:
        return document
    document = {**document, "pending": entries}
    return {**document, "cursor": cursor} if instruction.again else document


def _rounds(document: Document, items: Placed) -> dict[str, Any]:
    """How often the joins that the items wait for have been done."""
    done = document.get("done") or {}
    return {item["to"]: done.get(item["to"], 0) for _, item in items if item.get("to") is not None}


def _beside(entries: Iterable[Entry], items: Placed) -> list[list[str]]:
    """What else has arrived where the items have."""
    joins = {item.get("to") for _, item in items}
    return sorted([str(entry["to"]), entry["step"]] for entry in entries if entry.get("to") in joins)


def _may_return(document: Document, note: Note) -> bool:
    """Whether none of the joins has fired since, and nothing has arrived that would make one fire now; a run that has ended takes up
    nothing."""
    items: Placed = note["items"]
    standing = {position["step"] for position in positions(document)}
    beside = _beside(pending(document), items)
    return (
        document.get("status", "active") == "active"
        and _rounds(document, items) == note["rounds"]
        and standing.isdisjoint(note["rounds"])
        and all(each in note["beside"] for each in beside)
    )


def _find(cursor: Sequence[Position], made: str, step: str) -> int | None:
    """The place of a position that a migration made, where it still stands there and nobody was asked."""
    for number, position in enumerate(cursor):
        if position.get("id") == made and position["step"] == step:
            asked = position.get("status") == "waiting" or "answer" in position
            return None if asked else number
    return None


def _put_back(entries: list[Entry], placed: Iterable[list[Any]]) -> None:
    for number, entry in placed:
        entries.insert(number, fresh(entry))
