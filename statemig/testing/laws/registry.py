"""The names of the laws, in the order in which they run; what they are is imported when they do."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Final

#: without hypothesis; of a workflow ("workflow") or of a revision ("revision")
STRUCTURE: Final = {
    "single_head": "workflow",
    "revisions_import_and_link": "revision",
    "snapshot_matches_code": "workflow",
    "snapshots_are_valid": "revision",
    "proof": "revision",
}
#: law to module
DATA: Final = {
    "up_validates": "data",
    "down_validates": "data",
    "up_down_up": "data",
    "down_up_preserves": "data",
    "value_laws": "values",
    "lazy_equals_eager": "data",
    "chain_equals_stepwise": "data",
    "deterministic_and_pure": "data",
    "cursor_is_safe": "cursors",
    "head_model_loads": "data",
    "corpus_upgrades": "data",
}
#: laws about documents that the new version has written
BORN_NEW: Final = frozenset({"down_validates", "down_up_preserves"})


def law(name: str) -> Callable[..., Any]:
    """The function of a law of data. Imports no hypothesis."""
    found: Callable[..., Any] = getattr(importlib.import_module(f"statemig.testing.laws.{DATA[name]}"), name)
    return found
