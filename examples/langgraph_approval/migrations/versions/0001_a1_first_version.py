"""first version

Revision ID: a1
Revises: base
Workflow: refunds, version 0 -> 1
Change class: none
"""

from statemig import Operations

revision = "a1"
down_revision = None
workflow = "refunds"
version = 1


def upgrade(op: Operations) -> None:
    pass
