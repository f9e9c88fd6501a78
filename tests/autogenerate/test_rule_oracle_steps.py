"""The rules about steps against an oracle that looks at runs: does every position of the old flow stand, finish and join in the new one?

The oracle is a plain walk over the declared steps, and knows nothing of the rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import create_model

from statemig.autogenerate.change import Change, Changes
from statemig.autogenerate.compare import diff
from statemig.autogenerate.rules import RULES
from statemig.workflow.capture import capture
from statemig.workflow.definition import Step, Workflow
from statemig.workflow.snapshot import Snapshot

STATE = create_model("State", topic=(str, ...))
OUT = create_model("Out", text=(str, ...))


@dataclass
class Flow:
    """Steps as plain data: name, and the arguments of `Step`."""

    steps: dict[str, dict[str, Any]] = field(default_factory=dict)

    def snapshot(self) -> Snapshot:
        steps = [Step(name, **{"output": OUT, **arguments}) for name, arguments in self.steps.items()]
        return capture(Workflow("w", STATE, steps))


def chain(length: int) -> Flow:
    names = [f"step{number}" for number in range(length)]
    return Flow({name: {"next": after} for name, after in zip(names, [*names[1:], None], strict=True)})


def forked() -> Flow:
    return Flow(
        {
            "start": {"fork": ["law", "cost"]},
            "law": {"next": "sum"},
            "cost": {"next": "sum"},
            "sum": {"joins": ["law", "cost"]},
        }
    )


Run = Mapping[str, Any]


def runs(snapshot: Snapshot, random: Random, number: int) -> Iterator[Run]:
    for _ in range(number):
        run = snapshot.sample(random)
        if run.get("status", "active") == "active" and run.get("cursor"):
            yield run


def ahead(steps: Mapping[str, Any], start: str) -> set[str]:
    """What a run at `start` may still do."""
    found: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name in steps and name not in found:
            found.add(name)
            todo += [*steps[name].next, *steps[name].fork]
    return found


def resumes(run: Run, old: Snapshot, new: Snapshot) -> bool:
    """Whether a run goes on as it would have: each of its positions exists and is of the same kind, nothing that was to come is left
    out or comes again, what is still to come finds the outputs that it reads, and joins are not counted by another list."""
    standing = [position["step"] for position in run["cursor"]]
    if any(step not in new.steps for step in standing):
        return False
    if any(
        item["step"] not in new.steps or item.get("to") not in (None, *new.steps) for item in run["pending"]
    ):
        return False
    still: set[str] = set()
    for position in run["cursor"]:
        step = position["step"]
        was, now = old.steps[step], new.steps[step]
        if was.kind != now.kind or (position["status"] == "waiting" and was.interrupts != now.interrupts):
            return False
        before, after = ahead(old.steps, step), ahead(new.steps, step)
        if before & new.steps.keys() != after & old.steps.keys():
            return False
        still |= after
    for item in run["pending"]:
        if item.get("to") is not None and set(old.steps[item["to"]].joins) != set(
            new.steps[item["to"]].joins
        ):
            return False
    made = {*run["outputs"], *still}
    reads = [path.split(".") for step in still for path in new.steps[step].reads]
    return all(part[1] in made for part in reads if part[0] == "outputs")


def inserted(flow: Flow, at: int, *, needed: bool) -> Flow:
    """Another step behind the one at `at`; `needed`: the last one reads its output."""
    names = list(flow.steps)
    steps = {name: dict(arguments) for name, arguments in flow.steps.items()}
    steps["checked"] = {"next": steps[names[at]]["next"]}
    steps[names[at]]["next"] = "checked"
    if needed:
        steps[names[-1]]["reads"] = ["outputs.checked.text"]
    return Flow(steps)


def without(flow: Flow, at: int) -> Flow:
    names = list(flow.steps)
    after = flow.steps[names[at]]["next"]
    steps = {name: dict(arguments) for name, arguments in flow.steps.items() if name != names[at]}
    for arguments in steps.values():
        if arguments["next"] == names[at]:
            arguments["next"] = after
    return Flow(steps)


def with_step(flow: Flow, name: str, **arguments: Any) -> Flow:
    return Flow({**flow.steps, name: {**flow.steps[name], **arguments}})


def changes_of(old: Flow, new: Flow) -> Changes:
    return diff(old.snapshot(), new.snapshot(), {name: None for name in old.steps if name not in new.steps})


# Two workflows are captured for each example.
FLOWS = settings(max_examples=max(20, settings().max_examples // 4))

LENGTH = st.integers(3, 6)
PAIRS: dict[tuple[str, str], st.SearchStrategy[tuple[Flow, Flow]]] = {
    ("W03", ""): st.builds(
        lambda length, at: (chain(length), inserted(chain(length), at % (length - 1), needed=True)),
        LENGTH,
        st.integers(0, 4),
    ),
    ("W04", "removed"): st.builds(
        lambda length, at: (chain(length), without(chain(length), 1 + at % (length - 1))),
        LENGTH,
        st.integers(0, 4),
    ),
    ("W05", "edges"): st.builds(
        lambda length, targets: (
            with_step(chain(length), "step0", next=["step1", "step2"]),
            with_step(chain(length), "step0", next=targets),
        ),
        LENGTH,
        st.sampled_from(["step1", "step2"]),
    ),
    ("W05", "order"): st.just(
        (
            Flow({"a": {"next": "b"}, "b": {"next": "c"}, "c": {"next": None}}),
            Flow({"a": {"next": "c"}, "c": {"next": "b"}, "b": {"next": None}}),
        )
    ),
    ("W07", ""): st.just((forked(), with_step(forked(), "sum", joins=["law"]))),
    ("W08", ""): st.builds(
        lambda length, at: (
            with_step(chain(length), f"step{at}", kind="human", interrupts=["approve"]),
            with_step(chain(length), f"step{at}", kind="human", interrupts=["budget", "approve"]),
        ),
        LENGTH,
        st.integers(0, 2),
    ),
    ("W11", ""): st.builds(
        lambda length, at: (chain(length), with_step(chain(length), f"step{at}", kind="human")),
        LENGTH,
        st.integers(0, 2),
    ),
}


def only(changes: Changes, rule: str, direction: str) -> list[Change]:
    return [change for change in changes if (change.rule, change.direction) == (rule, direction)]


@pytest.mark.law(16)
@pytest.mark.parametrize("case", PAIRS, ids=" ".join)
def test_whether_a_run_goes_on_depends_on_where_it_stands(case: tuple[str, str]) -> None:
    found: Counter[bool] = Counter()

    @FLOWS
    @given(PAIRS[case], st.integers(0, 2**32))
    def look(pair: tuple[Flow, Flow], seed: int) -> None:
        old, new = (flow.snapshot() for flow in pair)
        assert only(changes_of(*pair), *case)
        found.update(resumes(run, old, new) for run in runs(old, Random(seed), 10))

    look()
    assert RULES[case[0]].case(case[1]).reads == "?"
    assert found[True]
    assert found[False]


@pytest.mark.law(16)
@pytest.mark.parametrize("case", PAIRS, ids=" ".join)
@FLOWS
@given(data=st.data(), seed=st.integers(0, 2**32))
def test_runs_settle_it_as_the_oracle_does(case: tuple[str, str], data: st.DataObject, seed: int) -> None:
    """Asked about one run, the changes of the set together give the oracle's answer; "holds" above all is never said in vain."""
    pair = data.draw(PAIRS[case])
    old, new = (flow.snapshot() for flow in pair)
    changes = changes_of(*pair)
    for run in runs(old, Random(seed), 5):
        settled = changes.resolved([("r", run)])
        refused = any(change.reads == "no" for change in settled)
        assert refused is not resumes(run, old, new), (run["cursor"], run["pending"])


@pytest.mark.law(16)
def test_a_renamed_step_is_met_by_some_run() -> None:
    old = chain(3)
    new = Flow({("other" if name == "step1" else name): arguments for name, arguments in old.steps.items()})
    new.steps["step0"] = {"next": "other"}
    changes = diff(old.snapshot(), new.snapshot(), {"step1": "other"})
    (change,) = only(changes, "W04", "renamed")
    outcomes = Counter(
        resumes(run, old.snapshot(), new.snapshot()) for run in runs(old.snapshot(), Random(0), 60)
    )
    assert (change.reads, outcomes[False] > 0) == ("no", True)


@pytest.mark.law(16)
@pytest.mark.parametrize(
    ("rule", "arguments"),
    [
        ("W01", {"prompt": "Sum it up"}),
        ("W10", {"tools": ["search"]}),
        ("W14", {"reads": ["state.topic"]}),
    ],
)
@FLOWS
@given(seed=st.integers(0, 2**32))
def test_prompts_tools_and_access_change_nothing_for_any_run(
    rule: str, arguments: dict[str, Any], seed: int
) -> None:
    old, new = chain(3), with_step(chain(3), "step1", **arguments)
    changes = changes_of(old, new)
    assert {change.rule for change in changes} >= {rule}
    assert changes.change_class == "prompt"
    for run in runs(old.snapshot(), Random(seed), 5):
        assert resumes(run, old.snapshot(), new.snapshot())
