"""The examples of rules hold: each is classified as it says, and its script covers the change."""

from __future__ import annotations

import random
from copy import deepcopy
from typing import Any

import pytest
from pydantic import create_model

from statemig.autogenerate.compare import diff
from statemig.autogenerate.example import Example, Version
from statemig.autogenerate.obligation import open_gaps
from statemig.autogenerate.propose import Proposal, propose
from statemig.autogenerate.rule_examples import EXAMPLES
from statemig.autogenerate.rules import NO_OPERATION, RULES
from statemig.errors import ConversionError, CursorError, MigrationHeld
from statemig.migrator import Migrator
from statemig.operations.base import Operation
from statemig.operations.recorder import Operations
from statemig.revisions.revision import Revision
from statemig.shapes.accept import accepts
from statemig.shapes.computed import with_computed
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


WRITTEN = [(rule, example) for rule, example in ALL if example.note is None]
NAMES = [name for name, (_, example) in zip(IDS, ALL, strict=True) if example.note is None]
# Proposed as an operation that refuses such runs by name until somebody has decided.
UNDECIDED = {"S23", "S34", "S49 removed", "S51 removed", "S21 tightened", "S42 tightened"}


@pytest.mark.parametrize(("rule", "example"), WRITTEN, ids=NAMES)
def test_what_is_proposed_has_the_operations_of_the_example_and_is_complete(
    rule: str, example: Example
) -> None:
    proposal = propose(snapshot(example.old), snapshot(example.new), example.said)
    assert [each.name for each in proposal.operations] == [each.name for each in recorded(example)]
    assert proposal.complete, proposal.reasons


@pytest.mark.parametrize(("rule", "example"), WRITTEN, ids=NAMES)
def test_what_is_proposed_makes_valid_new_documents_of_old_ones(rule: str, example: Example) -> None:
    old, new = snapshot(example.old), snapshot(example.new)
    migrator = between(old, new, propose(old, new, example.said))
    source, seen = random.Random(rule), 0
    drawn = [old.sample(source) for _ in range(30)]
    if rule.startswith("S"):  # among them few that already are as the new version wants them
        drawn += [each for each in (new.sample(source) for _ in range(10)) if readable(each, old)]
    for document in drawn:
        given = deepcopy(document)
        result = migrator.upgrade(document, "a1", to="b2", run_id="r", record="complement")
        assert document == given
        if result.error is not None:
            refused = ConversionError if rule.startswith("S") else CursorError | MigrationHeld
            assert isinstance(result.error, refused), result.error
            assert f"{rule} {example.direction}".strip() in UNDECIDED or rule.startswith("W"), result.error
            continue
        seen += 1
        assert readable(result.document, new)
        back = migrator.downgrade(
            result.document, to="a1", revision="b2", run_id="r", complement=result.complement
        )
        assert back.document == given
    assert seen


def readable(document: dict[str, Any], snapshot: Snapshot) -> bool:
    parts = {"state": document["state"], "outputs": document.get("outputs", {})}
    schema = with_computed(snapshot.reads, snapshot.writes)
    known = {position["step"] for position in document.get("cursor", ())}
    return known <= snapshot.steps.keys() and accepts(schema.root, parts, schema)


def between(old: Snapshot, new: Snapshot, proposal: Proposal) -> Migrator:
    def script(op: Operations) -> None:
        for operation in proposal.operations:
            op.record(operation)

    return Migrator(
        workflow=old.workflow,
        revisions=[
            Revision("a1", snapshot=old, workflow=old.workflow),
            Revision("b2", down_revision="a1", upgrade=script, snapshot=new, workflow=old.workflow),
        ],
    )


@pytest.mark.parametrize(("rule", "example"), WRITTEN, ids=NAMES)
def test_after_the_script_old_documents_fit(rule: str, example: Example) -> None:
    assert open_gaps(snapshot(example.old), snapshot(example.new), recorded(example)) == []
