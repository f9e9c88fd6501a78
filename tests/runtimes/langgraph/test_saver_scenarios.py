"""Every scenario on every storage, sync and async: the exact state and the exact side effects."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from langgraph_play import Scenario, aplay, play
from langgraph_savers import Storage
from langgraph_scenarios import SCENARIOS

named = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)


@named
def test_a_parked_thread_goes_on_under_the_next_version(scenario: Scenario, storage: Storage) -> None:
    assert play(scenario, storage) == scenario.expected


@named
def test_a_parked_thread_goes_on_in_an_event_loop(scenario: Scenario, storage: Storage) -> None:
    assert asyncio.run(aplay(scenario, storage)) == scenario.expected


@pytest.mark.parametrize(
    "scenario", [each for each in SCENARIOS if each.alone is not None], ids=lambda each: each.name
)
def test_langgraph_alone_gets_it_wrong(scenario: Scenario, tmp_path: Path) -> None:
    found = play(scenario, Storage("sqlite", tmp_path / "checkpoints.db"), alone=True)
    assert scenario.alone is not None
    assert found == replace(scenario.alone, log=scenario.logged(scenario.alone.log))
    assert found != scenario.expected
