"""Which revision something stored belongs to: the stamp of a checkpoint, and the stamp of pending writes that newer code hung on it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from statemig.envelope import Stamp
from statemig.errors import ForeignRevisionError, StatemigError
from statemig.runtimes.langgraph.stored.values import raw
from statemig.runtimes.langgraph.tasks import CONTROL, RESUME, Row

#: in the metadata of a checkpoint: the stamp, and the workflow once more where savers can filter by it
KEY: Final = "statemig"
WORKFLOW: Final = "statemig_workflow"
#: in the metadata of a checkpoint that a whole thread was brought to another revision with: the ids of its questions by those before
QUESTIONS: Final = "statemig_questions"
#: the beginning of the task's id of the row that stamps a task's pending writes. Its channel is one that savers replace instead of
#: appending to, and that LangGraph does not look at where it knows no such task
TASK: Final = "statemig:"


@dataclass(frozen=True, slots=True)
class Share:
    """What one revision wrote for a task: the writes in line from place `start` on, and these of those that savers replace."""

    start: int
    revision: str
    replaced: frozenset[str]


def stamp_in(metadata: Mapping[str, Any], workflow: str, thread: str) -> Stamp | None:
    """The stamp of a checkpoint; None where it has none. Raises `ForeignRevisionError` for another workflow's."""
    said = metadata.get(KEY)
    if said is None:
        return None
    try:
        stamp = Stamp.from_dict(said)
    except StatemigError as error:
        raise error.locate(run_id=thread, workflow=workflow) from None
    if stamp.workflow and stamp.workflow != workflow:
        raise ForeignRevisionError(
            f"the checkpoint belongs to workflow {stamp.workflow!r}",
            run_id=thread,
            workflow=workflow,
            revision=stamp.revision,
            hint="Read it with a saver that has the migrator of its own workflow",
        )
    return stamp


def stamped(metadata: Mapping[str, Any], stamp: Stamp) -> Any:
    return {**metadata, KEY: stamp.to_dict(), WORKFLOW: stamp.workflow}


def without_complement(metadata: dict[str, Any]) -> dict[str, Any]:
    """What a caller gets to see: what only the way back needs can be large."""
    said = metadata.get(KEY)
    if not isinstance(said, dict) or not said.get("complement"):
        return metadata
    return {**metadata, KEY: {name: value for name, value in said.items() if name != "complement"}}


@dataclass(frozen=True, slots=True)
class Shares:
    """Who wrote the pending writes of a checkpoint. `counts`: how many of a task's are in a line, of which savers keep the first that
    come. `stamps`: what newer revisions wrote for each task, the last one last."""

    counts: Mapping[str, int] = field(default_factory=dict)
    stamps: Mapping[str, list[Share]] = field(default_factory=dict)


NO_SHARES: Final = Shares()


@dataclass(frozen=True, slots=True)
class Stamped:
    """The pending writes of a checkpoint by the revision that wrote them."""

    by_revision: Mapping[str, tuple[Row, ...]] = field(default_factory=dict)
    shares: Shares = NO_SHARES


NO_ROWS: Final = Stamped()


def sorted_rows(writes: Iterable[Sequence[Any]], revision: str) -> Stamped:
    """`revision`: that of the checkpoint, which is also that of writes without a stamp of their own."""
    rows: list[Row] = []
    own: dict[str, list[Share]] = {}
    for task, channel, value in writes:
        if task.startswith(TASK):
            own[task.removeprefix(TASK)] = [
                Share(start, name, frozenset(replaced)) for start, name, replaced in raw(value)
            ]
        else:
            rows.append(Row(task, channel, value))
    found: dict[str, list[Row]] = {}
    counts: dict[str, int] = {}
    for row in rows:
        shares = own.get(row.task, [])
        if row.channel in CONTROL:
            mine = (each.revision for each in reversed(shares) if row.channel in each.replaced)
        else:
            number = counts.get(row.task, 0)
            counts[row.task] = number + 1
            mine = (each.revision for each in reversed(shares) if number >= each.start)
        found.setdefault(next(mine, revision), []).append(row)
    return Stamped({name: tuple(each) for name, each in found.items()}, Shares(counts, own))


def stamp_row(
    task: str, channels: Iterable[str], revision: str, before: Shares
) -> tuple[str, list[tuple[str, Any]], list[Share]] | None:
    """The task id and the row that stamp what is written next for a task, to these channels, and what is known of the task then; None
    where the last stamp says it already."""
    replaced = frozenset(channels) & CONTROL
    known = before.stamps.get(task, [])
    if known and known[-1].revision == revision:
        if replaced <= known[-1].replaced:
            return None
        shares = [*known[:-1], replace(known[-1], replaced=known[-1].replaced | replaced)]
    else:
        shares = [*known, Share(before.counts.get(task, 0), revision, replaced)]
    said = [[each.start, each.revision, sorted(each.replaced)] for each in shares]
    return TASK + task, [(RESUME, said)], shares
