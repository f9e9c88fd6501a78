"""What a lossy instruction removed, kept so that the way back is exact.

The complement of a document is plain JSON: ``{"<revision>/<operation>": [note, ...]}``. A note says where (``at``) and what: ``was``
(the value that went or was changed, with ``now``, the digest of what it became, or ``i``, its place among the keys), or one of the
flags ``absent``, ``present``, ``filled``, ``made``. Both directions of an operation use the same label, because a document is always on
one side of it.

Inside a list an item is never named by its position: after an insert, a delete or a reorder nobody's value may go to somebody else. It is
named by its digest after the change (``{"item": digest, "k": 0, "n": 2}``: the first of two that look the same; they can't be told
apart, so their order is no matter, but there must still be two), or by a declared key (``{"by": "id", "key": 7}``). Positions and what
branches have written (``cursor``, ``pending``) are named by their ids: they change while a run goes on.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from statemig import json_text
from statemig.plan.walk import Item, Trail

Note = dict[str, Any]
Complement = dict[str, list[Note]]


class Notes:
    """The notes of one instruction on one document: those of the other direction to read, and those to write. `run_id`: whose document
    it is, where that is known."""

    def __init__(self, recording: bool, identity: str | None = None, run_id: str | None = None) -> None:
        self.recording = recording
        self.run_id = run_id
        self._identity = identity
        self._incoming: dict[Trail, Note] = {}
        self._outgoing: list[tuple[Trail, Note]] = []

    def open(self, notes: Iterable[Note], document: Any) -> None:
        """Take up notes against the document as it is before the instruction; one whose place is not certain is left out."""
        lists = _Lists()
        for note in notes:
            trail = _resolve(note.get("at", []), document, lists)
            if trail is not None:
                self._incoming[trail] = note

    def take(self, trail: Trail) -> Note | None:
        return self._incoming.pop(trail, None) if self._incoming else None

    def write(self, trail: Trail, **note: Any) -> None:
        if self.recording:
            self._outgoing.append((trail, note))

    def seal(self, document: Any) -> list[Note]:
        """The notes written, with their places in the document as it is after the instruction."""
        lists = _Lists()
        return [
            {"at": _address(trail, document, lists, self._identity), **note} for trail, note in self._outgoing
        ]


class _Lists:
    """Digests of the items of lists, made once per list."""

    def __init__(self) -> None:
        self._digests: dict[int, list[str]] = {}

    def of(self, items: list[Any]) -> list[str]:
        found = self._digests.get(id(items))
        if found is None:
            found = self._digests[id(items)] = [json_text.digest(item, 8) for item in items]
        return found


def _address(trail: Trail, value: Any, lists: _Lists, identity: str | None) -> list[Any]:
    out: list[Any] = []
    for part in trail:
        if isinstance(part, Item):
            key = "id" if out in (["cursor"], ["pending"]) else identity
            out.append(_name(value, part.index, lists, key))
            value = value[part.index]
        else:
            out.append(part)
            value = value[part]
    return out


def _name(items: list[Any], index: int, lists: _Lists, identity: str | None) -> dict[str, Any]:
    item = items[index]
    if identity is not None and isinstance(item, dict) and isinstance(item.get(identity), str | int):
        key = item[identity]
        if len(_with_key(items, identity, key)) == 1:
            return {"by": identity, "key": key}
    digests = lists.of(items)
    own = digests[index]
    alike = digests.count(own)
    return {"item": own} if alike == 1 else {"item": own, "k": digests[:index].count(own), "n": alike}


def _resolve(at: list[Any], value: Any, lists: _Lists) -> Trail | None:
    trail: list[str | int | Item] = []
    for part in at:
        if isinstance(part, dict):
            index = _find(value, part, lists)
            if index is None:
                return None
            trail.append(Item(index))
            value = value[index]
            continue
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
        trail.append(part)
    return tuple(trail)


def _find(items: Any, name: dict[str, Any], lists: _Lists) -> int | None:
    if not isinstance(items, list):
        return None
    if "by" in name:
        found = _with_key(items, name["by"], name["key"])
        return found[0] if len(found) == 1 else None
    digests = lists.of(items)
    alike = [index for index, digest in enumerate(digests) if digest == name["item"]]
    return alike[name.get("k", 0)] if len(alike) == name.get("n", 1) else None


def _with_key(items: list[Any], identity: str, key: Any) -> list[int]:
    return [
        index
        for index, item in enumerate(items)
        if isinstance(item, dict) and identity in item and json_text.equal(item[identity], key)
    ]
