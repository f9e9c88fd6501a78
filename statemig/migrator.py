"""One document from revision A to revision B. Pure: no storage, no clock, no randomness; the argument is never changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, Final, Literal

from statemig import json_text
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
from statemig.revisions.graph import Graph
from statemig.revisions.revision import Revision
from statemig.validity import Validity

if TYPE_CHECKING:
    from statemig.envelope import Hook
    from statemig.plan.compiler import Plan, RecordingPlan
    from statemig.plan.complement import Complement
    from statemig.plan.cursor import Passed
    from statemig.plan.stepwise import Stage
    from statemig.revisions.directory import Directory
    from statemig.workflow.flow import Flow
    from statemig.workflow.snapshot import Snapshot

Outcome = Literal["current", "upgraded", "downgraded", "held", "pinned", "failed"]
Record = Literal["complement", "patch"]

_WORTH_PROVING: Final = 32


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one document.

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


class Migrator:
    """Migrates documents of one workflow. Immutable: any number of threads and tasks may share one.

    ``Migrator("migrations", workflow="triage")`` reads a migrations folder; nothing is imported until a document needs it.
    ``Migrator(revisions=[...])`` takes revisions built in memory. Raises `ConfigError` where it is not clear which workflow is
    meant, and `RevisionError` for a broken chain.
    """

    def __init__(
        self,
        script_location: str | FilePath | None = None,
        *,
        workflow: str | None = None,
        revisions: Iterable[Revision] | None = None,
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
        head = self._graph.head
        if head is None:
            raise RevisionError(
                "there is no revision yet",
                workflow=self.workflow,
                hint="Freeze the workflow as it is now: `statemig revision --autogenerate`",
            )
        self.head: str = head
        self.known: frozenset[str] = self._graph.ancestors(head)
        self._plans: dict[tuple[str, str], tuple[Stage, ...]] = {}
        self._functions: dict[tuple[str, str], Plan] = {}
        self._recorders: dict[tuple[str, str], RecordingPlan] = {}
        self._labels: dict[tuple[str, str], frozenset[str]] = {}
        self._paths: dict[tuple[str, str], tuple[str, ...]] = {}
        self._order: dict[tuple[str, str], bool] = {}
        #: whether it is proven, or how many documents have been validated so far
        self._proven: dict[tuple[str, str], bool | int] = {}
        self._snapshots: dict[str, Snapshot | None] = {}
        self._targets: dict[tuple[str, str], str] = {}
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
        if self._directory is not None:
            return self._directory.load(revision)
        found: Revision = node
        return found

    def snapshot(self, revision: str) -> Snapshot | None:
        """The frozen snapshot of a revision, where it has one."""
        if revision not in self._snapshots:
            node = self._node(revision)
            directory = self._directory
            self._snapshots[revision] = node.snapshot if directory is None else directory.snapshot(revision)
        return self._snapshots[revision]

    def path(self, lower: str, upper: str) -> tuple[str, ...]:
        """The revisions that lead from one to the other, in order."""
        found = self._paths.get((lower, upper))
        if found is None:
            found = self._paths[lower, upper] = tuple(self._graph.path(lower, upper))
        return found

    def _below(self, lower: str, upper: str) -> bool:
        """Whether `upper` follows from `lower`. A chain is walked once, not for every document."""
        found = self._order.get((lower, upper))
        if found is None:
            found = self._order[lower, upper] = self._graph.is_ancestor(lower, upper)
        return found

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
    ) -> Result:
        """Bring a document from its revision to `to`.

        `record` says what to keep for the way back; `complement` is what was stored with the document so far. A document that is
        not `checked` is validated at its own revision first, so that wrong data and a wrong migration are told apart.

        What goes wrong with the document is in the result (`error`, with the outcome "failed", "held" or "pinned"). Raises
        `UnknownRevisionError` and `NewerRevisionError`: there the document is not the problem.
        """
        if revision == self.head and to == "head":
            return Result(document, revision, "current", complement=complement or {})
        target = self._targets.get((revision, to)) or self._target(revision, to, run_id)
        if revision == target:
            return Result(document, revision, "current", complement=complement or {})
        return self._migrate(document, revision, target, "upgraded", run_id, record, complement, checked)

    def _target(self, revision: str, to: str, run_id: str | None) -> str:
        """The full id of `to`, which has to follow from the revision. Looked for once, not for every document."""
        target = self.head if to == "head" else self.resolve(to)
        self._node(revision)
        if not self._below(revision, target):
            raise NewerRevisionError(
                f"the document is not below revision {target}, so it cannot be upgraded to it",
                run_id=run_id,
                workflow=self.workflow,
                revision=revision,
                hint="Downgrade it, or leave it to a worker of its version",
            )
        self._targets[revision, to] = target
        return target

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
            return Result(document, source, "current", complement=complement or {})
        if not self._below(target, source):
            raise RevisionError(
                f"the document does not stand on revision {target}, so there is no way down to it",
                run_id=run_id,
                workflow=self.workflow,
                revision=source,
            )
        return self._migrate(document, source, target, "downgraded", run_id, record, complement, checked)

    def _migrate(
        self,
        document: Document,
        source: str,
        target: str,
        outcome: Outcome,
        run_id: str | None,
        record: Record | None,
        complement: Complement | None,
        checked: bool,
    ) -> Result:
        try:
            if not checked:
                self.validate(document, source, run_id=run_id)
            migrated, kept = self._run(
                document, source, target, complement or {}, recording=record is not None
            )
            proven = checked and self._is_proven(source, target) and self._passes(source, target, complement)
            self._validity.require_migrated(
                migrated, source, target, up=self._below(source, target), proven=proven
            )
        except (MigrationHeld, MigrationPinned) as error:
            error.locate(run_id=run_id, workflow=self.workflow)
            held: Outcome = "held" if isinstance(error, MigrationHeld) else "pinned"
            return Result(document, source, held, complement=complement or {}, error=error)
        except (MigrationError, RevisionError) as error:
            if isinstance(error, RevisionError):  # no fault of this run
                raise error.locate(workflow=self.workflow) from error.__cause__
            error.locate(run_id=run_id, workflow=self.workflow)
            return Result(document, source, "failed", complement=complement or {}, error=error)
        except RecursionError:
            deep = MigrationError(
                "the document is nested too deeply for this interpreter",
                run_id=run_id,
                workflow=self.workflow,
                revision=source,
                hint="Raise sys.setrecursionlimit in the worker, or store the long chain in it as a list",
            )
            return Result(document, source, "failed", complement=complement or {}, error=deep)
        applied = self.path(source, target) if outcome == "upgraded" else self.path(target, source)[::-1]
        patch = _reverse_patch(document, migrated) if record == "patch" else None
        return Result(migrated, target, outcome, applied, kept, patch)

    def _run(
        self, document: Document, source: str, target: str, complement: Complement, *, recording: bool
    ) -> tuple[Document, Complement]:
        """The document at `target`, and the complement to keep with it."""
        if self._passes(source, target, complement):
            if recording:
                migrated, noted = self._recorder(source, target)(document)
                return migrated, {**complement, **noted}
            return self._compiled(source, target)(document), complement
        from statemig.plan import stepwise

        return stepwise.run(document, self._stages(source, target), complement, recording=recording)

    def _compiled(self, source: str, target: str) -> Plan:
        found = self._functions.get((source, target))
        if found is None:
            from statemig.plan.compiler import compile_stages

            found = self._functions[source, target] = compile_stages(self._stages(source, target))
        return found

    def _recorder(self, source: str, target: str) -> RecordingPlan:
        found = self._recorders.get((source, target))
        if found is None:
            from statemig.plan.compiler import compile_stages

            found = self._recorders[source, target] = compile_stages(
                self._stages(source, target), recording=True
            )
        return found

    def _passes(self, source: str, target: str, complement: Complement | None) -> bool:
        """Whether the way uses nothing of the complement: its notes are all under names of other operations."""
        if not complement:
            return True
        labels = self._labels.get((source, target))
        if labels is None:
            labels = frozenset(stage.label for stage in self._stages(source, target))
            self._labels[source, target] = labels
        return labels.isdisjoint(complement)

    def _stages(self, source: str, target: str) -> tuple[Stage, ...]:
        found = self._plans.get((source, target))
        if found is None:
            if self._below(source, target):
                found = tuple(
                    stage for each in self.path(source, target) for stage in self._lowered(each, up=True)
                )
            else:
                back = reversed(self.path(target, source))
                found = tuple(stage for each in back for stage in self._lowered(each, up=False))
            self._plans[source, target] = found
        return found

    def _lowered(self, revision: str, *, up: bool) -> tuple[Stage, ...]:
        from statemig.operations.lowering import Lowered

        loaded = self.revision(revision)
        below = loaded.down_revisions[0] if loaded.down_revisions else None

        def schema() -> Any:
            snapshot = None if below is None else self.snapshot(below)
            return None if snapshot is None else snapshot.stored

        if up:
            return Lowered(
                revision,
                loaded.operations,
                schema,
                lambda: self._passed(below),
                flow=lambda: self._flow(below),
            ).up()
        written = loaded.downgrade_operations
        if written is None:
            return Lowered(
                revision,
                loaded.operations,
                schema,
                lambda: self._passed(revision),
                flow=lambda: self._flow(below),
            ).down()

        def schema_above() -> Any:
            snapshot = self.snapshot(revision)
            return None if snapshot is None else snapshot.stored

        return Lowered(
            revision,
            written,
            schema_above,
            lambda: self._passed(revision),
            way="down",
            flow=lambda: self._flow(revision),
        ).up()

    def _flow(self, revision: str | None) -> Flow | None:
        snapshot = None if revision is None else self.snapshot(revision)
        if snapshot is None or not snapshot.steps:
            return None
        from statemig.workflow.flow import Flow

        return Flow(snapshot.steps, snapshot.start)

    def _passed(self, revision: str | None) -> Passed | None:
        """Whether every run of that revision that stands at a step has finished another one."""
        snapshot = None if revision is None else self.snapshot(revision)
        if snapshot is None or not snapshot.steps:
            return None
        from statemig.workflow.flow import dominates

        return partial(dominates, snapshot.steps, snapshot.start)

    # -- validity ------------------------------------------------------------------------------------------------------

    def validate(self, document: Document, revision: str, *, run_id: str | None = None) -> None:
        """Raises `InvalidStateError` where the document is not one that this revision's workflow stores."""
        self._node(revision)
        self._validity.require_stored(document, revision, run_id=run_id)

    def _is_proven(self, source: str, target: str) -> bool:
        """Whether every document that is valid at `source` is valid at `target` after the upgrade, so that none needs to be validated.

        Said by the subshape check on what the operations make of the shape. It takes as long as validating some tens of documents, so it
        is asked when that many have come. What a complement puts back is not in the shapes, so a way down is never proven.
        """
        key = (source, target)
        found = self._proven.get(key, 0)
        if isinstance(found, bool):
            return found
        if found < _WORTH_PROVING:
            self._proven[key] = found + 1
            return False
        proven = self._proven[key] = self._below(source, target) and self._prove(source, target)
        return proven

    def _prove(self, source: str, target: str) -> bool:
        from statemig.operations import schema_after
        from statemig.shapes.subshape import gaps

        old, new = self.snapshot(source), self.snapshot(target)
        if old is None or new is None:
            return False
        operations = [each for step in self.path(source, target) for each in self.revision(step).operations]
        try:
            return not gaps(schema_after(old.stored, operations), new.accepts)
        except StatemigError:
            return False

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


def _reverse_patch(before: Document, after: Document) -> list[dict[str, Any]] | None:
    """RFC 6902 from after to before; None where jsonpatch would not give back the same: to it 1, 1.0 and true are equal, and a move that
    it makes of a removal and an addition may come too early for the operations after it."""
    import jsonpatch
    import jsonpointer

    patch: list[Any] = jsonpatch.make_patch(after, before).patch
    try:
        back = jsonpatch.apply_patch(after, patch)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException):
        return None
    return patch if json_text.equal(back, before) else None
