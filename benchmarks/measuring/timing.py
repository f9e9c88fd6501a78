"""Ratios of CPU time, candidate and yardstick interleaved.

Absolute times mean nothing on a machine that others use too. So both sides run in turns within every round, a round gives one ratio,
and what is reported is the median of the rounds' ratios, with the spread of the yardstick beside it, which says how quiet the machine
was. As `timeit` does, the collector of cyclic garbage rests meanwhile.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

Work = Callable[[Any], Any]
Fresh = Callable[[], Any]

#: only whether everything runs: the figures mean nothing
SMOKE: Final = "--smoke" in sys.argv[1:]

ROUNDS: Final = 3 if SMOKE else 21
#: seconds of CPU of one side in one round
_ROUND: Final = 0.0002 if SMOKE else 0.012
#: inputs made ahead; few, so that they lie in the processor's cache as a document does that was just parsed
BATCH: Final = 1 if SMOKE else 8


@dataclass(frozen=True)
class Ratio:
    """`value`: the median of the ratios of all rounds. `low`, `high`: their quartiles. `noise`: the quartile distance of the yardstick's
    times over their median."""

    value: float
    low: float
    high: float
    noise: float
    rounds: int


def compare(
    work: Work,
    fresh: Fresh,
    yardstick: Work,
    yardstick_fresh: Fresh,
    *,
    rounds: int = ROUNDS,
    seconds: float = _ROUND,
    loops: tuple[int, int] | None = None,
    repeats: int = 1,
) -> Ratio:
    """How much CPU `work` takes on a fresh input, in units of `yardstick` on its own. Making the inputs is not counted, and the clock and
    the loop are taken off.

    `loops`: how many batches of inputs each side takes in a round; as many as fill `seconds` where not given. `repeats`: how often `work`
    does it to one input; what is so short that the clock would be most of it is repeated.
    """
    work(fresh())
    yardstick(yardstick_fresh())
    loops = loops or (_loops(work, fresh, seconds), _loops(yardstick, yardstick_fresh, seconds))
    ratios: list[float] = []
    base: list[float] = []
    for number in range(rounds):
        if number % 2:
            below = _time(yardstick, yardstick_fresh, loops[1])
            above = _time(work, fresh, loops[0])
        else:
            above = _time(work, fresh, loops[0])
            below = _time(yardstick, yardstick_fresh, loops[1])
        ratios.append(above / below / repeats)
        base.append(below)
    low, _, high = statistics.quantiles(ratios, n=4)
    first, middle, third = statistics.quantiles(base, n=4)
    return Ratio(statistics.median(ratios), low, high, (third - first) / middle, rounds)


def repeated(work: Work, times: int) -> Work:
    """`work`, so many times on the same input."""
    again = [None] * times

    def repeat(given: Any) -> None:
        for _ in again:
            work(given)

    return repeat


def _loops(work: Work, fresh: Fresh, seconds: float) -> int:
    """How many batches fill the round."""
    took = min(_time(work, fresh, 1) for _ in range(3)) * BATCH
    return max(1, round(seconds / took)) if took > 0 else 1


def _time(work: Work, fresh: Fresh, loops: int) -> float:
    """CPU seconds per call."""
    clock = time.process_time
    total = 0.0
    was_on = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for _ in range(loops):
            inputs = [fresh() for _ in range(BATCH)]
            start = clock()
            for each in inputs:
                work(each)
            total += clock() - start
    finally:
        if was_on:
            gc.enable()
    return (total - loops * _idle()) / (loops * BATCH)


@cache
def _idle() -> float:
    """CPU seconds that the clock and the loop take for one batch."""
    clock = time.process_time
    inputs = [None] * BATCH
    times = []
    for _ in range(1001):
        start = clock()
        for _ in inputs:
            pass
        times.append(clock() - start)
    return statistics.median(times)
