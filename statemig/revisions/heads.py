"""``heads/<workflow>``: one line per head, ``5f2c9a71b0de 4 <cumulative digest>``.

Whoever adds a revision changes the one line, so two people who do it at the same time always get a conflict
from git, although their scripts have different names. `statemig rebase` resolves it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from statemig.errors import RevisionError

_MARKER = re.compile(r"(<{7}|\|{7}|={7}|>{7})(?: (.*))?")


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """A line: a revision that nothing follows, its version, and the digest of all that it stands on."""

    revision: str
    version: int
    cumulative: str

    def __str__(self) -> str:
        return f"{self.revision} {self.version} {self.cumulative}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """What git left behind: the heads of the upper side (``<<<<<<<``) and of the lower one (``>>>>>>>``)."""

    upper: tuple[Head, ...]
    lower: tuple[Head, ...]


@dataclass(frozen=True, slots=True)
class HeadsFile:
    """The file read. With a conflict, `heads` are those of both sides."""

    heads: tuple[Head, ...]
    conflict: Conflict | None = None

    @property
    def revisions(self) -> tuple[str, ...]:
        return tuple(head.revision for head in self.heads)


def read(text: str, file: str) -> HeadsFile:
    """Parse the file, conflict markers included. Raises `RevisionError` naming file and line."""
    sides: dict[str, list[Head]] = {"both": [], "upper": [], "base": [], "lower": []}
    side, conflict = "both", False
    for number, line in enumerate(text.splitlines(), 1):
        marker = _MARKER.fullmatch(line)
        if marker is not None:
            conflict = True
            side = {"<": "upper", "|": "base", "=": "lower", ">": "both"}[line[0]]
        elif line.strip():
            sides[side].append(_head(line, f"{file}, line {number}"))
    if not conflict:
        return HeadsFile(tuple(sorted(sides["both"])))
    upper, lower = (tuple(sorted({*sides["both"], *sides[side]})) for side in ("upper", "lower"))
    return HeadsFile(tuple(sorted({*upper, *lower})), Conflict(upper, lower))


def write(heads: Iterable[Head]) -> bytes:
    """The file: a line per head, sorted."""
    return "".join(f"{head}\n" for head in sorted(heads)).encode()


def _head(line: str, place: str) -> Head:
    match line.split():
        case [revision, version, cumulative] if version.isdecimal():
            return Head(revision, int(version), cumulative)
    raise RevisionError(
        f"{place}: this is not a head (revision, version, digest)",
        hint="Bring the file back from version control; statemig alone writes it.",
    )
