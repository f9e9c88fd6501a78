"""JSON text in and out without losing a digit.

`orjson` is fast but turns an integer beyond 64 bits into a float and refuses to write one. Here integers of any size stay
integers, and a number literal that no float can hold exactly as written becomes a `Decimal` and is written back as it was.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any

import orjson

# A literal of at least 18 digits in a row is the only kind that orjson can read differently from what was written. Looking for one by a
# regular expression costs ten times the parsing; with every digit made a zero it is a search for one fixed string.
_DIGITS_ALIKE = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 18


def loads(text: str | bytes | bytearray | memoryview) -> Any:
    """Parse JSON. Raises `ValueError` where the text is not JSON (NaN and Infinity are not)."""
    raw = text.encode() if isinstance(text, str) else bytes(text)
    if _LONG_NUMBER not in raw.translate(_DIGITS_ALIKE):
        return orjson.loads(raw)
    return json.loads(raw, parse_float=_exact, parse_constant=_not_json)


def dumps(value: Any) -> bytes:
    """Write JSON, keys in their order. Raises `TypeError` for what JSON cannot hold, NaN and Infinity included."""
    try:
        return orjson.dumps(value, default=_decimal)
    except TypeError:
        return orjson.dumps(_with_fragments(value))


def canonical(value: Any) -> bytes:
    """JSON with sorted keys: equal values give equal bytes, and 1 differs from 1.0."""
    try:
        return orjson.dumps(value, default=_decimal, option=orjson.OPT_SORT_KEYS)
    except TypeError:
        return orjson.dumps(_with_fragments(value), option=orjson.OPT_SORT_KEYS)


def pretty(value: Any) -> bytes:
    """JSON for files that people read and git compares: indented, keys sorted, a newline at the end."""
    option = orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    try:
        return orjson.dumps(value, default=_decimal, option=option)
    except TypeError:
        return orjson.dumps(_with_fragments(value), option=option)


def digest(value: Any, size: int = 16) -> str:
    """Hex digest (`size` bytes, BLAKE2b) of a JSON value; independent of key order, process and hash seed."""
    return hashlib.blake2b(canonical(value), digest_size=size).hexdigest()


def equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: types count (true is not 1, 1 is not 1.0), key order does not."""
    if left is right:
        return True
    if type(left) is not type(right):
        if (isinstance(left, dict) and isinstance(right, dict)) or (
            isinstance(left, list) and isinstance(right, list)
        ):
            pass
        else:
            return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def _exact(literal: str) -> float | Decimal:
    number = float(literal)
    exact = Decimal(literal)
    # A float's own repr is the shortest text that gives it back, so only a longer literal loses something.
    return number if Decimal(repr(number)) == exact else exact


def _not_json(literal: str) -> Any:
    raise ValueError(f"{literal} is not JSON")


def _decimal(value: Any) -> Any:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


def _with_fragments(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                raise TypeError(f"a key of an object must be a string, not {type(key).__name__}")
        return {key: _with_fragments(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_with_fragments(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > 63:
        return orjson.Fragment(str(value).encode())
    if isinstance(value, Decimal):
        return _decimal(value)
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"{type(value).__name__} is not JSON")
