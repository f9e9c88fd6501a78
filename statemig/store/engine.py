"""From a URL to an engine. An engine that the user made is taken as it is."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import StaticPool

from statemig.errors import StoreError

# A write waits this long for another process's write, in milliseconds.
BUSY_TIMEOUT = 30_000

_LOOKS = "It looks like sqlite:///runs.db or postgresql+psycopg://user@host/database"


def open_engine(url_or_engine: str | Engine) -> Engine:
    """An engine for the store. SQLite files get the write-ahead log, so that readers never wait for a writer.

    Every transaction of the store that writes begins with its first write, so SQLite takes the write lock at once (as BEGIN
    IMMEDIATE would) and waits for others by the busy timeout; a stale snapshot can not occur.

    Raises:
        StoreError: the URL can not be read, or names a database that no installed dialect knows.
    """
    if isinstance(url_or_engine, Engine):
        return url_or_engine
    # Never chained: what SQLAlchemy says may quote the URL, and so a password.
    try:
        url = make_url(url_or_engine)
        return _made(url)
    except NoSuchModuleError:
        raise StoreError(
            f"the store's URL names a database nobody knows here: {url.drivername}",
            hint=f"{_LOOKS}; a dialect of another package must be installed",
        ) from None
    except (ArgumentError, ValueError):
        raise StoreError(
            "the store's URL can not be read",
            hint=f"{_LOOKS}; in a password, write @ : / in their %-escapes",
        ) from None


def _made(url: URL) -> Engine:
    if url.get_backend_name() != "sqlite":
        return create_engine(url)
    if url.database in (None, "", ":memory:"):
        # One connection, or each would see a database of its own.
        return create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    engine = create_engine(url)
    event.listen(engine, "connect", _configure_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    for attempt in range(100):
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError:
            # The very first switch to WAL needs the file alone and does not wait by the busy timeout.
            if attempt == 99:
                raise
            time.sleep(0.02)
    cursor.close()
