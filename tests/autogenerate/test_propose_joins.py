"""Joins that come and go: proposed where the step will wait for one step only; otherwise there is a reason why not."""

from __future__ import annotations

from pydantic import create_model

from statemig import Step, Workflow
from statemig.autogenerate.propose import Proposal, propose
from statemig.workflow.capture import capture
from statemig.workflow.snapshot import Snapshot

STATE = create_model("State", topic=(str, ...))


def flow(*steps: Step) -> Snapshot:
    return capture(Workflow("w", STATE, list(steps)))


def forked(*joins: str) -> Snapshot:
    branches = [Step(name, next="sum") for name in ("law", "cost")]
    return flow(Step("start", fork=["law", "cost"]), *branches, Step("sum", joins=joins))


CHAIN = flow(Step("start", next="law"), Step("law", next="sum"), Step("sum"))


def script(proposal: Proposal) -> list[str]:
    return [operation.source() for operation in proposal.operations]


def test_a_join_that_is_entirely_new_has_counted_no_arrivals() -> None:
    proposal = propose(CHAIN, forked("law", "cost"))
    assert proposal.missing == ("steps.sum",)
    assert "has started only some of them" in proposal.reasons["steps.sum"]


def test_a_join_that_is_gone_waits_for_the_only_step_that_is_left_before_it() -> None:
    proposal = propose(forked("law", "cost"), CHAIN)
    assert (
        script(proposal)
        == [
            'op.remove_step("cost", cursor=op.hold())',  # put behind the join it would go through it without the other
            'op.change_join("sum", branches=["law"])',
        ]
    )
    assert proposal.complete


def test_with_several_steps_left_before_it_nothing_says_which_arrivals_count() -> None:
    proposal = propose(forked("law", "cost"), forked())
    assert proposal.operations == ()
    assert "runs that wait in the join have counted other branches" in proposal.reasons["steps.sum"]


def test_what_becomes_of_a_pending_call_is_somebodys_decision() -> None:
    old, new = (
        flow(Step("review", kind="human", tools=tools)) for tools in (["refund", "refuse"], ["refuse"])
    )
    [step] = propose(old, new).steps
    assert step.operation.source() == 'op.requeue("review")'
    assert (step.note or "").startswith("to decide:")
    assert "op.drop_pending(" in (step.note or "")
