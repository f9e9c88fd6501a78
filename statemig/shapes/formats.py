"""The formats of strings that are checked. A format that is not here accepts any string, as JSON Schema has
it.

The checks accept whatever pydantic writes for the type behind the format; give them to jsonschema-rs as
``formats=FORMATS``, and both validate alike.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final
from uuid import UUID

_DURATION: Final = re.compile(
    r"[+-]?P(?=[0-9T])(\d+(\.\d+)?Y)?(\d+(\.\d+)?M)?(\d+(\.\d+)?W)?(\d+(\.\d+)?D)?"
    r"(T(?=[0-9])(\d+(\.\d+)?H)?(\d+(\.\d+)?M)?(\d+(\.\d+)?S)?)?",
    re.ASCII,
)
_DECIMAL: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_INTEGER: Final = re.compile(r"-?\d+", re.ASCII)
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _parses(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return check


def _fits(pattern: re.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: pattern.fullmatch(text) is not None


def _date_time(text: str) -> bool:
    return len(text) > 10 and text[10] in "Tt _" and _parses(datetime.fromisoformat)(text)


def _date(text: str) -> bool:
    return len(text) == 10 and _parses(date.fromisoformat)(text)


def _time(text: str) -> bool:
    return ":" in text and _parses(time.fromisoformat)(text)


def _uuid(version: int | None) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        return _UUID.fullmatch(text) is not None and (version is None or UUID(text).version == version)

    return check


def _address(version: int) -> Callable[[str], bool]:
    def check(text: str) -> bool:
        return _parses(ip_address)(text) and ip_address(text).version == version

    return check


def _any(text: str) -> bool:
    return True


FORMATS: Final[Mapping[str, Callable[[str], bool]]] = MappingProxyType(
    {
        "date-time": _date_time,
        "date": _date,
        "time": _time,
        "duration": _fits(_DURATION),
        "decimal": _fits(_DECIMAL),
        "integer": _fits(_INTEGER),
        "uuid": _uuid(None),
        **{f"uuid{version}": _uuid(version) for version in (1, 3, 4, 5)},
        "ipv4": _address(4),
        "ipv6": _address(6),
        # Known to jsonschema-rs, which is stricter there than pydantic is.
        **dict.fromkeys(
            (
                "email",
                "idn-email",
                "hostname",
                "idn-hostname",
                "uri",
                "uri-reference",
                "iri",
                "iri-reference",
                "uri-template",
                "json-pointer",
                "relative-json-pointer",
                "regex",
            ),
            _any,
        ),
    }
)

# Formats that say what a string is for, not which strings there are.
UNCONSTRAINING: Final = frozenset({"password", "path", "binary", "multi-line", "text"})


def has_format(text: str, name: str | None) -> bool:
    """Whether a string is written as the format says; True for a format that is not checked."""
    check = FORMATS.get(name) if name is not None else None
    return check is None or check(text)


def is_decided(name: str | None) -> bool:
    """Whether `has_format` knows the format exactly."""
    return name is None or name in UNCONSTRAINING or FORMATS.get(name, _any) is not _any


def includes(wide: str | None, narrow: str | None) -> bool:
    """Whether every string of format `narrow` certainly is one of `wide`."""
    if wide is None or wide in UNCONSTRAINING or wide == narrow:
        return True
    return wide == "uuid" and narrow is not None and re.fullmatch(r"uuid[1-8]", narrow) is not None
