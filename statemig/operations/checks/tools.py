"""Is there the tool that an operation names, and has it the arguments that are changed?

The arguments are judged by the JSON Schema that the snapshot before has of the tool, and what becomes of them by that of the version after.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from statemig.errors import SchemaError, StatemigError
from statemig.operations.asking import RenameTool
from statemig.operations.base import Operation
from statemig.operations.checks.suggest import meant, near
from statemig.operations.lowering import schema_after
from statemig.path import Path
from statemig.plan.nested import ROOT
from statemig.shapes import json_schema
from statemig.shapes.shape import Object, Property, Schema
from statemig.shapes.subshape import UNKNOWN_KEY, gaps
from statemig.workflow.snapshot import Snapshot


class Tools:
    """The tools at one point of a script, with what is known of their arguments. Of a workflow that declares none nothing is known."""

    def __init__(self, before: Snapshot, after: Snapshot | None, operations: Sequence[Operation]) -> None:
        self.now: dict[str, Schema | None] = {name: _arguments(tool) for name, tool in before.tools.items()}
        self.known = bool(self.now)
        self.then = None if after is None else {name: _arguments(tool) for name, tool in after.tools.items()}
        self._renamed = [each for each in operations if isinstance(each, RenameTool)]

    def problems(self, operation: Operation) -> Iterator[str]:
        """What is wrong with an operation on a tool; it is applied where nothing is."""
        if not isinstance(operation, RenameTool) or not self.known:
            return
        if operation.old not in self.now:
            hint = meant(operation.old, self.now, "tools")
            yield f"there is no tool {operation.old!r}" + ("" if hint is None else f". {hint}")
            return
        made = self.now[operation.old]
        if made is not None and operation.arguments:
            found: list[str] = []
            made = _applied(made, operation.arguments, found)
            yield from found
            if found:
                return
        last = not any(each.old == operation.to and each is not operation for each in self._renamed)
        if self.then and last:
            if operation.to not in self.then:
                hint = meant(operation.to, self.then, "tools")
                yield f"there is no tool {operation.to!r} in the version after" + (
                    "" if hint is None else f". {hint}"
                )
                return
            wanted = self.then[operation.to]
            if made is not None and wanted is not None and operation.arguments:
                for gap in gaps(made, wanted):
                    if gap.certain and gap.reason != UNKNOWN_KEY:  # which the tool may ignore
                        yield f"arguments: {gap.path.removeprefix(f'{ROOT}.')}: {gap.reason}"
        self.now[operation.to] = made
        if operation.to != operation.old:
            self.now.pop(operation.old, None)


def _arguments(tool: Mapping[str, Any]) -> Schema | None:
    schema = tool.get("arguments")
    if schema is None:
        return None
    try:
        read = json_schema.read(schema)
    except SchemaError:
        return None  # what shapes cannot say, nobody can judge
    return Schema(Object({ROOT: Property(read.root)}), read.definitions)


def _applied(schema: Schema, operations: Sequence[Operation], found: list[str]) -> Schema:
    """The schema of the arguments after all operations that are right; what is wrong with the others goes to `found`."""
    for operation in operations:
        try:
            schema = schema_after(schema, [operation])
        except StatemigError as error:
            at = error.path or ""
            other = near(schema, Path.parse(at)) if at else None
            where = at.removeprefix(f"{ROOT}.")
            hint = error.hint if other is None else f"Did you mean {str(other).removeprefix(f'{ROOT}.')}?"
            text = f"arguments: {operation.name} {where}: {error.message}"
            found.append(text if hint is None else f"{text}. {hint}")
    return schema


__all__ = ["Tools"]
