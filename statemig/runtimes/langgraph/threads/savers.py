"""LangGraph's own savers on the connections of a database, for reading threads one by one and for writing several in one transaction."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from statemig.errors import StoreError
from statemig.runtimes.langgraph.reading import Get, Request, Search, Steps
from statemig.runtimes.langgraph.stored.rows import rows_beside
from statemig.runtimes.langgraph.stored.values import Postponed

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver


class Savers:
    """Of one database. What they read stays undecoded, and what they write is stored as it is, so that no class of any version is needed.
    `serde`: the serializer of the application's savers, where it is not LangGraph's own."""

    def __init__(self, engine: Engine, serde: Any = None) -> None:
        self._engine = engine
        self._serde = serde
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._idle: list[Any] = []
        self._lock = threading.Lock()

    @property
    def serde(self) -> Any:
        if self._serde is None:
            from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

            self._serde = JsonPlusSerializer()
        return self._serde

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    @contextmanager
    def reading(self) -> Iterator[Any]:
        """A saver for as long as that; it commits nothing."""
        with self._connection() as connection:
            yield self._saver(connection)

    @contextmanager
    def writing(self, threads: list[str]) -> Iterator[Any]:
        """A saver whose writes are there all at once at the end, or not at all. Nobody else writes these threads through here meanwhile."""
        with self._connection() as connection:
            saver = self._saver(connection)
            if self._is_sqlite:
                connection.execute("BEGIN IMMEDIATE")
            else:
                for thread in sorted(threads):
                    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (thread,))
            yield saver
            connection.commit()

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        with self._lock:
            connection = self._idle.pop() if self._idle else None
        if connection is None:
            connection = self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        connection.rollback()
        with self._lock:
            self._idle.append(connection)

    def _open(self) -> Any:
        positional: Any
        named: Any
        positional, named = self._engine.dialect.create_connect_args(self._engine.url)
        if self._is_sqlite:
            import sqlite3

            from statemig.store.engine import BUSY_TIMEOUT

            named = {**named, "check_same_thread": False, "isolation_level": None}
            connection = sqlite3.connect(*positional, **named)
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
            return connection
        import psycopg

        return psycopg.connect(*positional, **{k: v for k, v in named.items() if k != "context"})

    def _saver(self, connection: Any) -> BaseCheckpointSaver[Any]:
        saver: Any
        try:
            if self._is_sqlite:
                from langgraph.checkpoint.sqlite import SqliteSaver

                saver = SqliteSaver(_Uncommitted(connection))  # type: ignore[arg-type]
                columns = [row[1] for row in connection.execute("PRAGMA table_info(writes)")]
                # Its setup makes tables and commits; it is only needed where the tables are those of an older release.
                saver.is_setup = "task_path" in columns or not hasattr(SqliteSaver, "_has_task_path")
            else:
                from langgraph.checkpoint.postgres import PostgresSaver

                saver = PostgresSaver(connection)
        except ModuleNotFoundError as error:
            kind = "sqlite" if self._is_sqlite else "postgres"
            raise StoreError(
                f"{error.name} is not installed, and threads are read and written with LangGraph's own saver",
                hint=f"pip install langgraph-checkpoint-{kind}",
            ) from None
        reader = copy.copy(saver)
        reader.serde = Postponed(self.serde)
        return reader  # type: ignore[no-any-return]


class _Uncommitted:
    """A connection of which a saver commits nothing."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def commit(self) -> None:
        pass


def answered(steps: Steps[Any], saver: Any) -> Any:
    """What comes out of reading a thread when this saver answers."""
    answer: Any = None
    while True:
        try:
            request: Request = steps.send(answer)
        except StopIteration as done:
            return done.value
        match request:
            case Get(config):
                answer = saver.get_tuple(config)
            case Search(config, options):
                given = {name: value for name, value in options.items() if value is not None}
                answer = [*saver.list(config, **given)]
            case statement:
                rows = rows_beside(saver)
                answer = rows.do(statement) if rows is not None else None
