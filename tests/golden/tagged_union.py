"""limit is new; state.calls[].kind may be "write"

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: additive

What changes:

- state.calls[]<kind=search>.limit is new (absent -> integer)
- state.calls[].kind may be "write"
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.add_field("state.calls[]<kind=search>.limit", default=10)
    op.add_variant("state.calls[].kind", "write")
