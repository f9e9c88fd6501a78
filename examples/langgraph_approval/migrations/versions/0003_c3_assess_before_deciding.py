"""assess before deciding

Revision ID: c3
Revises: b2
Workflow: refunds, version 2 -> 3
Change class: breaking

What changes:

- state.claim.amount becomes cents (state.claim.amount: integer -> state.claim.cents: integer)
- step review becomes decide
- step assess is new after look_up
"""

from statemig import Operations

revision = "c3"
down_revision = "b2"
workflow = "refunds"
version = 3


def upgrade(op: Operations) -> None:
    op.rename_field("state.claim.amount", to="cents")
    op.rename_step("review", to="decide")
    op.add_step("assess", after="look_up", down=op.forward("decide"))
