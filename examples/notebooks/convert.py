"""Brings Jupyter notebooks to another version of their format, and back: ``python examples/notebooks/convert.py FILE... [--to 4.5]``.

With ``-o FOLDER`` each is written there, and what its way back needs beside it (``NAME.kept.json``); a file that has one is brought back
to what it was.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.validator import iter_validate

from statemig import Migrator
from statemig.errors import StatemigError

MIGRATOR = Migrator(Path(__file__).parent / "migrations", workflow="notebook")


def revision_of(notebook: Any) -> str:
    """A notebook says itself which version it is of, so it needs no stamp. Before 4.0 the minor number means nothing."""
    minor = notebook.get("nbformat_minor", 0) if notebook["nbformat"] > 3 else 0
    return f"nb{notebook['nbformat']}{minor}"


def converted(notebook: Any, to: str, *, name: str, kept: Any = None) -> tuple[Any, Any]:
    """The notebook at the version `to` ("3", "4.0", ...), and what its way back needs. `name` is what the ids of cells are made of, `kept`
    what an earlier conversion gave. Raises `StatemigError`."""
    source, target = revision_of(notebook), "nb30" if to == "3" else f"nb{to.replace('.', '')}"
    if source not in MIGRATOR.known or MIGRATOR.version(source) <= MIGRATOR.version(target):
        result = MIGRATOR.upgrade(
            {"state": notebook}, source, to=target, run_id=name, record="complement", complement=kept
        )
    else:
        result = MIGRATOR.downgrade(
            {"state": notebook}, to=target, revision=source, run_id=name, complement=kept
        )
    return result.unwrap()["state"], result.complement


def is_valid(notebook: Any) -> bool:
    """By nbformat's own validator."""
    node = nbformat.from_dict(notebook)
    return not any(
        iter_validate(node, version=notebook["nbformat"], version_minor=notebook["nbformat_minor"])
    )


def report(file: Path, to: str, folder: Path | None) -> str:
    notebook = json.loads(file.read_text())
    beside = file.with_name(f"{file.name}.kept.json")
    kept = json.loads(beside.read_text()) if beside.exists() else None
    made, now = converted(notebook, to, name=file.name, kept=kept)
    minor = f".{notebook['nbformat_minor']}" if notebook["nbformat"] > 3 else ""
    here = f"{notebook['nbformat']}{minor}"
    back, _ = converted(made, here, name=file.name, kept=now)
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / file.name).write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n")
        (folder / f"{file.name}.kept.json").write_text(json.dumps(now))
    size, extra = len(json.dumps(notebook)), len(json.dumps(now))
    return (
        f"{file.name}: {here} -> {to}, {'valid' if is_valid(made) else 'NOT VALID'}; back again "
        f"{'the same bytes' if json.dumps(back) == json.dumps(notebook) else 'NOT THE SAME'}, "
        f"{extra} kept for {size} bytes of notebook"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
    parser.add_argument("--to", default="4.5", choices=["3", "4.0", "4.1", "4.2", "4.3", "4.4", "4.5"])
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER")
    arguments = parser.parse_args()
    failed = 0
    for file in arguments.files:
        try:
            print(report(file, arguments.to, arguments.output))
        except StatemigError as error:
            failed = 1
            print(f"{file.name}: {error}", file=sys.stderr)
    return failed


if __name__ == "__main__":
    sys.exit(main())
