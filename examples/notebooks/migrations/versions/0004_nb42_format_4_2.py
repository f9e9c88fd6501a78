"""Format 4.2

Revision ID: nb42
Revises: nb41
Workflow: notebook, version 3 -> 4
Change class: breaking
"""

from statemig import Operations

revision = "nb42"
down_revision = "nb41"
workflow = "notebook"
version = 4


def upgrade(op: Operations) -> None:
    op.map_values("state.nbformat_minor", {1: 2})
    op.make_required("state.metadata.orig_nbformat_minor", fill=1)
