"""Run documents some way through a flow, drawn by hypothesis: shrinking shortens the way."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from statemig.document import new_document
from statemig.path import Key, Path
from statemig.workflow import flow
from statemig.workflow.flow import Steps

JSON = Any
_LONGEST_WALK: Final = 12

_keys = st.integers(0, 2**32 - 1).map(lambda number: f"{number:08x}")
_payloads = st.dictionaries(
    st.sampled_from(["question", "items", "due"]), st.text("abc ", max_size=5), max_size=2
)


def run_of(
    steps: Steps,
    start: str | None,
    state: SearchStrategy[JSON],
    outputs: Mapping[str, SearchStrategy[JSON]],
    written: Mapping[str, SearchStrategy[JSON]],
) -> SearchStrategy[dict[str, Any]]:
    """`written`: what a branch may have put into the state before its join, by key."""
    if start is None or start not in steps:
        return state.map(new_document)
    longest = min(_LONGEST_WALK, 2 * len(steps))
    choices = st.lists(st.integers(0, 71), max_size=longest)

    @st.composite
    def run(draw: DrawFn) -> dict[str, Any]:
        walk = Walk(steps, start, draw(choices))
        document = new_document(draw(state))
        document["done"] = walk.done
        document["outputs"] = {step: draw(outputs[step]) for step in walk.done if step in outputs}
        document["cursor"] = [
            _position(draw, step, steps[step].kind, number) for number, step in enumerate(walk.at)
        ]
        document["pending"] = [
            {"step": step, "writes": draw(_writes(steps, step, written)), "to": join}
            for join, arrived in walk.arrived.items()
            for step in arrived
        ]
        if not walk.at:
            document["status"] = "finished"
        return document

    return run()


class Walk:
    """Where a run is after some choices: each finishes one of the steps it stands at, and says by which way it goes on."""

    def __init__(self, steps: Steps, start: str, choices: list[int]) -> None:
        self.steps = steps
        self.done: dict[str, int] = {}
        self.at: list[str] = [start]
        self.arrived: dict[str, list[str]] = {}
        for choice in choices:
            # A finished run is rarer than a live one: the last position mostly stays where it is.
            if not self.at or (len(self.at) == 1 and not flow.successors(steps, self.at[0]) and choice % 6):
                break
            place = choice % len(self.at)
            if steps[self.at[place]].kind != "auto" and choice // 24:
                continue  # people take their time: most runs that are parked wait for one
            self._finish(self.at.pop(place), choice // (len(self.at) + 1))

    def _finish(self, step: str, choice: int) -> None:
        self.done[step] = self.done.get(step, 0) + 1
        targets = flow.successors(self.steps, step)
        if targets and not self.steps[step].fork:
            targets = (targets[choice % len(targets)],)
        for target in targets:
            awaited = self.steps[target].joins
            if step not in awaited:
                self.at.append(target)
                continue
            arrived = self.arrived.setdefault(target, [])
            if step not in arrived:
                arrived.append(step)
            if set(arrived) == set(awaited):
                del self.arrived[target]
                self.at.append(target)


def _position(draw: DrawFn, step: str, kind: str, number: int) -> dict[str, Any]:
    position: dict[str, Any] = {"id": f"p{number}", "step": step}
    if kind == "auto":
        return {**position, "status": draw(st.sampled_from(["ready", "running"]))}
    return {**position, "status": "waiting", "on": kind, "key": draw(_keys), "payload": draw(_payloads)}


def _writes(steps: Steps, step: str, written: Mapping[str, SearchStrategy[JSON]]) -> SearchStrategy[JSON]:
    """A part of the state: what the step says that it writes, or any two keys."""
    declared = [
        path.segments[1].name
        for path in map(Path.parse, steps[step].writes)
        if len(path.segments) > 1 and path.segments[0] == Key("state") and isinstance(path.segments[1], Key)
    ]
    keys = [key for key in (declared or written) if key in written]
    if not keys:
        return st.builds(dict)
    several = st.lists(st.sampled_from(keys), max_size=2, unique=True)
    return several.flatmap(lambda chosen: st.fixed_dictionaries({key: written[key] for key in chosen}))
