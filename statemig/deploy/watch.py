"""Watching a deploy: do more runs go wrong on the new version than on the old one?

Every figure is of runs, not of tries, so that one run which is tried again and again counts once. A run is on the side of the version
whose code ran it last. Five signs are looked for on both sides and compared:

============  ========================================================================================================
errors        a step of it raised, was failed, or its worker died; on the new side also a run that could not be brought
              there. In all and by step, under the names of the new version
silent ends   it finished at a step that is no end of the flow, or without any step of it finishing
asked again   a person's answer was there, and the step asks again
no progress   it was taken or made ready, and for long no try of a step has ended
============  ========================================================================================================

A flow may ask twice, end early or take long by its nature: then it does so on both sides. ABORT is said when a sign is worse on the new
side, OK when all errors together are shown to be no worse and no other sign is open, and WAIT otherwise.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from statemig.deploy.comparison import Answer, Comparison, Side, compare
from statemig.deploy.observation import SIGNS, Found, Observation, observe
from statemig.errors import DeployError
from statemig.store.deploy_canary import shares_of
from statemig.store.deploy_records import Rollout, Unknown
from statemig.store.protocols import Counted

Verdict = Literal["OK", "WAIT", "ABORT"]

_EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True)
class Criteria:
    """By what a look judges.

    `alpha`: how often all looks together may say ABORT where there is no difference. It is divided by `looks`, how many there are going to
    be, and by the number of comparisons. `confidence` is that of the intervals, `minimum` the smallest difference of two rates that
    counts, `stuck_after` the seconds after which a run makes no progress.
    """

    alpha: float = 0.05
    confidence: float = 0.95
    minimum: float = 0.05
    stuck_after: float = 600.0
    looks: int = 1


@dataclass(frozen=True, slots=True)
class Sign:
    """One figure on both sides. `step` None: over all of them. `examples`: runs of the new side that show it."""

    name: str
    step: str | None
    found: Comparison | Unknown
    examples: tuple[str, ...] = ()

    @property
    def answer(self) -> Answer | Literal["unknown"]:
        return "unknown" if isinstance(self.found, Unknown) else self.found.answer

    def __str__(self) -> str:
        return self.name if self.step is None else f"{self.name} at {self.step}"


@dataclass(frozen=True, slots=True)
class Look:
    """A verdict, why, and what it is made of. `since` is where the figures begin; `not_brought` are runs that could not be brought to the
    new version, each counted as an error."""

    workflow: str
    new: str
    at: float
    since: float
    verdict: Verdict
    why: tuple[str, ...]
    signs: tuple[Sign, ...]
    not_brought: tuple[str, ...] | Unknown = field(default=())


def look(fleet: Counted, criteria: Criteria | None = None, *, since: float | None = None) -> Look:
    """One look at the deploy that was started last.

    Args:
        since: seconds since the epoch; otherwise since the canary began, or the deploy where there is none.

    Raises:
        DeployError: no deploy was ever started.
        ConfigError: scipy is not installed.
    """
    criteria = Criteria() if criteria is None else criteria
    rollout = fleet.deploy.rollout()
    if rollout is None:
        raise DeployError(
            "there is nothing to watch: no deploy was started",
            workflow=fleet.workflow,
            hint="Begin with `statemig canary start REV`, or `statemig deploy start REV`",
        )
    begin = _begin(rollout) if since is None else since
    seen = observe(fleet, rollout, begin, stuck_after=criteria.stuck_after)
    signs = tuple(_signs(seen, criteria))
    verdict, why = _judge(signs)
    return Look(
        fleet.workflow, rollout.new, fleet.clock(), begin, verdict, tuple(why), signs, seen.not_brought
    )


def watch(
    fleet: Counted,
    lasting: float,
    *,
    every: float = 60.0,
    criteria: Criteria | None = None,
    since: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[Look]:
    """Look again and again, on the fleet's clock, until `lasting` seconds are over or a look says ABORT. The last look is the verdict.

    Raises as `look` does.
    """
    given = Criteria() if criteria is None else criteria
    planned = math.ceil(lasting / every) + 1 if lasting > 0 else 1
    shared = Criteria(given.alpha, given.confidence, given.minimum, given.stuck_after, planned)
    end = fleet.clock() + lasting
    while True:
        found = look(fleet, shared, since=since)
        yield found
        left = end - fleet.clock()
        if found.verdict == "ABORT" or left <= 0:
            return
        sleep(min(every, left))


def _begin(rollout: Rollout) -> float:
    canary = rollout.details.get("canary") if shares_of(rollout) is not None else None
    return rollout.started_at if canary is None else float(canary["since"])


def _signs(seen: Observation, criteria: Criteria) -> Iterator[Sign]:
    found = [(name, None, seen.signs[name]) for name in SIGNS]
    by_step = [("errors", step, each) for step, each in sorted(seen.errors_at.items())]
    rows: list[tuple[str, str | None, Found | Unknown]] = [found[0], *by_step, *found[1:]]
    compared = sum(not isinstance(each, Unknown) and bool(each.canary.runs) for _, _, each in rows)
    alpha = criteria.alpha / (max(compared, 1) * criteria.looks)
    for name, step, each in rows:
        if isinstance(each, Unknown):
            yield Sign(name, step, each)
            continue
        comparison = compare(
            each.canary,
            each.control,
            alpha=alpha,
            confidence=criteria.confidence,
            minimum=criteria.minimum,
        )
        yield Sign(name, step, comparison, tuple(sorted(each.bad)[:_EXAMPLES]))


def _judge(signs: tuple[Sign, ...]) -> tuple[Verdict, list[str]]:
    worse = [f"{sign}: {_worse(sign.found)}" for sign in signs if sign.answer == "worse"]
    if worse:
        return "ABORT", worse
    overall, *others = signs
    why: list[str] = []
    if overall.answer != "not worse":
        why.append(f"{overall}: {_open(overall.found)}")
    for sign in others:
        if isinstance(sign.found, Comparison) and sign.answer == "too few" and sign.found.canary.bad:
            why.append(f"{sign}: {_open(sign.found)}")
    if why:
        return "WAIT", why
    unknown = [f"{sign}: {sign.found}" for sign in others if isinstance(sign.found, Unknown)]
    assert isinstance(overall.found, Comparison)
    sure = f"{overall}: {_of(overall.found.canary)} against {_of(overall.found.control)}, at most {overall.found.high:+.1%}"
    return "OK", [sure, *unknown]


def _worse(found: Comparison | Unknown) -> str:
    assert isinstance(found, Comparison)
    assert found.low is not None
    assert found.high is not None
    return (
        f"{_of(found.canary)} against {_of(found.control)}, "
        f"{found.difference:+.1%} ({found.low:+.1%} to {found.high:+.1%}), p {found.p:.2g}"
    )


def _open(found: Comparison | Unknown) -> str:
    if isinstance(found, Unknown):
        return str(found)
    sides = f"{_of(found.canary)} against {_of(found.control)}"
    if found.high is None:
        none = "new version" if not found.canary.runs else "other versions"
        return f"too few runs to tell: none of the {none} yet"
    more = f"; with {found.needed:,} it could be told" if found.needed is not None else ""
    return f"too few runs to tell: {sides}, up to {found.high:+.1%}{more}"


def _of(side: Side) -> str:
    return f"{side.bad:,} of {side.runs:,}"


def as_json(found: Look) -> dict[str, Any]:
    """Plain JSON; what is not known is the text that says why."""
    return {
        "workflow": found.workflow,
        "new": found.new,
        "at": found.at,
        "since": found.since,
        "verdict": found.verdict,
        "why": list(found.why),
        "signs": [_sign_as_json(sign) for sign in found.signs],
        "not_brought": str(found.not_brought)
        if isinstance(found.not_brought, Unknown)
        else list(found.not_brought),
    }


def _sign_as_json(sign: Sign) -> dict[str, Any]:
    head = {"sign": sign.name, "step": sign.step, "answer": sign.answer}
    if isinstance(sign.found, Unknown):
        return {**head, "unknown": sign.found.reason}
    found = sign.found
    return {
        **head,
        "canary": {"bad": found.canary.bad, "runs": found.canary.runs},
        "control": {"bad": found.control.bad, "runs": found.control.runs},
        "difference": found.difference,
        "low": found.low,
        "high": found.high,
        "p": found.p,
        "needed": found.needed,
        "examples": list(sign.examples),
    }
