"""A revision script as text: its header, what it means (a digest), and what it must not import. Nothing is
executed here.

The digest is one of meaning. A script that was reformatted, commented, or documented has the digest it had;
so has one that was rebased, because the header (ids, workflow, version) is left out and covered by the
cumulative digest instead.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from statemig.errors import RevisionError
from statemig.plan import meaning

HEADER_FIELDS: Final = ("revision", "down_revision", "workflow", "version")

FOREIGN_HINT: Final = (
    "The code moves on and the frozen snapshot does not: copy what the script needs into it."
)


@dataclass(frozen=True, slots=True)
class Header:
    """What a script says of itself before anything is run. `file` is the name below ``versions/``."""

    revision: str
    down_revisions: tuple[str, ...]
    workflow: str
    version: int
    message: str
    file: str

    @property
    def down_revision(self) -> str | tuple[str, ...] | None:
        """As it is written: None, one id, or several for a merge."""
        match self.down_revisions:
            case ():
                return None
            case (only,):
                return only
            case several:
                return several


@dataclass(frozen=True, slots=True)
class Import:
    """One import of a script that it must not have."""

    line: int
    text: str


def parse(source: bytes, file: str) -> ast.Module:
    """The tree of a script. Raises `RevisionError` naming file and line where it is no Python."""
    try:
        return ast.parse(source, filename=file)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        place = file if line is None else f"{file}, line {line}"
        raise RevisionError(
            f"{place}: this is not Python ({getattr(error, 'msg', error)})",
            hint="Correct the script, or bring it back from version control.",
        ) from error


# -- the header ----------------------------------------------------------------------------------------------


def read_header(source: bytes, file: str) -> Header:
    """The header of a script. Raises `RevisionError` naming file and field where it is not complete.

    Only the text above the first function is parsed where that is enough: with thousands of scripts it is
    most of the time.
    """
    above, found, _ = source.partition(b"\ndef ")
    if found:
        try:
            return header(ast.parse(above, filename=file), file)
        except (SyntaxError, ValueError, RevisionError):
            pass  # a docstring may hold such a line; the whole text decides
    return header(parse(source, file), file)


def header(tree: ast.Module, file: str) -> Header:
    """The header of a parsed script. Raises `RevisionError`, all problems at once."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for statement in tree.body:
        for name, value in assigned(statement):
            try:
                values[name] = ast.literal_eval(value)
            except ValueError:
                problems.append(f"{name} (line {statement.lineno}) is not a plain value")
    ids = values.get("down_revision")
    below = () if ids is None else (ids,) if isinstance(ids, str) else ids
    if not all(isinstance(name, str) for name in below) if isinstance(below, tuple | list) else True:
        problems.append("down_revision is not None, an id, or a tuple of ids")
    expected = {"revision": str, "workflow": str, "version": int}
    for name, kind in expected.items():
        if name not in values:
            problems.append(f"{name} is missing")
        elif type(values[name]) is not kind:
            problems.append(f"{name} is not {'an integer' if kind is int else 'a string'}")
    if "down_revision" not in values:
        problems.append("down_revision is missing")
    if problems:
        raise RevisionError(
            f"{file} does not say which revision it is: {'; '.join(problems)}",
            hint=f"A script sets {', '.join(HEADER_FIELDS)}; `statemig revision` writes them.",
        )
    doc = ast.get_docstring(tree) or ""
    return Header(
        revision=values["revision"],
        down_revisions=tuple(below),
        workflow=values["workflow"],
        version=values["version"],
        message=doc.partition("\n")[0].strip(),
        file=file,
    )


def assigned(statement: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    """Header fields that a statement of the module sets."""
    if isinstance(statement, ast.Assign):
        targets, value = statement.targets, statement.value
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        targets, value = [statement.target], statement.value
    else:
        return
    for target in targets:
        if isinstance(target, ast.Name) and target.id in HEADER_FIELDS:
            yield target.id, value


# -- what it may import --------------------------------------------------------------------------------------


def foreign_imports(tree: ast.Module) -> list[Import]:
    """Imports of anything but the standard library and statemig, at any depth of the script."""
    found: list[Import] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                foreign = any(not _allowed(name.name) for name in names)
            case ast.ImportFrom(module=module, level=level):
                foreign = level > 0 or not _allowed(module or "")
            case _:
                continue
        if foreign:
            found.append(Import(node.lineno, ast.unparse(node)))
    return found


def refuse_foreign_imports(tree: ast.Module, file: str, revision: str) -> None:
    """Raises `RevisionError` naming every import that is neither statemig nor the standard library."""
    found = foreign_imports(tree)
    if found:
        lines = "; ".join(f"line {item.line}: {item.text}" for item in found)
        raise RevisionError(
            f"{file} imports what is not frozen with it: {lines}", revision=revision, hint=FOREIGN_HINT
        )


def _allowed(module: str) -> bool:
    top = module.partition(".")[0]
    return top == "statemig" or top in sys.stdlib_module_names


# -- what it means -------------------------------------------------------------------------------------------


def digest(tree: ast.Module) -> str:
    """Digest (32 hex digits) of what the script does.

    Left out: comments, layout, docstrings, annotations of functions, the header, the order of neighbouring
    imports, and ``pass``.
    """
    return meaning.digest(statement for statement in tree.body if not any(True for _ in assigned(statement)))
