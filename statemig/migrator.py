"""One document from revision A to revision B. Pure: no storage, no clock, no randomness; the argument is never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Literal

from statemig.document import Document
from statemig.errors import (
    ConfigError,
    MigrationError,
    MigrationHeld,
    MigrationPinned,
    NewerRevisionError,
    RevisionError,
    StatemigError,
    UnknownRevisionError,
)
from statemig.reverse_patch import reverse_patch
from statemig.revisions.graph import Graph
from statemig.revisions.revision import Revision
from statemig.validity import Validity
from statemig.way import Way

if TYPE_CHECKING:
    from statemig.envelope import Hook
    from statemig.plan.complement import Complement
    from statemig.plan.stepwise import Stage
    from statemig.revisions.directory import Directory
    from statemig.workflow.snapshot import Snapshot

Outcome = Literal["current", "upgraded", "downgraded", "held", "pinned", "failed"]
Record = Literal["complement", "patch"]


@dataclass(slots=True)
class Result:
    """What became of one document. Not frozen, only because each document costs one, and a frozen one costs four times as much.

    `document` and `revision` are what to keep: unless the outcome is "upgraded" or "downgraded", they are what was passed in.
    `complement` is what to store with the document from now on. `reverse_patch` (RFC 6902, with ``record="patch"``) turns this
    document into the one before. `error` says why the outcome is "held", "pinned" or "failed".
    """

    document: Document
    revision: str
    outcome: Outcome
    applied: tuple[str, ...] = ()
    complement: Complement = field(default_factory=dict)
    reverse_patch: list[dict[str, Any]] | None = None
    error: StatemigError | None = None

    def unwrap(self) -> Document:
        """The document; raises `error` where there is one."""
        if self.error is not None:
            raise self.error
        return self.document


class _Current(Result):
    """The result for a document that is at its target already: what is the same for all of them is said by the class, because making
    this is most of what such a document costs."""

    __slots__ = ()
    __qualname__ = "Result"
    __init__ = object.__init__
    outcome = "current"
    applied = ()
    reverse_patch = None
    error = None
    complement = property(lambda self: {})  # most have none

    def __reduce__(self) -> tuple[Any, ...]:
        return Result, tuple(getattr(self, each.name) for each in fields(Result))


class _CurrentWith(_Current):
    """The same for one with which something is stored."""

    __slots__ = ("complement",)


_bare_result = partial(object.__new__, Result)


def _current(document: Document, revision: str, complement: Complement | None) -> Result:
    result: Result
    if complement:
        result = _CurrentWith()
        result.complement = complement
    else:
        result = _Current()
    result.document = document
    result.revision = revision
    return result


class Migrator:
    """Migrates documents of one workflow. Immutable: any number of threads and tasks may share one.

    ``Migrator("migrations", workflow="triage")`` reads a migrations folder; nothing is imported until a document needs it.
    ``Migrator(revisions=[...])`` takes revisions built in memory. With `head` it is the migrator of code of that version: it knows that
    revision and those below, and nothing of newer ones, so that several versions can live in one process. Raises `ConfigError` where it is
    not clear which workflow is meant, and `RevisionError` for a broken chain.
    """

    def __init__(
        self,
        script_location: str | FilePath | None = None,
        *,
        workflow: str | None = None,
        revisions: Iterable[Revision] | None = None,
        head: str | None = None,
    ) -> None:
        self._directory: Directory | None = None
        if revisions is not None:
            loaded = list(revisions)
            self.workflow = (
                workflow or next((each.workflow for each in loaded if each.workflow), None) or "workflow"
            )
            self._graph: Graph[Any] = Graph(loaded, workflow=self.workflow)
        elif script_location is not None:
            from statemig.revisions.directory import Directory

            self._directory = Directory(script_location)
            self.workflow = workflow or self._only_workflow(self._directory)
            self._graph = self._directory.check_heads(self.workflow)
        else:
            raise ConfigError(
                "a Migrator needs revisions",
                hint='Give it the migrations folder: Migrator("migrations"), or Migrator.from_config()',
            )
        if head is not None:
            last = self._graph.resolve(head)
            self._graph = Graph(
                [self._graph[name] for name in self._graph.order if name in self._graph.ancestors(last)],
                workflow=self.workflow,
            )
        head = self._graph.head
        if head is None:
            raise RevisionError(
                "there is no revision yet",
                workflow=self.workflow,
                hint="Freeze the workflow as it is now: `statemig revision --autogenerate`",
            )
        self.head: str = head
        self.known: frozenset[str] = self._graph.ancestors(head)
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}
        self._ways: dict[tuple[str, str], Way] = {}
        #: by what was asked for and revision; None where that is the revision itself
        self._upwards: dict[str, dict[str, Way | None]] = {"head": {}}
        self._snapshots: dict[str, Snapshot | None] = {}
        #: by revision, where scripts are files: running one takes longer than migrating some hundred documents
        self._loaded: dict[str, Revision] = {}
        #: revisions whose scripts were found to be right
        self._sound: set[str] = set()
        self._validity = Validity(self.workflow, self.snapshot)

    @classmethod
    def from_config(cls, path: str | FilePath | None = None, *, workflow: str | None = None) -> Migrator:
        """As ``[tool.statemig]`` says, in the file `path`, or found from the folder `path` (or here) upwards. Raises `ConfigError`."""
        from statemig.config import Config

        return cls(Config.load(path).script_location, workflow=workflow)

    @staticmethod
    def _only_workflow(directory: Directory) -> str:
        names = directory.workflows()
        if len(names) != 1:
            listed = ", ".join(names) or "none"
            raise ConfigError(
                f"the migrations folder holds {len(names)} workflows ({listed}), and one is needed here",
                hint=f'Name it: Migrator(..., workflow="{names[0]}")'
                if names
                else "Run `statemig revision` first",
            )
        return names[0]

    # -- revisions -----------------------------------------------------------------------------------------------------

    def resolve(self, text: str, *, current: str = "head") -> str:
        """The full id of what a person typed: (the beginning of) an id, ``head-2``; ``+1`` and ``-2`` count from `current`."""
        found = self._graph.resolve(text, current=current)
        if found is None:
            raise RevisionError(
                "nothing has a shape at the base",
                workflow=self.workflow,
                hint=f"The first revision is {', '.join(self._graph.bases)}",
            )
        return found

    def version(self, revision: str) -> int:
        """N of "version N"."""
        return self._graph.version(revision)

    def revision(self, revision: str) -> Revision:
        """The revision with this full id, its script loaded."""
        node = self._node(revision)
        if self._directory is None:
            found: Revision = node
            return found
        if revision not in self._loaded:
            self._loaded[revision] = self._directory.load(revision)
        return self._loaded[revision]

    def snapshot(self, revision: str) -> Snapshot | None:
        """The frozen snapshot of a revision, where it has one."""
        if revision not in self._snapshots:
            node = self._node(revision)
            directory = self._directory
            self._snapshots[revision] = node.snapshot if directory is None else directory.snapshot(revision)
        return self._snapshots[revision]

    def refuse_bad(self, revisions: Iterable[str]) -> None:
        """Raises `OperationError` with all that is wrong with these scripts, each problem with file and line. What was found to be right is
        not looked at again. And `RevisionError` where one of them merges lines whose order would matter."""
        from statemig.revisions.loading import refuse

        unseen = [name for name in revisions if name not in self._sound]
        if self._directory is not None:
            self._directory.refuse_bad(unseen, self.snapshot)
        else:
            refuse(map(self.revision, unseen), self.snapshot, self.workflow)
        for name in unseen:
            if len(self._graph[name].down_revisions) > 1:
                from statemig.revisions.merging import refuse_merge

                refuse_merge(name, self._graph, self.revision, self.snapshot)
        self._sound.update(unseen)

    def fits(self, source: str, revisions: Iterable[str]) -> bool:
        """Whether frozen verdicts say of these revisions that whatever is valid at `source` is valid behind them. Runs no script."""
        from statemig.proof.verdict import fits

        return self._directory is not None and fits(revisions, source, self._directory.frozen)

    def path(self, lower: str, upper: str) -> tuple[str, ...]:
        """The revisions that lead from one to the other, in order."""
        found = self._paths.get((lower, upper))
        if found is None:
            found = self._paths[lower, upper] = tuple(self._graph.path(lower, upper))
        return found

    def leads(self, lower: str, upper: str) -> bool:
        """Whether a document at `lower` can be brought up to `upper`."""
        return self._graph.is_ancestor(lower, upper)

    def _node(self, revision: str) -> Any:
        if revision not in self._graph:
            raise UnknownRevisionError(
                "this code does not know the revision",
                workflow=self.workflow,
                revision=revision,
                hint="A newer deploy wrote it, or its script was never committed: update this code, or leave the run to a newer worker",
            )
        return self._graph[revision]

    # -- migrating -----------------------------------------------------------------------------------------------------

    def upgrade(
        self,
        document: Document,
        revision: str,
        *,
        to: str = "head",
        run_id: str | None = None,
        record: Record | None = None,
        complement: Complement | None = None,
        checked: bool = False,
        by_proof: bool = False,
    ) -> Result:
        """Bring a document from its revision to `to`.

        `record` says what to keep for the way back; `complement` is what was stored with the document so far. A document that is
        not `checked` is validated at its own revision first, so that wrong data and a wrong migration are told apart. With `by_proof`
        one that is found to be valid there is then as good as a checked one: what comes out is not validated where that is proven.

        What goes wrong with the document is in the result (`error`, with the outcome "failed", "held" or "pinned"). Raises
        `UnknownRevisionError` and `NewerRevisionError`: there the document is not the problem.
        """
        if revision == self.head and to == "head":
            if complement:
                return _current(document, revision, complement)
            current: Result = _Current()  # as `_current` does, less a call
            current.document = document
            current.revision = revision
            return current
        try:
            way = self._upwards[to][revision]
        except KeyError:
            way = self._find_upwards(revision, to, run_id)
        if way is None:
            return _current(document, revision, complement)
        return self._migrate(document, way, run_id, record, complement, checked, by_proof)

    def _find_upwards(self, revision: str, to: str, run_id: str | None) -> Way | None:
        """The way to what was asked for, which has to follow from the revision. Looked for once, not for every document."""
        target = self.head if to == "head" else self.resolve(to)
        self._node(revision)
        if not self._graph.is_ancestor(revision, target):
            raise NewerRevisionError(
                f"the document is not below revision {target}, so it cannot be upgraded to it",
                run_id=run_id,
                workflow=self.workflow,
                revision=revision,
                hint="Downgrade it, or leave it to a worker of its version",
            )
        way = None if revision == target else self._way(revision, target)
        self._upwards.setdefault(to, {})[revision] = way
        return way

    def _way(self, source: str, target: str) -> Way:
        found = self._ways.get((source, target))
        if found is None:
            up = self._graph.is_ancestor(source, target)
            found = self._ways[source, target] = Way(self, source, target, up=up)
        return found

    def only_fields(self, source: str, target: str) -> Way | None:
        """The way up, where its scripts change nothing but values in the state; None for any other."""
        if source == target or not self._graph.is_ancestor(source, target):
            return None
        way = self._way(source, target)
        return None if way.fields is None else way

    def goes_by_keys(
        self, way: Way, before: Iterable[str], after: Iterable[str], steps: Iterable[str]
    ) -> bool:
        """Whether a run that has been upgraded is valid at both ends whatever the values in its state are: its fields at both ends and the
        steps that it stands on decide. It has no output and nothing pending."""
        steps = frozenset(steps)
        known = self._validity.goes_by_keys
        return known(before, steps, way.source, "stored") and known(after, steps, way.target, "accepts")

    def _stages(self, source: str, target: str) -> tuple[Stage, ...]:
        return self._way(source, target).stages

    def downgrade(
        self,
        document: Document,
        *,
        to: str,
        revision: str = "head",
        run_id: str | None = None,
        record: Record | None = "complement",
        complement: Complement | None = None,
        checked: bool = False,
    ) -> Result:
        """Bring a document from its revision back to `to`; with the complement of the upgrade the way back is exact.

        Raises as `upgrade` does.
        """
        source = self.head if revision == "head" else revision
        self._node(source)
        target = self.resolve(to)
        if source == target:
            return _current(document, source, complement)
        return self._migrate(
            document, self._way_down(source, target, run_id), run_id, record, complement, checked
        )

    def undone(
        self,
        document: Document,
        *,
        to: str,
        revision: str,
        complement: Complement | None,
        run_id: str | None = None,
    ) -> Document:
        """The way down alone, without a look at what comes out: for who has the document from before, and compares. Both revisions are full
        ids. Raises what keeps the document from going down."""
        way = self._way_down(revision, to, run_id)
        try:
            return way.run(document, complement, False, run_id)[0]
        except StatemigError as error:
            raise error.locate(run_id=run_id, workflow=self.workflow) from error.__cause__

    def _way_down(self, source: str, target: str, run_id: str | None) -> Way:
        known = self._ways.get((source, target))
        if known is not None and not known.up:
            return known
        if not self._graph.is_ancestor(target, source):
            raise RevisionError(
                f"the document does not stand on revision {target}, so there is no way down to it",
                run_id=run_id,
                workflow=self.workflow,
                revision=source,
            )
        return self._way(source, target)

    def _migrate(
        self,
        document: Document,
        way: Way,
        run_id: str | None,
        record: Record | None,
        complement: Complement | None,
        checked: bool,
        by_proof: bool = False,
    ) -> Result:
        try:
            if not checked:
                self.validate(document, way.source, run_id=run_id)
            migrated, kept = way.run(document, complement, record is not None, run_id)
            if not checked or not way.needs_no_look:
                proven = (checked or by_proof) and way.is_proven() and way.passes(complement)
                self._validity.require_migrated(migrated, way.source, way.target, up=way.up, proven=proven)
        except (MigrationHeld, MigrationPinned) as error:
            error.locate(run_id=run_id, workflow=self.workflow)
            held: Outcome = "held" if isinstance(error, MigrationHeld) else "pinned"
            return Result(document, way.source, held, complement=complement or {}, error=error)
        except (MigrationError, RevisionError) as error:
            if isinstance(error, RevisionError):  # no fault of this run
                raise error.locate(workflow=self.workflow) from error.__cause__
            error.locate(run_id=run_id, workflow=self.workflow)
            return Result(document, way.source, "failed", complement=complement or {}, error=error)
        except RecursionError:
            deep = MigrationError(
                "the document is nested too deeply for this interpreter",
                run_id=run_id,
                workflow=self.workflow,
                revision=way.source,
                hint="Raise sys.setrecursionlimit in the worker, or store the long chain in it as a list",
            )
            return Result(document, way.source, "failed", complement=complement or {}, error=deep)
        result = _bare_result()  # filled in here, which takes half as long as its __init__
        result.document = migrated
        result.revision = way.target
        result.outcome = "upgraded" if way.up else "downgraded"
        result.applied = way.revisions
        result.complement = kept
        result.reverse_patch = reverse_patch(document, migrated) if record == "patch" else None
        result.error = None
        return result

    # -- validity ------------------------------------------------------------------------------------------------------

    def validate(self, document: Document, revision: str, *, run_id: str | None = None) -> None:
        """Raises `InvalidStateError` where the document is not one that this revision's workflow stores."""
        self._node(revision)
        self._validity.require_stored(document, revision, run_id=run_id)

    # -- other runtimes ------------------------------------------------------------------------------------------------

    def hook(
        self,
        *,
        unstamped: str | None = None,
        layout: str | Mapping[str, str] = "state",
        raw: type = dict,
    ) -> Hook:
        """Lazy upgrade for any runtime that keeps JSON; see `statemig.envelope.Hook`."""
        from statemig.envelope import Hook

        return Hook(self, unstamped=unstamped, layout=layout, raw=raw)
