"""state.calls[] is told apart by kind; 4 more

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- state.calls[] is told apart by kind (Search or Fetch -> TaggedSearch or TaggedFetch)
- the tag state.last.kind becomes type
- state.last.type: the variant "fetch" becomes "get"
- state.plan.kind is never "ask"
- state.first is told apart by kind (Search -> TaggedSearch or TaggedFetch)
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.tag_union("state.calls[]", key="kind", infer={"query": "search", "url": "fetch"})
    op.rename_tag("state.last.kind", to="type")
    op.rename_variant("state.last.type", old="fetch", new="get")
    # to decide: to=op.value(...); until then a run that has one stays as it is and is listed
    op.remove_variant("state.plan.kind", "ask")
    op.tag_union("state.first", key="kind", infer=op.value("search"))
