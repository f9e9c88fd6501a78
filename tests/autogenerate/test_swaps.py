"""Fields that take each other's names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import AliasChoices, Field, create_model

from statemig.autogenerate.propose import Proposal, propose
from statemig.migrator import Migrator
from statemig.operations.recorder import Operations
from statemig.revisions.revision import Revision
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow
from statemig.workflow.snapshot import Snapshot


def state(**fields: Any) -> Snapshot:
    made = {key: field if isinstance(field, tuple) else (field, ...) for key, field in fields.items()}
    return capture(Workflow("w", create_model("State", **made)))


def script(proposal: Proposal) -> list[str]:
    return [operation.source() for operation in proposal.operations]


def upgraded(old: Snapshot, new: Snapshot, proposal: Proposal, values: dict[str, Any]) -> Any:
    def upgrade(op: Operations) -> None:
        for operation in proposal.operations:
            op.record(operation)

    migrator = Migrator(
        workflow="w",
        revisions=[
            Revision("a1", snapshot=old, workflow="w"),
            Revision("b2", down_revision="a1", upgrade=upgrade, snapshot=new, workflow="w"),
        ],
    )
    result = migrator.upgrade({"state": values}, "a1", to="b2", run_id="r", record="complement")
    assert result.error is None, result.error
    back = migrator.downgrade(
        result.document, to="a1", revision="b2", run_id="r", complement=result.complement
    )
    assert back.document == {"state": values}
    return result.document["state"]


SWAP = [
    'op.rename_field("state.a", to="a_before")',
    'op.rename_field("state.b", to="a")',
    'op.rename_field("state.a_before", to="b")',
]


def test_types_that_changed_places_are_two_fields_that_did() -> None:
    old, new = state(a=str, b=list[int]), state(a=list[int], b=str)
    proposal = propose(old, new)
    assert script(proposal) == SWAP
    assert proposal.complete
    assert [pair[:2] for pair in proposal.renames] == [("state.a", "state.b"), ("state.b", "state.a")]
    assert upgraded(old, new, proposal, {"a": "x", "b": [1]}) == {"a": [1], "b": "x"}


def test_aliases_that_name_each_other_are_two_fields_that_did() -> None:
    new = state(
        a=(str, Field(validation_alias=AliasChoices("a", "b"))),
        b=(str, Field(validation_alias=AliasChoices("b", "a"))),
    )
    old = state(a=str, b=str)
    proposal = propose(old, new)
    assert script(proposal) == SWAP
    assert proposal.complete
    assert upgraded(old, new, proposal, {"a": "x", "b": "y"}) == {"a": "y", "b": "x"}


def test_somebody_said_so() -> None:
    proposal = propose(state(a=str, b=str), state(a=str, b=str), {"state.a": "b", "state.b": "a"})
    assert script(proposal) == SWAP
    assert proposal.renames == ()


def test_somebody_said_that_they_did_not() -> None:
    proposal = propose(state(a=str, b=int), state(a=int, b=str), {"state.a": "a"})
    assert script(proposal) == ['op.convert("state.a", to="int")', 'op.convert("state.b", to="str")']


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": str, "b": str}, {"a": str, "b": str}),
        ({"a": int, "b": float}, {"a": float, "b": int}),
        ({"a": str, "b": int, "c": int}, {"a": int, "b": str, "c": str}),
    ],
)
def test_without_evidence_everybody_keeps_the_name(old: dict[str, Any], new: dict[str, Any]) -> None:
    names = [operation.name for operation in propose(state(**old), state(**new)).operations]
    assert "rename_field" not in names


def test_a_name_is_given_once_its_owner_has_another() -> None:
    old, new = state(a=str, b=str, c=str), state(b=str, c=str, d=str)
    proposal = propose(old, new, {"state.a": "b", "state.b": "c", "state.c": "d"})
    assert script(proposal) == [
        'op.rename_field("state.c", to="d")',
        'op.rename_field("state.b", to="c")',
        'op.rename_field("state.a", to="b")',
    ]
    assert upgraded(old, new, proposal, {"a": "1", "b": "2", "c": "3"}) == {"b": "1", "c": "2", "d": "3"}


def test_three_names_go_round() -> None:
    old = state(a=str, b=str, c=str)
    proposal = propose(old, old, {"state.a": "b", "state.b": "c", "state.c": "a"})
    assert proposal.complete
    assert len(proposal.operations) == 4
    assert upgraded(old, old, proposal, {"a": "1", "b": "2", "c": "3"}) == {"b": "1", "c": "2", "a": "3"}


def test_the_name_in_between_is_nobodys() -> None:
    old, new = state(a=str, b=int, a_before=bool), state(a=int, b=str, a_before=bool)
    assert script(propose(old, new))[0] == 'op.rename_field("state.a", to="a_before_")'
