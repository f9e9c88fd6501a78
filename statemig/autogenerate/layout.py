"""Python source laid out as the ruff formatter leaves it, for the one kind of statement that a script is made of."""

from __future__ import annotations

import ast
import unicodedata
from collections.abc import Iterator
from typing import Final

WIDTH: Final = 110
_STEP: Final = 4


def statement(source: str, indent: int, note: str | None = None) -> list[str]:
    """The lines of one call, with a remark behind it, or above it where there is no room."""
    margin = " " * indent
    remark = "" if note is None else f"  # {note}"
    if indent + _width(source + remark) <= WIDTH:
        return [margin + source + remark]
    above = [] if note is None else [f"{margin}# {note}"]
    call = ast.parse(source, mode="eval").body
    return [*above, *(_unbreakable(line) for line in _lines(source, call, indent, "", ""))]


def _lines(source: str, node: ast.expr, indent: int, before: str, after: str) -> Iterator[str]:
    """`before` and `after` stand on the same line as the expression: a keyword, a comma."""
    text = before + _text(source, node) + after
    margin = " " * indent
    parts = _parts(source, node)
    if indent + _width(text) <= WIDTH or parts is None:
        yield margin + text
        return
    opening, items, closing = parts
    yield margin + before + opening
    inner = indent + _STEP
    together = ", ".join(label + _text(source, item) for label, item in items)
    if isinstance(node, ast.Call) and inner + _width(together) <= WIDTH:
        yield " " * inner + together
    else:
        for label, item in items:
            yield from _lines(source, item, inner, label, ",")
    yield margin + closing + after


def _parts(source: str, node: ast.expr) -> tuple[str, list[tuple[str, ast.expr]], str] | None:
    match node:
        case ast.Call(func, args, keywords) if args or keywords:
            items = [("", arg) for arg in args]
            items += [(f"{keyword.arg}=", keyword.value) for keyword in keywords]
            return f"{_text(source, func)}(", items, ")"
        case ast.Dict(keys, values) if keys:
            labels = [f"{_text(source, key)}: " for key in keys if key is not None]
            return "{", list(zip(labels, values, strict=True)), "}"
        case ast.List(elts) if elts:
            return "[", [("", item) for item in elts], "]"
        case _:
            return None


def _text(source: str, node: ast.AST) -> str:
    return ast.get_source_segment(source, node) or ""


def _unbreakable(line: str) -> str:
    """A text that is too long by itself cannot be broken without changing how it reads."""
    return line if _width(line) <= WIDTH else f"{line}  # noqa: E501"


def _width(text: str) -> int:
    """Columns as the formatter counts them: two for a wide character."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
