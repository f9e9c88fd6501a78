"""approve becomes review; summary becomes digest; priority is new

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.summary becomes digest (state.summary: string -> state.digest: string)
- state.priority is new (absent -> "normal" | "high")
- step approve becomes review
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.rename_field("state.summary", to="digest")
    op.add_field("state.priority", default="normal")  # assumed: what should old runs have here?
    op.rename_step("approve", to="review")
