"""`propose`: the operations that bring old documents to a new definition, and what they do not cover yet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from statemig.autogenerate.builders import REMOVED_NOTE, build, holders, make_room
from statemig.autogenerate.built import Built, Step
from statemig.autogenerate.change import Change, Changes
from statemig.autogenerate.compare import Comparison, Renames, compare
from statemig.autogenerate.fewest import Entries, rewritten
from statemig.autogenerate.known import declared, stored
from statemig.autogenerate.obligation import open_gaps
from statemig.autogenerate.renames import PLAUSIBLE_TYPE
from statemig.autogenerate.rules import RULES
from statemig.autogenerate.step_builders import FLOW_RULES, build_steps
from statemig.errors import OperationError
from statemig.operations.base import Operation, literal
from statemig.operations.fields import RemoveField
from statemig.operations.lowering import schema_after
from statemig.path import Path
from statemig.plan.instructions import Policy
from statemig.shapes.shape import Missing, Schema
from statemig.shapes.similarity import similarity
from statemig.shapes.subshape import Gap
from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Proposal:
    """What autogenerate would write.

    `complete`: every stored document fits the new version after `operations`, and every difference is accounted for.
    `missing`: the paths for which that is not so; `reasons` says why, by path. `renames`: applied without asking, as
    (old path, new path, score). `questions`: what only a person knows, as (old path, [(new path, score), ...]); such a
    field is neither renamed nor dropped. `assumed`: (path, value) that the operations contain and nobody stated.
    `removed`: dropped though nobody said so and a field of a like type is new beside it, as (old path, [new paths]).
    """

    operations: tuple[Operation, ...]
    complete: bool
    missing: tuple[str, ...]
    changes: Changes
    renames: tuple[tuple[str, str, float], ...] = ()
    questions: tuple[tuple[str, list[tuple[str, float]]], ...] = ()
    assumed: tuple[tuple[str, Any], ...] = ()
    removed: tuple[tuple[str, list[str]], ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()


def propose(
    old: Snapshot, new: Snapshot, renames: Renames | None = None, history: Sequence[Snapshot] = ()
) -> Proposal:
    """Propose the operations from `old` to `new`. `renames` and `history` as in `diff`; raises `OperationError` as it does."""
    comparison = compare(old, new, renames, history)
    changes = comparison.changes
    if comparison.first:
        return Proposal((), True, (), changes)
    steps, unconsumed = _plan(old, new, comparison)
    removed = _removed_beside_new(old, new, comparison, steps, renames or {})
    steps = tuple(
        replace(step, note=REMOVED_NOTE) if _removes(step) and step.change.path in removed else step
        for step in steps
    )
    operations = tuple(step.operation for step in steps)
    reasons = _missing(unconsumed, open_gaps(old, new, operations))
    return Proposal(
        operations=operations,
        complete=not reasons,
        missing=tuple(reasons),
        changes=changes,
        renames=changes.renames,
        questions=changes.questions,
        assumed=tuple(_assumed(steps)),
        removed=tuple(removed.items()),
        reasons=reasons,
        steps=steps,
    )


def _removes(step: Step) -> bool:
    return isinstance(step.operation, RemoveField)


def _removed_beside_new(
    old: Snapshot, new: Snapshot, comparison: Comparison, steps: Sequence[Step], given: Renames
) -> dict[str, list[str]]:
    """Removals that may be renames all the same: too unlike to ask about, too alike to say nothing."""
    was, now = declared(old), declared(new)
    added = [c for c in comparison.changes if c.rule in ("S04", "S05", "S06")]
    found: dict[str, list[str]] = {}
    for step in steps:
        gone = step.change
        if not _removes(step) or gone.rule not in ("S07", "S08") or gone.path in given:
            continue
        beside = [c.path for c in added if _is_beside(gone, c) and _is_alike(gone, c, was, now)]
        if beside:
            found[gone.path] = beside
    return found


def _is_beside(gone: Change, come: Change) -> bool:
    """In the same object, by the names that it has at this point of the script."""
    left, right = (None if c.site is None else c.site.target for c in (gone, come))
    return left is not None and right is not None and left.parent == right.parent


def _is_alike(gone: Change, come: Change, was: Schema, now: Schema) -> bool:
    left = None if gone.site is None else gone.site.old
    right = None if come.site is None else come.site.new
    return left is not None and right is not None and similarity(left, was, right, now) >= PLAUSIBLE_TYPE


def _assumed(steps: Sequence[Step]) -> Iterator[tuple[str, Any]]:
    for step in steps:
        if not isinstance(step.assumed, Missing):
            path = getattr(step.operation, "path", None) or f"steps.{getattr(step.operation, 'step', '')}"
            yield str(path), _as_json(step.assumed)


def _as_json(assumed: Any) -> Any:
    """A policy as it stands in the script; a table whose keys are no texts as pairs."""
    match assumed:
        case Policy():
            return literal(assumed)
        case dict() if not all(isinstance(key, str) for key in assumed):
            return [[key, value] for key, value in assumed.items()]
        case _:
            return assumed


def _plan(
    old: Snapshot, new: Snapshot, comparison: Comparison
) -> tuple[tuple[Step, ...], list[tuple[Change, str]]]:
    """Every operation that holds, in the order of the script, and the changes that none makes up for."""
    old_schema, new_schema = declared(old), declared(new)
    questions = dict(comparison.changes.questions)
    withheld = {candidates[0][0] for candidates in questions.values()}
    moves = [c.site for c in comparison.changes if c.rule == "S14" and c.site is not None]
    moved = [str(site.target) for site in moves]
    targets = [site.detail for site in moves if isinstance(site.detail, Path)]
    first: list[tuple[Change, Built]] = []
    last: list[tuple[Change, Built]] = []
    unconsumed: list[tuple[Change, str]] = []
    for change in comparison.changes:
        if change.path in questions and change.rule in ("S07", "S08", "W04"):
            unconsumed.append((change, _question(change, questions[change.path])))
        elif change.path in withheld and change.rule in ("S04", "S05", "S06", "W03"):
            unconsumed.append((change, f"{RULES[change.rule].name}: may be the new name of a removed one"))
        elif change.rule not in FLOW_RULES:
            built = make_room(build(change, old_schema, new_schema), targets)
            emptied = change.rule in ("S07", "S08") and any(
                path.startswith(f"{change.site.target}.") for path in moved if change.site is not None
            )
            (last if emptied or change.rule == "S14" else first).append((change, built))
    last.sort(key=lambda pair: pair[0].rule != "S14")
    left = {id(change) for change, _ in unconsumed}
    steps = [c for c in comparison.changes if c.rule in FLOW_RULES and id(c) not in left]
    flow = list(build_steps(steps, old, new, comparison.steps))
    return _fewest(old, new, (*first, *last, *flow), unconsumed)


def _fewest(
    old: Snapshot, new: Snapshot, entries: Entries, unconsumed: list[tuple[Change, str]]
) -> tuple[tuple[Step, ...], list[tuple[Change, str]]]:
    """Of the ways to write it the complete one with the fewest operations; of equal ones the plainest, which comes first."""
    best = _checked(old, entries, unconsumed)
    improved = any(True for _ in rewritten(entries))
    cost = _cost(old, new, best) if improved else (0, 0)
    while improved:
        improved = False
        for other in rewritten(entries):
            candidate = _checked(old, other, unconsumed)
            if (price := _cost(old, new, candidate)) < cost:
                best, cost, entries, improved = candidate, price, other, True
                break
    return best


def _cost(
    old: Snapshot, new: Snapshot, plan: tuple[tuple[Step, ...], list[tuple[Change, str]]]
) -> tuple[int, int]:
    """How much is missing, then how many operations."""
    steps, unconsumed = plan
    gaps = open_gaps(old, new, tuple(step.operation for step in steps))
    return len(_missing(unconsumed, gaps)), len(steps)


def _question(change: Change, candidates: list[tuple[str, float]]) -> str:
    names = " or ".join(f"{path} ({score:.2f})" for path, score in candidates)
    return (
        f"{RULES[change.rule].name}: renamed to {names}, or removed? Say so with --rename {change.path}:..."
    )


def _checked(
    old: Snapshot, built: Entries, unconsumed: list[tuple[Change, str]]
) -> tuple[tuple[Step, ...], list[tuple[Change, str]]]:
    """Keep the operations that the schema at their point of the script allows."""
    schema = stored(old)
    unconsumed = list(unconsumed)
    steps: list[Step] = []
    for change, made in built:
        if made.reason is not None:
            unconsumed.append((change, made.reason))
        wanted = [part for step in made.steps for part in (*holders(step, schema), step)]
        for step in wanted:
            try:
                schema = schema_after(schema, [step.operation])
            except OperationError as error:
                unconsumed.append((change, f"{RULES[change.rule].name}: {error.message}"))
            else:
                steps.append(step)
    return tuple(steps), unconsumed


def _missing(unconsumed: list[tuple[Change, str]], gaps: list[Gap]) -> dict[str, str]:
    """Paths with reasons: what the subshape check finds, and changes that it cannot see."""
    reasons: dict[str, str] = {}
    for gap in gaps:
        reason = gap.reason if gap.certain else f"cannot be decided: {gap.reason}"
        reasons.setdefault(gap.path, reason)
    seen = list(reasons)
    for change, reason in unconsumed:
        same = [path for path in seen if _about(change, path)]
        if not same:
            reasons.setdefault(change.path, reason)
        for path in same:
            if reason not in reasons[path]:
                reasons[path] = f"{reasons[path]} ({reason})"
    return reasons


def _about(change: Change, path: str) -> bool:
    """Whether a gap at `path` is this change seen from the other side."""
    target = str(change.site.target) if change.site is not None and change.site.target is not None else None
    names = [change.path, *([target] if target is not None else [])]
    if change.path.startswith("steps."):
        names.append("outputs." + change.path.removeprefix("steps."))
    for name in names:
        if name.startswith("<"):
            _, _, tail = name.partition(">")
            if path.endswith(tail):
                return True
        elif path == name or _below(path, name) or _below(name, path):
            return True
    return False


def _below(path: str, other: str) -> bool:
    return path.startswith(other) and path[len(other)] in ".[{<"


__all__ = ["Proposal", "propose"]
