"""Savers on real storage: memory, SQLite files and PostgreSQL, sync and async. A `Storage` outlives the savers that are opened on it, as a
database outlives the workers of two versions."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.memory import InMemorySaver


class Storage:
    """`kind`: "memory", "sqlite" or "postgres"."""

    def __init__(self, kind: str, where: Path | str) -> None:
        self.kind = kind
        self.where = str(where)
        self._memory = InMemorySaver()
        #: called when the test is over
        self.at_end: list[Callable[[], object]] = []

    @contextmanager
    def open(self) -> Iterator[Any]:
        match self.kind:
            case "memory":
                yield self._memory
            case "sqlite":
                from langgraph.checkpoint.sqlite import SqliteSaver

                connection = sqlite3.connect(self.where, check_same_thread=False)
                try:
                    yield SqliteSaver(connection)
                finally:
                    connection.close()
            case _:
                from langgraph.checkpoint.postgres import PostgresSaver

                with PostgresSaver.from_conn_string(self.where) as saver:
                    saver.setup()
                    yield saver

    @asynccontextmanager
    async def aopen(self) -> AsyncIterator[Any]:
        match self.kind:
            case "memory":
                yield self._memory
            case "sqlite":
                from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

                async with AsyncSqliteSaver.from_conn_string(self.where) as saver:
                    yield saver
            case _:
                from langgraph.checkpoint.postgres.aio import AsyncPostgresSaver

                async with AsyncPostgresSaver.from_conn_string(self.where) as saver:
                    await saver.setup()
                    yield saver
