"""Shares of runs, as people write and read them: in percent."""

from __future__ import annotations

import re

import click


def percent(share: float) -> str:
    """``5%``."""
    return f"{100 * share:.4g}%"


class Percent(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """``5%`` or ``5``, as a number from 0 to 1."""

    name = "percent"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float):
            return value
        text = str(value).strip()
        if re.fullmatch(r"\d+(\.\d+)?%?", text) is None or float(text.rstrip("%")) > 100:
            self.fail(f"{value!r} is no share; write 5%, from 0% to 100%", param, ctx)
        return float(text.rstrip("%")) / 100


class Ramp(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """``5,25,100``, or ``5/0,25/5,100`` with the share of new runs before that of the runs in flight."""

    name = "ramp"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[tuple[float, float], ...]:
        if isinstance(value, tuple):
            return value
        one = Percent()
        stages = []
        for stage in str(value).split(","):
            new, _, parked = stage.partition("/")
            stages.append((one.convert(new, param, ctx), one.convert(parked or new, param, ctx)))
        return tuple(stages)
