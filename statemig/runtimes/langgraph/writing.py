"""What is written on a thread: where it is stored, with which stamp, and what a task's answers and questions become. Without saying who
writes, as in `reading.py`: the sync and the async saver are one implementation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langgraph.types import Interrupt

from statemig.envelope import Stamp
from statemig.runtimes.langgraph.identity import beside
from statemig.runtimes.langgraph.reading import Reading
from statemig.runtimes.langgraph.requests import Steps
from statemig.runtimes.langgraph.seen import Seen
from statemig.runtimes.langgraph.stored.stamps import stamp_row
from statemig.runtimes.langgraph.stored.values import built
from statemig.runtimes.langgraph.tasks import INTERRUPT, RESUME

if TYPE_CHECKING:
    from langgraph.checkpoint.base import ChannelVersions, Checkpoint


class Writing:
    """Writes on threads that `reading` has read."""

    def __init__(self, reading: Reading) -> None:
        self._read = reading

    def before_put(self, config: Any) -> Steps[tuple[Any, Seen | None, Stamp]]:
        """The config to store under, what is known of the checkpoint before, and the stamp. What the stamp names is stored then."""
        inside = config["configurable"]
        thread, namespace = str(inside["thread_id"]), inside.get("checkpoint_ns") or ""
        place = yield from self._read.place(thread, namespace)
        before = inside.get("checkpoint_id")
        parent = yield from self._seen(thread, namespace, before)
        stored = {**inside, "checkpoint_ns": place}
        if parent is not None:
            stored["checkpoint_id"] = parent.stored
        stamp = self._stamp_after(parent)
        complement = yield from self._read.complements.kept(thread, stamp.complement)
        if complement is not stamp.complement:
            stamp = replace(stamp, complement=complement)
        return {**config, "configurable": stored}, parent, stamp

    def _seen(self, thread: str, namespace: str, checkpoint: str | None) -> Steps[Seen | None]:
        if not checkpoint:
            return None
        known = self._read.seen_of(thread, namespace, checkpoint)
        if known is None:
            yield from self._read.one(
                {
                    "configurable": {
                        "thread_id": thread,
                        "checkpoint_ns": namespace,
                        "checkpoint_id": checkpoint,
                    }
                }
            )
            known = self._read.seen_of(thread, namespace, checkpoint)
        return known

    def _stamp_after(self, parent: Seen | None) -> Stamp:
        target = self._read.target
        before = parent.stamp if parent is not None else None
        return Stamp(
            self._read.migrator.workflow,
            target,
            started=before.started or before.revision if before is not None else target,
            complement=before.complement if before is not None else {},
        )

    def was_put(
        self, config: Any, place: Any, checkpoint: Checkpoint, stamp: Stamp, said: Mapping[str, Any]
    ) -> Any:
        inside = config["configurable"]
        thread, namespace = str(inside["thread_id"]), inside.get("checkpoint_ns") or ""
        if place["configurable"]["checkpoint_ns"] == namespace:
            self._read.at_head.put(thread, namespace, said, stamp, checkpoint["id"])
        else:
            self._read.seen.put((thread, namespace, checkpoint["id"]), Seen(checkpoint["id"], stamp))
        return {
            "configurable": {
                "thread_id": inside["thread_id"],
                "checkpoint_ns": namespace,
                "checkpoint_id": checkpoint["id"],
            }
        }

    def writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str
    ) -> Steps[Sequence[tuple[Any, ...]]]:
        """What to store for a task: first a stamp, where the checkpoint below has another, so that no write is ever taken for older than
        it is."""
        inside = config["configurable"]
        thread, namespace = str(inside["thread_id"]), inside.get("checkpoint_ns") or ""
        place = yield from self._read.place(thread, namespace)
        seen = None
        if not self._read.at_head.comes_next(thread, namespace, inside["checkpoint_id"]):
            seen = yield from self._seen(thread, namespace, inside["checkpoint_id"])
        if seen is None:  # it is stored only later
            where = {**config, "configurable": {**inside, "checkpoint_ns": place}}
            return [(where, self._all_guarded(writes), task_id, task_path)]
        where = {**config, "configurable": {**inside, "checkpoint_ns": place, "checkpoint_id": seen.stored}}
        found: list[tuple[Any, ...]] = []
        target = self._read.target
        if seen.stamp.revision != target or seen.shares.stamps.get(task_id):
            row = stamp_row(task_id, [channel for channel, _ in writes], target, seen.shares)
            if row is not None:
                name, stamp, shares = row
                found.append((where, stamp, name, task_path))
                known = replace(seen.shares, stamps={**seen.shares.stamps, task_id: shares})
                read = (thread, namespace, inside["checkpoint_id"])
                self._read.seen.put(read, replace(seen, shares=known))
        if any(name == RESUME for name, _ in writes):
            writes = self._using(seen.held.get(task_id) or {}, writes)
        found.append((where, self._all_guarded(writes), task_id, task_path))
        return found

    def _using(self, held: Mapping[int, Any], writes: Sequence[tuple[str, Any]]) -> Sequence[tuple[str, Any]]:
        """What a task writes, with the answers that were held where their turn has come. What it asks has its answer then, and is noted."""
        made, came = [*writes], False
        for number, (name, answers) in enumerate(writes if held else ()):
            if name == RESUME:
                line = self._with_held(answers, held)
                made[number], came = (name, line), len(line) > len(answers)
        for question in (each for name, asked in writes if name == INTERRUPT for each in asked):
            self._read.answered.put(question.id, came)
        return made

    def _all_guarded(self, writes: Sequence[tuple[str, Any]]) -> Sequence[tuple[str, Any]]:
        return [(name, self._guarded(value) if name == INTERRUPT else value) for name, value in writes]

    def _guarded(self, questions: Any) -> Any:
        """What a task asks, and a second question where it has its answer already: LangGraph refuses an answer without an id where two are
        open, and would give it to the next question. A graph around it is told of the same question."""
        if len(questions) != 1 or not self._read.answered.get(questions[0].id):
            return questions
        [question] = questions
        return (question, Interrupt(value=None, id=beside(question.id)))

    def _with_held(self, answers: Any, held: Mapping[int, Any]) -> Any:
        """The answers of a task, and those that were held back until the ones before them were there."""
        line = [*answers] if isinstance(answers, Sequence) and not isinstance(answers, str) else [answers]
        while len(line) in held:
            line.append(built(held[len(line)], self._read.serde))
        return line


def versions_after(parent: Seen | None, checkpoint: Checkpoint, new: ChannelVersions) -> ChannelVersions:
    """The versions to store: also those that a translation made and nobody has stored."""
    versions = dict(new)
    for channel, version in (parent.fresh if parent is not None else {}).items():
        if checkpoint["channel_versions"].get(channel) == version:
            versions.setdefault(channel, version)
    return versions
