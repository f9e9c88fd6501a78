"""Validate JSON values against a schema, closed: a key that the reader would drop is a problem too.

Done by jsonschema-rs; the messages are ours, because a validator's own messages show values, and ours never do. Formats are not
asserted: pydantic accepts more than RFC 3339 and the like, so a strict check would refuse what the application itself wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statemig.path import Key, Segment, Slot, render
from statemig.shapes import json_schema
from statemig.shapes.shape import Schema

_SHOWN = 10


class Validator:
    """A compiled schema; make it once and keep it. Safe for any number of threads."""

    def __init__(self, schema: Schema) -> None:
        import jsonschema_rs

        self._validator = jsonschema_rs.Draft202012Validator(json_schema.write(schema, closed=True))

    def is_valid(self, value: Any) -> bool:
        return bool(self._validator.is_valid(value))

    def problems(self, value: Any) -> list[tuple[str, str]]:
        """(path, what was expected) of the first problems, deepest first; empty when the value is valid."""
        if self._validator.is_valid(value):  # several times as fast as looking for errors that are not there
            return []
        found: list[tuple[int, str, str]] = []
        for error in self._validator.iter_errors(value):
            found.extend(_explain(error, 0))
            if len(found) > 4 * _SHOWN:
                break
        unique = dict.fromkeys(
            (path, expected) for _, path, expected in sorted(found, key=lambda each: -each[0])
        )
        return list(unique)[:_SHOWN]


def _explain(error: Any, depth: int) -> list[tuple[int, str, str]]:
    """The reasons inside a union tell more than "fits no member", where one member nearly fits."""
    place = tuple(error.instance_path)
    if error.kind.name in ("anyOf", "oneOf") and depth < 4:
        branches = [list(branch) for branch in getattr(error.kind, "context", ())]
        deepest = max(
            (max((len(inner.instance_path) for inner in branch), default=0) for branch in branches), default=0
        )
        if deepest > len(place):
            return [
                reason
                for branch in branches
                for inner in branch
                if len(inner.instance_path) == deepest
                for reason in _explain(inner, depth + 1)
            ]
        here = [_expected(inner.kind) for branch in branches for inner in branch if len(branch) == 1]
        if len(here) == len(branches) and all(text.startswith("expected ") for text in here):
            names = " or ".join(dict.fromkeys(text.removeprefix("expected ") for text in here))
            return [(len(place), path_text(place), f"expected {names}")]
    return [(len(place), path_text(place), _expected(error.kind))]


def _expected(kind: Any) -> str:
    match kind.name:
        case "type":
            names = kind.types if isinstance(kind.types, list | tuple) else [kind.types]
            return f"expected {' or '.join(map(str, names))}"
        case "required":
            return f"{kind.property!r} is required and absent"
        case "additionalProperties" | "unevaluatedProperties":
            return f"not known here: {', '.join(map(repr, kind.unexpected))}"
        case "enum":
            return f"expected one of {kind.options}"
        case "const":
            return f"expected {kind.expected_value}"
        case "anyOf" | "oneOf":
            return "fits no member of the union"
        case name:
            limit = getattr(kind, "limit", None)
            return f"breaks {name}" + ("" if limit is None else f" {limit}")


def path_text(place: Sequence[str | int]) -> str:
    """A concrete place in the syntax of paths: ``state.items[3].name``."""
    segments: list[Segment] = [Slot(part) if isinstance(part, int) else Key(part) for part in place]
    return render(tuple(segments))
