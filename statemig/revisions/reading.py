"""The folder of revisions, read: headers and the graph that they make, heads, what is frozen, scripts that were checked and run.

Reading headers runs no script. Loading one checks first that script and snapshot are what was frozen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import ConfigError, MissingRevisionError, RevisionError, UnknownRevisionError
from statemig.revisions import heads as heads_files
from statemig.revisions import script as scripts
from statemig.revisions.checked_index import CheckedIndex
from statemig.revisions.frozen import Frozen
from statemig.revisions.graph import NEWER_DEPLOY, Graph
from statemig.revisions.header_index import HeaderIndex
from statemig.revisions.heads import HeadsFile
from statemig.revisions.revision import Revision
from statemig.revisions.running import run_script
from statemig.revisions.script import Header
from statemig.revisions.verify import problems_of_heads, problems_of_revision

if TYPE_CHECKING:
    from statemig.revisions.loading import Said, SnapshotOf
    from statemig.workflow.snapshot import Snapshot

_WORKFLOW: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")

#: what a loaded script depends on: its text, what is frozen of it, and of those below it
_State = tuple[bytes, Frozen, tuple[str | None, ...]]


class Readable:
    """The migrations of a project, as far as nothing is written. Holds no open files; what it keeps in memory is checked against
    the files' times.

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
        # Scripts that were run to be checked, until somebody loads them: a first plan does both.
        self._ready: dict[str, tuple[_State, Revision]] = {}

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
        state = self._state(header, path)
        ready = self._ready.pop(revision, None) if snapshot else None
        if ready is not None and ready[0] == state:
            return ready[1]
        return self._run(header, path, state, self.snapshot(revision) if snapshot else None)

    def _state(self, header: Header, path: Path) -> _State:
        below = tuple(self.cumulative(name) for name in header.down_revisions)
        return path.read_bytes(), self.frozen(header.revision), below

    def _run(self, header: Header, path: Path, state: _State, snapshot: Snapshot | None) -> Revision:
        tree = scripts.parse(state[0], str(path))
        fresh = scripts.header(tree, header.file)
        for problem in problems_of_revision(fresh, tree, state[1], self.cumulative):
            raise problem.error(header.workflow)
        return run_script(tree, path, header, snapshot)

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
            state = self._state(header, self._script(header))
            loaded = self._run(header, self._script(header), state, snapshot(name))
            said = problems_of_script(loaded, snapshot)
            if said:
                found[name] = said
            else:
                seals[name] = seal
                self._ready[name] = state, loaded
        self._checked.keep(seals)
        return found

    def function(self, data: dict[str, Any]) -> Callable[..., Any]:
        """The function that `Operation.to_dict` wrote as `data`; the second argument of `operations.from_dict`.

        Raises `OperationError` where its script has no such function, or one that does something else by now, and
        what `load` raises.
        """
        return self.load(str(data["function"]["revision"]), snapshot=False).function(data)

    def script_path(self, revision: str) -> Path:
        """Where the script of a full id is. Raises `UnknownRevisionError`."""
        return self._script(self.header(revision))

    def snapshot_path(self, revision: str) -> Path:
        """Where what is frozen of a revision is, whether it is there or not."""
        return self.location / "snapshots" / f"{revision}.json"

    # -- parts -----------------------------------------------------------------------------------------------

    def _script(self, header: Header) -> Path:
        return self.location / "versions" / header.file
