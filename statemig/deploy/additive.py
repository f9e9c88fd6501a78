"""The rules under which a version can be deployed beside an older one: what is new has a default, and what is gone is still passed through.

They are about definitions and scripts, not about runs, so they also hold for runs that are not there yet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from statemig.autogenerate.obligation import open_gaps
from statemig.errors import StatemigError
from statemig.migrator import Migrator
from statemig.operations.base import Backfill, Operation
from statemig.operations.flows import MergeSteps, SplitStep
from statemig.operations.joins import ChangeJoin
from statemig.operations.steps import AddStep, RemoveStep, RenameStep
from statemig.path import Key, Path
from statemig.workflow.flow import Steps
from statemig.workflow.snapshot import Snapshot


def violations(migrator: Migrator, old: str | None, new: str) -> list[str]:
    """What the revisions on the way from one version to another leave open, in sentences that say what to add."""
    path = migrator.path(old, new) if old is not None else ()
    found: list[str] = []
    for name in path:
        revision = migrator.revision(name)
        below = revision.down_revisions
        after = migrator.snapshot(name)
        before = migrator.snapshot(below[0]) if len(below) == 1 else None
        if before is None or after is None:
            continue
        said = [
            *_fields(before, after, revision.operations),
            *_new_steps(before.steps, after.steps, revision.operations),
            *_gone_steps(before.steps, after.steps, revision.operations),
        ]
        found += [f"{text} (revision {name})" for text in said]
    last = migrator.snapshot(new)
    return found + ([] if last is None else list(_removed_steps(last.steps)))


def _fields(before: Snapshot, after: Snapshot, operations: Sequence[Operation]) -> Iterator[str]:
    """What is stored, taken through the script, has to be what the new version reads: a new field has a default, a new bound a function."""
    try:
        gaps = open_gaps(before, after, operations)
    except StatemigError:
        return  # a script that can not be right is named by the check of the revisions
    for gap in gaps:
        if gap.certain:
            yield f"{gap.path or 'the document'} {gap.reason}: say in the script what becomes of it, or give it a default"


def _new_steps(before: Steps, after: Steps, operations: Sequence[Operation]) -> Iterator[str]:
    """Runs that are past a new step have no output of it, and no branch of theirs arrives from it."""
    made = {
        each.to if isinstance(each, RenameStep) else each.into
        for each in operations
        if isinstance(each, RenameStep | MergeSteps)
    }
    made |= {part for each in operations if isinstance(each, SplitStep) for part in each.into}
    filled = {
        each.step for each in operations if isinstance(each, AddStep) and isinstance(each.passed, Backfill)
    }
    joins = {each.step for each in operations if isinstance(each, ChangeJoin)}
    for step in after:
        if step in before or step in made:
            continue
        reading = [other for other, info in after.items() if any(_reads(path, step) for path in info.reads)]
        if reading and step not in filled:
            yield (
                f"step {reading[0]!r} reads the output of the new step {step!r}, and a run that is past it has none: say "
                f"op.add_step({step!r}, ..., passed=op.backfill(...))"
            )
        waiting = [join for join, info in after.items() if step in info.joins and join in before]
        for join in waiting:
            if join not in joins:
                yield (
                    f"the join {join!r} waits for the new step {step!r}, and a run that is past the fork never gets there: say "
                    f"op.change_join({join!r}, ..., new_branch=...)"
                )


def _gone_steps(before: Steps, after: Steps, operations: Sequence[Operation]) -> Iterator[str]:
    named: set[str] = set()
    for each in operations:
        match each:
            case RenameStep():
                named.add(each.old)
            case RemoveStep() | SplitStep():
                named.add(each.step)
            case MergeSteps():
                named.update(each.steps)
    for step in before:
        if step not in after and step not in named:
            yield (
                f"step {step!r} is gone, and nothing says what becomes of a run that stands there: keep it declared with "
                f"removed=True, or say op.remove_step({step!r}, cursor=...)"
            )


def _removed_steps(steps: Steps) -> Iterator[str]:
    """A run that meets a step that is declared as removed goes on by itself, so there has to be one way on."""
    for name, info in steps.items():
        if not info.removed:
            continue
        if len(info.next) > 1 and not info.fork:
            yield (
                f"the removed step {name!r} goes on to one of {', '.join(info.next)}, and a run that meets it can not choose: "
                "leave it one next"
            )
        seen = {name}
        here = info
        while here.removed and len(here.targets) == 1 and here.targets[0] in steps:
            following = here.targets[0]
            if following in seen:
                yield f"the removed step {name!r} leads back to itself over removed steps: let one of them go on to another"
                break
            seen.add(following)
            here = steps[following]


def _reads(path: str, step: str) -> bool:
    return Path.parse(path).segments[:2] == (Key("outputs"), Key(step))
