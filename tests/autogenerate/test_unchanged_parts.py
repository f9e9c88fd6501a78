"""Parts that are written the same are passed over, and nothing that differs is."""

from typing import Literal

import pytest
from pydantic import BaseModel, Field

from statemig.autogenerate.compare import diff
from statemig.shapes.marks import Marks
from statemig.workflow import Workflow
from statemig.workflow.capture import capture
from statemig.workflow.snapshot import Snapshot


def snapshot(model: type[BaseModel]) -> Snapshot:
    return capture(Workflow("triage", state=model))


def state(kind, default, description=None):
    class Leaf(BaseModel):
        value: kind = Field(default, description=description)

    class State(BaseModel):
        first: Leaf
        many: list[Leaf] = []

    return snapshot(State)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ((int, 1), (int, 2)),
        ((int | bool, 1), (int | bool, True)),
        ((float, 1.0), (float | None, 1.0)),
        ((Literal["a"], "a"), (Literal["a", "b"], "a")),
        ((str, "a", "what it was"), (str, "a", "what it is")),
    ],
)
def test_a_change_behind_a_reference_is_found(old, new):
    assert diff(state(*old), state(*new))


def test_nothing_is_found_between_two_readings_of_one_model():
    before = state(int, 1)

    assert not diff(before, Snapshot.from_dict(before.to_dict()))


def test_marks_tell_an_integer_from_true():
    one, true = (Marks.of(state(int | bool, value).reads) for value in (1, True))

    assert one.changed(true) == {"Leaf"}


def test_a_definition_of_which_one_use_became_another_is_compared_use_by_use():
    class Person(BaseModel):
        name: str

    class Agent(BaseModel):
        name: str
        model: str

    class Before(BaseModel):
        author: Person
        reviewer: Person

    class After(BaseModel):
        author: Person
        reviewer: Agent

    found = [(change.rule, change.path) for change in diff(snapshot(Before), snapshot(After))]

    assert found == [("S06", "state.reviewer.model")]
