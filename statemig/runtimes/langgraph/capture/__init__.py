"""A compiled graph as a snapshot describes it."""

from statemig.runtimes.langgraph.capture.graph import capture

__all__ = ["capture"]
