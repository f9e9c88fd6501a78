"""Run documents as an agent's workflow leaves them: messages, tool calls, step outputs, nested objects. 4 KB and 64 KB of JSON."""

from __future__ import annotations

import re
from typing import Any, Final

import orjson

SIZES: Final = {"4 KB": 4_096, "64 KB": 65_536}

#: the nested objects of the state, and their fields
SECTIONS: Final[dict[str, dict[str, Any]]] = {
    "customer": {
        "name": "Ada Berg",
        "email": "ada@example.org",
        "tier": "gold",
        "locale": "de-DE",
        "since": 2019,
    },
    "order": {"number": "A-20931", "total": 129.5, "currency": "EUR", "paid": True, "placed": "2026-03-02"},
    "policy": {"name": "returns", "days": 30, "country": "DE", "strict": False, "source": "handbook"},
    "budget": {"tokens": 20000, "used": 5231, "seconds": 300.0, "calls": 12, "soft": True},
    "retrieval": {"index": "kb-7", "top": 8, "floor": 0.25, "rerank": True, "took": 0.412},
    "routing": {"team": "refunds", "queue": "eu", "skill": "german", "since": None, "tries": 1},
    "limits": {"amount": 250, "daily": 1000, "per_user": 3, "window": "24h", "hard": False},
    "review": {"by": None, "due": "2026-03-09", "level": 2, "note": "", "open": True},
}
#: the lists of the state, and the fields of their items
LISTS: Final = {
    "messages": ("id", "role", "content", "at", "tokens"),
    "tool_calls": ("id", "name", "arguments", "status", "seconds"),
    "documents": ("id", "title", "source", "score", "text"),
}

_WORDS = re.findall(
    r"\w+",
    "the customer asks for a refund because parcel arrived late and one item is broken so we look up order policy then "
    "draft an answer that a person has to approve before anything goes out über Köln straße naïve",
)


def run_document(size: int) -> dict[str, Any]:
    """A run that waits for a person; its JSON is within 2 % of `size` bytes."""
    counts = (4, 3, 3) if size < 16_384 else (48, 24, 20)
    text = 10
    while True:
        document = _document(counts, text)
        missing = size - len(orjson.dumps(document))
        if missing < size * 0.005:
            return document
        text += max(1, missing // (6 * (sum(counts) + 3)))


def _document(counts: tuple[int, int, int], words: int) -> dict[str, Any]:
    messages, calls, found = counts
    state: dict[str, Any] = {
        "ticket": "T-10482",
        "subject": "Where is my refund?",
        "language": "de",
        "priority": "normal",
        "attempt": 2,
        "confidence": 0.8312,
        "escalated": False,
        "opened_at": "2026-03-02T09:14:55Z",
        "summary": _text(7, words),
        "owner": None,
        **{name: dict(fields) for name, fields in SECTIONS.items()},
        "messages": [
            {
                "id": f"m{number}",
                "role": ("user", "assistant")[number % 2],
                "content": _text(number, words),
                "at": f"2026-03-02T09:{number % 60:02}:00Z",
                "tokens": 40 + number * 7 % 90,
            }
            for number in range(messages)
        ],
        "tool_calls": [
            {
                "id": f"c{number}",
                "name": ("search", "orders", "refund")[number % 3],
                "arguments": {"query": _text(number + 3, words // 2), "limit": 5 + number % 4},
                "status": "done",
                "seconds": 0.25 + number / 8,
            }
            for number in range(calls)
        ],
        "documents": [
            {
                "id": f"d{number}",
                "title": _text(number, 3),
                "source": "handbook",
                "score": 0.5 + number / 64,
                "text": _text(number + 5, words),
            }
            for number in range(found)
        ],
    }
    outputs = {
        "classify": {"label": "refund", "confidence": 0.93, "reasons": ["late", "broken"]},
        "search": {"hits": found, "best": "d0"},
        "draft": {"text": _text(11, words), "tone": "friendly", "tokens": 211},
    }
    cursor = [
        {
            "id": "p4",
            "step": "approve",
            "status": "waiting",
            "on": "human",
            "key": "approve-T-10482",
            "payload": {"question": "Send this answer?", "amount": 129.5},
        }
    ]
    return {
        "status": "active",
        "state": state,
        "outputs": outputs,
        "done": {"classify": 1, "search": 2, "draft": 1},
        "cursor": cursor,
        "pending": [],
    }


def _text(seed: int, words: int) -> str:
    return " ".join(_WORDS[(seed * 7 + number * 5) % len(_WORDS)] for number in range(max(1, words)))
