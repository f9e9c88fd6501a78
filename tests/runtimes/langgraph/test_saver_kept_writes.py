"""Pending writes that are no task's: those that LangGraph keeps for a channel that is replayed, and those that nobody can explain."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph_nodes import Build, Log, asks, writes, yes
from langgraph_play import THREAD, Scenario
from langgraph_savers import Storage
from langgraph_states import Kind, graph_of
from langgraph_threads import Threads

from statemig.errors import CursorError
from statemig.runtimes.langgraph.identity import is_kept


def joined(there: list[str] | None, more: list[Any]) -> list[str]:
    return [*(there or []), *(each for some in more for each in (some if isinstance(some, list) else [some]))]


def asking(name: str, hint: Any = list) -> Build:
    def build(log: Log, kind: Kind = "TypedDict") -> StateGraph:
        graph = graph_of(kind, {"said": hint})
        graph.add_node("write", writes("write", said=["written"])(log))
        graph.add_node("add", writes("add", said=["added"])(log))
        graph.add_node(name, asks(name, "said")(log))
        for before, after in ((START, "write"), ("write", "add"), ("add", name), (name, END)):
            graph.add_edge(before, after)
        return graph

    return build


def renamed(storage: Storage, hint: Any = list) -> Threads:
    versions = (asking("ask", hint), asking("approve", hint))
    return Threads(
        Scenario("kept", versions, (lambda op: op.rename_step("ask", to="approve"),), (), {}, ()), storage
    )


def put(storage: Storage, task: str) -> None:
    """A pending write of the newest checkpoint under that id of a task."""
    with storage.open() as saver:
        found = saver.get_tuple(THREAD)
        saver.put_writes(found.config, [("said", ["from nowhere"])], task)


@pytest.mark.parametrize("end", ["1234-5678-9abc-def012345678", "0000-0000-0000-000000000001"])
def test_an_id_that_begins_with_digits_is_not_explained_by_that(end: str, tmp_path: Path) -> None:
    threads = renamed(Storage("sqlite", tmp_path / "checkpoints.db"))
    threads.run("t1", 1, {}, wrapped=False)
    put(threads.storage, f"73915204-{end}")
    with pytest.raises(CursorError, match="'said' belongs to a task that no step of its revision explains"):
        threads.run("t1", 2, yes)


def test_what_a_run_has_kept_that_stores_at_its_end_alone_is_replayed(tmp_path: Path) -> None:
    delta = pytest.importorskip("langgraph.channels.delta", reason="it came with langgraph 1.2")
    threads = renamed(
        Storage("sqlite", tmp_path / "checkpoints.db"), Annotated[list, delta.DeltaChannel(joined)]
    )
    with threads.storage.open() as saver:
        graph = threads.scenario.versions[0](threads.log).compile(checkpointer=saver, name="flow")
        graph.invoke({"said": ["put in"]}, THREAD, durability="exit")
    found = threads.run("t1", 2)
    assert (found.next, found.values["said"]) == (("approve",), ["put in", "written", "added"])
    assert threads.run("t1", 2, yes).values["said"] == ["put in", "written", "added", "yes"]


@pytest.mark.parametrize(
    ("task", "kept"),
    [
        ("00000004-b69d-1ec8-3205-a37b46dd00c9", True),  # of the superstep that follows
        ("00000003-b69d-1ec8-3205-a37b46dd00c9", False),  # of one that the checkpoint has in it
        ("ffffffff-0000-0006-f67b-82d8520f56a6", True),  # of a later one
        ("00000005-eb630b3e-b7e3-6f5b-5b43-6617e7aec28c", True),  # as langgraph 1.2.0 wrote it
        ("20000005-eb63-0b3e-b7e3-6f5b5b436617", False),
        ("ffffffff-1ec8-0006-f67b-82d8520f56a6", False),
        ("eb630b3e-b7e3-6f5b-5b43-6617e7aec28c", False),
    ],
)
def test_an_id_names_the_superstep_that_wrote_it(task: str, kept: bool) -> None:
    assert is_kept(task, 4) is kept
