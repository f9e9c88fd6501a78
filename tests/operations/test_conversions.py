"""The table of `convert`: what becomes what, what is refused, and the way back with and without a complement."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemig import json_text
from statemig.errors import ConversionError
from statemig.migrator import Migrator
from statemig.plan.casts import CASTS, Cast
from statemig.revisions.revision import Revision

VALUES = (
    st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
    | st.integers().map(str)
    | st.sampled_from(
        [
            "true",
            "False",
            "2024-02-29",
            "2024-02-29T10:00:00Z",
            "2024-02-29 10:00",
            "1e3",
            "1_000",
            "٣",
            "nan",
            "",
        ]
    )
    | st.sampled_from([10**400, 1e300, -0.0, Decimal("0.1"), Decimal("1E+400")])
)


@pytest.mark.parametrize(
    ("value", "to", "expected"),
    [
        (1, "str", "1"),
        (1.0, "str", "1.0"),
        (True, "str", "true"),
        (10**30, "str", "1" + "0" * 30),
        (Decimal("1.10"), "str", "1.10"),
        (" 7 ", "int", 7),
        ("-7", "int", -7),
        (7.0, "int", 7),
        (True, "int", 1),
        (7, "float", 7.0),
        ("1e3", "float", 1000.0),
        (1, "bool", True),
        ("False", "bool", False),
        (0, "date-time", "1970-01-01T00:00:00Z"),
        (0.5, "date-time", "1970-01-01T00:00:00.500000Z"),
        ("2024-02-29", "date-time", "2024-02-29T00:00:00"),
        ("2024-02-29T10:00:00+02:00", "date", "2024-02-29"),
        ("1970-01-01T00:01:00Z", "int", 60),
        ("1970-01-01T01:00:00.500000+01:00", "float", 0.5),
        (None, "int", None),
    ],
)
def test_table(value: Any, to: str, expected: Any) -> None:
    assert json_text.equal(Cast(to).apply(value), expected)


@pytest.mark.parametrize(
    ("value", "to"),
    [
        ("x", "int"),
        ("", "int"),
        ("1.5", "int"),
        (1.5, "int"),
        ("1_000", "int"),
        ("٣", "int"),
        ([], "int"),
        ({}, "str"),
        ("nan", "float"),
        ("inf", "float"),
        ("1e999", "float"),
        (10**400, "float"),
        (2, "bool"),
        ("yes", "bool"),
        (0.5, "bool"),
        ("noon", "date-time"),
        (True, "date-time"),
        (10**18, "date-time"),
        (1e300, "date-time"),
        ("20240229T10", "date-time"),
        (5, "date"),
        ("2024-02-30", "date"),
    ],
)
def test_refused(value: Any, to: str) -> None:
    with pytest.raises(ConversionError, match=f"cannot become {to}. Map it first"):
        Cast(to).apply(value)


@pytest.mark.parametrize(
    ("value", "rounding", "expected"),
    [(2.5, "nearest", 2), (3.5, "nearest", 4), (-1.5, "down", -2), (1.9, "down", 1)],
)
def test_fractions_are_rounded_only_as_the_script_says(value: float, rounding: str, expected: int) -> None:
    assert Cast("int", rounding=rounding).apply(value) == expected


@given(
    VALUES,
    st.sampled_from(CASTS),
    st.sampled_from((None, *CASTS)),
    st.sampled_from((None, "nearest", "down")),
)
def test_any_value_is_converted_and_comes_back_exactly_or_is_refused(
    value: Any, to: str, was: str | None, rounding: str | None
) -> None:
    migrator = Migrator(
        revisions=[
            Revision("r0"),
            Revision("r1", "r0", upgrade=lambda op: op.convert("state.v", to=to, was=was, rounding=rounding)),
        ]
    )
    document = {"state": {"v": value}}
    up = migrator.upgrade(document, "r0", record="complement")
    if up.error is not None:
        assert isinstance(up.error, ConversionError)
        return
    stored = json_text.loads(json_text.dumps({"d": up.document, "k": up.complement}))
    assert json_text.equal(stored["d"], up.document)
    back = migrator.downgrade(up.document, to="r0", complement=up.complement).unwrap()
    assert json_text.dumps(back) == json_text.dumps(document)


@pytest.mark.parametrize(
    ("was", "to", "born"),
    [
        ("int", "str", "7"),
        ("str", "int", 7),
        ("int", "float", 7.0),
        ("float", "int", 7),
        ("bool", "int", 1),
        ("int", "bool", True),
        ("int", "date-time", "1970-01-01T00:00:07Z"),
        ("float", "date-time", "1970-01-01T00:00:07.500000Z"),
        ("date-time", "int", 7),
        ("date-time", "date", "2024-02-29"),
        ("date", "date-time", "2024-02-29T00:00:00"),
    ],
)
def test_a_value_born_new_goes_back_by_the_inverse(was: str, to: str, born: Any) -> None:
    migrator = Migrator(
        revisions=[
            Revision("r0"),
            Revision("r1", "r0", upgrade=lambda op: op.convert("state.v", to=to, was=was)),
        ]
    )
    down = migrator.downgrade({"state": {"v": born}}, to="r0")
    again = migrator.upgrade(down.unwrap(), "r0", complement=down.complement)
    assert json_text.equal(again.unwrap(), {"state": {"v": born}})


def test_a_value_born_new_cannot_go_back_to_a_type_that_nobody_said() -> None:
    migrator = Migrator(
        revisions=[Revision("r0"), Revision("r1", "r0", upgrade=lambda op: op.convert("state.v", to="str"))]
    )
    error = migrator.downgrade({"state": {"v": "7"}}, to="r0").error
    assert isinstance(error, ConversionError)
    assert 'Say it in the script: convert(..., to="str", was=...)' in str(error)
