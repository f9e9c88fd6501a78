"""Every change of a graph, so that every pair of saver, sync or async, kind of state and change occurs: the exact state and the exact side
effects. With STATEMIG_PROFILE=nightly in all combinations, as ``make conformance`` does, which prints the table.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping

import pytest
from conformance import is_right
from langgraph_alone import recorded, verdict
from langgraph_cells import Cell, everything, pairwise
from langgraph_play import Outcome, Scenario, play
from langgraph_savers import Kept, Storage
from langgraph_scenarios import FAMILIES, SCENARIOS, named
from langgraph_states import KINDS, Kind

NIGHTLY = os.environ.get("STATEMIG_PROFILE") == "nightly"
CELLS = list(everything() if NIGHTLY else pairwise())
#: of LangGraph alone, one kind of state a scenario, in turn
ALONE = [
    (scenario, kind)
    for number, scenario in enumerate(SCENARIOS)
    for kind in (KINDS if NIGHTLY else [KINDS[number % len(KINDS)]])
]


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_a_parked_thread_goes_on_under_the_next_version(cell: Cell, storages: Mapping[Kept, Storage]) -> None:
    found = play(cell.scenario, storages[cell.saver], cell.mode, cell.kind)
    assert found == cell.scenario.expected
    assert is_right(cell.scenario, found), found.message


@pytest.mark.parametrize(("scenario", "kind"), ALONE, ids=lambda each: getattr(each, "name", each))
def test_langgraph_alone_does_what_is_recorded(
    scenario: Scenario, kind: Kind, storages: Mapping[Kept, Storage]
) -> None:
    assert play(scenario, storages["memory"], kind=kind, alone=True) == recorded()[scenario.name, kind]


def test_every_pair_occurs_in_what_ci_runs() -> None:
    def pairs(cells: list[Cell]) -> set[object]:
        values = [(each.scenario.name, each.saver, each.mode, each.kind) for each in cells]
        return {
            (first, second, value[first], value[second])
            for value in values
            for first, second in itertools.combinations(range(4), 2)
        }

    assert pairs(list(pairwise())) == pairs(list(everything()))


def test_every_scenario_has_a_name_of_its_own_and_a_record() -> None:
    names = [each.name for family in FAMILIES.values() for each in family]
    assert len(names) == len(set(names))
    assert set(recorded()) == set(itertools.product(names, KINDS))


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (named("step-renamed").expected, "right"),
        (Outcome(None, ("write",), "KeyError"), "KeyError"),
        (Outcome({"topic": "x"}, ("write",)), "silent: run ends"),
        (Outcome({"topic": "x"}, ("write",), asks=("review",)), "silent: asks again"),
        (
            Outcome({"topic": "x"}, ("write", "write", *named("step-renamed").log)),
            "silent: side effect twice",
        ),
        (Outcome({"topic": "y"}, named("step-renamed").log), "silent: wrong value"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_langgraph_alone_does_is_said_in_a_word(found: Outcome, word: str) -> None:
    assert verdict(found, named("step-renamed")) == word


def test_an_answer_to_another_question_is_called_that() -> None:
    found = Outcome({"topic": "x"}, ("write", "approve: new? yes, old? second"))
    assert verdict(found, named("question-inserted-before")) == "silent: answer to another question"
