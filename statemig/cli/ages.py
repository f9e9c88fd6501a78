"""Lengths of time, as people write and read them."""

from __future__ import annotations

import re
from typing import Final

import click

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def age(seconds: float) -> str:
    """``3d 4h``: the two largest units."""
    left = max(int(seconds), 0)
    parts: list[str] = []
    for name, length in reversed(_UNITS.items()):
        count, left = divmod(left, length)
        if count or (name == "s" and not parts):
            parts.append(f"{count}{name}")
    return " ".join(parts[:2])


class Duration(click.ParamType):  # type: ignore[type-arg, unused-ignore]
    """``90s``, ``20m``, ``2h30m``, ``3d``, in seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, float | int):
            return float(value)
        text = str(value).replace(" ", "")
        if re.fullmatch(r"(\d+[smhdw])+", text) is None:
            self.fail(f"{value!r} is no length of time; write 90s, 20m, 2h30m or 3d", param, ctx)
        return float(sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdw])", text)))
