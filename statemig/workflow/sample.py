"""A run document from a snapshot: a walk along the flow, with the state and outputs that fit it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from statemig.document import new_document
from statemig.shapes.shape import Schema, Shape
from statemig.workflow import flow
from statemig.workflow.flow import Steps
from statemig.workflow.run_shape import outputs_of, state_of

_LONGEST_WALK = 12

Draw = Callable[[Shape, Random, bool], Any]


def sample_run(steps: Steps, start: str | None, schema: Schema, draw: Draw, random: Random) -> dict[str, Any]:
    """See `Snapshot.sample`. `draw` makes a value of a shape of `schema`."""
    document = new_document(draw(state_of(schema).root, random, False))
    if start is None:
        return document
    walk = _Walk(steps, start, random)
    outputs = outputs_of(schema)
    document["done"] = walk.done
    document["outputs"] = {
        step: draw(outputs[step].root, random, False) for step in walk.done if step in outputs
    }
    document["pending"] = [
        {"step": step, "writes": {}, "to": target}
        for target, arrived in walk.arrived.items()
        for step in arrived
    ]
    document["cursor"] = [
        _position(step, steps[step].kind, random, number) for number, step in enumerate(walk.at)
    ]
    if not walk.at:
        document["status"] = "finished"
    return document


class _Walk:
    """Some steps forward from the start: which steps are done, where the run stands, who waits at a join."""

    def __init__(self, steps: Steps, start: str, random: Random) -> None:
        self.steps = steps
        self.random = random
        self.done: dict[str, int] = {}
        self.at: list[str] = [start]
        self.arrived: dict[str, list[str]] = {}
        longest = min(_LONGEST_WALK, 2 * len(steps))
        for _ in range(random.randint(0, longest)):
            # A finished run is rarer than a live one: the last position mostly stays.
            if not self.at or (self._at_an_end() and random.random() < 0.8):
                break
            self._finish(self.at.pop(random.randrange(len(self.at))))

    def _at_an_end(self) -> bool:
        return len(self.at) == 1 and not flow.successors(self.steps, self.at[0])

    def _finish(self, step: str) -> None:
        self.done[step] = self.done.get(step, 0) + 1
        targets = flow.successors(self.steps, step)
        chosen = (
            targets if self.steps[step].fork else tuple(self.random.sample(targets, min(1, len(targets))))
        )
        for target in chosen:
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


def _position(step: str, kind: str, random: Random, number: int) -> dict[str, Any]:
    position: dict[str, Any] = {"id": f"p{number}", "step": step}
    if kind == "auto":
        return {**position, "status": random.choice(("ready", "ready", "running"))}
    key = f"{random.getrandbits(32):08x}"
    return {**position, "status": "waiting", "on": kind, "key": key, "payload": {"asked": step}}
