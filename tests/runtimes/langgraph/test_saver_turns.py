"""A saver is a worker of a deploy: it says what it runs, and hands out no thread that is for another version."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph_nodes import yes
from langgraph_savers import Storage
from langgraph_scenarios import named
from langgraph_threads import Threads

from statemig.deploy import Router, begin_drain, complete, end_drain, start
from statemig.errors import DrainingError, MigrationPinned, RoutedElsewhereError
from statemig.fleet.inventory import take
from statemig.runtimes.langgraph import MigratingSaver
from statemig.store.deploy_store import SqlDeployStore

RENAMED = named("step-and-field-renamed")


class Deployed(Threads):
    """Threads whose workers know what was said of the deploy."""

    def worker(self, version: int) -> dict[str, Any]:
        url = f"sqlite:///{Path(self.storage.where).with_name('deploy.db')}"
        return {"deploy": SqlDeployStore(url, "flow"), "worker": f"v{version}"}

    def work(self, thread: str, version: int, *inputs: Any) -> Any:
        return self.run(thread, version, *inputs, **self.worker(version))


@pytest.fixture
def deployed(tmp_path: Path) -> Deployed:
    return Deployed(RENAMED, Storage("sqlite", tmp_path / "checkpoints.db"))


def fleet(deployed: Deployed) -> Any:
    return deployed.fleet(deploy=deployed.worker(0)["deploy"])


def test_a_saver_says_that_it_lives_and_what_it_can_take(deployed: Deployed) -> None:
    deployed.work("t1", 1, {"topic": "x"})
    deployed.work("t1", 2)
    found = {each.name: (each.revision, each.reads) for each in fleet(deployed).deploy.workers()}
    assert found == {"v1": ("r1", {"r1"}), "v2": ("r2", {"r1", "r2"})}
    assert take(fleet(deployed)).zombies == 0


def test_a_worker_that_has_left_takes_nothing(deployed: Deployed) -> None:
    deployed.work("t1", 1, {"topic": "x"})
    with deployed.storage.open() as inner:
        MigratingSaver(inner, deployed.migrator, revision="r1", **deployed.worker(1)).leave()
    assert take(fleet(deployed)).zombies == 1


def test_a_pinned_thread_is_handed_out_by_its_version_alone(deployed: Deployed) -> None:
    deployed.work("t1", 1, {"topic": "x"})
    Router(fleet(deployed)).pin("t1", "r1")
    with pytest.raises(
        MigrationPinned, match="the thread is for workers of r1: it is pinned to r1; taken by v1"
    ):
        deployed.work("t1", 2)
    assert deployed.work("t1", 1, yes).next == ("check",)
    Router(fleet(deployed)).pin("t1", None)
    assert deployed.work("t1", 2).next == ("check",)


@pytest.mark.parametrize(
    "say",
    [
        lambda router: router.policy("workflow", "", "route"),
        lambda router: router.policy("step", "approve", "route"),
        lambda router: router.policy("run", "t1", "route"),
        lambda router: router.prefer("r1"),
    ],
    ids=["workflow", "step", "run", "preferred"],
)
def test_a_thread_that_is_routed_elsewhere_is_refused(
    say: Callable[[Router], object], deployed: Deployed
) -> None:
    deployed.work("t1", 1, {"topic": "x"})
    say(Router(fleet(deployed)))
    with pytest.raises(RoutedElsewhereError, match=r"the thread is for workers of r1: .*; taken by v1"):
        deployed.work("t1", 2)
    assert deployed.work("t1", 1).next == ("approve",)


def test_while_the_window_is_open_threads_stay_with_their_version(deployed: Deployed) -> None:
    deployed.work("t1", 1, {"topic": "x"})
    there = fleet(deployed)
    assert start(there, "r2", in_memory=there.keeps_beside).modes == {"r1": "pin"}
    Router(there).prefer("r2")
    with pytest.raises(RoutedElsewhereError, match="until the deploy is complete it stays"):
        deployed.work("t1", 2)
    complete(there, force=True)
    assert deployed.work("t1", 2).next == ("review",)


def test_no_new_thread_starts_while_its_version_drains(deployed: Deployed) -> None:
    deployed.work("t1", 1, {"topic": "x"})
    begin_drain(fleet(deployed), "r1")
    with pytest.raises(DrainingError, match="no new threads of this version start while it drains"):
        deployed.work("t2", 1, {"topic": "x"})
    assert deployed.log == ["write"]  # of the first
    assert deployed.work("t1", 1, yes).next == ("check",)
    deployed.work("t3", 2, {"topic": "x"})
    end_drain(fleet(deployed), "r1")
    assert deployed.work("t2", 1, {"topic": "x"}).next == ("approve",)


def test_it_is_the_same_in_an_event_loop(deployed: Deployed) -> None:
    async def go() -> None:
        async with deployed.storage.aopen() as inner:
            saver = MigratingSaver(inner, deployed.migrator, **deployed.worker(2))
            graph = RENAMED.versions[1]([]).compile(checkpointer=saver, name="flow")
            with pytest.raises(MigrationPinned):
                await graph.ainvoke(yes, {"configurable": {"thread_id": "t1"}})

    deployed.work("t1", 1, {"topic": "x"})
    Router(fleet(deployed)).pin("t1", "r1")
    asyncio.run(go())


def test_what_was_said_is_read_again_only_when_it_changes(deployed: Deployed) -> None:
    deployed.work("t1", 1, {"topic": "x"})
    Router(fleet(deployed)).policy("workflow", "", "migrate")
    asked: list[str] = []

    class Counted(SqlDeployStore):
        def policies(self) -> Any:
            asked.append("policies")
            return super().policies()

    url = f"sqlite:///{Path(deployed.storage.where).with_name('deploy.db')}"
    with deployed.storage.open() as inner:
        saver = MigratingSaver(inner, deployed.migrator, deploy=Counted(url, "flow"), worker="v2")
        for _ in range(5):
            saver.get_tuple({"configurable": {"thread_id": "t1"}})
        assert len(asked) == 1
        Router(fleet(deployed)).policy("workflow", "", "route")
        with pytest.raises(RoutedElsewhereError):
            saver.get_tuple({"configurable": {"thread_id": "t1"}})
