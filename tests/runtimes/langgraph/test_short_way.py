"""A checkpoint goes the short way to another revision where only fields change, and comes out as on the long one."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from langgraph_play import Scenario, play
from langgraph_savers import Kept, Storage
from langgraph_scenarios import FAMILIES, SCENARIOS
from langgraph_states import KINDS, Kind
from operation_chains import Chain, chains

from statemig.errors import StatemigError
from statemig.runtimes.langgraph import translating, translation
from statemig.runtimes.langgraph.fields_only import Outlines
from statemig.runtimes.langgraph.identity import BRANCH, NULL_TASK, PULL, interrupt_id, namespace_of, task_id
from statemig.runtimes.langgraph.steps import Names
from statemig.runtimes.langgraph.tasks import INTERRUPT, RESUME, Nodes, Parked, Row
from statemig.runtimes.langgraph.translation import Translated, translate
from statemig.runtimes.langgraph.values import MODEL, Foreign

SIMPLE = [*FAMILIES["fields"], *FAMILIES["classes"]]
OTHERS = [each for each in SCENARIOS if each not in SIMPLE]


class BothWays:
    """Goes both ways whenever a checkpoint is translated. `short`: how many could have gone the short one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.short = 0
        by_fields = translation.by_fields

        def counted(*arguments: Any) -> Parked | None:
            found = by_fields(*arguments)
            self.short += found is not None
            return found

        monkeypatch.setattr(translation, "by_fields", counted)
        monkeypatch.setattr(translating, "translate", self.translate)

    def translate(self, *arguments: Any, outlines: Outlines | None = None, **named: Any) -> Translated:
        short = translate(*arguments, outlines=outlines, **named)
        assert_same(short, translate(*arguments, outlines=None, **named))
        return short


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> BothWays:
    return BothWays(monkeypatch)


def assert_same(short: Translated, long: Translated) -> None:
    here, there = short.parked.checkpoint, long.parked.checkpoint
    for part in ("channel_values", "channel_versions"):
        assert list(here[part]) == list(there[part])  # in the same order
    assert here == there
    assert short == long


@pytest.mark.parametrize("kept", ["memory", "sqlite"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scenario", SIMPLE, ids=lambda each: each.name)
def test_fields_that_change(
    scenario: Scenario, kind: Kind, kept: Kept, storages: Mapping[Kept, Storage], both: BothWays
) -> None:
    assert play(scenario, storages[kept], kind=kind) == scenario.expected
    assert both.short


@pytest.mark.parametrize("scenario", OTHERS, ids=lambda each: each.name)
def test_all_else_that_changes(scenario: Scenario, storages: Mapping[Kept, Storage], both: BothWays) -> None:
    assert play(scenario, storages["sqlite"]) == scenario.expected


# -- random chains of operations, on checkpoints of random states ------------------------------------------------------


def instances(value: Any, random: Random, depth: int = 0) -> Any:
    """A value as it may have been stored: some of the objects in it were instances of classes."""
    match value:
        case dict():
            inside = {name: instances(each, random, depth + 1) for name, each in value.items()}
            return Foreign(MODEL, "app", f"Class{depth}", inside) if random.random() < 0.5 else inside
        case list():
            return [instances(each, random, depth + 1) for each in value]
        case _:
            return value


def checkpoint_of(chain: Chain, seed: int) -> tuple[Parked, Nodes]:
    """A thread that waits at a step, with all that LangGraph keeps of one."""
    random = Random(seed)
    nodes = Nodes(chain.versions[0].snapshot())
    node = random.choice([step for step in chain.versions[0].steps if "." not in step])
    state = chain.document()["state"]
    edge = BRANCH + node
    plain = random.random() < 0.3
    values: dict[str, Any] = (
        state if plain else {name: instances(each, random) for name, each in state.items()}
    )
    values = {**values, "private": 1, edge: None}
    names = [*values, BRANCH + "done", "emptied"]
    random.shuffle(names)
    checkpoint: dict[str, Any] = {
        "v": 4,
        "id": str(UUID(int=random.getrandbits(128))),
        "ts": "2026-01-02T03:04:05+00:00",
        "channel_values": values,
        "channel_versions": {name: f"{random.randint(1, 3):032}.5" for name in names},
        "versions_seen": {"__input__": {}, "done": {BRANCH + "done": f"{1:032}.5"}},
        "updated_channels": random.choice((None, [edge, *list(state)[:2]])),
    }
    task = task_id(checkpoint, "", 2, node, PULL, nodes.triggers("", node))
    question = Foreign(
        2,
        "langgraph.types",
        "Interrupt",
        {"value": {"ask": node}, "id": interrupt_id(namespace_of("", node, task), 0)},
    )
    rows = random.choice(
        (
            (),
            (Row(task, INTERRUPT, [question]),),
            (Row(task, INTERRUPT, [question]),),
            (Row(task, INTERRUPT, [question]), Row(task, RESUME, ["yes"])),
            (Row(NULL_TASK, RESUME, "yes"),),
        )
    )
    fresh = {name: checkpoint["channel_versions"][name] for name in names[:2]}
    return Parked("", checkpoint, 2, rows, fresh, is_json=plain), nodes


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(chain=chains((1, 5), (1, 3)), seed=st.integers(0, 2**32))
def test_random_chains(chain: Chain, seed: int) -> None:
    migrator = chain.migrator
    names = Names.between(migrator, "r0", chain.head)
    assume(not names.speaks_of_steps)
    parked, old = checkpoint_of(chain, seed)
    new = Nodes(chain.versions[-1].snapshot())
    outlines = Outlines(names, new)

    def go(outlines: Outlines | None) -> Translated | str:
        try:
            return translate(
                migrator,
                parked,
                "r0",
                chain.head,
                names=names,
                nodes=(old, new),
                namespace="",
                outlines=outlines,
            )
        except StatemigError as error:
            return str(error)

    long = go(None)
    for _ in range(2):  # the second time the outline is known
        short = go(outlines)
        if isinstance(short, Translated) and isinstance(long, Translated):
            assert_same(short, long)
        else:
            assert short == long
