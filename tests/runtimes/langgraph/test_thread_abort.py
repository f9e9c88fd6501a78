"""A deploy over the threads of a checkpointer is undone, and a version of them retired. There are no reverse patches: a thread goes back by
what was kept, or is pinned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from langgraph_nodes import yes
from langgraph_play import Scenario
from langgraph_savers import Storage
from langgraph_scenarios import named
from langgraph_threads import Threads

from statemig.deploy import Aborted, Blocker, Router, abort, blockers, retire, start
from statemig.errors import RetiredError
from statemig.store.deploy_records import Unknown

RENAMED = named("step-and-field-renamed")


def without_a_way_back(op: Any) -> None:
    RENAMED.scripts[0](op)
    op.irreversible("the letters are out")


@pytest.fixture(
    params=[RENAMED, replace(RENAMED, scripts=(without_a_way_back,))], ids=["back", "no way back"]
)
def scenario(request: pytest.FixtureRequest) -> Scenario:
    found: Scenario = request.param
    return found


def deployed(scenario: Scenario, database: Storage) -> Threads:
    """Three threads: `stayed` was not touched, `went on` was, and `young` started on the new version. The window is open."""
    threads = Threads(scenario, database)
    for name in ("stayed", "went on"):
        threads.run(name, 1, {"topic": "x"})
    fleet = threads.fleet()
    assert start(fleet, "r2", in_memory=fleet.keeps_beside).modes == {"r1": "pin"}
    Router(fleet).prefer("r2")
    threads.run("went on", 2, yes)
    threads.run("young", 2, {"topic": "y"})
    return threads


def buckets(done: Aborted) -> dict[str, int]:
    names = ("stayed", "patched", "downgraded", "pinned", "started_downgraded", "started_pinned", "foreign")
    return {name: count for name in names if (count := getattr(done, name))}


def test_threads_go_back_or_are_pinned(scenario: Scenario, database: Storage) -> None:
    threads = deployed(scenario, database)
    fleet = threads.fleet()
    done = abort(fleet)
    assert fleet.deploy.preferred() is not None
    assert fleet.deploy.preferred()[0] == "r1"
    if scenario is RENAMED:
        assert buckets(done) == {"stayed": 1, "downgraded": 1, "started_downgraded": 1}
        state = threads.run("went on", 1)
        assert (state.next, state.values["draft"], state.values["answer"]) == (("check",), "X", "yes")
        assert buckets(abort(fleet)) == {"stayed": 3}
    else:
        assert buckets(done) == {"stayed": 1, "pinned": 1, "started_pinned": 1}
        assert {each.reason for each in done.failures} == {"there is no way back: the letters are out"}
        assert fleet.deploy.pins() == {"went on": "r2", "young": "r2"}
        assert buckets(abort(fleet)) == buckets(done)


def test_a_dry_run_leaves_threads_as_they_are(database: Storage) -> None:
    threads = deployed(RENAMED, database)
    fleet = threads.fleet()
    before = [row for batch in fleet.iterate() for row in batch]
    would = abort(fleet, dry_run=True)
    assert [row for batch in fleet.iterate() for row in batch] == before
    assert buckets(would) == {"stayed": 1, "downgraded": 1, "started_downgraded": 1}


def test_a_version_of_threads_is_retired_when_no_thread_needs_it(database: Storage) -> None:
    threads = deployed(RENAMED, database)
    fleet = threads.fleet()
    found = blockers(fleet, ["r1"])
    assert found[0] == Blocker("r1", "approval", 1, "waiting for a human at approve", ("stayed",))
    assert [each.need for each in found[1:]] == ["window"]

    abort(fleet)
    assert blockers(fleet, ["r2"]) == []
    done = retire(fleet, "r2")
    assert isinstance(done.forgotten, Unknown)
    with pytest.raises(RetiredError):
        Router(fleet).prefer("r2")
