"""Chains of revisions in a folder, written as `statemig revision` writes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from statemig.revisions.directory import Directory
from statemig.workflow.snapshot import Snapshot

_ANY = Snapshot.from_json_schema({"type": "object", "additionalProperties": True}, "triage").to_dict()


class Picture:
    """Stands in for a snapshot where only its frozen form matters: a workflow of which nothing is known, told apart by its content."""

    def __init__(self, **content: Any) -> None:
        self.content = {**_ANY, **content}

    def to_dict(self) -> dict[str, Any]:
        return self.content


def script_text(
    revision: str,
    below: Iterable[str],
    version: int,
    *,
    workflow: str = "triage",
    body: str = "",
    message: str = "",
) -> str:
    parents = tuple(below)
    down = repr(parents[0] if len(parents) == 1 else parents or None).replace("'", '"')
    does = body or f'op.add_field("state.f_{revision}", default={version})'
    return (
        f'"""{message or f"change {revision}"}\n\nRevision ID: {revision}\nRevises: {", ".join(parents) or None}\n'
        f'Workflow: {workflow}, version {version - 1} -> {version}\nChange class: additive\n"""\n\n'
        "from statemig import Operations\n\n"
        f'revision = "{revision}"\ndown_revision = {down}\nworkflow = "{workflow}"\nversion = {version}\n\n\n'
        f"def upgrade(op: Operations) -> None:\n    {does}\n"
    )


def add(
    directory: Directory,
    revision: str,
    *below: str,
    workflow: str = "triage",
    body: str = "",
    message: str = "",
) -> Path:
    """Write a revision that follows these."""
    version = directory.graph(workflow).next_version(below)
    return directory.write(
        revision,
        below,
        workflow,
        version,
        message or f"change {revision}",
        script_text(revision, below, version, workflow=workflow, body=body, message=message),
        Picture(workflow=workflow, at=revision),  # type: ignore[arg-type]
    )


def line(location: Path, *revisions: str, workflow: str = "triage") -> Directory:
    """A new folder with these revisions, one after the other."""
    directory = Directory.create(location)
    below: tuple[str, ...] = ()
    for revision in revisions:
        add(directory, revision, *below, workflow=workflow)
        below = (revision,)
    return directory
