"""Find workflows in code without running it: `name = Workflow(...)` at the top level of a module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_NOT_CODE: Final = frozenset(
    {"tests", "test", "migrations", "build", "dist", "node_modules", "site-packages", "__pycache__", "venv"}
)
_WORKFLOW: Final = "Workflow"


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
    if _WORKFLOW.encode() not in text:
        return
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        return
    known = _names_of_workflow(tree)
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


def _written_name(call: ast.Call) -> str | None:
    candidates = [*call.args[:1], *(keyword.value for keyword in call.keywords if keyword.arg == "name")]
    for candidate in candidates:
        if isinstance(candidate, ast.Constant) and isinstance(candidate.value, str):
            return candidate.value
    return None
