"""What is frozen beside a revision, in ``snapshots/<revision>.json``: snapshot, verdict, and the digests that
show an edit.

The cumulative digest covers a revision, its script, its snapshot, and the cumulative digests of what it
follows. So the head's digest, one line in ``heads/<workflow>``, stands for the whole chain.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from statemig import json_text
from statemig.errors import RevisionError

FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Frozen:
    """One file below ``snapshots/``. `snapshot` and `verdict` are plain JSON, or None where there is none."""

    revision: str
    down_revisions: tuple[str, ...]
    workflow: str
    version: int
    script_digest: str
    snapshot_digest: str
    cumulative: str
    snapshot: Any = None
    verdict: Any = None

    @classmethod
    def freeze(
        cls,
        *,
        revision: str,
        down_revisions: tuple[str, ...],
        workflow: str,
        version: int,
        script_digest: str,
        below: Iterable[str],
        snapshot: Any,
        verdict: Any = None,
    ) -> Frozen:
        """A record whose digests agree. `below` are the cumulative digests of what the revision follows."""
        shape = json_text.digest(snapshot)
        return cls(
            revision=revision,
            down_revisions=down_revisions,
            workflow=workflow,
            version=version,
            script_digest=script_digest,
            snapshot_digest=shape,
            cumulative=cumulative(below, revision, workflow, version, script_digest, shape),
            snapshot=snapshot,
            verdict=verdict,
        )

    def chained(self, below: Iterable[str]) -> str:
        """The cumulative digest that this record has to have on top of these."""
        return cumulative(
            below, self.revision, self.workflow, self.version, self.script_digest, self.snapshot_digest
        )

    def to_bytes(self) -> bytes:
        """The file. Fields and steps stay in the order of the code, which is evidence when a rename is scored."""
        match self.down_revisions:
            case ():
                below: Any = None
            case (only,):
                below = only
            case several:
                below = list(several)
        return json_text.pretty(
            {
                "format": FORMAT,
                "revision": self.revision,
                "down_revision": below,
                "workflow": self.workflow,
                "version": self.version,
                "script_digest": self.script_digest,
                "snapshot_digest": self.snapshot_digest,
                "cumulative": self.cumulative,
                "verdict": self.verdict,
                "snapshot": self.snapshot,
            }
        )

    @classmethod
    def from_bytes(cls, raw: bytes, file: str) -> Frozen:
        """Read a file back. Raises `RevisionError` naming it where it is not one of ours."""
        try:
            it = json_text.loads(raw)
            if it["format"] != FORMAT:
                raise RevisionError(
                    f"{file} has format {it['format']!r}, and this statemig reads format {FORMAT}",
                    hint="Install the statemig that wrote it, or a newer one.",
                )
            below = it["down_revision"]
            return cls(
                revision=it["revision"],
                down_revisions=() if below is None else (below,) if isinstance(below, str) else tuple(below),
                workflow=it["workflow"],
                version=it["version"],
                script_digest=it["script_digest"],
                snapshot_digest=it["snapshot_digest"],
                cumulative=it["cumulative"],
                snapshot=it["snapshot"],
                verdict=it["verdict"],
            )
        except (ValueError, KeyError, TypeError) as error:
            raise RevisionError(
                f"{file} is not a frozen snapshot ({type(error).__name__})",
                hint="These files are written by statemig only: bring it back from version control.",
            ) from error


def cumulative(
    below: Iterable[str], revision: str, workflow: str, version: int, script_digest: str, snapshot_digest: str
) -> str:
    """Digest (32 hex digits) of a revision and all that it stands on."""
    return json_text.digest(
        {
            "below": sorted(below),
            "revision": revision,
            "workflow": workflow,
            "version": version,
            "script": script_digest,
            "snapshot": snapshot_digest,
        }
    )


def replace_file(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, and the folder where it is missing. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        half.write_bytes(content)
        os.replace(half, path)
    finally:
        half.unlink(missing_ok=True)
