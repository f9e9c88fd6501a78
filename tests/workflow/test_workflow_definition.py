"""What a `Workflow` refuses, and how it says so."""

from __future__ import annotations

import pytest

from statemig.errors import CaptureError
from statemig.workflow import Step, Was, Workflow


def problem_of(*steps: Step, **arguments: object) -> str:
    with pytest.raises(CaptureError) as caught:
        Workflow("triage", steps=list(steps), **arguments)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_target_that_does_not_exist_is_named_with_the_steps_there_are() -> None:
    text = problem_of(Step("draft", next="sned"), Step("send"))
    assert text == "workflow triage: step 'draft': next: there is no step 'sned' (known: draft, send)"


def test_all_problems_are_told_at_once() -> None:
    text = problem_of(
        Step("a", next="nowhere"),
        Step("a"),
        Step("b", kind="robot", reads=["state..x", "topic"]),  # type: ignore[arg-type]
        start="c",
    )
    assert "6 problems" in text
    assert "step 'a': 2 steps have this name" in text
    assert "start: there is no step 'c'" in text
    assert "there is no step 'nowhere'" in text
    assert "step 'b': kind 'robot' is none of auto, human, timer, event" in text
    assert "expected a key at position 6" in text
    assert "path topic does not begin with state. or outputs." in text


def test_a_join_needs_every_step_it_waits_for_to_lead_to_it() -> None:
    text = problem_of(Step("a", fork=["b", "c"]), Step("b", next="d"), Step("c"), Step("d", joins=["b", "c"]))
    assert text.endswith("step 'd': joins 'c', but 'c' does not lead to 'd'")


def test_next_and_fork_exclude_each_other() -> None:
    text = problem_of(Step("a", next="b", fork=["b"]), Step("b"))
    assert "step 'a': has both next (a choice) and fork (starts several); give one of them" in text


def test_a_target_named_twice_is_a_problem() -> None:
    assert "step 'a': next names 'b' 2 times" in problem_of(Step("a", next=["b", "b"]), Step("b"))


def test_a_workflow_of_removed_steps_has_no_start() -> None:
    assert "no start: every step is removed" in problem_of(Step("a", removed=True))


def test_a_removed_step_cannot_be_the_start() -> None:
    assert "start: step 'a' is removed" in problem_of(Step("a", removed=True), Step("b"), start="a")


def test_the_start_is_the_first_step_that_is_not_removed() -> None:
    assert Workflow("w", steps=[Step("a", removed=True), Step("b")]).start == "b"


def test_an_unreachable_step_is_fine() -> None:
    assert Workflow("w", steps=[Step("a"), Step("island")]).start == "a"


@pytest.mark.parametrize("names", [(), ("",), (3,)])
def test_was_needs_a_name(names: tuple[str, ...]) -> None:
    with pytest.raises(CaptureError, match="former name"):
        Was(*names)
