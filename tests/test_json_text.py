"""Exact JSON text: no digit is lost, and what is not JSON is refused."""

from __future__ import annotations

import datetime
import json
import math
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemig import json_text

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text("abc ", max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_is_read_back(value: Any) -> None:
    assert json_text.equal(json_text.loads(json_text.dumps(value)), value)


@given(JSON)
def test_the_text_is_what_the_standard_library_reads(value: Any) -> None:
    assert json_text.equal(json.loads(json_text.dumps(value)), value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=None), st.booleans())
def test_a_number_keeps_its_value_however_long(number: Decimal, spaced: bool) -> None:
    text = f'{{"n":{" " if spaced else ""}{number:f}}}'
    read = json_text.loads(text)["n"]
    written = Decimal(json_text.dumps(read).decode())
    assert written == number


@pytest.mark.parametrize(
    "text",
    [
        "12345678901234567890123",
        "-99999999999999999999",
        "1.0000000000000001",
        "123456789.123456789",
        "0.1234567890123456789",
        "9007199254740993",
        "1E+400",
    ],
)
def test_long_numbers_are_written_back_as_they_were(text: str) -> None:
    assert json_text.dumps(json_text.loads(text)).decode() == text


def test_an_integer_beyond_64_bits_stays_an_integer() -> None:
    assert type(json_text.loads("[1, 123456789012345678901234567890]")[1]) is int


def test_a_float_that_holds_its_literal_stays_a_float() -> None:
    assert type(json_text.loads("0.8723456789012345")) is float


def test_a_long_number_in_a_string_is_a_string() -> None:
    assert json_text.loads('{"a": "1.00000000000000000001"}') == {"a": "1.00000000000000000001"}


@pytest.mark.parametrize(
    "text", ["", "{", "NaN", "[Infinity]", "nul", "{'a': 1}", "[1,]", "[1.00000000000000000001,]"]
)
def test_what_is_not_json_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError):
        json_text.loads(text)


@dataclass
class Record:
    a: int


@pytest.mark.parametrize(
    "value",
    [math.nan, math.inf, datetime.datetime(2020, 1, 1), Record(1), {1: "a"}, {"a": {2: 3}}, {1, 2}, object()],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("write", [json_text.dumps, json_text.canonical, json_text.pretty])
def test_what_json_cannot_hold_is_a_type_error(write: Any, value: Any) -> None:
    with pytest.raises(TypeError):
        write([None, value])


@pytest.mark.parametrize("value", [math.nan, -math.inf, uuid.UUID(int=1), (1, 2), b"", {1: 2}, Record(1)])
def test_the_problem_with_a_value_names_its_kind(value: Any) -> None:
    for place in (value, [value], {"a": [value]}):
        assert "must be a string" in str(json_text.problem(place)) or "not JSON" in str(
            json_text.problem(place)
        )


@given(JSON)
def test_there_is_no_problem_with_json(value: Any) -> None:
    assert json_text.problem(value) is None


def test_null_beside_decimals_and_long_integers_is_written() -> None:
    assert json_text.dumps([None, Decimal("1.10"), 2**70]) == b"[null,1.10,1180591620717411303424]"


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (1, True),
        (0, False),
        (1, 1.0),
        (Decimal("1.5"), 1.5),
        (0.0, -0.0),
        (Decimal("1.0"), Decimal("1.00")),
        ("1", 1),
        (None, False),
        ([], {}),
    ],
)
def test_types_count(left: Any, right: Any) -> None:
    assert not json_text.equal(left, right)
    assert not json_text.equal({"a": [left]}, {"a": [right]})


def test_the_order_of_keys_does_not_count() -> None:
    assert json_text.equal({"a": 1, "b": 2}, {"b": 2, "a": 1})
    assert json_text.digest({"a": 1, "b": 2}) == json_text.digest({"b": 2, "a": 1})


@given(JSON, JSON)
def test_digests_tell_apart_what_is_not_equal(left: Any, right: Any) -> None:
    same = json_text.canonical(left) == json_text.canonical(right)
    assert json_text.equal(left, right) is same
    assert (json_text.digest(left) == json_text.digest(right)) is same


def test_a_digest_is_stored_by_users_so_it_never_changes() -> None:
    assert json_text.digest({"b": [1, 1.5, None], "a": "ä"}, 8) == "ad616a2c9b2dccb4"


def test_files_for_people_are_indented_in_order_and_end_in_a_newline() -> None:
    assert (
        json_text.pretty({"b": 1, "a": [2**70]})
        == b'{\n  "b": 1,\n  "a": [\n    1180591620717411303424\n  ]\n}\n'
    )


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, {"null": [None, -1, math.nan]}])
def test_nan_is_refused_wherever_there_are_nulls_too(value):
    with pytest.raises(TypeError, match="NaN and Infinity are not JSON"):
        json_text.dumps([None, "null", value])


def test_negative_numbers_and_long_strings_beside_null_are_written():
    value = [None, *range(-300, 300), -1.5, 1e308, "x" * 127, "x" * 255, {"y" * 127: [None] * 127}]

    assert json_text.loads(json_text.dumps(value)) == value


def test_written_alike_tells_types_apart_and_trusts_long_numbers_to_equal():
    assert json_text.written_alike({"a": [1, None]}, {"a": [1, None]})
    assert not json_text.written_alike({"a": [1]}, {"a": [1.0]})
    assert json_text.written_alike([2**70], [2**70])
    assert not json_text.written_alike([2**70], [2**70 + 1])
    assert not json_text.written_alike(1, True)


def test_nan_has_a_digest_though_it_is_not_json():
    digests = {
        json_text.digest({"a": each, "b": Decimal("1.50")}) for each in (math.nan, math.inf, -math.inf, None)
    }
    assert len(digests) == 4
    assert json_text.digest({"a": math.nan, "b": 1}) == json_text.digest({"b": 1, "a": math.nan})
    with pytest.raises(TypeError):
        json_text.digest({1: math.nan})
