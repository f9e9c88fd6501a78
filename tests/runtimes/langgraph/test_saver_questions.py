"""An answer never reaches another question: questions that come, go and change places in a step that waits."""

from __future__ import annotations

from typing import Any

import pytest
from langgraph.types import Command
from langgraph_play import THREAD, Log, asks, chain, writes, yes
from langgraph_savers import Storage
from langgraph_scenarios import Plain

from statemig import Migrator, Revision
from statemig.errors import StatemigError
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture


class Deploy:
    """Two versions of a graph with one step that asks `before`, and then `after`; both on one storage."""

    def __init__(
        self, storage: Storage, before: list[str], after: list[str], order: list[int | None]
    ) -> None:
        self.storage = storage
        self.log: Log = []
        builds = [
            chain(Plain, write=writes("write"), approve=asks("approve", "answer", *questions))
            for questions in (before, after)
        ]
        self.old, self.new = (build(self.log) for build in builds)
        snapshots = [capture(graph.compile(name="flow")) for graph in (self.old, self.new)]
        self.migrator = Migrator(
            revisions=[
                Revision("r1", snapshot=snapshots[0], workflow="flow"),
                Revision(
                    "r2",
                    "r1",
                    upgrade=lambda op: op.map_waiting("approve", order=order),
                    snapshot=snapshots[1],
                    workflow="flow",
                ),
            ]
        )

    def first(self, *inputs: Any) -> list[str]:
        with self.storage.open() as inner:
            graph = self.old.compile(checkpointer=inner)
            for value in ({"topic": "x"}, *inputs):
                graph.invoke(value, THREAD)
            return [each.id for each in graph.get_state(THREAD).interrupts]

    def then(self, *inputs: Any, config: Any = THREAD) -> list[tuple[str, Any]]:
        """What is asked in the end: ids and values."""
        with self.storage.open() as inner:
            graph = self.new.compile(checkpointer=MigratingSaver(inner, self.migrator))
            for value in inputs:
                graph.invoke(value, config)
            return [(each.id, each.value) for each in graph.get_state(THREAD).interrupts]


def test_a_plain_answer_is_refused_where_a_question_has_come_before(storage: Storage) -> None:
    deploy = Deploy(storage, ["old?"], ["new?", "old?"], [None, 0])
    deploy.first()
    with pytest.raises(RuntimeError, match="multiple pending interrupts"):
        deploy.then(yes)
    assert deploy.then(None) == [(deploy.then()[0][0], {"question": "new?"})]
    deploy.then(Command(resume="first"), Command(resume="second"))
    assert deploy.log == ["write", "approve: first, second"]


def test_an_answer_by_the_old_id_reaches_nothing_where_a_question_has_come_before(storage: Storage) -> None:
    deploy = Deploy(storage, ["old?"], ["new?", "old?"], [None, 0])
    (old,) = deploy.first()
    asked = deploy.then(Command(resume={old: "yes"}))
    assert [value for _, value in asked] == [{"question": "new?"}]
    assert old not in [name for name, _ in asked]
    assert deploy.log == ["write"]


def test_an_answer_to_a_later_question_is_held_until_those_before_it_are_answered(storage: Storage) -> None:
    deploy = Deploy(storage, ["one?", "two?"], ["two?", "one?"], [1, 0])
    deploy.first(Command(resume="1"))
    deploy.then(Command(resume="2"))
    deploy.then(None)
    assert deploy.log == ["write", "approve: 2, 1"]


def test_an_answer_to_a_question_that_is_gone_is_not_given_to_the_next(storage: Storage) -> None:
    deploy = Deploy(storage, ["one?", "two?"], ["two?"], [1])
    deploy.first(Command(resume="1"))
    assert [value for _, value in deploy.then()] == [{"question": "two?"}]
    deploy.then(Command(resume="2"))
    assert deploy.log == ["write", "approve: 2"]


def test_a_thread_that_waits_for_a_question_that_is_gone_is_refused(storage: Storage) -> None:
    deploy = Deploy(storage, ["one?", "two?"], ["two?"], [1])
    deploy.first()
    with pytest.raises(StatemigError, match=r"approval\.order-changed"):
        deploy.then(yes)
    assert deploy.log == ["write"]


def test_the_last_plain_answer_is_not_used_again(storage: Storage) -> None:
    deploy = Deploy(storage, ["one?", "two?"], ["one?", "two?", "three?"], [0, 1, None])
    deploy.first(Command(resume="1"))
    deploy.then(None, None)
    assert deploy.log == ["write"]
    deploy.then(Command(resume="2"), Command(resume="3"))
    assert deploy.log == ["write", "approve: 1, 2, 3"]


def test_an_answer_to_a_question_that_is_gone_stays_away_when_the_thread_is_touched(storage: Storage) -> None:
    deploy = Deploy(storage, ["one?", "two?"], ["two?"], [1])
    deploy.first(Command(resume="1"))
    assert [value for _, value in deploy.then(None, None)] == [{"question": "two?"}]
    deploy.then(Command(resume="2"))
    assert deploy.log == ["write", "approve: 2"]


def test_a_held_answer_stays_held_when_the_thread_is_touched(storage: Storage) -> None:
    deploy = Deploy(storage, ["one?", "two?"], ["two?", "one?"], [1, 0])
    deploy.first(Command(resume="1"))
    deploy.then(None)
    deploy.then(None, Command(resume="2"))
    deploy.then(None)
    assert deploy.log == ["write", "approve: 2, 1"]
