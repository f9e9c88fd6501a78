"""Packets of `Send` that are on their way when a new version is deployed."""

from __future__ import annotations

from langgraph.types import Command
from langgraph_play import Scenario
from langgraph_savers import Storage
from langgraph_scenarios.sends import fanned
from langgraph_threads import Threads


def test_a_field_that_only_packets_have_is_renamed_in_them(storage: Storage) -> None:
    versions = (fanned("work"), fanned("work", key="part"))
    script = (lambda op: op.rename_field("state.item", to="part"),)
    threads = Threads(Scenario("packets", versions, script, (), {}, ()), storage)
    threads.run("t1", 1, {"items": ["a", "b", "c"]}, wrapped=False)
    threads.run("t1", 2, Command(resume="B"))
    assert "work B" in threads.log
