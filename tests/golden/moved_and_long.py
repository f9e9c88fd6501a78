"""reviewer_email moves to meta; limits is new; status has other values

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.status: "waiting for reviewer" becomes "waiting_for_reviewer", "closed without answer" becomes
  "closed_without_answer"
- state.limits is new (absent -> map of anything)
- state.reviewer_email moves to state.meta.reviewer_email (state.reviewer_email: string ->
  state.meta.reviewer_email: string)
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.map_values(
        "state.status",
        {"waiting for reviewer": "waiting_for_reviewer", "closed without answer": "closed_without_answer"},
        otherwise="keep",
    )
    op.add_field(
        "state.limits",
        default={
            "attempts_before_giving_up": 3,
            "seconds_between_attempts": 30,
            "hosts": ["one.example.invalid", "two.example.invalid"],
        },
    )
    op.move_field("state.reviewer_email", to="state.meta.reviewer_email")
