"""A stored checkpoint at another revision, with all that its names depend on: the graphs around it, and the questions inside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from langgraph.checkpoint.base import CheckpointTuple

from statemig import json_text
from statemig.envelope import Stamp
from statemig.errors import UnstampedError
from statemig.runtimes.langgraph.at_head import AtHead
from statemig.runtimes.langgraph.long_way.document import questions_in
from statemig.runtimes.langgraph.long_way.translation import Shown, as_it_is, translate
from statemig.runtimes.langgraph.requests import Get, Search, Steps, checkpoint_of, config_of, metadata_of
from statemig.runtimes.langgraph.seen import Recent, Seen, Shape
from statemig.runtimes.langgraph.stored.complements import Complements
from statemig.runtimes.langgraph.stored.stamps import WORKFLOW, Stamped, sorted_rows, stamp_in
from statemig.runtimes.langgraph.stored.values import Foreign, raw
from statemig.runtimes.langgraph.tasks import CONTROL, INTERRUPT, RESUME, Parked, Row
from statemig.runtimes.langgraph.worlds import Worlds

if TYPE_CHECKING:
    from statemig.migrator import Migrator


class Translating(Worlds):
    """Brings what is stored to a revision. What has to be asked for on the way: checkpoints above it, inside it, and before it."""

    def __init__(
        self,
        migrator: Migrator,
        unstamped: str,
        on_newer: str,
        target: str,
        serde: Any,
        complements: Complements,
    ) -> None:
        super().__init__(migrator, on_newer, target)
        self.unstamped = unstamped
        self.serde = serde
        self.complements = complements
        self.seen: Recent[Seen] = Recent(10_000)
        #: stored namespaces by (thread, namespace here)
        self.places: Recent[str] = Recent(10_000)
        #: threads whose root was read
        self.roots: Recent[bool] = Recent(10_000)
        #: stored ids by (thread, id here)
        self.aliases: Recent[str] = Recent(10_000)
        #: questions, by id, that a task has asked though their answer was held for it
        self.answered: Recent[bool] = Recent(10_000)
        self.at_head = AtHead(migrator.workflow, target, self.seen)

    def forget(self) -> None:
        """What is stored has been changed other than by going on."""
        for kept in (self.seen, self.places, self.roots, self.aliases, self.at_head):
            kept.clear()

    # -- what is stored ------------------------------------------------------------------------------------------------

    def _stored(self, thread: str, place: str, checkpoint: str | None) -> Steps[CheckpointTuple | None]:
        name = self.aliases.get((thread, checkpoint)) or checkpoint
        found: CheckpointTuple | None = yield Get(config_of(thread, place, name))
        if found is None and name is not None:
            each: CheckpointTuple
            for each in (yield Search(config_of(thread, place))):
                real = each.config["configurable"]["checkpoint_id"]
                if real[:24] == name[:24] and name in self._aliases_of(real):
                    self.aliases.put((thread, name), real)
                    return each
        return found

    def alias(self, checkpoint: str, guarded: bool) -> str:
        if not guarded:
            return checkpoint
        return checkpoint[:24] + json_text.digest(checkpoint, 12)[:12]

    def _aliases_of(self, checkpoint: str) -> list[str]:
        """What it may be called: each revision may put a question before the one that waits."""
        found = [checkpoint]
        while len(found) < len(self.migrator.known):
            found.append(self.alias(found[-1], True))
        return found

    def stamp(self, stored: CheckpointTuple, metadata: Mapping[str, Any], thread: str) -> Steps[Stamp]:
        workflow = self.migrator.workflow
        found = stamp_in(metadata, workflow, thread)
        if found is not None:
            return found
        inside = stored.config["configurable"]
        key = (thread, inside.get("checkpoint_ns", ""), inside["checkpoint_id"])
        known = self.seen.get(key)
        if known is None:
            before = yield Search(
                config_of(inside["thread_id"], inside.get("checkpoint_ns", "")),
                {
                    "filter": {WORKFLOW: workflow},
                    "before": {"configurable": {"checkpoint_id": key[2]}},
                    "limit": 1,
                },
            )
            if before:
                raise UnstampedError(
                    "the checkpoint has no stamp, but one before it has: a graph without the MigratingSaver wrote it, and it may have the "
                    "shape of either version",
                    run_id=thread,
                    workflow=workflow,
                    path=f"checkpoint {key[2]}",
                    hint="Run every worker of this thread with the MigratingSaver, and go on from the checkpoint before: "
                    f"graph.invoke(None, config with its checkpoint_id); or, sure which it has, say it: `statemig stamp REV {thread}`",
                )
        return Stamp(workflow, self.unstamped, started=self.unstamped)

    # -- translating ---------------------------------------------------------------------------------------------------

    def translated(
        self,
        stored: CheckpointTuple,
        thread: str,
        metadata: Mapping[str, Any],
        stamp: Stamp,
        rows: Stamped,
        shown: Shown = as_it_is,
        target: str | None = None,
        called: str | None = None,
    ) -> Steps[Shape]:
        """A stored checkpoint at the target, with the ids of questions that are asked in its subgraphs. `called`: the namespace there,
        where it does not follow from what is stored; the names in it are then made anew even where the revision is the same."""
        to = target or self.target
        others = sorted({*rows.by_revision} - {stamp.revision, to}, key=self.migrator.version)
        worlds = [
            stamp.revision,
            *others,
            *([to] if others or stamp.revision != to or len(rows.by_revision) > 1 else []),
        ]
        # What was written at `to` has names that follow from how the checkpoint is called when it is shown there.
        anew = called is not None and (len(worlds) == 1 or (stamp.revision != to and to in rows.by_revision))
        if worlds[-1] != to or anew:
            worlds.append(to)
        place = stored.config["configurable"].get("checkpoint_ns", "")
        spaces = yield from self._spaces(thread, place, metadata, worlds)
        first = spaces[worlds[0]][0]
        checkpoint = checkpoint_of(stored)
        parked = Parked(
            first,
            checkpoint,
            metadata.get("step", -1) + 1,
            rows.by_revision.get(worlds[0], ()),
        )
        complement = stamp.complement
        if len(worlds) > 1:
            complement = yield from self.complements.found(thread, complement)
        waiting = any(row.channel == INTERRUPT for each in rows.by_revision.values() for row in each)
        document = None
        for number, (source, world) in enumerate(pairwise(worlds)):
            last = number == len(worlds) - 2
            made = translate(
                self.migrator,
                parked,
                source,
                world,
                names=self.names(source, world),
                nodes=(self.nodes(source), self.nodes(world)),
                namespace=called if last and called is not None else spaces[world][0],
                around=spaces[source][1],
                complement=complement,
                thread=thread,
                shown=shown if last else self.alias,
                waiting=waiting,
            )
            complement, document = made.complement, made.document
            own = rows.by_revision.get(world, ()) if world not in (stamp.revision, source) else ()
            parked = _after(parked, made.parked, own)
        parked = yield from self._with_questions_inside(parked, thread, stored, to)
        seen = Seen(
            stored.config["configurable"]["checkpoint_id"],
            replace(stamp, complement=complement),
            rows.shares,
            parked.fresh,
            parked.held,
            parked.questions,
            parked.guarded,
        )
        return Shape(parked, complement, seen, document)

    def _with_questions_inside(
        self, parked: Parked, thread: str, stored: CheckpointTuple, target: str
    ) -> Steps[Parked]:
        """Questions that a subgraph asks are in its parent's rows as well."""
        known = set(parked.questions.values())
        wanted = {
            row.task
            for row in parked.rows
            if row.channel == INTERRUPT and any(each.arg["id"] not in known for each in questions_in(row))
        }
        found: dict[str, str] = {}
        together: dict[str, list[Foreign]] = {}
        guarded = parked.guarded
        for here, there in parked.moved.items():
            if here.rsplit(":", 1)[-1] not in wanted:
                continue
            inner = yield Get(config_of(thread, there))
            if inner is None:
                continue
            metadata = metadata_of(inner)
            stamp = yield from self.stamp(inner, metadata, thread)
            rows = sorted_rows(inner.pending_writes or (), stamp.revision)
            shape = yield from self.translated(inner, thread, metadata, stamp, rows, self.alias, target)
            found.update(shape.parked.questions)
            if shape.parked.guarded:
                guarded = True
                together |= {
                    asked[-1].arg["id"]: asked
                    for row in shape.parked.rows
                    if row.channel == INTERRUPT and (asked := questions_in(row))
                }
        if not found:
            return parked

        def renamed(row: Row) -> Row:
            if row.channel != INTERRUPT:
                return row
            asked: dict[str, Foreign] = {}
            for each in questions_in(row):
                name = found.get(each.arg["id"]) or each.arg["id"]
                here = together.get(name, [replace(each, arg={**each.arg, "id": name})])
                asked.update((one.arg["id"], one) for one in here)
            return replace(row, value=list(asked.values()))

        return replace(
            parked,
            rows=tuple(map(renamed, parked.rows)),
            questions={**found, **parked.questions},
            guarded=guarded,
        )

    # -- namespaces ----------------------------------------------------------------------------------------------------

    def _spaces(
        self, thread: str, place: str, metadata: Mapping[str, Any], worlds: list[str]
    ) -> Steps[dict[str, tuple[str, Parked | None]]]:
        """What a stored namespace is called at each of some revisions, and the root around it there."""
        if place == "":
            return dict.fromkeys(worlds, ("", None))
        parts = place.split("|")
        size = max((number for number, part in enumerate(parts) if not part.isdigit()), default=0)
        above, own, rest = "|".join(parts[:size]), "|".join(parts[: size + 1]), parts[size + 1 :]
        parents = metadata.get("parents") or {}
        depth = len([part for part in above.split("|") if part])
        checkpoint = next(
            (
                name
                for space, name in parents.items()
                if len([part for part in space.split("|") if part]) == depth
            ),
            None,
        )
        parent = yield from self._stored(thread, above, checkpoint)
        if parent is None:
            return dict.fromkeys(worlds, (place, None))
        inside = metadata_of(parent)
        stamp = yield from self.stamp(parent, inside, thread)
        rows = sorted_rows(parent.pending_writes or (), stamp.revision)
        found: dict[str, tuple[str, Parked | None]] = {}
        outer = yield from self._spaces(thread, above, inside, [*worlds, stamp.revision])
        for world in worlds:
            around = outer[world][1]
            if world == stamp.revision:
                called = own
                parked = Parked(outer[world][0], checkpoint_of(parent), inside.get("step", -1) + 1, ())
            else:
                shape = yield from self._outline(parent, thread, inside, stamp, rows, world)
                parked = shape
                called = next((here for here, there in parked.moved.items() if there == own), own)
            if ":" not in place:
                called = self.name_at(own, world)
            found[world] = ("|".join((called, *rest)), around or parked)
        return found

    def _outline(
        self,
        stored: CheckpointTuple,
        thread: str,
        metadata: Mapping[str, Any],
        stamp: Stamp,
        rows: Stamped,
        world: str,
    ) -> Steps[Parked]:
        """A parent at another revision, with its own writes only: what its tasks are called there."""
        place = stored.config["configurable"].get("checkpoint_ns", "")
        spaces = yield from self._spaces(thread, place, metadata, [stamp.revision, world])
        parked = Parked(
            spaces[stamp.revision][0],
            checkpoint_of(stored),
            metadata.get("step", -1) + 1,
            rows.by_revision.get(stamp.revision, ()),
        )
        complement = yield from self.complements.found(thread, stamp.complement)
        made = translate(
            self.migrator,
            parked,
            stamp.revision,
            world,
            names=self.names(stamp.revision, world),
            nodes=(self.nodes(stamp.revision), self.nodes(world)),
            namespace=spaces[world][0],
            around=spaces[stamp.revision][1],
            complement=complement,
            thread=thread,
            shown=self.alias,
        )
        return made.parked


def _after(before: Parked, made: Parked, rows: tuple[Row, ...]) -> Parked:
    """What a translation made, with what it does not know: the translation before it, and what was written there since. Of two revisions
    that have answers of the same task, the one that has more was the last."""
    if not rows and not before.moved and not before.questions:
        return made
    asked = {row.task: _count(row) for row in made.rows if row.channel == RESUME}
    behind = {row.task for row in rows if row.channel == RESUME and _count(row) < asked.get(row.task, 0)}
    rows = tuple(row for row in rows if row.task not in behind or row.channel not in CONTROL)
    newer = {(row.task, row.channel) for row in rows if row.channel in CONTROL}
    older = tuple(row for row in made.rows if (row.task, row.channel) not in newer)
    chained = {here: before.moved.get(there, there) for here, there in made.moved.items()}
    passed = set(made.moved.values())
    passed_on = {old: made.questions.get(new, new) for old, new in before.questions.items()}
    return replace(
        made,
        rows=(*older, *rows),
        moved={**{here: there for here, there in before.moved.items() if here not in passed}, **chained},
        questions={**made.questions, **passed_on},
    )


def _count(row: Row) -> int:
    """How many answers a row holds."""
    answers = raw(row.value)
    return len(answers) if isinstance(answers, list) else 1
