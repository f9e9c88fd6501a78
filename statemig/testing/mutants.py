"""Mutants of a revision's script: the mistakes that are made in migrations, each made once, in the text of the script.

They are read off the syntax tree of ``upgrade(op)`` and written by replacing pieces of the text, so that what is shown as a difference
is what somebody could have typed.
"""

from __future__ import annotations

import ast
import difflib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from statemig.operations.base import literal
from statemig.shapes.shape import Enum, ListOf, MapOf, Object, Ref, Schema, Shape, TupleOf, Union
from statemig.testing.mutant_text import Call, Script, is_renaming, path_argument
from statemig.workflow.snapshot import Snapshot

_DEFAULTS: Final = (
    "default",
    "fill",
    "empty",
    "materialise",
    "restore",
    "output",
    "otherwise",
    "passed",
    "rest",
)
_TABLES: Final = {"map_values": "mapping", "rename_keys": "mapping"}
_TARGETS: Final = ("forward", "back")
_MOST_PLACES: Final = 4

_FORGET: Final = """def forget_waiting(document):
    cursor = [each for each in document.get("cursor", []) if each.get("status") != "waiting"]
    return {**document, "cursor": cursor} if "cursor" in document else document


def as_it_is(document):
    return document


"""


@dataclass(frozen=True, slots=True)
class Mutant:
    """A script with one mistake in it. `kind` names the mistake, `line` is where it was made, in the script as it is."""

    kind: str
    line: int
    what: str
    source: str

    def diff(self, original: str, name: str) -> str:
        """The change, as a unified difference of the scripts."""
        before, after = original.splitlines(keepends=True), self.source.splitlines(keepends=True)
        return "".join(difflib.unified_diff(before, after, name, "the mutant", n=1))


def mutants(source: str, below: Snapshot | None, own: Snapshot | None) -> list[Mutant]:
    """All mutants of a script, in the order of its lines, no two the same. `below` and `own` are the snapshots before and after it: from
    them come other values of an enum, other steps, and the places of a definition. Arguments that are not written out (a variable, a call)
    are left alone. Raises `SyntaxError` where the text is no Python."""
    script = Script(source)
    if script.function is None:
        return []
    made = itertools.chain(
        _dropped(script),
        _swapped_targets(script),
        _tables(script),
        _defaults(script, own),
        _first_items(script),
        _recursion(script, below),
        _order(script),
        _policies(script, own),
        _waiting(script, below),
    )
    found: dict[str, Mutant] = {}
    for each in made:
        if each.source != source:
            found.setdefault(each.source, each)
    return sorted(found.values(), key=lambda each: each.line)


def _dropped(script: Script) -> Iterator[Mutant]:
    for call in script.calls:
        yield Mutant("operation dropped", call.line, f"op.{call.name} is left out", script.without(call))


def _swapped_targets(script: Script) -> Iterator[Mutant]:
    renamings = [call for call in script.calls if is_renaming(call)]
    for left, right in itertools.combinations(renamings, 2):
        one, other = left.arguments["to"], right.arguments["to"]
        if left.name != right.name or (left.name == "rename_field" and _parent(left) != _parent(right)):
            continue
        text = script.replaced([(one, script.text(other)), (other, script.text(one))])
        yield Mutant("targets swapped", left.line, "two renames have each other's target", text)


def _parent(call: Call) -> str:
    return (path_argument(call) or "").rpartition(".")[0]


def _tables(script: Script) -> Iterator[Mutant]:
    for call in script.calls:
        table = call.arguments.get(_TABLES.get(call.name, ""))
        if not isinstance(table, ast.Dict):
            continue
        entries = [
            (key, value) for key, value in zip(table.keys, table.values, strict=True) if key is not None
        ]
        for number, (key, _) in enumerate(entries):
            kept = [each for place, each in enumerate(entries) if place != number]
            shown = ", ".join(f"{script.text(left)}: {script.text(right)}" for left, right in kept)
            text = script.replaced([(table, "{" + shown + "}")])
            yield Mutant(
                "entry of a table dropped", key.lineno, f"{script.text(key)} is not in the table", text
            )
        for (_, one), (_, other) in itertools.pairwise(entries):
            text = script.replaced([(one, script.text(other)), (other, script.text(one))])
            yield Mutant("entries of a table swapped", one.lineno, "two values become each other's", text)


def _defaults(script: Script, own: Snapshot | None) -> Iterator[Mutant]:
    for call in script.calls:
        for name in _DEFAULTS:
            if name not in call.arguments or (name == "output" and call.name != "remove_step"):
                continue
            for constant, value in _constants(call.arguments[name]):
                if (name, value) in (("otherwise", "error"), ("passed", "skip")):
                    continue
                other = _other(value, own)
                if other is not None:
                    text = script.replaced([(constant, literal(other))])
                    yield Mutant(
                        "default changed", constant.lineno, f"{name} of op.{call.name} is another", text
                    )
                    break


def _constants(node: ast.AST) -> Iterator[tuple[ast.Constant, Any]]:
    """The values in an argument, not its keys."""
    match node:
        case ast.Constant(value=value):
            yield node, value
        case ast.Dict(values=inner) | ast.List(elts=inner) | ast.Call(args=inner):
            for each in inner:
                yield from _constants(each)


def _other(value: Any, own: Snapshot | None) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return next(_siblings(value, own), f"{value}x")
        case _:
            return None


def _siblings(value: str, own: Snapshot | None) -> Iterator[str]:
    """Other members of the enums that a value is of."""
    if own is not None:
        for shape in _all_shapes(own.reads):
            if isinstance(shape, Enum) and value in shape.values:
                yield from (each for each in shape.values if isinstance(each, str) and each != value)


def _first_items(script: Script) -> Iterator[Mutant]:
    for call in script.calls:
        places = [
            (node, path.replace("[]", "[0]", 1))
            for argument in call.arguments.values()
            for node, path in _constants(argument)
            if isinstance(path, str) and "[]" in path and path.startswith(("state", "outputs", "<"))
        ]
        if places:
            text = script.replaced([(node, literal(path)) for node, path in places])
            yield Mutant(
                "only the first item", call.line, f"op.{call.name} is for the first item of the list", text
            )


def _recursion(script: Script, below: Snapshot | None) -> Iterator[Mutant]:
    if below is None:
        return
    for call in script.calls:
        path, node = path_argument(call), call.arguments.get("path")
        if path is None or node is None or not path.startswith("<"):
            continue
        name, _, rest = path[1:].partition(">")
        places = list(itertools.islice(_places(below.stored, name), _MOST_PLACES))
        if places:
            written = [script.text(call.statement, [(node, literal(place + rest))]) for place in places]
            text = script.with_statements(call, written)
            yield Mutant(
                "recursion skipped", call.line, f"{name} is changed where it begins, not inside itself", text
            )


def _places(schema: Schema, name: str) -> Iterator[str]:
    """Where a definition begins: paths that do not lead through itself."""

    def visit(shape: Shape, path: str, on: frozenset[str]) -> Iterator[str]:
        if isinstance(shape, Ref):
            if shape.name in on:
                return
            inside = schema.definitions[shape.name]
            if shape.name == name or (isinstance(inside, Object) and inside.name == name):
                yield path
                return
            yield from visit(inside, path, on | {shape.name})
            return
        match shape:
            case Object(properties=properties):
                for key, each in properties.items():
                    yield from visit(each.shape, f"{path}.{key}" if path else key, on)
            case ListOf(items=items):
                yield from visit(items, f"{path}[]", on)
            case MapOf(values=values):
                yield from visit(values, f"{path}{{}}", on)
            case TupleOf(slots=slots):
                for number, slot in enumerate(slots):
                    yield from visit(slot, f"{path}[{number}]", on)
            case Union(members=members):
                for member in members:
                    yield from visit(member, path, on)

    yield from dict.fromkeys(visit(schema.root, "", frozenset()))


def _all_shapes(schema: Schema) -> Iterator[Shape]:
    todo: list[Shape] = [schema.root, *schema.definitions.values()]
    while todo:
        shape = todo.pop()
        yield shape
        match shape:
            case Object(properties=properties):
                todo += [each.shape for each in properties.values()]
            case ListOf(items=inner) | MapOf(values=inner):
                todo.append(inner)
            case TupleOf(slots=several) | Union(members=several):
                todo += several


def _order(script: Script) -> Iterator[Mutant]:
    for left, right in itertools.pairwise(script.calls):
        if left.body is right.body:
            text = script.replaced(
                [
                    (left.statement, script.text(right.statement)),
                    (right.statement, script.text(left.statement)),
                ]
            )
            yield Mutant("order swapped", left.line, f"op.{right.name} comes before op.{left.name}", text)


def _policies(script: Script, own: Snapshot | None) -> Iterator[Mutant]:
    steps = [] if own is None else [name for name, info in own.steps.items() if not info.removed]
    for call in script.calls:
        for argument in ("cursor", "down"):
            node = call.arguments.get(argument)
            target = _target(node)
            if target is None:
                continue
            others = steps
            into = call.arguments.get("into")
            if call.name == "split_step" and isinstance(into, ast.List | ast.Tuple):
                others = [
                    value for each in into.elts for _, value in _constants(each) if isinstance(value, str)
                ]
            for step in others:
                if step != target.value and step != _constant(call.arguments.get("step")):
                    text = script.replaced([(target, literal(step))])
                    yield Mutant(
                        "wrong target", target.lineno, f"a run that stands there is sent to {step}", text
                    )


def _target(node: ast.AST | None) -> ast.Constant | None:
    """The step that a policy names: ``op.forward("send")``, or the name alone."""
    match node:
        case ast.Call(func=ast.Attribute(attr=kind), args=[ast.Constant() as target]) if kind in _TARGETS:
            return target
        case ast.Constant(value=str()):
            return node
        case _:
            return None


def _constant(node: ast.AST | None) -> Any:
    return node.value if isinstance(node, ast.Constant) else None


def _waiting(script: Script, below: Snapshot | None) -> Iterator[Mutant]:
    if below is None or all(info.kind == "auto" for info in below.steps.values()):
        return
    assert script.function is not None
    text = script.with_last(f"{script.op}.transform(forget_waiting, as_it_is)", before=_FORGET)
    yield Mutant(
        "waiting position dropped", script.function.lineno, "who waits for a person is forgotten", text
    )
