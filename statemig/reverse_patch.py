"""The RFC 6902 patch from one JSON value to another, for the way back over an upgrade that was written alone.

It says little where little differs, and makes no attempt to be the shortest: nothing is ever moved or copied, so it gives back exactly the
value it was made for, whatever applies it. Values are equal as `json_text.equal` says: 1, 1.0 and true are three values.
"""

from __future__ import annotations

from typing import Any

from statemig import json_text

Patch = list[dict[str, Any]]


def reverse_patch(before: Any, after: Any) -> Patch | None:
    """Operations that turn `after` into `before`; values in them belong to `before`. None where the two are nested too deeply for
    this interpreter."""
    patch: Patch = []
    try:
        _into(after, before, "", patch)
    except RecursionError:
        return None
    return patch


def _into(value: Any, wanted: Any, path: str, patch: Patch) -> None:
    if isinstance(value, dict) and isinstance(wanted, dict):
        _object(value, wanted, path, patch)
    elif isinstance(value, list) and isinstance(wanted, list):
        _list(value, wanted, path, patch)
    elif not json_text.equal(value, wanted):
        # To add a member that is there replaces it; the package jsonpatch refuses to replace one that is called "-".
        patch.append({"op": "add" if path.endswith("/-") else "replace", "path": path, "value": wanted})


def _object(value: dict[str, Any], wanted: dict[str, Any], path: str, patch: Patch) -> None:
    for key in value:
        if key not in wanted:
            patch.append({"op": "remove", "path": f"{path}/{_escaped(key)}"})
    for key, inner in wanted.items():
        if key not in value:
            patch.append({"op": "add", "path": f"{path}/{_escaped(key)}", "value": inner})
        elif not json_text.written_alike(value[key], inner):
            _into(value[key], inner, f"{path}/{_escaped(key)}", patch)


def _list(value: list[Any], wanted: list[Any], path: str, patch: Patch) -> None:
    """What is the same at the beginning and at the end stays; in between, items are taken one by one, and the rest is cut or added."""
    shorter = min(len(value), len(wanted))
    start = 0
    while start < shorter and json_text.written_alike(value[start], wanted[start]):
        start += 1
    end = 0
    if len(value) != len(wanted):
        while end < shorter - start and json_text.written_alike(value[-1 - end], wanted[-1 - end]):
            end += 1
    both = shorter - end
    for at in range(start, both):
        if not json_text.written_alike(value[at], wanted[at]):
            _into(value[at], wanted[at], f"{path}/{at}", patch)
    for at in range(len(value) - end - 1, both - 1, -1):
        patch.append({"op": "remove", "path": f"{path}/{at}"})
    for at in range(both, len(wanted) - end):
        patch.append({"op": "add", "path": f"{path}/{at}", "value": wanted[at]})


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")
