"""From the operations of one revision to the stages that an interpreter runs, in either direction.

Operation number i of revision r keeps its notes under ``r/i`` (``r/i.k`` where it lowers to several instructions); the inverse uses
the same label, so that each direction finds what the other kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from statemig.errors import OperationError, StatemigError
from statemig.operations.base import Operation
from statemig.operations.fields import AddField, MoveField
from statemig.operations.groups import CopyField
from statemig.path import Definition, Key, Path, Variant, render
from statemig.plan import effects
from statemig.plan.cursor import Passed
from statemig.plan.instructions import Apply, Instruction, Move, OpenStep
from statemig.plan.stepwise import Stage
from statemig.plan.values import members
from statemig.shapes.shape import Anything, MapOf, Object, Schema, Shape
from statemig.workflow.flow import Flow

SchemaOf = Callable[[], Schema | None]
FlowOf = Callable[[], Flow | None]
PassedOf = Callable[[], Passed | None]


def schema_after(schema: Schema, operations: Sequence[Operation]) -> Schema:
    """What the operations make of the schema of run documents. Raises `OperationError` naming operation and path."""
    for number, operation in enumerate(operations):
        schema = _after(schema, operation, number)
    return schema


class Lowered:
    """The stages of one revision. `schema` and `passed` know the version before, where it has a snapshot; they are only asked for when
    an operation needs them. `way` keeps the notes of a written-out downgrade apart."""

    def __init__(
        self,
        revision: str,
        operations: Sequence[Operation],
        schema: SchemaOf,
        passed: PassedOf,
        way: str = "",
        flow: FlowOf | None = None,
    ) -> None:
        self.revision = revision
        self._prefix = f"{revision}/{way}"
        self._given = operations
        self._schema = schema
        self._passed = passed
        self._flow = flow
        self._schemas: list[Schema] | None = None

    def up(self) -> tuple[Stage, ...]:
        """Old version to new."""
        return tuple(
            stage
            for number, operation in enumerate(self._operations())
            for stage in self._stages(operation, number, number, reverse=False)
        )

    def down(self) -> tuple[Stage, ...]:
        """New version to old: the inverses, in reverse."""
        return tuple(
            stage
            for number, operation in reversed(list(enumerate(self._operations())))
            for stage in self._stages(operation.inverse(), number, number + 1, reverse=True)
        )

    def _stages(self, operation: Operation, number: int, before: int, *, reverse: bool) -> list[Stage]:
        instructions = operation.lower()
        last = len(instructions) - 1
        stages = []
        for place, instruction in enumerate(instructions):
            part = "" if last == 0 else f".{last - place if reverse else place}"
            needs_schema = operation.needs_schema
            moves = isinstance(instruction, Move) or (
                isinstance(instruction, Apply) and instruction.function.structural
            )
            if needs_schema and moves:
                self._refuse_recursion(operation, number, before)
            stages.append(
                Stage(
                    instruction=instruction,
                    revision=self.revision,
                    operation=f"{number} {operation.name}",
                    label=f"{self._prefix}{number}{part}",
                    schema=partial(self._schema_within, before, instructions[:place])
                    if needs_schema
                    else None,
                    passed=self._passed if isinstance(instruction, OpenStep) else None,
                )
            )
        return stages

    def _operations(self) -> Sequence[Operation]:
        operations = self._settled()
        if not any(operation.is_open for operation in operations):
            return operations
        if self._schema() is None:
            return operations
        return [operation.bind(self._schema_at(number)) for number, operation in enumerate(operations)]

    def _settled(self) -> Sequence[Operation]:
        """The operations with what they leave open of the flow, as it is after those before them."""
        if self._flow is None or not any(operation.needs_flow for operation in self._given):
            return self._given
        flow = self._flow()
        if flow is None:
            return self._given
        settled: list[Operation] = []
        for operation in self._given:
            settled.append(operation.settle(flow))
            flow = settled[-1].flow_after(flow)
        return settled

    def _schema_at(self, number: int) -> Schema:
        """The schema before operation `number` (after all of them, for the number behind the last)."""
        if self._schemas is None:
            first = self._schema()
            if first is None:
                raise OperationError(
                    "this operation needs the schema of the version before, and there is no snapshot of it",
                    revision=self.revision,
                    hint="Give the revision before it a snapshot, or write the path out",
                )
            schemas = [first]
            for place, operation in enumerate(self._given):
                try:
                    schemas.append(_after(schemas[-1], operation, place))
                except StatemigError as error:
                    raise error.locate(revision=self.revision) from None
            self._schemas = schemas
        return self._schemas[number]

    def _schema_within(self, number: int, done: Sequence[Instruction]) -> Schema:
        """The schema in the middle of operation `number`, some of whose instructions are done."""
        return effects.apply(self._schema_at(number), done)

    def _refuse_recursion(self, operation: Operation, number: int, before: int) -> None:
        from statemig.plan.walk import Occurrences

        schema = self._schema_at(before)
        for path in operation.paths:
            first = path.segments[0] if path.segments else None
            if not isinstance(first, Definition):
                continue
            inside: list[Shape] = []
            search = Occurrences(schema, first.name)
            with suppress(
                OperationError
            ):  # not there: the way back of an operation that no document gets through
                inside = effects.shapes_at(schema, path)
            if any(map(search.reaches, inside)):
                raise OperationError(
                    f"values there hold more of {Path((first,))}, and this operation would move them",
                    revision=self.revision,
                    operation=f"{number} {operation.name}",
                    path=str(path),
                    hint="Write a transform for the recursive part",
                )


def _after(schema: Schema, operation: Operation, number: int) -> Schema:
    try:
        for path in operation.paths:
            _refuse_tag(path)
            _refuse_nesting(schema, path)
        _refuse_no_object(schema, operation)
        return effects.apply(schema, operation.bind(schema).lower())
    except StatemigError as error:
        raise error.locate(operation=f"{number} {operation.name}") from None


def _refuse_tag(path: Path) -> None:
    """A variant is found by its tag in both directions, so what goes by the tag cannot change it."""
    for number, segment in enumerate(path.segments):
        if not isinstance(segment, Variant):
            continue
        rest = path.segments[number + 1 :]
        if rest and rest == tuple(map(Key, segment.tag))[: len(rest)]:
            raise OperationError(
                f"this changes the tag {render((segment,))} that the path goes by, so the way back would not find it",
                path=str(path),
                hint="Change the tag of all variants at once: the path without <...>",
            )


def _refuse_no_object(schema: Schema, operation: Operation) -> None:
    """Nothing can be put into a value that is never an object."""
    match operation:
        case AddField(path):
            holders = [path.parent]
        case MoveField(source, target):
            holders = _holders(source, target)
        case CopyField(source, target, reverse=False):
            holders = _holders(source, target)
        case _:
            return
    for holder in holders:
        try:
            found = [
                member for shape in effects.shapes_at(schema, holder) for member in members(shape, schema)
            ]
        except OperationError:
            continue  # not there: it is made, or the operation says so
        if found and not any(isinstance(each, Object | MapOf | Anything) for each in found):
            raise OperationError(
                f"nothing can be put into {holder}, which is never an object",
                path=str(holder),
                hint="Choose another place, or make an object of it first",
            )


def _holders(source: Path, target: Path) -> list[Path]:
    """The objects on the way to a target, from the object that both places lie in."""
    common = 0
    while source.segments[common : common + 1] == target.segments[common : common + 1] != ():
        common += 1
    return [Path(target.segments[:end]) for end in range(common + 1, len(target.segments))]


def _refuse_nesting(schema: Schema, path: Path) -> None:
    """`<Node>` already is every occurrence; a path on from there that meets another one would visit it twice."""
    first = path.segments[0] if path.segments else None
    if not isinstance(first, Definition):
        return
    for end in range(2, len(path.segments)):
        try:
            found = effects.shapes_at(schema, Path(path.segments[:end]))
        except OperationError:
            return  # not there yet: the end of a move
        for shape in found:
            for member in members(shape, schema):
                if isinstance(member, Object) and member.name == first.name:
                    shorter = Path((first, *path.segments[end:]))
                    raise OperationError(
                        f"{Path(path.segments[:end])} is another {Path((first,))}, which {Path((first,))} names already",
                        path=str(path),
                        hint=f"Say {shorter}",
                    )
