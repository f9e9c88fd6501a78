"""A value that goes into an object, or comes out of one: beside null, and where no field is beside it, as in a list."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel, TypeAdapter, create_model

from statemig import Migrator, Revision
from statemig.autogenerate.propose import propose
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow
from statemig.workflow.snapshot import Snapshot


class Name(BaseModel):
    name: str


class Maybe(BaseModel):
    name: str | None


def state(kind: Any) -> Snapshot:
    return capture(Workflow("w", create_model("State", author=(kind, ...))))


#: the old type, the new one, what is stored and what it becomes
FITTING: list[tuple[Any, Any, Any, Any]] = [
    (str | None, Name, "Ada", {"name": "Ada"}),
    (str | None, Name, None, {"name": ""}),
    (str | None, Maybe, None, {"name": None}),
    (str | None, Maybe | None, None, {"name": None}),
    (str, Name | None, "Ada", {"name": "Ada"}),
    (Name, str | None, {"name": "Ada"}, "Ada"),
    (Name | None, str | None, {"name": "Ada"}, "Ada"),
    (Name | None, str | None, None, None),
    (Name | None, str, None, ""),
    (Maybe | None, str | None, {"name": None}, None),
    (list[str], list[Name], ["Ada", "Bob", "Ada"], [{"name": "Ada"}, {"name": "Bob"}, {"name": "Ada"}]),
    (list[Name], list[str], [{"name": "Ada"}, {"name": "Bob"}], ["Ada", "Bob"]),
    (list[str | None], list[Maybe], ["Ada", None], [{"name": "Ada"}, {"name": None}]),
    (list[Name | None], list[str | None], [{"name": "Ada"}, None], ["Ada", None]),
    (dict[str, str], dict[str, Name], {"a": "Ada"}, {"a": {"name": "Ada"}}),
    (dict[str, list[Name]], dict[str, list[str]], {"a": [{"name": "Ada"}]}, {"a": ["Ada"]}),
]


@pytest.mark.parametrize(("old", "new", "before", "after"), FITTING, ids=str)
def test_it_is_proposed_and_goes_both_ways(old: Any, new: Any, before: Any, after: Any) -> None:
    proposal = propose(state(old), state(new))
    assert proposal.complete, proposal.reasons

    def upgrade(op: Any) -> None:
        for operation in proposal.operations:
            op.record(operation)

    revisions = [Revision("a", snapshot=state(old)), Revision("b", "a", upgrade=upgrade, snapshot=state(new))]
    migrator = Migrator(revisions=revisions)
    document = {
        "status": "active",
        "state": {"author": before},
        "outputs": {},
        "cursor": [],
        "pending": [],
    }
    up = migrator.upgrade(document, "a", record="complement")
    assert up.unwrap()["state"] == {"author": after}
    assert migrator.downgrade(up.document, to="a", complement=up.complement).unwrap() == document
    born_new = migrator.downgrade(up.document, to="a").unwrap()["state"]["author"]
    TypeAdapter(old).validate_python(born_new)


def test_what_nobody_stated_is_marked() -> None:
    proposal = propose(state(str | None), state(Name))
    assert [str(path) for path, _ in proposal.assumed] == ["state.author.name"]
    assert [value for _, value in propose(state(list[Name | None]), state(list[str])).assumed] == [""]


def test_null_that_would_have_to_stay_null_beside_an_object_needs_a_function() -> None:
    proposal = propose(state(str | None), state(Name | None))
    assert proposal.operations == ()
    assert "nothing turns string into Name by itself; write a transform" in proposal.reasons["state.author"]
