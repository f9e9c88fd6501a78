"""Snapshots: what changes which digest, the frozen form, samples."""

from __future__ import annotations

import json
from enum import Enum
from random import Random
from typing import Any

import pytest
import rich_workflow
from pydantic import BaseModel, Field, create_model

from statemig import document
from statemig.errors import SchemaError
from statemig.shapes.accept import accepts
from statemig.shapes.shape import Object
from statemig.shapes.subshape import gaps
from statemig.workflow import DumpProfile, Step, Workflow, flow
from statemig.workflow.capture import capture
from statemig.workflow.run_shape import state_of
from statemig.workflow.snapshot import LAYERS, Snapshot

RICH = capture(rich_workflow.workflow())


class Size(Enum):
    S = "s"
    L = "l"


class Turned(Enum):
    L = "l"
    S = "s"


class Order(BaseModel):
    """What was ordered."""

    size: Size
    note: str = Field(default="", description="anything else", title="Note", examples=["red"])
    either: int | str = 1


class Renamed(BaseModel):
    either: str | int = 1
    note: str = ""
    size: Turned


def base(**changes: Any) -> Workflow:
    step: dict[str, Any] = {
        "output": Order,
        "prompt": "Say {x}",
        "tools": ["web"],
        "model": "m",
        "next": ["b", "c"],
    }
    state = changes.pop("state", Order)
    profile = changes.pop("profile", None)
    step |= changes
    return Workflow(
        "w", state=state, profile=profile, steps=[Step("a", **step), Step("b", next="c"), Step("c")]
    )


def changed(**changes: Any) -> set[str]:
    before, after = capture(base()), capture(base(**changes))
    layers = {layer for layer in LAYERS if before.digests[layer] != after.digests[layer]}
    assert (before.digest != after.digest) == bool(layers)
    return layers


def test_names_order_and_annotations_change_no_digest() -> None:
    assert changed(state=Renamed, output=Renamed, next=["c", "b"]) == set()


class NoDefault(BaseModel):
    size: Size
    note: str
    either: int | str = 1


class OtherDefault(BaseModel):
    size: Size
    note: str = "-"
    either: int | str = 1


class Strict(Order, extra="forbid"):
    pass


@pytest.mark.parametrize("state", [NoDefault, OtherDefault, Strict])
def test_what_the_state_means_changes_its_digest(state: Any) -> None:
    assert changed(state=state) == {"state"}


@pytest.mark.parametrize(
    ("changes", "layer"),
    [
        ({"profile": DumpProfile(exclude_none=True)}, "state"),
        ({"output": NoDefault}, "steps"),
        ({"output": None}, "steps"),
        ({"kind": "human"}, "steps"),
        ({"next": "b"}, "flow"),
        ({"interrupts": ["which"]}, "flow"),
        ({"reads": ["state.note"]}, "flow"),
        ({"prompt": "Tell {x}"}, "prompts"),
        ({"tools": ["net"]}, "tools"),
        ({"model": {"name": "m", "temperature": 0}}, "models"),
    ],
)
def test_each_layer_has_its_own_digest(changes: dict[str, Any], layer: str) -> None:
    assert changed(**changes) == {layer}


def test_the_frozen_form_is_read_back_exactly() -> None:
    text = json.dumps(RICH.to_dict())
    again = Snapshot.from_dict(json.loads(text))
    assert again == RICH
    assert again.digests == RICH.digests
    assert json.dumps(again.to_dict()) == text


def test_the_frozen_form_keeps_what_has_no_meaning_for_digests() -> None:
    again = Snapshot.from_dict(json.loads(json.dumps(RICH.to_dict())))
    state = again.reads.resolve(state_of(again.reads).root)
    assert isinstance(state, Object)
    assert state.name == "State"
    assert state.properties["topic"].aliases == ("subject",)
    assert state.properties["root"].description == "where it begins"
    assert state.properties["camelCase"].python_name == "camel"


def test_an_unknown_format_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        SchemaError, match=r"workflow w: a snapshot of format 2 cannot be read.*Upgrade statemig"
    ):
        Snapshot.from_dict({"format": 2, "workflow": "w"})
    with pytest.raises(SchemaError, match="a snapshot without writes, reads"):
        Snapshot.from_dict({"format": 1, "workflow": "w"})


def test_the_base_has_neither_state_nor_steps() -> None:
    empty = Snapshot.empty("w")
    assert state_of(empty.reads).root == Object({})
    assert (empty.steps, empty.start, empty.ends) == ({}, None, ())
    assert Snapshot.from_dict(empty.to_dict()) == empty
    assert document.problems(empty.sample(Random(0))) == []


def test_a_bare_json_schema_is_a_state_that_is_read_as_it_is_written() -> None:
    snapshot = Snapshot.from_json_schema(Order.model_json_schema(), name="Order")
    assert snapshot.workflow == "Order"
    assert snapshot.reads == snapshot.writes
    read = capture(Order).reads
    assert not gaps(state_of(snapshot.reads), state_of(read))
    assert not gaps(state_of(read), state_of(snapshot.reads))


def test_stored_holds_what_is_written_and_what_is_read() -> None:
    assert not gaps(RICH.writes, RICH.stored)
    assert not gaps(RICH.reads, RICH.stored)


def test_ends_are_where_nothing_follows() -> None:
    assert RICH.ends == ("send",)


@pytest.mark.parametrize("seed", range(60))
def test_a_sample_is_a_run_document_that_fits_the_snapshot(seed: int) -> None:
    run = RICH.sample(Random(seed))
    assert run == RICH.sample(Random(seed))
    assert document.problems(run) == []
    part = {"state": run["state"], "outputs": run["outputs"]}
    assert accepts(RICH.reads.root, part, RICH.reads)
    assert {name for name, _ in document.steps_named(run)} <= set(RICH.steps)
    assert run["status"] == ("active" if run["cursor"] else "finished")
    for position in run["cursor"]:
        certain = flow.dominators(RICH.steps, RICH.start)[position["step"]] - {position["step"]}
        assert certain <= set(run["done"])
        if RICH.steps[position["step"]].kind == "human":
            assert position["status"] == "waiting"
            assert position["key"]
    for item in run["pending"]:
        assert run["done"][item["step"]]
        assert item["step"] in RICH.steps[item["to"]].joins
    assert set(run["outputs"]) == {
        step for step in run["done"] if step in ("plan", "web", "files", "approve", "send")
    }


def test_samples_reach_every_step() -> None:
    seen = {name for seed in range(200) for name, _ in document.steps_named(RICH.sample(Random(seed)))}
    assert seen == set(RICH.steps)


# -- against real dumps ----------------------------------------------------------------------------------------------------

PROFILES = [
    DumpProfile(),
    DumpProfile(by_alias=False),
    DumpProfile(exclude_none=True),
    DumpProfile(exclude_defaults=True),
    DumpProfile(exclude_unset=True),
    DumpProfile(by_alias=False, exclude_none=True, exclude_unset=True),
]


class Leaf(BaseModel):
    value: float | None = None
    tag: str = Field(default="t", alias="Tag")


class Real(BaseModel):
    """Only types whose samples any model takes: the oracle is the model."""

    leaf: Leaf
    leaves: list[Leaf] = []
    by_number: dict[int, Leaf | None] = {}
    ratio: float = 1.0
    name: str | None = None
    size: Size = Size.S
    pair: tuple[int, bool] = (1, True)


@pytest.mark.parametrize("profile", PROFILES, ids=str)
def test_real_dumps_are_of_the_written_shape(profile: DumpProfile) -> None:
    snapshot = capture(Workflow("w", state=Real, profile=profile))
    by_alias = capture(Real)
    written = state_of(snapshot.writes)
    arguments = profile.to_dict()
    del arguments["mode"]
    for seed in range(100):
        state = by_alias.sample(Random(seed))["state"]
        model = Real.model_validate(state)
        if seed % 5 == 0:
            model.ratio = float("nan")
        dump = json.loads(model.model_dump_json(**arguments))
        assert accepts(written.root, dump, written), dump


def test_models_take_every_sample() -> None:
    snapshot = capture(Real)
    for seed in range(300):
        Real.model_validate(snapshot.sample(Random(seed))["state"], strict=False)


def test_a_workflow_grows_without_its_digest_depending_on_the_order_of_capture() -> None:
    models = [create_model(f"M{number}", value=(int, number)) for number in range(3)]
    first = capture(Workflow("w", steps=[Step(f"s{n}", output=model) for n, model in enumerate(models)]))
    capture(models[2])
    assert (
        first.digest
        == capture(
            Workflow("w", steps=[Step(f"s{n}", output=model) for n, model in enumerate(models)])
        ).digest
    )
