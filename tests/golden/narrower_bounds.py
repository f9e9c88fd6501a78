"""state.score has narrower bounds; state.share has narrower bounds; 5 more

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.score has narrower bounds
- state.share has narrower bounds
- state.title has narrower bounds
- state.code has narrower bounds
- state.findings has narrower bounds
- state.labels has narrower bounds
- state.level has narrower bounds (string -> "low" | "high")
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    # assumed: may numbers outside be brought to the nearest bound?
    op.constrain("state.score", clamp=(0, 10))
    # assumed: may numbers outside be brought to the nearest bound?
    op.constrain("state.share", clamp=(None, 1))
    op.constrain("state.title", truncate=80)  # assumed: may what is too long be cut?
    # a run with a value outside stays as it is and is listed
    op.constrain("state.code", reject={"minLength": 3})
    # assumed: may what is too long be cut?
    op.constrain("state.findings", truncate=20, reject={"minItems": 1})
    # a run with a value outside stays as it is and is listed
    op.constrain("state.labels", reject={"maxProperties": 5})
    # a run with a value outside stays as it is and is listed
    op.constrain("state.level", reject={"enum": ["low", "high", None]})
