"""Format 4.5: cells have ids

Revision ID: nb45
Revises: nb44
Workflow: notebook, version 6 -> 7
Change class: breaking
"""

from statemig import Operations

revision = "nb45"
down_revision = "nb44"
workflow = "notebook"
version = 7


def upgrade(op: Operations) -> None:
    op.map_values("state.nbformat_minor", {4: 5})
    op.make_required("state.metadata.orig_nbformat_minor", fill=4)
    op.add_id("state.cells[].id", length=8)
