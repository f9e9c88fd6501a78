"""A worker that knows a thread reads it as the saver inside does, and notices when another worker has changed it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_savers import Storage
from pydantic import BaseModel

from statemig import Migrator, Revision
from statemig.errors import CursorError, NewerRevisionError
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture

THREAD: Any = {"configurable": {"thread_id": "t1"}}


class Paper(BaseModel):
    title: str


class State(TypedDict, total=False):
    topic: str
    papers: list[Paper]
    answer: str


def graph_of(ask: str) -> StateGraph[Any]:
    graph: StateGraph[Any] = StateGraph(State)
    graph.add_node("write", lambda state: {"papers": [Paper(title=state["topic"])]})
    graph.add_node(ask, lambda state: {"answer": interrupt("Well?")})
    graph.add_node("sign", lambda state: {"answer": interrupt("Sure?")})
    for before, after in ((START, "write"), ("write", ask), (ask, "sign"), ("sign", END)):
        graph.add_edge(before, after)
    return graph


def migrator(graph: Callable[[str], StateGraph[Any]] = graph_of) -> Migrator:
    first, second = (capture(graph(name).compile(name="flow")) for name in ("approve", "review"))
    return Migrator(
        revisions=[
            Revision("r1", workflow="flow", snapshot=first),
            Revision(
                "r2",
                "r1",
                workflow="flow",
                snapshot=second,
                upgrade=lambda op: op.rename_step("approve", to="review"),
            ),
        ]
    )


class Worker:
    """One process of one version."""

    def __init__(self, inner: Any, version: int) -> None:
        self.saver = MigratingSaver(inner, migrator(), revision=f"r{version}")
        self.graph = graph_of("approve" if version == 1 else "review").compile(
            checkpointer=self.saver, name="flow"
        )


def test_what_is_read_is_what_the_saver_inside_reads(storage: Storage) -> None:
    with storage.open() as inner:
        Worker(inner, 1).graph.invoke({"topic": "x"}, THREAD)
        saver = MigratingSaver(inner, migrator(), revision="r1")
        first, again = saver.get_tuple(THREAD), saver.get_tuple(THREAD)
        assert first == again == inner.get_tuple(THREAD)
        assert again is not None
        assert again.checkpoint["channel_values"]["papers"] == [Paper(title="x")]
        asked = saver.get_tuple(again.config)
        assert asked == inner.get_tuple(again.config)


def test_the_same_in_an_event_loop(storage: Storage) -> None:
    async def read() -> None:
        async with storage.aopen() as inner:
            await Worker(inner, 1).graph.ainvoke({"topic": "x"}, THREAD)
            saver = MigratingSaver(inner, migrator(), revision="r1")
            first, again = await saver.aget_tuple(THREAD), await saver.aget_tuple(THREAD)
            assert first == again == await inner.aget_tuple(THREAD)

    asyncio.run(read())


def test_a_thread_that_a_newer_worker_went_on_with_is_refused(storage: Storage) -> None:
    with storage.open() as inner:
        old, new = Worker(inner, 1), Worker(inner, 2)
        old.graph.invoke({"topic": "x"}, THREAD)
        assert old.saver.get_tuple(THREAD) is not None
        new.graph.invoke(Command(resume="yes"), THREAD)
        with pytest.raises(NewerRevisionError):
            old.saver.get_tuple(THREAD)


def test_what_a_newer_worker_hung_on_the_same_checkpoint_is_noticed(storage: Storage) -> None:
    with storage.open() as inner:
        old, new = Worker(inner, 1), Worker(inner, 2)
        old.graph.invoke({"topic": "x"}, THREAD)
        assert old.saver.get_tuple(THREAD) is not None
        new.graph.invoke(None, THREAD)  # it asks again: writes of its own, and no new checkpoint
        with pytest.raises(NewerRevisionError):
            old.saver.get_tuple(THREAD)


def test_a_thread_that_was_begun_anew_meanwhile_is_read_as_it_is(storage: Storage) -> None:
    with storage.open() as inner:
        old, new = Worker(inner, 1), Worker(inner, 2)
        new.graph.invoke({"topic": "x"}, THREAD)
        assert new.saver.get_tuple(THREAD) is not None
        inner.delete_thread("t1")
        assert new.saver.get_tuple(THREAD) is None
        old.graph.invoke({"topic": "y"}, THREAD)
        found = new.graph.get_state(THREAD)
        assert (found.values["topic"], found.next) == ("y", ("review",))


def test_a_graph_that_is_bound_later_is_asked_about_threads_that_are_known(tmp_path: Path) -> None:
    with Storage("sqlite", tmp_path / "checkpoints.db").open() as inner:
        worker = Worker(inner, 1)
        worker.graph.invoke({"topic": "x"}, THREAD)
        assert worker.saver.get_tuple(THREAD) is not None
        worker.saver.bind(graph_of("other").compile(name="flow"))
        with pytest.raises(CursorError, match="'approve'"):
            worker.saver.get_tuple(THREAD)


# -- threads that a worker meets for the first time --------------------------------------------------------------------

OTHERS: list[Any] = [{"configurable": {"thread_id": f"other{number}"}} for number in range(9)]


class Meeting:
    """A worker of version 2 that knows no thread, on a store where version 2 parked some. `raw`: the threads that it has read raw."""

    def __init__(self, inner: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        writer = Worker(inner, 2)
        for config in OTHERS:
            writer.graph.invoke({"topic": "x"}, config)
        self.saver = MigratingSaver(inner, migrator())
        self.raw: list[str] = []
        reader = self.saver._reader
        read = reader.get_tuple

        def counted(config: Any) -> Any:
            self.raw.append(config["configurable"]["thread_id"])
            return read(config)

        monkeypatch.setattr(reader, "get_tuple", counted)
        for config in OTHERS:
            assert self.saver.get_tuple(config) == inner.get_tuple(config)


@pytest.fixture
def kept(tmp_path: Path) -> Storage:
    return Storage("sqlite", tmp_path / "checkpoints.db")


def test_while_all_are_at_head_the_next_is_taken_to_be(
    kept: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open() as inner:
        Worker(inner, 2).graph.invoke({"topic": "x"}, THREAD)
        meeting = Meeting(inner, monkeypatch)
        assert meeting.raw == [f"other{number}" for number in range(8)]
        assert meeting.saver.get_tuple(THREAD) == inner.get_tuple(THREAD)
        assert "t1" not in meeting.raw


def test_one_that_is_not_is_read_raw_and_so_is_the_next(
    kept: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open() as inner:
        Worker(inner, 1).graph.invoke({"topic": "x"}, THREAD)
        meeting = Meeting(inner, monkeypatch)
        found = meeting.saver.get_tuple(THREAD)
        assert found == MigratingSaver(inner, migrator()).get_tuple(THREAD) != inner.get_tuple(THREAD)
        Worker(inner, 2).graph.invoke({"topic": "x"}, {"configurable": {"thread_id": "t2"}})
        meeting.saver.get_tuple({"configurable": {"thread_id": "t2"}})
        assert meeting.raw[-2:] == ["t1", "t2"]


def test_one_that_is_not_is_read_raw_where_it_stands_on_the_same_node(kept: Storage) -> None:
    graph = graph_of("review")
    snapshot = capture(graph.compile(name="flow"))
    made = Migrator(
        revisions=[
            Revision("r1", workflow="flow", snapshot=snapshot),
            Revision(
                "r2", "r1", workflow="flow", upgrade=lambda op: op.rename_field("state.topic", to="subject")
            ),
        ]
    )
    with kept.open() as inner:
        for revision, config in (("r1", THREAD), *(("r2", each) for each in OTHERS)):
            writer = MigratingSaver(inner, made, revision=revision)
            graph.compile(checkpointer=writer, name="flow").invoke({"topic": "x"}, config)
        saver = MigratingSaver(inner, made)
        for config in OTHERS:
            saver.get_tuple(config)
        found = saver.get_tuple(THREAD)
        assert found is not None
        assert found.checkpoint["channel_values"]["subject"] == "x"


def test_one_on_which_a_newer_worker_hung_something_is_refused(
    kept: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open() as inner:
        old = Worker(inner, 1)
        for config in OTHERS:
            old.graph.invoke({"topic": "x"}, config)
        old.graph.invoke({"topic": "x"}, THREAD)
        Worker(inner, 2).graph.invoke(None, THREAD)  # it asks again: writes of its own, and no new checkpoint
        saver = MigratingSaver(inner, migrator(), revision="r1")
        for config in OTHERS:
            saver.get_tuple(config)
        with pytest.raises(NewerRevisionError):
            saver.get_tuple(THREAD)


def test_one_that_stands_on_a_node_that_there_is_not_is_refused(
    kept: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open() as inner:
        Worker(inner, 2).graph.invoke({"topic": "x"}, THREAD)
        meeting = Meeting(inner, monkeypatch)
        meeting.saver.bind(graph_of("other").compile(name="flow"))
        with pytest.raises(CursorError, match="'review'"):
            meeting.saver.get_tuple(THREAD)


def test_one_that_stands_elsewhere_than_those_before_is_looked_at(
    kept: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open() as inner:
        writer = Worker(inner, 2)
        for said in ({"topic": "x"}, Command(resume="yes")):
            writer.graph.invoke(said, THREAD)
        meeting = Meeting(inner, monkeypatch)
        without_sign: StateGraph[Any] = StateGraph(State)
        for name in ("write", "review"):
            without_sign.add_node(name, lambda state: {})
        without_sign.add_edge(START, "write").add_edge("write", "review")
        meeting.saver.bind(without_sign.compile(name="flow"))
        for config in OTHERS:
            assert meeting.saver.get_tuple(config) == inner.get_tuple(config)
        with pytest.raises(CursorError, match="'sign'"):
            meeting.saver.get_tuple(THREAD)


def test_the_first_id_of_a_question_reaches_it_after_the_thread_went_back_and_forth(
    kept: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open() as inner:
        writer = Worker(inner, 2)
        [question] = writer.graph.invoke({"topic": "x"}, THREAD)["__interrupt__"]
        for revision in ("r1", "r2"):
            writer.saver.downgrade(THREAD, revision)
        graph = graph_of("review").compile(checkpointer=Meeting(inner, monkeypatch).saver, name="flow")
        assert graph.invoke(Command(resume={question.id: "yes"}), THREAD)["answer"] == "yes"


def test_a_thread_that_is_not_there(kept: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    with kept.open() as inner:
        meeting = Meeting(inner, monkeypatch)
        assert meeting.saver.get_tuple(THREAD) is None
        assert "t1" not in meeting.raw  # once is enough


def test_what_a_worker_writes_on_a_thread_that_it_took_to_be_at_head(
    kept: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with kept.open() as inner:
        Worker(inner, 1).graph.invoke({"topic": "x"}, THREAD)
        Worker(inner, 2).graph.invoke(Command(resume="yes"), THREAD)
        meeting = Meeting(inner, monkeypatch)
        graph = graph_of("review").compile(checkpointer=meeting.saver, name="flow")
        assert graph.invoke(Command(resume="sure"), THREAD)["answer"] == "sure"
        assert "t1" not in meeting.raw
        found = inner.get_tuple(THREAD)
        assert found is not None
        said: Any = found.metadata
        assert (said["statemig"]["revision"], said["statemig"]["started"]) == ("r2", "r1")


def test_threads_that_are_adopted_are_read_as_they_are(kept: Storage) -> None:
    with kept.open() as inner:
        bare = graph_of("approve").compile(checkpointer=inner, name="flow")
        for config in (*OTHERS, THREAD):
            bare.invoke({"topic": "x"}, config)
        saver = MigratingSaver(inner, migrator(), revision="r1")
        for config in (*OTHERS, THREAD):
            assert saver.get_tuple(config) == inner.get_tuple(config)


def test_what_is_written_on_a_newer_checkpoint_of_an_older_worker_is_stamped(kept: Storage) -> None:
    with kept.open() as inner:
        saver = MigratingSaver(inner, migrator(), on_newer="downgrade")
        graph = graph_of("review").compile(checkpointer=saver, name="flow")
        graph.invoke({"topic": "x"}, THREAD)
        older = MigratingSaver(inner, migrator(), revision="r1", on_newer="downgrade")
        graph_of("approve").compile(checkpointer=older, name="flow").update_state(THREAD, {"topic": "y"})
        found = inner.get_tuple(THREAD)
        assert found is not None
        shown = saver.get_tuple(found.config)  # by its id, so that it is not looked at as the last one
        assert shown is not None
        saver.put_writes(shown.config, [("answer", "z")], "4f9a5d1e-0000-4000-8000-000000000000")
        after = inner.get_tuple(THREAD)
        assert after is not None
        assert [write[0][:9] for write in after.pending_writes or ()].count("statemig:") == 1


def test_the_id_of_a_question_that_an_older_worker_asked_again_reaches_it(storage: Storage) -> None:
    with storage.open() as inner:
        new = Worker(inner, 2)
        new.graph.invoke({"topic": "x"}, THREAD)
        older = MigratingSaver(inner, migrator(), revision="r1", on_newer="downgrade")
        asked = graph_of("approve").compile(checkpointer=older, name="flow").invoke(None, THREAD)
        [question] = asked["__interrupt__"]
        assert new.graph.invoke(Command(resume={question.id: "yes"}), THREAD)["answer"] == "yes"


def with_a_graph_inside(ask: str) -> StateGraph[Any]:
    inner: StateGraph[Any] = StateGraph(State)
    inner.add_node("deep", lambda state: {"answer": interrupt("Deep?")})
    inner.add_edge(START, "deep")
    graph: StateGraph[Any] = StateGraph(State)
    graph.add_node(ask, lambda state: {"answer": interrupt("Well?")})
    graph.add_node("inside", inner.compile())
    for before, after in ((START, ask), (ask, "inside"), ("inside", END)):
        graph.add_edge(before, after)
    return graph


def test_a_thread_that_was_brought_back_gets_into_a_graph_inside(storage: Storage) -> None:
    made = migrator(with_a_graph_inside)
    with storage.open() as inner:
        newer = MigratingSaver(inner, made)
        with_a_graph_inside("review").compile(checkpointer=newer, name="flow").invoke({"topic": "x"}, THREAD)
        newer.downgrade(THREAD, "r1")
        older = MigratingSaver(inner, made, revision="r1")
        graph = with_a_graph_inside("approve").compile(checkpointer=older, name="flow")
        [question] = graph.invoke(Command(resume="yes"), THREAD)["__interrupt__"]
        assert question.value == "Deep?"
        assert graph.invoke(Command(resume="deep"), THREAD)["answer"] == "deep"
