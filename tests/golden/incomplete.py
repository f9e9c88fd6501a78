"""paid is new

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.paid is new (absent -> boolean)
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.add_field("state.paid", default=False)
    # Not covered yet:
    # - state.price: may be a string, but an object Money is expected (S30 nesting-changed: nothing turns
    #   string into Money by itself; write a transform)
