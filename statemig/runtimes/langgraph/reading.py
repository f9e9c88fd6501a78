"""How a stored thread is read, without saying who reads: every step asks for something stored (`Get`, `Search`) and is sent it, so that
the sync and the async saver are one implementation."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Generator, Hashable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from langgraph.checkpoint.base import CheckpointTuple

from statemig import json_text
from statemig.document import Document
from statemig.envelope import Stamp
from statemig.errors import CursorError, NewerRevisionError, UnknownRevisionError, UnstampedError
from statemig.runtimes.langgraph.at_head import AtHead, Place
from statemig.runtimes.langgraph.complements import Complements, Statement
from statemig.runtimes.langgraph.document import questions_in
from statemig.runtimes.langgraph.identity import BRANCH
from statemig.runtimes.langgraph.misfit import hint_for
from statemig.runtimes.langgraph.stamps import (
    KEY,
    TASK,
    WORKFLOW,
    Stamped,
    sorted_rows,
    stamp_in,
    without_complement,
)
from statemig.runtimes.langgraph.steps import Names
from statemig.runtimes.langgraph.tasks import CONTROL, INTERRUPT, RESUME, Nodes, Parked, Row
from statemig.runtimes.langgraph.translation import Shown, as_it_is, translate
from statemig.runtimes.langgraph.values import Foreign, Stored, built, live, raw

if TYPE_CHECKING:
    from statemig.migrator import Migrator
    from statemig.plan.complement import Complement

Config = dict[str, Any]
Value = TypeVar("Value")
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Get:
    """One checkpoint: the answer is a tuple as it is stored, or None."""

    config: Config


@dataclass(frozen=True, slots=True)
class Search:
    """Several checkpoints, newest first: the answer is a list of tuples as they are stored."""

    config: Config | None
    options: Mapping[str, Any] = field(default_factory=dict)


Request = Get | Search | Statement
Steps = Generator[Request, Any, Made]


class Recent(Generic[Value]):
    """The last things that were seen; what has dropped out is found out again."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._kept: OrderedDict[Hashable, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Value | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Hashable, value: Value) -> None:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)

    def clear(self) -> None:
        with self._lock:
            self._kept.clear()


_NO_ROWS: Final = Stamped()


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a checkpoint that was read: its stored id and revision, and what the next one has to keep of it."""

    stored: str
    stamp: Stamp
    rows: Stamped = _NO_ROWS
    fresh: Mapping[str, Any] = field(default_factory=dict)
    held: Mapping[str, Mapping[int, Any]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """A checkpoint at the target revision."""

    parked: Parked
    complement: Complement
    seen: Seen
    document: Document | None = None


class Reading:
    """Reads threads at the revision `target`."""

    def __init__(
        self,
        migrator: Migrator,
        unstamped: str,
        on_newer: str,
        target: str,
        serde: Any,
        complements: Complements,
    ) -> None:
        self.migrator = migrator
        self.unstamped = unstamped
        self.on_newer = on_newer
        self.target = target
        self.serde = serde
        self.complements = complements
        self.graph: Any = None
        self._nodes: dict[str, Nodes] = {}
        self._names: dict[tuple[str, str], Names] = {}
        self.seen: Recent[Seen] = Recent(10_000)
        #: stored namespaces by (thread, namespace here)
        self.places: Recent[str] = Recent(10_000)
        #: threads whose root was read
        self.roots: Recent[bool] = Recent(10_000)
        #: stored ids by (thread, id here)
        self.aliases: Recent[str] = Recent(10_000)
        self.at_head = AtHead()

    def bind(self, graph: Any) -> None:
        self.graph = graph
        self._nodes.pop(self.target, None)
        self.at_head.clear()  # they were looked at without it

    def forget(self) -> None:
        """What is stored has been changed other than by going on."""
        for kept in (self.seen, self.places, self.roots, self.aliases, self.at_head):
            kept.clear()

    def nodes(self, revision: str) -> Nodes:
        found = self._nodes.get(revision)
        if found is None:
            snapshot = self.migrator.snapshot(revision)
            graph = self.graph if revision == self.target else None
            found = self._nodes[revision] = Nodes(snapshot, graph)
        return found

    def names(self, source: str, target: str) -> Names:
        found = self._names.get((source, target))
        if found is None:
            found = self._names[source, target] = Names.between(self.migrator, source, target)
        return found

    # -- one checkpoint ------------------------------------------------------------------------------------------------

    def look(self, found: CheckpointTuple, place: Place, stamp: Stamp) -> None:
        """Take note of a checkpoint that is at the target. Raises `CursorError` where LangGraph would end the run."""
        thread, namespace = str(place[0]), place[1]
        checkpoint: Any = found.checkpoint
        self.require_nodes(checkpoint, namespace, thread)
        if namespace == "":
            self.roots.put(thread, True)
        self.seen.put((thread, namespace, checkpoint["id"]), Seen(checkpoint["id"], stamp))

    def lies_where_it_says(self, config: Config) -> bool:
        """Whether what is asked for is stored under the names it is asked by."""
        inside = config["configurable"]
        if inside.get("checkpoint_ns"):
            return False
        asked = inside.get("checkpoint_id")
        return asked is None or self.aliases.get((str(inside["thread_id"]), asked)) is None

    def at_once(self, stored: CheckpointTuple | None) -> CheckpointTuple | None:
        """What is stored in the root, where it is at the target and says so like others before; None where it has to be looked into."""
        if stored is None:
            return None
        stamp = self.at_head.usual((stored.metadata or {}).get(KEY))
        if stamp is None or any(write[0].startswith(TASK) for write in stored.pending_writes or ()):
            return None
        thread = str(stored.config["configurable"]["thread_id"])
        self.roots.put(thread, True)
        return self._as_it_is(stored, thread, "", stamp, _NO_ROWS, known=True)

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

    def _stored(self, thread: str, place: str, checkpoint: str | None) -> Steps[CheckpointTuple | None]:
        name = self.aliases.get((thread, checkpoint)) or checkpoint
        found: CheckpointTuple | None = yield Get(_config(thread, place, name))
        if found is None and name is not None:
            each: CheckpointTuple
            for each in (yield Search(_config(thread, place))):
                real = each.config["configurable"]["checkpoint_id"]
                if real[:24] == name[:24] and name in self._aliases_of(real):
                    self.aliases.put((thread, name), real)
                    return each
        return found

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
            spaces = yield from self._spaces(name, place, _metadata(stored), [self.target])
            found.append((stored, name, spaces[self.target][0]))
        return found

    def shown(self, stored: CheckpointTuple, thread: str, namespace: str) -> Steps[CheckpointTuple]:
        """A stored checkpoint as today's code sees it."""
        metadata = _metadata(stored)
        stamp = yield from self.stamp(stored, metadata, thread)
        rows = sorted_rows(stored.pending_writes or (), stamp.revision)
        real = stored.config["configurable"]["checkpoint_id"]
        target = self._reachable([stamp.revision, *rows.by_revision], thread)
        if target is None or {stamp.revision, *rows.by_revision} == {target}:
            return self._as_it_is(stored, thread, namespace, stamp, rows, known=target is not None)
        shape = yield from self.translated(stored, thread, metadata, stamp, rows, self.alias)
        parked = shape.parked
        checkpoint = self._built(parked.checkpoint)
        self.require_nodes(checkpoint, namespace, thread)
        for here, there in parked.moved.items():
            self.places.put((thread, here), there)
        if checkpoint["id"] != real:
            self.aliases.put((thread, checkpoint["id"]), real)
        self.seen.put((thread, namespace, checkpoint["id"]), shape.seen)
        rows_here = (*parked.rows, *guards(parked))
        writes = [(row.task, row.channel, built(row.value, self.serde)) for row in rows_here]
        thread_id = stored.config["configurable"]["thread_id"]
        above = stored.parent_config
        said: Any = stored.metadata
        config: Any = _config(thread_id, namespace, checkpoint["id"])
        parent: Any = above and _config(thread_id, namespace, above["configurable"]["checkpoint_id"])
        shown: Any = without_complement(live(said))
        return CheckpointTuple(config, checkpoint, shown, parent, writes)

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
        self.seen.put((thread, namespace, real), Seen(real, stamp, rows))
        metadata: Any = live(stored.metadata)
        config: Any = stored.config
        parent: Any = stored.parent_config
        inside = config["configurable"]
        if known:
            self.require_nodes(checkpoint, namespace, thread)
        if inside.get("checkpoint_ns", "") != namespace:
            config = _config(inside["thread_id"], namespace, real)
            parent = parent and _config(
                inside["thread_id"], namespace, parent["configurable"]["checkpoint_id"]
            )
        elif known and not rows.stamps and KEY in metadata:
            self.at_head.put((inside["thread_id"], namespace), metadata[KEY], stamp, real)
        shown: Any = without_complement(metadata)
        writes = [(task, channel, live(value)) for task, channel, value in _unstamped(stored)]
        return CheckpointTuple(config, checkpoint, shown, parent, writes)

    def _built(self, checkpoint: Any) -> Any:
        values = checkpoint["channel_values"]
        return {
            **checkpoint,
            "channel_values": {name: built(each, self.serde) for name, each in values.items()},
        }

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

    # -- which revision ------------------------------------------------------------------------------------------------

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
                _config(inside["thread_id"], inside.get("checkpoint_ns", "")),
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
                    "graph.invoke(None, config with its checkpoint_id)",
                )
        return Stamp(workflow, self.unstamped, started=self.unstamped)

    def _reachable(self, revisions: list[str], thread: str) -> str | None:
        """The revision to show; None where newer shapes are passed as they are. Raises for a newer one as `on_newer` says."""
        if all(each == self.target for each in revisions):
            return self.target
        workflow = self.migrator.workflow
        for each in dict.fromkeys(revisions):
            known = each in self.migrator.known
            if known and self.migrator.version(each) <= self.migrator.version(self.target):
                continue
            if self.on_newer == "pass":
                return None
            if not known:
                raise UnknownRevisionError(
                    "this code does not know the revision",
                    run_id=thread,
                    workflow=workflow,
                    revision=each,
                    hint="A newer deploy wrote it: leave the thread to a newer worker, or give this one the newer migrations folder",
                )
            if self.on_newer == "refuse":
                raise NewerRevisionError(
                    f"a newer deploy has upgraded the thread, and this worker runs revision {self.target}",
                    run_id=thread,
                    workflow=workflow,
                    revision=each,
                    hint='Leave it to a newer worker, or say MigratingSaver(..., on_newer="downgrade")',
                )
        return self.target

    def require_nodes(
        self, checkpoint: Mapping[str, Any], namespace: str, thread: str, target: str | None = None
    ) -> None:
        """Raises `CursorError` where an edge leads to a node that there is not: LangGraph would end the run."""
        branches = [each for each in checkpoint["channel_values"] if each.startswith(BRANCH)]
        if not branches:
            return
        prefix = Parked(namespace, {}, 0, ()).prefix if namespace else ""
        known = self.nodes(target or self.target).known(prefix)
        if known is None:
            return
        for channel in branches:
            node = channel[len(BRANCH) :]
            if node in known or node.startswith("__"):
                continue
            seen = checkpoint["versions_seen"].get(node, {}).get(channel)
            if seen is None or checkpoint["channel_versions"][channel] > seen:
                raise CursorError(
                    f"thread {thread} stands on node {prefix + node!r}, which the graph does not have: LangGraph would "
                    "end the run here without a word",
                    run_id=thread,
                    workflow=self.migrator.workflow,
                    revision=target or self.target,
                    step=prefix + node,
                    hint=hint_for(self.migrator, target or self.target, self.graph, prefix + node),
                )

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
        if worlds[-1] != to or (called is not None and len(worlds) == 1):
            worlds.append(to)
        place = stored.config["configurable"].get("checkpoint_ns", "")
        spaces = yield from self._spaces(thread, place, metadata, worlds)
        first = spaces[worlds[0]][0]
        parked = Parked(
            first, _checkpoint(stored), metadata.get("step", -1) + 1, rows.by_revision.get(worlds[0], ())
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
            own = rows.by_revision.get(world, ()) if world != stamp.revision else ()
            parked = _after(parked, made.parked, own)
        parked = yield from self._with_questions_inside(parked, thread, stored, to)
        seen = Seen(
            stored.config["configurable"]["checkpoint_id"],
            replace(stamp, complement=complement),
            rows,
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
            inner = yield Get(_config(thread, there))
            if inner is None:
                continue
            metadata = _metadata(inner)
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

    def place(self, thread: str, namespace: str) -> Steps[str]:
        """Where a namespace lies."""
        if namespace == "":
            return ""
        if self.roots.get(thread) is None:
            yield from self.one(_config(thread, ""))
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
        native = yield Get(_config(thread, namespace))
        if native is None and ":" not in namespace:
            for old in self.names_before(namespace):
                found = yield Get(_config(thread, old))
                if found is not None:
                    self.places.put((thread, namespace), old)
                    return old
        if native is None and ":" in namespace:
            for stored in (yield Search(_config(thread, ""))):
                if self.seen.get((thread, "", stored.config["configurable"]["checkpoint_id"])) is None:
                    yield from self.shown(stored, thread, "")
                known = self.places.get((thread, namespace))
                if known is not None:
                    return known
        self.places.put((thread, namespace), namespace)
        return namespace

    def _revisions(self) -> list[str]:
        return sorted(self.migrator.known, key=self.migrator.version)

    def names_before(self, node: str, target: str | None = None) -> list[str]:
        """What a node of the graph was called before: a subgraph that keeps its own memory is stored under its name alone."""
        found: dict[str, None] = {}
        for revision in reversed(self._revisions()):
            names = self.names(revision, target or self.target)
            for old in self.nodes(revision).known("") or ():
                if old != node and names.ahead(old) == node:
                    found.setdefault(old)
        return list(found)

    def _name_at(self, node: str, world: str) -> str:
        """What a node that is stored under its name alone is called at a revision."""
        first = next(
            (each for each in self._revisions() if node in (self.nodes(each).known("") or ())), world
        )
        return self.names(first, world).ahead(node) or node

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
        inside = _metadata(parent)
        stamp = yield from self.stamp(parent, inside, thread)
        rows = sorted_rows(parent.pending_writes or (), stamp.revision)
        found: dict[str, tuple[str, Parked | None]] = {}
        outer = yield from self._spaces(thread, above, inside, [*worlds, stamp.revision])
        for world in worlds:
            around = outer[world][1]
            if world == stamp.revision:
                called = own
                parked = Parked(outer[world][0], _checkpoint(parent), inside.get("step", -1) + 1, ())
            else:
                shape = yield from self._outline(parent, thread, inside, stamp, rows, world)
                parked = shape
                called = next((here for here, there in parked.moved.items() if there == own), own)
            if ":" not in place:
                called = self._name_at(own, world)
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
            _checkpoint(stored),
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


def guards(parked: Parked) -> Iterator[Row]:
    """The questions that another one comes before, once more, as if other tasks asked them: LangGraph 1.0 looks at the first question of
    each task, and refuses an answer without an id only where there are several of those."""
    for row in parked.rows if parked.guarded else ():
        if row.channel == INTERRUPT and len(asked := questions_in(row)) > 1:
            yield Row(f"statemig:{row.task}", INTERRUPT, asked[-1:])


def _count(row: Row) -> int:
    """How many answers a row holds."""
    answers = raw(row.value)
    return len(answers) if isinstance(answers, list) else 1


def _unstamped(stored: CheckpointTuple) -> Any:
    return (each for each in stored.pending_writes or () if not each[0].startswith("statemig:"))


def _asked(config: Config) -> tuple[str, str, str | None]:
    inside = config["configurable"]
    return str(inside["thread_id"]), inside.get("checkpoint_ns") or "", inside.get("checkpoint_id")


def _config(thread: Any, namespace: str, checkpoint: str | None = None) -> Config:
    inside = {"thread_id": thread, "checkpoint_ns": namespace}
    if checkpoint:
        inside["checkpoint_id"] = checkpoint
    return {"configurable": inside}


def _metadata(stored: CheckpointTuple) -> Mapping[str, Any]:
    return stored.metadata or {}


def _checkpoint(stored: CheckpointTuple) -> dict[str, Any]:
    return raw(stored.checkpoint) if isinstance(stored.checkpoint, Stored) else dict(stored.checkpoint)
