"""Headers of all scripts of a folder, fast: a script that did not change since it was read is not read again.

What was read is kept in ``__pycache__/statemig-index.json`` beside the scripts, one entry per file, valid
while the file's modification time and size stay. Losing it costs time and nothing else, so a folder that
cannot be written is fine.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import orjson

from statemig.errors import RevisionError
from statemig.revisions.frozen import replace_file
from statemig.revisions.script import Header, read_header

_FORMAT: Final = 1
# A file that is written twice within one tick of the clock looks unchanged; entries as young as that are not
# kept. (Git calls it the racy index.) Whole seconds come from file systems that count no finer.
_TICK: Final = 100_000_000
_COARSE_TICK: Final = 2_000_000_000
_SECOND: Final = 1_000_000_000

Entry = list[Any]


class HeaderIndex:
    """Headers of the scripts in `folder`, by file name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder.parent / "__pycache__" / "statemig-index.json"
        self._entries: dict[str, Entry] | None = None
        self._headers: dict[str, Header] = {}

    def scan(self) -> tuple[dict[str, Header], dict[str, RevisionError]]:
        """All headers as the files are now, sorted by file name; and for each file that has none, why."""
        known = self._read() if self._entries is None else self._entries
        entries: dict[str, Entry] = {}
        headers: dict[str, Header] = {}
        broken: dict[str, RevisionError] = {}
        changed = False
        for name, stamp, size in sorted(self._listing()):
            entry = known.get(name)
            header = self._headers.get(name)
            if entry is None or entry[0] != stamp or entry[1] != size:
                changed = True
                try:
                    header = read_header((self.folder / name).read_bytes(), name)
                except FileNotFoundError:
                    continue
                except RevisionError as error:
                    broken[name] = error
                    continue
                entry = [
                    stamp,
                    size,
                    header.revision,
                    header.down_revisions,
                    header.workflow,
                    header.version,
                    header.message,
                ]
            elif header is None:
                header = Header(entry[2], tuple(entry[3]), entry[4], entry[5], entry[6], name)
            headers[name] = header
            entries[name] = entry
        if changed or entries.keys() != known.keys():
            entries = _settled(entries)
            self._write(entries)
        self._entries, self._headers = entries, headers
        return headers, broken

    def _listing(self) -> list[tuple[str, int, int]]:
        try:
            with os.scandir(self.folder) as found:
                return [
                    (item.name, stat.st_mtime_ns, stat.st_size)
                    for item in found
                    if item.name.endswith(".py") and item.name[0] not in "._"
                    for stat in (item.stat(),)
                ]
        except FileNotFoundError:
            return []

    def _read(self) -> dict[str, Entry]:
        try:
            stored = orjson.loads(self.file.read_bytes())
            entries: dict[str, Entry] = stored["files"] if stored["format"] == _FORMAT else {}
            return {name: entry for name, entry in entries.items() if len(entry) == 7}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return {}

    def _write(self, entries: dict[str, Entry]) -> None:
        with suppress(OSError):
            replace_file(self.file, orjson.dumps({"format": _FORMAT, "files": entries}))


def _settled(entries: dict[str, Entry]) -> dict[str, Entry]:
    now = time.time_ns()
    return {
        name: entry
        for name, entry in entries.items()
        if entry[0] + (_TICK if entry[0] % _SECOND else _COARSE_TICK) < now
    }
