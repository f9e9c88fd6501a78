"""What several writers make of the same checkpoint. Memory and PostgreSQL keep a value under its channel and version, and of two values
under the same they keep the first."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
from langgraph_nodes import asks, chain, reports, upper, writes, yes
from langgraph_play import THREAD, Scenario, parked
from langgraph_savers import Storage
from langgraph_states import forget_classes

from statemig.runtimes.langgraph import MigratingSaver

FIELDS: dict[str, Any] = {"topic": str, "answer": str, "done": bool}


def graph(kind: Any) -> Any:
    return chain(
        {**FIELDS, "draft": kind},
        write=writes("write", draft=upper),
        approve=asks("approve", "answer"),
        send=reports("draft", "answer"),
    )


THRICE = Scenario(
    "wrapped-twice",
    (graph(str), graph(list[str]), graph(list[list[str]])),
    (lambda op: op.wrap("state.draft"), lambda op: op.wrap("state.draft")),
    (parked(),),
    None,
    (),
)


class Worker:
    """A graph of one version on a storage, and what it makes of a checkpoint."""

    def __init__(self, number: int, saver: Any) -> None:
        forget_classes()
        migrator = THRICE.migrator()
        self.graph = THRICE.versions[number - 1]([]).compile(
            checkpointer=MigratingSaver(saver, migrator, revision=f"r{number}"), name="flow"
        )

    def ends(self, config: Any, answer: Any = yes) -> Any:
        """The config of the last checkpoint when the thread has gone on from there."""
        self.graph.invoke(answer, config)
        return self.graph.get_state(THREAD).config

    def draft(self, config: Any) -> Any:
        return self.graph.get_state(config).values["draft"]


def test_two_versions_go_on_from_the_same_checkpoint(storage: Storage) -> None:
    with storage.open() as saver:
        first = Worker(1, saver)
        first.graph.invoke({"topic": "x"}, THREAD)
        waiting = first.graph.get_state(THREAD).config
        second = Worker(2, saver)
        end_of_second = second.ends(waiting)
        third = Worker(3, saver)
        end_of_third = third.ends(waiting)

        assert third.draft(end_of_third) == [["X"]]
        assert second.draft(end_of_second) == ["X"]


@pytest.mark.skipif(
    version("langgraph").startswith("1.0."),
    reason="LangGraph 1.0 asks on a fork without making it the newest",
)
def test_two_forks_of_a_checkpoint_keep_their_own_values(storage: Storage) -> None:
    with storage.open() as saver:
        first = Worker(1, saver)
        first.graph.invoke({"topic": "x"}, THREAD)
        before = first.graph.get_state(THREAD).config
        forks = [first.graph.update_state(before, {"draft": text}, as_node="write") for text in ("A", "B")]
        second = Worker(2, saver)
        ends = []
        for fork in forks:
            second.graph.invoke(None, fork)  # asks on that fork
            ends.append(second.ends(THREAD))

        assert [second.draft(end) for end in ends] == [["A"], ["B"]]


def test_history_holds_what_a_caller_wrote_in_the_name_of_a_step_that_was_not_due(storage: Storage) -> None:
    with storage.open() as saver:
        first = Worker(1, saver)
        first.graph.invoke({"topic": "x"}, THREAD)
        first.graph.update_state(THREAD, {"draft": "A"}, as_node="write")
        second = Worker(2, saver)
        drafts = [each.values.get("draft") for each in second.graph.get_state_history(THREAD)]
        assert drafts[:2] == [["A"], ["X"]]
