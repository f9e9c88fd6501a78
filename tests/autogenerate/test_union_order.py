"""The order of a union that is tried from left to right: recorded, in the digest, and a change where a value may be taken for another."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import Field, create_model

from statemig.autogenerate.compare import diff
from statemig.autogenerate.propose import propose
from statemig.shapes import json_schema
from statemig.shapes.digest import digest
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow
from statemig.workflow.snapshot import Snapshot


def in_order(union: Any) -> Any:
    return Annotated[union, Field(union_mode="left_to_right")]


def state(kind: Any) -> Snapshot:
    return capture(Workflow("w", create_model("State", value=(kind, ...))))


def rules(old: Any, new: Any) -> list[tuple[str, str]]:
    return [(change.rule, change.path) for change in diff(state(old), state(new))]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (in_order(str | date), in_order(date | str)),
        (in_order(str | date | None), in_order(None | date | str)),
        (in_order(str | date) | None, in_order(date | str) | None),
        (str | date, in_order(date | str)),
        (in_order(str | date), str | date),
        (in_order(str | int), in_order(int | str)),  # the text "1" is a number to pydantic
    ],
    ids=str,
)
def test_a_value_that_another_member_may_take_is_s50(old: Any, new: Any) -> None:
    assert rules(old, new) == [("S50", "state.value")]
    assert state(old).digests["state"] != state(new).digests["state"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (in_order(int | str), in_order(str | int)),  # and a number is no text
        (in_order(list[int] | str), in_order(str | list[int])),
        (in_order(None | int | str), in_order(int | str | None)),
        (str | date, date | str),
    ],
    ids=str,
)
def test_an_order_that_decides_nothing_is_no_change(old: Any, new: Any) -> None:
    assert rules(old, new) == []


def test_it_is_inside_of_lists_too() -> None:
    assert rules(list[in_order(str | date)], list[in_order(date | str)]) == [("S50", "state.value[]")]  # type: ignore[misc]


def test_a_member_that_is_asked_before_the_others_may_take_their_values() -> None:
    [first] = diff(state(in_order(int | str)), state(in_order(bool | int | str)))
    [last] = diff(state(in_order(int | str)), state(in_order(int | str | list[int])))
    assert (first.rule, first.direction, last.rule, last.direction) == ("S49", "overlapping", "S49", "added")


def test_a_script_is_not_complete_before_somebody_has_looked() -> None:
    proposal = propose(state(in_order(str | date)), state(in_order(date | str)))
    assert proposal.operations == ()
    assert "S50 union-reordered: a value that several members accept" in proposal.reasons["state.value"]


def test_the_order_survives_being_frozen() -> None:
    snapshot = state(in_order(str | date | None))
    assert Snapshot.from_dict(snapshot.to_dict()) == snapshot


def test_a_union_in_another_keeps_its_own_order() -> None:
    inner = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-statemig": {"in_order": True}}
    turned = {**inner, "anyOf": inner["anyOf"][::-1]}
    beside = [{"type": "array"}, {"type": "null"}]
    schemas = [json_schema.read({"anyOf": [each, *beside]}) for each in (inner, turned, inner)]
    digests = [digest(schema) for schema in schemas]
    assert digests[0] == digests[2] != digests[1]
    assert json_schema.read(json_schema.write(schemas[0])) == schemas[0]


def test_null_and_a_reference_say_nothing_of_the_order() -> None:
    inner = {"anyOf": [{"type": "integer"}, {"type": "string"}], "x-statemig": {"in_order": True}}
    written_out = json_schema.read({"anyOf": [inner, {"type": "null"}]})
    outer = {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/Value"}], "$defs": {"Value": inner}}
    assert digest(written_out) == digest(json_schema.read(outer))
