"""title becomes headline; reviewers is new; level has other values; 1 more

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.findings[].title becomes headline (state.findings[].title: string -> state.findings[].headline:
  string)
- state.findings[].level: "low" becomes "LOW", "medium" becomes "MEDIUM", "high" becomes "HIGH"
- state.notes is never null (string or null -> string)
- state.reviewers is new (absent -> list of string)
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.rename_field("state.findings[].title", to="headline")
    op.map_values("state.findings[].level", {"low": "LOW", "medium": "MEDIUM", "high": "HIGH"})
    op.drop_null("state.notes", fill="")
    op.add_field("state.reviewers", default=[])
    # Not covered yet:
    # - state.tag: is not accepted: no such key is known (S07 field-removed: renamed to state.tags (0.72), or
    #   removed? Say so with --rename state.tag:...)
    # - state.tags: may be absent, but is required (S06 field-added-required: may be the new name of a removed
    #   one)
