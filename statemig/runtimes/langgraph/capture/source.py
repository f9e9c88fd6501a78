"""What the source of a node says without being run: where it goes, and the questions it asks.

Calls of helpers in the author's own package are followed. What cannot be read (C functions, code made at run time) says nothing.
"""

from __future__ import annotations

import ast
import inspect
import linecache
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from types import CodeType, ModuleType
from typing import Any, Final

from langgraph.constants import END
from langgraph.types import Command, Send, interrupt

from statemig.plan.meaning import digest
from statemig.workflow.ownership import package_of

_DEEPEST: Final = 8
_ASKED_UNDER: Final = ("question", "action", "message", "prompt", "title", "type", "kind", "id", "name")
_LONGEST: Final = 60
_UNKNOWN: Final = object()
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LOOPS: Final = (
    *(ast.For, ast.AsyncFor, ast.While),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)

#: what is done to an answer on its way into a variable or under a key
_HANDING: Final = (ast.Await, ast.Subscript, ast.Attribute, ast.IfExp, ast.BinOp, ast.BoolOp)

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass
class Reading:
    """`goes`: names of nodes that a Command or a Send names; `to_parent`: those of the graph around this one; `open_ended`: some of it only
    shows when the node runs. `asks`: names of the questions in the order of the source; `repeats`: one of them is asked in a loop."""

    goes: list[str] = field(default_factory=list)
    to_parent: list[str] = field(default_factory=list)
    open_ended: bool = False
    asks: list[str] = field(default_factory=list)
    repeats: bool = False

    def gone_to(self, found: Sequence[str] | None, *, parent: bool = False) -> None:
        if found is None:
            self.open_ended = self.open_ended or not parent
        for name in found or ():
            names = self.to_parent if parent else self.goes
            if name not in names:
                names.append(name)


def read_node(function: Callable[..., Any]) -> Reading:
    """Commands and questions of a node's function."""
    reading = Reading()
    for source in _sources(function):
        _Walk(source, reading).statements()
    return reading


def read_path(function: Callable[..., Any]) -> list[str] | None:
    """Where the function of a conditional edge may lead: the names that it returns, in a Send or without; None where not all show."""
    found: dict[str, None] = {}
    for source in _sources(function):
        body = source.tree.body
        returned = [body] if isinstance(body, ast.expr) else list(_returned(body))
        for value in returned:
            names = _targets(value, source)
            if names is None:
                return None
            found.update(dict.fromkeys(names))
    return list(found) or None


def digest_of(function: Callable[..., Any]) -> str | None:
    """A digest of what a function of the author's own does; None where there is no source of it."""
    tree = next((source.tree for source in _sources(function)), None)
    if tree is None:
        return None
    # A name is no part of what is done; the parameters are.
    given = ", ".join(each.arg for each in (*tree.args.posonlyargs, *tree.args.args))
    parameters = ast.Assign([ast.Name("_", ast.Store())], ast.Constant(given))
    body = [ast.Return(tree.body)] if isinstance(tree, ast.Lambda) else tree.body
    return digest([parameters, *body])


# -- finding the source ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Source:
    """A function with its tree. `names`: what its free names stand for."""

    function: Callable[..., Any]
    tree: Function
    names: Mapping[str, Any]
    bound: Any = None


def _sources(function: Any) -> Iterator[_Source]:
    """The function itself, or what is behind a partial, a decorator, an object that can be called."""
    bound = None
    for _ in range(_DEEPEST):
        if isinstance(function, partial):
            function = function.func
        elif inspect.ismethod(function):
            bound = function.__self__
            function = function.__func__
        elif inspect.isfunction(function):
            break
        elif inspect.isfunction(called := inspect.getattr_static(type(function), "__call__", None)):
            function = called.__get__(function)
        else:
            return
    function = inspect.unwrap(function)
    tree = _tree(function)
    if tree is not None:
        yield _Source(function, tree, _names(function, tree), bound)


def _names(function: Any, tree: Function) -> dict[str, Any]:
    names = dict(function.__globals__)
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=False):
        try:
            names[name] = cell.cell_contents
        except ValueError:
            continue  # not there yet
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("langgraph.types", "langgraph.graph"):
            known = {"interrupt": interrupt, "Command": Command, "Send": Send, "END": END}
            for each in node.names:
                if each.name in known:
                    names[each.asname or each.name] = known[each.name]
    return names


def _tree(function: Any) -> Function | None:
    code: CodeType | None = getattr(function, "__code__", None)
    if code is None:
        return None
    linecache.checkcache(code.co_filename)
    text = "".join(linecache.getlines(code.co_filename, function.__globals__))
    candidates = [each for each in _functions(text).get(code.co_firstlineno, ()) if _is_of(each, code)]
    if len(candidates) > 1:
        # Several lambdas on one line: by the place of the first thing that the code does.
        places = [(line, column) for line, _, column, _ in code.co_positions() if line and column]
        candidates = [each for each in candidates if places and _holds(each, places)]
    return candidates[0] if len(candidates) == 1 else None


@lru_cache(maxsize=64)
def _functions(text: str) -> Mapping[int, tuple[Function, ...]]:
    """Each function of a module by the line that its code is said to begin on."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return {}
    found: dict[int, tuple[Function, ...]] = {}
    for node in ast.walk(tree):
        if isinstance(node, _FUNCTIONS):
            decorators = [] if isinstance(node, ast.Lambda) else node.decorator_list
            line = min([node.lineno, *(each.lineno for each in decorators)])
            found[line] = (*found.get(line, ()), node)
    return found


def _is_of(node: Function, code: CodeType) -> bool:
    name = "<lambda>" if isinstance(node, ast.Lambda) else node.name
    return name == code.co_name


def _holds(node: Function, places: Sequence[tuple[int, int]]) -> bool:
    body = node.body if isinstance(node, ast.Lambda) else node
    assert isinstance(body, ast.expr | ast.stmt)
    first, last = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    return all(first <= place <= last for place in places)


# -- reading a node ----------------------------------------------------------------------------------------------------


class _Walk:
    """One function and the helpers that it calls, in the order of the source."""

    def __init__(self, source: _Source, reading: Reading, on_the_way: tuple[Any, ...] = ()) -> None:
        self.source = source
        self.reading = reading
        self.on_the_way = (*on_the_way, source.function)

    def statements(self, *, looped: bool = False) -> None:
        body = self.source.tree.body
        for node in [body] if isinstance(body, ast.expr) else body:
            self.visit(node, None, looped=looped)

    def visit(self, node: ast.AST, name: str | None, *, looped: bool) -> None:
        """`name`: what the value is put into, where that is known."""
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda() | ast.ClassDef():
                pass  # runs when it is called
            case ast.Assign(targets=[ast.Name(id=target)], value=value):
                self.visit(value, target, looped=looped)
            case ast.AnnAssign(target=ast.Name(id=target), value=ast.expr() as value):
                self.visit(value, target, looped=looped)
            case ast.Dict(keys=keys, values=values):
                for key, value in zip(keys, values, strict=True):
                    text = key.value if isinstance(key, ast.Constant) and isinstance(key.value, str) else None
                    self.visit(value, text or name, looped=looped)
            case ast.Call():
                self.visit(node.func, None, looped=looped)
                for inner in node.args:
                    self.visit(inner, name if len(node.args) == 1 else None, looped=looped)
                for word in node.keywords:
                    self.visit(word.value, word.arg, looped=looped)
                self.call(node, name, looped=looped)
            case _:
                self.children(node, name, looped=looped)

    def children(self, node: ast.AST, name: str | None, *, looped: bool) -> None:
        inside = looped or isinstance(node, _LOOPS)
        handed = name if isinstance(node, _HANDING) else None
        for child in ast.iter_child_nodes(node):
            self.visit(child, handed, looped=inside)

    def call(self, node: ast.Call, name: str | None, *, looped: bool) -> None:
        called = _value(node.func, self.source)
        if called is interrupt:
            self.reading.asks.append(_question(node, name))
            self.reading.repeats = self.reading.repeats or looped
        elif called is Command:
            self.command(node)
        elif isinstance(node.func, ast.Name) and node.func.id in (local := _defined(self.source.tree)):
            inside = replace(self.source, tree=local[node.func.id])
            if inside.tree not in self.on_the_way:
                _Walk(inside, self.reading, (*self.on_the_way, inside.tree)).statements(looped=looped)
        elif called is not _UNKNOWN and len(self.on_the_way) < _DEEPEST and self.is_own(called):
            for source in _sources(called):
                if source.function not in self.on_the_way:
                    _Walk(source, self.reading, self.on_the_way).statements(looped=looped)

    def is_own(self, called: Any) -> bool:
        function = called.__func__ if inspect.ismethod(called) else called
        return inspect.isfunction(function) and package_of(function) == package_of(self.source.function)

    def command(self, node: ast.Call) -> None:
        words = {word.arg: word.value for word in node.keywords}
        if "goto" in words:
            self.reading.gone_to(_targets(words["goto"], self.source), parent="graph" in words)
        elif None in words:
            self.reading.gone_to(None)


def _question(node: ast.Call, name: str | None) -> str:
    """What a question is called: its own words where they stand in the source, else where the answer goes."""
    asked = node.args[0] if node.args else next((word.value for word in node.keywords), None)
    words = _words(asked)
    if words is None and isinstance(asked, ast.Dict):
        said = {
            key.value: _words(value)
            for key, value in zip(asked.keys, asked.values, strict=True)
            if isinstance(key, ast.Constant)
        }
        words = next((said[key] for key in _ASKED_UNDER if said.get(key)), None)
        words = words or next((each for each in said.values() if each), None)
    return (words or name or "interrupt")[:_LONGEST]


def _words(node: ast.expr | None) -> str | None:
    match node:
        case ast.Constant(value=str() as text):
            return " ".join(text.split()) or None
        case ast.JoinedStr():
            parts = [str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values]
            return " ".join("".join(parts).split()) or None
        case ast.BinOp(left=left, right=right):
            return _words(left) or _words(right)
        case _:
            return None


# -- names of nodes ----------------------------------------------------------------------------------------------------


def _returned(body: Sequence[ast.stmt]) -> Iterator[ast.expr]:
    for statement in body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        if isinstance(statement, ast.Return) and statement.value is not None:
            yield statement.value
        for _, value in ast.iter_fields(statement):
            if isinstance(value, list):
                yield from _returned([each for each in value if isinstance(each, ast.stmt)])
                for each in value:
                    if isinstance(each, ast.ExceptHandler | ast.match_case):
                        yield from _returned(each.body)


def _targets(node: ast.expr, source: _Source) -> list[str] | None:
    """The names of nodes that an expression may stand for; None where they only show when it is computed."""
    match node:
        case ast.IfExp(body=one, orelse=other):
            return _together([one, other], source)
        case ast.BoolOp(values=values):
            return _together(values, source)
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return _together(
                [each.value if isinstance(each, ast.Starred) else each for each in items], source
            )
        case ast.ListComp(elt=item):
            names = _targets(item, source)
            return None if names is None else [*names, END]  # there may be none
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return _together([left, right], source)
        case ast.Call(func=function) if _value(function, source) is Send:
            words = {word.arg: word.value for word in node.keywords}
            to = node.args[0] if node.args else words.get("node")
            return None if to is None else _targets(to, source)
    value = _value(node, source)
    return [value] if isinstance(value, str) else None


def _together(nodes: Sequence[ast.expr], source: _Source) -> list[str] | None:
    found: list[str] = []
    for node in nodes:
        names = _targets(node, source)
        if names is None:
            return None
        found += names
    return found


def _value(node: ast.expr, source: _Source) -> Any:
    """What a name stands for, as far as it can be told without running anything."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name) if name not in _assigned(source.tree):
            return source.names.get(name, _UNKNOWN)
        case ast.Subscript(value=inner):  # Command[Literal["a"]](...)
            return _value(inner, source) if _value(inner, source) is Command else _UNKNOWN
        case ast.Attribute(value=ast.Name(id="self"), attr=name) if source.bound is not None:
            found = inspect.getattr_static(source.bound, name, _UNKNOWN)
            return found.__get__(source.bound) if inspect.isfunction(found) else found
        case ast.Attribute(value=inner, attr=name):
            owner = _value(inner, source)
            if isinstance(owner, ModuleType):
                return getattr(owner, name, _UNKNOWN)
    return _UNKNOWN


@lru_cache(maxsize=256)
def _assigned(tree: Function) -> frozenset[str]:
    """Names that the function gives a value itself; parameters among them."""
    arguments = tree.args
    given = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = {each.arg for each in given}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return frozenset(names | _defined(tree).keys())


@lru_cache(maxsize=256)
def _defined(tree: Function) -> Mapping[str, Function]:
    """Functions that a function defines for itself."""
    return {
        node.name: node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node is not tree
    }
