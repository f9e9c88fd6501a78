"""Which documents of a schema an instruction would refuse.

The shape interpreter says what becomes of the documents that get through; this says whether all of them do. Sound in one direction: an
instruction that is not listed here refuses no document of the schema. One that is listed may still be all right; a witness decides.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from statemig.errors import OperationError
from statemig.operations.base import Operation
from statemig.operations.lowering import schema_after
from statemig.path import Key, Path, Variant
from statemig.plan import effects
from statemig.plan.instructions import (
    Apply,
    CloseStep,
    Divide,
    Drop,
    Fill,
    Instruction,
    MapCalls,
    MapQuestions,
    Mint,
    Move,
    OpenStep,
    Put,
    Refuse,
    Reinstate,
    Rejoin,
    Relabel,
    Rename,
    Reorder,
    Retype,
    Unfill,
    Unite,
    Withdraw,
)
from statemig.plan.key_values import OnKeys, property_at
from statemig.plan.values import members
from statemig.proof.refused_values import refused_by
from statemig.shapes.shape import Anything, MapOf, Object, Schema, Shape

OUTPUTS = Path.of("outputs")
STATE = Path.of("state")


@dataclass(frozen=True, slots=True)
class Refusal:
    """At `path` the operation (``"2 map_values"``) may refuse a document. The reason holds no value of a state."""

    path: str
    reason: str
    operation: str


def bound(schema: Schema, operations: Sequence[Operation]) -> list[tuple[str, Operation]]:
    """The operations of a way up by name, each with what it leaves open filled in from the schema that it meets. Raises
    `OperationError` where a path names nothing in the schema."""
    found = []
    for number, operation in enumerate(operations):
        found.append((f"{number} {operation.name}", operation.bind(schema)))
        try:
            schema = schema_after(schema, [operation])
        except OperationError as error:
            error.operation = found[-1][0]
            raise
    return found


def run(schema: Schema, operations: Sequence[tuple[str, Operation]]) -> tuple[Schema, list[Refusal]]:
    """The schema after bound operations, and what they may refuse on the way. Raises `OperationError` where a path names nothing."""
    found: list[Refusal] = []
    for name, operation in operations:
        try:
            for instruction in operation.lower():
                found += (Refusal(path, why, name) for path, why in refusals(schema, instruction))
                schema = effects.apply(schema, [instruction])
        except OperationError as error:
            error.locate(operation=name)
            raise
    return schema, list(dict.fromkeys(found))


def refusals(schema: Schema, instruction: Instruction) -> Iterator[tuple[str, str]]:
    """Pairs of a path in the schema before the instruction, and why."""
    match instruction:
        case Put(parent) | Fill(parent) | Mint(parent) | Drop(parent) | Unfill(parent):
            yield from _seen_into(schema, parent)
        case Rename(parent, old, new):
            for shape in _shapes(schema, parent):
                if _may_have(shape, old) and _may_have(shape, new):
                    yield str(parent / old), f"{new!r} may be there already, so it cannot become that"
            yield from _seen_into(schema, parent)
        case Move(base, source, target):
            yield from _moved(schema, base, source, target)
        case Apply(path, function):
            for shape in effects.shapes_at(schema, path):
                for member in members(shape, schema):
                    why = refused_by(function, member, schema)
                    if why is not None:
                        yield str(path), why
            yield from _tag_changes(instruction)
            yield from _seen_into(schema, path)
        case Refuse(why):
            yield "", f"there is no way: {why}"
        case Relabel(old, new):
            if any(_may_have(shape, old) and _may_have(shape, new) for shape in _outputs(schema)):
                yield str(OUTPUTS / old), f"outputs of a step {new!r} may be there already"
        case Divide(step, into):
            for shape in _outputs(schema):
                if any(part != step and _may_have(shape, part) for part in into):
                    yield str(OUTPUTS / step), "outputs of a step it becomes may be there already"
        case Unite():
            yield from _united(schema, instruction)
        case MapQuestions(step, payload, answer):
            if payload or answer:
                yield "cursor", f"what people were shown and answered at {step!r} is in no snapshot"
        case MapCalls(old, arguments=arguments):
            if arguments:
                yield (
                    "",
                    f"outstanding calls of {old!r} are found by form, so their arguments are in no snapshot",
                )
        case Retype() | CloseStep() | OpenStep() | Reorder() | Rejoin() | Withdraw() | Reinstate():
            return  # where runs stand is not the business of shapes: see `statemig.proof.cursor`
        case _:
            # An instruction without a rule may refuse anything.
            yield "", f"nobody has said which documents a {type(instruction).__name__} refuses"


def in_pending(instruction: Instruction) -> str | None:
    """Why an instruction may refuse what branches have written and no join has taken up yet, which holds only some keys of the state."""
    match instruction:
        case Move(base, source, target) if base == STATE and len(source) + len(target) > 2:
            return "a write that no join has taken up yet may hold only a part of what is moved"
        case Apply(path, OnKeys()) if path == STATE:
            return "a write that no join has taken up yet may hold only some of these fields"
        case _:
            return None


def _shapes(schema: Schema, path: Path) -> Iterator[Shape]:
    for shape in effects.shapes_at(schema, path):
        yield from members(shape, schema)


def _outputs(schema: Schema) -> Iterator[Shape]:
    try:
        yield from _shapes(schema, OUTPUTS)
    except OperationError:
        return


def _may_have(shape: Shape, key: str) -> bool:
    return property_at(shape, key) is not None


def _must_be_absent(shape: Shape, key: str) -> bool:
    return isinstance(shape, Object) and not _may_have(shape, key)


def _seen_into(schema: Schema, path: Path) -> Iterator[tuple[str, str]]:
    """An operation inside a third-party type, whose inside no shape says."""
    for shape in _shapes(schema, path):
        if isinstance(shape, Anything) and shape.opaque is not None:
            yield str(path), f"is inside a {shape.opaque}, which no snapshot describes"


def _moved(
    schema: Schema, base: Path, source: tuple[str, ...], target: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    place = Path((*base.segments, *map(Key, target)))
    if _touches_tag(base, source[0]) or _touches_tag(base, target[0]):
        yield str(base), "the tag that the path goes by may change"
    for shape in _shapes(schema, base):
        if isinstance(shape, Object | MapOf | Anything) and not _has_room(shape, source, target, schema):
            yield str(place), "may be there already, or what it would lie in may be no object"
    yield from _seen_into(schema, Path((*base.segments, *map(Key, source[:-1]))))


def _has_room(shape: Shape, source: tuple[str, ...], target: tuple[str, ...], schema: Schema) -> bool:
    if not isinstance(shape, Object):
        return False
    key, rest = target[0], target[1:]
    if source == (key,) and isinstance(shape.extra, str):
        return True  # it is taken before it is put
    there = shape.properties.get(key)
    if there is None:
        return isinstance(shape.extra, str)
    if not rest:
        return False
    below = source[1:] if source[:1] == (key,) else ("",)
    return all(_has_room(member, below or ("",), rest, schema) for member in members(there.shape, schema))


def _united(schema: Schema, unite: Unite) -> Iterator[tuple[str, str]]:
    for shape in _outputs(schema):
        there = [step for step in unite.steps if _may_have(shape, step)]
        if unite.into not in unite.steps and _may_have(shape, unite.into):
            yield str(OUTPUTS / unite.into), "may be there already"
        if unite.merge is not None:
            yield str(OUTPUTS / unite.into), "a function of the script makes it, which may fail"
        elif len(there) > 1:
            yield str(OUTPUTS / there[0]), f"may differ from the output of {there[1]!r}, and both become one"


def _tag_changes(apply: Apply) -> Iterator[tuple[str, str]]:
    """What a path with a variant goes by has to stay as it is."""
    numbers = [n for n, segment in enumerate(apply.path.segments) if isinstance(segment, Variant)]
    for number in numbers:
        tag = apply.path.segments[number]
        rest = apply.path.segments[number + 1 :]
        assert isinstance(tag, Variant)
        if rest and rest[0] != Key(tag.tag[0]):
            continue
        safe = not rest and isinstance(apply.function, OnKeys) and tag.tag[0] not in apply.function.keys
        if not safe:
            yield str(apply.path), "the tag that the path goes by may change"


def _touches_tag(path: Path, key: str) -> bool:
    last = path.segments[-1] if path.segments else None
    return isinstance(last, Variant) and last.tag[0] == key


__all__ = ["Refusal", "bound", "in_pending", "refusals", "run"]
