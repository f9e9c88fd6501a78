"""Which runs a change is about: those that have something at its path, or stand at its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from statemig import document as documents
from statemig.autogenerate.change import Change
from statemig.document import Document
from statemig.path import Path
from statemig.plan.walk import Trail, over
from statemig.workflow.snapshot import Snapshot

Touched = Callable[[Document], bool]

#: the parts of a definition that belong to one step, by the beginning of a change's path
_OF_STEPS: Final = ("steps", "prompts", "models")
#: added, so that it is what is around them that runs have
_ADDED: Final = ("S04", "S05", "S06", "S15")


def touched(change: Change, old: Snapshot) -> Touched | None:
    """Takes a document of the old version and says whether the change is about it. None where no run of that version can tell: a new
    step, and what is no part of runs."""
    part, _, name = change.path.partition(".")
    if part in _OF_STEPS:
        return None if change.rule == "W03" else _standing(frozenset({name}))
    if part == "tools":
        asking = frozenset((old.tools.get(name) or {}).get("steps", ()))
        return _standing(asking) if asking else None
    if change.site is None or not change.path:
        return None
    path = Path.parse(change.path)
    return _there(path.parent if change.rule in _ADDED else path, old)


def _standing(steps: frozenset[str]) -> Touched:
    return lambda document: any(step in steps for step, _ in documents.steps_named(document))


def _there(path: Path, old: Snapshot) -> Touched:
    schema = old.stored

    def is_there(document: Document) -> bool:
        found = False

        def visit(value: Any, trail: Trail) -> Any:
            nonlocal found
            found = True
            return value

        over(document, path, visit, lambda value, trail: value, schema=schema)
        return found

    return is_there
