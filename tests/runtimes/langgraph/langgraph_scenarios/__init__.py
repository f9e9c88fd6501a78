"""Threads that are parked under one version of a graph and go on under the next: both graphs, the script between them, what is put into the
graphs by whom, and what has to come out. One file for each family of changes.
"""

from langgraph_play import Scenario

from langgraph_scenarios.classes import NESTED
from langgraph_scenarios.fields import FIELDS
from langgraph_scenarios.fleets import MIXED, PENDING, SEVERAL
from langgraph_scenarios.joins import ARRIVALS, JOINS, WAYS
from langgraph_scenarios.questions import BY_ID, INSERTED, ORDER
from langgraph_scenarios.sends import SENDS
from langgraph_scenarios.steps import REMOVED, STEPS
from langgraph_scenarios.subgraphs import SUBGRAPHS

FAMILIES: dict[str, tuple[Scenario, ...]] = {
    "fields": FIELDS,
    "classes": NESTED,
    "steps": STEPS + REMOVED,
    "joins": JOINS + ARRIVALS + WAYS,
    "subgraphs": SUBGRAPHS,
    "questions": BY_ID + ORDER + INSERTED,
    "sends": SENDS,
    "fleets": SEVERAL + MIXED + PENDING,
}
SCENARIOS: tuple[Scenario, ...] = tuple(each for family in FAMILIES.values() for each in family)


def named(name: str) -> Scenario:
    return next(each for each in SCENARIOS if each.name == name)
