"""Laws 6 and 8, and the three ways to write an operation down: a dict, a line of a script, a sentence."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from field_and_value_operations import FUNCTIONS
from hypothesis import given
from hypothesis import strategies as st
from operation_chains import STEPS, Proposer, Version, boxed, random_schema, unboxed

from statemig import json_text
from statemig.errors import OperationError
from statemig.migrator import Migrator
from statemig.operations import Operation, Operations, from_dict
from statemig.operations.fields import AddField
from statemig.path import Path
from statemig.revisions.revision import Revision


def random_operation(seed: int) -> Operation:
    random = Random(seed)
    return Proposer(random, Version(random_schema(random), STEPS[:3])).operation()


OPERATIONS = st.builds(random_operation, st.integers(0, 2**32))


@pytest.mark.law(8)
@given(OPERATIONS)
def test_the_inverse_of_the_inverse_is_the_operation(operation: Operation) -> None:
    assert operation.inverse().inverse() == operation
    assert operation.inverse().inverse().lower() == operation.lower()


@given(OPERATIONS)
def test_as_a_dict_and_back(operation: Operation) -> None:
    if any(map(callable, vars(operation).values())):
        return  # it can be read only from its script
    for each in (operation, operation.inverse()):
        stored = json_text.loads(json_text.dumps(each.to_dict()))
        assert from_dict(stored) == each
        assert json_text.equal(from_dict(stored).to_dict(), each.to_dict())


@given(OPERATIONS)
def test_as_a_line_of_a_script_and_back(operation: Operation) -> None:
    op = Operations()
    eval(operation.source(), {"op": op, "boxed": boxed, "unboxed": unboxed, **FUNCTIONS})
    assert op.recorded == (operation,)


@given(OPERATIONS)
def test_a_sentence_names_the_place(operation: Operation) -> None:
    sentence = operation.describe()
    named = (
        getattr(operation, "path", None) or getattr(operation, "old", None) or getattr(operation, "step", "")
    )
    assert str(named) in sentence


def lossless(op: Operations) -> None:
    op.rename_field("state.a", to="b")
    op.rename_field("state.items[].x", to="y")
    op.move_field("state.b", to="state.box.inside.b")
    op.make_optional("state.items")
    op.wrap("state.one")
    op.map_values("state.color", {"red": "blue", "blue": "red"})
    op.convert("state.n", to="str", was="int")
    op.make_nullable("state.kind")
    op.rename_step("ask", to="inquire")


def test_lossless_operations_keep_nothing_for_the_way_back() -> None:
    migrator = Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=lossless)])
    document = {
        "state": {
            "items": [{"x": 1, "z": 2}],
            "box": {"inside": {"other": 1}},
            "one": {"deep": [1]},
            "color": "red",
            "n": 12345678901234567890,
            "kind": "k",
            "a": {"c": [2.50]},
        },
        "outputs": {"ask": {"v": 1}},
        "done": {"ask": 1},
        "cursor": [
            {"id": "p", "step": "ask", "status": "waiting", "on": "human", "key": "k", "payload": {"q": 1}}
        ],
        "pending": [{"step": "ask", "writes": {"one": 1}, "to": "ask"}],
    }
    up = migrator.upgrade(document, "a", record="complement")
    assert up.complement == {}
    assert json_text.equal(migrator.downgrade(up.unwrap(), to="a").unwrap(), document)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"op": "rename_feild", "path": "state.a"},
            "there is no operation 'rename_feild'; there are add_field, add_id, add_step",
        ),
        ({"path": "state.a"}, "there is no operation None"),
        ({"op": "rename_field", "path": "state.a"}, "rename_field takes path, to"),
        ({"op": "rename_field", "path": "state.a", "to": "b", "nope": 1}, "rename_field takes path, to"),
        ({"op": "transform", "up": {"function": "f"}}, "it can be read only from the script"),
    ],
)
def test_a_dict_that_is_no_operation_says_what_there_is(data: dict[str, Any], message: str) -> None:
    with pytest.raises(OperationError) as raised:
        from_dict(data)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (
            lambda op: op.add_field("state", default=1),
            "expected the path of a field, such as state.items[].name",
        ),
        (lambda op: op.add_field("state.a[]", default=1), "expected the path of a field"),
        (lambda op: op.add_field("state.a"), "give the new field a default (or factory)"),
        (lambda op: op.add_field("state.a", default=1, factory=list), "give default or factory, not both"),
        (lambda op: op.add_field("state.a", default=float("nan")), "default must be a JSON value: NaN"),
        (
            lambda op: op.add_field("state.a", default={1: 2}),
            "default must be a JSON value: a key of an object",
        ),
        (
            lambda op: op.add_field("state.a", default=(1, 2)),
            "default must be a JSON value: tuple is not JSON",
        ),
        (lambda op: op.rename_field("state.a", to="a"), "the new name is the old one"),
        (lambda op: op.rename_field("state.a", to=""), "to must be the new name"),
        (lambda op: op.move_field("state.a", "state.a"), "the new place is the old one"),
        (lambda op: op.move_field("state.a", "state.a.b"), "a value cannot move into itself"),
        (lambda op: op.move_field("state.a", "outputs.b"), "nor between state and outputs"),
        (lambda op: op.move_field("state.a[].b", "state.c"), "not in or out of a list, map or variant"),
        (lambda op: op.convert("state.a", to="decimal"), "types are bool, date, date-time, float, int, str"),
        (lambda op: op.convert("state.a", to="int", rounding="up"), 'rounding is "nearest" or "down"'),
        (lambda op: op.map_values("state.a", {}), "the mapping is empty"),
        (lambda op: op.map_values("state.a", {(1,): 2}), "keys of the mapping are scalars"),
        (
            lambda op: op.map_values("state.a", {1: 2}, otherwise="drop"),
            'otherwise is "error", "keep" or op.value(...)',
        ),
        (lambda op: op.drop_null("state.a", None), "fill cannot be null"),
        (lambda op: op.transform(None), "give it a function"),
        (lambda op: op.transform("f"), "up and down are functions of the script"),
        (lambda op: op.irreversible(""), "say why"),
        (lambda op: op.rename_step("a", "a"), "the new name is the old one"),
        (
            lambda op: op.remove_step("a", cursor="b"),
            "say what becomes of a run on 'a': op.forward(to), op.back(to)",
        ),
        (lambda op: op.remove_step("a", cursor=op.forward("a")), "a run on 'a' cannot be sent to 'a'"),
        (
            lambda op: op.remove_step("a", cursor=op.hold(), output={"state.items[].x": 1}),
            "output puts values at keys, such as state.approval.decision",
        ),
        (lambda op: op.add_step("a", passed="backfill"), 'passed is "skip" or op.backfill(value)'),
    ],
)
def test_arguments_that_cannot_be_right_are_refused_when_the_script_is_read(
    record: Any, message: str
) -> None:
    with pytest.raises(OperationError) as raised:
        record(Operations())
    assert message in str(raised.value)


def test_a_factory_is_called_once_when_the_script_is_recorded() -> None:
    op = Operations()
    op.add_field("state.a", factory=list)
    assert op.recorded == (AddField(Path.parse("state.a"), []),)
