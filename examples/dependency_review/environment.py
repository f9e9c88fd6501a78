"""The demo's input: every requirement of every distribution installed here, from its own metadata. No network."""

from __future__ import annotations

import re
from importlib import metadata
from typing import Any

README_CHARACTERS = 4000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def requirements() -> list[dict[str, Any]]:
    """One record per Requires-Dist line, sorted; raw facts, in no version's state shape."""
    found: dict[str, metadata.Distribution] = {}
    for distribution in metadata.distributions():
        name = distribution.metadata["Name"]
        if name:
            found.setdefault(normalised(name), distribution)
    facts = []
    for name, distribution in sorted(found.items()):
        about = _about(distribution)
        for requirement in sorted(set(distribution.requires or [])):
            match = _NAME.match(requirement)
            wanted = found.get(normalised(match.group())) if match else None
            facts.append(
                {
                    "package": name,
                    "requirement": requirement,
                    "installed": wanted.version if wanted else None,
                    **about,
                }
            )
    return facts


def normalised(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _about(distribution: metadata.Distribution) -> dict[str, Any]:
    fields = distribution.metadata
    classifiers = fields.get_all("Classifier") or []
    readme = fields.get("Description") or fields.get_payload() or ""  # type: ignore[attr-defined]
    return {
        "version": distribution.version,
        "readme": str(readme).strip()[:README_CHARACTERS],
        "licence": _licence(fields, classifiers),
        "maturity": _last(classifiers, "Development Status ::") or "unknown",
        "maintainer": _maintainer(fields),
    }


def _licence(fields: Any, classifiers: list[str]) -> str:
    text = fields.get("License-Expression") or fields.get("License") or ""
    # Some projects paste the whole licence text into the field.
    first = text.strip().splitlines()[0] if text.strip() else ""
    return first[:60] or _last(classifiers, "License ::") or "unknown"


def _maintainer(fields: Any) -> str:
    for key in ("Maintainer", "Author", "Maintainer-email", "Author-email"):
        if fields.get(key):
            return str(fields[key])
    return f"the maintainers of {fields['Name']}"


def _last(classifiers: list[str], prefix: str) -> str:
    matching = [line.split(" :: ")[-1] for line in classifiers if line.startswith(prefix)]
    return matching[-1] if matching else ""
