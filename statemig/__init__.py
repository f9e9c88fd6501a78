"""Alembic for the run state of AI workflows: the public names, each imported when it is first used."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from statemig import errors
    from statemig.autogenerate.compare import diff
    from statemig.autogenerate.propose import propose
    from statemig.migrator import Migrator
    from statemig.operations.recorder import Operations
    from statemig.revisions.revision import Revision
    from statemig.store.run_store import RunStore
    from statemig.store.run_table import RunTable
    from statemig.workflow.capture import capture
    from statemig.workflow.definition import Step, Was, Workflow
    from statemig.workflow.snapshot import Snapshot

__version__ = "0.1.0"

__all__ = [
    "Migrator",
    "Operations",
    "Revision",
    "RunStore",
    "RunTable",
    "Snapshot",
    "Step",
    "Was",
    "Workflow",
    "__version__",
    "capture",
    "diff",
    "errors",
    "propose",
]

# Where each name lives. Importing statemig loads none of them: a command that needs little starts fast.
_HOMES = {
    "Migrator": "statemig.migrator",
    "Operations": "statemig.operations.recorder",
    "Revision": "statemig.revisions.revision",
    "RunStore": "statemig.store.run_store",
    "RunTable": "statemig.store.run_table",
    "Snapshot": "statemig.workflow.snapshot",
    "Step": "statemig.workflow.definition",
    "Was": "statemig.workflow.definition",
    "Workflow": "statemig.workflow.definition",
    "capture": "statemig.workflow.capture",
    "diff": "statemig.autogenerate.compare",
    "propose": "statemig.autogenerate.propose",
}


def __getattr__(name: str) -> object:
    if name == "errors":
        return importlib.import_module("statemig.errors")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'statemig' has no attribute {name!r}")
    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
