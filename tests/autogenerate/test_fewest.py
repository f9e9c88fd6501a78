"""Of several complete ways to write a proposal the one with the fewest operations is taken."""

from __future__ import annotations

import itertools
from typing import Any

from pydantic import create_model

from statemig.autogenerate import propose as module
from statemig.autogenerate.fewest import rewritten
from statemig.autogenerate.obligation import open_gaps
from statemig.autogenerate.propose import Proposal, propose
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow
from statemig.workflow.snapshot import Snapshot


def state(**fields: Any) -> Snapshot:
    return capture(Workflow("w", create_model("State", **{k: (v, ...) for k, v in fields.items()})))


def script(proposal: Proposal) -> list[str]:
    return [operation.source() for operation in proposal.operations]


def person(**fields: Any) -> Any:
    return create_model("Person", **{key: (kind, ...) for key, kind in fields.items()})


def test_fields_that_all_go_into_a_new_object_are_one_operation() -> None:
    proposal = propose(state(a=int, first=str, email=str), state(a=int, person=person(first=str, email=str)))
    assert script(proposal) == ['op.nest(["state.first", "state.email"], into="person")']
    assert proposal.complete


def test_what_else_the_new_object_needs_is_added_to_it() -> None:
    proposal = propose(
        state(a=int, first=str, email=str), state(a=int, person=person(first=str, email=str, phone=str))
    )
    assert script(proposal) == [
        'op.nest(["state.first", "state.email"], into="person")',
        'op.add_field("state.person.phone", default="")',
    ]
    assert proposal.assumed == (("state.person.phone", ""),)
    assert proposal.complete


def test_of_equally_many_the_plainest_is_taken() -> None:
    proposal = propose(state(a=int, email=str), state(a=int, person=person(email=str, phone=str)))
    assert [operation.name for operation in proposal.operations] == ["add_field", "move_field"]


def test_an_object_whose_fields_all_come_out_is_one_operation() -> None:
    proposal = propose(state(a=int, person=person(first=str, email=str)), state(a=int, first=str, email=str))
    assert script(proposal) == ['op.flatten("state.person", fields=("first", "email"))']
    assert proposal.complete


def test_a_move_into_an_object_that_was_there_stays_a_move() -> None:
    proposal = propose(
        state(person=person(name=str), first=str, email=str),
        state(person=person(name=str, first=str, email=str)),
    )
    assert [operation.name for operation in proposal.operations] == ["move_field", "move_field"]
    assert proposal.complete


def test_no_other_way_to_write_it_is_complete_and_shorter(monkeypatch: Any) -> None:
    """Every combination of rewritings, tried out."""
    seen: list[Any] = []
    monkeypatch.setattr(module, "rewritten", lambda entries: seen.append(entries) or rewritten(entries))
    old = state(
        a=int, first=str, email=str, street=str, town=str, meta=create_model("M", x=(int, ...), y=(int, ...))
    )
    address = create_model("Address", street=(str, ...), town=(str, ...))
    new = state(a=int, person=person(first=str, email=str), address=address, x=int, y=int)
    proposal = propose(old, new)
    assert proposal.complete
    ways = {seen[0]}
    for _ in itertools.repeat(None, 3):
        ways |= {other for entries in ways for other in rewritten(entries)}
    lengths = []
    for entries in ways:
        operations = [step.operation for _, built in entries for step in built.steps]
        if not open_gaps(old, new, operations):
            lengths.append(len(operations))
    assert len(lengths) == 8
    assert len(proposal.operations) == min(lengths) == 3
