"""join sum waits for law, cost; 4 more

Revision ID: 5f2c9a71b0de
Revises: 8b1f0c2d9a34
Workflow: triage, version 3 -> 4
Change class: breaking

What changes:

- join sum waits for law, cost
- questions of step review have another order
- step send is done again where a join has not consumed what it has written
- steps come in another order: enrich, check
- step review is done again where a join has not consumed what it has written
"""

from statemig import Operations

revision = "5f2c9a71b0de"
down_revision = "8b1f0c2d9a34"
workflow = "triage"
version = 4


def upgrade(op: Operations) -> None:
    # to decide: new_branch="start" or "arrived"; until then a run past the fork stays as it is
    op.change_join("sum", branches=["law", "cost"])
    op.map_waiting("review", order=[None, 0])
    op.requeue("send")  # assumed: may it be done again, where what it has written was not taken up?
    # to decide: cursor=...; until then a run in the middle of them stays as it is and is listed
    op.reorder_steps(["enrich", "check"])
    # to decide: is it done again, as here, or given up: op.drop_pending(..., why="...")?
    op.requeue("review")
