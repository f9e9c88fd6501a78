"""Format 3

Revision ID: nb30
Revises:
Workflow: notebook, version 1
"""

from statemig import Operations

revision = "nb30"
down_revision = None
workflow = "notebook"
version = 1


def upgrade(op: Operations) -> None:
    pass
