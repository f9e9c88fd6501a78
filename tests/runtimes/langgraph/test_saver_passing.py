"""All that LangGraph and its users do with a saver, through the wrapper: on every storage, sync and async."""

from __future__ import annotations

import asyncio
import inspect
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, closing
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.types import Command
from langgraph_nodes import Log, yes
from langgraph_play import MODES, THREAD, Mode, Scenario
from langgraph_savers import Storage
from langgraph_scenarios import named
from langgraph_states import forget_classes

from statemig.errors import NewerRevisionError
from statemig.runtimes.langgraph import MigratingSaver

RENAMED = named("step-and-field-renamed")
INSIDE = named("subgraph-and-step-in-it-renamed")
FINE = Command(resume="fine")
SENT = "summary='X'; answer='yes'; note='fine'"
modes = pytest.mark.parametrize("mode", MODES)


class Worker:
    """A graph and its saver, asked in one way for both modes."""

    def __init__(self, graph: Any, saver: Any, mode: Mode) -> None:
        self.graph = graph
        self.saver = saver
        self._prefix = "a" if mode == "async" else ""

    async def ask(self, of: Any, name: str, *given: Any, **options: Any) -> Any:
        """What a method gives, or its async twin; all of it, where it is an iterator."""
        found = getattr(of, self._prefix + name)(*given, **options)
        if inspect.isawaitable(found):
            return await found
        if hasattr(found, "__aiter__"):
            return [each async for each in found]
        return [*found] if hasattr(found, "__next__") else found

    async def go(self, *inputs: Any, config: Any = THREAD) -> Any:
        for value in inputs:
            await self.ask(self.graph, "invoke", value, config)
        return await self.ask(self.graph, "get_state", config)

    async def history(self) -> list[Any]:
        found: list[Any] = await self.ask(self.graph, "get_state_history", THREAD)
        return found

    async def stored(self) -> list[Any]:
        inner = getattr(self.saver, "inner", self.saver)
        found: list[Any] = await self.ask(inner, "list", {"configurable": {"thread_id": "t1"}})
        return found


class Deploys:
    """Workers of the versions of a scenario on one storage, all of them sync or all async."""

    def __init__(self, storage: Storage, mode: Mode, scenario: Scenario = RENAMED) -> None:
        self.storage = storage
        self.mode = mode
        self.scenario = scenario
        self.log: Log = []

    @asynccontextmanager
    async def worker(self, version: int, *, wrapped: bool = True, **options: Any) -> AsyncIterator[Worker]:
        async with self.storage.opened(self.mode) as inner:
            saver = inner
            if wrapped:
                saver = MigratingSaver(inner, self.scenario.migrator(), revision=f"r{version}", **options)
            forget_classes()
            graph = self.scenario.versions[version - 1](self.log).compile(checkpointer=saver, name="flow")
            yield Worker(graph, saver, self.mode)

    async def run(self, version: int, *inputs: Any, config: Any = THREAD, **options: Any) -> Any:
        async with self.worker(version, **options) as worker:
            return await worker.go(*inputs, config=config)


def on_every_saver(test: Callable[[Deploys], Coroutine[Any, Any, None]]) -> Any:
    @modes
    def run(storage: Storage, mode: Mode) -> None:
        asyncio.run(test(Deploys(storage, mode)))

    run.__doc__ = test.__doc__
    run.__name__ = test.__name__
    return run


def _revisions(stored: list[Any]) -> list[str | None]:
    return [(each.metadata or {}).get("statemig", {}).get("revision") for each in stored]


# -- looking back ------------------------------------------------------------------------------------------------------


@on_every_saver
async def test_history_is_that_of_todays_version(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    await deploys.run(2, yes)
    async with deploys.worker(2) as worker:
        history = [(dict(each.values), each.next) for each in await worker.history()]
        assert _revisions(await worker.stored()) == ["r2", "r1", "r1", "r1"]
    assert history == [
        ({"topic": "x", "summary": "X", "answer": "yes"}, ("check",)),
        ({"topic": "x", "summary": "X"}, ("review",)),
        ({"topic": "x"}, ("write",)),
        ({}, ("__start__",)),
    ]


@on_every_saver
async def test_history_can_be_cut_and_filtered(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    async with deploys.worker(2) as worker:
        newest, *older = await worker.history()
        (one,) = await worker.ask(worker.graph, "get_state_history", THREAD, limit=1)
        before = await worker.ask(worker.graph, "get_state_history", THREAD, before=newest.config)
        inputs = await worker.ask(worker.graph, "get_state_history", THREAD, filter={"source": "input"})
        ours = await worker.ask(worker.saver, "list", None, filter={"statemig_workflow": "flow"})
    assert one.config == newest.config
    assert [each.config for each in before] == [each.config for each in older]
    assert [each.next for each in inputs] == [("__start__",)]
    assert len(ours) == 3


@pytest.mark.skipif(
    version("langgraph").startswith("1.0."),
    reason="LangGraph 1.0 gives a question of then its answer of then again, without statemig just as with it",
)
@on_every_saver
async def test_a_run_goes_on_from_a_checkpoint_of_an_older_version(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    await deploys.run(2, yes, FINE)
    async with deploys.worker(2) as worker:
        old = next(each for each in await worker.history() if each.next == ("review",))
        await worker.go(None, config=old.config)
        found = await worker.go(Command(resume="no"), Command(resume="well"))
        assert _revisions(await worker.stored())[0] == "r2"
    assert found.values == {"topic": "x", "summary": "X", "answer": "no", "note": "well", "done": True}
    assert deploys.log[-3:] == ["review: no", "check: well", "summary='X'; answer='no'; note='well'"]


@on_every_saver
async def test_a_state_is_updated_on_a_checkpoint_of_an_older_version(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    async with deploys.worker(2) as worker:
        await worker.ask(worker.graph, "update_state", THREAD, {"topic": "y", "summary": "Y"})
        assert _revisions(await worker.stored())[:2] == ["r2", "r1"]
        found = await worker.go(None, yes, FINE)
    assert found.values == {"topic": "y", "summary": "Y", "answer": "yes", "note": "fine", "done": True}
    assert deploys.log == ["write", "review: yes", "check: fine", "summary='Y'; answer='yes'; note='fine'"]


@on_every_saver
async def test_a_state_is_updated_as_a_node_of_today(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    async with deploys.worker(2) as worker:
        await worker.ask(worker.graph, "update_state", THREAD, {"answer": "forced"}, as_node="review")
        assert (await worker.go(None)).next == ("check",)
    assert deploys.log == ["write"]


# -- stamps ------------------------------------------------------------------------------------------------------------


@modes
def test_every_checkpoint_that_a_graph_writes_says_its_revision(storage: Storage, mode: Mode) -> None:
    async def go() -> None:
        deploys = Deploys(storage, mode, INSIDE)
        await deploys.run(1, {"topic": "x"})
        async with deploys.worker(2) as worker:
            await worker.go(yes)
            stored = await worker.stored()
        assert {each.config["configurable"]["checkpoint_ns"].split(":")[0] for each in stored} == {
            "",
            "inner",
        }
        assert set(_revisions(stored)) == {"r1", "r2"}
        assert all(each.metadata["statemig_workflow"] == "flow" for each in stored)

    asyncio.run(go())


@on_every_saver
async def test_a_newer_thread_is_refused_and_can_be_passed_on(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    await deploys.run(2, yes)
    with pytest.raises(NewerRevisionError):
        await deploys.run(1)
    async with deploys.worker(1, on_newer="pass") as worker:
        assert (await worker.go()).next == ("check",)
        assert "summary" in (await worker.ask(worker.saver, "get_tuple", THREAD)).checkpoint["channel_values"]


# -- coming and going --------------------------------------------------------------------------------------------------


def _as_stored(checkpoint: Any, serde: Any) -> Any:
    """What a checkpoint holds, to the byte; without what is drawn or measured anew each time."""
    return serde.dumps_typed(checkpoint["channel_values"]), sorted(checkpoint["channel_versions"])


@on_every_saver
async def test_the_first_deploy_stores_what_langgraph_alone_would(deploys: Deploys) -> None:
    """To the byte, but for the stamp in the metadata."""

    async def parked(wrapped: bool) -> list[Any]:
        async with deploys.worker(1, wrapped=wrapped) as worker:
            await worker.go({"topic": "x"})
            serde = worker.saver.serde
            stored = await worker.stored()
            await worker.ask(worker.saver, "delete_thread", "t1")
        said = [
            {name: value for name, value in each.metadata.items() if not name.startswith("statemig")}
            for each in stored
        ]
        writes = [
            [
                (channel, serde.dumps_typed(value))
                for _, channel, value in each.pending_writes
                if channel != "__interrupt__"
            ]
            for each in stored
        ]
        return [said, writes, [_as_stored(each.checkpoint, serde) for each in stored]]

    assert await parked(True) == await parked(False)


@modes
def test_reading_writes_nothing(mode: Mode, tmp_path: Path) -> None:
    async def go() -> None:
        deploys = Deploys(Storage("sqlite", tmp_path / "c.db"), mode)
        await deploys.run(1, {"topic": "x"}, wrapped=False)
        before = dump()
        async with deploys.worker(2) as worker:
            await worker.go()
            await worker.history()
        assert dump() == before

    def dump() -> list[str]:
        with closing(sqlite3.connect(tmp_path / "c.db")) as connection:
            return [*connection.iterdump()]

    asyncio.run(go())


@on_every_saver
async def test_a_graph_without_the_wrapper_goes_on_after_the_first_deploy(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    found = await deploys.run(1, yes, FINE, wrapped=False)
    assert found.values == {"topic": "x", "draft": "X", "answer": "yes", "note": "fine", "done": True}


@on_every_saver
async def test_a_graph_without_the_wrapper_goes_on_with_what_was_upgraded(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"}, wrapped=False)
    await deploys.run(2, yes)
    await deploys.run(2, FINE, wrapped=False)
    assert deploys.log == ["write", "review: yes", "check: fine", SENT]


# -- deleting, copying, pruning ----------------------------------------------------------------------------------------


@on_every_saver
async def test_a_deleted_thread_is_gone_and_can_begin_again(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    async with deploys.worker(2) as worker:
        await worker.go(yes)
        await worker.ask(worker.saver, "delete_thread", "t1")
        assert await worker.ask(worker.saver, "get_tuple", THREAD) is None
        assert (await worker.go({"topic": "z"})).values == {"topic": "z", "summary": "Z"}


@on_every_saver
async def test_pruning_is_what_the_saver_inside_can_do(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    async with deploys.worker(2) as worker:
        if deploys.storage.kind == "postgres" and hasattr(BaseCheckpointSaver, "prune"):
            await worker.ask(worker.saver, "prune", ["t1"])
            assert _revisions(await worker.stored()) == ["r1"]
        else:
            with pytest.raises(NotImplementedError):
                await worker.ask(worker.saver, "prune", ["t1"])
        await worker.go(yes, FINE)
    assert deploys.log == ["write", "review: yes", "check: fine", SENT]


@on_every_saver
async def test_copying_and_deleting_by_run_are_what_the_saver_inside_can_do(deploys: Deploys) -> None:
    await deploys.run(1, {"topic": "x"})
    async with deploys.worker(2) as worker:
        for name, given in (("copy_thread", ("t1", "t2")), ("delete_for_runs", (["run"],))):
            inside = getattr(type(worker.saver.inner), name, None)
            if inside is not getattr(BaseCheckpointSaver, name, None):
                await worker.ask(worker.saver, name, *given)
            else:
                with pytest.raises(NotImplementedError):
                    await worker.ask(worker.saver, name, *given)
        await worker.go(yes, FINE)
    assert deploys.log == ["write", "review: yes", "check: fine", SENT]
