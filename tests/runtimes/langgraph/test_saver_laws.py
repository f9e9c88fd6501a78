"""Laws of the saver, where workers of two versions do anything to the same threads: what one remembers of a thread does not change what it
reads, and a thread that is brought to a revision stands where it stood."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from operator import add
from typing import Annotated, Any, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langgraph.checkpoint.base import CheckpointTuple
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.errors import EmptyInputError, InvalidUpdateError
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph_savers import Storage
from pydantic import BaseModel

from statemig import Migrator, Revision
from statemig.errors import NewerRevisionError, StatemigError
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture

THREADS: list[Any] = [{"configurable": {"thread_id": f"t{number}"}} for number in range(2)]
#: so many that what is not known is taken to be at head
OTHERS: list[Any] = [{"configurable": {"thread_id": f"other{number}"}} for number in range(9)]


class Paper(BaseModel):
    title: str


class State(TypedDict, total=False):
    topic: str
    papers: list[Paper]
    answer: str
    looked: Annotated[list[str], add]


class Renamed(TypedDict, total=False):
    subject: str
    papers: list[Paper]
    answer: str
    looked: Annotated[list[str], add]


def nothing(_: str) -> None:
    return None


def graph_of(version: int, note: Callable[[str], None] = nothing) -> StateGraph[Any]:
    def look(state: Any) -> Any:
        note("looked")
        return {"looked": ["here"]}

    topic, ask = ("topic", "approve") if version == 1 else ("subject", "review")
    schema: type[Any] = State if version == 1 else Renamed
    inside: StateGraph[Any] = StateGraph(schema)
    inside.add_node(ask, lambda state: {"answer": interrupt("Well?")})
    inside.add_edge(START, ask).add_edge(ask, END)
    graph: StateGraph[Any] = StateGraph(schema)
    graph.add_node("write", lambda state: {"papers": [Paper(title=state.get(topic, "none"))]})
    graph.add_node(ask, lambda state: {"answer": interrupt("Well?")})
    graph.add_node("look", look)
    graph.add_node("inside", inside.compile())
    for before, after in (
        (START, "write"),
        ("write", ask),
        ("write", "look"),
        (ask, "inside"),
        ("inside", END),
    ):
        graph.add_edge(before, after)
    return graph


def upgrade(op: Any) -> None:
    op.rename_field("state.topic", to="subject")
    op.rename_step("approve", to="review")
    op.rename_step("inside.approve", to="inside.review")


FIRST, SECOND = (capture(graph_of(version).compile(name="flow")) for version in (1, 2))
MIGRATOR = Migrator(
    revisions=[
        Revision("r1", workflow="flow", snapshot=FIRST),
        Revision("r2", "r1", workflow="flow", snapshot=SECOND, upgrade=upgrade),
    ]
)


class Worker:
    """One process of one version. `started` is one that is like it and has seen nothing."""

    def __init__(
        self, inner: Any, version: int, on_newer: Any, note: Callable[[str], None] = nothing
    ) -> None:
        def start() -> MigratingSaver:
            return MigratingSaver(inner, MIGRATOR, on_newer=on_newer, revision=f"r{version}")

        self.topic = "topic" if version == 1 else "subject"
        self.started: Callable[[], MigratingSaver] = start
        self.saver = start()
        self.graph = graph_of(version, note).compile(checkpointer=self.saver, name="flow")

    def act(self, action: str, thread: Any) -> None:
        match action:
            case "start":
                self.graph.invoke({self.topic: "x"}, thread)
            case "answer":
                self.graph.invoke(Command(resume="yes"), thread)
            case "ask again":
                self.graph.invoke(None, thread)
            case "update":
                self.graph.update_state(thread, {self.topic: "y"})
            case "bring to r1":
                self.saver.downgrade(thread, "r1")
            case "bring to r2":
                self.saver.downgrade(thread, "r2")
            case "delete":
                self.saver.delete_thread(thread["configurable"]["thread_id"])

    def stands(self, thread: Any) -> Any:
        """What is to be done next in a thread, and what of it is done."""
        try:
            found = self.graph.get_state(thread)
        except StatemigError as error:
            return type(error)
        tasks = [(each.name, len(each.interrupts), each.result) for each in found.tasks]
        return found.values, found.next, sorted(tasks, key=repr)


def outcome(saver: MigratingSaver, config: Any) -> Any:
    try:
        return saver.get_tuple(config)
    except StatemigError as error:
        return type(error), str(error)


#: a thread begins, is deleted now and then, and has more done to it in between
ACTIONS = ("start", *2 * ("answer", "ask again", "update", "bring to r1", "bring to r2"), "delete")
STEPS = st.tuples(st.sampled_from(range(4)), st.sampled_from(ACTIONS), st.sampled_from(THREADS))


@given(begun_by=st.sampled_from((0, 2)), steps=st.lists(STEPS, min_size=1, max_size=10))
def test_a_worker_that_remembers_reads_what_one_that_has_just_started_reads(
    begun_by: int, steps: list[tuple[int, str, Any]]
) -> None:
    inner = InMemorySaver()
    workers = [Worker(inner, version, on_newer) for version in (1, 2) for on_newer in ("refuse", "downgrade")]
    for config in OTHERS:
        workers[begun_by].graph.invoke({workers[begun_by].topic: "x"}, config)
    for worker in workers:
        for config in OTHERS:
            outcome(worker.saver, config)
    shown: list[Any] = [*THREADS]
    for who, action, thread in [(begun_by, "start", thread) for thread in THREADS] + steps:
        with suppress(StatemigError, EmptyInputError, InvalidUpdateError):  # refused, and nothing has changed
            workers[who].act(action, thread)
        for worker in workers:
            for config in shown[:]:
                found = outcome(worker.saver, config)
                assert found == outcome(worker.started(), config)
                assert found is None or isinstance(found, CheckpointTuple) or found[0] is NewerRevisionError
                if isinstance(found, CheckpointTuple) and found.config not in shown:
                    shown.append(found.config)


@given(
    by=st.sampled_from((1, 3)),
    steps=st.lists(st.tuples(st.sampled_from((1, 3)), st.sampled_from(ACTIONS)), max_size=8),
    to=st.sampled_from(("r1", "r2")),
)
def test_a_thread_that_is_brought_to_a_revision_stands_where_it_stood(
    by: int, steps: list[tuple[int, str]], to: str
) -> None:
    inner = InMemorySaver()
    workers = {number: Worker(inner, version, "downgrade") for number, version in ((1, 1), (3, 2))}
    thread = THREADS[0]
    workers[by].act("start", thread)
    for who, action in steps:
        if inner.get_tuple(thread) is not None or action == "start":
            with suppress(InvalidUpdateError):
                workers[who].act(action, thread)
    if inner.get_tuple(thread) is None:
        return
    before = {who: worker.stands(thread) for who, worker in workers.items()}
    workers[by].act(f"bring to {to}", thread)
    assert {who: worker.stands(thread) for who, worker in workers.items()} == before


@pytest.mark.parametrize("to", ["r1", "r2"])
def test_a_branch_that_another_version_has_finished_is_not_run_again_after_the_thread_is_brought_along(
    storage: Storage, to: str
) -> None:
    looks: list[str] = []
    begins, goes_on = (1, 2) if to == "r2" else (2, 1)
    with storage.open() as inner:
        begun, other = (Worker(inner, version, "downgrade", looks.append) for version in (begins, goes_on))
        begun.graph.update_state(THREADS[0], {begun.topic: "x"}, as_node="write")
        [question] = other.graph.invoke(None, THREADS[0])["__interrupt__"]
        assert looks == ["looked"]
        begun.saver.downgrade(THREADS[0], to)
        other.graph.invoke(Command(resume={question.id: "yes"}), THREADS[0])
        assert looks == ["looked"]
        assert other.graph.get_state(THREADS[0]).next == ("inside",)
