"""Where runs live: SQLAlchemy, statemig's own tables or the user's; compare-and-swap; history; sync and async."""

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
