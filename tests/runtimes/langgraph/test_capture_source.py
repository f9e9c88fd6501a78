"""What the source of a node says: the questions that it asks, in their order, with those of its helpers."""

from __future__ import annotations

import functools
from typing import Any

import langgraph.types
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, interrupt
from langgraph.types import interrupt as ask_a_person
from typing_extensions import TypedDict

from statemig import capture, diff, propose
from statemig.runtimes.langgraph.capture.source import digest_of, read_node, read_path
from statemig.workflow.snapshot import Snapshot


class State(TypedDict):
    topic: str


def captured(node: Any) -> Snapshot:
    builder = StateGraph(State)
    builder.add_node("ask", node)
    builder.add_edge(START, "ask")
    builder.add_edge("ask", END)
    return capture(builder.compile())


def asks(node: Any) -> tuple[str, ...]:
    return captured(node).steps["ask"].interrupts


# -- names of questions ------------------------------------------------------------------------------------------------


def by_words(state: State) -> Any:
    first = interrupt("Who   are\nyou?")
    second = langgraph.types.interrupt(f"Send {state['topic']}?")
    return {"topic": first + second + ask_a_person({"question": "Sure?", "options": ["y", "n"]})}


def by_target(state: State) -> Any:
    answer = interrupt(state["topic"])
    return {"topic": interrupt(state), "other": str(interrupt(None)) + answer}


def twice(state: State) -> Any:
    return interrupt("Sure?") + interrupt("Sure?")


def local_import(state: State) -> Any:
    from langgraph.types import interrupt as wait

    return wait("here")


def not_a_question(state: State) -> Any:
    def interrupt(text: str) -> str:
        return text

    return interrupt("nobody is asked")


def its_own_helper(state: State) -> Any:
    def ask(text: str) -> Any:
        return interrupt("own") or ask(text)

    return ask(state["topic"])


def in_a_loop(state: State) -> Any:
    return [interrupt("next?") for _ in state["topic"]]


def in_branches(state: State) -> Any:
    try:
        if state["topic"]:
            answer = interrupt("a")
        else:
            answer = interrupt("b")
    finally:
        interrupt("c")
    return {"topic": answer}


def test_a_question_is_called_by_its_own_words() -> None:
    assert asks(by_words) == ("Who are you?", "Send {}?", "Sure?")


def test_or_by_where_the_answer_goes() -> None:
    assert asks(by_target) == ("answer", "topic", "other")


def test_two_of_the_same_words_are_told_apart() -> None:
    assert asks(twice) == ("Sure?", "Sure? (2)")


def test_names_are_followed_to_what_they_stand_for() -> None:
    assert asks(local_import) == ("here",)
    assert asks(not_a_question) == ()
    assert asks(its_own_helper) == ("own",)


def test_questions_are_in_the_order_of_the_source() -> None:
    assert asks(in_branches) == ("a", "b", "c")


def test_a_question_in_a_loop_is_noted() -> None:
    snapshot = captured(in_a_loop)
    assert snapshot.steps["ask"].interrupts == ("next?",)
    assert snapshot.runtime["notes"] == ["ask: asks in a loop; how often only shows when it runs"]


# -- what is behind a node ---------------------------------------------------------------------------------------------


def helper(text: str) -> Any:
    return deeper(text) + interrupt("from the helper")


def deeper(text: str) -> Any:
    return interrupt("from below") if text else helper(text)


def through_helpers(state: State) -> Any:
    before = interrupt("before")
    return before + helper(state["topic"]) + interrupt("after")


def traced(function: Any) -> Any:
    @functools.wraps(function)
    def around(*args: Any, **words: Any) -> Any:
        return function(*args, **words)

    return around


@traced
def decorated(state: State) -> Any:
    return interrupt("decorated")


async def asynchronous(state: State) -> Any:
    return {"topic": interrupt("async")}


class Asker:
    def __call__(self, state: State) -> Any:
        return self.ask()

    def ask(self) -> Any:
        return interrupt("of an object")

    def method(self, state: State) -> Any:
        return self.ask()


def with_more(more: str, state: State) -> Any:
    return interrupt("partial")


def test_helpers_of_the_same_package_are_followed_in_their_place() -> None:
    assert asks(through_helpers) == ("before", "from below", "from the helper", "after")


def test_methods_partials_decorators_lambdas_and_coroutines_are_seen_through() -> None:
    assert asks(decorated) == ("decorated",)
    assert asks(asynchronous) == ("async",)
    assert asks(Asker()) == asks(Asker().method) == ("of an object",)
    assert asks(functools.partial(with_more, "x")) == ("partial",)
    assert asks(lambda state: {"topic": interrupt("lambda")}) == ("lambda",)


def test_lambdas_on_one_line_are_told_apart() -> None:
    one, other = (lambda state: interrupt("one")), (lambda state: interrupt("other"))
    assert (asks(one), asks(other)) == (("one",), ("other",))


def test_a_function_of_a_closure_is_followed() -> None:
    def within(text: str) -> Any:
        return interrupt("within")

    def node(state: State) -> Any:
        return within("x")

    assert asks(node) == ("within",)


def test_code_without_source_says_nothing() -> None:
    names: dict[str, Any] = {"interrupt": interrupt}
    exec("def made(state):\n    return interrupt('unseen')", names)
    assert asks(names["made"]) == ()
    assert read_path(names["made"]) is None
    assert digest_of(names["made"]) is None
    assert read_node(len).asks == []


def test_a_command_whose_destination_is_computed_leaves_it_open() -> None:
    def node(state: State) -> Any:
        words: dict[str, Any] = {"goto": state["topic"]}
        return Command(**words)

    assert read_node(node).open_ended


# -- what follows from it ----------------------------------------------------------------------------------------------


def one_question(state: State) -> Any:
    return {"topic": interrupt("Send it?")}


def one_more_before(state: State) -> Any:
    who = interrupt("Who are you?")
    return {"topic": who + interrupt("Send it?")}


def other_words(state: State) -> Any:
    return {"topic": interrupt("Really send it?")}


def test_the_order_seen_is_the_order_asked() -> None:
    builder = StateGraph(State)
    builder.add_node("ask", one_more_before)
    builder.add_edge(START, "ask")
    graph = builder.compile(checkpointer=InMemorySaver())
    config: Any = {"configurable": {"thread_id": "1"}}
    seen = [graph.invoke({"topic": "t"}, config)["__interrupt__"][0].value]
    seen.append(graph.invoke(Command(resume="me"), config)["__interrupt__"][0].value)
    assert tuple(seen) == capture(graph).steps["ask"].interrupts


def test_a_question_inserted_before_another_moves_it() -> None:
    old, new = captured(one_question), captured(one_more_before)
    assert [change.rule for change in diff(old, new)] == ["W08"]
    assert [operation.source() for operation in propose(old, new).operations] == [
        'op.map_waiting("ask", order=[None, 0])'
    ]


def test_a_question_in_other_words_is_the_same_one() -> None:
    found = propose(captured(one_question), captured(other_words))
    assert [operation.source() for operation in found.operations] == ['op.map_waiting("ask", order=[0])']
