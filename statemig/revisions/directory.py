"""The folder of revisions: scripts in ``versions/``, what is frozen of each in ``snapshots/``, heads in
``heads/``.

Reading headers runs no script. Loading one checks first that script and snapshot are what was frozen.
"""

from __future__ import annotations

import ast
import re
import secrets
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import (
    ConfigError,
    MissingRevisionError,
    RevisionError,
    UnknownRevisionError,
)
from statemig.revisions import heads as heads_files
from statemig.revisions import script as scripts
from statemig.revisions.checked_index import CheckedIndex
from statemig.revisions.frozen import Frozen, replace_file
from statemig.revisions.graph import NEWER_DEPLOY, Graph
from statemig.revisions.header_index import HeaderIndex
from statemig.revisions.heads import Head, HeadsFile
from statemig.revisions.revision import Revision
from statemig.revisions.scaffold import furnish
from statemig.revisions.script import Header
from statemig.revisions.verify import Problem, problems_of_heads, problems_of_revision, verify

if TYPE_CHECKING:
    from statemig.revisions.loading import Said, SnapshotOf
    from statemig.revisions.rebase import Rebased
    from statemig.workflow.snapshot import Snapshot

_WORKFLOW: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_SLUG_LENGTH: Final = 40


def new_id() -> str:
    """A fresh revision id: 12 random hex digits."""
    return secrets.token_hex(6)


def file_name(version: int, revision: str, slug: str) -> str:
    """``0004_5f2c9a71b0de_review_step.py``; the slug may be any text."""
    words = re.sub(r"[^a-z0-9]+", "_", slug.casefold()).strip("_")
    if len(words) > _SLUG_LENGTH:
        cut = words[: _SLUG_LENGTH + 1]
        words = cut.rpartition("_")[0] or cut[:-1]
    return f"{version:04}_{revision}{'_' if words else ''}{words}.py"


class Directory:
    """The migrations of a project. Holds no open files; what it keeps in memory is checked against the files'
    times.

    Raises `ConfigError` where `location` is no folder.
    """

    def __init__(self, location: str | Path) -> None:
        self.location = Path(location)
        if not self.location.is_dir():
            raise ConfigError(
                f"there is no folder of migrations at {self.location}",
                hint="Make one with `statemig init`, or correct script_location.",
            )
        self._index = HeaderIndex(self.location / "versions")
        self._checked = CheckedIndex(self.location)
        self._files: dict[str, Header] = {}
        self._frozen: dict[str, tuple[tuple[int, int], Frozen]] = {}

    @classmethod
    def create(cls, location: str | Path) -> Directory:
        """Make the folders, a README and a .gitignore where they are missing, and open it."""
        furnish(Path(location))
        return cls(location)

    # -- headers and graph -----------------------------------------------------------------------------------

    def scan(self) -> tuple[list[Header], list[RevisionError]]:
        """Headers of all scripts as they are now, by file name, and what is wrong with the others."""
        found, broken = self._index.scan()
        self._files = {header.revision: header for header in found.values()}
        return list(found.values()), list(broken.values())

    def headers(self, workflow: str | None = None) -> list[Header]:
        """Headers of one workflow or all, by file name, without running a script.

        Raises `RevisionError` for a script that has no proper header or an id that is used twice.
        """
        found, broken = self.scan()
        for error in broken:
            raise error
        for header in found:
            other = self._files[header.revision]
            if other is not header:
                raise RevisionError(
                    f"two scripts have this id: {header.file} and {other.file}",
                    workflow=header.workflow,
                    revision=header.revision,
                    hint="Remove one of them, or give it a new id.",
                )
        return [header for header in found if workflow is None or header.workflow == workflow]

    def workflows(self) -> tuple[str, ...]:
        """Names of the workflows that have a revision or a head here, sorted."""
        folder = self.location / "heads"
        named = {path.name for path in folder.iterdir() if path.name[0] != "."} if folder.is_dir() else set()
        return tuple(sorted(named | {header.workflow for header in self.headers()}))

    def graph(self, workflow: str) -> Graph[Header]:
        """The graph of a workflow's revisions; empty where it has none. Raises what `headers` and `Graph`
        raise."""
        return Graph(self.headers(workflow), workflow=workflow)

    def header(self, revision: str) -> Header:
        """The header of a full id. Raises `UnknownRevisionError`."""
        known = self._files.get(revision)
        if known is None or not self._script(known).exists():
            self.headers()
            known = self._files.get(revision)
        if known is None:
            raise UnknownRevisionError(
                "there is no script of this revision",
                revision=revision,
                hint=NEWER_DEPLOY,
            )
        return known

    # -- heads -----------------------------------------------------------------------------------------------

    def heads_path(self, workflow: str) -> Path:
        """Where the heads of a workflow are written. Raises `RevisionError` for a name that cannot be a
        file's."""
        if _WORKFLOW.fullmatch(workflow) is None:
            raise RevisionError(
                f"{workflow!r} cannot be the name of a workflow with revisions",
                hint="Use letters, digits, underscores, dots and dashes.",
            )
        return self.location / "heads" / workflow

    def heads_file(self, workflow: str) -> HeadsFile:
        """The heads as they were written last; with git's conflict markers, both sides. Raises
        `RevisionError`."""
        path = self.heads_path(workflow)
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return HeadsFile(())
        return heads_files.read(text, str(path))

    def check_heads(self, workflow: str) -> Graph[Header]:
        """The graph, once it is known to be the one whose heads were written down. Cheap: runs and hashes
        nothing.

        Raises `RevisionError` for a conflict in the heads file, `EditedRevisionError` where a revision was
        added or removed, or the head's digest is another; each names the revision.
        """
        headers = {header.revision: header for header in self.headers(workflow)}
        file = str(self.heads_path(workflow))
        for problem in problems_of_heads(headers, self.heads_file(workflow), self.cumulative, file):
            raise problem.error(workflow)
        return Graph(headers.values(), workflow=workflow)

    # -- one revision ----------------------------------------------------------------------------------------

    def frozen(self, revision: str) -> Frozen:
        """What is frozen of a revision. Raises `MissingRevisionError` where nothing is."""
        path = self.snapshot_path(revision)
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size)
            kept = self._frozen.get(revision)
            if kept is not None and kept[0] == stamp:
                return kept[1]
            frozen = Frozen.from_bytes(path.read_bytes(), str(path))
        except FileNotFoundError:
            raise MissingRevisionError(
                f"its frozen snapshot {path} is missing",
                revision=revision,
                hint="Bring it back from version control; or, where the script was added by hand or its writing "
                "was cut off, remove the script and make the revision again.",
            ) from None
        except RevisionError as error:
            error.locate(revision=revision)
            raise
        self._frozen[revision] = (stamp, frozen)
        return frozen

    def frozen_revisions(self) -> list[str]:
        """Ids of everything that is frozen here, whether its script is there or not, sorted."""
        return sorted(path.stem for path in (self.location / "snapshots").glob("[!.]*.json"))

    def cumulative(self, revision: str) -> str | None:
        """The cumulative digest frozen for a revision; None where it cannot be read."""
        try:
            return self.frozen(revision).cumulative
        except RevisionError:
            return None

    def snapshot(self, revision: str) -> Snapshot | None:
        """The frozen snapshot; None where there is none. Raises `MissingRevisionError` where nothing is frozen."""
        from statemig.workflow.snapshot import Snapshot

        frozen = self.frozen(revision)
        return None if frozen.snapshot is None else Snapshot.from_dict(frozen.snapshot)

    def load(self, revision: str, *, snapshot: bool = True) -> Revision:
        """The revision with this full id, its script run as far as its functions are defined.

        With ``snapshot=False`` its snapshot is left out (`snapshot` reads it alone). Raises
        `EditedRevisionError` where script, header or snapshot is not what was frozen, `MissingRevisionError`,
        `UnknownRevisionError`, and `RevisionError` for a script that imports the application or cannot be
        run.
        """
        header = self.header(revision)
        path = self._script(header)
        tree = scripts.parse(path.read_bytes(), str(path))
        fresh = scripts.header(tree, header.file)
        for problem in problems_of_revision(fresh, tree, self.frozen(revision), self.cumulative):
            raise problem.error(header.workflow)
        return self._revision(tree, path, header, self.snapshot(revision) if snapshot else None)

    def problems(self, revision: str, snapshot: SnapshotOf | None = None) -> list[Said]:
        """Everything in a script that cannot be right, held against the frozen snapshots; [] where nothing is known to be wrong.
        A script that was found to be right is not looked at again. Raises what `load` raises."""
        return next(iter(self._bad([revision], snapshot or self.snapshot).values()), [])

    def refuse_bad(self, revisions: Iterable[str], snapshot: SnapshotOf | None = None) -> None:
        """Raises `OperationError` with all that is wrong with these scripts, each problem with file and line, and what `load`
        raises. `snapshot` has the frozen snapshots, where somebody keeps them."""
        found = self._bad(revisions, snapshot or self.snapshot)
        if found:
            from statemig.revisions.loading import raise_all

            raise_all(found, self._files[next(iter(found))].workflow)

    def _bad(self, revisions: Iterable[str], snapshot: SnapshotOf) -> dict[str, list[Said]]:
        from statemig.revisions.loading import problems_of_script

        found: dict[str, list[Said]] = {}
        seals: dict[str, str] = {}
        for name in revisions:
            header = self.header(name)
            seal = self._checked.seal(
                self.frozen(name), [self.frozen(each) for each in header.down_revisions]
            )
            if self._checked.holds(name, seal):
                continue
            said = problems_of_script(self.load(name, snapshot=False), snapshot)
            if said:
                found[name] = said
            else:
                seals[name] = seal
        self._checked.keep(seals)
        return found

    def function(self, data: dict[str, Any]) -> Callable[..., Any]:
        """The function that `Operation.to_dict` wrote as `data`; the second argument of `operations.from_dict`.

        Raises `OperationError` where its script has no such function, or one that does something else by now, and
        what `load` raises.
        """
        return self.load(str(data["function"]["revision"]), snapshot=False).function(data)

    def _revision(self, tree: ast.Module, path: Path, header: Header, snapshot: Snapshot | None) -> Revision:
        namespace = self._run(tree, path, header)
        functions: dict[str, Any] = {}
        for name in ("upgrade", "downgrade"):
            function = namespace.get(name)
            if not (callable(function) or (function is None and name == "downgrade")):
                raise RevisionError(
                    f"{path} has no function upgrade(op)",
                    workflow=header.workflow,
                    revision=header.revision,
                    hint="Write one; `pass` is enough where nothing changes.",
                )
            functions[name] = function
        return Revision(
            header.revision,
            header.down_revision,
            snapshot=snapshot,
            workflow=header.workflow,
            version=header.version,
            message=header.message,
            file=str(path),
            **functions,
        )

    def _run(self, tree: ast.Module, path: Path, header: Header) -> dict[str, Any]:
        # Compiled from the text that was just checked, and not imported: Python's own cache of compiled files
        # compares times in whole seconds, and would bring back the script as it was before an edit.
        from statemig.operations.functions import SOURCE, Source

        module = ModuleType(f"statemig_revision_{header.revision}")
        module.__file__ = str(path)
        module.__dict__[SOURCE] = Source(header.revision, tree)
        try:
            exec(compile(tree, str(path), "exec"), module.__dict__)
        except Exception as error:
            raise RevisionError(
                f"{path} cannot be run: {type(error).__name__}: {error}",
                workflow=header.workflow,
                revision=header.revision,
            ) from error
        return module.__dict__

    def script_path(self, revision: str) -> Path:
        """Where the script of a full id is. Raises `UnknownRevisionError`."""
        return self._script(self.header(revision))

    def snapshot_path(self, revision: str) -> Path:
        """Where what is frozen of a revision is, whether it is there or not."""
        return self.location / "snapshots" / f"{revision}.json"

    # -- verify ----------------------------------------------------------------------------------------------

    def verify(self, workflow: str) -> list[Problem]:
        """Every edited, missing or added revision of a workflow, and every conflict; [] when all is as it was
        frozen.

        Reads and hashes every script and snapshot anew.
        """
        self._frozen.clear()
        return verify(self, workflow)

    # -- writing ---------------------------------------------------------------------------------------------

    def write(
        self,
        revision_id: str,
        down_revision: str | Iterable[str] | None,
        workflow: str,
        version: int,
        slug: str,
        script_text: str,
        snapshot: Snapshot | None,
        *,
        verdict: Any = None,
    ) -> Path:
        """Write a new revision: script, then what is frozen of it, then the heads. Returns the script's path.

        Cut off in between it leaves a script that `verify` names as added. Raises `RevisionError` where the
        id is taken, the script's header says something else, it imports the application, or the heads file
        holds a conflict; nothing is written then.
        """
        below = (down_revision,) if isinstance(down_revision, str) else tuple(down_revision or ())
        name = file_name(version, revision_id, slug)
        source = script_text.encode()
        tree = scripts.parse(source, name)
        header = scripts.header(tree, name)
        graph = self.check_heads(workflow)
        expected = replace(
            header, revision=revision_id, down_revisions=below, workflow=workflow, version=version
        )
        if header != expected:
            raise RevisionError(
                f"the header of {name} says something else than what is to be written",
                workflow=workflow,
                revision=revision_id,
            )
        if revision_id in self._files:
            raise RevisionError(
                f"this id is taken by {self._files[revision_id].file}",
                workflow=workflow,
                revision=revision_id,
                hint="Leave the id out, and a free one is made.",
            )
        # Refuses ids that could not be typed, and what it follows and is not there.
        grown = Graph([*graph, header], workflow=workflow)
        if grown.version(revision_id) != version:
            raise RevisionError(
                f"its version would be {grown.version(revision_id)}, not {version}",
                workflow=workflow,
                revision=revision_id,
            )
        scripts.refuse_foreign_imports(tree, name, revision_id)
        frozen = Frozen.freeze(
            revision=revision_id,
            down_revisions=below,
            workflow=workflow,
            version=version,
            script_digest=scripts.digest(tree),
            below=[self.frozen(parent).cumulative for parent in below],
            snapshot=None if snapshot is None else snapshot.to_dict(),
            verdict=verdict,
        )
        path = self.location / "versions" / name
        replace_file(path, source)
        self.freeze(frozen)
        self.write_heads(workflow)
        return path

    def refreeze(self, revision: str, snapshot: Snapshot | None = None) -> None:
        """Accept a script (or snapshot) as it is now: new digests for it, and new cumulative ones for all
        that stands on it.

        With `snapshot` that one is frozen instead of the old one; a script that has nothing frozen yet needs
        it. The verdict is dropped: it was about the script as it was. Raises `RevisionError` where the script
        imports the application, its header does not fit the graph, or it does not record its operations.
        """
        path = self.script_path(revision)
        tree = scripts.parse(path.read_bytes(), str(path))
        header = scripts.header(tree, path.name)
        graph = self.graph(header.workflow)
        scripts.refuse_foreign_imports(tree, str(path), revision)
        if graph.version(revision) != header.version:
            raise RevisionError(
                f"{path} says version {header.version}, and its place is {graph.version(revision)}",
                workflow=header.workflow,
                revision=revision,
                hint=f"Write version = {graph.version(revision)}.",
            )
        script = self._revision(tree, path, header, None)
        _ = script.operations, script.downgrade_operations  # what can not be recorded is not frozen
        picture = self.frozen(revision).snapshot if snapshot is None else snapshot.to_dict()
        self.freeze(
            Frozen.freeze(
                revision=revision,
                down_revisions=header.down_revisions,
                workflow=header.workflow,
                version=header.version,
                script_digest=scripts.digest(tree),
                below=[self.frozen(parent).cumulative for parent in header.down_revisions],
                snapshot=picture,
            )
        )
        for above in graph.descendants(revision):
            self._chain(above)
        self.write_heads(header.workflow)

    def replace_snapshot(self, revision: str, snapshot: Snapshot) -> None:
        """Freeze another snapshot for a revision, for example after a rebase. Raises as `load` does for an
        edited script."""
        self.load(revision, snapshot=False)
        self.refreeze(revision, snapshot)

    def freeze_verdict(self, revision: str, verdict: Any) -> None:
        """Keep a proof's verdict (plain JSON) beside the snapshot. It is in no digest: a proof is a remark,
        not a change."""
        self.freeze(replace(self.frozen(revision), verdict=verdict))

    def rebase(self, workflow: str, mine: str | None = None, onto: str | None = None) -> Rebased:
        """Put my revisions behind the other head: see `statemig.revisions.rebase.rebase`."""
        from statemig.revisions.rebase import rebase

        return rebase(self, workflow, mine, onto)

    def _chain(self, revision: str) -> None:
        """New cumulative digest over what it follows now; what was frozen of the script stays."""
        frozen = self.frozen(revision)
        below = [self.frozen(parent).cumulative for parent in frozen.down_revisions]
        self.freeze(replace(frozen, cumulative=frozen.chained(below)))

    def freeze(self, frozen: Frozen) -> None:
        """Write what is frozen of a revision. Nothing is checked, and the heads are not written."""
        replace_file(self.snapshot_path(frozen.revision), frozen.to_bytes())
        self._frozen.pop(frozen.revision, None)

    def write_heads(self, workflow: str) -> None:
        """Write the heads that the scripts have now. Nothing is checked: whatever was edited below stays edited."""
        graph = self.graph(workflow)
        lines = [Head(name, graph.version(name), self.frozen(name).cumulative) for name in graph.heads]
        replace_file(self.heads_path(workflow), heads_files.write(lines))

    # -- parts -----------------------------------------------------------------------------------------------

    def _script(self, header: Header) -> Path:
        return self.location / "versions" / header.file
