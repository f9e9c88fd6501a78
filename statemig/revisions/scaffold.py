"""A new folder of migrations, with a page that says what is in it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from statemig.revisions.frozen import replace_file

FOLDERS: Final = ("versions", "snapshots", "heads")
# In the wheel the templates lie in the package, in a checkout beside it.
_PACKAGE: Final = Path(__file__).resolve().parents[1]
_FILES: Final = {"README.md": "README.md", "gitignore": ".gitignore"}


def furnish(location: Path) -> list[Path]:
    """Make the folders and files that are missing; what is there stays. Returns what was made."""
    made: list[Path] = []
    for folder in FOLDERS:
        path = location / folder
        if not path.is_dir():
            path.mkdir(parents=True)
            made.append(path)
    templates = _PACKAGE / "templates" / "init"
    if not templates.is_dir():
        templates = _PACKAGE.parent / "templates" / "init"
    for source, name in _FILES.items():
        path = location / name
        if not path.exists():
            replace_file(path, (templates / source).read_bytes())
            made.append(path)
    return made
