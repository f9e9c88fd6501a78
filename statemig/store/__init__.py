"""Where runs live: SQLAlchemy, statemig's own tables or the user's; compare-and-swap; history; sync and async.

Each name is imported when it is first used: what only counts runs should not wait for SQLAlchemy.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statemig.store.async_store import AsyncRunStore
    from statemig.store.protocols import (
        Attempt,
        DeployStore,
        Failure,
        Fleet,
        HistoryEntry,
        Moved,
        RunFilter,
        Standing,
        StoredRun,
    )
    from statemig.store.run import Run, RunView
    from statemig.store.run_store import RunStore
    from statemig.store.run_table import RunTable

__all__ = [
    "AsyncRunStore",
    "Attempt",
    "DeployStore",
    "Failure",
    "Fleet",
    "HistoryEntry",
    "Moved",
    "Run",
    "RunFilter",
    "RunStore",
    "RunTable",
    "RunView",
    "Standing",
    "StoredRun",
]

_HOMES = {
    "AsyncRunStore": "async_store",
    "Run": "run",
    "RunStore": "run_store",
    "RunTable": "run_table",
    "RunView": "run",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module 'statemig.store' has no attribute {name!r}")
    home = importlib.import_module(f"statemig.store.{_HOMES.get(name, 'protocols')}")
    value: object = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
