"""The verdict on one revision."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from statemig.operations.base import Operation
from statemig.proof import cursor, state
from statemig.proof.trial import Trial
from statemig.proof.verdict import Finding, Part, Verdict
from statemig.revisions.directory import Directory
from statemig.revisions.loading import problems_of_script
from statemig.revisions.revision import Revision
from statemig.workflow.snapshot import Snapshot


def prove(
    old: Snapshot,
    new: Snapshot,
    operations: Sequence[Operation],
    written: Sequence[Operation] | None = None,
) -> Verdict:
    """Whether `operations` bring every document that may be stored at `old` to `new`, and back. `written` are those of a downgrade that
    the script writes out. Raises nothing for a script that is wrong: that is what the verdict says."""

    @cache
    def way_up() -> Trial:
        return Trial(old, new, operations)

    obligation = state.up(old, new, operations)
    back = state.down(old, new, operations, written)
    return Verdict(
        up=state.decided(obligation, way_up),
        cursor=cursor.proved(old, new, operations, way_up),
        down=state.decided(back, lambda: Trial(old, new, operations, "down", written)),
        fits=obligation.fits,
    )


def prove_revision(revision: Revision, snapshot: Callable[[str], Snapshot | None]) -> Verdict:
    """The verdict on a revision. `snapshot` gives the frozen one of an id. Raises what recording its operations raises."""
    below = revision.down_revisions
    new = snapshot(revision.revision)
    if len(below) > 1:
        return _unknown(
            f"follows {' and '.join(below)}: no snapshot says what a run looks like between two branches"
        )
    if new is None:
        return _unknown("was frozen without a snapshot")
    if not below:
        return Verdict(Part("proved"), Part("proved"), Part("proved"), fits=True)  # no run is older
    old = snapshot(below[0])
    if old is None:
        return _unknown(f"follows {below[0]}, which was frozen without a snapshot")
    verdict = prove(old, new, revision.operations, revision.downgrade_operations)
    refused = [
        Finding("", f"the script is refused when it is loaded: {each.text}")
        for each in problems_of_script(revision, snapshot)
    ]
    if not refused:
        return verdict
    return replace(verdict, up=Part.of([*refused, *verdict.up.findings], verdict.up.notes), fits=False)


def freeze(directory: Directory, revision: str, verdict: Verdict) -> None:
    """Keep the verdict beside the revision's snapshot. It is in no digest. Writes nothing where it is there already."""
    from statemig.proof.verdict import to_freeze

    frozen = directory.frozen(revision)
    made = to_freeze(verdict, frozen, [directory.frozen(below) for below in frozen.down_revisions])
    if frozen.verdict != made:
        directory.freeze_verdict(revision, made)


def _unknown(reason: str) -> Verdict:
    unknown = Part("unknown", (Finding("", reason),))
    return Verdict(unknown, unknown, unknown)
