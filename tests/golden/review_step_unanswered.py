"""priority is new

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.priority is new (absent -> "normal" | "high")
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.add_field("state.priority", default="normal")  # assumed: what should old runs have here?
    # Not covered yet:
    # - state.summary: is not accepted: no such key is known (S07 field-removed: renamed to state.digest
    #   (0.44), or removed? Say so with --rename state.summary:...)
    # - state.digest: may be absent, but is required (S06 field-added-required: may be the new name of a
    #   removed one)
    # - outputs.approve: is not accepted: no such key is known (W04 step-removed: renamed to steps.review
    #   (0.64), or removed? Say so with --rename steps.approve:...)
    # - steps.review: W03 step-added: may be the new name of a removed one
