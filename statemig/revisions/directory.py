"""The folder of revisions: scripts in ``versions/``, what is frozen of each in ``snapshots/``, heads in ``heads/``. How they are written;
how they are read is in `reading`.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from statemig.errors import RevisionError
from statemig.revisions import heads as heads_files
from statemig.revisions import script as scripts
from statemig.revisions.frozen import Frozen, replace_file
from statemig.revisions.graph import Graph
from statemig.revisions.heads import Head
from statemig.revisions.reading import Readable
from statemig.revisions.running import run_script
from statemig.revisions.scaffold import furnish
from statemig.revisions.verify import Problem, verify

if TYPE_CHECKING:
    from statemig.revisions.rebase import Rebased
    from statemig.workflow.snapshot import Snapshot

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


class Directory(Readable):
    """The migrations of a project: what `Readable` has, and how they are written and frozen again."""

    @classmethod
    def create(cls, location: str | Path) -> Directory:
        """Make the folders, a README and a .gitignore where they are missing, and open it."""
        furnish(Path(location))
        return cls(location)

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
        script = run_script(tree, path, header, None)
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
