"""JSON text in and out without losing a digit.

`orjson` is fast but turns an integer beyond 64 bits into a float and refuses to write one. Here integers of any size stay
integers, and a number literal that no float can hold exactly as written becomes a `Decimal` and is written back as it was.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import math
import re
from decimal import Decimal
from typing import Any

import orjson

# A float holds any number of 15 digits as written, an orjson integer any of 18; only a longer literal can be read differently from what was
# written. Looking for one by a regular expression costs ten times the parsing; with every digit (and the point, which may stand among them)
# made a zero it is a search for one fixed string.
_DIGITS_ALIKE = bytes(ord("0") if byte in b"0123456789." else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 17
_LITERAL = re.compile(rb"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
# Of a double that is NaN or infinite all bits of the exponent are set, and marshal writes the sign and the exponent last. The type in front
# of it may be flagged as an object that comes again.
_LAST_OF_NAN = (b"\x7f", b"\xff")
_FLOAT = (ord("g"), ord("g") | 0x80)
_NO_NAN = "NaN and Infinity are not JSON"
# orjson would write these in its own way, and what reads them back would find a string.
_NOT_NATIVE = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS


def loads(text: str | bytes | bytearray | memoryview) -> Any:
    """Parse JSON. Raises `ValueError` where the text is not JSON (NaN and Infinity are not)."""
    raw = text.encode() if isinstance(text, str) else bytes(text)
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        if "infinity" not in str(error):  # a number too large for a float
            raise
    else:
        if not _loses_digits(raw, value):
            return value
    return json.loads(raw.decode(), parse_float=_exact, parse_constant=_not_json)


def _loses_digits(raw: bytes, value: Any) -> bool:
    """Whether orjson may have read a number differently from what was written. What looks like one inside a string does no harm."""
    # Whichever 17 places in a row are digits, four of them are among every fourth place of the text: few texts need a closer look.
    if b"0000" not in raw[::4].translate(_DIGITS_ALIKE):
        return False
    alike = raw.translate(_DIGITS_ALIKE)
    at = alike.find(_LONG_NUMBER)
    if at == -1 or orjson.dumps(value) == raw:
        return False
    while at != -1:
        found = _LITERAL.match(raw, at)
        if found is None or not _is_held(found):
            return True
        at = alike.find(_LONG_NUMBER, found.end())
    return False


def _is_held(literal: re.Match[bytes]) -> bool:
    text = literal.group().decode()
    if literal.group(1) is None and literal.group(2) is None:
        return len(text) <= 18
    return repr(float(text)) == text


def dumps(value: Any) -> bytes:
    """Write JSON, keys in their order. Raises `TypeError` for what JSON cannot hold, NaN and Infinity included."""
    return _dumps(value, 0)


def canonical(value: Any) -> bytes:
    """JSON with sorted keys: equal values give equal bytes, and 1 differs from 1.0."""
    return _dumps(value, orjson.OPT_SORT_KEYS)


def pretty(value: Any) -> bytes:
    """JSON for files that people read and git compares: indented, keys in their order, a newline at the end."""
    return _dumps(value, orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def digest(value: Any, size: int = 16) -> str:
    """Hex digest (`size` bytes, BLAKE2b) of a JSON value; independent of key order, process and hash seed. Of NaN and infinities, which
    are not JSON but may be part of a state, there is one as well."""
    try:
        written = canonical(value)
    except TypeError as error:
        if str(error) != _NO_NAN:
            raise
        written = json.dumps(value, sort_keys=True, default=str).encode()  # a Decimal
    return hashlib.blake2b(written, digest_size=size).hexdigest()


def equal(left: Any, right: Any) -> bool:
    """Equality of JSON values, which is equality of `canonical`: types count (true is not 1, 1 is not 1.0), key order does not."""
    if left is right:
        return True
    # Most often two documents are compared that share most of their parts: of those nothing is called.
    if isinstance(left, dict):
        if not isinstance(right, dict) or left.keys() != right.keys():
            return False
        for key, value in left.items():
            other = right[key]
            if value is not other and not equal(value, other):
                return False
        return True
    if isinstance(left, list):
        if not isinstance(right, list) or len(left) != len(right):
            return False
        for value, other in zip(left, right, strict=True):  # noqa: SIM110, because a generator takes twice as long
            if value is not other and not equal(value, other):
                return False
        return True
    if type(left) is not type(right):
        return False
    if isinstance(
        left, float | Decimal
    ):  # 0.0 equals -0.0, and 1.0 equals 1.00, but they are written differently
        return bool(left == right) and str(left) == str(right)
    return bool(left == right)


def written_alike(left: Any, right: Any) -> bool:
    """Whether two values surely are `equal`, told by writing both, which for large ones takes a tenth of the time. Of two objects whose
    keys are in another order it is not told."""
    if left is right:
        return True
    if not (isinstance(left, dict | list) and isinstance(right, dict | list)):
        return equal(left, right)
    try:
        return orjson.dumps(left) == orjson.dumps(right)
    except TypeError:  # holds a Decimal, or an integer beyond 64 bits
        return equal(left, right)


def problem(value: Any) -> str | None:
    """What keeps a value from being JSON (None, bool, int, float, Decimal, str, list and dict with string keys), or None."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, str):
                return f"a key of an object must be a string, not {type(key).__name__}"
        return next((found for inner in value.values() if (found := problem(inner))), None)
    if isinstance(value, list):
        return next((found for inner in value if (found := problem(inner))), None)
    if isinstance(value, float):
        return None if math.isfinite(value) else _NO_NAN
    if value is None or type(value) in (str, int, bool, Decimal):
        return None
    return f"{type(value).__name__} is not JSON"


def _dumps(value: Any, option: int) -> bytes:
    try:
        raw = orjson.dumps(value, default=_decimal, option=option | _NOT_NATIVE)
    except TypeError:
        raw = orjson.dumps(_with_fragments(value), option=option)
    # orjson writes null for NaN
    if b"null" in raw and _may_hold_nan(value) and orjson.loads(raw) != value:
        try:
            json.dumps(value, allow_nan=False, default=_nothing)
        except ValueError:
            raise TypeError(_NO_NAN) from None
    return raw


def _may_hold_nan(value: Any) -> bool:
    """Whether NaN or an infinity may be in it: marshal writes a float as its type and its eight bytes, and takes a third of the time that
    parsing takes."""
    try:
        raw = marshal.dumps(value)
    except ValueError:  # holds what is not plain, a Decimal for instance
        return True
    looks = 0
    for last in _LAST_OF_NAN:
        at = raw.find(last)
        while at != -1:
            looks += 1
            if looks > 100 or (raw[at - 1] >= 0xF0 and raw[at - 8] in _FLOAT):
                return True
            at = raw.find(last, at + 1)
    return False


def _nothing(value: Any) -> None:
    """Stands for what the float check need not look at."""


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
