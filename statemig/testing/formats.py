"""Texts of the formats that JSON Schema names, as pydantic accepts them; users add their own with `register_format`."""

from __future__ import annotations

import base64
import string
from datetime import date, datetime, timedelta
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

#: characters of generated text: those of ASCII, and a few that code forgets. Few gaps: hypothesis searches them for each character
LETTERS: Final = "".join(map(chr, range(32, 127))) + "äß→😀"
_WORD: Final = string.ascii_lowercase + string.digits

_zones = st.sampled_from(["Z", "+00:00", "+02:00", "-05:30"])
_days = st.dates(date(1970, 1, 1), date(2099, 12, 31)).map(date.isoformat)
_moments = st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31)).map(
    lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000).isoformat()
)
_words = st.text(_WORD, min_size=1, max_size=6)


def _uuid(version: int) -> SearchStrategy[str]:
    def spelled(bits: int) -> str:
        digits = f"{bits:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"

    return st.integers(0, 2**128 - 1).map(spelled)


def _duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    return f"P{days}DT{rest}S" if days else f"PT{rest}S"


#: hypothesis' own urls take ten times as long
_urls = st.builds(
    lambda host, path, query: f"https://{host}.example.org/{path}{query}",
    _words,
    st.text(_WORD, max_size=6),
    st.sampled_from(["", "?q=1", "#top"]),
)

BUILT_IN: Final[dict[str, SearchStrategy[str]]] = {
    "date": _days,
    "date-time": st.builds(lambda moment, zone: moment + zone, _moments, _zones),
    "time": st.integers(0, 86_399).map(
        lambda second: (datetime(2000, 1, 1) + timedelta(0, second)).strftime("%H:%M:%S")
    ),
    "duration": st.integers(0, 10**7).map(_duration),
    "decimal": st.tuples(st.integers(-(10**6), 10**6), st.integers(0, 3)).map(lambda pair: written(*pair)),
    "integer": st.integers(-(2**31), 2**31).map(str),
    "uuid": _uuid(4),
    **{f"uuid{version}": _uuid(version) for version in (1, 3, 4, 5, 6, 7, 8)},
    "ipv4": st.ip_addresses(v=4).map(str),
    "ipv6": st.ip_addresses(v=6).map(str),
    "ipvanyaddress": st.ip_addresses().map(str),
    **dict.fromkeys(
        ("ipv4network", "ipv4interface"), st.ip_addresses(v=4).map(lambda address: f"{address}/32")
    ),
    **dict.fromkeys(
        ("ipv6network", "ipv6interface"), st.ip_addresses(v=6).map(lambda address: f"{address}/128")
    ),
    **dict.fromkeys(
        ("ipvanynetwork", "ipvanyinterface"),
        st.ip_addresses().map(lambda address: f"{address}/{address.max_prefixlen}"),
    ),
    "email": _words.map(lambda name: f"a{name}@example.org"),
    "idn-email": _words.map(lambda name: f"a{name}@example.org"),
    "uri": _urls,
    "uri-reference": _urls,
    "iri": _urls,
    "hostname": _words.map(lambda name: f"h{name}.example.org"),
    "json-string": st.one_of(st.just("null"), st.integers(-9, 9).map(str)),
}

#: what `register_format` adds; looked at whenever a strategy is built
REGISTERED: Final[dict[str, SearchStrategy[str]]] = {}


def encoded(encoding: str | None) -> SearchStrategy[str] | None:
    """Bytes as they stand in JSON under a `contentEncoding`; None where they are no texts of their own kind."""
    match encoding:
        case "base64":
            return st.binary(max_size=6).map(lambda raw: base64.b64encode(raw).decode())
        case "base64url":
            return st.binary(max_size=6).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
        case "base16" | "hex":
            return st.binary(max_size=6).map(bytes.hex)
        case _:
            return None


def of_format(name: str | None) -> SearchStrategy[str] | None:
    """The strategy of a format; None for one that is not known, which every text has."""
    return None if name is None else REGISTERED.get(name, BUILT_IN.get(name))


def written(number: int, places: int) -> str:
    """A decimal of these digits, so many of them behind the point."""
    if places == 0:
        return str(number)
    digits = f"{abs(number):0{places + 1}}"
    return f"{'-' if number < 0 else ''}{digits[:-places]}.{digits[-places:]}"


__all__ = ["BUILT_IN", "LETTERS", "REGISTERED", "encoded", "of_format", "written"]
