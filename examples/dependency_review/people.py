"""The people who are asked. What they say depends only on what they were asked about, and no two say the same."""

from __future__ import annotations

import hashlib
from typing import Any

JSON = dict[str, Any]


def subject(facts: JSON) -> str:
    """What a run is about; unique, and the same in both versions' state."""
    return f"{facts['package']} needs {facts['requirement']}"


def decide(facts: JSON) -> JSON:
    digest = hashlib.sha256(subject(facts).encode()).hexdigest()
    verdict = "rejected" if int(digest[:2], 16) % 4 == 0 else "approved"
    return {"verdict": verdict, "comment": f"{verdict} in ticket {digest[:8]}"}
