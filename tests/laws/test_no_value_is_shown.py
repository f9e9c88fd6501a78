"""No error, wherever it comes from, shows a value of a state."""

from __future__ import annotations

import traceback
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from operation_chains import Chain, chains

from statemig.errors import StatemigError
from statemig.migrator import Migrator
from statemig.operations import Operations
from statemig.operations.containers import ListToMap
from statemig.revisions.revision import Revision
from statemig.workflow.snapshot import Snapshot

SECRET = "s3cr3t"


def secret_leaves(value: Any, random: Any, path: tuple[Any, ...] = ()) -> Any:
    """Every text, sometimes every leaf, becomes a secret; the names of steps and ids stay."""
    if isinstance(value, dict):
        return {key: secret_leaves(inner, random, (*path, key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [secret_leaves(inner, random, path) for inner in value]
    return f"{SECRET}{random.randint(0, 99)}" if isinstance(value, str) or random.random() < 0.2 else value


@given(chains(), st.randoms(use_true_random=False))
def test_no_error_on_a_random_chain_shows_a_value(chain: Chain, random: Any) -> None:
    # What list_to_map makes the key of a map is a name from then on, and errors show the names on the way to a place.
    assume(not any(isinstance(each, ListToMap) for operations in chain.operations for each in operations))
    migrator = chain.migrator
    document = chain.document()
    document["state"] = secret_leaves(document["state"], random)
    document["outputs"] = secret_leaves(document.get("outputs", {}), random)
    for position in document.get("cursor", []):
        if "payload" in position:
            position |= {"payload": SECRET, "answer": SECRET}
    for checked in (True, False):
        result = migrator.upgrade(document, "r0", checked=checked, record="complement")
        back = migrator.downgrade(document, to="r0", checked=checked)
        for error in (result.error, back.error):
            assert error is None or SECRET not in shown(error)


def shown(error: BaseException) -> str:
    """Everything that a log would hold: the message, its fields, and the traceback where nothing is hidden on purpose."""
    text = f"{error} {error!r} {vars(error)}"
    return text + "".join(traceback.format_exception_only(error))


SCHEMA = {
    "type": "object",
    "properties": {
        "a": {"type": "string"},
        "n": {"type": "integer"},
        "color": {"enum": ["red", "blue"]},
        "items": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}},
    },
    "required": ["a"],
}


def raises(value: Any) -> Any:
    raise ValueError(f"cannot do {value}")


def scripts() -> list[Any]:
    return [
        lambda op: op.convert("state.a", to="int"),
        lambda op: op.convert("state.a", to="date-time"),
        lambda op: op.convert("state.a", to="bool"),
        lambda op: op.map_values("state.a", {"x": "y"}),
        lambda op: op.rename_field("state.a", to="b"),
        lambda op: op.move_field("state.a", to="state.b.c"),
        lambda op: op.unwrap("state.a"),
        lambda op: op.transform(raises, path="state.a"),
        lambda op: op.transform(lambda value: {value}, path="state.a"),
        lambda op: op.transform(lambda value: float("nan"), path="state.a"),
        lambda op: op.transform(lambda document: [document]),
        lambda op: op.remove_step("ask", cursor=op.hold()),
        lambda op: op.remove_step("ask", cursor=op.pin()),
        lambda op: op.remove_step("ask", cursor=op.fail()),
        lambda op: op.rename_step("ask", to="done"),
        lambda op: op.add_step("new", after="never", passed=op.backfill(1)),
    ]


@pytest.mark.parametrize("number", range(len(scripts())))
def test_no_error_of_an_operation_shows_a_value(number: int) -> None:
    script = scripts()[number]
    migrator = Migrator(revisions=[Revision("r1"), Revision("r2", "r1", upgrade=script)], workflow="triage")
    document = {
        "state": {"a": SECRET, "b": SECRET},
        "outputs": {"ask": SECRET, "done": SECRET},
        "cursor": [
            {"id": "p1", "step": "ask", "status": "waiting", "key": "k", "payload": SECRET, "answer": SECRET}
        ],
    }
    error = migrator.upgrade(document, "r1", run_id="run-7").error
    assert error is not None
    assert SECRET not in shown(error)
    text = str(error)
    assert "run run-7" in text
    assert "workflow triage" in text
    assert "revision r2" in text
    recorder = Operations()
    script(recorder)
    if number != 10:  # what a transform makes of the whole document is judged after the migration
        assert f"operation 0 {recorder.recorded[0].name}" in text
    assert error.hint


@pytest.mark.parametrize(
    "state",
    [
        {"a": 1, "color": SECRET},
        {"a": SECRET, "n": SECRET},
        {"a": SECRET, "items": [{"x": SECRET}, {"x": [SECRET]}]},
        {"n": SECRET},
        {"a": {"b": SECRET}},
    ],
)
def test_validation_shows_places_and_what_was_expected_but_no_value(state: Any) -> None:
    snapshot = Snapshot.from_json_schema(SCHEMA, name="triage")
    migrator = Migrator(revisions=[Revision("r1", snapshot=snapshot, workflow="triage")])
    with pytest.raises(StatemigError) as raised:
        migrator.validate({"state": state}, "r1", run_id="run-7")
    assert SECRET not in shown(raised.value)
    assert "state" in str(raised.value)
