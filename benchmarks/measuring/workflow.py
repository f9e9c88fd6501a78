"""The workflow that writes the documents, with its snapshots at both ends of a chain."""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel, create_model

from measuring.chains import revisions
from measuring.documents import run_document
from statemig import Step, Workflow, capture
from statemig.operations import schema_after
from statemig.revisions.revision import Revision
from statemig.workflow.snapshot import Snapshot


@cache
def state_model() -> type[BaseModel]:
    return _model("State", run_document(4_096)["state"])


@cache
def workflow() -> Workflow:
    outputs = run_document(4_096)["outputs"]
    steps = [Step(name, output=_model(name.title(), value)) for name, value in outputs.items()]
    names = [step.name for step in steps] + ["approve", "send"]
    made = []
    for number, name in enumerate(names):
        following = names[number + 1] if number + 1 < len(names) else None
        output = steps[number].output if number < len(steps) else None
        made.append(Step(name, kind="human" if name == "approve" else "auto", output=output, next=following))
    return Workflow("refunds", state=state_model(), steps=made)


@cache
def base() -> Snapshot:
    return capture(workflow())


def proven(chain: str, length: int) -> list[Revision]:
    """The chain with the snapshots of its first and last revision, so that documents are checked at both."""
    first = base()
    operations = [each for one in revisions(chain, length) for each in one.operations]
    schema = schema_after(first.stored, operations)
    last = Snapshot(first.workflow, schema, schema, first.profile, first.steps, first.start)
    return revisions(chain, length, base=first, head=last)


def _model(name: str, example: dict[str, Any]) -> type[BaseModel]:
    fields: dict[str, Any] = {
        key: (_type(f"{name}{key.title()}", value), ...) for key, value in example.items()
    }
    return create_model(name, **fields)


def _type(name: str, value: Any) -> Any:
    match value:
        case None:
            return str | None
        case dict():
            return _model(name, value)
        case [dict() as first, *_]:
            return list[_model(name, first)]  # type: ignore[misc]
        case [first, *_]:
            return list[type(first)]  # type: ignore[misc]
        case _:
            return type(value)
