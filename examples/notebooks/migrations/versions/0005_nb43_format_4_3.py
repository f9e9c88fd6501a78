"""Format 4.3

Revision ID: nb43
Revises: nb42
Workflow: notebook, version 4 -> 5
Change class: breaking
"""

from statemig import Operations

revision = "nb43"
down_revision = "nb42"
workflow = "notebook"
version = 5


def upgrade(op: Operations) -> None:
    op.map_values("state.nbformat_minor", {2: 3})
    op.make_required("state.metadata.orig_nbformat_minor", fill=2)
