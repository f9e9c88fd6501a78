"""What a snapshot knows of a value and its schema does not say: that a decimal has two places, that a time has a zone.

A snapshot keeps it in words (`statemig.workflow.unseen`). Those that are understood here narrow what is drawn; the rest is for
`register_override`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from statemig.testing.formats import written
from statemig.workflow.unseen import Unseen

_SAID: Final = re.compile(r"is a ([\w-]+) with (.+), which no JSON Schema says")
_PAIR: Final = re.compile(r"(\w+)=([^\s,]+)")

_LAST: Final = {"past": 2020, "future": 2130}
_FIRST: Final = {"past": 1970, "future": 2100}


@dataclass(frozen=True, slots=True)
class Hint:
    """`kind` is pydantic's name of the type ("decimal", "datetime"), `bounds` what it is held to, as written."""

    kind: str
    bounds: Mapping[str, str]

    def of_text(self) -> SearchStrategy[str] | None:
        """Texts of that kind; None where nothing is to be said about them."""
        match self.kind:
            case "decimal":
                return self._decimals().map(lambda pair: written(*pair))
            case "datetime":
                return self._moments()
            case "date":
                return self._days().map(date.isoformat)
            case _:
                return None

    def of_number(self) -> SearchStrategy[float] | None:
        if self.kind != "decimal":
            return None
        return self._decimals().map(lambda pair: float(written(*pair)))

    def _decimals(self) -> SearchStrategy[tuple[int, int]]:
        """(digits, places)."""
        places = int(self.bounds.get("decimal_places", "2"))
        digits = int(self.bounds["max_digits"]) if "max_digits" in self.bounds else 8
        places = min(places, digits)
        scale = 10**places
        low, high = -(10**digits) + 1, 10**digits - 1
        for name in ("ge", "gt"):
            if (bound := _number(self.bounds.get(name))) is not None:
                low = max(
                    low, -int(-bound * scale // 1) + (name == "gt" and (bound * scale).denominator == 1)
                )
        for name in ("le", "lt"):
            if (bound := _number(self.bounds.get(name))) is not None:
                high = min(
                    high, int(bound * scale // 1) - (name == "lt" and (bound * scale).denominator == 1)
                )
        step = _number(self.bounds.get("multiple_of"))
        if low > high:
            return st.nothing()
        found = st.integers(low, high).map(lambda number: (number, places))
        if step:
            return found.filter(lambda pair: Fraction(pair[0], scale) % step == 0)
        return found

    def _moments(self) -> SearchStrategy[str]:
        when = self.bounds.get("now_op", "past")
        first, last = datetime(_FIRST.get(when, 1970), 1, 1), datetime(_LAST.get(when, 2020), 1, 1)
        moments = st.integers(0, int((last - first).total_seconds())).map(
            lambda seconds: (first + timedelta(0, seconds)).isoformat()
        )
        match self.bounds.get("tz_constraint"):
            case "naive":
                return moments
            case "aware":
                return st.builds(
                    lambda moment, zone: moment + zone, moments, st.sampled_from(["Z", "+02:00"])
                )
            case _:
                return moments.map(lambda moment: f"{moment}Z")

    def _days(self) -> SearchStrategy[date]:
        when = self.bounds.get("now_op", "past")
        return st.dates(date(_FIRST.get(when, 1970), 1, 1), date(_LAST.get(when, 2020), 1, 1))


def hints(unseen: tuple[Unseen, ...]) -> dict[str, Hint]:
    """By path."""
    found: dict[str, Hint] = {}
    for each in unseen:
        said = _SAID.fullmatch(each.what)
        if said is not None:
            found[each.path] = Hint(said[1], dict(_PAIR.findall(said[2])))
    return found


def _number(text: Any) -> Fraction | None:
    try:
        return None if text is None else Fraction(text)
    except ValueError:
        return None
