"""Answers by ids that clients were given before a deploy: in a plain ``Command(resume={id: answer})``, as clients send them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from langgraph_nodes import Log
from langgraph_play import THREAD, Scenario
from langgraph_savers import Storage
from langgraph_scenarios import named
from langgraph_scenarios.questions import asking, asking_inside
from langgraph_states import forget_classes
from langgraph_threads import Threads

from statemig.errors import AnswerError
from statemig.fleet.backfill import upgrade_all
from statemig.runtimes.langgraph import MigratingSaver

RENAMED = named("step-and-field-renamed")
INSIDE = named("subgraph-and-step-in-it-renamed")
both = pytest.mark.parametrize("scenario", [RENAMED, INSIDE], ids=lambda each: each.name)
NOBODYS = "0" * 32


def one_answered_then_a_question_before_it(deep: bool) -> Scenario:
    before, after = ("one?", "two?"), ("new?", "one?", "two?")
    build, step = (asking_inside, "inner.approve") if deep else (asking, "approve")
    order = (lambda op: op.map_waiting(step, order=[None, 0, 1]),)
    return Scenario("one-answered", (build(*before), build(*after)), order, (), {}, ())


def by_id(name: str, answer: str = "yes") -> Command[Any]:
    return Command(resume={name: answer})


@both
def test_an_answer_by_the_id_of_before_reaches_its_question(scenario: Scenario, storage: Storage) -> None:
    threads = Threads(scenario, storage)
    (asked,) = threads.run("t1", 1, {"topic": "x"}, wrapped=False).interrupts
    threads.run("t1", 2, by_id(asked.id))
    assert "review: yes" in threads.log


@both
def test_an_answer_by_the_id_of_before_reaches_its_question_in_an_event_loop(
    scenario: Scenario, storage: Storage
) -> None:
    async def go() -> Log:
        log: Log = []
        async with storage.aopen() as inner:
            forget_classes()
            old = scenario.versions[0](log).compile(checkpointer=inner)
            await old.ainvoke({"topic": "x"}, THREAD)
            (asked,) = (await old.aget_state(THREAD)).interrupts
            forget_classes()
            saver = MigratingSaver(inner, scenario.migrator())
            new = scenario.versions[1](log).compile(checkpointer=saver)
            with pytest.raises(AnswerError, match=f"run t1, workflow flow, path interrupt {NOBODYS}"):
                await new.ainvoke(by_id(NOBODYS), THREAD)
            await new.ainvoke(by_id(asked.id), THREAD)
        return log

    assert "review: yes" in asyncio.run(go())


@both
def test_it_reaches_it_in_a_thread_that_a_fleet_has_upgraded(scenario: Scenario, database: Storage) -> None:
    threads = Threads(scenario, database)
    (asked,) = threads.run("t1", 1, {"topic": "x"}).interrupts
    assert upgrade_all(threads.fleet()).moved == 1
    threads.run("t1", 2, by_id(asked.id))
    assert "review: yes" in threads.log


def test_it_reaches_it_where_a_worker_between_has_touched_the_thread(storage: Storage) -> None:
    threads = Threads(named("several-revisions-at-once"), storage)
    (first,) = threads.run("t1", 1, {"topic": "x"}).interrupts
    (second,) = threads.run("t1", 2, None).interrupts
    threads.run("t1", 3, by_id(second.id))
    assert first.id != second.id
    assert threads.log == ["write", "judge: yes"]


def test_an_answer_by_an_id_that_nobody_knows_is_refused_with_the_ids_of_today(storage: Storage) -> None:
    threads = Threads(RENAMED, storage)
    threads.run("t1", 1, {"topic": "x"})
    (today,) = threads.run("t1", 2).interrupts
    with pytest.raises(AnswerError, match=rf"interrupt {NOBODYS}: .* what is open \(today: {today.id}\)"):
        threads.run("t1", 2, by_id(NOBODYS))
    assert threads.log == ["write"]


def test_an_answer_that_is_sent_again_is_not_given_to_the_question_that_has_taken_its_place(
    storage: Storage,
) -> None:
    """An id says which question in line it is, and the questions have changed places."""
    threads = Threads(named("questions-swapped"), storage)
    (one,) = threads.run("t1", 1, {"topic": "x"}).interrupts
    (two,) = threads.run("t1", 1, by_id(one.id, "1")).interrupts
    if one.id == two.id:
        pytest.skip("this LangGraph gives all questions of a step one id")
    with pytest.raises(AnswerError, match="for a question that the thread does not wait for"):
        threads.run("t1", 2, by_id(one.id, "1"))
    assert threads.run("t1", 2).interrupts[0].value == "two?"
    assert threads.log == ["write"]


def test_answers_to_several_questions_may_be_some_of_before_and_some_of_today(storage: Storage) -> None:
    threads = Threads(named("pending-writes-of-several-versions"), storage)
    before = {each.value: each.id for each in threads.run("t1", 1, {"answers": ["old"]}).interrupts}
    today = {each.value: each.id for each in threads.run("t1", 2).interrupts}
    threads.run("t1", 2, Command(resume={before["a"]: ["A"], today["b"]: ["B"], before["c"]: ["C"]}))
    assert sorted(threads.log[:3]) == ["a2: ['A']", "b2: ['B']", "c2: ['C']"]


def test_a_thread_of_this_very_version_is_langgraphs_own_business(storage: Storage) -> None:
    threads = Threads(RENAMED, storage)
    before = threads.run("t1", 2, {"topic": "x"})
    after = threads.run("t1", 2, by_id(NOBODYS))
    assert after.interrupts == before.interrupts  # it asks again, as it does alone


def test_an_id_of_a_thread_may_be_a_number() -> None:
    config: Any = {"configurable": {"thread_id": 7}}
    inner, log = InMemorySaver(), list[str]()
    forget_classes()
    old = RENAMED.versions[0](log).compile(checkpointer=inner)
    old.invoke({"topic": "x"}, config)
    (asked,) = old.get_state(config).interrupts
    forget_classes()
    new = RENAMED.versions[1](log).compile(checkpointer=MigratingSaver(inner, RENAMED.migrator()))
    new.invoke(by_id(asked.id), config)
    assert log == ["write", "review: yes"]


def test_the_config_of_the_caller_stays_as_it_is(storage: Storage) -> None:
    threads = Threads(RENAMED, storage)
    (asked,) = threads.run("t1", 1, {"topic": "x"}).interrupts
    config: Any = {"configurable": {"thread_id": "t1"}}
    inside = config["configurable"]
    with storage.open() as inner:
        forget_classes()
        saver = MigratingSaver(inner, threads.migrator)
        graph = RENAMED.versions[1](threads.log).compile(checkpointer=saver)
        saver.get_tuple(config)
        graph.get_state(config)
        graph.invoke(by_id(asked.id), config)
    assert config["configurable"] is inside
    assert inside == {"thread_id": "t1"}
    assert type(inside) is dict


@pytest.mark.parametrize("deep", [False, True], ids=["in the graph", "in a subgraph"])
def test_an_answer_to_a_question_that_is_shown_once_more_does_not_reach_the_next_one(
    deep: bool, storage: Storage
) -> None:
    """`one?` was answered before the deploy. It is asked again once `new?` has its answer, and has its own by then."""
    threads = Threads(one_answered_then_a_question_before_it(deep), storage)
    threads.run("t1", 1, {"topic": "x"}, Command(resume="1"))
    threads.run("t1", 2, None)
    shown = threads.run("t1", 2, Command(resume="new"))
    assert "one?" in [each.value for each in shown.interrupts]
    with pytest.raises(RuntimeError, match="multiple pending interrupts"):
        threads.run("t1", 2, Command(resume="1 again"))
    assert [each.value for each in threads.run("t1", 2, None).interrupts] == ["two?"]
    threads.run("t1", 2, Command(resume="2"))
    assert threads.log[-1] == "approve: new? new, one? 1, two? 2"
