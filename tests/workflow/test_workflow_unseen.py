"""What a reader checks and its schema does not say is captured with its place, and kept in the snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any

import pytest
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FutureDate,
    HttpUrl,
    Json,
    PastDate,
    StringConstraints,
    field_validator,
    model_validator,
)

from statemig import Snapshot, Step, Workflow, capture


def unseen(state: Any, **more: Any) -> list[tuple[str, bool]]:
    snapshot = capture(Workflow("flow", state=state, **more))
    assert Snapshot.from_dict(snapshot.to_dict()).unseen == snapshot.unseen
    return [(each.path, each.code) for each in snapshot.unseen]


def of_field(annotation: Any) -> list[tuple[str, bool]]:
    made = type("State", (BaseModel,), {"__annotations__": {"a": annotation}, "__module__": __name__})
    return unseen(made)


@pytest.mark.parametrize(
    "annotation",
    [
        str,
        int,
        float,
        date,
        list[int],
        dict[str, int],
        Annotated[str, Field(min_length=2, pattern="^a")],
        Annotated[int, Field(gt=2)],
        Annotated[list[int], Field(max_length=2)],
        Annotated[str, StringConstraints(strip_whitespace=True)],
    ],
)
def test_what_a_schema_says_is_seen(annotation: Any) -> None:
    assert of_field(annotation) == []


@pytest.mark.parametrize(
    "annotation",
    [
        Annotated[str, AfterValidator(str.strip)],
        Annotated[str, BeforeValidator(lambda value: value)],
        FutureDate,
    ],
)
def test_code_and_the_clock_decide_anew_at_every_load(annotation: Any) -> None:
    assert of_field(annotation) == [("state.a", True)]


@pytest.mark.parametrize(
    "annotation",
    [
        PastDate,
        AwareDatetime,
        Annotated[Decimal, Field(gt=0)],
        Annotated[Decimal, Field(max_digits=3)],
        Annotated[date, Field(gt=date(2020, 1, 1))],
        Annotated[timedelta, Field(lt=timedelta(1))],
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)],
        Annotated[bytes, Field(max_length=3)],
        Json[int],
    ],
)
def test_bounds_that_no_schema_says(annotation: Any) -> None:
    assert of_field(annotation) == [("state.a", False)]


def test_urls_with_bounds() -> None:
    assert {path for path, _ in of_field(HttpUrl)} == {"state.a"}


class Inner(BaseModel):
    text: str
    below: list[Inner] = []

    @field_validator("text")
    @classmethod
    def check(cls, value: str) -> str:
        return value


class Outer(BaseModel):
    items: list[Inner]
    by_name: dict[str, Inner]
    maybe: Inner | None = None

    @model_validator(mode="after")
    def whole(self) -> Outer:
        return self


def test_the_places_are_paths() -> None:
    found = [path for path, _ in unseen(Outer)]
    assert found[0] == "state"
    assert {"state.items[].text", "state.by_name{}.text", "state.maybe.text"} <= set(found)


def test_outputs_are_looked_at_too() -> None:
    steps = [Step("classify", output=Inner)]
    assert ("outputs.classify.text", True) in unseen(BaseModel, steps=steps)


def test_code_that_runs_when_an_object_is_made() -> None:
    class Custom(BaseModel):
        a: int

        def __init__(self, **data: Any) -> None:
            super().__init__(**data)

    class After(BaseModel):
        a: int
        _seen: int = 0

        def model_post_init(self, context: Any) -> None:
            self._seen = 1

    class Private(BaseModel):
        a: int
        _seen: int = 0

    @dataclass
    class Plain:
        a: int

        def __post_init__(self) -> None:
            self.a += 1

    assert unseen(Custom) == [("state", True)]
    assert unseen(After) == [("state", True)]
    assert unseen(Private) == []
    assert unseen(Plain) == [("state", True)]


def test_a_configuration_that_checks_every_text() -> None:
    class Strict(BaseModel):
        model_config = ConfigDict(str_max_length=5)
        a: str

    assert unseen(Strict) == [("state", False)]
    assert "str_max_length=5" in capture(Workflow("flow", state=Strict)).unseen[0].what


def test_no_digest_is_made_of_it() -> None:
    class Before(BaseModel):
        a: str

    class Checked(BaseModel):
        a: Annotated[str, AfterValidator(str.strip)]

    one, other = capture(Workflow("flow", state=Before)), capture(Workflow("flow", state=Checked))
    assert one.unseen != other.unseen
    assert one.digests == other.digests
