"""state.tags becomes a set; 5 more

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.tags becomes a set (list of string -> set of string)
- state.owners becomes a list, with order and duplicates (set of string -> list of string)
- state.span[2] is new
- state.place[2] goes
- the slots of state.pair come in another order: 1, 0
- state.labels: "Owner" becomes "owner"
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.to_set("state.tags")
    op.to_list("state.owners")
    op.tuple_add("state.span[2]", default=False)  # assumed: what should old runs have here?
    op.tuple_remove("state.place[2]")
    op.tuple_reorder("state.pair", [1, 0])
    op.rename_keys("state.labels", {"Owner": "owner"})
