"""Instructions on where a run stands: positions, outputs, what is done and what waits for a join."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statemig import json_text
from statemig.document import Document, Position, pending, positions, steps_named
from statemig.errors import CollisionError, CursorError, MigrationHeld, MigrationPinned
from statemig.path import Path
from statemig.plan.complement import Notes
from statemig.plan.instructions import CloseStep, OpenStep, Policy
from statemig.plan.values import fresh
from statemig.plan.walk import walk
from statemig.shapes.shape import Missing

#: whether every run that stands at the second step has finished the first
Passed = Callable[[str, str], bool]

_OF_WAITING = ("on", "key", "payload", "answer")


def relabel(document: Document, old: str, new: str) -> Document:
    """`old` is called `new`. Nothing is executed again and nobody is asked again: only the name changes.

    Raises `CollisionError` where the run knows a step `new` already, even one that has left no more than an entry of `done`: it would
    count as the other step's.
    """
    refuse_known(document, new, old)
    changes: dict[str, Any] = {}
    for part in ("outputs", "done"):
        named = document.get(part)
        if named and old in named:
            changes[part] = {new if name == old else name: value for name, value in named.items()}
    if any(position["step"] == old for position in positions(document)):
        changes["cursor"] = [
            {**position, "step": new} if position["step"] == old else position
            for position in positions(document)
        ]
    if any(old in (item["step"], item.get("to")) for item in pending(document)):
        changes["pending"] = [
            {name: new if name in ("step", "to") and value == old else value for name, value in item.items()}
            for item in pending(document)
        ]
    return {**document, **changes} if changes else document


def refuse_known(document: Document, new: str, old: str) -> None:
    """Raises `CollisionError` where a run holds the name that a step is about to get."""
    for part in ("outputs", "done"):
        if new in (document.get(part) or ()):
            raise _known(new, old, f"{part}.{new}")
    for name, place in steps_named(document):
        if name == new:
            raise _known(new, old, place)


def _known(new: str, old: str, place: str) -> CollisionError:
    return CollisionError(
        f"the run knows a step {new!r} already, so {old!r} cannot become it",
        step=old,
        path=place,
        hint="Choose another name, or remove the other step first",
        finding="cursor.name-taken",
    )


def close_step(document: Document, close: CloseStep, notes: Notes) -> Document:
    """A step goes. Raises `MigrationHeld`, `MigrationPinned` or `CursorError` where the policy is not to move the run."""
    step = close.step
    note = notes.take(()) or {}
    for number, item in enumerate(pending(document)):
        if step in (item["step"], item.get("to")):
            raise CursorError(
                f"a branch has committed writes of, or for, step {step!r}, which is removed",
                step=step,
                path=f"pending[{number}]",
                hint=f"Let the run reach its join first, or say before it op.drop_pending({step!r}, why=...), or op.change_join "
                "without it of the join that waits for it",
                finding="pending.untransformable",
            )
    kept: dict[str, Any] = {}
    standing = [position for position in positions(document) if position["step"] == step]
    if standing:
        moved = {id(position): _moved(position, close.policy) for position in standing}
        kept["positions"] = [
            {"was": position, "now": json_text.digest(moved[id(position)], 8)} for position in standing
        ]
        document = {
            **document,
            "cursor": [moved.get(id(position), position) for position in positions(document)],
        }
        document, put = _supply(document, close)
        if put:
            kept["put"] = put
    for part, present in (("outputs", "present"), ("done", "present_done")):
        named = document.get(part)
        if named and step in named and present not in note:
            kept[part] = named[step]
            index = list(named).index(step)
            if index < len(named) - 1:
                kept.setdefault("i", {})[part] = index
            document = {**document, part: {name: value for name, value in named.items() if name != step}}
    if close.refilled and "outputs" not in kept and "present" not in note:
        kept["absent"] = True  # the way back must not fill it in
    if "made" in note and not document.get("outputs"):
        document = {name: value for name, value in document.items() if name != "outputs"}
    if kept:
        notes.write((), **kept)
    return document


def open_step(document: Document, opened: OpenStep, notes: Notes, passed: Passed | None) -> Document:
    """A step comes, or comes back with what `close_step` kept of it."""
    step = opened.step
    note = notes.take(())
    marks: dict[str, Any] = {}
    for part, present in (("outputs", "present"), ("done", "present_done")):
        if step in (document.get(part) or {}):
            marks[present] = True
    if note is None:
        if (
            not isinstance(opened.backfill, Missing)
            and "present" not in marks
            and _is_past(document, opened, passed)
        ):
            if "outputs" not in document:
                marks["made"] = True
            document = {**document, "outputs": {**document.get("outputs", {}), step: fresh(opened.backfill)}}
    else:
        document = _restore(document, step, note, marks)
    if marks:
        notes.write((), **marks)
    return document


def _moved(position: Position, policy: Policy) -> Position:
    step = position["step"]
    standing = (
        f"position {position.get('id', '?')} stands on step {step!r} ({position.get('status', 'ready')})"
    )
    match policy.kind:
        case "forward" | "back" if policy.to is not None:
            return sent(position, policy.to)
        case "hold":
            raise MigrationHeld(
                f"{standing}, which is removed; the script holds such runs",
                step=step,
                hint="Let it finish the step on its own version, or change cursor= in the script",
            )
        case "pin":
            raise MigrationPinned(
                f"{standing}, which is removed; the script leaves such runs to their version",
                step=step,
                hint="Keep a worker of that version until the run is finished",
            )
        case "fail":
            raise CursorError(
                f"{standing}, which is removed; the script says that such runs fail",
                step=step,
                hint="Let it finish the step on its own version, or change cursor= in the script",
                finding="cursor.removed-unmapped",
            )
        case _:
            raise CursorError(
                f"{standing}, which does not exist on the other side",
                step=step,
                hint=f"Say in the script where it goes: add_step({step!r}, down=op.back(...) or op.forward(...) or op.pin())",
                finding="cursor.removed-unmapped",
            )


def sent(position: Position, step: str) -> Position:
    """A position that goes to another step, and waits for nothing any more."""
    rest = {name: value for name, value in position.items() if name not in _OF_WAITING}
    return {**rest, "step": step, "status": "ready"}


def _supply(document: Document, close: CloseStep) -> tuple[Document, list[dict[str, Any]]]:
    """Put, where absent, what the step would have written; into the state, not into what other branches have written."""
    put: list[dict[str, Any]] = []
    for path, value in close.output:
        key = path.key

        def visit(holder: Any, trail: Any, key: str = key, value: Any = value, text: str = str(path)) -> Any:
            if not isinstance(holder, dict) or key in holder:
                return holder
            put.append({"path": text, "now": json_text.digest(value, 8)})
            return {**holder, key: fresh(value)}

        document = walk(document, path.parent.segments, visit, ())
    return document, put


def _restore(document: Document, step: str, note: dict[str, Any], marks: dict[str, Any]) -> Document:
    moved = list(note.get("positions", ()))
    if moved:
        cursor = []
        for position in positions(document):
            now = json_text.digest(position, 8)
            kept = next((each for each in moved if each["now"] == now), None)
            if kept is None:
                cursor.append(position)  # it has gone on since, so it stays where it is
            else:
                moved.remove(kept)
                cursor.append(fresh(kept["was"]))
        if len(moved) < len(note["positions"]):
            document = {**document, "cursor": cursor}
            document = _withdraw(document, note.get("put", ()))
    for part, present in (("outputs", "present"), ("done", "present_done")):
        if part in note and present not in marks:
            if part == "outputs" and part not in document:
                marks["made"] = True
            items = list((document.get(part) or {}).items())
            items.insert(note.get("i", {}).get(part, len(items)), (step, fresh(note[part])))
            document = {**document, part: dict(items)}
    return document


def _withdraw(document: Document, put: Any) -> Document:
    for item in put:
        path = Path.parse(item["path"])
        key = path.key

        def visit(holder: Any, trail: Any, key: str = key, now: str = item["now"]) -> Any:
            if not isinstance(holder, dict) or key not in holder or json_text.digest(holder[key], 8) != now:
                return holder
            return {name: value for name, value in holder.items() if name != key}

        document = walk(document, path.parent.segments, visit, ())
    return document


def _is_past(document: Document, opened: OpenStep, passed: Passed | None) -> bool:
    """Past a step means done; else it dominates every step the run stands on; else nobody knows."""
    after = opened.after
    if after is None:
        return True
    if "done" in document:
        return bool(document["done"].get(after))
    standing = [position["step"] for position in positions(document)]
    if after in standing:
        return False
    if passed is not None and standing:
        if all(passed(after, step) for step in standing):
            return True
        if all(passed(step, after) for step in standing):
            return False
    raise CursorError(
        f"nothing says whether this run is past step {after!r}, so it is not known whether it needs the output of {opened.step!r}",
        step=opened.step,
        hint='Say passed="skip", or keep `done` in the run documents',
        finding="data.missing-input",
    )
