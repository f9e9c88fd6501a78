"""Which runs a change is about: those that have something at its path, or stand at its step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from statemig import document as documents
from statemig.autogenerate.change import Change
from statemig.document import Document
from statemig.path import Key, Path
from statemig.plan.walk import Trail, over
from statemig.shapes.shape import Object
from statemig.workflow.snapshot import Snapshot

Touched = Callable[[Document], bool]

#: the parts of a definition that belong to one step, by the beginning of a change's path
_OF_STEPS: Final = ("steps", "prompts", "models")
#: added, so that it is what is around them that runs have
_ADDED: Final = ("S04", "S05", "S06", "S15")


def touched(change: Change, old: Snapshot) -> Touched | None:
    """Takes a document of the old version and says whether the change is about it. None where no run of that version can tell: a new
    step, and what is no part of runs."""
    steps = steps_of(change, old)
    if steps is not None:
        return _standing(steps)
    place = place_of(change)
    return None if place is None else _there(place, old)


def steps_of(change: Change, old: Snapshot) -> frozenset[str] | None:
    """The steps that a change is about; None where it is not about steps, or about one that no run of the old version can stand at."""
    part, _, name = change.path.partition(".")
    if part in _OF_STEPS:
        return None if change.rule == "W03" else frozenset({name})
    if part == "tools":
        return frozenset((old.tools.get(name) or {}).get("steps", ())) or None
    return None


def place_of(change: Change) -> Path | None:
    """Where the documents of the runs that a change is about have something; None where it is not about what they hold."""
    if change.path.partition(".")[0] in (*_OF_STEPS, "tools") or change.site is None or not change.path:
        return None
    path = Path.parse(change.path)
    return path.parent if change.rule in _ADDED else path


def is_everywhere(path: Path, old: Snapshot) -> bool:
    """Whether every document of a version has something at a path: required keys all the way."""
    shape = old.stored.resolve(old.stored.root)
    for segment in path.segments:
        if not isinstance(segment, Key) or not isinstance(shape, Object):
            return False
        found = shape.properties.get(segment.name)
        if found is None or not found.required:
            return False
        shape = old.stored.resolve(found.shape)
    return True


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
