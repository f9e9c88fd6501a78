"""Keys that a runtime lets anything into: what is declared, what may be stored, what is taken."""

from __future__ import annotations

from dataclasses import replace
from typing import get_type_hints

from pydantic import BaseModel
from typing_extensions import TypedDict

from statemig import capture
from statemig.operations.fields import AddField, RenameField
from statemig.path import Path
from statemig.proof.prove import prove
from statemig.shapes.validator import Validator
from statemig.workflow.snapshot import Snapshot
from statemig.workflow.unchecked import Unchecked


class State(TypedDict):
    topic: str
    size: int


class Renamed(TypedDict):
    title: str
    size: int


class Grown(State):
    priority: str


class Model(BaseModel):
    topic: str
    size: int


def unchecked(state: type, *, value: bool = True) -> Snapshot:
    snapshot = capture(state)
    keys = get_type_hints(state)
    return replace(
        snapshot,
        workflow="w",
        unchecked=tuple(Unchecked(key, value=value) for key in sorted(keys)),
    )


def test_anything_or_nothing_may_be_stored_whatever_a_reader_takes() -> None:
    for snapshot in (unchecked(State), unchecked(State, value=False)):
        held = Validator(snapshot.held)
        assert held.is_valid({"state": {}})
        assert held.is_valid({"state": {"topic": [7], "size": None}})
        assert not held.is_valid({"state": {"other": 1}})


def test_a_reader_takes_what_its_runtime_lets_through() -> None:
    loose, strict = Validator(unchecked(State).taken), Validator(unchecked(State, value=False).taken)
    wrong, short = {"state": {"topic": 7, "size": "x"}}, {"state": {"topic": "t"}}
    assert loose.is_valid(wrong)
    assert not strict.is_valid(wrong)
    assert loose.is_valid(short)
    assert strict.is_valid(short)


def test_where_everything_is_checked_nothing_is_loosened() -> None:
    snapshot = capture(Model)
    assert snapshot.held == snapshot.stored
    assert snapshot.taken == snapshot.accepts
    assert "unchecked" not in snapshot.to_dict()


def test_what_is_not_checked_is_part_of_the_digest_and_read_back() -> None:
    snapshot = unchecked(State)
    assert snapshot.digest != snapshot.as_declared.digest
    assert Snapshot.from_dict(snapshot.to_dict()) == snapshot


def test_nothing_is_proved_of_values_that_nobody_checks() -> None:
    old, new = unchecked(State), unchecked(Renamed)
    verdict = prove(old, new, [RenameField(Path.parse("state.topic"), "title")])
    assert verdict.guarantee == "unproven"
    assert not verdict.fits
    assert [finding.message for finding in verdict.up.findings] == [
        "$ is not checked when it is written (size, topic): proved at most for values of the declared types"
    ]
    assert prove(old.as_declared, new.as_declared, [RenameField(Path.parse("state.topic"), "title")]).fits


def test_a_script_that_is_wrong_for_declared_values_is_refuted() -> None:
    assert prove(unchecked(State), unchecked(Grown), []).up.verdict == "refuted"
    added = AddField(Path.parse("state.priority"), default="")
    assert prove(unchecked(State), unchecked(Grown), [added]).up.verdict == "unknown"
