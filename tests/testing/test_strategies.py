"""What is drawn is valid by its schema, taken by its model, small, and reaches what a state can hold."""

from __future__ import annotations

import math
import sys
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from random import Random
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from pydantic import AnyUrl, BaseModel, Field, IPvAnyAddress, ValidationError, field_validator

sys.path.insert(0, str(Path(__file__).parents[1] / "shapes"))

from schemas import schemas

from statemig import Migrator, Revision, Step, Workflow, json_text
from statemig.errors import RevisionError, SchemaError
from statemig.shapes.formats import FORMATS
from statemig.shapes.json_schema import read, write
from statemig.shapes.sample import depth_of, depths_of
from statemig.shapes.shape import Schema
from statemig.testing import strategies
from statemig.testing.drawing import Drawing
from statemig.validity import Validity
from statemig.workflow.capture import capture
from statemig.workflow.run_shape import state_of
from statemig.workflow.snapshot import Snapshot

MANY = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Search(BaseModel):
    kind: Literal["search"] = "search"
    query: str = Field(min_length=1, max_length=20, pattern="^[a-z ]+$")


class Reply(BaseModel):
    kind: Literal["reply", "answer"] = "reply"
    confidence: float = Field(ge=0, lt=1)


class Node(BaseModel):
    label: str
    children: list[Node] = []
    parent: Node | None = None


class State(BaseModel):
    topic: str
    count: int = Field(default=0, ge=-5, le=50, multiple_of=5)
    price: Decimal = Field(decimal_places=2, max_digits=6)
    ratio: float | None = None
    colour: Colour = Colour.RED
    born: date
    seen: datetime
    key: UUID
    site: AnyUrl
    host: IPvAnyAddress
    raw: bytes = b""
    action: Annotated[Search | Reply, Field(discriminator="kind")]
    either: int | str | list[bool]
    tree: Node
    scores: dict[int, float] = {}
    pair: tuple[int, str]
    labels: set[Literal["a", "b", "c"]] = set()
    several: list[int] = Field(default=[], min_length=1, max_length=4)
    extra: Any = None


class Verdict(BaseModel):
    ok: bool


FLOW = Workflow(
    "triage",
    state=State,
    steps=[
        Step("begin", fork=["left", "ask"]),
        Step("left", next="join", writes=["state.topic"]),
        Step("ask", kind="human", next="join", output=Verdict),
        Step("join", joins=["left", "ask"], next=["again", "end"]),
        Step("again", next="begin"),
        Step("end"),
    ],
)
SNAPSHOT = capture(FLOW)


def checks(schema: Schema) -> Any:
    return jsonschema_rs.validator_for(
        write(schema, closed=True), validate_formats=True, formats=dict(FORMATS)
    )


@MANY
@given(strategies.from_snapshot(SNAPSHOT))
def test_a_dump_is_valid_by_what_the_application_writes(state: Any) -> None:
    assert [str(each) for each in checks(state_of(SNAPSHOT.writes)).iter_errors(state)] == []


@MANY
@given(strategies.from_snapshot(SNAPSHOT, shape="sparse"))
def test_a_sparse_state_is_valid_by_what_it_reads(state: Any) -> None:
    assert [str(each) for each in checks(state_of(SNAPSHOT.reads)).iter_errors(state)] == []


@pytest.mark.parametrize("shape", ["dump", "sparse"])
def test_the_model_takes_nearly_all(shape: Any) -> None:
    refused: list[str] = []
    drawn = 0

    @settings(max_examples=500, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(strategies.from_snapshot(SNAPSHOT, shape=shape))
    def taken(state: Any) -> None:
        nonlocal drawn
        drawn += 1
        try:
            State.model_validate_json(json_text.dumps(state))
        except ValidationError as error:
            refused.append(str(error))

    taken()
    assert drawn >= 500
    assert len(refused) <= 0.005 * drawn, refused[:3]


@MANY
@given(schemas(), st.data())
def test_whatever_the_schema_what_is_drawn_is_valid(schema: Schema, data: st.DataObject) -> None:
    schema = read(write(schema))
    if depth_of(schema.root, depths_of(schema)) > 5:
        return  # there may be no value at all
    validator = checks(schema)
    for sparse in (False, True):
        strategy = Drawing(schema, sparse=sparse).of(schema.root)
        value = data.draw(strategy)
        assert validator.is_valid(value), (write(schema), value)


@MANY
@given(strategies.runs(SNAPSHOT))
def test_a_run_is_right_for_its_version(document: dict[str, Any]) -> None:
    validity = Validity("triage", lambda revision: SNAPSHOT)
    validity.require_stored(document, "a")
    validity.require_migrated(document, "a", "a", up=False, proven=False)


def found(strategy: Any, wanted: Any, seed: int | None = None) -> Any:
    phases = (Phase.generate, Phase.shrink)  # to explain what is found takes five times as long as to find it
    few = settings(max_examples=2000, database=None, deadline=None, phases=phases)
    return find(strategy, wanted, settings=few, random=None if seed is None else Random(seed))


def test_runs_wait_at_people_and_hold_what_branches_wrote() -> None:
    runs = strategies.runs(SNAPSHOT)
    waiting = found(runs, lambda d: any(p["status"] == "waiting" and p["key"] for p in d["cursor"]))
    assert {p["on"] for p in waiting["cursor"] if p["status"] == "waiting"} == {"human"}
    pending = found(runs, lambda d: any(item["writes"] for item in d["pending"]))
    assert {key for item in pending["pending"] for key in item["writes"]} == {"topic"}
    finished = found(runs, lambda d: d["status"] == "finished")
    assert finished["cursor"] == []
    assert found(runs, lambda d: d["outputs"].get("ask") and d["done"].get("begin", 0) > 1)


def test_shrinking_goes_to_null_and_to_little() -> None:
    simplest = found(strategies.from_snapshot(SNAPSHOT), lambda state: True)
    assert simplest["ratio"] is None
    assert simplest["topic"] == ""
    assert simplest["tree"] == {"label": "", "children": [], "parent": None}


@pytest.mark.parametrize("items", [{"type": "integer"}, {"type": "array", "items": {"type": "integer"}}])
def test_of_a_list_the_items_that_do_not_matter_go(items: dict[str, Any]) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "array", "items": items}, "b": {"type": "array", "items": items}},
        "required": ["a", "b"],
    }
    nested = "items" in items

    def large(state: Any) -> bool:
        return any(max(item, default=0) >= 7 if nested else item >= 7 for item in state["a"])

    strategy = strategies.from_snapshot(Snapshot.from_json_schema(schema))
    simplest = [found(strategy, large, seed) for seed in range(7)]
    assert simplest.count({"a": [[7]] if nested else [7], "b": []}) >= 5, simplest


def test_lists_repeat_themselves() -> None:
    snapshot = Snapshot.from_json_schema(
        {
            "type": "object",
            "properties": {"a": {"type": "array", "items": {"type": "integer"}}},
            "required": ["a"],
        }
    )
    drawn: list[list[int]] = []

    @settings(max_examples=500, database=None, derandomize=True)
    @given(strategies.from_snapshot(snapshot))
    def collect(state: Any) -> None:
        drawn.append(state["a"])

    collect()
    assert max(map(len, drawn)) == 3
    repeated = sum(len(set(each)) < len(each) for each in drawn) / len(drawn)
    assert 0.05 < repeated < 0.8  # one in five is ours; hypothesis repeats what it has drawn, too


def drawn_from(schema: dict[str, Any], shape: Any) -> list[Any]:
    found: list[Any] = []

    @settings(max_examples=300, database=None, derandomize=True)
    @given(strategies.from_snapshot(Snapshot.from_json_schema(schema), shape=shape))
    def collect(state: Any) -> None:
        found.append(state)

    collect()
    return found


def test_each_of_many_optional_keys_is_absent_in_about_half_of_the_sparse_states() -> None:
    keys = [f"k{number}" for number in range(40)]
    states = drawn_from({"type": "object", "properties": {key: {"const": 1} for key in keys}}, "sparse")
    for key in keys:
        assert 0.3 < sum(key in state for state in states) / len(states) < 0.7, key
    assert len({tuple(state) for state in states}) > 200


@pytest.mark.parametrize("shape", ["dump", "sparse"])
def test_a_field_that_may_be_null_is_so_in_about_half_of_the_states(shape: Any) -> None:
    either = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    properties = {"a": either, "b": either, "c": {"type": "integer"}}  # no state is drawn twice
    schema = {"type": "object", "properties": properties, "required": ["a", "b", "c"]}
    pairs = [(state["a"] is None, state["b"] is None) for state in drawn_from(schema, shape)]
    for pair in ((True, True), (True, False), (False, True), (False, False)):
        assert pairs.count(pair) > 0.1 * len(pairs), pair


@pytest.mark.parametrize("bounds", [{}, {"minimum": 0}, {"minimum": -0.0, "maximum": 1}, {"maximum": 0}])
def test_zero_has_no_sign(bounds: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "number", **bounds}}, "required": ["a"]}
    numbers = [state["a"] for state in drawn_from(schema, "dump")]
    assert 0 in numbers
    assert [number for number in numbers if number == 0 and math.copysign(1, number) < 0] == []


@pytest.mark.parametrize("depth", [1, 2])
def test_recursion_is_drawn_and_ends(depth: int) -> None:
    def deep(node: dict[str, Any]) -> int:
        inside = [*node.get("children", []), *([node["parent"]] if node.get("parent") else [])]
        return 1 + max(map(deep, inside), default=0)

    assert found(strategies.from_snapshot(SNAPSHOT, Node), lambda node: deep(node) > depth)


def test_a_model_is_named_by_class_step_or_name() -> None:
    for model in ("Verdict", "ask", Verdict):
        assert set(found(strategies.from_snapshot(SNAPSHOT, model), lambda v: True)) == {"ok"}
    assert "topic" in found(strategies.from_snapshot(SNAPSHOT, "State"), lambda v: True)
    with pytest.raises(SchemaError, match="no model 'Nobody'"):
        strategies.from_snapshot(SNAPSHOT, "Nobody")


def test_a_class_draws_only_what_it_takes() -> None:
    class Even(BaseModel):
        number: int = Field(ge=0, le=9)

        @field_validator("number")
        @classmethod
        def even(cls, value: int) -> int:
            if value % 2:
                raise ValueError("odd")
            return value

    snapshot = capture(Even)

    @settings(max_examples=60, deadline=None)
    @given(strategies.from_snapshot(snapshot, Even))
    def check(state: Any) -> None:
        assert state.get("number", 0) % 2 == 0

    check()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("topic", lambda state: state["topic"]),
        ("state.topic", lambda state: state["topic"]),
        ("state.action<kind=search>.query", lambda state: state["action"].get("query", "mine")),
        ("<Node>.label", lambda state: state["tree"]["label"]),
        ("state.pair[1]", lambda state: state["pair"][1]),
    ],
)
def test_an_override_is_drawn_at_its_path(path: str, value: Any) -> None:
    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(strategies.from_snapshot(SNAPSHOT, overrides={path: st.just("mine")}))
    def check(state: Any) -> None:
        assert value(state) == "mine"

    check()


def test_overrides_reach_items_and_values() -> None:
    class Holder(BaseModel):
        items: list[Verdict]
        by_name: dict[str, Verdict]

    paths = {"items[].ok": st.just(True), "by_name{}.ok": st.just(False)}

    @settings(max_examples=60, deadline=None)
    @given(strategies.from_snapshot(capture(Holder), overrides=paths))
    def check(state: Any) -> None:
        assert all(each["ok"] is True for each in state["items"])
        assert all(each["ok"] is False for each in state["by_name"].values())

    check()


def test_a_registered_override_and_format_hold_from_then_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategies, "_OVERRIDES", {})
    monkeypatch.setattr("statemig.testing.formats.REGISTERED", {})
    monkeypatch.setattr(
        strategies, "REGISTERED", __import__("statemig.testing.formats", fromlist=["x"]).REGISTERED
    )
    schema = {
        "type": "object",
        "properties": {"isbn": {"type": "string", "format": "isbn"}, "name": {"type": "string"}},
        "required": ["isbn", "name"],
    }
    revision = Revision("a1", snapshot=Snapshot.from_json_schema(schema))
    strategies.register_format("isbn", st.just("3-16-148410-0"))
    strategies.register_override("state.name", st.just("Kim"), revision="a1")
    strategies.register_override("state.name", st.just("nobody"), revision="b2")
    assert found(strategies.states(revision), lambda s: True) == {"isbn": "3-16-148410-0", "name": "Kim"}


def test_chains_are_ways_up_with_a_run_of_the_first() -> None:
    plain = Snapshot.from_json_schema(
        {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    )
    migrator = Migrator(
        revisions=[
            Revision("r0", snapshot=plain),
            Revision("r1", "r0", snapshot=plain),
            Revision("r2", "r1", snapshot=plain),
        ]
    )
    chains = strategies.chains(migrator)
    assert found(chains, lambda chain: len(chain.revisions) == 3).revisions == ("r0", "r1", "r2")
    assert found(
        strategies.chains(migrator, longest=1), lambda chain: chain.revisions[0] == "r1"
    ).revisions == ("r1", "r2")
    with pytest.raises(RevisionError, match="no way between"):
        strategies.chains(Migrator(revisions=[Revision("r0", snapshot=plain)]))


def test_a_revision_without_a_snapshot_is_named() -> None:
    with pytest.raises(RevisionError, match="frozen without a snapshot"):
        strategies.states(Revision("a1"))
