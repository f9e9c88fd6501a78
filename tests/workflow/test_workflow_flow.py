"""Facts about the flow."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from statemig.workflow import flow
from statemig.workflow.flow import StepInfo

DIAMOND = {
    "start": StepInfo(next=("left", "right")),
    "left": StepInfo(next=("end",)),
    "right": StepInfo(next=("end",)),
    "end": StepInfo(),
}
FORKED = {
    "start": StepInfo(fork=("left", "right")),
    "left": StepInfo(next=("end",)),
    "right": StepInfo(next=("end",)),
    "end": StepInfo(joins=("left", "right")),
}
LOOP = {
    "draft": StepInfo(next=("approve",)),
    "approve": StepInfo(kind="human", next=("send", "draft")),
    "send": StepInfo(),
}


def test_after_a_choice_neither_branch_is_certain() -> None:
    assert not flow.dominates(DIAMOND, "start", "left", "end")
    assert flow.dominates(DIAMOND, "start", "start", "end")


def test_behind_a_join_every_branch_is_certain() -> None:
    assert flow.dominates(FORKED, "start", "left", "end")
    assert flow.dominates(FORKED, "start", "right", "end")


def test_a_step_has_not_finished_itself() -> None:
    assert not flow.dominates(LOOP, "draft", "approve", "approve")


def test_going_back_in_a_loop_proves_nothing() -> None:
    assert not flow.dominates(LOOP, "draft", "approve", "draft")
    assert flow.dominates(LOOP, "draft", "draft", "send")


def test_a_join_inside_a_loop_waits_for_its_branches_each_time() -> None:
    steps = {**FORKED, "end": StepInfo(joins=("left", "right"), next=("start", "out")), "out": StepInfo()}
    assert flow.dominates(steps, "start", "left", "out")
    assert not flow.dominates(steps, "start", "end", "left")


def test_predecessors_ends_and_join_targets() -> None:
    assert flow.predecessors(FORKED)["end"] == ("left", "right")
    assert flow.ends(LOOP) == ("send",)
    assert flow.join_targets(FORKED) == {"left": ("end",), "right": ("end",)}


def test_a_removed_step_is_passed_through() -> None:
    steps = {
        **LOOP,
        "draft": StepInfo(next=("check",)),
        "check": StepInfo(next=("approve",), removed=True),
    }
    assert flow.successors(steps, "draft") == ("approve",)
    assert "check" not in flow.reachable(steps, "draft")


def test_removed_steps_in_a_circle_lead_nowhere() -> None:
    steps = {
        "a": StepInfo(next=("x",)),
        "x": StepInfo(next=("y",), removed=True),
        "y": StepInfo(next=("x",), removed=True),
    }
    assert flow.successors(steps, "a") == ()


def test_an_endless_loop_does_not_reach_an_end() -> None:
    steps = {"a": StepInfo(next=("b", "c")), "b": StepInfo(next=("b",)), "c": StepInfo()}
    assert flow.reaches_end(steps, "a")
    assert not flow.reaches_end(steps, "b")


def test_an_unreachable_step_has_no_dominators() -> None:
    assert "island" not in flow.dominators({**LOOP, "island": StepInfo(next=("send",))}, "draft")
    assert flow.dominates({**LOOP, "island": StepInfo(next=("send",))}, "draft", "approve", "send")


NAMES = [f"s{number}" for number in range(6)]
CHOICES = st.fixed_dictionaries(
    {name: st.lists(st.sampled_from(NAMES), max_size=3, unique=True) for name in NAMES}
)


@given(CHOICES)
def test_a_dominator_is_a_step_without_which_there_is_no_way(edges: dict[str, list[str]]) -> None:
    steps = {name: StepInfo(next=tuple(targets)) for name, targets in edges.items()}
    for step in flow.reachable(steps, "s0"):
        for after in NAMES:
            without = {name: info for name, info in steps.items() if name != after}
            cut_off = after != step and step not in flow.reachable(without, "s0")
            assert flow.dominates(steps, "s0", after, step) == cut_off
