"""What an example of a rule consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Fragment = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """One side of an example: the JSON Schema of the state, the steps as they stand in the code, or both."""

    state: Fragment | None = None
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Example:
    """`direction` is that of the rule's case, `script` the line (or lines) in the revision, `said` what `--rename` has to
    settle. `note`: why the script has another operation than the rule proposes."""

    direction: str
    old: Version
    new: Version
    script: str
    said: Mapping[str, str | None] = field(default_factory=dict)
    note: str | None = None


def object_of(*required: str, extra: bool | None = None, **properties: Fragment) -> Fragment:
    """An object with these properties; the positional names are required."""
    made: Fragment = {"type": "object", "properties": properties}
    if required:
        made["required"] = list(required)
    if extra is not None:
        made["additionalProperties"] = extra
    return made
