"""Format 4.4

Revision ID: nb44
Revises: nb43
Workflow: notebook, version 5 -> 6
Change class: breaking
"""

from statemig import Operations

revision = "nb44"
down_revision = "nb43"
workflow = "notebook"
version = 6


def upgrade(op: Operations) -> None:
    op.map_values("state.nbformat_minor", {3: 4})
    op.make_required("state.metadata.orig_nbformat_minor", fill=3)
