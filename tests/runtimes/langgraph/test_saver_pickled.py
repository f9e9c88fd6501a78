"""Values that LangGraph has pickled (`pickle_fallback`): where one can not be read or stored any more, the error says which."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph_nodes import Build, asks, chain, writes, yes
from langgraph_play import THREAD, Scenario
from langgraph_savers import Storage
from langgraph_states import Model, new
from langgraph_threads import Threads

from statemig.errors import InvalidStateError
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.threads.fleet import ThreadFleet

MODULE = "app_of_yesterday"
SECRET = "the-patient-said-so"


class Pickled(Threads):
    """Threads whose savers pickle what msgpack can not say."""

    def run(self, thread: str, version: int, *inputs: Any, wrapped: bool = True, **options: Any) -> Any:
        config: Any = {"configurable": {"thread_id": thread}}
        with self.storage.open() as inner:
            inner.serde = JsonPlusSerializer(pickle_fallback=True)
            saver = MigratingSaver(inner, self.migrator, revision=f"r{version}") if wrapped else inner
            graph = self.scenario.versions[version - 1](self.log).compile(checkpointer=saver, name="flow")
            for value in inputs:
                graph.invoke(value, config)
            return graph.get_state(config)


@pytest.fixture
def yesterday() -> Iterator[ModuleType]:
    """A module with a class that only pickle can store."""
    made = ModuleType(MODULE)
    sys.modules[MODULE] = made
    exec("class Odd:\n    def __init__(self, said):\n        self.said = said\n", made.__dict__)
    yield made
    sys.modules.pop(MODULE, None)


def versions(fields: dict[str, Any], later: dict[str, Any], step: str) -> tuple[Build, Build]:
    def odd(_: Any) -> Any:
        return {"deep": [sys.modules[MODULE].Odd(SECRET)]}

    def build(its: dict[str, Any], name: str) -> Build:
        return chain(its, write=writes("write", odd=odd), **{name: asks(name, "answer")})

    return build(fields, "ask"), build(later, step)


FIELDS: dict[str, Any] = {"topic": str, "odd": Any, "answer": str}
WAYS = {
    "short": (
        versions(FIELDS, {"subject": str, "odd": Any, "answer": str}, "ask"),
        lambda op: op.rename_field("state.topic", to="subject"),
    ),
    "long": (versions(FIELDS, FIELDS, "approve"), lambda op: op.rename_step("ask", to="approve")),
}


def parked(way: str, storage: Storage) -> Pickled:
    graphs, script = WAYS[way]
    threads = Pickled(Scenario("pickled", graphs, (script,), (), {}, ()), storage)
    threads.run("t1", 1, {"topic": "x"}, wrapped=False)
    return threads


@pytest.fixture(params=["sqlite", "memory"])
def stored(request: pytest.FixtureRequest, tmp_path: Path) -> Storage:
    """A saver that stores a checkpoint in one, and one that stores each channel alone."""
    return Storage(request.param, tmp_path / "checkpoints.db")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("gone", ["class", "module"])
def test_a_pickled_value_whose_class_is_gone(
    gone: str, way: str, stored: Storage, yesterday: ModuleType
) -> None:
    threads = parked(way, stored)
    known = yesterday.Odd
    if gone == "class":
        del yesterday.Odd
    else:
        del sys.modules[MODULE]
    with pytest.raises(InvalidStateError) as raised:
        threads.run("t1", 2)
    error = raised.value
    assert (error.run_id, error.workflow, error.revision, error.path) == (
        "t1",
        "flow",
        "r1",
        "state.odd.deep[0]",
    )
    assert (
        error.message
        == "LangGraph has pickled the value, and its class app_of_yesterday.Odd is not there any more"
    )
    assert str(error.hint).startswith("Keep the class where it was")
    assert SECRET not in str(error)
    yesterday.Odd = known
    sys.modules[MODULE] = yesterday
    assert threads.run("t1", 2, yes).values["odd"]["deep"][0].said == SECRET


def test_a_write_that_is_pending_and_was_pickled(tmp_path: Path, yesterday: ModuleType) -> None:
    threads = parked("long", Storage("memory", tmp_path / "none"))
    with threads.storage.open() as saver:
        task = saver.get_tuple(THREAD).pending_writes[0][0]
        saver.put_writes(saver.get_tuple(THREAD).config, [("__other__", yesterday.Odd(SECRET))], task)
    sys.modules.pop(MODULE)
    with pytest.raises(InvalidStateError) as raised:
        threads.run("t1", 2)
    assert (raised.value.run_id, raised.value.revision) == ("t1", "r1")
    assert "app_of_yesterday.Odd is not there any more" in raised.value.message


def test_what_can_not_be_made_again_for_another_reason(tmp_path: Path, yesterday: ModuleType) -> None:
    threads = parked("long", Storage("sqlite", tmp_path / "checkpoints.db"))

    def refuse(self: Any, state: Any) -> None:
        raise ValueError(SECRET)

    yesterday.Odd.__setstate__ = refuse
    with pytest.raises(InvalidStateError, match="it can not be made again: ValueError") as raised:
        threads.run("t1", 2)
    assert SECRET not in str(raised.value)


def test_a_document_of_a_fleet(tmp_path: Path, yesterday: ModuleType) -> None:
    threads = parked("short", Storage("sqlite", tmp_path / "checkpoints.db"))
    sys.modules.pop(MODULE)
    fleet = fleet_of(threads)
    with pytest.raises(InvalidStateError) as raised:
        fleet.document(fleet.row("t1"))
    assert (raised.value.revision, raised.value.path) == ("r1", "state.odd.deep[0]")
    fleet.close()


def fleet_of(threads: Threads) -> ThreadFleet:
    serde = JsonPlusSerializer(pickle_fallback=True)
    return ThreadFleet(f"sqlite:///{threads.storage.where}", threads.migrator, serde=serde)


LINE = Model("Line", (("text", str),))
LINE_WITH = Model("Line", (("text", str), ("odd", Any)), (("odd", None),))


def held_by_an_instance(storage: Storage) -> Pickled:
    def line(_: Any) -> Any:
        return new("Line", text="a")

    def odd(_: Any) -> Any:
        return sys.modules[MODULE].Odd(SECRET)

    def build(fields: dict[str, Any]) -> Build:
        more: dict[str, Any] = {"odd": odd} if "odd" in fields else {}
        return chain(fields, write=writes("write", line=line, **more), ask=asks("ask", "answer"))

    graphs = (build({"line": LINE, "odd": Any, "answer": str}), build({"line": LINE_WITH, "answer": str}))
    script = (lambda op: op.move_field("state.odd", to="state.line.odd"),)
    threads = Pickled(Scenario("moved", graphs, script, (), {}, ()), storage)
    threads.run("t1", 1, {}, wrapped=False)
    return threads


MESSAGE = (
    "an instance of langgraph_app.Line would hold a value that LangGraph has pickled, in odd: it stores the fields of instances as "
    "msgpack, which has none of that kind"
)


def test_a_pickled_value_that_goes_into_an_instance(stored: Storage, yesterday: ModuleType) -> None:
    threads = held_by_an_instance(stored)
    with pytest.raises(InvalidStateError) as raised:
        threads.run("t1", 2)
    error = raised.value
    assert (error.run_id, error.workflow, error.path, error.message) == ("t1", "flow", "state.line", MESSAGE)
    assert error.revision == "r2"
    assert str(error.hint).startswith("Leave the field outside in the script")
    assert threads.run("t1", 1, yes).values["odd"].said == SECRET


def test_a_thread_is_refused_before_anything_is_stored(tmp_path: Path, yesterday: ModuleType) -> None:
    threads = held_by_an_instance(Storage("sqlite", tmp_path / "checkpoints.db"))
    fleet = fleet_of(threads)
    with pytest.raises(InvalidStateError) as raised:
        fleet.bring(fleet.row("t1"), "r2")
    assert (raised.value.run_id, raised.value.path, raised.value.message) == ("t1", "state.line", MESSAGE)
    fleet.close()
