"""Bounds that are themselves outside: what is proposed is the number next to them."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import Field, create_model

from statemig import Migrator, Revision
from statemig.autogenerate.propose import Proposal, propose
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow
from statemig.workflow.snapshot import Snapshot

NEXT_TO = "next to the bound"


def state(**bounds: float) -> Snapshot:
    return capture(Workflow("w", create_model("State", value=(Annotated[float, Field(**bounds)], ...))))  # type: ignore[call-overload]


def proposed(old: Snapshot, new: Snapshot) -> tuple[list[str], Proposal]:
    proposal = propose(old, new)
    return [operation.source() for operation in proposal.operations], proposal


@pytest.mark.parametrize(
    ("old", "new", "clamp"),
    [
        ({}, {"gt": 0}, "(5e-324, None)"),
        ({"ge": 0}, {"gt": 0}, "(5e-324, None)"),
        ({}, {"gt": 0.5, "lt": 1}, "(0.5000000000000001, 0.9999999999999999)"),
        ({}, {"gt": 2**53 + 1}, "(9007199254740994.0, None)"),
    ],
    ids=str,
)
def test_numbers_are_brought_to_the_one_next_to_an_exclusive_bound(
    old: dict[str, Any], new: dict[str, Any], clamp: str
) -> None:
    operations, proposal = proposed(state(**old), state(**new))
    assert operations == [f'op.constrain("state.value", clamp={clamp})']
    assert proposal.complete
    assert NEXT_TO in (proposal.steps[0].note or "")


def test_a_bound_that_holds_already_is_left_alone() -> None:
    assert proposed(state(gt=0), state(gt=0, le=5))[0] == ['op.constrain("state.value", clamp=(None, 5))']


def test_where_no_float_is_left_the_reason_is_given() -> None:
    operations, proposal = proposed(state(), state(gt=1.7976931348623157e308))
    assert operations == []
    assert (
        "no float lies between the bound, which is outside, and infinity" in proposal.reasons["state.value"]
    )


def test_the_number_on_the_bound_goes_and_comes_back() -> None:
    old, new = state(), state(gt=0)
    [operation] = propose(old, new).operations
    revisions = [
        Revision("a", snapshot=old),
        Revision("b", "a", upgrade=lambda op: op.record(operation), snapshot=new),
    ]
    document = {"status": "active", "state": {"value": 0.0}, "outputs": {}, "cursor": [], "pending": []}
    migrator = Migrator(revisions=revisions)
    up = migrator.upgrade(document, "a", record="complement")
    assert up.unwrap()["state"] == {"value": 5e-324}
    assert migrator.downgrade(up.document, to="a", complement=up.complement).unwrap() == document
