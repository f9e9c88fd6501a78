"""Steps that come in another order: where a run in the middle of them stands then."""

from __future__ import annotations

from collections.abc import Sequence

from statemig import json_text
from statemig.document import Document, Position, positions
from statemig.errors import CursorError, IrreversibleError, MigrationHeld, MigrationPinned
from statemig.plan.complement import Notes
from statemig.plan.cursor import sent
from statemig.plan.instructions import Reorder
from statemig.plan.values import fresh
from statemig.plan.walk import Item


def reorder(document: Document, instruction: Reorder, notes: Notes) -> Document:
    """Only where what is done comes first in both orders does anybody know where the run stands; else the policy says it.

    Raises `CursorError` (``cursor.order-changed``, ``approval.order-changed``), `MigrationHeld` or `MigrationPinned`.
    """
    known = instruction.order or instruction.was or ()
    here = [number for number, each in enumerate(positions(document)) if each["step"] in known]
    changed: dict[int, Position] = {}
    for number in here:
        position = positions(document)[number]
        note = notes.take(("cursor", Item(number))) or {}
        if note.get("digest") == json_text.digest(position, 8):
            moved = fresh(note["was"])
        elif note.get("now") == position["step"]:  # it is being worked on by now
            moved = {**position, "step": note["was"]["step"]}
        else:
            moved = _moved(document, number, instruction, alone=len(here) == 1)
        changed[number] = moved
        notes.write(
            ("cursor", Item(number)), was=position, now=moved["step"], digest=json_text.digest(moved, 8)
        )
    if not changed:
        return document
    return {
        **document,
        "cursor": [changed.get(number, each) for number, each in enumerate(positions(document))],
    }


def _moved(document: Document, number: int, instruction: Reorder, *, alone: bool) -> Position:
    """A position as it is in the new order."""
    position = positions(document)[number]
    step: str = position["step"]
    order, was = instruction.order, instruction.was
    if order is None:
        raise IrreversibleError(
            f"nobody said in which order {', '.join(was or ())} came before",
            step=step,
            path=f"cursor[{number}]",
            hint="Say reorder_steps([...], was=[...]), or give the revision before it its snapshot",
        )
    done = _done(document, step, order, was) if alone else None
    first = None if done is None else len(done)
    if done == set(order[:first]) and (was is None or done == set(was[:first])):
        target = order[len(done)]
        if target == step:
            return position
        if position.get("status") == "waiting" or "answer" in position:
            raise CursorError(
                f"approval.order-changed: position {position.get('id', '?')} waits at step {step!r}, and in the new "
                f"order {target!r} comes first",
                step=step,
                path=f"cursor[{number}]",
                hint="Let the question be answered and taken up on its own version first, or say cursor=op.pin()",
            )
        return {**position, "step": target, "status": "ready"}
    policy = instruction.policy
    standing = f"position {position.get('id', '?')} stands on step {step!r} in the middle of steps that come in another order"
    match policy.kind:
        case "forward" | "back" if policy.to is not None:
            return sent(position, policy.to)
        case "hold":
            raise MigrationHeld(
                f"{standing}; the script holds such runs",
                step=step,
                hint=f"Let it finish {', '.join(order)} on its own version, or change cursor= in the script",
            )
        case "pin":
            raise MigrationPinned(
                f"{standing}; the script leaves such runs to their version",
                step=step,
                hint="Keep a worker of that version until the run is past them",
            )
        case _:
            raise CursorError(
                f"cursor.order-changed: {standing}, and what it has done does not come first in both orders",
                step=step,
                path=f"cursor[{number}]",
                hint="Say in the script what becomes of it: reorder_steps([...], cursor=op.forward(...)), or "
                "op.back(...), op.hold(), op.pin()",
            )


def _done(document: Document, step: str, order: Sequence[str], was: Sequence[str] | None) -> set[str] | None:
    """Which of the steps the run has done in this round; None where nobody knows."""
    counts = document.get("done")
    if counts is not None:
        here = counts.get(step, 0)
        return {name for name in order if counts.get(name, 0) > here}
    return None if was is None else set(was[: was.index(step)])
