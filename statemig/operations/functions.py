"""Functions of a script inside operations: how they are written down, and found again.

A function is written as the id of its script's revision, its name there, and a digest of what it does. The digest is one of meaning
(`statemig.plan.meaning`), and covers everything at the top level of the script that the function uses.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

from statemig.errors import OperationError
from statemig.plan import meaning

#: the name under which the namespace of a script holds its `Source`
SOURCE: Final = "__statemig_source__"

Function = Callable[..., Any]
#: from what `reference` wrote to the function; raises `OperationError` where it is not there, or not what it was
Resolve = Callable[[dict[str, Any]], Function]


class Source:
    """The text of a script, for the digests of its functions. `revision` is None for functions of a module that is no script."""

    def __init__(self, revision: str | None, tree: ast.Module) -> None:
        self.revision = revision
        self._bound: dict[str, list[ast.stmt]] = {}
        self._order = {id(statement): number for number, statement in enumerate(tree.body)}
        for statement in tree.body:
            for name in _binds(statement):
                self._bound.setdefault(name, []).append(statement)
        self._digests: dict[str, str] = {}

    def digest(self, name: str) -> str | None:
        """Digest (32 hex digits) of what a name at the top level means, with all that it uses there; None where there is none."""
        if name not in self._bound:
            return None
        found = self._digests.get(name)
        if found is None:
            used: dict[int, ast.stmt] = {}
            todo = [name]
            seen = {name}
            while todo:
                for statement in self._bound[todo.pop()]:
                    used[id(statement)] = statement
                    for node in ast.walk(statement):
                        if isinstance(node, ast.Name) and node.id in self._bound and node.id not in seen:
                            seen.add(node.id)
                            todo.append(node.id)
            found = meaning.digest(sorted(used.values(), key=lambda each: self._order[id(each)]))
            self._digests[name] = found
        return found


def _binds(statement: ast.stmt) -> list[str]:
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [(each.asname or each.name).partition(".")[0] for each in names]
        case _:
            return [
                node.id
                for node in ast.walk(statement)
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            ]


def name_of(function: Function) -> str | None:
    """The name that a function has at the top level of its script or module; None for a lambda without one, a nested function, and
    whatever else cannot be found again by a name."""
    namespace = getattr(function, "__globals__", None)
    if not isinstance(namespace, dict):
        return None
    own = getattr(function, "__name__", None)
    if isinstance(own, str) and namespace.get(own) is function:
        return own
    return next((name for name, value in namespace.items() if value is function), None)


def reference(function: Function) -> dict[str, Any]:
    """``{"function": {"revision": ..., "name": ..., "digest": ...}}``; the revision is None where the function is no script's. Raises
    `OperationError` for a function that has no name to be found by."""
    name = name_of(function)
    source = None if name is None else _source(function.__globals__)
    digest = None if source is None or name is None else source.digest(name)
    if source is None or digest is None:
        raise OperationError(
            f"{described(function)} has no name at the top level of a script, so it cannot be written down",
            hint=HOW,
        )
    return {"function": {"revision": source.revision, "name": name, "digest": digest}}


def resolve(data: dict[str, Any], namespace: dict[str, Any], revision: str | None) -> Function:
    """The function of a namespace that `reference` wrote as `data`. Raises `OperationError` where there is none, or it does something
    else than it did."""
    wanted = data["function"]
    name = wanted["name"]
    if wanted["revision"] is not None and wanted["revision"] != revision:
        raise OperationError(
            f"{name} is a function of revision {wanted['revision']}",
            revision=revision,
            hint="Read the operation with the script of that revision",
        )
    function = namespace.get(name)
    source = _source(namespace)
    digest = None if source is None else source.digest(name)
    if not callable(function) or digest is None:
        raise OperationError(
            f"there is no function {name} in the script",
            revision=revision,
            hint="Bring the script back from version control",
        )
    if digest != wanted["digest"]:
        raise OperationError(
            f"the function {name}, or something that it uses, does something else than when the operation was written down",
            revision=revision,
            hint="Bring the script back from version control",
        )
    found: Function = function
    return found


def described(function: Function) -> str:
    """What to call a function in a message."""
    name = getattr(function, "__qualname__", None) or type(function).__name__
    if getattr(function, "__name__", None) == "<lambda>":
        return "a lambda"
    return f"the function {name.rpartition('.')[2]}" if "<locals>" in name else f"{name}"


HOW: Final = "Write it as a function at the top level of the script (def ...), and pass its name"


def _source(namespace: dict[str, Any]) -> Source | None:
    kept = namespace.get(SOURCE)
    if isinstance(kept, Source):
        return kept
    file = namespace.get("__file__")
    return _source_of(file, tuple(linecache.getlines(file))) if isinstance(file, str) else None


@lru_cache(maxsize=64)
def _source_of(file: str, lines: tuple[str, ...]) -> Source | None:
    try:
        return Source(None, ast.parse("".join(lines), filename=file)) if lines else None
    except SyntaxError:
        return None
