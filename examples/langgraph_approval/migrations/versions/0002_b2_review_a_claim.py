"""review a claim

Revision ID: b2
Revises: a1
Workflow: refunds, version 1 -> 2
Change class: breaking

What changes:

- state.refund becomes claim (state.refund: Refund -> state.claim: Refund)
- step approve becomes review
"""

from statemig import Operations

revision = "b2"
down_revision = "a1"
workflow = "refunds"
version = 2


def upgrade(op: Operations) -> None:
    op.rename_field("state.refund", to="claim")
    op.rename_step("approve", to="review")
