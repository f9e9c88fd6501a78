"""Validate JSON values against a schema, closed: a key that the reader would drop is a problem too.

Done by jsonschema-rs; the messages are ours, because a validator's own messages show values, and ours never do. Formats are not
asserted: pydantic accepts more than RFC 3339 and the like, so a strict check would refuse what the application itself wrote.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

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
        found: list[Reason] = []
        for error in self._validator.iter_errors(value):
            found.extend(_explain(error, 0))
            if len(found) > 4 * _SHOWN:
                break
        unique = dict.fromkeys(
            (path, expected) for _, path, expected in sorted(found, key=lambda each: -each[0])
        )
        return list(unique)[:_SHOWN]


Reason = tuple[int, str, str]


def _explain(error: Any, depth: int) -> list[Reason]:
    """The reasons inside a union tell more than "fits no member": those of the member that the tag names, or else of the one that nearly
    fits."""
    place = tuple(error.instance_path)
    if error.kind.name not in ("anyOf", "oneOf") or depth >= 4:
        return [(len(place), path_text(place), _expected(error.kind))]
    branches = [list(branch) for branch in getattr(error.kind, "context", ())]
    wrong = _wrong_tag(error, branches)
    if wrong is not None:
        return [wrong]
    meant = _meant(error, branches)
    deepest = max((len(inner.instance_path) for branch in branches for inner in branch), default=0)
    if meant is None and deepest > len(place):
        return [
            reason
            for branch in branches
            for inner in branch
            if len(inner.instance_path) == deepest
            for reason in _explain(inner, depth + 1)
        ]
    said = [
        list(dict.fromkeys(reason for inner in branch for reason in _explain(inner, depth + 1)))
        for branch in branches
    ]
    here = [branch[0] for branch in said if len(branch) == 1]
    if len(here) == len(branches) and all(_is_type(reason, place) for reason in here):
        names = " or ".join(dict.fromkeys(text.removeprefix(_WANTED) for _, _, text in here))
        return [(len(place), path_text(place), f"{_WANTED}{names}")]
    if meant is not None:
        return said[meant]
    return [(len(place), path_text(place), _expected(error.kind))]


_WANTED: Final = "expected "


def _is_type(reason: Reason, place: tuple[Any, ...]) -> bool:
    return reason[0] == len(place) and reason[2].startswith(_WANTED)


#: where `json_schema.write` puts what it says of a member's tag
_TAG: Final = ["allOf", 1]


def _of_tag(error: Any, inner: Any) -> bool:
    """Whether this is a reason against the tag of a member, of the union that `error` is about."""
    above = len(error.schema_path)
    return list(inner.schema_path[:above]) == list(error.schema_path) and (
        list(inner.schema_path[above + 1 : above + 3]) == _TAG
    )


def _of_other_type(error: Any, branch: list[Any]) -> bool:
    """Whether nothing is said of a member but that it is a string, say, where an object stands."""
    place = list(error.instance_path)
    return all(inner.kind.name == "type" and list(inner.instance_path) == place for inner in branch)


def _meant(error: Any, branches: list[list[Any]]) -> int | None:
    """The number of the one member that has the right tag, or at least the right type; None where that is not known."""
    found = [
        number
        for number, branch in enumerate(branches)
        if not (any(_of_tag(error, inner) for inner in branch) or _of_other_type(error, branch))
    ]
    return found[0] if len(found) == 1 else None


def _wrong_tag(error: Any, branches: list[list[Any]]) -> Reason | None:
    """One reason for all members of a tagged union, where the tag itself is absent or names none of them."""
    of_tag = [[inner for inner in branch if _of_tag(error, inner)] for branch in branches]
    others = [branch for branch, own in zip(branches, of_tag, strict=True) if not own]
    reasons = [inner for own in of_tag for inner in own]
    if not reasons or not all(_of_other_type(error, branch) for branch in others):
        return None
    at = tuple(reasons[0].instance_path)
    if all(inner.kind.name == "required" for inner in reasons):
        return len(at), path_text(at), _expected(reasons[0].kind)
    if all(inner.kind.name == "enum" for inner in reasons):
        options = dict.fromkeys(value for inner in reasons for value in inner.kind.options)
        return len(at), path_text(at), f"expected one of {list(options)}"
    return None


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
