"""The examples of rules hold: each is classified as it says, and its script covers the change."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import create_model

from statemig.autogenerate.compare import diff
from statemig.autogenerate.example import Example, Version
from statemig.autogenerate.obligation import open_gaps
from statemig.autogenerate.rule_examples import EXAMPLES
from statemig.autogenerate.rules import NO_OPERATION, RULES
from statemig.operations.base import Operation
from statemig.operations.recorder import Operations
from statemig.workflow.capture import capture
from statemig.workflow.definition import Step, Workflow
from statemig.workflow.snapshot import Snapshot

ALL = [(rule, example) for rule, examples in EXAMPLES.items() for example in examples]
IDS = [f"{rule} {example.direction}".strip() for rule, example in ALL]
PROPOSING = [
    (rule.id, direction)
    for rule in RULES.values()
    for direction, case in rule.cases.items()
    if case.operation != NO_OPERATION
]


def snapshot(version: Version) -> Snapshot:
    """A bare state, or steps with a state whose fields are texts."""
    if not version.steps:
        assert version.state is not None
        return Snapshot.from_json_schema(version.state)
    fields: dict[str, Any] = dict.fromkeys((version.state or {}).get("properties", {}), (str, ...))
    steps = [eval(step, {"Step": Step}) for step in version.steps]
    return capture(Workflow("w", create_model("State", **fields), steps))


def recorded(example: Example) -> tuple[Operation, ...]:
    op = Operations()
    exec(example.script, {"op": op})
    return op.recorded


@pytest.mark.parametrize(("rule", "direction"), PROPOSING)
def test_whatever_proposes_an_operation_has_an_example(rule: str, direction: str) -> None:
    assert [example.direction for example in EXAMPLES[rule]].count(direction) == 1


@pytest.mark.parametrize(("rule", "example"), ALL, ids=IDS)
def test_an_example_falls_under_its_rule(rule: str, example: Example) -> None:
    changes = diff(snapshot(example.old), snapshot(example.new), example.said)
    assert (rule, example.direction) in [(change.rule, change.direction) for change in changes]


@pytest.mark.parametrize(("rule", "example"), ALL, ids=IDS)
def test_the_script_has_the_operation_of_the_rule_or_a_note_why_not(rule: str, example: Example) -> None:
    proposed = RULES[rule].case(example.direction).operation
    if example.note is None:
        assert proposed in [operation.name for operation in recorded(example)]
    else:
        assert proposed in example.note
        assert f"op.{proposed}(" not in example.script
        compile(example.script, "script", "exec")  # its functions are somebody's


@pytest.mark.parametrize(
    ("rule", "example"),
    [(rule, example) for rule, example in ALL if example.note is None],
    ids=[name for name, (_, example) in zip(IDS, ALL, strict=True) if example.note is None],
)
def test_after_the_script_old_documents_fit(rule: str, example: Example) -> None:
    assert open_gaps(snapshot(example.old), snapshot(example.new), recorded(example)) == []
