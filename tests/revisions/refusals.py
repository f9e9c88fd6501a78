"""A workflow with one of everything, and scripts that lead on from it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chains import script_text

from statemig.revisions.directory import Directory
from statemig.shapes import json_schema
from statemig.shapes.shape import Object, Property, Schema
from statemig.workflow.flow import StepInfo
from statemig.workflow.snapshot import Snapshot

ITEM = {
    "anyOf": [
        {
            "type": "object",
            "properties": {
                "kind": {"const": "search"},
                "query": {"type": "string"},
                "limit": {"type": "integer"},
            },
            "required": ["kind", "query"],
        },
        {
            "type": "object",
            "properties": {"kind": {"const": "note"}, "text": {"type": "string"}},
            "required": ["kind", "text"],
        },
    ],
    "discriminator": {"propertyName": "kind"},
}
STATE: dict[str, Any] = {
    "type": "object",
    "title": "State",
    "properties": {
        "topic": {"type": "string"},
        "summary": {"type": "string"},
        "colour": {"enum": ["red", "green", "blue"]},
        "score": {"type": "integer", "maximum": 10},
        "note": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "hint": {"type": "string"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "items": {"type": "array", "items": ITEM},
        "labels": {"type": "object", "additionalProperties": {"type": "integer"}},
        "person": {"$ref": "#/$defs/Person"},
        "pair": {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    },
    "required": ["topic", "summary", "colour", "score", "note", "tags", "items", "labels", "person", "pair"],
    "$defs": {
        "Person": {
            "type": "object",
            "title": "Person",
            "properties": {
                "first": {"type": "string"},
                "last": {"type": "string"},
                "topic": {"type": "string"},
            },
            "required": ["first", "last", "topic"],
        }
    },
}
STEPS = {
    "classify": StepInfo(next=("draft",)),
    "draft": StepInfo(next=("approve",)),
    "approve": StepInfo(kind="human", next=("send",)),
    "send": StepInfo(),
}


def snapshot(steps: dict[str, StepInfo] | None = None, **properties: Any) -> Snapshot:
    """The workflow, with other properties of the state; None takes one away."""
    changed = {name: node for name, node in {**STATE["properties"], **properties}.items() if node is not None}
    required = [name for name in changed if name != "hint" and not (name in properties and name == "later")]
    read = json_schema.read({**STATE, "properties": changed, "required": required})
    text = Object({"text": Property(json_schema.read({"type": "string"}).root)})
    outputs = Object({name: Property(text, False) for name in ("draft", "check") if name in (steps or STEPS)})
    root = Object({"state": Property(read.root), "outputs": Property(outputs, False)})
    schema = Schema(root, read.definitions)
    return Snapshot("triage", schema, schema, steps=STEPS if steps is None else steps, start="classify")


def folder(location: Path, *bodies: str, after: Snapshot | None = None, above: str = "") -> Directory:
    """Revision a1 freezes the workflow; b2, c3, ... have these bodies of `upgrade`, and `above` before it."""
    directory = Directory.create(location)
    directory.write("a1", None, "triage", 1, "first", script_text("a1", (), 1, body="pass"), snapshot())
    below = "a1"
    for number, body in enumerate(bodies):
        name = f"{'bcdef'[number]}{number + 2}"
        lines = "\n    ".join(body.splitlines())
        text = script_text(name, (below,), number + 2, body=lines)
        text = text.replace("\n\ndef upgrade", f"\n{above}\n\ndef upgrade")
        directory.write(name, (below,), "triage", number + 2, "next", text, after or snapshot())
        below = name
    return directory


def problems(location: Path, body: str, after: Snapshot | None = None, above: str = "") -> list[str]:
    """What is wrong with one script: ``line of the body: what``."""
    directory = folder(location, body, after=after, above=above)
    script = directory.script_path("b2")
    first = script.read_text().splitlines().index("def upgrade(op: Operations) -> None:") + 1
    found = directory.problems("b2")
    assert all(each.place == f"{script}, line {each.line}" for each in found)
    return [f"{(each.line or 0) - first}: {each.text}" for each in found]
