"""What Python source means, as a digest: a script that was reformatted, commented, or documented has the digest it had.

It is the same on every Python: fields that are empty are skipped, since newer Pythons keep adding some.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from typing import Any, Final

# Names that only annotations use. They come and go with the annotations, which mean nothing when the script
# runs.
_ANNOTATION_MODULES: Final = frozenset({"__future__", "typing", "collections.abc"})
_ANNOTATION_NAMES: Final = frozenset({("statemig", "Operations")})


def digest(body: Iterable[ast.stmt]) -> str:
    """Digest (32 hex digits) of what statements do.

    Left out: comments, layout, docstrings, annotations of functions, the order of neighbouring imports, and ``pass``.
    """
    meaning = json.dumps(_statements(body), ensure_ascii=True, separators=(",", ":"))
    return hashlib.blake2b(meaning.encode(), digest_size=16).hexdigest()


def _statements(body: Iterable[ast.stmt]) -> list[Any]:
    out: list[Any] = []
    imports: list[Any] = []
    for statement in body:
        match statement:
            case ast.Import() | ast.ImportFrom():
                imports += _imported(statement)
                continue
            case ast.Pass() | ast.Expr(value=ast.Constant()):
                continue
        out += sorted(imports)
        imports = []
        out.append(_meaning(statement))
    return out + sorted(imports)


def _imported(statement: ast.Import | ast.ImportFrom) -> list[Any]:
    """Each imported name by itself, so that neither grouping nor order counts."""
    if isinstance(statement, ast.Import):
        return [["Import", name.name, name.asname or ""] for name in statement.names]
    module = "." * statement.level + (statement.module or "")
    if module in _ANNOTATION_MODULES:
        return []
    return [
        ["ImportFrom", module, name.name, name.asname or ""]
        for name in statement.names
        if (module, name.name) not in _ANNOTATION_NAMES
    ]


def _meaning(node: Any) -> Any:
    """Nodes as [class, {field: value}], constants as [type, text]; what is empty is left out."""
    match node:
        case ast.Constant(value=value):
            return _constant(value)
        case ast.JoinedStr(values=parts):
            return ["JoinedStr", _joined(parts)]
        case ast.AST():
            return [type(node).__name__, dict(_fields(node))]
        case list():
            return [_meaning(item) for item in node]
        case None | str():
            return node
        case _:
            return _constant(node)


def _fields(node: ast.AST) -> Iterator[tuple[str, Any]]:
    for name, value in ast.iter_fields(node):
        if name in ("returns", "type_comment", "ctx") or (name == "annotation" and isinstance(node, ast.arg)):
            continue
        if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
            value = _statements(value)
        else:
            value = _meaning(value)
        if value is None or value == [] or value == ["JoinedStr", []]:
            continue
        yield name, value


def _constant(value: Any) -> list[str]:
    # ascii() and not repr(): which characters repr() escapes depends on the Unicode tables of the Python at
    # hand.
    match value:
        case bool() | None:
            return [str(value)]
        case int():
            return ["int", hex(value)]
        case _:
            return [type(value).__name__, ascii(value)]


def _joined(parts: Iterable[ast.expr]) -> list[Any]:
    """Parts of an f-string; neighbouring texts are one text, since Pythons cut them differently."""
    out: list[Any] = []
    text = ""
    for part in parts:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        if text:
            out.append(_constant(text))
        out.append(_meaning(part))
        text = ""
    return [*out, _constant(text)] if text else out
