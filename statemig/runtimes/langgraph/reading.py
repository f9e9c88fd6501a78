"""How a stored thread is read, without saying who reads: every step asks for something stored (`Get`, `Search`) and is sent it, so that
the sync and the async saver are one implementation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import CheckpointTuple

from statemig.envelope import Stamp
from statemig.errors import NewerRevisionError, UnknownRevisionError
from statemig.runtimes.langgraph.identity import NULL_TASK, beside
from statemig.runtimes.langgraph.long_way.document import has_answer, questions_in
from statemig.runtimes.langgraph.long_way.translating import Translating
from statemig.runtimes.langgraph.requests import Config, Get, Request, Search, Steps, config_of, metadata_of
from statemig.runtimes.langgraph.seen import Seen, Shape
from statemig.runtimes.langgraph.stored import pickled
from statemig.runtimes.langgraph.stored.pickled import PickledError
from statemig.runtimes.langgraph.stored.stamps import (
    KEY,
    NO_ROWS,
    TASK,
    Stamped,
    sorted_rows,
    without_complement,
)
from statemig.runtimes.langgraph.stored.values import Stored, built, live
from statemig.runtimes.langgraph.tasks import INTERRUPT, RESUME, Parked, Row

if TYPE_CHECKING:
    from statemig.plan.complement import Complement


class Reading(Translating):
    """Reads threads at the revision `target`."""

    def bind(self, graph: Any) -> None:
        super().bind(graph)
        self.at_head.clear()  # they were looked at without it

    # -- one checkpoint ------------------------------------------------------------------------------------------------

    def seen_of(self, thread: str, namespace: str, checkpoint: str) -> Seen | None:
        """What is known of a checkpoint that was read."""
        stamp = self.at_head.stamp_of(thread, namespace, checkpoint)
        return self.seen.get((thread, namespace, checkpoint)) if stamp is None else Seen(checkpoint, stamp)

    def lies_where_it_says(self, config: Config) -> bool:
        """Whether what is asked for is stored under the names it is asked by."""
        inside = config["configurable"]
        if inside.get("checkpoint_ns"):
            return False
        asked = inside.get("checkpoint_id")
        return asked is None or self.aliases.get((str(inside["thread_id"]), asked)) is None

    def at_once(self, stored: CheckpointTuple | None) -> CheckpointTuple | None:
        """What is stored in the root, as today's code sees it, where its stamp says the same as those of others before, and it is at the
        target or takes the short way to it; None where it has to be looked into."""
        if stored is None:
            return None
        stamp = self.at_head.usual((stored.metadata or {}).get(KEY))
        if stamp is None:
            return None
        thread = str(stored.config["configurable"]["thread_id"])
        self.at_head.met(stamp.revision)
        if stamp.revision != self.target:
            found = self.by_fields(stored, thread, stamp, {})
            if found is not None:
                self.roots.put(thread, True)
            return found
        if any(write[0].startswith(TASK) for write in stored.pending_writes or ()):
            return None
        self.roots.put(thread, True)
        try:
            return self._as_it_is(stored, thread, "", stamp, NO_ROWS, known=True)
        except PickledError:
            return None  # who looks into it says where

    def one(self, config: Config, stored: CheckpointTuple | None = None) -> Steps[CheckpointTuple | None]:
        """The checkpoint as today's code sees it; `stored` where it was read already."""
        thread, namespace, checkpoint = _asked(config)
        if stored is None:
            place = yield from self.place(thread, namespace)
            stored = yield from self._stored(thread, place, checkpoint)
        if namespace == "":
            self.roots.put(thread, True)
        if stored is None:
            return None
        shown = yield from self.shown(stored, thread, namespace)
        return shown

    def several(self, config: Config | None, options: Mapping[str, Any]) -> Steps[list[tuple[Any, str, str]]]:
        """What is stored of several, each with its thread and namespace here."""
        asked = None
        if config is not None:
            thread, namespace, checkpoint = _asked(config)
            asked = {"configurable": {"thread_id": config["configurable"]["thread_id"]}}
            if "checkpoint_ns" in config["configurable"]:
                asked["configurable"]["checkpoint_ns"] = yield from self.place(thread, namespace)
            if checkpoint:
                asked["configurable"]["checkpoint_id"] = self.aliases.get((thread, checkpoint)) or checkpoint
        before = options.get("before")
        if before and config is not None:
            name = before["configurable"].get("checkpoint_id")
            real = self.aliases.get((thread, name)) or name
            options = {
                **options,
                "before": {"configurable": {**before["configurable"], "checkpoint_id": real}},
            }
        found = []
        for stored in (yield Search(asked, options)):
            inside = stored.config["configurable"]
            name, place = str(inside["thread_id"]), inside.get("checkpoint_ns", "")
            spaces = yield from self._spaces(name, place, metadata_of(stored), [self.target])
            found.append((stored, name, spaces[self.target][0]))
        return found

    def shown(self, stored: CheckpointTuple, thread: str, namespace: str) -> Steps[CheckpointTuple]:
        """A stored checkpoint as today's code sees it."""
        metadata = metadata_of(stored)
        stamp = yield from self.stamp(stored, metadata, thread)
        with pickled.told(stored, thread, self.migrator.workflow, stamp.revision):
            return (yield from self._shown(stored, thread, namespace, metadata, stamp))

    def _shown(
        self,
        stored: CheckpointTuple,
        thread: str,
        namespace: str,
        metadata: Mapping[str, Any],
        stamp: Stamp,
    ) -> Steps[CheckpointTuple]:
        rows = sorted_rows(stored.pending_writes or (), stamp.revision)
        real = stored.config["configurable"]["checkpoint_id"]
        self.at_head.met(stamp.revision)
        target = self.reachable([stamp.revision, *rows.by_revision], thread)
        if target is None or {stamp.revision, *rows.by_revision} == {target}:
            return self._as_it_is(stored, thread, namespace, stamp, rows, known=target is not None)
        if namespace == "" and self.short_way(stamp.revision) is not None:
            complement = yield from self.complements.found(thread, stamp.complement)
            short = self.by_fields(stored, thread, stamp, complement)
            if short is not None:
                if KEY in metadata:
                    self.at_head.remember(metadata[KEY], stamp)
                return short
        shape = yield from self.translated(stored, thread, metadata, stamp, rows, self.alias)
        parked = shape.parked
        checkpoint = self.built(parked)
        self.require_nodes(checkpoint, namespace, thread)
        for here, there in parked.moved.items():
            self.places.put((thread, here), there)
        if checkpoint["id"] != real:
            self.aliases.put((thread, checkpoint["id"]), real)
        self.seen.put((thread, namespace, checkpoint["id"]), shape.seen)
        rows_here = (*unspent(parked.rows), *guards(parked))
        writes = [(row.task, row.channel, built(row.value, self.serde)) for row in rows_here]
        thread_id = stored.config["configurable"]["thread_id"]
        above = stored.parent_config
        said: Any = stored.metadata
        config: Any = config_of(thread_id, namespace, checkpoint["id"])
        parent: Any = above and config_of(thread_id, namespace, above["configurable"]["checkpoint_id"])
        shown: Any = without_complement(live(said))
        return CheckpointTuple(config, checkpoint, shown, parent, writes)

    def by_fields(
        self, stored: CheckpointTuple, thread: str, stamp: Stamp, complement: Complement
    ) -> CheckpointTuple | None:
        """A stored checkpoint of the root as today's code sees it, where it takes the short way."""
        way = self.short_way(stamp.revision)
        try:
            found = None if way is None else way.read(stored, thread, stamp, complement, self.serde)
        except PickledError:
            return None  # the long way says where
        if found is None:
            return None
        shown, seen = found
        self.seen.put((thread, "", seen.stored), seen)
        return shown

    def _as_it_is(
        self,
        stored: CheckpointTuple,
        thread: str,
        namespace: str,
        stamp: Stamp,
        rows: Stamped,
        *,
        known: bool,
    ) -> CheckpointTuple:
        """A stored checkpoint that needs no translation. `known`: it is at the target, and not merely passed on."""
        checkpoint: Any = live(stored.checkpoint)
        if checkpoint is stored.checkpoint:
            values = checkpoint["channel_values"]
            checkpoint = {
                **checkpoint,
                "channel_values": {name: live(values[name]) for name in values},
            }
        real = checkpoint["id"]
        self.seen.put((thread, namespace, real), Seen(real, stamp, rows.shares))
        metadata: Any = live(stored.metadata)
        config: Any = stored.config
        parent: Any = stored.parent_config
        inside = config["configurable"]
        if known:
            self.require_nodes(checkpoint, namespace, thread)
        if inside.get("checkpoint_ns", "") != namespace:
            config = config_of(inside["thread_id"], namespace, real)
            parent = parent and config_of(
                inside["thread_id"], namespace, parent["configurable"]["checkpoint_id"]
            )
        elif known and not rows.shares.stamps and KEY in metadata:
            self.at_head.put(thread, namespace, metadata, stamp, real)
        shown: Any = without_complement(metadata)
        writes = [(task, channel, live(value)) for task, channel, value in _unstamped(stored)]
        return CheckpointTuple(config, checkpoint, shown, parent, writes)

    def built(self, parked: Parked) -> Any:
        """A checkpoint at the target with its values as LangGraph reads them."""
        checkpoint: Any = parked.checkpoint
        values = {}
        for name, each in checkpoint["channel_values"].items():
            try:
                values[name] = built(each, self.serde)
            except PickledError as error:
                if type(each) is Stored:
                    raise
                raise error.locate(path=f"state.{name}", revision=self.target) from None
        return {**checkpoint, "channel_values": values}

    # -- namespaces ----------------------------------------------------------------------------------------------------

    def place(self, thread: str, namespace: str) -> Steps[str]:
        """Where a namespace lies."""
        if namespace == "":
            return ""
        if self.roots.get(thread) is None and not self.at_head.has_root(thread):
            yield from self.one(config_of(thread, ""))
        here = there = ""
        for part in namespace.split("|"):
            here = f"{here}|{part}" if here else part
            known = self.places.get((thread, here))
            there = known if known is not None else (f"{there}|{part}" if there else part)
        if there == namespace and self.places.get((thread, namespace)) is None:
            there = yield from self._found(thread, namespace)
        return there

    def _found(self, thread: str, namespace: str) -> Steps[str]:
        """Where a namespace lies that no checkpoint read so far leads to: where it says, or below an older checkpoint."""
        native = yield Get(config_of(thread, namespace))
        if native is None and ":" not in namespace:
            for old in self.names_before(namespace):
                found = yield Get(config_of(thread, old))
                if found is not None:
                    self.places.put((thread, namespace), old)
                    return old
        if native is None and ":" in namespace:
            for stored in (yield Search(config_of(thread, ""))):
                if self.seen_of(thread, "", stored.config["configurable"]["checkpoint_id"]) is None:
                    try:
                        yield from self.shown(stored, thread, "")
                    except (NewerRevisionError, UnknownRevisionError):
                        continue  # the thread was brought back since, and all that is in it was stored anew
                known = self.places.get((thread, namespace))
                if known is not None:
                    return known
        self.places.put((thread, namespace), namespace)
        return namespace


def is_newest_of_root(config: Config) -> bool:
    """Whether the newest checkpoint of the root is asked for, which lies nowhere else."""
    inside = config["configurable"]
    return not inside.get("checkpoint_ns") and not inside.get("checkpoint_id")


def guards(parked: Parked) -> Iterator[Row]:
    """Where there are two questions so that no plain answer is taken, the second once more, as if another task asked it: LangGraph 1.0
    looks at the first question of each task, and refuses an answer without an id only where there are several of those. A task that has
    answers already does not count for it, so where its question has one, two more ask."""
    for row in parked.rows:
        asked = questions_in(row) if row.channel == INTERRUPT else []
        if len(asked) > 1 and (parked.guarded or has_answer(asked)):
            yield Row(f"statemig:{row.task}", INTERRUPT, asked[-1:])
        if has_answer(asked):
            last = asked[-1]
            third = replace(last, arg={**last.arg, "id": beside(last.arg["id"])})
            yield Row(f"statemig:{row.task}:2", INTERRUPT, [third])


def unspent(rows: Sequence[Row]) -> Iterator[Row]:
    """Rows without the last plain answer, where a task waits with a question that has its answer: LangGraph keeps that row after it was
    used, and would give it to the question that comes next."""
    waits = any(row.channel == INTERRUPT and has_answer(questions_in(row)) for row in rows)
    for row in rows:
        if not (waits and row.task == NULL_TASK and row.channel == RESUME):
            yield row


def _unstamped(stored: CheckpointTuple) -> Any:
    return (each for each in stored.pending_writes or () if not each[0].startswith("statemig:"))


def _asked(config: Config) -> tuple[str, str, str | None]:
    inside = config["configurable"]
    return str(inside["thread_id"]), inside.get("checkpoint_ns") or "", inside.get("checkpoint_id")


__all__ = ["Config", "Get", "Reading", "Request", "Search", "Seen", "Shape", "Steps"]
