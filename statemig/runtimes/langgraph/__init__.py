"""LangGraph: parked threads go on under a new version of their graph.

``MigratingSaver(inner, migrator)`` around any checkpointer; ``ThreadFleet(url, migrator)`` for all threads of one; `capture` describes a
compiled graph.
"""

from __future__ import annotations

from importlib.metadata import version as _version

if int(_version("langgraph").split(".")[0]) < 1:
    raise ImportError(
        f"statemig works with LangGraph from 1.0 on, and {_version('langgraph')} is installed: pip install 'langgraph>=1.0'"
    )

from typing import TYPE_CHECKING, Any

from statemig.runtimes.langgraph.saver import MigratingSaver

if TYPE_CHECKING:
    from statemig.runtimes.langgraph.threads.fleet import ThreadFleet

__all__ = ["MigratingSaver", "ThreadFleet"]


def __getattr__(name: str) -> Any:
    if name != "ThreadFleet":  # a worker needs no SQLAlchemy
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from statemig.runtimes.langgraph.threads.fleet import ThreadFleet

    return ThreadFleet
