"""For authors: `Workflow` and `Step`; capture from code; `Snapshot` and its digests."""

from statemig.workflow.definition import DumpProfile, Step, Was, Workflow

__all__ = ["DumpProfile", "Step", "Was", "Workflow"]
