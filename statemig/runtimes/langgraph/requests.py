"""What a step of reading asks for, and is sent: the sync and the async saver are one implementation that way."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from langgraph.checkpoint.base import CheckpointTuple

from statemig.runtimes.langgraph.stored.complements import Statement
from statemig.runtimes.langgraph.stored.values import Stored, raw

Config = dict[str, Any]
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Get:
    """One checkpoint: the answer is a tuple as it is stored, or None."""

    config: Config


@dataclass(frozen=True, slots=True)
class Search:
    """Several checkpoints, newest first: the answer is a list of tuples as they are stored."""

    config: Config | None
    options: Mapping[str, Any] = field(default_factory=dict)


Request = Get | Search | Statement
Steps = Generator[Request, Any, Made]


def config_of(thread: Any, namespace: str, checkpoint: str | None = None) -> Config:
    inside = {"thread_id": thread, "checkpoint_ns": namespace}
    if checkpoint:
        inside["checkpoint_id"] = checkpoint
    return {"configurable": inside}


def metadata_of(stored: CheckpointTuple) -> Mapping[str, Any]:
    return stored.metadata or {}


def checkpoint_of(stored: CheckpointTuple) -> dict[str, Any]:
    return raw(stored.checkpoint) if isinstance(stored.checkpoint, Stored) else dict(stored.checkpoint)
