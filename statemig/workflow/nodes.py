"""What is done to nodes of JSON Schema once pydantic's types are behind: keys of maps, null, wrappers, discriminators."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pydantic_core

from statemig.workflow.definition import WAS_HINT

HINTS: Final = "x-statemig"
Node = dict[str, Any]

_FORM_OF_KEYS: Final = {"integer": "integer", "number": "number"}


def enum_node(values: list[Any]) -> Node:
    plain = [pydantic_core.to_jsonable_python(value) for value in values]
    if any(isinstance(value, list | dict) for value in plain):
        return {}
    return {"enum": plain}


def keys_of_map(keys: Node) -> Node:
    """What a map says of its keys, which are always text in JSON."""
    kind = keys.get("type")
    if kind in _FORM_OF_KEYS:
        return {HINTS: {"keys": _FORM_OF_KEYS[kind]}}
    if keys.get(HINTS, {}).get("decimal") or any(
        option.get(HINTS, {}).get("decimal") for option in keys.get("anyOf", ())
    ):
        return {HINTS: {"keys": "decimal"}}
    if kind == "boolean":
        return {"propertyNames": {"enum": ["true", "false"]}}
    if "enum" in keys:
        named = {HINTS: keys[HINTS]} if HINTS in keys else {}
        texts = [value if isinstance(value, str) else json.dumps(value) for value in keys["enum"]]
        return {"propertyNames": {"enum": texts, **named}}
    if kind == "string" and len(keys) > 1:
        return {"propertyNames": {key: value for key, value in keys.items() if key != "title"}}
    return {}


def unwrapped(node: Node) -> Node:
    """pydantic 2.8 wraps a reference in allOf to hang something beside it."""
    node = dict(node)
    inside = node.get("allOf")
    if isinstance(inside, list) and len(inside) == 1:
        del node["allOf"]
        return {**inside[0], **node}
    return node


def without_null(node: Node) -> tuple[Node, bool]:
    """A property under `exclude_none`: its schema without null, and whether null was there."""
    if node.get("type") == "null":
        return {"not": {}}, True
    if "enum" in node and None in node["enum"]:
        return {**node, "enum": [value for value in node["enum"] if value is not None]}, True
    for keyword in ("anyOf", "oneOf"):
        options = node.get(keyword)
        if options:
            stripped = [without_null(option) for option in options if option != {"type": "null"}]
            nullable = len(stripped) < len(options) or any(found for _, found in stripped)
            return {**node, keyword: [option for option, _ in stripped] or [False]}, nullable
    return node, not (node.keys() & {"type", "enum", "const", "$ref", "anyOf", "oneOf", "allOf"})


def tidy(node: Any) -> Any:
    """Without the wrappers and leftovers that differ between versions of pydantic."""
    if isinstance(node, list):
        return [tidy(item) for item in node]
    if not isinstance(node, dict):
        return node
    plain = unwrapped(node)
    plain.pop(WAS_HINT, None)
    tidied: Node = {}
    for key, value in plain.items():
        if key == "properties":  # its keys are names, whatever they look like
            tidied[key] = {name: tidy(inner) for name, inner in value.items()}
        else:
            tidied[key] = value if key in ("default", "enum", "const", "examples", HINTS) else tidy(value)
    return tidied


def settle_tags(node: Any, definitions: Mapping[str, Node]) -> None:
    """Choose each discriminator's key among its candidates; drop one whose members do not all have it."""
    for inner in _nodes(node):
        told = inner.get("discriminator")
        if not isinstance(told, dict) or "candidates" not in told:
            continue
        members = [_definition(ref, definitions) for ref in told["mapping"].values()]
        keys = told.pop("candidates")
        found = next((key for key in _tag_candidates(keys, members) if _all_have(key, members)), None)
        if found is None:
            del inner["discriminator"]
        else:
            told["propertyName"] = found


def _tag_candidates(keys: list[str], members: list[Node]) -> Iterator[str]:
    yield from keys
    for member in members:
        for key, node in member.get("properties", {}).items():
            hints = node.get(HINTS) or {}
            if hints.get("python_name") in keys or set(hints.get("aliases") or ()) & set(keys):
                yield key


def _all_have(key: str, members: list[Node]) -> bool:
    return bool(members) and all(key in member.get("properties", {}) for member in members)


def _definition(ref: str, definitions: Mapping[str, Node]) -> Node:
    for _ in range(10):
        node = definitions.get(ref.removeprefix("#/$defs/"), {})
        if "$ref" not in node:
            return node
        ref = node["$ref"]
    return {}


def _nodes(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
        for value in list(node.values()):
            yield from _nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from _nodes(item)
