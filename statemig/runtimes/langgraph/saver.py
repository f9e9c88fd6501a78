"""The saver that users put around theirs: threads written by older versions are read as if today's code had written them."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from langgraph.checkpoint.base import (
    BaseCheckpointSaver,
    ChannelVersions,
    Checkpoint,
    CheckpointMetadata,
    CheckpointTuple,
)

from statemig.errors import ConfigError
from statemig.runtimes.langgraph.appending import appended, astore, store
from statemig.runtimes.langgraph.misfit import older
from statemig.runtimes.langgraph.on_request import answers_today, translate_answers
from statemig.runtimes.langgraph.passing import Named, named, named_of_runs, unnamed
from statemig.runtimes.langgraph.reading import (
    Config,
    Get,
    Reading,
    Request,
    Search,
    Steps,
    is_newest_of_root,
)
from statemig.runtimes.langgraph.stored.complements import Complements, Copy
from statemig.runtimes.langgraph.stored.rows import rows_beside
from statemig.runtimes.langgraph.stored.stamps import stamped
from statemig.runtimes.langgraph.stored.values import Postponed
from statemig.runtimes.langgraph.writing import Writing, versions_after

if TYPE_CHECKING:
    from statemig.migrator import Migrator
    from statemig.runtimes.langgraph.turns import Turns
    from statemig.store.protocols import DeployStore

OnNewer = Literal["refuse", "downgrade", "pass"]


class MigratingSaver(BaseCheckpointSaver[Any]):
    """Any LangGraph checkpointer, with lazy upgrades: ``builder.compile(checkpointer=MigratingSaver(PostgresSaver(...), migrator))``.

    What is stored is translated on every read and never rewritten by one; what is written carries the stamp of `revision`, which is the one
    of the code that runs. A thread in which nothing is stamped is taken as the base revision, or as `unstamped` says. `on_newer` says
    what to do with a thread that a newer version has gone on with: "refuse" it, "downgrade" it (this worker needs the newer scripts), or
    "pass" it on as it is.

    Reading raises what a migration raises (`CursorError`, `InvalidStateError`, `MigrationHeld`, ...), `NewerRevisionError`,
    `UnknownRevisionError`, and `UnstampedError` where a graph without this saver went on with a thread.

    With `deploy` the saver is a worker, called `worker` (host and process where not given): it says that it lives, and reading raises
    `MigrationPinned` or `RoutedElsewhereError` for a thread of workers of another version, and `DrainingError` for a new one while this
    version drains.
    """

    def __init__(
        self,
        inner: BaseCheckpointSaver[Any],
        migrator: Migrator,
        unstamped: str = "base",
        on_newer: OnNewer = "refuse",
        *,
        revision: str = "head",
        deploy: DeployStore | None = None,
        worker: str | None = None,
    ) -> None:
        super().__init__(serde=inner.serde)
        if on_newer not in ("refuse", "downgrade", "pass"):
            raise ConfigError(f"on_newer is {on_newer!r}", hint='Say "refuse", "downgrade" or "pass"')
        base = min(migrator.known, key=migrator.version)
        self.inner = inner
        self.migrator = migrator
        self._rows = rows_beside(inner)
        self._reading = Reading(
            migrator,
            base if unstamped == "base" else migrator.resolve(unstamped),
            on_newer,
            migrator.resolve(revision),
            inner.serde,
            Complements(inner.serde, self._rows is not None),
        )
        self._writing = Writing(self._reading)
        self._reader = _postponing(inner)
        self._turns: Turns | None = None
        if deploy is not None:
            from statemig.runtimes.langgraph.turns import Turns  # most need no SQLAlchemy

            self._turns = Turns(deploy, self._reading, worker)

    def bind(self, graph: Any) -> MigratingSaver:
        """Tell it the compiled graph, whose nodes and joins are then known beyond what the snapshot says. Returns self.

        Raises `ConfigError` where the graph has the steps and fields of an older revision than threads are brought to.
        """
        target = self._reading.target
        fits = older(self.migrator, target, graph)
        if fits is not None:
            raise ConfigError(
                f"threads are brought to revision {target}, and the graph is that of revision {fits}: this code is older than its folder "
                "of migrations",
                workflow=self.migrator.workflow,
                revision=target,
                hint=f'Say MigratingSaver(..., revision="{fits}"). If the graph has gone back on purpose, add a revision',
            )
        self._reading.bind(graph)
        return self

    def leave(self) -> None:
        """This worker has stopped. Without it, it is taken to live for some minutes more."""
        if self._turns is not None:
            self._turns.leave()

    # -- reading -------------------------------------------------------------------------------------------------------

    def get_tuple(self, config: Any) -> CheckpointTuple | None:
        reading = self._reading
        if self._turns is not None:
            self._run(self._turns.require(reading, config, self._turns.beat()))
        guess = reading.at_head.guess(config)
        if guess is not None:
            stored = self.inner.get_tuple(config)
            if stored is not None:
                found = reading.at_head.seen(guess, stored, reading)
                if found is stored:
                    return stored
                if found is not None:
                    translate_answers(reading, config, found)
                    return found
            elif is_newest_of_root(config):
                return None
        stored = self._reader.get_tuple(config) if reading.lies_where_it_says(config) else None
        if stored is None and is_newest_of_root(config):
            return None
        found = reading.at_once(stored)
        if found is None:
            found = self._run(reading.one(config, stored))
        translate_answers(reading, config, found)
        return found

    async def aget_tuple(self, config: Any) -> CheckpointTuple | None:
        reading = self._reading
        if self._turns is not None:
            view = await asyncio.to_thread(self._turns.beat)
            await self._arun(self._turns.require(reading, config, view))
        guess = reading.at_head.guess(config)
        if guess is not None:
            stored = await self.inner.aget_tuple(config)
            if stored is not None:
                found = reading.at_head.seen(guess, stored, reading)
                if found is stored:
                    return stored
                if found is not None:
                    translate_answers(reading, config, found)
                    return found
            elif is_newest_of_root(config):
                return None
        stored = await self._reader.aget_tuple(config) if reading.lies_where_it_says(config) else None
        if stored is None and is_newest_of_root(config):
            return None
        found = reading.at_once(stored)
        if found is None:
            found = await self._arun(reading.one(config, stored))
        translate_answers(reading, config, found)
        return found

    def list(
        self,
        config: Any,
        *,
        filter: dict[str, Any] | None = None,
        before: Any = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        options = {"filter": filter, "before": before, "limit": limit}
        for stored, thread, namespace in self._run(self._reading.several(config, options)):
            yield self._run(self._reading.shown(stored, thread, namespace))

    async def alist(
        self,
        config: Any,
        *,
        filter: dict[str, Any] | None = None,
        before: Any = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        options = {"filter": filter, "before": before, "limit": limit}
        for stored, thread, namespace in await self._arun(self._reading.several(config, options)):
            yield await self._arun(self._reading.shown(stored, thread, namespace))

    # -- writing -------------------------------------------------------------------------------------------------------

    def put(
        self, config: Any, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> Any:
        place, parent, stamp = self._run(self._writing.before_put(config))
        said, versions = stamped(metadata, stamp), versions_after(parent, checkpoint, new_versions)
        self.inner.put(place, checkpoint, said, versions)
        return self._writing.was_put(config, place, checkpoint, stamp, said)

    async def aput(
        self, config: Any, checkpoint: Checkpoint, metadata: CheckpointMetadata, new_versions: ChannelVersions
    ) -> Any:
        place, parent, stamp = await self._arun(self._writing.before_put(config))
        said, versions = stamped(metadata, stamp), versions_after(parent, checkpoint, new_versions)
        await self.inner.aput(place, checkpoint, said, versions)
        return self._writing.was_put(config, place, checkpoint, stamp, said)

    def put_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        for arguments in self._run(self._writing.writes(config, writes, task_id, task_path)):
            self.inner.put_writes(*arguments)

    async def aput_writes(
        self, config: Any, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        for arguments in await self._arun(self._writing.writes(config, writes, task_id, task_path)):
            await self.inner.aput_writes(*arguments)

    # -- on request ----------------------------------------------------------------------------------------------------

    def resume_map(self, config: Any, answers: Mapping[str, Any]) -> dict[str, Any]:
        """Answers by the ids of today, for ``Command(resume=...)``, from answers by ids that a client was given by an older version.

        LangGraph ignores an id that it does not know. Raises `AnswerError` for one that belongs to no open question, and where the new
        version asks another question first.
        """
        found: dict[str, Any] = self._run(answers_today(self._reading, config, answers))
        return found

    async def aresume_map(self, config: Any, answers: Mapping[str, Any]) -> dict[str, Any]:
        """`resume_map` in an event loop."""
        found: dict[str, Any] = await self._arun(answers_today(self._reading, config, answers))
        return found

    def downgrade(self, config: Any, to: str) -> None:
        """Bring a stored thread back to an older revision, exactly where nothing has changed since: for code that does not know this
        saver, or not the newer scripts. A checkpoint is appended and nothing is deleted; questions get new ids. Raises as reading does."""
        made = self._run(appended(self._reading, config, self.migrator.resolve(to)))
        for each in made.written:
            store(each, self._reader, self._rows)
        self._forget()

    async def adowngrade(self, config: Any, to: str) -> None:
        """`downgrade` in an event loop."""
        made = await self._arun(appended(self._reading, config, self.migrator.resolve(to)))
        for each in made.written:
            await astore(each, self._reader, self._rows)
        self._forget()

    # -- passed on -----------------------------------------------------------------------------------------------------

    @property
    def config_specs(self) -> Any:
        return self.inner.config_specs

    def get_next_version(self, current: Any, channel: None) -> Any:
        return self.inner.get_next_version(current, channel)

    def _able(self, method: str) -> Any:
        """What savers of an older LangGraph do not have is refused as the newer ones refuse what they cannot do."""
        found = getattr(self.inner, method, None)
        if found is None:
            raise NotImplementedError(
                f"{type(self.inner).__name__} has no {method} in this version of LangGraph"
            )
        return found

    def delete_thread(self, thread_id: str) -> None:
        self.inner.delete_thread(thread_id)
        self._run(unnamed(self._reading, {thread_id: frozenset()}))
        self._forget()

    async def adelete_thread(self, thread_id: str) -> None:
        await self.inner.adelete_thread(thread_id)
        await self._arun(unnamed(self._reading, {thread_id: frozenset()}))
        self._forget()

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        delete_for_runs = self._able("delete_for_runs")
        before: Named = self._run(named_of_runs(self._reading, run_ids))
        delete_for_runs(run_ids)
        self._run(unnamed(self._reading, before))
        self._forget()

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        adelete_for_runs = self._able("adelete_for_runs")
        before: Named = await self._arun(named_of_runs(self._reading, run_ids))
        await adelete_for_runs(run_ids)
        await self._arun(unnamed(self._reading, before))
        self._forget()

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        copy_thread = self._able("copy_thread")
        if self._rows is not None:
            self._rows.do(Copy(str(source_thread_id), str(target_thread_id)))
        copy_thread(source_thread_id, target_thread_id)
        self._forget()

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        acopy_thread = self._able("acopy_thread")
        if self._rows is not None:
            await self._rows.ado(Copy(str(source_thread_id), str(target_thread_id)))
        await acopy_thread(source_thread_id, target_thread_id)
        self._forget()

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        prune = self._able("prune")
        before: Named = self._run(named(self._reading, thread_ids))
        prune(thread_ids, strategy=strategy)
        self._run(unnamed(self._reading, before))
        self._forget()

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        aprune = self._able("aprune")
        before: Named = await self._arun(named(self._reading, thread_ids))
        await aprune(thread_ids, strategy=strategy)
        await self._arun(unnamed(self._reading, before))
        self._forget()

    def _forget(self) -> None:
        self._reading.forget()

    def with_allowlist(self, extra_allowlist: Collection[tuple[str, ...]]) -> MigratingSaver:
        inner = self.inner.with_allowlist(extra_allowlist)
        if inner is self.inner:
            return self
        clone = copy.copy(self)
        clone.inner = inner
        clone.serde = inner.serde
        clone._reader = _postponing(inner)
        clone._reading = copy.copy(self._reading)
        clone._reading.serde = inner.serde
        clone._writing = Writing(clone._reading)
        return clone

    # -- asking the saver inside ---------------------------------------------------------------------------------------

    def _run(self, steps: Steps[Any]) -> Any:
        answer: Any = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            answer = self._answer(request)

    def _answer(self, request: Request) -> Any:
        match request:
            case Get(config):
                return self._reader.get_tuple(config)
            case Search(config, options):
                return [*self._reader.list(config, **_given(options))]
        return self._rows.do(request) if self._rows is not None else None

    async def _arun(self, steps: Steps[Any]) -> Any:
        answer: Any = None
        while True:
            try:
                request = steps.send(answer)
            except StopIteration as done:
                return done.value
            match request:
                case Get(config):
                    answer = await self._reader.aget_tuple(config)
                case Search(config, options):
                    answer = [each async for each in self._reader.alist(config, **_given(options))]
                case _:
                    answer = await self._rows.ado(request) if self._rows is not None else None


def _given(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def _postponing(inner: BaseCheckpointSaver[Any]) -> Any:
    """The same saver on the same storage, decoding nothing."""
    reader = copy.copy(inner)
    reader.serde = Postponed(inner.serde)
    return reader


__all__ = ["Config", "MigratingSaver"]
