"""Can the operations of a script be right? Asked of the versions before and after it, before any run is touched.

Each operation is applied to the schema before it, as the shape interpreter sees it. One that cannot be right is left out and the rest is
looked at all the same; what only fails because of that is not reported. What is not certain to be wrong is let through.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from statemig.errors import OperationError, StatemigError
from statemig.operations.base import Operation
from statemig.operations.checks import collisions, steps, values
from statemig.operations.checks.doubt import Doubt
from statemig.operations.checks.suggest import meant, named_types, near
from statemig.operations.checks.tools import Tools
from statemig.operations.fields import MoveField, RenameField
from statemig.operations.lowering import Lowered, schema_after
from statemig.operations.recording import Lost
from statemig.operations.steps import RenameStep
from statemig.operations.unions import RenameTag, RenameType, RenameVariant
from statemig.operations.values import Irreversible
from statemig.path import Path
from statemig.shapes.shape import Schema
from statemig.workflow.flow import Flow
from statemig.workflow.snapshot import Snapshot

_PATH_ONLY = "this path names nothing in the schema before the operation"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with operation number `number`. `message` says all of it but the place."""

    number: int
    message: str


def faults(
    operations: Sequence[Operation],
    before: Snapshot,
    after: Snapshot | None = None,
    *,
    lost: Sequence[Lost] = (),
    derived: bool = True,
) -> list[Fault]:
    """Everything that is wrong with operations that lead from one version to another; [] where nothing is known to be.

    `lost` are calls that were refused when they were recorded. `derived`: whether the way back is made of these operations, too.
    """
    walk = _Walk(operations, before, after)
    for number, operation in enumerate(operations):
        for each in lost:
            if each.place == number:
                walk.doubt.call(each.arguments)
        walk.visit(number, operation)
    if not walk.found and not lost:
        walk.found += _in_between(operations, before, derived)
    return walk.found


class _Walk:
    def __init__(self, operations: Sequence[Operation], before: Snapshot, after: Snapshot | None) -> None:
        self.operations = operations
        self.before = before
        self.after = after
        self.schema = before.stored
        self.steps = steps.Steps(before, after)
        self.tools = Tools(before, after, operations)
        self.doubt = Doubt()
        self.unfit = Doubt()
        self.done: list[Operation] = []
        self.found: list[Fault] = []
        self.chains: dict[str, str] = {}

    def visit(self, number: int, operation: Operation) -> None:
        names = list(steps.problems(operation, self.steps))
        places = list(collisions.problems(operation, self.schema, self._written))
        made = self.schema
        if not (names or places):
            try:
                made = schema_after(self.schema, [operation])
            except StatemigError as error:
                places.append(self._said(operation, error))
        # What only follows from something that was left out is not said.
        said = [text for name, text in names if name not in self.doubt.names]
        if not self.doubt.touches(operation):
            said += places
        if names or places:
            self.doubt.operation(operation, self.schema, self.steps.names)
        else:
            said += self._values(number, operation)
            said += self.tools.problems(operation)
            said += self._round(operation)
            self.schema = made
            self.steps.apply(operation)
            self.done.append(operation)
        self.found += [Fault(number, f"{subject(operation)}: {text}") for text in said]

    def _values(self, number: int, operation: Operation) -> Iterator[str]:
        """Values that do not fit. They are put into the schema all the same, so what is judged by it later may only follow from that."""
        found = list(values.problems(operation, self.schema, self.after, self.operations[number + 1 :]))
        doubtful = self.doubt.touches(operation) or self.unfit.touches(operation)
        yield from (each.text for each in found if each.certain or not doubtful)
        if any(each.spoils for each in found):
            self.unfit.operation(operation, self.schema, self.steps.names)

    def _written(self) -> Schema | None:
        """What the application itself writes, at this point: what may only be read is no collision. None where that is not known."""
        try:
            return schema_after(self.before.writes, self.done)
        except StatemigError:
            return None

    def _said(self, operation: Operation, error: StatemigError) -> str:
        hint = error.hint
        path = error.path
        where = "" if path is None or path in subject(operation) or path in error.message else f"{path}: "
        if isinstance(operation, RenameType) and operation.old in error.message:
            types = {*self.schema.definitions, *named_types(self.schema)}
            hint = None if operation.old in types else meant(operation.old, types, "types")
        if error.message == _PATH_ONLY and path is not None:
            other = near(self.schema, Path.parse(path))
            hint = hint if other is None else f"Did you mean {other}?"
        return f"{where}{sentence(error.message, hint)}"

    def _round(self, operation: Operation) -> Iterator[str]:
        """Renames, nothing but renames in between, that lead back to where they began."""
        match operation:
            case RenameField(path, to) | RenameTag(path, to):
                ends = str(path), str(path.with_last(to))
            case MoveField(path, target):
                ends = str(path), str(target)
            case RenameStep(old, to):
                ends = f"step {old}", f"step {to}"
            case RenameType(old, new):
                ends = f"type {old}", f"type {new}"
            case RenameVariant(path, old, new):
                ends = f"{path} {old!r}", f"{path} {new!r}"
            case _:
                self.chains.clear()
                return
        source, target_name = ends
        origin = self.chains.pop(source, source)
        if origin == target_name:
            yield sentence(
                f"this leads {origin} back to where it began, so the renames of it do nothing",
                "Remove them, or say where it is to end",
            )
        else:
            self.chains[target_name] = origin


def _in_between(operations: Sequence[Operation], before: Snapshot, derived: bool) -> list[Fault]:
    """What would only be found when a plan is built: in the middle of an operation, or on its way back."""
    flow = Flow(before.steps, before.start) if before.steps else None
    lowered = Lowered("", operations, lambda: before.stored, lambda: None, flow=lambda: flow)
    ways = [lowered.up]
    if derived and not any(isinstance(each, Irreversible) for each in operations):
        ways.append(lowered.down)
    for way in ways:
        running = ""
        try:
            for stage in way():
                running = stage.operation
                if stage.schema is not None:
                    stage.schema()
        except OperationError as error:
            place = (error.operation or running).partition(" ")[0]
            number = int(place) if place.isdigit() else 0
            return [Fault(number, f"{subject(operations[number])}: {sentence(error.message, error.hint)}")]
    return []


def subject(operation: Operation) -> str:
    """An operation and what it is about, for the beginning of a message: ``rename_field state.a``."""
    for name in ("path", "fields", "step", "steps", "old", "order"):
        value = getattr(operation, name, None)
        if isinstance(value, tuple) and value:
            return f"{operation.name} {', '.join(map(str, value))}"
        if isinstance(value, str | Path):
            return f"{operation.name} {value}"
    return operation.name


def sentence(message: str, hint: str | None) -> str:
    """A message with what to do about it."""
    return message if hint is None else f"{message.rstrip('.')}. {hint}"
