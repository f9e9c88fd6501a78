"""The way from one revision to another: its stages, the functions they are compiled to, and what is known of it. Built once, kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from statemig.document import Document
from statemig.errors import StatemigError
from statemig.revisions.revision import Revision

if TYPE_CHECKING:
    from statemig.plan.compiler import Plan, RecordingPlan
    from statemig.plan.complement import Complement
    from statemig.plan.cursor import Passed
    from statemig.plan.footprint import Fields
    from statemig.plan.stepwise import Stage
    from statemig.workflow.flow import Flow
    from statemig.workflow.snapshot import Snapshot

_WORTH_PROVING: Final = 32


class Revisions(Protocol):
    """What a way has to know of the revisions."""

    def path(self, lower: str, upper: str) -> tuple[str, ...]: ...

    def revision(self, revision: str) -> Revision: ...

    def snapshot(self, revision: str) -> Snapshot | None: ...

    def refuse_bad(self, revisions: Iterable[str]) -> None: ...

    def fits(self, source: str, revisions: Iterable[str]) -> bool: ...


class Way:
    """From revision `source` to `target`, which follows from it (`up`) or which it follows from. Safe for any number of threads: what
    two of them find out at the same time is the same."""

    def __init__(self, known: Revisions, source: str, target: str, *, up: bool) -> None:
        self.source = source
        self.target = target
        self.up = up
        self._known = known
        self._plan: Plan | None = None
        self._recorder: RecordingPlan | None = None
        #: whether it is proven, or how many documents have been validated so far
        self._proven: bool | int = 0

    @cached_property
    def revisions(self) -> tuple[str, ...]:
        """Those whose scripts are gone through, in that order."""
        if self.up:
            return self._known.path(self.source, self.target)
        return self._known.path(self.target, self.source)[::-1]

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The instructions of the scripts. Raises `OperationError` with all that is wrong with all of them, and a `RevisionError` where
        one cannot be loaded."""
        self._known.refuse_bad(self.revisions if self.up else self.revisions[::-1])
        return tuple(stage for each in self.revisions for stage in self._lowered(each))

    # -- documents -----------------------------------------------------------------------------------------------------

    def run(
        self, document: Document, complement: Complement | None, recording: bool, run_id: str | None
    ) -> tuple[Document, Complement]:
        """The document at `target`, and the complement to keep with it. Raises a `MigrationError`."""
        if self._makes_ids or (complement and not self.passes(complement)):
            from statemig.plan import stepwise

            return stepwise.run(document, self.stages, complement or {}, recording=recording, run_id=run_id)
        if not recording:
            return (self._plan or self._compiled())(document), complement or {}
        migrated, noted = (self._recorder or self._compiled_recorder())(document)
        return migrated, {**complement, **noted} if complement else noted

    def passes(self, complement: Complement | None) -> bool:
        """Whether the way uses nothing of the complement: its notes are all under names of other operations."""
        return not complement or self._labels.isdisjoint(complement)

    @cached_property
    def _labels(self) -> frozenset[str]:
        return frozenset(stage.label for stage in self.stages)

    @cached_property
    def _makes_ids(self) -> bool:
        """Whether the way needs to know the run: a compiled plan knows nothing but the document."""
        from statemig.plan.instructions import Mint

        return any(isinstance(each.instruction, Mint) for each in self.stages)

    def _compiled(self) -> Plan:
        from statemig.plan.compiler import compile_stages

        self._plan = compile_stages(self.stages, sparing=True)
        return self._plan

    def _compiled_recorder(self) -> RecordingPlan:
        from statemig.plan.compiler import compile_stages

        self._recorder = compile_stages(self.stages, recording=True, sparing=True)
        return self._recorder

    # -- what is known of the documents it makes -----------------------------------------------------------------------

    @cached_property
    def needs_no_look(self) -> bool:
        """Whether what was a run document is right afterwards, whatever is in it: nothing is changed but what lies inside state and
        outputs, and there is no snapshot that says what they hold."""
        from statemig.plan.compiler import works_inside

        return self._known.snapshot(self.target) is None and all(
            works_inside(stage.instruction) for stage in self.stages
        )

    @cached_property
    def fields(self) -> Fields | None:
        """What the scripts do with the fields of the state; None where they change anything else."""
        from statemig.plan.footprint import fields_of

        return fields_of(stage.instruction for stage in self.stages)

    @cached_property
    def lays_out(self) -> bool:
        """Whether it makes the same of all states with the same fields, but for values that it hands on, and looks into none: no function
        makes a value, and no id is made of the run."""
        from statemig.plan.instructions import Apply

        return not self._makes_ids and not any(isinstance(each.instruction, Apply) for each in self.stages)

    def hands_on(self, field: str) -> bool:
        """Whether nobody looks into the value of a field of the state on the way up: no script, and no validation before and after."""
        fields = self.fields
        return (
            fields is not None
            and not fields.is_opened(field)
            and self._is_anything(self.source, field, taken=False)
            and self._is_anything(self.target, fields.moved.get(field, field), taken=True)
        )

    def _is_anything(self, revision: str, field: str, *, taken: bool) -> bool:
        from statemig.shapes.shape import Anything, Object
        from statemig.workflow.run_shape import state_of

        snapshot = self._known.snapshot(revision)
        if snapshot is None:
            return True
        state = state_of(snapshot.taken if taken else snapshot.held)
        shape = state.resolve(state.root)
        declared = shape.properties.get(field) if isinstance(shape, Object) else None
        return declared is not None and isinstance(declared.shape, Anything)

    def is_proven(self) -> bool:
        """Whether every document that is valid at `source` is valid at `target` after the upgrade, so that none needs to be validated.

        Said by the verdicts that are frozen beside the revisions. Where there is none that still holds, by the subshape check on what the
        operations make of the shape: it takes as long as validating some tens of documents, so it is asked when that many have come.
        What a complement puts back is not in the shapes, so a way down is never proven.
        """
        found = self._proven
        if isinstance(found, bool):
            return found
        if found == 0 and self.up and self._known.fits(self.source, self.revisions):
            self._proven = True
            return True
        if found < _WORTH_PROVING:
            self._proven = found + 1
            return False
        proven = self._proven = self.up and self._prove()
        return proven

    def _prove(self) -> bool:
        from statemig.operations import schema_after
        from statemig.shapes.subshape import gaps

        old, new = self._known.snapshot(self.source), self._known.snapshot(self.target)
        if old is None or new is None or old.unchecked:
            return False
        operations = [each for step in self.revisions for each in self._known.revision(step).operations]
        try:
            return not gaps(schema_after(old.stored, operations), new.accepts)
        except StatemigError:
            return False

    # -- from operations to instructions -------------------------------------------------------------------------------

    def _lowered(self, revision: str) -> tuple[Stage, ...]:
        from statemig.operations.lowering import Lowered

        loaded = self._known.revision(revision)
        below = loaded.down_revisions[0] if loaded.down_revisions else None
        written = loaded.downgrade_operations
        if self.up or written is None:
            lowered = Lowered(
                revision,
                loaded.operations,
                self._schema(below),
                lambda: self._passed(below if self.up else revision),
                flow=lambda: self._flow(below),
            )
            return lowered.up() if self.up else lowered.down()
        return Lowered(
            revision,
            written,
            self._schema(revision),
            lambda: self._passed(revision),
            way="down",
            flow=lambda: self._flow(revision),
        ).up()

    def _schema(self, revision: str | None) -> Callable[[], Any]:
        def schema() -> Any:
            snapshot = None if revision is None else self._known.snapshot(revision)
            return None if snapshot is None else snapshot.stored

        return schema

    def _flow(self, revision: str | None) -> Flow | None:
        snapshot = None if revision is None else self._known.snapshot(revision)
        if snapshot is None or not snapshot.steps:
            return None
        from statemig.workflow.flow import Flow

        return Flow(snapshot.steps, snapshot.start)

    def _passed(self, revision: str | None) -> Passed | None:
        """Whether every run of that revision that stands at a step has finished another one."""
        snapshot = None if revision is None else self._known.snapshot(revision)
        if snapshot is None or not snapshot.steps:
            return None
        from statemig.workflow.flow import dominates

        return partial(dominates, snapshot.steps, snapshot.start)
