"""What a law is about: one revision, and one model of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from statemig.errors import StatemigError
from statemig.migrator import Migrator
from statemig.operations.base import Operation
from statemig.revisions.revision import Revision
from statemig.shapes.shape import Object
from statemig.workflow.run_shape import outputs_of, state_of
from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True)
class Case:
    """The way from `below` to `revision`, and back. `step` is the one whose output the model is; None for the state."""

    migrator: Migrator
    below: str
    revision: str
    model: str = "State"
    step: str | None = None
    corpus: Path | None = None

    @property
    def id(self) -> str:
        """``5f2c_review_step-State``: as much of the id as people type, what the script is called, and the model."""
        slug = self.label
        return f"{self.revision[:4]}{f'_{slug}' if slug else ''}-{self.model}"

    @cached_property
    def label(self) -> str:
        """What the revision is called: the end of its file's name, else its message."""
        file = self.loaded.file
        name = "" if file is None else Path(file).stem.rpartition(self.revision)[2]
        return re.sub(r"\W+", "_", name or self.loaded.message).strip("_").lower()[:40]

    @cached_property
    def loaded(self) -> Revision:
        return self.migrator.revision(self.revision)

    @cached_property
    def old(self) -> Snapshot:
        return _there(self.migrator.snapshot(self.below))

    @cached_property
    def new(self) -> Snapshot:
        return _there(self.migrator.snapshot(self.revision))

    @cached_property
    def operations(self) -> tuple[Operation, ...]:
        return self.loaded.operations

    def place(self, number: int) -> str:
        """Where operation `number` stands: ``0004_5f2c_review_step.py:19``."""
        file, lines = self.loaded.file, self.loaded.recorded.lines
        line = lines[number] if number < len(lines) else None
        if file is None:
            return "" if line is None else f"line {line}"
        return file if line is None else f"{file}:{line}"


def _there(snapshot: Snapshot | None) -> Snapshot:
    assert snapshot is not None, "cases are made of revisions that have snapshots"
    return snapshot


def cases(migrator: Migrator, corpus: Path | None = None) -> Iterator[Case]:
    """One for each revision that follows another and each of its models: the state, and the outputs of steps. Oldest first."""
    for name in sorted(migrator.known, key=lambda name: (migrator.version(name), name)):
        try:
            loaded = migrator.revision(name)
        except StatemigError:
            continue  # `revisions_import_and_link` says so
        if migrator.snapshot(name) is None:
            continue
        for below in loaded.down_revisions:
            old = migrator.snapshot(below)
            if old is not None:
                yield Case(migrator, below, name, _class(old), None, corpus)
                for step, model in _outputs(old).items():
                    yield Case(migrator, below, name, model, step, corpus)


def _class(snapshot: Snapshot) -> str:
    state = state_of(snapshot.reads)
    shape = state.resolve(state.root)
    return shape.name if isinstance(shape, Object) and shape.name else "State"


def _outputs(snapshot: Snapshot) -> dict[str, str]:
    """Step to what its output is called: its class where only one step has it."""
    found: dict[str, str] = {}
    for step, schema in outputs_of(snapshot.reads).items():
        shape = schema.resolve(schema.root)
        found[step] = shape.name if isinstance(shape, Object) and shape.name else step
    names = [_class(snapshot), *found.values()]
    return {step: name if names.count(name) == 1 else f"{name}.{step}" for step, name in found.items()}
