"""limit becomes hint; hint becomes limit; author becomes name; 9 more

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- what state has besides author, source, street, town, limit, hint, tone goes into undeclared
- state.undeclared goes
- state.limit becomes limit_before
- state.hint becomes limit
- state.limit_before becomes hint
- state.author goes into author (string -> Author)
- state.author.author becomes name (string -> Author)
- state.author.email is new (absent -> string)
- state.source.seen goes (boolean -> absent)
- state.source.url becomes source (Source -> string)
- the fields of state.source come out of it (Source -> string)
- the default of state.tone is "warm"
- state.street, state.town go into place
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    op.nest_rest(
        "state", into="undeclared", keep=("author", "source", "street", "town", "limit", "hint", "tone")
    )
    op.remove_field("state.undeclared")
    op.rename_field("state.limit", to="limit_before")
    op.rename_field("state.hint", to="limit")
    op.rename_field("state.limit_before", to="hint")
    op.nest(["state.author"], into="author")  # assumed: is the old value its name?
    op.rename_field("state.author.author", to="name")
    op.add_field("state.author.email", default="")
    op.remove_field("state.source.seen")
    op.rename_field("state.source.url", to="source")
    op.flatten("state.source", fields=("source",))
    op.set_default("state.tone", value="warm", materialise="plain")
    op.nest(["state.street", "state.town"], into="place")
