"""The run document: the one JSON form in which a run is migrated.

``status``, ``state``, ``outputs``, ``done``, ``cursor`` and ``pending``; the last four may be absent where a runtime does not know
them. Each position of the cursor has ``id``, ``step`` and ``status``; a waiting one also ``on``, ``key`` and ``payload``; one whose
answer has come but was not taken up yet has ``answer``. Functions here read; nothing here changes a document.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

JSON = Any
Document = dict[str, Any]
Position = dict[str, Any]

STATUSES: Final = ("active", "finished", "failed", "cancelled")
POSITION_STATUSES: Final = ("ready", "running", "waiting")
_STATUSES: Final = frozenset(STATUSES)
_EMPTY: Final[dict[str, Any]] = {}
_NONE: Final[list[Any]] = []
PARTS: Final = ("status", "state", "outputs", "done", "cursor", "pending")


def new_document(state: dict[str, Any], cursor: list[Position] | None = None) -> Document:
    """A run that has done nothing yet."""
    return {
        "status": "active",
        "state": state,
        "outputs": {},
        "done": {},
        "cursor": cursor or [],
        "pending": [],
    }


def positions(document: Document) -> list[Position]:
    cursor: list[Position] = document.get("cursor") or []
    return cursor


def pending(document: Document) -> list[dict[str, Any]]:
    waiting: list[dict[str, Any]] = document.get("pending") or []
    return waiting


def steps_named(document: Document) -> Iterator[tuple[str, str]]:
    """Every step name the document holds, with the place that holds it (for messages)."""
    for number, position in enumerate(positions(document)):
        yield position["step"], f"cursor[{number}]"
    for number, item in enumerate(pending(document)):
        yield item["step"], f"pending[{number}]"
        if item.get("to") is not None:
            yield item["to"], f"pending[{number}].to"


def _is_sound(document: Any) -> bool:
    """Whether it surely is a run document: the quick answer for nearly all."""
    if type(document) is not dict or type(document.get("state")) is not dict:
        return False
    status, cursor = document.get("status", "active"), document.get("cursor", _NONE)
    if type(status) is not str or status not in _STATUSES or type(cursor) is not list:
        return False
    if document.get("pending", _NONE) != _NONE:
        return False  # that something is pending is rare
    if type(document.get("outputs", _EMPTY)) is not dict or type(document.get("done", _EMPTY)) is not dict:
        return False
    for position in cursor:
        if (
            type(position) is not dict
            or type(position.get("step")) is not str
            or position.get("status", "ready") not in POSITION_STATUSES
        ):
            return False
    return True


def problems(document: Any) -> list[tuple[str, str]]:
    """What keeps this from being a run document, as (path, what was expected); empty when nothing does."""
    if _is_sound(document):
        return []
    if not isinstance(document, dict):
        return [("", "an object with state, cursor, ...")]
    found: list[tuple[str, str]] = []
    if not isinstance(document.get("state"), dict):
        found.append(("state", "an object"))
    if document.get("status", "active") not in STATUSES:
        found.append(("status", f"one of {', '.join(STATUSES)}"))
    for part in ("outputs", "done"):
        if not isinstance(document.get(part, {}), dict):
            found.append((part, "an object"))
    for part in ("cursor", "pending"):
        items = document.get(part, [])
        if not isinstance(items, list):
            found.append((part, "a list"))
            continue
        for number, item in enumerate(items):
            if not isinstance(item, dict) or not isinstance(item.get("step"), str):
                found.append((f"{part}[{number}].step", "the name of a step"))
            elif part == "cursor" and item.get("status", "ready") not in POSITION_STATUSES:
                found.append((f"cursor[{number}].status", f"one of {', '.join(POSITION_STATUSES)}"))
    return found
