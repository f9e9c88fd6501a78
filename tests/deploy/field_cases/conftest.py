"""Checkpointers for the cases about threads, each on a database of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

_schemas = itertools.count()


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("postgres"))],
)
def checkpoints(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where a checkpointer keeps its tables: a file, or the address of a schema in PostgreSQL."""
    if request.param == "sqlite":
        yield str(tmp_path / "checkpoints.db")
        return
    import psycopg

    server = request.getfixturevalue("postgres")
    schema = f"threads_{next(_schemas)}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    separator = "&" if "?" in server else "?"
    yield f"{server}{separator}options=-csearch_path%3D{schema}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")
