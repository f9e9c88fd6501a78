"""What a value function is said to refuse: a function without a refusal takes every value of the shape."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operation_chains import Proposer, Version, random_schema

from statemig.errors import OperationError
from statemig.operations import Operations
from statemig.path import Path
from statemig.plan import effects
from statemig.plan.instructions import Apply, Drop, Move, Rename
from statemig.plan.values import PythonFunction, members
from statemig.proof.cases import Cases
from statemig.proof.refusals import bound, in_pending, refusals, run
from statemig.proof.refused_values import refused_by
from statemig.shapes.shape import (
    Anything,
    Enum,
    Integer,
    ListOf,
    Null,
    Number,
    Object,
    Property,
    Schema,
    String,
    TupleOf,
    union_of,
)


@given(st.integers(0, 2**32))
def test_a_function_that_is_said_to_refuse_nothing_takes_every_value(seed: int) -> None:
    random = Random(seed)
    schema = random_schema(random)
    operation = Proposer(random, Version(schema, ("ask", "send"))).operation().bind(schema)
    try:
        instructions = operation.lower()
        after = schema
        for instruction in instructions:
            if isinstance(instruction, Apply) and not isinstance(instruction.function, PythonFunction):
                _take_all(instruction, after)
            after = effects.apply(after, [instruction])
    except OperationError:
        return


def _take_all(instruction: Apply, schema: Schema) -> None:
    cases = Cases(schema)
    for shape in effects.shapes_at(schema, instruction.path):
        for member in members(shape, schema):
            if refused_by(instruction.function, member, schema) is None:
                for value in islice(cases.of(member), 100):
                    instruction.function.apply(value)


def said(shape: Any, script: Any, path: str = "state.a") -> list[tuple[str, str]]:
    """What one operation on a state with the field `a` is said to refuse."""
    schema = Schema(
        Object(
            {
                "state": Property(
                    Object(
                        {
                            "a": Property(shape),
                            "b": Property(Integer()),
                            "m": Property(union_of(Object({}), Null())),
                        }
                    )
                )
            }
        )
    )
    op = Operations()
    script(op)
    _, found = run(schema, bound(schema, op.recorded))
    return [(each.path, each.reason) for each in found]


@pytest.mark.parametrize(
    ("shape", "script", "reason"),
    [
        (Enum(("x", "y")), lambda op: op.map_values("state.a", {"x": "z"}), "not in the table"),
        (Enum(("x", "y")), lambda op: op.map_values("state.a", {"x": "z", "y": "z"}), None),
        (Enum(("x", "y")), lambda op: op.map_values("state.a", {"x": "z"}, otherwise="keep"), None),
        (String(), lambda op: op.convert("state.a", to="int"), "can become int"),
        (Integer(), lambda op: op.convert("state.a", to="str"), None),
        (Number(), lambda op: op.convert("state.a", to="int"), "can become int"),
        (Number(), lambda op: op.convert("state.a", to="int", rounding="down"), None),
        (Integer(), lambda op: op.convert("state.a", to="float"), "can become float"),
        (Integer(0, 9), lambda op: op.convert("state.a", to="float"), None),
        (ListOf(Integer()), lambda op: op.unwrap("state.a"), "may be empty"),
        (ListOf(Integer()), lambda op: op.unwrap("state.a", default=0), None),
        (ListOf(Integer(), min_items=1), lambda op: op.unwrap("state.a"), None),
        (Integer(), lambda op: op.unwrap("state.a", default=0), "may be no list"),
        (Integer(), lambda op: op.constrain("state.a", reject={"minimum": 0}), "outside minimum"),
        (Integer(1, 5), lambda op: op.constrain("state.a", reject={"minimum": 0}), None),
        (Integer(), lambda op: op.constrain("state.a", clamp=[0, 9]), None),
        (String(), lambda op: op.constrain("state.a", truncate=5, reject={"maxLength": 5}), None),
        (TupleOf((Integer(),)), lambda op: op.tuple_add("state.a[1]", default=0), None),
        (union_of(Integer(), Null()), lambda op: op.wrap("state.a"), None),
        (Integer(), lambda op: op.rename_field("state.a", to="b"), "may be there already"),
        (Integer(), lambda op: op.rename_field("state.a", to="c"), None),
        (Integer(), lambda op: op.move_field("state.a", "state.c.d"), None),
        (Integer(), lambda op: op.move_field("state.a", "state.m.d"), "may be no object"),
        (Integer(), lambda op: op.transform(len, path="state.a"), "a function of the script"),
        (Anything("lib.Message"), lambda op: op.rename_field("state.a.x", to="y"), "inside a lib.Message"),
    ],
)
def test_what_an_operation_refuses(shape: Any, script: Any, reason: str | None) -> None:
    found = [why for _, why in said(shape, script)]
    assert (reason is None) == (not found), found
    assert reason is None or any(reason in why for why in found)


def test_a_map_or_extra_keys_may_hold_the_new_name() -> None:
    state = Object({"a": Property(Integer())}, extra=Integer())
    schema = Schema(Object({"state": Property(state)}))
    assert list(refusals(schema, Rename(Path.of("state"), "a", "b")))
    assert list(refusals(schema, Move(Path.of("state"), ("a",), ("b",))))
    assert not list(refusals(schema, Drop(Path.of("state"), "a")))


def test_an_instruction_that_nobody_has_a_rule_for_may_refuse_anything() -> None:
    ((path, reason),) = refusals(Schema(Object({})), object())  # type: ignore[arg-type]
    assert (path, reason) == ("", "nobody has said which documents a object refuses")


def test_what_moves_in_a_write_of_a_branch_may_be_only_a_part() -> None:
    state = Path.of("state")
    assert in_pending(Move(state, ("a",), ("b", "c"))) is not None
    assert in_pending(Move(state, ("a",), ("b",))) is None
    assert in_pending(Rename(state, "a", "b")) is None


def test_the_rules_follow_what_earlier_operations_have_made() -> None:
    def script(op: Any) -> None:
        op.convert("state.a", to="str")
        op.map_values("state.a", {"1": "one"})

    assert said(Enum((1, 2)), script) == [("state.a", "holds a value that is not in the table")]
