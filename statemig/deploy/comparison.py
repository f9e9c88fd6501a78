"""Two sides compared by counts: do more of the canary's runs go wrong than of the others? Counts in, an answer out, nothing else.

*Worse* is said where two things hold: Fisher's exact test, one-sided, finds so many on the one side at random less often than `alpha`
(it keeps to that at every size, small ones with room to spare), and the difference is at least `minimum`, below which nobody would
go back. *Not worse* is said where the upper end of the difference's interval is below `minimum`. Everything else is *too few runs to
tell*; that no difference was found is no finding.

The interval is Newcombe's hybrid of two Wilson intervals (Statistics in Medicine 17, 1998, 873-890, method 10).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

from statemig.errors import ConfigError

Answer = Literal["worse", "not worse", "too few"]

#: as far as it is asked how many runs it would take
_MOST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Side:
    """Of so many runs so many went wrong."""

    bad: int
    runs: int

    @property
    def rate(self) -> float | None:
        return self.bad / self.runs if self.runs else None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two sides say. `difference` is canary less control with its interval `low` to `high`, `p` that of Fisher's test; None where a
    side has no runs. `needed`: how many runs the canary would have to have, in all, for "not worse" if its rate stays; None where no number
    of them would do, or it is not the question."""

    canary: Side
    control: Side
    answer: Answer
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    needed: int | None = None


def compare(
    canary: Side, control: Side, *, alpha: float = 0.05, confidence: float = 0.95, minimum: float = 0.05
) -> Comparison:
    """Compare two sides.

    Args:
        alpha: how often "worse" may be said where there is no difference.
        confidence: of the interval.
        minimum: the smallest difference of two rates that counts, from 0 to 1.

    Raises:
        ConfigError: scipy is not installed.
    """
    if not canary.runs or not control.runs:
        return Comparison(canary, control, "too few")
    difference = canary.bad / canary.runs - control.bad / control.runs
    low, high = interval(canary, control, confidence)
    p = _fisher(canary, control) if canary.bad else 1.0
    answer: Answer = "too few"
    needed = None
    if p < alpha and difference >= minimum:
        answer = "worse"
    elif high < minimum:
        answer = "not worse"
    elif difference < minimum:
        needed = _needed(canary, control, confidence, minimum)
    return Comparison(canary, control, answer, difference, low, high, p, needed)


def interval(canary: Side, control: Side, confidence: float = 0.95) -> tuple[float, float]:
    """Newcombe's interval of the difference of two rates."""
    one, other = canary.bad / canary.runs, control.bad / control.runs
    low, high = wilson(canary, confidence)
    below, above = wilson(control, confidence)
    difference = one - other
    return (
        difference - math.hypot(one - low, above - other),
        difference + math.hypot(high - one, other - below),
    )


def wilson(side: Side, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of one rate."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    rate, runs = side.bad / side.runs, side.runs
    middle = (rate + z * z / (2 * runs)) / (1 + z * z / runs)
    half = z * math.sqrt(rate * (1 - rate) / runs + z * z / (4 * runs * runs)) / (1 + z * z / runs)
    # At the ends rounding may leave the interval without the rate itself.
    return min(max(middle - half, 0.0), rate), max(min(middle + half, 1.0), rate)


def _needed(canary: Side, control: Side, confidence: float, minimum: float) -> int | None:
    """The smallest size of the canary at which its interval would end below the minimum; found by halving, since it narrows."""

    def would_do(runs: int) -> bool:
        imagined = Side(round(canary.bad * runs / canary.runs), runs)
        return interval(imagined, control, confidence)[1] < minimum

    low, high = canary.runs, _MOST
    if not would_do(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if would_do(middle) else (middle, high)
    return high


def _fisher(canary: Side, control: Side) -> float:
    try:
        from scipy.stats import fisher_exact
    except ModuleNotFoundError:
        raise ConfigError(
            "comparing the canary with the others needs scipy, which is not installed",
            hint="pip install 'statemig[deploy]'",
        ) from None
    table = [[canary.bad, canary.runs - canary.bad], [control.bad, control.runs - control.bad]]
    return float(fisher_exact(table, alternative="greater").pvalue)
