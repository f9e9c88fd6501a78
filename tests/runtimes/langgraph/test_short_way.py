"""A checkpoint goes the short way to another revision where only fields change, and comes out as on the long one."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_play import Scenario, play
from langgraph_savers import Kept, Storage
from langgraph_scenarios import FAMILIES, SCENARIOS
from langgraph_states import KINDS, Kind
from operation_chains import Chain, chains
from typing_extensions import TypedDict

from statemig import Migrator, Revision
from statemig.envelope import Stamp
from statemig.errors import StatemigError
from statemig.plan.complement import Complement
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture
from statemig.runtimes.langgraph.identity import BRANCH, NULL_TASK, PULL, interrupt_id, namespace_of, task_id
from statemig.runtimes.langgraph.long_way.steps import Names
from statemig.runtimes.langgraph.reading import Reading
from statemig.runtimes.langgraph.requests import Search
from statemig.runtimes.langgraph.seen import Recent, Seen
from statemig.runtimes.langgraph.stored.complements import Complements
from statemig.runtimes.langgraph.stored.stamps import stamped
from statemig.runtimes.langgraph.stored.values import MODEL, Foreign, Postponed
from statemig.runtimes.langgraph.tasks import INTERRUPT, RESUME, Nodes
from statemig.shapes.shape import Object
from statemig.workflow.run_shape import state_of
from statemig.workflow.snapshot import Snapshot
from statemig.workflow.unchecked import Unchecked

SIMPLE = [*FAMILIES["fields"], *FAMILIES["classes"]]
OTHERS = [each for each in SCENARIOS if each not in SIMPLE]

Found = tuple[CheckpointTuple, Seen]


class _Known:
    """In place of the rows beside the checkpoints."""

    def __init__(self, complement: Complement) -> None:
        self._complement = complement

    def found(self, thread: str, complement: Complement) -> Generator[Any, Any, Complement]:
        return self._complement
        yield


def read(reading: Reading, stored: CheckpointTuple, thread: str, *, short: bool) -> Found:
    """The root of a thread as `reading` shows it, and what it remembers of it."""
    other = copy.copy(reading)
    other.seen = Recent(10)
    if not short:
        other.short_way = lambda source: None  # type: ignore[method-assign]
    shown = driven(other.shown(stored, thread, ""))
    seen = other.seen.get((thread, "", shown.checkpoint["id"]))
    assert seen is not None
    return shown, seen


def driven(steps: Generator[Any, Any, CheckpointTuple]) -> CheckpointTuple:
    answer: Any = None
    try:
        while True:
            request = steps.send(answer)
            assert isinstance(request, Search)  # for a stamp before one that has none
            answer = []
    except StopIteration as done:
        shown: CheckpointTuple = done.value
        return shown


class BothWays:
    """Goes both ways whenever a root is read. `short`: how many took the short one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.short = 0
        by_fields = Reading.by_fields

        def both(
            reading: Reading, stored: CheckpointTuple, thread: str, stamp: Stamp, complement: Complement
        ) -> CheckpointTuple | None:
            shown = by_fields(reading, stored, thread, stamp, complement)
            if shown is not None:
                self.short += 1
                seen = reading.seen.get((thread, "", shown.checkpoint["id"]))
                assert seen is not None
                other = copy.copy(reading)
                other.complements = _Known(complement)  # type: ignore[assignment]
                assert_same((shown, seen), read(other, stored, thread, short=False))
            return shown

        monkeypatch.setattr(Reading, "by_fields", both)


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> BothWays:
    return BothWays(monkeypatch)


def assert_same(short: Found, long: Found) -> None:
    here, there = short[0].checkpoint, long[0].checkpoint
    for part in ("channel_values", "channel_versions"):
        assert list(here[part]) == list(there[part])  # type: ignore[literal-required]  # in the same order
    assert short[0] == long[0]
    assert short[1] == long[1]


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


# -- a field that takes the name of one that is called otherwise now ----------------------------------------------------


def _counting(name: str) -> Any:
    fields: Any = {"count": int, "answer": str, name: int}
    graph: StateGraph[Any] = StateGraph(TypedDict("State", fields, total=False))  # type: ignore[operator]
    graph.add_node("ask", lambda state: {"answer": interrupt("Well?")})
    graph.add_node("again", lambda state: {"answer": interrupt("Sure?")})
    for before, after in ((START, "ask"), ("ask", "again"), ("again", END)):
        graph.add_edge(before, after)
    return graph


@pytest.mark.parametrize("default", [5, 3], ids=["with another value", "with the same value"])
@pytest.mark.parametrize("short", [True, False])
def test_a_field_that_takes_the_name_of_another_is_stored(
    default: int, *, short: bool, storages: Mapping[Kept, Storage]
) -> None:
    config: Any = {"configurable": {"thread_id": f"taken{default}{short}"}}
    before, after = (capture(_counting(name).compile(name="flow")) for name in ("count", "total"))

    def script(op: Any) -> None:
        op.rename_field("state.count", to="total")
        op.add_field("state.count", default=default)

    first = Revision("r1", workflow="flow", snapshot=before)
    second = Revision("r2", "r1", workflow="flow", snapshot=after, upgrade=script)
    with storages["sqlite"].open() as inner:
        old = MigratingSaver(inner, Migrator(revisions=[first]))
        _counting("count").compile(checkpointer=old, name="flow").invoke({"count": 3}, config)
        saver = MigratingSaver(inner, Migrator(revisions=[first, second]))
        if not short:
            saver._reading.short_way = lambda source: None  # type: ignore[method-assign]
        graph = _counting("total").compile(checkpointer=saver, name="flow")
        for answer in ("yes", "sure"):
            found = graph.invoke(Command(resume=answer), config)
            assert (found["count"], found["total"]) == (default, 3)


def test_what_was_pickled_is_handed_on_as_it_was(both: BothWays) -> None:
    config: Any = {"configurable": {"thread_id": "pickled"}}
    graph = _counting("total")
    first = Revision("r1", workflow="flow", snapshot=capture(_counting("count").compile(name="flow")))
    second = Revision(
        "r2",
        "r1",
        workflow="flow",
        snapshot=capture(graph.compile(name="flow")),
        upgrade=lambda op: op.add_field("state.total", default=0),
    )
    inner = InMemorySaver(serde=JsonPlusSerializer(pickle_fallback=True))
    old = MigratingSaver(inner, Migrator(revisions=[first]))
    many = (1, 2**70)  # more than msgpack can hold
    _counting("count").compile(checkpointer=old, name="flow").invoke({"count": many}, config)
    found = MigratingSaver(inner, Migrator(revisions=[first, second])).get_tuple(config)
    assert found is not None
    assert found.checkpoint["channel_values"]["count"] == many
    assert both.short


@pytest.mark.parametrize("default", [{}, [], {"deep": [1]}], ids=str)
def test_a_new_value_belongs_to_the_reader_alone(default: Any, both: BothWays) -> None:
    config: Any = {"configurable": {"thread_id": "t1"}}
    first = Revision("r1", workflow="flow", snapshot=capture(_counting("count").compile(name="flow")))
    second = Revision(
        "r2", "r1", workflow="flow", upgrade=lambda op: op.add_field("state.new", default=default)
    )
    inner = InMemorySaver()
    old = MigratingSaver(inner, Migrator(revisions=[first]))
    _counting("count").compile(checkpointer=old, name="flow").invoke({"count": 3}, config)
    saver = MigratingSaver(inner, Migrator(revisions=[first, second]))
    for _ in range(3):
        found = saver.get_tuple(config)
        assert found is not None
        new = found.checkpoint["channel_values"]["new"]
        assert new == default
        (new.setdefault("deep", []) if isinstance(new, dict) else new).append(2)
    assert both.short == 3


# -- random chains of operations, on checkpoints of random states ------------------------------------------------------

SERDE = JsonPlusSerializer()


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


def stored_thread(chain: Chain, seed: int) -> CheckpointTuple:
    """A thread that waits at a step, with all that LangGraph keeps of one, as a saver gives it: decoded by nobody."""
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
    name = interrupt_id(namespace_of("", node, task), 0)
    question = Foreign(2, "langgraph.types", "Interrupt", {"value": {"ask": node}, "id": name})
    rows = random.choice(
        (
            (),
            ((task, INTERRUPT, [question]),),
            ((task, INTERRUPT, [question]),),
            ((task, INTERRUPT, [question]), (task, RESUME, ["yes"])),
            ((NULL_TASK, RESUME, "yes"),),
        )
    )
    postponed = Postponed(SERDE)

    def kept(value: Any) -> Any:
        return postponed.loads_typed(postponed.dumps_typed(value))

    inside = {"thread_id": "t1", "checkpoint_ns": "", "checkpoint_id": checkpoint["id"]}
    whole: Any = kept(checkpoint)
    if random.random() < 0.5:  # as savers do that keep each channel for itself
        whole = {**checkpoint, "channel_values": {each: kept(value) for each, value in values.items()}}
    said: Any = stamped({"source": "loop", "step": 1}, Stamp("flow", "r0", started="r0"))
    writes = [(task, channel, kept(value)) for task, channel, value in rows]
    return CheckpointTuple({"configurable": inside}, whole, said, None, writes)


def loose(snapshot: Snapshot) -> Snapshot:
    """The same with a state that nobody checks, as a TypedDict's."""
    state = state_of(snapshot.writes)
    shape = state.resolve(state.root)
    keys = shape.properties if isinstance(shape, Object) else ()
    return replace(snapshot, unchecked=tuple(map(Unchecked, keys)))


def test_threads_whose_values_nobody_looks_into() -> None:
    """Instances in them are built while they are decoded, and what such states become is laid out once."""
    met: Counter[str] = Counter()

    @settings(suppress_health_check=[HealthCheck.too_slow])
    @given(chain=chains((1, 1), (1, 3)), seeds=st.lists(st.integers(0, 2**32), min_size=2, max_size=4))
    def check(chain: Chain, seeds: list[int]) -> None:
        first = chain.revisions(snapshots=True)[0]
        assert first.snapshot is not None
        first = replace(first, snapshot=loose(first.snapshot))
        second = Revision(
            "r1", "r0", workflow="flow", upgrade=lambda op: op.add_field("state.of_today", default=[1])
        )
        migrator = Migrator(revisions=[first, second])
        reading = Reading(migrator, "r0", "refuse", "r1", SERDE, Complements(SERDE, False))
        threads = [stored_thread(chain, seed) for seed in seeds]
        for stored in threads * 3:  # in turns
            assert_same(read(reading, stored, "t1", short=True), read(reading, stored, "t1", short=False))
            way = reading.short_way("r0")
            assert way is not None
            met["built while decoded"] += way._builds
            met["laid out"] += any(each is not None and each.laid for each in way._outlines.values())

    check()
    assert met["built while decoded"], met
    assert met["laid out"], met


def test_random_chains() -> None:
    ways: Counter[str] = Counter()

    @settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
    @given(chain=chains((1, 5), (1, 3)), seed=st.integers(0, 2**32), checked=st.booleans())
    def check(chain: Chain, seed: int, checked: bool) -> None:
        revisions = chain.revisions(snapshots=True)
        if not checked:
            revisions = [replace(each, snapshot=loose(each.snapshot)) for each in revisions if each.snapshot]
        migrator = Migrator(revisions=revisions)
        assume(not Names.between(migrator, "r0", chain.head).speaks_of_steps)
        stored = stored_thread(chain, seed)
        reading = Reading(migrator, "r0", "refuse", chain.head, SERDE, Complements(SERDE, False))

        def go(*, short: bool) -> Found | str:
            try:
                return read(reading, stored, "t1", short=short)
            except StatemigError as error:
                return str(error)

        long = go(short=False)
        way = reading.short_way("r0")
        taken = (
            way is not None
            and way.read(stored, "t1", Stamp("flow", "r0", started="r0"), {}, SERDE) is not None
        )
        ways[f"{taken=}, {checked=}"] += 1
        for _ in range(2):  # the second time the outline is known
            short = go(short=True)
            if isinstance(short, str) or isinstance(long, str):
                assert short == long
            else:
                assert_same(short, long)

    check()
    assert ways["taken=True, checked=True"], ways
    assert ways["taken=True, checked=False"], ways
