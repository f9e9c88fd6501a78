"""Threads of real LangGraph graphs, on SQLite and on PostgreSQL: what happened in the field, and what comes out with statemig."""

from __future__ import annotations

import importlib
import operator
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from parked_thread import THREAD, Versions, asks, chain, does

from statemig import diff
from statemig.errors import AnswerError, StatemigError
from statemig.runtimes.langgraph.capture import capture

yes = Command(resume="yes")


class State(TypedDict, total=False):
    topic: str
    draft: str
    answer: str
    found: Annotated[list[str], operator.add]


class WithoutDraft(TypedDict, total=False):
    topic: str
    answer: str
    found: Annotated[list[str], operator.add]


@pytest.fixture
def effects() -> list[str]:
    """What the nodes did, in order."""
    return []


# -- a node that is renamed --------------------------------------------------------------------------------------------


def renamed(checkpoints: str, effects: list[str]) -> Versions:
    graphs = [
        chain(State, write=does(effects, "write"), **{ask: asks(effects, ask)}, send=does(effects, "send"))
        for ask in ("approve", "review")
    ]
    return Versions(checkpoints, graphs, [lambda op: op.rename_step("approve", to="review")])


def test_parked_on_a_renamed_node_resumes_at_the_new_name(checkpoints: str, effects: list[str]) -> None:
    thread = renamed(checkpoints, effects)
    assert thread.under(1, {"topic": "x"}).next == ("approve",)
    assert thread.under(2).next == ("review",)
    done = thread.under(2, yes)
    assert (done.next, done.state["answer"]) == ((), "yes")
    assert effects == ["write", "review: yes", "send"]


def test_langgraph_alone_loses_the_answer_to_a_renamed_node_silently(
    checkpoints: str, effects: list[str]
) -> None:
    thread = renamed(checkpoints, effects)
    thread.under(1, {"topic": "x"}, alone=True)
    lost = thread.under(2, yes, alone=True)
    assert (lost.next, lost.state) == ((), {"topic": "x", "found": []})
    assert effects == ["write"]


def test_an_approval_of_a_thread_answered_after_21_deploys(checkpoints: str, effects: list[str]) -> None:
    """Each deploy renames the step that asks, or the key that was written before; the thread is looked at after some of them."""
    graphs, scripts = [], []
    text, step = "text_0", "ask_0"
    for number in range(22):
        before, asked = text, step
        if number % 2:
            step = f"ask_{number}"
            scripts.append(lambda op, old=asked, new=step: op.rename_step(old, to=new))
        elif number:
            text = f"text_{number}"
            scripts.append(lambda op, old=before, new=text: op.rename_field(f"state.{old}", to=new))
        schema = TypedDict(f"State{number}", {text: str, "answer": str}, total=False)
        graphs.append(
            chain(schema, write=does(effects, "write", **{text: "dear all"}), **{step: asks(effects, step)})
        )
    thread = Versions(checkpoints, graphs, scripts)
    thread.under(1, {})
    for number in (5, 12, 21):
        assert thread.under(number).next == (f"ask_{number - 1 - number % 2}",)
    done = thread.under(22, yes)
    assert (done.next, done.state) == ((), {"text_20": "dear all", "answer": "yes"})
    assert effects == ["write", "ask_21: yes"]


# -- a join ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("new_branch", ["start", "arrived"])
def test_a_branch_added_to_a_join_while_one_arrival_is_in_still_lets_it_fire(
    checkpoints: str, effects: list[str], new_branch: str
) -> None:
    def joined(*branches: str) -> StateGraph:
        """The branches arrive while `approve`, which has one more step before it, still asks."""
        graph = StateGraph(State)
        graph.add_node("plan", does(effects, "plan"))
        graph.add_edge(START, "plan")
        for branch in branches:
            graph.add_node(branch, does(effects, branch, found=[branch]))
            graph.add_edge("plan", branch)
        graph.add_node("walk", does(effects, "walk"))
        graph.add_node("approve", asks(effects, "approve"))
        graph.add_edge("plan", "walk")
        graph.add_edge("walk", "approve")
        graph.add_node("combine", does(effects, "combine"))
        graph.add_edge([*branches, "approve"], "combine")
        graph.add_edge("combine", END)
        return graph

    def script(op: Any) -> None:
        op.change_join("combine", ["score", "audit", "approve"], new_branch=new_branch)

    thread = Versions(checkpoints, [joined("score"), joined("score", "audit")], [script])
    assert thread.under(1, {"topic": "x"}).next == ("approve",)
    done = thread.under(2, yes)
    started = ["audit"] if new_branch == "start" else []
    assert (done.next, done.state["found"]) == ((), ["score", *started])
    assert sorted(effects) == sorted(["plan", "score", "walk", *started, "approve: yes", "combine"])


# -- questions that come, go and change places -------------------------------------------------------------------------


def asking(
    checkpoints: str, effects: list[str], before: list[str], after: list[str], order: list[int | None]
) -> Versions:
    graphs = [chain(State, approve=asks(effects, "approve", *questions)) for questions in (before, after)]
    return Versions(checkpoints, graphs, [lambda op: op.map_waiting("approve", order=order)])


def test_an_interrupt_inserted_before_the_one_being_answered_gets_no_plain_answer(
    checkpoints: str, effects: list[str]
) -> None:
    thread = asking(checkpoints, effects, ["pay?"], ["who are you?", "pay?"], [None, 0])
    thread.under(1, {"topic": "x"})
    with pytest.raises(RuntimeError, match="multiple pending interrupts"):
        thread.under(2, yes)
    assert effects == []
    assert list(thread.under(2, None).asks.values()) == ["who are you?"]
    thread.under(2, Command(resume="Ann"), yes)
    assert effects == ["approve: Ann, yes"]


def test_an_interrupt_inserted_before_the_one_being_answered_by_its_old_id_is_refused(
    checkpoints: str, effects: list[str]
) -> None:
    thread = asking(checkpoints, effects, ["pay?"], ["who are you?", "pay?"], [None, 0])
    (old,) = thread.under(1, {"topic": "x"}).asks

    def translated(saver: Any) -> Command:
        return Command(resume=saver.resume_map(THREAD, {old: "yes"}))

    with pytest.raises(AnswerError, match="another question"):
        thread.under(2, translated)
    with pytest.raises(AnswerError, match="another question"):
        thread.under(2, Command(resume={old: "yes"}))
    seen = thread.under(2, None)
    assert list(seen.asks.values()) == ["who are you?"]
    assert old not in seen.asks
    assert effects == []


def test_an_answer_by_an_old_id_is_translated_where_the_question_is_still_the_first(
    checkpoints: str, effects: list[str]
) -> None:
    thread = renamed(checkpoints, effects)
    (old,) = thread.under(1, {"topic": "x"}).asks
    done = thread.under(2, lambda saver: Command(resume=saver.resume_map(THREAD, {old: "yes"})))
    assert (done.next, effects) == ((), ["write", "review: yes", "send"])


def test_an_answer_to_a_removed_interrupt_is_held_and_given_to_no_other(
    checkpoints: str, effects: list[str]
) -> None:
    thread = asking(checkpoints, effects, ["who are you?", "pay?"], ["pay?"], [1])
    thread.under(1, {"topic": "x"}, Command(resume="Ann"))
    assert list(thread.under(2, None).asks.values()) == ["pay?"]
    assert effects == []
    thread.under(2, yes)
    assert effects == ["approve: yes"]


def test_a_thread_that_waits_for_a_removed_interrupt_is_refused(checkpoints: str, effects: list[str]) -> None:
    thread = asking(checkpoints, effects, ["who are you?", "pay?"], ["pay?"], [1])
    thread.under(1, {"topic": "x"})
    with pytest.raises(StatemigError, match=r"approval\.order-changed"):
        thread.under(2, Command(resume="Ann"))
    assert effects == []


def test_answers_to_swapped_interrupts_reach_their_own_questions(
    checkpoints: str, effects: list[str]
) -> None:
    """The answer to the one that is now the second is held, and may be shown once more; nobody is asked for it again."""
    thread = asking(checkpoints, effects, ["who are you?", "pay?"], ["pay?", "who are you?"], [1, 0])
    thread.under(1, {"topic": "x"}, Command(resume="Ann"))
    assert list(thread.under(2).asks.values()) == ["pay?"]
    thread.under(2, yes)
    thread.under(2, None)
    assert effects == ["approve: yes, Ann"]


# -- a key that is removed ---------------------------------------------------------------------------------------------


def test_a_removed_state_key_causes_no_endless_interrupt(checkpoints: str, effects: list[str]) -> None:
    graphs = [
        chain(schema, write=does(effects, "write", **wrote), approve=asks(effects, "approve"))
        for schema, wrote in ((State, {"draft": "d"}), (WithoutDraft, {}))
    ]
    thread = Versions(checkpoints, graphs, [lambda op: op.remove_field("state.draft")])
    assert thread.under(1, {"topic": "x"}).state["draft"] == "d"
    done = thread.under(2, yes)
    assert (done.next, done.asks, "draft" in done.state) == ((), {}, False)
    assert effects == ["write", "approve: yes"]


def test_a_state_key_removed_from_the_writes_of_a_finished_branch_causes_no_endless_interrupt(
    checkpoints: str, effects: list[str]
) -> None:
    """The branch beside the one that asks has ended, and what it wrote to the key waits for the end of the step."""

    def side_by_side(schema: Any, **wrote: Any) -> StateGraph:
        graph = StateGraph(schema)
        graph.add_node("score", does(effects, "score", found=["score"], **wrote))
        graph.add_node("approve", asks(effects, "approve"))
        graph.add_node("combine", does(effects, "combine"))
        for branch in ("score", "approve"):
            graph.add_edge(START, branch)
        graph.add_edge(["score", "approve"], "combine")
        graph.add_edge("combine", END)
        return graph

    graphs = [side_by_side(State, draft="d"), side_by_side(WithoutDraft)]
    thread = Versions(checkpoints, graphs, [lambda op: op.remove_field("state.draft")])
    thread.under(1, {"topic": "x"})
    done = thread.under(2, yes)
    assert (done.next, done.asks) == ((), {})
    assert done.state == {"topic": "x", "answer": "yes", "found": ["score"]}
    assert effects == ["score", "approve: yes", "combine"]


# -- a subgraph, a comment, a dependency -------------------------------------------------------------------------------


def with_inner(effects: list[str], ask: str) -> StateGraph:
    inner = chain(State, prepare=does(effects, "prepare"), **{ask: asks(effects, ask)})
    graph = StateGraph(State)
    graph.add_node("inner", inner.compile())
    graph.add_node("send", does(effects, "send"))
    graph.add_edge(START, "inner")
    graph.add_edge("inner", "send")
    graph.add_edge("send", END)
    return graph


def test_a_changed_subgraph_is_noticed(effects: list[str]) -> None:
    old, new = (capture(with_inner(effects, ask).compile(name="flow")) for ask in ("approve", "review"))
    found = diff(old, new)
    assert found.change_class == "breaking"
    assert any("inner" in change.path for change in found)


def test_parked_inside_a_changed_subgraph_it_goes_on_there(checkpoints: str, effects: list[str]) -> None:
    graphs = [with_inner(effects, ask) for ask in ("approve", "review")]
    thread = Versions(checkpoints, graphs, [lambda op: op.rename_step("inner.approve", to="inner.review")])
    thread.under(1, {"topic": "x"})
    done = thread.under(2, yes)
    assert (done.next, effects) == ((), ["prepare", "review: yes", "send"])


APPLICATION = """
from typing import TypedDict

from langgraph.graph import END, START, StateGraph
from langgraph.types import interrupt
from {package} import Receipt


class State(TypedDict, total=False):
    receipt: Receipt
    answer: str


def approve(state: State):
    {comment}
    return {{"answer": interrupt("pay?"), "receipt": Receipt(total=3)}}


def builder():
    graph = StateGraph(State)
    graph.add_node("approve", approve)
    graph.add_edge(START, "approve")
    graph.add_edge("approve", END)
    return graph
"""
RECEIPT = """
from pydantic import BaseModel

__version__ = "{version}"


class Receipt(BaseModel):
    total: int
    {more}
"""


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., StateGraph]:
    """The graph of an application and of a package that it uses, as they are after a deploy."""
    installed = tmp_path / "site-packages"
    installed.mkdir()
    for folder in (tmp_path, installed):
        monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    package, application = "field_receipts", "field_application"

    def deploy(version: str, comment: str, more: str = "") -> StateGraph:
        (installed / f"{package}.py").write_text(RECEIPT.format(version=version, more=more))
        (tmp_path / f"{application}.py").write_text(APPLICATION.format(package=package, comment=comment))
        for name in (package, application):
            monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        graph: StateGraph = importlib.import_module(application).builder()
        return graph

    return deploy


def test_a_comment_or_a_new_version_of_a_dependency_is_not_breaking(
    deployed: Callable[..., StateGraph],
) -> None:
    before = capture(deployed("1.0", "# ask").compile(name="flow"))
    after = capture(deployed("2.0", '"""Ask a person."""', "currency: str = 'EUR'").compile(name="flow"))
    assert diff(before, after).change_class == "none"
    assert before.digests == after.digests


def test_a_comment_or_a_new_version_of_a_dependency_strands_no_run(
    checkpoints: str, deployed: Callable[..., StateGraph]
) -> None:
    """One revision: nobody has to write another, and the code of both deploys is its code."""
    thread = Versions(checkpoints, [deployed("1.0", "# ask")], [])
    thread.under(1, {})
    again = Versions(checkpoints, [deployed("2.0", '"""Ask a person."""', "currency: str = 'EUR'")], [])
    done = again.under(1, yes)
    assert (done.next, done.state["answer"]) == ((), "yes")
