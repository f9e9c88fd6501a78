"""Which fields of the state some instructions look into, and what the others are called afterwards."""

from __future__ import annotations

import pytest

from statemig.path import Path
from statemig.plan.footprint import Fields, fields_of
from statemig.plan.instructions import (
    Apply,
    Drop,
    Fill,
    Instruction,
    Mint,
    Move,
    Put,
    Relabel,
    Rename,
    Retype,
)
from statemig.plan.values import AllowNull

STATE, INNER, ITEMS, ANYWHERE = map(Path.parse, ("state", "state.customer", "state.messages[]", "<Node>"))
NULL = AllowNull()


@pytest.mark.parametrize(
    ("instructions", "opened", "moved"),
    [
        ([Rename(STATE, "a", "b")], {"b"}, {"a": "b"}),
        ([Rename(STATE, "a", "b"), Rename(STATE, "b", "c")], {"b", "c"}, {"a": "c"}),
        ([Rename(STATE, "a", "b"), Drop(STATE, "b")], {"a", "b"}, {"a": "b"}),
        ([Rename(STATE, "a", "b"), Put(STATE, "a", 1)], {"b"}, {"a": "b"}),
        ([Rename(INNER, "a", "b")], {"customer"}, {}),
        (
            [Rename(STATE, "customer", "client"), Put(Path.parse("state.client"), "x", 1)],
            {"client", "customer"},
            {"customer": "client"},
        ),
        ([Fill(ITEMS, "a", 1)], {"messages"}, {}),
        ([Move(STATE, ("a", "x"), ("b",))], {"a", "b"}, {}),
        ([Apply(Path.parse("state.a"), NULL)], {"a"}, {}),
        ([Apply(Path.parse("state.a.b"), NULL)], {"a"}, {}),
        ([Retype("Old", "New")], set(), {}),
    ],
)
def test_fields_that_are_opened(
    instructions: list[Instruction], opened: set[str], moved: dict[str, str]
) -> None:
    assert fields_of(instructions) == Fields(frozenset(opened), moved)


def test_a_definition_may_occur_anywhere() -> None:
    found = fields_of([Rename(ANYWHERE, "a", "b")])
    assert found is not None
    assert found.is_opened("whatever")


@pytest.mark.parametrize(
    "instruction",
    [
        Relabel("a", "b"),
        Mint(STATE, "id", 8),
        Put(Path.parse("outputs.a"), "x", 1),
        Apply(Path.parse("state"), NULL),
    ],
)
def test_what_changes_more_than_values_in_the_state(instruction: Instruction) -> None:
    assert fields_of([instruction]) is None
