"""Is a change of prompts only really one? What a prompt takes from the state has to be there, and tools and answers have to stay.

By their rules a new text, another model and another tool change nothing that is stored. The live runs may say otherwise: a variable
that the new prompt uses and no state supplies, a call that has no result yet of a tool that is gone. Such a change becomes breaking,
with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from statemig.autogenerate.change import Change, Changes
from statemig.autogenerate.resolve_steps import kept_steps
from statemig.document import Document
from statemig.path import Key, Path
from statemig.plan.calls import outstanding
from statemig.shapes.shape import Missing, Object
from statemig.workflow.flow import reachable
from statemig.workflow.run_shape import outputs_of, state_of
from statemig.workflow.snapshot import Snapshot

_LISTED: Final = 5


@dataclass(slots=True)
class _Doubt:
    """One thing that makes a change more than one of prompts, where a run says so. `steps`: from where a run gets to the prompt, None where
    that does not matter. `test`: whether a document says so; None: every run at those steps does."""

    number: int
    says: str
    steps: frozenset[str] | None
    test: Callable[[Document], bool] | None
    runs: int = 0
    run_ids: list[str] = field(default_factory=list)

    def ask(
        self,
        steps: Collection[str | None],
        document: Document | None,
        count: int,
        ids: Callable[[int], list[str]],
    ) -> bool:
        if self.steps is not None and self.steps.isdisjoint(steps):
            return False
        if self.test is not None and (document is None or not self.test(document)):
            return False
        self.runs += count
        if len(self.run_ids) < _LISTED:
            self.run_ids += ids(_LISTED - len(self.run_ids))
        return True


class Guard:
    """Looks at the live runs for changes of prompts and tools. Runs go to `add` or, where no document is needed, to `add_alike`."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes
        self._doubts: list[_Doubt] = []
        self._runs: dict[int, int] = {}  # how many runs speak against a change, each counted once
        old, new = changes.old, changes.new
        if old is None or new is None:
            return
        kept = kept_steps(changes, old, new)
        for number, change in enumerate(changes):
            part, _, name = change.path.partition(".")
            if change.rule == "W01" and part == "prompts":
                self._doubts += _variables(number, name, kept.get(name, name), old, new)
            elif change.rule == "W10" and name in old.tools:
                self._doubts.append(_calls(number, name, name in new.tools))

    @property
    def open(self) -> bool:
        """Whether there is anything to ask the live runs."""
        return bool(self._doubts)

    @property
    def needs_documents(self) -> bool:
        return any(each.test is not None for each in self._doubts)

    def add(self, run_id: str, document: Document) -> None:
        steps = [position["step"] for position in document.get("cursor") or ()]
        self._ask(steps, document, 1, lambda limit: [run_id])

    def add_alike(self, steps: Collection[str | None], count: int, ids: Callable[[int], list[str]]) -> None:
        """`count` runs that stand at the same steps."""
        self._ask(steps, None, count, ids)

    def _ask(
        self,
        steps: Collection[str | None],
        document: Document | None,
        count: int,
        ids: Callable[[int], list[str]],
    ) -> None:
        against = {doubt.number for doubt in self._doubts if doubt.ask(steps, document, count, ids)}
        for number in against:
            self._runs[number] = self._runs.get(number, 0) + count

    def guarded(self, changes: Changes) -> Changes:
        """The changes (the same ones, perhaps settled since) with what was found: such a change is breaking, with the reason, and touches
        the runs that speak against it."""
        found: dict[int, list[_Doubt]] = {}
        for doubt in self._doubts:
            if doubt.runs:
                found.setdefault(doubt.number, []).append(doubt)
        items = tuple(
            _breaking(change, found[number], self._runs[number]) if number in found else change
            for number, change in enumerate(changes)
        )
        return replace(changes, items=_along(items))


def _variables(number: int, was: str, now: str, old: Snapshot, new: Snapshot) -> Iterable[_Doubt]:
    """What the new prompt of a step uses for the first time, and nothing surely supplies."""
    before = set((old.prompts.get(was) or {}).get("variables", ()))
    fresh = [each for each in (new.prompts.get(now) or {}).get("variables", ()) if each not in before]
    steps = frozenset(step for step in old.steps if was in reachable(old.steps, step))
    outputs = {*outputs_of(new.reads), *outputs_of(old.stored)}
    for variable in fresh:
        said = f"the prompt of {now!r} uses {{{variable}}}, which "
        holds = _field(new, variable)
        if holds is None:
            if variable not in outputs:
                yield _Doubt(number, said + "no state has", steps, None)
        elif not holds:

            def absent(document: Document, variable: str = variable) -> bool:
                return variable not in document["state"]

            yield _Doubt(number, said + "the state of some runs does not have", steps, absent)


def _field(snapshot: Snapshot, name: str) -> bool | None:
    """Whether a key of the state is surely there, or filled in by its reader, at a version; None where there is none of that name."""
    state = state_of(snapshot.reads)
    shape = state.resolve(state.root)
    if not isinstance(shape, Object):
        return False
    found = shape.properties.get(name)
    if found is None:
        return None if isinstance(shape.extra, str) else False
    return found.required or not isinstance(found.default, Missing)


def _calls(number: int, name: str, there: bool) -> _Doubt:
    def calls(document: Document) -> bool:
        return any(called == name for called, _, _ in outstanding(document))

    what = "takes other arguments" if there else "is gone"
    return _Doubt(number, f"the tool {name!r} {what}, and calls of it have no result yet", None, calls)


def _breaking(change: Change, doubts: list[_Doubt], runs_against: int) -> Change:
    reasons = []
    for doubt in doubts:
        ids = ", ".join(doubt.run_ids) + (", ..." if doubt.runs > len(doubt.run_ids) else "")
        runs = f"{doubt.runs:,} live run{'' if doubt.runs == 1 else 's'}"
        reasons.append(f"{doubt.says}: {runs} ({ids})")
    return replace(
        change,
        reads="no",
        change_class="breaking",
        reason="; ".join(reasons),
        touches=max(change.touches or 0, runs_against),
    )


def _along(items: tuple[Change, ...]) -> tuple[Change, ...]:
    """Where the form of what a step puts out has changed along with its prompt, that is said at the prompt."""
    forms = {Path.parse(each.path).segments[1] for each in items if each.path.startswith("outputs.")}

    def said(change: Change) -> Change:
        part, _, step = change.path.partition(".")
        if part != "prompts" or change.rule != "W01" or change.reason is not None or Key(step) not in forms:
            return change
        return replace(change, reason=f"the form of what {step!r} puts out has changed along")

    return tuple(map(said, items))
