"""The shape of a run document: `state`, and the output of each step, over shared definitions."""

from __future__ import annotations

from collections.abc import Mapping

from statemig.shapes.shape import Object, Property, Schema, Shape


def run_schema(state: Shape, outputs: Mapping[str, Shape], definitions: Mapping[str, Shape]) -> Schema:
    """The schema of a run document's `state` and `outputs`; a step that has not finished has no output."""
    per_step = Object({step: Property(shape, required=False) for step, shape in outputs.items()})
    root = Object({"state": Property(state), "outputs": Property(per_step, required=False)})
    return Schema(root, dict(definitions))


def state_of(schema: Schema) -> Schema:
    """The state alone, of a run document's schema."""
    return Schema(_part(schema, "state"), schema.definitions)


def outputs_of(schema: Schema) -> dict[str, Schema]:
    """The outputs by step, of a run document's schema."""
    outputs = schema.resolve(_part(schema, "outputs"))
    properties = outputs.properties if isinstance(outputs, Object) else {}
    return {step: Schema(each.shape, schema.definitions) for step, each in properties.items()}


def _part(schema: Schema, name: str) -> Shape:
    root = schema.resolve(schema.root)
    found = root.properties.get(name) if isinstance(root, Object) else None
    return Object({}) if found is None else found.shape
