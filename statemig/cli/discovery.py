"""Find workflows in code without running it: `name = Workflow(...)` at the top level of a module, or the compiled graph of a runtime."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NOT_CODE: Final = frozenset(
    {"tests", "test", "migrations", "build", "dist", "node_modules", "site-packages", "__pycache__", "venv"}
)
_WORKFLOW: Final = "Workflow"
_GRAPH: Final = "StateGraph"
_COMPILE: Final = "compile"


@dataclass(frozen=True, slots=True)
class Found:
    """A workflow in the code: `reference` ("app.flows:triage") for the configuration, `name` where it is written out."""

    reference: str
    name: str | None


def find_workflows(root: Path) -> list[Found]:
    """Workflows defined below `root`, in the order of their modules. Files that are no Python are passed over."""
    found: list[Found] = []
    for base in (root, root / "src"):
        for file in sorted(_modules(base)):
            module = _module_name(file, base)
            found += [Found(f"{module}:{variable}", name) for variable, name in _assignments(file)]
    return found


def _modules(base: Path) -> Iterator[Path]:
    """Top-level modules, and every module of the packages: what `import` would find from here."""
    if not base.is_dir():
        return
    for entry in base.iterdir():
        if entry.name.startswith(".") or entry.name in _NOT_CODE:
            continue
        if entry.suffix == ".py" and entry.stem.isidentifier():
            yield entry
        elif (entry / "__init__.py").is_file():
            yield from _modules(entry)


def _module_name(file: Path, base: Path) -> str:
    parts = file.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _assignments(file: Path) -> Iterator[tuple[str, str | None]]:
    text = file.read_bytes()
    if _WORKFLOW.encode() not in text and _GRAPH.encode() not in text:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    known, has_graphs = _names_of_workflow(tree), _imports_graphs(tree)
    inside = _used_as_nodes(tree) if has_graphs else set()
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=variable)], value=ast.Call() as call):
                pass
            case ast.AnnAssign(target=ast.Name(id=variable), value=ast.Call() as call):
                pass
            case _:
                continue
        if ast.unparse(call.func) in known:
            yield variable, _written_name(call)
        elif has_graphs and variable not in inside and _compiles(call.func):
            yield variable, _text([word.value for word in call.keywords if word.arg == "name"])


def _compiles(function: ast.expr) -> bool:
    if not (isinstance(function, ast.Attribute) and function.attr == _COMPILE):
        return False
    return ast.unparse(function.value) != "re"


def _used_as_nodes(tree: ast.Module) -> set[str]:
    """Names of what is put into a graph as a node: it is captured with that graph."""
    return {
        each.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "add_node"
        for argument in node.args
        for each in ast.walk(argument)
        if isinstance(each, ast.Name)
    }


def _names_of_workflow(tree: ast.Module) -> set[str]:
    """What this module calls `statemig.Workflow`."""
    known: set[str] = set()
    for statement in tree.body:
        match statement:
            case ast.ImportFrom(module=str(module), names=names) if module.partition(".")[0] == "statemig":
                known |= {name.asname or name.name for name in names if name.name == _WORKFLOW}
            case ast.Import(names=names):
                for name in names:
                    if name.name == "statemig":
                        known.add(f"{name.asname or name.name}.{_WORKFLOW}")
            case _:
                continue
    return known


def _imports_graphs(tree: ast.Module) -> bool:
    """Whether the module builds graphs of LangGraph, so that what it compiles is one rather than a regular expression."""
    return any(
        isinstance(statement, ast.ImportFrom)
        and (statement.module or "").partition(".")[0] == "langgraph"
        and any(name.name == _GRAPH for name in statement.names)
        for statement in tree.body
    )


def _written_name(call: ast.Call) -> str | None:
    return _text([*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "name")])


def _text(candidates: Iterable[ast.expr]) -> str | None:
    for candidate in candidates:
        if isinstance(candidate, ast.Constant) and isinstance(candidate.value, str):
            return candidate.value
    return None
