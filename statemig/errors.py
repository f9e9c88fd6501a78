"""One hierarchy of errors. Each names where it happened and what to do next; none ever prints a value of a state."""

from __future__ import annotations

from collections.abc import Sequence


class StatemigError(Exception):
    """Base of every error raised by statemig.

    The keyword fields say where: `run_id`, `workflow`, `revision`, `operation` (for example ``"2 rename_field"``),
    `step`, `path`. `hint` says what to do. All are optional and all show up in ``str(error)`` when known, so an outer layer adds
    what it knows with :meth:`locate` and raises the same object again. `finding` is the id under which such errors are grouped
    (``"cursor.target-missing"``; `statemig.fleet.findings` lists them), where the type alone does not say it.
    """

    def __init__(
        self,
        message: str,
        *,
        run_id: str | None = None,
        workflow: str | None = None,
        revision: str | None = None,
        operation: str | None = None,
        step: str | None = None,
        path: str | None = None,
        hint: str | None = None,
        finding: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.run_id = run_id
        self.workflow = workflow
        self.revision = revision
        self.operation = operation
        self.step = step
        self.path = path
        self.hint = hint
        self.finding = finding

    def locate(self, **where: str | None) -> StatemigError:
        """Fill in fields that are still unknown; what an inner layer said stays. Returns self."""
        for field, value in where.items():
            if value is not None and getattr(self, field) is None:
                setattr(self, field, value)
        return self

    @property
    def where(self) -> str:
        named = (
            ("run", self.run_id),
            ("workflow", self.workflow),
            ("revision", self.revision),
            ("operation", self.operation),
            ("step", self.step),
            ("path", self.path),
        )
        return ", ".join(f"{name} {value}" for name, value in named if value is not None)

    def __str__(self) -> str:
        text = self.message if not self.where else f"{self.where}: {self.message}"
        return text if self.hint is None else f"{text.rstrip('.')}. {self.hint}"


class ConfigError(StatemigError):
    """The configuration is missing, unreadable or contradicts itself."""


class PathError(StatemigError):
    """A path is not written as operations.md's grammar allows, or names nothing."""


class SchemaError(StatemigError):
    """A JSON Schema says something that shapes cannot represent."""


class CaptureError(StatemigError):
    """A workflow or state model in the code cannot be described."""


class OperationError(StatemigError):
    """One or more operations of a script are not valid. `problems` lists every one of them."""

    def __init__(self, message: str, *, problems: Sequence[str] = (), **where: str | None) -> None:
        super().__init__(message, **where)
        self.problems = tuple(problems)


# -- revisions ---------------------------------------------------------------------------------------------------------


class RevisionError(StatemigError):
    """Something about the chain of revisions."""


class UnknownRevisionError(RevisionError):
    """No revision of this workflow has that id (a newer deploy wrote it, or it was never committed)."""


class NewerRevisionError(RevisionError):
    """A document is at a revision that stands on the wanted one: a newer deploy has upgraded it."""


class AmbiguousRevisionError(RevisionError):
    """A partial id fits several revisions."""


class MultipleHeadsError(RevisionError):
    """The chain has more than one head where one is needed."""


class EditedRevisionError(RevisionError):
    """A revision's script or snapshot is not what it was when it was frozen."""


class MissingRevisionError(RevisionError):
    """A revision that another one, or the head file, refers to is not there."""


class ForeignRevisionError(RevisionError):
    """A document or revision belongs to another workflow."""


# -- migrating one document --------------------------------------------------------------------------------------------


class MigrationError(StatemigError):
    """A document could not be migrated; it is unchanged."""


class CollisionError(MigrationError):
    """The target of a rename or move is there already."""


class ConversionError(MigrationError):
    """A value cannot be converted as the operation says."""


class TransformError(MigrationError):
    """A function of the script raised; the original exception is the `__cause__`."""


class CursorError(MigrationError):
    """A position of the cursor would stand on a step that does not exist, or cannot go on from there."""


class IrreversibleError(MigrationError):
    """There is no way back over this revision."""


class InvalidStateError(MigrationError):
    """A document does not fit the schema of the revision that it claims to have. `problems` lists (path, what was expected)."""

    def __init__(
        self, message: str, *, problems: Sequence[tuple[str, str]] = (), **where: str | None
    ) -> None:
        super().__init__(message, **where)
        self.problems = tuple(problems)


class MigrationHeld(MigrationError):
    """A step's policy says that this run waits for a person to decide; the whole document stays at its revision."""


class MigrationPinned(MigrationError):
    """A step's policy says that this run stays with workers of its revision."""


class UnstampedError(StatemigError):
    """A document does not say which revision it has."""


# -- stores ------------------------------------------------------------------------------------------------------------


class StoreError(StatemigError):
    """Something about the store."""


class RunNotFoundError(StoreError):
    """No run has that id."""


class ElsewhereError(StoreError):
    """The store is not one in which the runs of this workflow are."""


class ConflictError(StoreError):
    """Somebody else wrote the run in between; nothing was written."""


class LeaseLostError(ConflictError):
    """The lease ran out and another worker has the run; nothing was written."""


class DrainingError(StoreError):
    """No new runs start while the workflow, or this version of it, drains."""


class RoutedElsewhereError(StoreError):
    """A run is for workers of another version; nothing was written."""


class RetiredError(StoreError):
    """A version was retired: nobody runs it any more, and nothing was written."""


class DeployError(StoreError):
    """A step of a deploy can not be made. `problems` lists everything that is in the way."""

    def __init__(self, message: str, *, problems: Sequence[str] = (), **where: str | None) -> None:
        super().__init__(message, **where)
        self.problems = tuple(problems)


class AnswerError(StoreError):
    """An answer does not fit a waiting position; nothing was written."""
