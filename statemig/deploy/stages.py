"""The stages of a canary: two shares that grow together, as they are written down in the details of a deploy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, Final

from statemig.errors import ConfigError
from statemig.store.deploy_records import Rollout

#: the ramp where none is given: shares of new runs and of those in flight
RAMP: Final = ((0.05, 0.05), (0.25, 0.25), (1.0, 1.0))
HOLD: Final = 1200.0

Stages = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Canary:
    """What is written down of a canary. `stage` counts from 0; `hold` is how many seconds each stage has to stand.

    `steps`: at the beginning of the stage, for each step how many runs in flight could go and how many were chosen.
    `left_out`: how many could not, by why. `log`: each change with its time, its shares, and the verdict or the reason.
    """

    stages: tuple[tuple[float, float], ...]
    stage: int
    hold: float
    since: float
    stage_since: float
    on: bool = True
    steps: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)
    log: tuple[Mapping[str, Any], ...] = ()

    @property
    def shares(self) -> tuple[float, float]:
        return self.stages[self.stage] if self.on else (0.0, 0.0)

    @property
    def is_last(self) -> bool:
        return self.stage == len(self.stages) - 1

    @property
    def name(self) -> str:
        new, parked = (f"{100 * share:.4g}%" for share in self.shares)
        return f"canary {new}" if new == parked else f"canary {new}/{parked}"

    @classmethod
    def of(cls, rollout: Rollout | None) -> Canary | None:
        """That of a deploy; None where it never had one."""
        found = None if rollout is None else rollout.details.get("canary")
        if rollout is None or found is None:
            return None
        return cls(
            stages=tuple((new, parked) for new, parked in found["stages"]),
            stage=found["stage"],
            hold=found["hold"],
            since=found["since"],
            stage_since=found["stage_since"],
            on=found["on"] and rollout.open,
            steps={step: (runs, taken) for step, (runs, taken) in found["steps"].items()},
            left_out=found["left_out"],
            log=tuple(found["log"]),
        )

    def on_rollout(self, rollout: Rollout) -> Rollout:
        """The deploy with this canary."""
        new, parked = self.shares
        written = {
            "on": self.on,
            "new": new,
            "parked": parked,
            "stages": [list(each) for each in self.stages],
            "stage": self.stage,
            "hold": self.hold,
            "since": self.since,
            "stage_since": self.stage_since,
            "steps": {step: list(counts) for step, counts in self.steps.items()},
            "left_out": dict(self.left_out),
            "log": [dict(each) for each in self.log],
        }
        stage = self.name if self.on else "started"
        return replace(rollout, stage=stage, details={**rollout.details, "canary": written})


def ramp_of(stages: Stages, new: float | None, parked: float | None) -> tuple[tuple[float, float], ...]:
    """The stages with other shares in the first. Raises `ConfigError` where a share is none, or they fall."""
    first = (stages[0][0] if new is None else new, stages[0][1] if parked is None else parked)
    found = [first]
    for each in stages[1:]:
        # A first stage beyond the ramp's next one is not taken back by it.
        grown = (max(each[0], first[0]), max(each[1], first[1]))
        if grown != first:
            found.append(grown)
    for one, other in pairwise(stages):
        if other[0] < one[0] or other[1] < one[1]:
            raise ConfigError(
                f"a ramp does not fall, and {shown(other)} comes after {shown(one)}",
                hint="For example --stages 5,25,100",
            )
    for share in (share for each in found for share in each):
        if not 0 <= share <= 1:
            raise ConfigError(f"{share:.4g} is no share", hint="From 0 to 1, that is 0% to 100%")
    return tuple(found)


def entry_of(canary: Canary, now: float, what: str, **more: Any) -> dict[str, Any]:
    """A line of the log."""
    new, parked = canary.shares
    return {"at": now, "what": what, "new": new, "parked": parked, **more}


def shown(shares: tuple[float, float]) -> str:
    """As a sentence says it."""
    new, parked = (f"{100 * share:.4g}%" for share in shares)
    return f"{new} of new runs and {parked} of those in flight"
