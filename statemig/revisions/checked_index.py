"""Which scripts were found to be right, so that each is looked at once and not by every process.

Kept in ``__pycache__/statemig-checked.json`` beside the index of headers, one seal per revision: a digest of the script, of the snapshots
it was held against, and of the version of statemig. Losing it costs time and nothing else, so a folder that cannot be written is fine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

import statemig
from statemig import json_text
from statemig.revisions.frozen import Frozen, replace_file

_FORMAT: Final = 1


class CheckedIndex:
    """Seals of the revisions in a folder of migrations."""

    def __init__(self, location: Path) -> None:
        self.file = location / "__pycache__" / "statemig-checked.json"
        self._seals: dict[str, str] | None = None

    @staticmethod
    def seal(frozen: Frozen, below: Iterable[Frozen]) -> str:
        """What has to be the same for a script to be as right as it was."""
        return json_text.digest(
            [
                statemig.__version__,
                frozen.script_digest,
                frozen.snapshot_digest,
                [each.snapshot_digest for each in below],
            ]
        )

    def holds(self, revision: str, seal: str) -> bool:
        return self._known().get(revision) == seal

    def keep(self, seals: Mapping[str, str]) -> None:
        """Remember that these are right."""
        if seals:
            self._seals = {**self._known(), **seals}
            with suppress(OSError):
                replace_file(self.file, orjson.dumps({"format": _FORMAT, "checked": self._seals}))

    def _known(self) -> dict[str, str]:
        if self._seals is None:
            self._seals = {}
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
                stored = orjson.loads(self.file.read_bytes())
                if stored["format"] == _FORMAT:
                    self._seals = dict(stored["checked"])
        return self._seals
