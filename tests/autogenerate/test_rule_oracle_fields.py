"""The oracle for the two rules that only JSON Schema can say, and for the one that takes three versions."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rule_documents import Drawing, Reader, contains
from rule_pairs import record

from statemig.autogenerate.compare import diff
from statemig.autogenerate.rules import RULES
from statemig.workflow.snapshot import Snapshot

KINDS: dict[str, Any] = {"string": "plain", "integer": 3, "boolean": False, "array": []}


def state(*required: str, extra: bool = True, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return schema if extra else {**schema, "additionalProperties": False}


def within(schema: dict[str, Any], depth: int) -> dict[str, Any]:
    """The record below `depth` lists, each in an object."""
    for _ in range(depth):
        schema = state("inner", inner={"type": "array", "items": schema})
    return schema


def filled(document: Any, key: str, value: Any) -> Any:
    """With the default at each object that is the record: one that has the field `topic`."""
    if isinstance(document, list):
        return [filled(item, key, value) for item in document]
    if not isinstance(document, dict):
        return document
    inside = {name: filled(inner, key, value) for name, inner in document.items()}
    return {key: value, **inside} if "topic" in inside else inside


def pair(rule: str, kind: str, closed: bool, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
    topic, note = {"type": "string"}, {"type": kind, "default": KINDS[kind]}
    old = {"topic": topic} if rule == "S05" else {"topic": topic, "note": note}
    new = state("topic", "note", extra=not closed, topic=topic, note=note)
    return within(state("topic", extra=not closed, **old), depth), within(new, depth)


@pytest.mark.law(16)
@pytest.mark.parametrize(
    ("rule", "closed"), [("S05", False), ("S05", True), ("S10", False), ("S10", True)], ids=str
)
@given(kind=st.sampled_from(sorted(KINDS)), depth=st.integers(0, 2), seed=st.integers(0, 2**32))
def test_a_required_field_with_a_default(rule: str, closed: bool, kind: str, depth: int, seed: int) -> None:
    old, new = pair(rule, kind, closed, depth)
    (change,) = diff(Snapshot.from_json_schema(old), Snapshot.from_json_schema(new))
    assert (change.rule, change.direction) == (rule, "forbidden" if closed and rule == "S05" else "")
    random = Random(seed)
    for _ in range(10):
        document = Drawing(old, random).value(old)
        after = filled(document, "note", KINDS[kind])
        assert jsonschema_rs.is_valid(new, after)
        assert contains(after, document)
    refused = 0
    for _ in range(40):
        refused += not jsonschema_rs.is_valid(old, Drawing(new, random).value(new))
    if change.forward == "ok":
        assert refused == 0
    else:
        assert (change.forward, refused > 0) == ("no", True)


@pytest.mark.law(16)
def test_a_name_that_is_used_again_may_meet_values_from_before() -> None:
    """Whoever reads lazily may still hold what the first version wrote; the second one ignores it, the third one declares it anew."""
    first = Reader(record(None, "State", topic=str, note=(str | None, None)))
    second = Reader(record(None, "State", topic=str))
    third = Reader(record(None, "State", topic=str, note=(list[int] | None, None)))
    random = Random(0)
    lazy = [document for document in first.written(random, 200) if second.reads(document)]
    reads = Counter(third.reads(document) for document in lazy)
    forward = Counter(first.reads(document) for document in third.written(random, 200))
    case = RULES["S15"].case()
    assert case.reads == "?"
    assert reads[True]
    assert reads[False]
    assert case.forward == "no"
    assert forward[False]
