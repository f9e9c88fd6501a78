"""Verdicts that depend on values, settled by asking the values: the documents of stored runs.

A "?" of R or D is asked of runs at the old version, a "?" of F of runs at the new one. What a run holds never leaves here; only
counts, ids and places do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from statemig.autogenerate import resolve_steps, resolve_values
from statemig.autogenerate.change import Change, Changes, Evidence, Unknown
from statemig.autogenerate.rules import RULES, Bit, Case
from statemig.autogenerate.touches import touched
from statemig.document import Document

if TYPE_CHECKING:
    from statemig.workflow.snapshot import Snapshot

#: takes a document and gives the first place that speaks against the change, or None
Judge = Callable[[Document], str | None]

BITS: Final = ("reads", "forward", "keeps")
_LISTED: Final = 100


@dataclass(slots=True)
class _Question:
    """One bit of one change. Of the runs that fail as many ids are kept as are worth listing."""

    judge: Judge
    by_standing: bool = False
    runs: int = 0
    failing: int = 0
    run_ids: list[str] = field(default_factory=list)
    path: str | None = None

    def ask(self, run_id: str, document: Document) -> None:
        self.ask_for(document, 1, lambda limit: [run_id])

    def ask_for(self, document: Document, count: int, ids: Callable[[int], list[str]]) -> None:
        """One document that stands for `count` runs."""
        self.runs += count
        place = self.judge(document)
        if place is None:
            return
        self.failing += count
        if self.path is None:
            self.path = place
        if len(self.run_ids) < _LISTED:
            self.run_ids += ids(_LISTED - len(self.run_ids))


class Resolver:
    """Settles the verdicts of one set of changes, run by run, so that no more than one document is in memory.

    Runs at the old version go to `add`, runs at the new one to `add_written`; one that can be brought to neither to `unknown`, with the
    reason. `result` gives the changes again, with what is known by then, and with how many runs of the old version each is about.
    """

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._unknown: list[Unknown] = []
        self._stored: dict[tuple[int, str], _Question] = {}
        self._written: dict[tuple[int, str], _Question] = {}
        self.runs = 0
        self._read = False
        self._touched: list[int] = [0] * len(changes)
        self._about = [None if changes.old is None else touched(change, changes.old) for change in changes]
        if changes.old is None or changes.new is None:
            return
        for number, change in enumerate(changes):
            for bit in BITS:
                judge = (
                    _judge(change, bit, changes, changes.old, changes.new)
                    if getattr(change, bit) == "?"
                    else None
                )
                if judge is not None:
                    side = self._written if bit == "forward" else self._stored
                    side[number, bit] = _Question(
                        judge, resolve_steps.is_about_standing(change, changes.old, changes.new)
                    )

    @property
    def open(self) -> bool:
        """Whether there is anything to ask runs about."""
        return bool(self._stored or self._written)

    @property
    def needs_documents(self) -> bool:
        """Whether any of it is about more than where runs stand."""
        questions = (*self._stored.values(), *self._written.values())
        return not all(each.by_standing for each in questions)

    def add_alike(self, steps: Iterable[str | None], count: int, ids: Callable[[int], list[str]]) -> None:
        """`count` runs at the old version that stand at the same steps, where documents are not needed. `ids` gives some of them."""
        self.runs += count
        document = {"state": {}, "cursor": [{"step": step} for step in steps if step is not None]}
        for question in self._stored.values():
            question.ask_for(document, count, ids)

    def add(self, run_id: str, document: Document) -> None:
        self.runs += 1
        self._read = True
        for number, about in enumerate(self._about):
            if about is not None and about(document):
                self._touched[number] += 1
        for question in self._stored.values():
            question.ask(run_id, document)

    def add_written(self, run_id: str, document: Document) -> None:
        for question in self._written.values():
            question.ask(run_id, document)

    def unknown(self, run_id: str, revision: str | None, reason: str) -> None:
        self._unknown.append(Unknown(run_id, revision, reason))

    def result(self) -> Changes:
        items = tuple(self._settled(number, change) for number, change in enumerate(self._changes))
        return replace(self._changes, items=items, unknown=tuple(self._unknown))

    def _settled(self, number: int, change: Change) -> Change:
        if self._read and self._about[number] is not None:
            change = replace(change, touches=self._touched[number])
        evidence: dict[str, Evidence] = {}
        bits: dict[str, Bit] = {bit: getattr(change, bit) for bit in BITS}
        for bit in BITS:
            side = self._written if bit == "forward" else self._stored
            question = side.get((number, bit))
            if question is None or (bit == "forward" and question.runs == 0):
                continue
            unknown = 0 if bit == "forward" else len(self._unknown)
            found = Evidence(question.runs, question.failing, unknown, tuple(question.run_ids), question.path)
            evidence[bit] = found
            bits[bit] = found.bit
        if not evidence:
            return change
        case = RULES[change.rule].case(change.direction)
        settled = Case(
            bits["reads"], bits["forward"], bits["keeps"], case.operation, case.stored_bytes_unchanged
        )
        return replace(
            change,
            reads=settled.reads,
            forward=settled.forward,
            keeps=settled.keeps,
            change_class=settled.change_class,
            evidence=evidence,
        )


def resolve(changes: Changes, documents: Iterable[tuple[str, Document]]) -> Changes:
    """The changes with each "?" settled that documents of the old version, given with their runs' ids, can settle."""
    resolver = Resolver(changes)
    for run_id, document in documents:
        resolver.add(run_id, document)
    return resolver.result()


def _judge(change: Change, bit: str, changes: Changes, old: Snapshot, new: Snapshot) -> Judge | None:
    if change.rule.startswith("W"):
        return resolve_steps.judge(change, changes, old, new) if bit == "reads" else None
    places = resolve_values.judge(change, bit, old, new)
    return None if places is None else lambda document: next(places(document), None)
