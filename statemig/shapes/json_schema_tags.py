"""The discriminator of a JSON Schema's union."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from statemig.shapes.json_schema_writer import HINTS
from statemig.shapes.shape import Null, Shape, Tag

Node = Mapping[str, Any]
Follow = Callable[[Any], Node]


def tag_of(node: Node, options: list[Any], members: list[Shape], followed: Follow) -> Tag | None:
    """The tag of a union with these members, from `discriminator` or our own hint; None where some member has no value of it.

    `followed` gives the JSON Schema behind a reference.
    """
    own = (node.get(HINTS) or {}).get("tag")
    if own is not None:
        return Tag(own["key"], dict(own["values"]))
    told = node.get("discriminator")
    if not isinstance(told, Mapping) or "propertyName" not in told:
        return None
    key = told["propertyName"]
    mapping: dict[Any, int] = {}
    for text, target in (told.get("mapping") or {}).items():
        for number, option in enumerate(options):
            same = option == target if isinstance(target, Mapping) else _is_ref(option, target)
            if same:
                mapping[_value(option, key, text, followed)] = number
    for number, option in enumerate(options):
        if number not in set(mapping.values()):
            for value in _values(option, key, followed):
                mapping.setdefault(value, number)
    objects = {number for number, member in enumerate(members) if not isinstance(member, Null)}
    return Tag(key, mapping) if mapping and objects == set(mapping.values()) else None


def _value(option: Any, key: str, text: str, followed: Follow) -> Any:
    """The mapping's keys are text; the values in the data may be integers or booleans."""
    for value in _values(option, key, followed):
        if not isinstance(value, str) and text in (str(value), json.dumps(value)):
            return value
    return text


def _values(option: Any, key: str, followed: Follow) -> list[Any]:
    inside = followed(option)
    tagged = followed((inside.get("properties") or {}).get(key)) if inside else {}
    return [tagged["const"]] if "const" in tagged else list(tagged.get("enum") or ())


def _is_ref(option: Any, target: Any) -> bool:
    return isinstance(option, Mapping) and option.get("$ref") == target
