"""Count the runs in an SQLite file with the standard library alone.

`statemig current` asks for nothing else, and loading SQLAlchemy would take it several times as long as the answer. It also
leaves no trace: a file that is not there is not made.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PREFIX: Final = "sqlite:///"
_FORMAT: Final = "1"

_READ_FORMAT: Final = "SELECT value FROM statemig_meta WHERE name = 'format'"
_COUNT: Final = (
    "SELECT revision, status, count(*) FROM statemig_runs WHERE workflow = ? GROUP BY revision, status"
)
_FAILED: Final = """
    SELECT count(*) FROM statemig_failures AS f JOIN statemig_runs AS r
    ON r.workflow = f.workflow AND r.run_id = f.run_id AND r.version = f.run_version
    WHERE f.workflow = ? AND f.head = ?
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """`revisions` as `RunStore.revisions` gives them; `failed` is how many `RunStore.failures` would list."""

    revisions: list[tuple[str | None, str, int]]
    failed: int = 0


def count_runs(url: str, workflow: str, head: str) -> Counts | None:
    """The counts of one workflow, or None where only `RunStore` can say: another database, another format, any trouble."""
    file = _file(url)
    if file is None:
        return None
    if not file.exists():
        return Counts([]) if file.parent.is_dir() else None
    try:
        with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as connection:
            if connection.execute(_READ_FORMAT).fetchone() != (_FORMAT,):
                return None
            found = connection.execute(_COUNT, (workflow,)).fetchall()
            (failed,) = connection.execute(_FAILED, (workflow, head)).fetchone()
    except sqlite3.Error:
        return None
    return Counts(found, failed)


def is_there(url: str) -> bool:
    """Whether there is a file for the URL of one; True for any other URL."""
    file = _file(url)
    return file is None or file.exists()


def _file(url: str) -> Path | None:
    path = url.removeprefix(_PREFIX)
    if path == url or not path or set(path) & set("?#%:"):
        return None
    return Path(path).absolute()
