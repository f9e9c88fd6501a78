"""A script, run as far as its functions are defined."""

from __future__ import annotations

import ast
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from statemig.errors import RevisionError
from statemig.revisions.revision import Revision
from statemig.revisions.script import Header

if TYPE_CHECKING:
    from statemig.workflow.snapshot import Snapshot


def run_script(tree: ast.Module, path: Path, header: Header, snapshot: Snapshot | None) -> Revision:
    """The revision that a parsed script is. Raises `RevisionError` for one that cannot be run, or has no `upgrade`."""
    namespace = _namespace(tree, path, header)
    functions: dict[str, Any] = {}
    for name in ("upgrade", "downgrade"):
        function = namespace.get(name)
        if not (callable(function) or (function is None and name == "downgrade")):
            raise RevisionError(
                f"{path} has no function upgrade(op)",
                workflow=header.workflow,
                revision=header.revision,
                hint="Write one; `pass` is enough where nothing changes.",
            )
        functions[name] = function
    return Revision(
        header.revision,
        header.down_revision,
        snapshot=snapshot,
        workflow=header.workflow,
        version=header.version,
        message=header.message,
        file=str(path),
        **functions,
    )


def _namespace(tree: ast.Module, path: Path, header: Header) -> dict[str, Any]:
    # Compiled from the text that was just checked, and not imported: Python's own cache of compiled files
    # compares times in whole seconds, and would bring back the script as it was before an edit.
    from statemig.operations.functions import SOURCE, Source

    module = ModuleType(f"statemig_revision_{header.revision}")
    module.__file__ = str(path)
    module.__dict__[SOURCE] = Source(header.revision, tree)
    try:
        exec(compile(tree, str(path), "exec"), module.__dict__)
    except Exception as error:
        raise RevisionError(
            f"{path} cannot be run: {type(error).__name__}: {error}",
            workflow=header.workflow,
            revision=header.revision,
        ) from error
    return module.__dict__
