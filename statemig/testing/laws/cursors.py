"""Where runs stand, and who waits for what.

What a cursor may do is known from the two flows: a step that is in both keeps those who stand on it; one that was renamed without doubt
takes them along; from one that is gone they go on, to what could be reached from it, on the branch on which they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from statemig.autogenerate.compare import compare
from statemig.document import Document, pending, positions
from statemig.errors import CursorError
from statemig.operations.base import Operation
from statemig.operations.steps import RemoveStep, RenameStep
from statemig.plan.instructions import Policy
from statemig.testing.case import Case
from statemig.testing.laws.data import upgraded
from statemig.testing.violation import Place, Violation
from statemig.validity import require_cursor
from statemig.workflow import flow
from statemig.workflow.snapshot import Snapshot

_LAW = "cursor_is_safe"


def cursor_is_safe(case: Case, document: Document) -> None:
    """After the upgrade every position stands on a step that is there, with its inputs, an end in reach, and joins that can still fire;
    whoever waits still waits, under the same key; and nobody is on another branch than before."""
    result = upgraded(case, document)
    if result.error is not None:
        if isinstance(result.error, CursorError) and not _says_fail(case, result.error):
            place = _of_text(result.error.path)
            raise Violation(
                case,
                _LAW,
                f"{f'step {result.error.step}: ' if result.error.step else ''}{result.error.message}",
                document,
                places=[place],
                hint=result.error.hint,
            )
        return
    after = result.document
    try:
        require_cursor(after, case.new, case.revision)
    except CursorError as error:
        raise Violation(
            case, _LAW, error.message, document, after=after, places=[_of_text(error.path)]
        ) from error
    _nobody_is_dropped(case, document, after)
    _nobody_is_elsewhere(case, document, after)
    _nothing_arrived_is_lost(case, document, after)


def _nobody_is_dropped(case: Case, document: Document, after: Document) -> None:
    now = {each.get("id"): each for each in positions(after)}
    for number, position in enumerate(positions(document)):
        found = now.get(position.get("id"))
        place: Place = ("cursor", number)
        if found is None:
            if _changes_positions(case):
                continue
            what = (
                f"who waits at {position['step']}"
                if position["status"] == "waiting"
                else f"the position at {position['step']}"
            )
            raise Violation(case, _LAW, f"{what} is gone", document, after=after, places=[place])
        if (
            position["status"] == "waiting"
            and _removed(case, position["step"]) is None
            and not _changes_positions(case)
        ):
            for part in ("status", "key", "on"):
                if found.get(part) != position.get(part):
                    raise Violation(
                        case,
                        _LAW,
                        f"who waits at {position['step']} has another {part}",
                        document,
                        after=after,
                        places=[(*place, part)],
                    )


def _nobody_is_elsewhere(case: Case, document: Document, after: Document) -> None:
    old, new = case.old, case.new
    names = step_names(case)
    now = {each.get("id"): each["step"] for each in positions(after)}
    for number, position in enumerate(positions(document)):
        was, at = position["step"], now.get(position.get("id"))
        if at is None:
            continue
        wanted = names.get(was)
        place: Place = ("cursor", number, "step")
        if wanted is not None:
            if at != wanted and not _handles(case, was):
                raise Violation(
                    case,
                    _LAW,
                    f"who stands at {was} belongs at {wanted}, and is at {at}",
                    document,
                    after=after,
                    places=[place],
                )
            continue
        back = _removed(case, was)
        if back is not None and back.kind == "back":
            continue
        if _same_branch(old, new, names, was, at) is False:
            raise Violation(
                case,
                _LAW,
                f"who stood at {was}, which is gone, is at {at}: no way led there from {was}",
                document,
                after=after,
                places=[place],
                hint=f'Send such runs on along their branch: op.remove_step("{was}", cursor=op.forward(...))',
            )


def _nothing_arrived_is_lost(case: Case, document: Document, after: Document) -> None:
    """What a branch has put down for a join is there, unless an operation on steps says otherwise."""
    if _changes_positions(case) or any(
        _is_about_steps(each) and not isinstance(each, RenameStep) for each in case.operations
    ):
        return
    names = step_names(case)
    now = {(each["step"], each.get("to")) for each in pending(after)}
    for number, item in enumerate(pending(document)):
        step, to = (names.get(name) if name is not None else None for name in (item["step"], item.get("to")))
        if step is not None and to is not None and (step, to) not in now:
            raise Violation(
                case,
                _LAW,
                f"what {item['step']} has put down for the join {item['to']} is gone",
                document,
                after=after,
                places=[("pending", number)],
            )


def step_names(case: Case) -> Mapping[str, str]:
    """Old step to new: those that are in both, those that the script renames, and those that were renamed without doubt."""
    kept: dict[str, str] | None = case.__dict__.get("_steps")
    if kept is not None:
        return kept
    gone = [name for name in case.old.steps if name not in case.new.steps or case.new.steps[name].removed]
    found = {name: name for name in case.old.steps if name not in gone}
    for old, new in compare(case.old, case.new).steps.kept.items():
        found.setdefault(old, new)
    for each in case.operations:
        if isinstance(each, RenameStep) and each.old in gone and each.to in case.new.steps:
            found.setdefault(each.old, each.to)
    case.__dict__["_steps"] = found
    return found


def _same_branch(old: Snapshot, new: Snapshot, names: Mapping[str, str], was: str, at: str) -> bool | None:
    """Whether a position that was at a step which is gone may be at another one; None where the flows do not say."""
    ahead = flow.reachable(old.steps, was) - {was}
    back = {new_name: old_name for old_name, new_name in names.items()}
    if at in back:
        return back[at] in ahead or _beside(old, was, back[at])
    # A new step: one that takes the place of the old one leads to where that led, or comes from where that came from.
    after = flow.reachable(new.steps, at)
    kept = {names[step] for step in ahead if step in names}
    return None if not kept else bool(kept & after)


def _beside(old: Snapshot, was: str, other: str) -> bool:
    """Whether a step holds the gone one in a circle, so that there is no telling ahead from behind."""
    return was in flow.reachable(old.steps, other) and other in flow.reachable(old.steps, was)


def _is_about_steps(operation: Operation) -> bool:
    return not operation.paths and hasattr(operation, "step")


def _handles(case: Case, step: str) -> bool:
    """Whether an operation on steps names the step, other than to rename it."""
    return any(
        step in (getattr(each, "step", None), *(getattr(each, "steps", ()) or ()))
        for each in case.operations
        if not isinstance(each, RenameStep)
    )


def _changes_positions(case: Case) -> bool:
    """Whether an operation makes several positions of one, or one of several, or calls work off."""
    from statemig.operations.flows import MergeSteps, SplitStep
    from statemig.operations.joins import ChangeJoin, DropPending, Requeue

    return any(
        isinstance(each, SplitStep | MergeSteps | ChangeJoin | DropPending | Requeue)
        for each in case.operations
    )


def _removed(case: Case, step: str) -> Policy | None:
    return next(
        (each.cursor for each in case.operations if isinstance(each, RemoveStep) and each.step == step), None
    )


def _says_fail(case: Case, error: CursorError) -> bool:
    number = (error.operation or "").partition(" ")[0]
    if not number.isdigit() or int(number) >= len(case.operations):
        return False
    values: list[Any] = list(vars(case.operations[int(number)]).values())
    return any(isinstance(value, Policy) and value.kind == "fail" for value in values)


def _of_text(path: str | None) -> Place:
    from statemig.testing.violation import place_of

    return place_of(path) if path else ("cursor",)
