"""Run a document through a revision as the migrator does, and say what it is rejected for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

from statemig.document import Document
from statemig.errors import (
    CursorError,
    InvalidStateError,
    MigrationError,
    MigrationHeld,
    MigrationPinned,
    StatemigError,
)
from statemig.operations.base import Operation
from statemig.operations.lowering import Lowered
from statemig.plan import stepwise
from statemig.plan.stepwise import Stage
from statemig.shapes.validator import Validator
from statemig.validity import Validity, require_cursor
from statemig.workflow.flow import Flow, dominates
from statemig.workflow.snapshot import Snapshot

Way = Literal["up", "down"]
Kind = Literal["value", "absent", "surplus", "operation", "cursor"]


@dataclass(frozen=True, slots=True)
class Rejection:
    """`path` is where; `about` are the keys that were absent or surplus there. `reason` holds no value of a state."""

    path: str
    reason: str
    about: tuple[str, ...] = ()
    step: str | None = None
    kind: Kind = "value"


class Trial:
    """One direction of one revision. `written`: the operations of a downgrade that the script writes out itself."""

    def __init__(
        self,
        below: Snapshot,
        above: Snapshot,
        operations: Sequence[Operation],
        way: Way = "up",
        written: Sequence[Operation] | None = None,
    ) -> None:
        # What a runtime lets through unchecked is no better for it: a document of the declared types has to arrive as one.
        below, above = below.as_declared, above.as_declared
        self.source, self.target = (below, above) if way == "up" else (above, below)
        self.operations = operations
        self._validity = Validity(above.workflow, {"old": self.source, "new": self.target}.__getitem__)
        self._writes = Validator(self.source.writes)
        self._reads = Validator(self.source.reads)
        self.stages = _stages(below, above, operations, way, written)

    def _run(self, document: Document) -> Document:
        return stepwise.run(document, self.stages, {}, recording=False, run_id="run")[0]

    def genuine(self, document: Document) -> bool:
        """Whether the state is one that the application itself has written, or would take: not just one that cannot be ruled out."""
        parts = {part: document[part] for part in ("state", "outputs") if part in document}
        if not (self._writes.is_valid(parts) or self._reads.is_valid(parts)):
            return False
        try:
            self._validity.require_stored(document, "old")
        except InvalidStateError:
            return False
        return True

    def cursor_rejection(self, document: Document) -> Rejection | None:
        """As `rejections`, but only for where the run stands."""
        try:
            migrated = self._run(document)
            require_cursor(migrated, self.target, "new")
        except (MigrationHeld, MigrationPinned):
            return None
        except CursorError as error:
            message = error.message.removesuffix(" in version new")
            return Rejection(error.path or "cursor", message, step=error.step, kind="cursor")
        except StatemigError as error:  # an operation's refusal, or a script that cannot be followed
            return Rejection(error.path or "", error.message, kind="operation")
        return None

    def rejections(self, document: Document) -> list[Rejection]:
        """Why the document does not arrive; [] where it does, or stays behind because the script says so."""
        try:
            migrated = self._run(document)
            self._validity.require_migrated(migrated, "old", "new", up=True, proven=False)
        except (MigrationHeld, MigrationPinned):
            pass
        except InvalidStateError as error:
            return [_misfit(path, expected) for path, expected in error.problems]
        except CursorError as error:
            return [Rejection(error.path or "cursor", error.message, step=error.step, kind="cursor")]
        except MigrationError as error:
            return [Rejection(error.path or "", error.message, kind="operation")]
        except StatemigError:
            pass  # the script cannot be followed, whatever the document
        except RecursionError:
            pass  # so deep that no version would get through
        return []


def _misfit(path: str, expected: str) -> Rejection:
    kind: Kind = (
        "absent" if expected.endswith(" absent") else "surplus" if "not known" in expected else "value"
    )
    about = () if kind == "value" else tuple(re.findall(r"'([^']*)'", expected))
    return Rejection(path, expected, about, kind=kind)


def _stages(
    below: Snapshot,
    above: Snapshot,
    operations: Sequence[Operation],
    way: Way,
    written: Sequence[Operation] | None,
) -> tuple[Stage, ...]:
    def passed(snapshot: Snapshot) -> Any:
        return partial(dominates, snapshot.steps, snapshot.start) if snapshot.steps else None

    def flow(snapshot: Snapshot) -> Flow | None:
        return Flow(snapshot.steps, snapshot.start) if snapshot.steps else None

    try:
        if way == "up":
            return Lowered(
                "r", operations, lambda: below.stored, lambda: passed(below), flow=lambda: flow(below)
            ).up()
        if written is None:
            return Lowered(
                "r", operations, lambda: below.stored, lambda: passed(above), flow=lambda: flow(below)
            ).down()
        return Lowered(
            "r", written, lambda: above.stored, lambda: passed(above), way="down", flow=lambda: flow(above)
        ).up()
    except StatemigError as error:
        error.revision = None
        raise
