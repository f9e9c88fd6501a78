"""Two people added a revision to the same head: mine goes behind theirs.

Ids, operations and what runs have stored stay; what changes is the place in the chain. My frozen snapshot was taken from code that
lacked their changes, so it is stale until it is frozen again from the merged code (`Directory.replace_snapshot`).
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statemig.errors import RevisionError
from statemig.revisions import script as scripts
from statemig.revisions.frozen import Frozen, replace_file
from statemig.revisions.graph import Graph
from statemig.revisions.script import Header

if TYPE_CHECKING:
    from statemig.operations.base import Operation
    from statemig.revisions.directory import Directory


@dataclass(frozen=True, slots=True)
class Clash:
    """A place that both sides change; a person should look whether the two still mean what they meant."""

    path: str
    mine: tuple[Operation, ...]
    theirs: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Rebased:
    """What `rebase` did. `moved`: my revisions, bottom up, with their new versions. `theirs`: what they now stand on in addition.

    `snapshot_stale`: the frozen snapshots of `stale` lack their changes. The last of them can be frozen again from
    the merged code. Of those in between no such code ever existed: where there are any, squash mine into one.
    """

    onto: str
    moved: tuple[tuple[str, int], ...]
    theirs: tuple[str, ...]
    clashes: tuple[Clash, ...]
    snapshot_stale: bool = True

    @property
    def stale(self) -> tuple[str, ...]:
        """My revisions whose snapshots lack their changes, bottom up."""
        return tuple(revision for revision, _ in self.moved) if self.snapshot_stale else ()


def rebase(directory: Directory, workflow: str, mine: str | None = None, onto: str | None = None) -> Rebased:
    """Put the revisions that only `mine` stands on behind `onto`.

    Both are full ids of heads. Left out, they are taken from the conflict that git left in the heads file, or `onto` is the
    other one of two heads. Raises `RevisionError` where that does not say which is which, where mine holds a merge, or where a script
    is not what was frozen; nothing is written then.
    """
    graph = directory.graph(workflow)
    mine, onto = _sides(directory, graph, workflow, mine, onto)
    moving = [graph[name] for name in graph.path(onto, mine)]
    theirs = graph.path(mine, onto)
    for header in moving:
        if len(header.down_revisions) > 1:
            raise RevisionError(
                f"it is a merge, and only a line can be put behind {onto}",
                workflow=workflow,
                revision=header.revision,
                hint="Join the two heads with `statemig merge`.",
            )
    # Loading them checks that all are what was frozen: a rebase must not freeze an edit on the way.
    clashes = _clashes(
        [op for header in moving for op in directory.load(header.revision, snapshot=False).operations],
        [op for name in theirs for op in directory.load(name, snapshot=False).operations],
    )
    moves = _moves(directory, moving, onto, graph.version(onto))
    for move in moves:
        _carry_out(directory, move)
    directory.write_heads(workflow)
    return Rebased(
        onto=onto,
        moved=tuple((move.frozen.revision, move.frozen.version) for move in moves),
        theirs=tuple(theirs),
        clashes=clashes,
        snapshot_stale=bool(theirs),
    )


# -- which is which ------------------------------------------------------------------------------------------


def _sides(
    directory: Directory, graph: Graph[Header], workflow: str, mine: str | None, onto: str | None
) -> tuple[str, str]:
    conflict = directory.heads_file(workflow).conflict
    if mine is None and onto is None and conflict is not None:
        upper, lower = ([head.revision for head in side] for side in (conflict.upper, conflict.lower))
        only_upper = [name for name in upper if name not in lower]
        only_lower = [name for name in lower if name not in upper]
        if len(only_upper) == len(only_lower) == 1:
            # `git merge` puts my side above; `git rebase` replays mine onto theirs and puts it below.
            mine, onto = only_upper[0], only_lower[0]
            if _git_is_rebasing(directory.location):
                mine, onto = onto, mine
    if mine is not None and onto is None and len(graph.heads) == 2 and mine in graph.heads:
        onto = next(name for name in graph.heads if name != mine)
    if onto is not None and mine is None and len(graph.heads) == 2 and onto in graph.heads:
        mine = next(name for name in graph.heads if name != onto)
    if mine is None or onto is None:
        raise RevisionError(
            "nothing is to be rebased: there is one head"
            if len(graph.heads) < 2
            else f"it is not clear which head is yours: {', '.join(graph.heads)}",
            workflow=workflow,
            hint=None if len(graph.heads) < 2 else "Say it: `statemig rebase MINE ONTO`.",
        )
    for name in (mine, onto):
        if graph[name].revision not in graph.heads:
            raise RevisionError(
                f"it is not a head: {', '.join(graph.children(name))} follows it",
                workflow=workflow,
                revision=name,
                hint=f"Heads are {', '.join(graph.heads)}.",
            )
    if mine == onto:
        raise RevisionError("a revision cannot be put behind itself", workflow=workflow, revision=mine)
    return mine, onto


def _git_is_rebasing(folder: Path) -> bool:
    for parent in (folder.resolve(), *folder.resolve().parents):
        git = parent / ".git"
        if git.is_file():  # a worktree: the file says where its folder is
            git = parent / git.read_text(encoding="utf-8").removeprefix("gitdir:").strip()
        if git.is_dir():
            return any((git / name).is_dir() for name in ("rebase-merge", "rebase-apply"))
    return False


# -- moving one ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Move:
    """A revision in its new place: all that has to be written."""

    script: Path
    name: str
    source: bytes
    frozen: Frozen


def _moves(directory: Directory, moving: Sequence[Header], onto: str, version: int) -> list[_Move]:
    below, digest = onto, directory.frozen(onto).cumulative
    moves: list[_Move] = []
    for header in moving:
        version += 1
        script = directory.script_path(header.revision)
        source = rewrite_header(script.read_bytes(), header.file, below, version)
        frozen = Frozen.freeze(
            revision=header.revision,
            down_revisions=(below,),
            workflow=header.workflow,
            version=version,
            script_digest=scripts.digest(scripts.parse(source, header.file)),
            below=[digest],
            snapshot=directory.frozen(header.revision).snapshot,
        )
        number, _, rest = header.file.partition("_")
        name = f"{version:04}_{rest}" if number.isdecimal() else header.file
        moves.append(_Move(script, name, source, frozen))
        below, digest = header.revision, frozen.cumulative
    return moves


def _carry_out(directory: Directory, move: _Move) -> None:
    # The text first and then the name: cut off in between, `verify` names the script as edited, and it is never
    # there twice.
    replace_file(move.script, move.source)
    os.replace(move.script, move.script.with_name(move.name))
    directory.freeze(move.frozen)


def rewrite_header(source: bytes, file: str, down_revision: str, version: int) -> bytes:
    """The script with another `down_revision` and `version`, in its docstring too; every other byte stays."""
    tree = scripts.parse(source, file)
    values = {"down_revision": f'"{down_revision}"', "version": str(version)}
    lines = source.splitlines(keepends=True)
    for statement in reversed(tree.body):
        for field, value in scripts.assigned(statement):
            if field in values:
                _replace(lines, value, values[field].encode())
    if ast.get_docstring(tree) is not None:
        end = tree.body[0].end_lineno or 0
        for number in range(tree.body[0].lineno - 1, end):
            line = re.sub(rb"^(Revises: )[^\r\n]*", rb"\g<1>" + down_revision.encode(), lines[number])
            step = f"{version - 1} -> {version}".encode()
            lines[number] = re.sub(rb"^(Workflow: .*version )\d+ -> \d+", rb"\g<1>" + step, line)
    return b"".join(lines)


def _replace(lines: list[bytes], value: ast.expr, text: bytes) -> None:
    first, last = value.lineno - 1, (value.end_lineno or value.lineno) - 1
    before, after = lines[first][: value.col_offset], lines[last][value.end_col_offset :]
    lines[first : last + 1] = [before + text + after]


# -- what both change ----------------------------------------------------------------------------------------


def _clashes(mine: Sequence[Operation], theirs: Sequence[Operation]) -> tuple[Clash, ...]:
    found: dict[str, tuple[list[Operation], list[Operation]]] = {}
    for my in mine:
        for their in theirs:
            shared = {
                max(a, b, key=len)
                for a in _places(my)
                for b in _places(their)
                if _inside(a, b) or _inside(b, a)
            }
            if shared:
                ours, others = found.setdefault(max(shared, key=len), ([], []))
                if my not in ours:
                    ours.append(my)
                if their not in others:
                    others.append(their)
    return tuple(Clash(path, tuple(ours), tuple(others)) for path, (ours, others) in sorted(found.items()))


def _inside(path: str, other: str) -> bool:
    """Whether `path` is `other` or lies in it."""
    return path == other or (path.startswith(other) and path[len(other)] in ".[{<")


def _places(operation: Operation) -> set[str]:
    """Paths that an operation reads or changes; a step counts as its outputs."""
    said: dict[str, Any] = operation.to_dict()
    places: set[str] = set()
    for name, value in said.items():
        match name, value:
            case "path", str():
                places.add(value)
            case (("reads" | "writes" | "paths"), list()):
                places.update(item for item in value if isinstance(item, str))
            case (("old" | "step" | "into"), str()):
                places.add(f"outputs.{value}")
            case (("steps" | "into"), list()):
                places.update(f"outputs.{step}" for step in value)
    match said:
        case {"op": "rename_field", "path": str(path), "to": str(to)}:
            places.add(f"{path.rpartition('.')[0]}.{to}")
        case {"op": "rename_step", "to": str(to)}:
            places.add(f"outputs.{to}")
        case {"op": "move_field", "to": str(to)}:
            places.add(to)
    return places
