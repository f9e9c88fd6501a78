"""The revisions these examples share, kept in memory. Yours are scripts in a folder: `Migrator.from_config()`."""

from __future__ import annotations

from statemig import Migrator, Operations, Revision


def second(op: Operations) -> None:
    op.rename_field("state.summary", to="digest")
    op.wrap("state.owner")
    op.add_field("state.priority", default="normal")
    op.rename_field("state.notes[].text", to="body")
    op.rename_step("approve", to="review")


migrator = Migrator(
    workflow="triage",
    revisions=[
        Revision("a1", workflow="triage", version=1),
        Revision("b2", down_revision="a1", upgrade=second, workflow="triage", version=2),
    ],
)

# Where in the run's dict its step is; the rest of the keys is its state.
LAYOUT = {"step": "step"}

# What version 1 wrote, long before anybody thought of stamps.
WRITTEN_BY_VERSION_1 = {
    "topic": "refund",
    "summary": "wants the money back",
    "owner": "kim",
    "notes": [{"text": "called twice"}, {"text": "is right"}],
    "step": "approve",
}
