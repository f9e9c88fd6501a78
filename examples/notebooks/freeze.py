"""Freezes the scripts beside it with the schemas of the installed nbformat: ``python examples/notebooks/freeze.py``.

What `statemig revision` does for code, for schemas that come in files. Nothing changes where they are frozen as they are.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from schemas import VERSIONS, schema

from statemig import Snapshot
from statemig.revisions.directory import Directory

MIGRATIONS = Path(__file__).parent / "migrations"


def freeze(location: Path = MIGRATIONS) -> None:
    """Write ``snapshots/`` and ``heads/`` for the scripts in ``versions/``."""
    with tempfile.TemporaryDirectory() as folder:
        made = Directory.create(folder)
        below = None
        scripts = sorted((location / "versions").glob("*.py"))
        for number, (script, version) in enumerate(zip(scripts, VERSIONS, strict=True), start=1):
            revision, slug = script.stem.split("_", 2)[1:]
            snapshot = Snapshot.from_json_schema(schema(version), name="notebook")
            made.write(revision, below, "notebook", number, slug, script.read_text(), snapshot)
            below = revision
        for part in ("snapshots", "heads"):
            shutil.copytree(Path(folder, part), location / part, dirs_exist_ok=True)


if __name__ == "__main__":
    freeze()
