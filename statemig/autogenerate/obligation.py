"""What is left to prove once the operations have run: every stored document is one that the new version reads."""

from __future__ import annotations

from collections.abc import Sequence

from statemig.autogenerate.known import stored
from statemig.operations.base import Operation
from statemig.operations.lowering import schema_after
from statemig.shapes.computed import with_computed
from statemig.shapes.subshape import Gap, gaps
from statemig.workflow.snapshot import Snapshot


def open_gaps(old: Snapshot, new: Snapshot, operations: Sequence[Operation]) -> list[Gap]:
    """Where a document of `old`, taken through `operations`, may not fit what `new` reads, closed.

    What was open before any change (a channel that its runtime does not check) is not this change's, unless an
    operation touches it.
    """
    before = stored(old)
    found = gaps(schema_after(before, operations), with_computed(new.reads, new.writes))
    if not found:
        return []
    inherited = {gap.path for gap in gaps(before, with_computed(old.reads, old.writes))}
    touched = {str(path) for operation in operations for path in operation.paths}
    return [gap for gap in found if gap.path not in inherited or gap.path in touched]
