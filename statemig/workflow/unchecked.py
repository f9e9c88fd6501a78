"""Keys of a state that a runtime lets anything into, whatever type their author has declared.

The declared types stay in a snapshot's `writes` and `reads`: they are what versions are compared by. What is really stored, and what
is really taken, is told by `loosened`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from statemig.shapes.shape import Anything, Object, Property, Schema


@dataclass(frozen=True, slots=True)
class Unchecked:
    """Nothing is checked when the key is written: any value may be there, or none, as before a run's first step. `value`: whoever reads
    it takes any value, too."""

    key: str
    value: bool = True


def loosened(schema: Schema, unchecked: Iterable[Unchecked], *, reading: bool) -> Schema:
    """A run document's schema as the runtime keeps to it: what may be stored, or with `reading` what a reader takes."""
    by_key = {each.key: each for each in unchecked}
    root = schema.resolve(schema.root)
    if not by_key or not isinstance(root, Object) or "state" not in root.properties:
        return schema
    state = schema.resolve(root.properties["state"].shape)
    if not isinstance(state, Object):
        return schema
    properties = {
        key: _property(prop, by_key.get(key), reading=reading) for key, prop in state.properties.items()
    }
    loose: Mapping[str, Property] = {
        **root.properties,
        "state": replace(root.properties["state"], shape=replace(state, properties=properties)),
    }
    return Schema(replace(root, properties=loose), schema.definitions)


def _property(prop: Property, unchecked: Unchecked | None, *, reading: bool) -> Property:
    if unchecked is None:
        return prop
    return replace(
        prop,
        shape=Anything() if unchecked.value or not reading else prop.shape,
        required=False,
    )
