"""A proposal that calls itself complete is: random edits of a random model, old documents upgraded by the real migrator."""

from __future__ import annotations

import random
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from autogenerate_pairs import PAIRS
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, create_model

from statemig.autogenerate.compare import diff
from statemig.autogenerate.obligation import open_gaps
from statemig.autogenerate.propose import Proposal, propose
from statemig.autogenerate.render import render
from statemig.errors import ConversionError
from statemig.migrator import Migrator
from statemig.operations.base import from_dict
from statemig.revisions.revision import Revision
from statemig.shapes.accept import accepts
from statemig.shapes.computed import with_computed
from statemig.workflow.capture import capture
from statemig.workflow.definition import Step, Workflow
from statemig.workflow.snapshot import Snapshot

SCALARS: tuple[Any, ...] = (
    str,
    int,
    bool,
    float,
    Literal["low", "high"],
    Literal["low", "mid", "high"],
    Literal["HIGH"],
)
WORDS = (
    "topic",
    "summary",
    "digest",
    "score",
    "labels",
    "owner_id",
    "agent_id",
    "notes",
    "priority",
    "limit",
    "done",
)


@dataclass
class Field:
    """A field of a model as data, so that it can be edited."""

    type: Any
    container: str = ""
    nullable: bool = False
    default: bool = False
    inner: dict[str, Field] = field(default_factory=dict)

    def annotation(self, name: str) -> Any:
        made: Any = model(name.title(), self.inner) if self.inner else self.type
        made = {"": made, "list": list[made], "dict": dict[str, made]}[self.container]
        return made | None if self.nullable else made

    def value(self) -> Any:
        if self.nullable:
            return None
        if self.container:
            return {"list": [], "dict": {}}[self.container]
        plain = {str: "x", int: 3, bool: True, float: 0.5}
        return plain.get(self.type, getattr(self.type, "__args__", ("low",))[0])


def model(name: str, fields: dict[str, Field]) -> type[BaseModel]:
    made: dict[str, Any] = {}
    for key, each in fields.items():
        default = each.value() if each.default and not each.inner else ...
        made[key] = (each.annotation(key), default)
    return create_model(name, **made)


scalar_fields = st.builds(
    Field,
    st.sampled_from(SCALARS),
    st.sampled_from(["", "", "list", "dict"]),
    st.booleans(),
    st.booleans(),
)
records = st.dictionaries(st.sampled_from(WORDS), scalar_fields, min_size=1, max_size=3)
fields = st.one_of(
    scalar_fields,
    scalar_fields,
    st.builds(Field, st.just(str), st.sampled_from(["", "list", "dict"]), st.booleans(), inner=records),
)
models = st.dictionaries(st.sampled_from(WORDS), fields, min_size=1, max_size=5)


@st.composite
def edits(draw: st.DrawFn) -> tuple[dict[str, Field], dict[str, Field], dict[str, str | None]]:
    """An old model, a new one some edits away, and what a person would say about the renames among them."""
    old = draw(models)
    new = deepcopy(old)
    said: dict[str, str | None] = {}
    origin = {key: key for key in new}
    for _ in range(draw(st.integers(1, 4))):
        place, path = new, "state"
        if draw(st.booleans()):
            nested = [key for key, each in new.items() if each.inner and origin.get(key) == key]
            if nested:
                key = draw(st.sampled_from(nested))
                place = new[key].inner
                path = f"state.{key}" + {"": "", "list": "[]", "dict": "{}"}[new[key].container]
        match draw(
            st.sampled_from(["add", "remove", "rename", "retype", "nullable", "default", "container"])
        ):
            case "add":
                place[draw(st.sampled_from(WORDS))] = draw(scalar_fields)
            case "remove" if place:
                place.pop(draw(st.sampled_from(sorted(place))))
            case "rename" if place:
                key = draw(st.sampled_from(sorted(place)))
                to = draw(st.sampled_from(WORDS))
                if to not in place:
                    place[to] = place.pop(key)
                    if place is new and key in old and to not in old:
                        said[f"{path}.{key}"] = to
            case "retype" if place:
                place[draw(st.sampled_from(sorted(place)))].type = draw(st.sampled_from(SCALARS))
            case "nullable" if place:
                each = place[draw(st.sampled_from(sorted(place)))]
                each.nullable = not each.nullable
            case "default" if place:
                each = place[draw(st.sampled_from(sorted(place)))]
                each.default = not each.default
            case "container" if place:
                each = place[draw(st.sampled_from(sorted(place)))]
                each.container = draw(st.sampled_from(["", "list", "dict"]))
            case _:
                pass
    answered = {
        path: to
        for path, to in said.items()
        if to in new and path.removeprefix("state.") not in new and to not in old
    }
    return old, new, answered


def captured(fields: dict[str, Field]) -> Snapshot:
    return capture(Workflow("w", model("State", fields), [Step("only")]))


def upgraded(old: Snapshot, new: Snapshot, proposal: Proposal, document: dict[str, Any]) -> Any:
    def script(op: Any) -> None:
        for operation in proposal.operations:
            op.record(operation)

    migrator = Migrator(
        workflow="w",
        revisions=[
            Revision("a1", snapshot=old, workflow="w"),
            Revision("b2", down_revision="a1", upgrade=script, snapshot=new, workflow="w"),
        ],
    )
    return migrator.upgrade(document, "a1", to="b2", run_id="r", record="complement"), migrator


def may_refuse(operation: Any) -> bool:
    return operation.name in ("constrain", "map_values") or (
        operation.name == "convert" and operation.to != "str"
    )


def result_or_refusal(old: Snapshot, new: Snapshot, proposal: Proposal, document: dict[str, Any]) -> bool:
    """A text that is no number cannot become one, and what is outside a choice has no place in it: then the run fails by name, and
    nothing else may go wrong."""
    result, _ = upgraded(old, new, proposal, deepcopy(document))
    return result.error is None or isinstance(result.error, ConversionError)


@pytest.mark.law(1, 7)
@given(edits(), st.integers(0, 2**16))
def test_a_complete_proposal_upgrades_every_old_document(
    edited: tuple[dict[str, Field], dict[str, Field], dict[str, str | None]], seed: int
) -> None:
    before, after, renames = edited
    old, new = captured(before), captured(after)
    proposal = propose(old, new, renames)
    event(f"complete: {proposal.complete}")
    if not proposal.complete:
        assert proposal.missing
        return
    state_model = model("State", after)
    source = random.Random(seed)
    for _ in range(5):
        document = old.sample(source)
        if any(may_refuse(operation) for operation in proposal.operations):
            assert result_or_refusal(old, new, proposal, document)
            continue
        result, migrator = upgraded(old, new, proposal, deepcopy(document))
        assert result.error is None, result.error
        parts = {"state": result.document["state"], "outputs": result.document.get("outputs", {})}
        schema = with_computed(new.reads, new.writes)
        assert accepts(schema.root, parts, schema)
        state_model.model_validate(result.document["state"])
        back = migrator.downgrade(
            result.document, to="a1", revision="b2", run_id="r", complement=result.complement
        )
        assert back.error is None, back.error
        assert back.document == document


@pytest.mark.law(7)
@given(edits())
def test_what_is_missing_is_what_the_subshape_check_finds_or_nobody_consumed(
    edited: tuple[dict[str, Field], dict[str, Field], dict[str, str | None]],
) -> None:
    before, after, renames = edited
    old, new = captured(before), captured(after)
    proposal = propose(old, new, renames)
    found = {gap.path for gap in open_gaps(old, new, proposal.operations)}
    assert found <= set(proposal.missing)
    assert proposal.complete == (not proposal.missing)
    assert set(proposal.reasons) == set(proposal.missing)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits())
def test_a_field_with_an_open_question_is_never_dropped(
    edited: tuple[dict[str, Field], dict[str, Field], dict[str, str | None]],
) -> None:
    before, after, _ = edited
    proposal = propose(captured(before), captured(after))
    dropped = {str(operation.path) for operation in proposal.operations if operation.name == "remove_field"}
    asked = {old for old, _ in proposal.questions}
    assert not dropped & asked
    assert not (asked and proposal.complete)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits())
def test_nothing_is_proposed_for_a_model_compared_with_itself(
    edited: tuple[dict[str, Field], dict[str, Field], dict[str, str | None]],
) -> None:
    before, _, _ = edited
    proposal = propose(captured(before), captured(before))
    assert (proposal.operations, proposal.complete, proposal.changes.change_class) == ((), True, "none")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(edits())
def test_the_script_records_the_operations_of_the_proposal(
    edited: tuple[dict[str, Field], dict[str, Field], dict[str, str | None]],
) -> None:
    from statemig.operations.recorder import Operations

    before, after, renames = edited
    proposal = propose(captured(before), captured(after), renames)
    text = render(revision="b2", down_revision="a1", workflow="w", version=2, proposal=proposal)
    namespace: dict[str, Any] = {}
    exec(compile(text, "script", "exec"), namespace)
    recorder = Operations()
    namespace["upgrade"](recorder)
    assert recorder.recorded == proposal.operations


@pytest.mark.parametrize("name", PAIRS)
def test_operations_survive_their_plain_form(name: str) -> None:
    old, new, renames = PAIRS[name]()
    for operation in propose(old, new, renames).operations:
        assert from_dict(operation.to_dict()) == operation


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_pair_gives_the_same_proposal(name: str) -> None:
    old, new, renames = PAIRS[name]()
    assert propose(old, new, renames) == propose(old, new, renames)
    assert list(diff(old, new, renames)) == list(propose(old, new, renames).changes)
