"""A name that an earlier version had for another type is not free."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import create_model

from statemig.autogenerate.compare import diff
from statemig.autogenerate.propose import propose
from statemig.errors import OperationError
from statemig.workflow.capture import capture
from statemig.workflow.definition import Workflow
from statemig.workflow.snapshot import Snapshot


def state(**fields: Any) -> Snapshot:
    made = {key: field if isinstance(field, tuple) else (field, ...) for key, field in fields.items()}
    return capture(Workflow("w", create_model("State", **made)))


FIRST, BEFORE, AFTER = state(a=str, notes=str), state(a=str), state(a=str, notes=(list[str], []))


def test_a_name_used_again_for_another_type_is_breaking() -> None:
    [change] = diff(BEFORE, AFTER, history=[FIRST])
    assert (change.rule, change.path, change.old, change.new) == (
        "S15",
        "state.notes",
        "string",
        "list of string",
    )
    assert change.change_class == "breaking"
    assert [change.rule for change in diff(BEFORE, AFTER)] == ["S04"]


def test_nothing_is_proposed_until_the_name_is_released() -> None:
    proposal = propose(BEFORE, AFTER, history=[FIRST])
    assert proposal.operations == ()
    assert proposal.missing == ("state.notes",)
    assert "say that none is left by --rename" in proposal.reasons["state.notes"]


def test_a_released_name_is_a_new_field() -> None:
    proposal = propose(BEFORE, AFTER, {"state.notes": None}, history=[FIRST])
    assert [operation.source() for operation in proposal.operations] == [
        'op.add_field("state.notes", default=[])'
    ]
    assert proposal.complete


def test_a_name_that_no_version_had_cannot_be_released() -> None:
    with pytest.raises(OperationError, match=r"no field or step state\.notes"):
        propose(BEFORE, AFTER, {"state.notes": None})


def test_the_same_type_under_the_same_name_is_a_new_field() -> None:
    assert [change.rule for change in diff(BEFORE, FIRST, history=[FIRST])] == ["S06"]


def test_a_name_inside_a_list_counts_too() -> None:
    def findings(**fields: Any) -> Snapshot:
        made = {key: (kind, ...) for key, kind in fields.items()}
        return state(findings=list[create_model("Finding", **made)])  # type: ignore[misc]

    changes = diff(findings(a=str), findings(a=str, level=int), history=[findings(a=str, level=str)])
    assert [(change.rule, change.path) for change in changes] == [("S15", "state.findings[].level")]
