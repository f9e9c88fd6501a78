"""A checked document over proven revisions is not validated again; every other one is."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from statemig import Migrator, Revision, Step, Workflow, capture
from statemig.errors import InvalidStateError
from statemig.shapes.validator import Validator


class Old(BaseModel):
    topic: str


class New(BaseModel):
    subject: str
    priority: str


def migrator(upgrade: Any) -> Migrator:
    def snapshot(model: type[BaseModel]) -> Any:
        return capture(Workflow("flow", state=model, steps=[Step("send")]))

    return Migrator(
        revisions=[
            Revision("r0", workflow="flow", snapshot=snapshot(Old)),
            Revision("r1", "r0", upgrade=upgrade, snapshot=snapshot(New)),
        ]
    )


def renamed(op: Any) -> None:
    op.rename_field("state.topic", to="subject")
    op.add_field("state.priority", default="normal")


def by_function(op: Any) -> None:
    op.transform(lambda state: {"subject": state["topic"], "priority": "normal"}, path="state")


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is validated from here on."""
    seen: list[Any] = []
    problems = Validator.problems

    def watched(self: Validator, value: Any) -> Any:
        seen.append(value)
        return problems(self, value)

    monkeypatch.setattr(Validator, "problems", watched)
    return seen


def many(of: Migrator, count: int = 50, **how: Any) -> None:
    for number in range(count):
        of.upgrade({"state": {"topic": f"topic {number}"}}, "r0", **how).unwrap()


def test_once_it_is_proven_checked_documents_are_not_validated(validated: list[Any]) -> None:
    proven = migrator(renamed)
    many(proven, checked=True)
    validated.clear()
    many(proven, checked=True)
    assert validated == []


def test_documents_that_are_not_checked_are_validated_on_both_sides(validated: list[Any]) -> None:
    proven = migrator(renamed)
    many(proven, checked=True)
    validated.clear()
    many(proven, count=1)
    assert [list(value["state"]) for value in validated] == [["topic"], ["subject", "priority"]]


def test_by_proof_what_was_found_valid_is_not_validated_again(validated: list[Any]) -> None:
    proven = migrator(renamed)
    many(proven, checked=True)
    validated.clear()
    many(proven, count=1, by_proof=True)
    assert [list(value["state"]) for value in validated] == [["topic"]]


def test_a_proof_says_nothing_of_what_was_wrong_before() -> None:
    proven = migrator(renamed)
    many(proven, by_proof=True)
    wrong = proven.upgrade({"state": {"topic": 7}}, "r0", by_proof=True)
    assert (wrong.outcome, wrong.error and wrong.error.finding) == ("failed", "data.invalid-before")


def test_by_proof_what_is_not_proven_is_validated_on_both_sides(validated: list[Any]) -> None:
    unproven = migrator(by_function)
    many(unproven, by_proof=True)
    validated.clear()
    many(unproven, count=1, by_proof=True)
    assert [list(value["state"]) for value in validated] == [["topic"], ["subject", "priority"]]


def test_what_no_shape_can_say_goes_on_being_validated(validated: list[Any]) -> None:
    unproven = migrator(by_function)
    many(unproven, checked=True)
    validated.clear()
    many(unproven, count=3, checked=True)
    assert len(validated) == 3


def test_a_chain_with_a_gap_is_never_taken_for_proven() -> None:
    incomplete = migrator(lambda op: op.rename_field("state.topic", to="subject"))
    for _ in range(100):
        result = incomplete.upgrade({"state": {"topic": "x"}}, "r0", checked=True)
        assert isinstance(result.error, InvalidStateError)


def test_a_way_down_is_validated_at_its_end(validated: list[Any]) -> None:
    proven = migrator(renamed)
    for _ in range(50):
        proven.downgrade({"state": {"subject": "x", "priority": "high"}}, to="r0", checked=True).unwrap()
    assert len(validated) == 50


def test_what_branches_have_written_is_validated_all_the_same(validated: list[Any]) -> None:
    proven = migrator(renamed)
    many(proven, checked=True)
    validated.clear()
    pending = [{"step": "send", "writes": {"topic": "y"}, "to": None}]
    proven.upgrade({"state": {"topic": "x"}, "pending": pending}, "r0", checked=True).unwrap()
    assert len(validated) == 2


def test_what_a_complement_puts_back_is_validated(validated: list[Any]) -> None:
    proven = migrator(renamed)
    many(proven, checked=True)
    down = proven.downgrade({"state": {"subject": "x", "priority": "high"}}, to="r0", checked=True)
    validated.clear()
    up = proven.upgrade(down.document, "r0", complement=down.complement, checked=True)
    assert up.unwrap()["state"] == {"subject": "x", "priority": "high"}
    assert len(validated) == 1
