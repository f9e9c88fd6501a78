"""Where runs stand after a revision: every position has a place, ends can be reached, joins can fire."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import BaseModel

from statemig import Operations, Step, Workflow, capture
from statemig.proof.prove import prove
from statemig.proof.standing import standings
from statemig.proof.verdict import Part


class State(BaseModel):
    topic: str
    maybe: str = ""


class Output(BaseModel):
    text: str


LINE = (
    Step("draft", next="approve"),
    Step("approve", kind="human", next="send"),
    Step("send"),
)
FORK = (
    Step("start", fork=["left", "right"]),
    Step("left", next="join"),
    Step("right", next="join"),
    Step("join", joins=["left", "right"]),
)


def cursor(old: tuple[Step, ...], new: tuple[Step, ...], script: Any = lambda op: None) -> Part:
    op = Operations()
    script(op)
    before, after = (capture(Workflow("flow", state=State, steps=list(steps))) for steps in (old, new))
    return prove(before, after, op.recorded).cursor


def messages(part: Part) -> list[str]:
    return [finding.message for finding in part.findings]


def test_a_flow_that_stays_is_proved() -> None:
    assert cursor(LINE, LINE) == Part("proved")
    assert cursor(FORK, FORK) == Part("proved")
    assert cursor((), LINE) == Part("proved")


REVIEW = (Step("draft", next="review"), Step("review", kind="human", next="send"), Step("send"))


def test_a_position_without_a_place_is_refuted_and_the_step_named() -> None:
    part = cursor(LINE, REVIEW)
    assert part.verdict == "refuted"
    (finding,) = part.findings
    assert finding.step == "approve"
    assert finding.message == "cursor a run at approve: there is no step 'approve'"
    assert {position["step"] for position in finding.witness["cursor"]} == {"approve"}


def test_a_renamed_step_is_proved_and_one_renamed_to_elsewhere_is_not() -> None:
    assert cursor(LINE, REVIEW, lambda op: op.rename_step("approve", to="review")) == Part("proved")
    wrong = cursor(LINE, REVIEW, lambda op: op.rename_step("approve", to="revue"))
    assert wrong.verdict == "refuted"
    assert "there is no step 'revue'" in messages(wrong)[0]


SHORT = (Step("draft", next="send"), Step("send"))


@pytest.mark.parametrize("policy", ["hold", "pin", "fail"])
def test_runs_that_stay_behind_are_told(policy: str) -> None:
    part = cursor(LINE, SHORT, lambda op: op.remove_step("approve", cursor=getattr(op, policy)()))
    assert any("'approve'" in note and "as the script says" in note for note in part.notes)
    assert part.verdict == ("refuted" if policy == "fail" else "proved")


def test_a_removed_step_whose_runs_go_on_is_proved() -> None:
    part = cursor(LINE, SHORT, lambda op: op.remove_step("approve", cursor=op.forward("send")))
    assert part == Part("proved")
    nowhere = cursor(LINE, SHORT, lambda op: op.remove_step("approve", cursor=op.forward("publish")))
    assert nowhere.verdict == "refuted"


def test_a_step_from_which_no_end_is_reached() -> None:
    loop = (Step("draft", next="approve"), Step("approve", kind="human", next="approve"), Step("send"))
    part = cursor(LINE, loop)
    assert part.verdict == "refuted"
    assert any("no end can be reached from here" in message for message in messages(part))


MORE = (
    Step("start", fork=["left", "right", "middle"]),
    Step("left", next="join"),
    Step("right", next="join"),
    Step("middle", next="join"),
    Step("join", joins=["left", "right", "middle"]),
)


def test_a_join_that_can_never_fire_is_refuted() -> None:
    part = cursor(FORK, MORE)
    assert part.verdict == "refuted"
    assert any("the join waits for 'middle'" in message for message in messages(part))
    assert all(finding.witness is not None for finding in part.findings if "join waits" in finding.message)


def test_a_join_that_starts_its_new_branch_is_not_refuted() -> None:
    def script(op: Any) -> None:
        op.change_join("join", branches=["left", "right", "middle"], new_branch="start")

    part = cursor(FORK, MORE, script)
    assert not any(
        finding.witness is not None and "join waits" in finding.message for finding in part.findings
    )


def test_what_a_step_reads_has_to_be_there() -> None:
    reads = (Step("draft", reads=["state.topic"], next="send"), Step("send"))
    assert cursor(SHORT, reads) == Part("proved")
    optional = (Step("draft", reads=["state.maybe"], next="send"), Step("send"))
    part = cursor(SHORT, optional)
    assert part.verdict == "unknown"
    assert messages(part) == ["$.maybe may be absent, and step 'draft' reads it"]


def test_what_the_old_version_read_and_always_wrote_is_there() -> None:
    optional = (Step("draft", reads=["state.maybe"], next="send"), Step("send"))
    assert cursor(optional, optional) == Part("proved")
    assert cursor(optional, optional, lambda op: op.remove_field("state.maybe")).verdict == "unknown"


def test_what_a_step_reads_of_another_has_to_be_done_by_then() -> None:
    def flow(*reads: str) -> tuple[Step, ...]:
        return (
            Step("begin", next=["draft", "extra"]),
            Step("draft", output=Output, next="send"),
            Step("extra", output=Output, next="send"),
            Step("send", reads=reads),
        )

    part = cursor(flow(), flow("outputs.draft"))
    assert part.verdict == "refuted"  # a run may come by way of `extra`
    assert any("the step reads what is not there" in message for message in messages(part))
    line = (Step("draft", output=Output, next="send"), Step("send"))
    reading = (Step("draft", output=Output, next="send"), Step("send", reads=["outputs.draft"]))
    assert cursor(line, reading) == Part("proved")


def test_every_way_to_stand_is_listed() -> None:
    found, whole = standings(capture(Workflow("flow", state=State, steps=list(FORK))))
    assert whole
    ways = {(each.at, each.arrived) for each in found}
    assert (("left", "right"), ()) in ways
    assert (("right",), (("left", "join"),)) in ways
    assert (("join",), ()) in ways
    assert {step for each in found for step in each.at} == {"start", "left", "right", "join"}


def test_a_flow_with_too_many_ways_is_not_proved() -> None:
    names = [f"s{number}" for number in range(12)]
    wide = (
        Step("start", fork=names),
        *(Step(name, next="join") for name in names),
        Step("join", joins=names),
    )
    renamed = (*wide[:-1], Step("all", joins=names))
    renamed = (Step("start", fork=names), *(Step(name, next="all") for name in names), renamed[-1])
    part = cursor(wide, renamed, lambda op: op.rename_step("join", to="all"))
    assert part.verdict == "unknown"
    assert any("more ways of standing" in message for message in messages(part))
