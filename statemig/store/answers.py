"""A person's answer in a run document: found by its key, put in its place, and taken over when a worker saves later."""

from __future__ import annotations

from typing import Any

from statemig import json_text
from statemig.document import Document, Position, positions
from statemig.errors import AnswerError


def find(document: Document, key: str) -> Position | None:
    """The position that a key belongs to: one that waits for it, else one whose answer has come but was not taken up yet. A run
    that has ended waits for nothing."""
    if document.get("status", "active") != "active":
        return None
    keyed = [position for position in positions(document) if position.get("key") == key]
    for position in keyed:
        if position.get("status") == "waiting":
            return position
    for position in keyed:
        if "answer" in position:
            return position
    return None


def no_such_question(document: Document, run_id: str, *, answered: bool) -> AnswerError:
    """Names the steps that do wait; never a key or a value."""
    status = document.get("status", "active")
    waiting = [position["step"] for position in positions(document) if position.get("status") == "waiting"]
    message = (
        "the question was answered before, with another answer"
        if answered
        else "no question of the run has that key"
    )
    if waiting and status == "active":
        hint = f"Waiting now: {', '.join(waiting)}"
    else:
        hint = f"Nothing waits; the run is {status}"
    return AnswerError(message, run_id=run_id, hint=hint)


def place(position: Position, value: Any) -> None:
    position["status"] = "ready"
    position["answer"] = value


def since(base: Document, stored: Document) -> dict[str, Any] | None:
    """The answers that have come between two states of a document, by position id (empty where the documents are equal); None
    where anything else differs."""
    came: dict[str, Any] = {}
    waited = {
        position.get("id"): position for position in positions(base) if position.get("status") == "waiting"
    }
    undone: list[Position] = []
    for position in positions(stored):
        before = waited.get(position.get("id"))
        if before is not None and "answer" in position and "answer" not in before:
            came[position["id"]] = position["answer"]
            undone.append(before)
        else:
            undone.append(position)
    if not json_text.equal({**stored, "cursor": undone} if came else stored, base):
        return None
    return came


def take_over(document: Document, came: dict[str, Any]) -> bool:
    """Put answers into a document that did not have them yet; False where one of their positions has moved meanwhile."""
    by_id = {position.get("id"): position for position in positions(document)}
    for position_id in came:
        position = by_id.get(position_id)
        if position is None or position.get("status") != "waiting":
            return False
    for position_id, value in came.items():
        place(by_id[position_id], value)
    return True
