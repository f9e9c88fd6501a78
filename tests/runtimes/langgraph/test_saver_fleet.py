"""Deploys and rollbacks: workers of several versions on the same threads, threads without a stamp, and statemig itself coming and going."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.types import Command
from langgraph_nodes import Log, asks, chain, writes, yes
from langgraph_play import THREAD, Scenario
from langgraph_savers import Storage
from langgraph_scenarios import named
from langgraph_scenarios.fields import WITH_SUMMARY
from langgraph_states import forget_classes, shown

from statemig.errors import (
    AnswerError,
    ConfigError,
    CursorError,
    NewerRevisionError,
    UnknownRevisionError,
    UnstampedError,
)
from statemig.runtimes.langgraph import MigratingSaver

RENAMED = named("step-and-field-renamed")
INSIDE = named("subgraph-and-step-in-it-renamed")
MODELS_CHANGED = [named("nested-renamed"), named("nested-renamed-with-default")]
SIBLING = named("finished-sibling-renamed")


class Workers:
    """Workers of the versions of a scenario, on one storage."""

    def __init__(self, scenario: Scenario, storage: Storage) -> None:
        self.scenario = scenario
        self.storage = storage
        self.migrator = scenario.migrator()
        self.log: Log = []

    def run(
        self, version: int, *inputs: Any, wrapped: bool = True, config: Any = THREAD, **options: Any
    ) -> Any:
        """What the thread is like afterwards."""
        with self.storage.open() as inner:
            saver = (
                MigratingSaver(inner, self.migrator, revision=f"r{version}", **options) if wrapped else inner
            )
            forget_classes()
            graph = self.scenario.versions[version - 1](self.log).compile(checkpointer=saver, name="flow")
            for value in inputs:
                graph.invoke(value, config)
            return graph.get_state(config)

    def saver(self, work: Any, **options: Any) -> Any:
        with self.storage.open() as inner:
            return work(MigratingSaver(inner, self.migrator, **options))


def test_the_first_deploy_with_statemig_changes_nothing(storage: Storage) -> None:
    workers = Workers(RENAMED, storage)
    before = workers.run(1, {"topic": "x"}, wrapped=False)
    assert workers.run(1) == before
    workers.run(1, yes, Command(resume="fine"))
    assert workers.log[-1] == "draft='X'; answer='yes'; note='fine'"


def test_an_old_worker_refuses_what_a_newer_one_has_gone_on_with(storage: Storage) -> None:
    workers = Workers(RENAMED, storage)
    workers.run(1, {"topic": "x"})
    workers.run(2, yes)
    with pytest.raises(
        NewerRevisionError, match="run t1, workflow flow, revision r2: a newer deploy has upgraded the thread"
    ):
        workers.run(1)


def test_a_revision_that_nobody_knows_is_refused(storage: Storage) -> None:
    workers = Workers(RENAMED, storage)
    workers.run(1, {"topic": "x"})
    workers.run(2, yes)
    old = Workers(Scenario("", RENAMED.versions[:1], (), (), None, ()), storage)
    with pytest.raises(
        UnknownRevisionError, match="run t1, workflow flow, revision r2: this code does not know the revision"
    ):
        old.run(1, on_newer="downgrade")


def test_a_checkpoint_without_a_stamp_below_a_stamped_one_is_refused(storage: Storage) -> None:
    workers = Workers(RENAMED, storage)
    workers.run(1, {"topic": "x"})
    workers.run(1, yes, wrapped=False)
    with pytest.raises(UnstampedError, match="a graph without the MigratingSaver wrote it"):
        workers.run(2)


def test_threads_without_a_stamp_are_what_is_said_of_them(storage: Storage) -> None:
    workers = Workers(RENAMED, storage)
    before = workers.run(2, {"topic": "x"}, wrapped=False)
    assert workers.run(2, unstamped="r2") == before


def test_a_node_that_is_not_there_is_named_with_the_line_to_add(storage: Storage) -> None:
    scenario = Scenario(
        "", RENAMED.versions, (lambda op: op.rename_field("state.draft", to="summary"),), (), None, ()
    )
    workers = Workers(scenario, storage)
    workers.run(1, {"topic": "x"})
    with pytest.raises(CursorError) as raised:
        workers.run(2)
    assert raised.value.run_id == "t1"
    assert raised.value.step == "approve"
    assert 'op.rename_step("approve", to=...)' in str(raised.value)


def test_a_node_of_the_bound_graph_is_missed_without_a_revision(storage: Storage) -> None:
    scenario = Scenario("", RENAMED.versions[:1], (), (), None, ())
    workers = Workers(scenario, storage)
    workers.run(1, {"topic": "x"})
    newer = chain(WITH_SUMMARY, write=writes("write"), review=asks("review", "answer"))(workers.log)
    with storage.open() as inner:
        saver = MigratingSaver(inner, workers.migrator)
        graph = newer.compile(checkpointer=saver)
        saver.bind(graph)
        with pytest.raises(
            CursorError, match="thread t1 stands on node 'approve', which the graph does not have"
        ):
            graph.invoke(yes, THREAD)


@pytest.mark.skipif(
    not hasattr(BaseCheckpointSaver, "with_allowlist"),
    reason="LangGraph 1.0.0 has no list of allowed modules",
)
def test_a_graph_is_bound_for_the_clone_that_it_was_compiled_with(storage: Storage) -> None:
    """With LANGGRAPH_STRICT_MSGPACK=true compiling puts a clone, with the graph's types on its list, in the place of the saver."""
    workers = Workers(Scenario("", RENAMED.versions[:1], (), (), None, ()), storage)
    workers.run(1, {"topic": "x"})
    newer = chain(WITH_SUMMARY, write=writes("write"), review=asks("review", "answer"))(workers.log)
    with storage.open() as inner:
        inner.serde = JsonPlusSerializer(allowed_msgpack_modules=[("app", "State")])
        saver = MigratingSaver(inner, workers.migrator)
        clone = saver.with_allowlist([("app", "Other")])
        assert clone is not saver
        graph = newer.compile(checkpointer=clone)
        saver.bind(graph)
        with pytest.raises(CursorError, match="which the graph does not have"):
            graph.invoke(yes, THREAD)


def _bound(scenario: Scenario, graph: int, storage: Storage, revision: str = "head") -> Any:
    """A worker with the graph of one version and the folder of all."""
    with storage.open() as inner:
        forget_classes()
        saver = MigratingSaver(inner, scenario.migrator(), revision=revision)
        compiled = scenario.versions[graph - 1]([]).compile(checkpointer=saver, name="flow")
        saver.bind(compiled)
        return compiled.get_state(THREAD)


@pytest.mark.parametrize("scenario", [RENAMED, INSIDE, named("field-renamed")], ids=lambda each: each.name)
def test_older_code_beside_a_newer_folder_is_told_to_say_its_revision(
    scenario: Scenario, storage: Storage
) -> None:
    with pytest.raises(
        ConfigError, match=r'the graph is that of revision r1: .* Say MigratingSaver\(..., revision="r1"\)'
    ):
        _bound(scenario, 1, storage)
    assert _bound(scenario, 1, storage, revision="r1").values == {}
    assert _bound(scenario, 2, storage).values == {}


def test_of_several_older_revisions_the_newest_that_fits_is_named(storage: Storage) -> None:
    scenario = named("several-revisions-at-once")
    for version in (1, 2):
        with pytest.raises(ConfigError, match=f"the graph is that of revision r{version}"):
            _bound(scenario, version, storage)


def test_a_node_that_the_head_has_and_the_graph_does_not_may_be_missing_in_older_code(
    storage: Storage,
) -> None:
    """The graph is that of no revision: somebody has changed it, too."""
    workers = Workers(RENAMED, storage)
    workers.run(1, {"topic": "x"})
    other = chain(WITH_SUMMARY, write=writes("write"), approve=asks("approve", "answer"))(workers.log)
    with storage.open() as inner:
        saver = MigratingSaver(inner, workers.migrator)
        graph = other.compile(checkpointer=saver)
        saver.bind(graph)
        with pytest.raises(CursorError, match=r"If this code is older .* say which revision it is") as raised:
            graph.invoke(yes, THREAD)
    assert raised.value.step == "review"
    assert 'op.rename_step("review", to=...)' in str(raised.value)


@pytest.mark.parametrize("scenario", [RENAMED, INSIDE, SIBLING, *MODELS_CHANGED], ids=lambda each: each.name)
def test_a_thread_is_brought_back(scenario: Scenario, storage: Storage) -> None:
    """By a process of the newer code, whose classes are not those of the version it goes back to."""
    workers = Workers(scenario, storage)
    before = workers.run(1, {"topic": "x"})
    workers.run(2, None)
    workers.saver(lambda saver: saver.downgrade(THREAD, to="r1"))
    after = workers.run(1, wrapped=False)
    assert (shown(after.values), after.next) == (shown(before.values), before.next)
    assert len(after.interrupts) == len(before.interrupts) == 1
    workers.run(1, yes, wrapped=False)
    assert len(workers.log) == len(set(workers.log))
    assert "approve: yes" in workers.log


def test_a_removed_field_comes_back(storage: Storage) -> None:
    without = chain(
        WITH_SUMMARY, write=writes("write"), approve=asks("approve", "answer"), check=asks("check", "note")
    )
    scenario = Scenario(
        "",
        (RENAMED.versions[0], without),
        (lambda op: (op.remove_field("state.draft"), op.remove_step("send", cursor=op.fail())),),
        (),
        None,
        (),
    )
    workers = Workers(scenario, storage)
    workers.run(1, {"topic": "x"})
    workers.run(2, yes)
    found = workers.run(1, on_newer="downgrade")
    assert found.values == {"topic": "x", "draft": "X", "answer": "yes"}
    workers.saver(lambda saver: saver.downgrade(THREAD, to="r1"))
    workers.run(1, Command(resume="fine"), wrapped=False)
    assert workers.log[-1] == "draft='X'; answer='yes'; note='fine'"


@pytest.mark.parametrize("scenario", [RENAMED, INSIDE], ids=lambda each: each.name)
def test_an_answer_by_an_id_from_before_is_translated(scenario: Scenario, storage: Storage) -> None:
    workers = Workers(scenario, storage)
    (asked,) = workers.run(1, {"topic": "x"}).interrupts
    answers = workers.saver(lambda saver: saver.resume_map(THREAD, {asked.id: "yes"}))
    assert asked.id not in answers
    workers.run(2, Command(resume=answers))
    assert "review: yes" in workers.log


def test_an_answer_to_no_open_question_is_refused(storage: Storage) -> None:
    workers = Workers(RENAMED, storage)
    workers.run(1, {"topic": "x"})
    with pytest.raises(AnswerError, match="for a question that the thread does not wait for"):
        workers.saver(lambda saver: saver.resume_map(THREAD, {"0" * 32: "yes"}))


def test_threads_are_listed_at_todays_version(storage: Storage) -> None:
    workers = Workers(INSIDE, storage)
    workers.run(1, {"topic": "x"})

    def listed(saver: Any) -> list[str]:
        return [
            each.config["configurable"]["checkpoint_ns"].split(":")[0]
            for each in saver.list({"configurable": {"thread_id": "t1"}})
        ]

    assert set(workers.saver(listed)) == {"", "wrapper"}


def test_a_thread_in_an_event_loop_is_brought_back_and_answered_by_its_old_id(storage: Storage) -> None:
    async def go() -> None:
        log: Log = []
        migrator = RENAMED.migrator()
        old, new = (build(log) for build in RENAMED.versions)
        async with storage.aopen() as inner:
            before = old.compile(checkpointer=MigratingSaver(inner, migrator, revision="r1"))
            await before.ainvoke({"topic": "x"}, THREAD)
            (asked,) = (await before.aget_state(THREAD)).interrupts
            saver = MigratingSaver(inner, migrator)
            graph = new.compile(checkpointer=saver)
            await graph.ainvoke(Command(resume=await saver.aresume_map(THREAD, {asked.id: "yes"})), THREAD)
            assert (await anext(graph.aget_state_history(THREAD))).next == ("check",)
            await saver.adowngrade(THREAD, to="r1")
            await old.compile(checkpointer=inner).ainvoke(Command(resume="fine"), THREAD)
        assert log == ["write", "review: yes", "check: fine", "draft='X'; answer='yes'; note='fine'"]

    asyncio.run(go())
