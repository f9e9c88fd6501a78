"""Threads counted straight from the tables: by revision, and by the node that they are parked on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.types import Command
from langgraph_nodes import yes
from langgraph_play import Answer, Scenario
from langgraph_savers import Storage
from langgraph_scenarios import SCENARIOS, named
from langgraph_threads import Threads

from statemig.store.protocols import RunFilter, Standing

RENAMED = named("step-and-field-renamed")
INSIDE = named("subgraph-and-step-in-it-renamed")
DEEP = named("two-deep-renamed")


def places(fleet: Any) -> set[tuple[Any, ...]]:
    return {(one.revision, one.step, one.status, one.on, one.count) for one in fleet.counts()}


def test_threads_are_counted_by_revision_and_node(database: Storage) -> None:
    threads = Threads(RENAMED, database)
    threads.run("old", 1, {"topic": "x"}, wrapped=False)
    threads.run("parked", 1, {"topic": "x"})
    threads.run("on", 1, {"topic": "x"})
    threads.run("on", 2, yes)
    threads.run("done", 1, {"topic": "x"}, yes, Command(resume="fine"))
    assert threads.fleet().counts() == [
        Standing("r1", None, "finished", None, 1),
        Standing("r1", "approve", "waiting", "human", 2),
        Standing("r2", "check", "waiting", "human", 1),
    ]
    assert sorted(threads.fleet().revisions()) == [
        ("r1", "active", 2),
        ("r1", "finished", 1),
        ("r2", "active", 1),
    ]


@pytest.mark.parametrize(
    ("scenario", "step"),
    [(INSIDE, "inner.approve"), (DEEP, "inner.core.approve")],
    ids=lambda each: getattr(each, "name", None),
)
def test_a_thread_inside_a_subgraph_stands_on_the_step_there(
    scenario: Scenario, step: str, database: Storage
) -> None:
    threads = Threads(scenario, database)
    threads.run("t1", 1, {"topic": "x"})
    assert places(threads.fleet()) == {("r1", step, "waiting", "human", 1)}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_the_tables_say_what_langgraph_says(scenario: Scenario, tmp_path: Path) -> None:
    """At the root, for every scenario: the tasks that are open, and which of them wait."""
    agree(scenario, Storage("sqlite", tmp_path / "checkpoints.db"))


@pytest.mark.parametrize(
    "scenario",
    [
        named("finished-sibling-renamed"),
        named("waiting-sibling-renamed"),
        named("arrived-branch-renamed"),
        named("join-renamed-while-one-waits-there"),
        named("packets-half-done"),
    ],
    ids=lambda each: each.name,
)
def test_joins_and_packets_are_read_from_a_table_of_their_own(scenario: Scenario, database: Storage) -> None:
    agree(scenario, database)


def agree(scenario: Scenario, storage: Storage) -> None:
    threads = Threads(scenario, storage)
    state = threads.run("t1", 1, *[each for each in scenario.first if not isinstance(each, Answer)])
    expected = {
        (task.name, "waiting" if task.interrupts else "ready")
        for task in state.tasks
        if task.interrupts or task.result is None
    }
    (row,) = [one for batch in threads.fleet().iterate(RunFilter(ended=True)) for one in batch]
    found = {(one.step.split(".")[0], one.status) for one in threads.fleet().counts() if one.step}
    assert found == expected
    assert row.status == ("active" if expected else "finished")
