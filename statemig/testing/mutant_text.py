"""The text of a script by its syntax tree: the calls in ``upgrade(op)``, and pieces of text replaced by others."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from statemig.operations.recorder import Operations

Replacement = tuple[ast.AST, str]


@dataclass(frozen=True, slots=True)
class Call:
    """One statement ``op.name(...)``. `arguments` are the nodes by the name of the parameter, `body` is the block that it stands in."""

    name: str
    statement: ast.Expr
    arguments: dict[str, ast.expr]
    body: list[ast.stmt]

    @property
    def line(self) -> int:
        return self.statement.lineno


class Script:
    """A script's text. `function` is its ``upgrade``, None where it has none; `op` is what the recorder is called in it."""

    def __init__(self, source: str) -> None:
        self.source = source
        tree = ast.parse(source)
        self.function: ast.FunctionDef | None = None
        self.op = "op"
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "upgrade" and statement.args.args:
                self.function = statement
                self.op = statement.args.args[0].arg
        self._raw = source.encode()
        starts = [0]
        for line in self._raw.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self._starts = starts
        self.calls = [] if self.function is None else list(self._calls(self.function.body))

    def _calls(self, body: list[ast.stmt]) -> Iterator[Call]:
        """In the order of their lines; those in loops and conditions too."""
        for statement in body:
            call = self._call(statement, body)
            if call is not None:
                yield call
            for inner in ("body", "orelse"):
                yield from self._calls(getattr(statement, inner, []))

    def _call(self, statement: ast.stmt, body: list[ast.stmt]) -> Call | None:
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=owner), attr=name)) as call):
                method = getattr(Operations, name, None)
                if owner != self.op or method is None:
                    return None
                named = {each.arg: each.value for each in call.keywords if each.arg is not None}
                if any(isinstance(each, ast.Starred) for each in call.args):
                    return Call(name, statement, named, body)
                try:
                    bound = inspect.signature(method).bind_partial(None, *call.args, **named)
                except TypeError:
                    return None  # not a call that could be right
                arguments = {
                    key: value for key, value in bound.arguments.items() if isinstance(value, ast.expr)
                }
                return Call(name, statement, arguments, body)
            case _:
                return None

    # -- pieces of text ------------------------------------------------------------------------------------------------

    def text(self, node: ast.AST, replacements: Iterable[Replacement] = ()) -> str:
        """Of a node, with pieces in it replaced."""
        start, end = self._span(node)
        return self._cut(start, end, [(*self._span(each), new) for each, new in replacements])

    def replaced(self, replacements: Iterable[Replacement]) -> str:
        """The script with pieces of it replaced, which do not overlap."""
        return self._cut(0, len(self._raw), [(*self._span(each), new) for each, new in replacements])

    def without(self, call: Call) -> str:
        """The script without a statement."""
        if len(call.body) == 1:
            return self.replaced([(call.statement, "pass")])
        start, end = self._lines(call.statement)
        if (
            self._raw[start:end].strip() != self._raw[slice(*self._span(call.statement))]
            and b"#" not in self._raw[start:end]
        ):
            return self.replaced([(call.statement, "pass")])  # it shares its line
        return self._cut(0, len(self._raw), [(start, end, "")])

    def with_statements(self, call: Call, statements: Sequence[str]) -> str:
        """The script with several statements in the place of one."""
        indent = " " * call.statement.col_offset
        return self.replaced([(call.statement, f"\n{indent}".join(statements))])

    def with_last(self, statement: str, *, before: str) -> str:
        """The script with one more statement at the end of ``upgrade``, and `before` above it."""
        assert self.function is not None
        last = self.function.body[-1]
        indent = " " * last.col_offset
        top = self._starts[
            min([self.function.lineno, *(each.lineno for each in self.function.decorator_list)]) - 1
        ]
        end = self._span(last)[1]
        return self._cut(0, len(self._raw), [(top, top, before), (end, end, f"\n{indent}{statement}")])

    def _cut(self, start: int, end: int, pieces: Iterable[tuple[int, int, str]]) -> str:
        made: list[bytes] = []
        at = start
        for left, right, new in sorted(pieces):
            made += [self._raw[at:left], new.encode()]
            at = right
        return b"".join([*made, self._raw[at:end]]).decode()

    def _span(self, node: ast.AST) -> tuple[int, int]:
        """Offsets in bytes, which is what the tree counts in."""
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[
            node.end_lineno - 1
        ] + node.end_col_offset

    def _lines(self, node: ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        return self._starts[node.lineno - 1], self._starts[node.end_lineno]


def path_argument(call: Call) -> str | None:
    """The path that an operation is about, where it is written out."""
    node = call.arguments.get("path")
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def is_renaming(call: Call) -> bool:
    return call.name in ("rename_field", "rename_step", "move_field") and "to" in call.arguments
