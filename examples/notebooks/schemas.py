"""nbformat's own JSON Schemas, in words that a snapshot can hold.

Shapes have no keys that depend on a pattern, so there the schema is made wider: every key may have what any of the patterns allows.
That is why the tests ask nbformat's validator too. The rest says the same as the file: an object that does not forbid other keys keeps
them, cells and outputs are told apart by their type, and descriptions go.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat

FOLDER = Path(nbformat.__file__).parent
VERSIONS = ("3", "4.0", "4.1", "4.2", "4.3", "4.4", "4.5")


def schema(version: str) -> Any:
    """The schema of a version ("3", "4.0", ...), ready for `Snapshot.from_json_schema`."""
    return widened(json.loads((FOLDER / f"v{version[0]}" / f"nbformat.v{version}.schema.json").read_text()))


def widened(node: Any) -> Any:
    if isinstance(node, list):
        return [widened(each) for each in node]
    if not isinstance(node, dict):
        return node
    made = {key: widened(inner) for key, inner in node.items() if key != "description" or _is_name(inner)}
    if "properties" in made:
        made.setdefault("additionalProperties", True)
    if all(isinstance(each, dict) and "$ref" in each for each in made.get("oneOf", [{}])):
        tag = "cell_type" if made["oneOf"][0]["$ref"].endswith("_cell") else "output_type"
        made["discriminator"] = {"propertyName": tag}
    patterns = made.get("patternProperties")
    if patterns and ("properties" in made or "additionalProperties" in made):
        del made["patternProperties"]
        other = made["additionalProperties"]
        allowed = [*patterns.values(), *([] if other is False else [other])]
        anything = any(each is True or not isinstance(each, dict) or not each for each in allowed)
        made["additionalProperties"] = True if anything else {"anyOf": allowed}
    return made


def _is_name(inner: Any) -> bool:
    """Whether "description" is the name of a property here, not a remark."""
    return not isinstance(inner, str)
