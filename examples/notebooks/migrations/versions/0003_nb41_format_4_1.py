"""Format 4.1

Revision ID: nb41
Revises: nb40
Workflow: notebook, version 2 -> 3
Change class: breaking
"""

from statemig import Operations

revision = "nb41"
down_revision = "nb40"
workflow = "notebook"
version = 3


def upgrade(op: Operations) -> None:
    op.map_values("state.nbformat_minor", {0: 1})
    op.make_required("state.metadata.orig_nbformat_minor", fill=0)
