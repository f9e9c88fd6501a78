"""Where a scenario is run: every saver, sync and async, every kind of state; or, of those, so few that still every pair occurs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from langgraph_play import MODES, Mode, Scenario
from langgraph_savers import SAVERS, Kept
from langgraph_scenarios import SCENARIOS
from langgraph_states import KINDS, Kind


@dataclass(frozen=True)
class Cell:
    scenario: Scenario
    saver: Kept
    mode: Mode
    kind: Kind

    @property
    def name(self) -> str:
        return f"{self.scenario.name}-{self.saver}-{self.mode}-{self.kind}"


def everything(scenarios: tuple[Scenario, ...] = SCENARIOS) -> Iterator[Cell]:
    for scenario in scenarios:
        for saver in SAVERS:
            for mode in MODES:
                for kind in KINDS:
                    yield Cell(scenario, saver, mode, kind)


def pairwise(scenarios: tuple[Scenario, ...] = SCENARIOS) -> Iterator[Cell]:
    """Each scenario three times, once with each saver and once with each kind of state, and both sync and async. Which comes with which
    goes round from one scenario to the next, so that any two values of any two dimensions meet somewhere."""
    for number, scenario in enumerate(scenarios):
        for turn, saver in enumerate(SAVERS):
            kind = KINDS[(turn + number) % len(KINDS)]
            mode = MODES[(turn + number // len(KINDS)) % len(MODES)]
            yield Cell(scenario, saver, mode, kind)
