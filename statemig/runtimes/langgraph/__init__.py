"""LangGraph: parked threads go on under a new version of their graph.

``MigratingSaver(inner, migrator)`` around any checkpointer; `capture` describes a compiled graph.
"""

from importlib.metadata import version as _version

if int(_version("langgraph").split(".")[0]) < 1:
    raise ImportError(
        f"statemig works with LangGraph from 1.0 on, and {_version('langgraph')} is installed: pip install 'langgraph>=1.0'"
    )

from statemig.runtimes.langgraph.saver import MigratingSaver

__all__ = ["MigratingSaver"]
