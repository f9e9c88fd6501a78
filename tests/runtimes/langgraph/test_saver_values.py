"""Values as they are stored: JSON for operations, and back to what LangGraph would have read."""

from __future__ import annotations

import datetime
import decimal
import enum
import pathlib
import uuid
import zlib
from collections import deque
from dataclasses import dataclass
from typing import Any

import ormsgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, HumanMessage
from langgraph import types
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Send
from pydantic import BaseModel

from statemig.runtimes.langgraph.stored.as_json import Tags, from_json, to_json
from statemig.runtimes.langgraph.stored.classes import AWAY, HERE, Here
from statemig.runtimes.langgraph.stored.values import DELTA, Postponed, built, encoded, live, raw

try:
    SERDE = JsonPlusSerializer(allowed_msgpack_modules=True)
except TypeError:  # LangGraph 1.0.0 builds whatever is stored
    SERDE = JsonPlusSerializer()


class Color(enum.Enum):
    RED = "red"


class Inner(BaseModel):
    name: str
    when: datetime.datetime | None = None


class Outer(BaseModel):
    inner: Inner
    many: list[Inner] = []


@dataclass
class Data:
    inner: Inner
    tags: set[str]


def stored(value: Any) -> Any:
    return Postponed(SERDE).loads_typed(SERDE.dumps_typed(value))


def round_trip(value: Any) -> tuple[Any, Any]:
    """The JSON, and what comes back."""
    tags: Tags = {}
    shown = to_json(raw(stored(value)), tags, ())
    return shown, built(from_json(shown, tags, ()), SERDE)


WHEN = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Inner(name="a", when=WHEN), {"name": "a", "when": "2026-01-02T03:04:05+00:00"}),
        (Outer(inner=Inner(name="a")), {"inner": {"name": "a", "when": None}, "many": []}),
        (Color.RED, "red"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.50"), "1.50"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.timedelta(days=1), "P1D"),
        (datetime.time(1, 2), "01:02:00"),
        (pathlib.PurePosixPath("/a/b"), None),
        ({"a"}, ["a"]),
        (deque([1, 2]), [1, 2]),
        (b"bytes", "bytes"),
        (bytearray(b"bytes"), "bytes"),
        ({1: "a"}, {"1": "a"}),
        (Send("node", {"item": 1}), None),
        *([(types.Overwrite([1]), [1])] if hasattr(types, "Overwrite") else []),  # not in 1.0.0
    ],
    ids=lambda each: type(each).__name__,
)
def test_a_value_is_json_and_comes_back(value: Any, shown: Any) -> None:
    if isinstance(value, pathlib.PurePosixPath):
        value, shown = pathlib.Path("/a/b"), "/a/b"
    found, back = round_trip(value)
    assert back == value
    assert type(back) is type(value)
    assert shown is None or found == shown


@pytest.mark.parametrize("code", [*range(DELTA), 42])
@pytest.mark.parametrize("data", [b"", b"\x01", ormsgpack.packb("text"), ormsgpack.packb([1, "a", 2, 3])])
def test_what_somebody_else_has_packed_as_an_instance_comes_back(code: int, data: bytes) -> None:
    value = {"theirs": [ormsgpack.Ext(code, data)]}
    tags: Tags = {}
    kept = raw(stored(value))
    assert Here({}, {}).kinds(kept) in (HERE, AWAY)
    assert encoded(from_json(to_json(kept, tags, ()), tags, ())) == ormsgpack.packb(value)


def test_a_dataclass_and_what_is_in_it_comes_back() -> None:
    value = Data(Inner(name="a"), {"x"})
    shown, back = round_trip(value)
    assert shown == {"inner": {"name": "a", "when": None}, "tags": ["x"]}
    assert back == value
    assert isinstance(back.inner, Inner)


def test_messages_are_json() -> None:
    value = [
        HumanMessage("hello", id="1"),
        AIMessage("hi", tool_calls=[{"name": "t", "args": {}, "id": "2"}]),
    ]
    shown, back = round_trip(value)
    assert [each["content"] for each in shown] == ["hello", "hi"]
    assert shown[1]["tool_calls"][0]["name"] == "t"
    assert back == value


def test_what_was_changed_becomes_an_instance_again() -> None:
    tags: Tags = {}
    shown = to_json(raw(stored(Inner(name="a"))), tags, ())
    assert built(from_json({**shown, "name": "b"}, tags, ()), SERDE) == Inner(name="b")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8"), max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_what_is_json_stays_as_it_is(value: Any) -> None:
    assert live(stored(value)) == value
    assert round_trip(value) == (value, value)


@given(json_values)
def test_an_untouched_model_comes_back(value: Any) -> None:
    made = [Outer(inner=Inner(name="a"), many=[Inner(name="b")]), {"any": value}]
    assert round_trip(made)[1] == made


class Odd:
    """What LangGraph can store only by pickling it."""

    def __eq__(self, other: object) -> bool:
        return type(other) is Odd

    __hash__ = None  # type: ignore[assignment]


class Grade(float):
    pass


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Odd(), f"{__name__}.Odd"),
        (
            {"odd": Odd(), "inner": [Inner(name="a")]},
            {"odd": f"{__name__}.Odd", "inner": [{"name": "a", "when": None}]},
        ),
        ([2**70, {"a"}], [2**70, ["a"]]),
        ([Grade(1.5), Odd()], [1.5, f"{__name__}.Odd"]),
    ],
)
def test_what_was_pickled_is_kept_as_it_is(value: Any, shown: Any) -> None:
    serde = JsonPlusSerializer(pickle_fallback=True)
    postponed = Postponed(serde)
    form, data = serde.dumps_typed(value)
    assert form == "pickle"
    plain = raw(postponed.loads_typed((form, data)))
    tags: Tags = {}
    made = to_json(plain, tags, ())
    assert (made, built(from_json(made, tags, ()), serde)) == (shown, value)
    assert serde.loads_typed(postponed.dumps_typed(plain)) == value


class Compressed(JsonPlusSerializer):
    def dumps_typed(self, obj: Any) -> tuple[str, bytes]:
        form, data = super().dumps_typed(obj)
        return form, zlib.compress(data)

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        return super().loads_typed((data[0], zlib.decompress(data[1])))


@pytest.mark.parametrize("value", [Inner(name="a"), {"inner": Inner(name="a" * 2000)}, "text"])
def test_a_serializer_that_does_something_to_the_bytes_is_asked(value: Any) -> None:
    serde = Compressed()
    postponed = Postponed(serde)
    plain = raw(postponed.loads_typed(serde.dumps_typed(value)))
    tags: Tags = {}
    made = to_json(plain, tags, ())
    assert built(from_json(made, tags, ()), serde) == value
    assert serde.loads_typed(postponed.dumps_typed(plain)) == value
