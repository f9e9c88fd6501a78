"""Do the values fit that an operation writes, and does it say what becomes of every value that there may be?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from statemig.errors import OperationError
from statemig.operations.base import Backfill, Operation, Value
from statemig.operations.bounds import Constrain, Relax, SetDefault
from statemig.operations.checks.doubt import related
from statemig.operations.containers import TupleAdd, TupleRemove
from statemig.operations.fields import (
    AddField,
    MakeOptional,
    MakeRequired,
    MoveField,
    RemoveField,
    RenameField,
)
from statemig.operations.steps import AddStep, RemoveStep, RenameStep
from statemig.operations.unions import RemoveVariant, RenameTag, RenameType, TagUnion
from statemig.operations.values import (
    DropNull,
    MakeNullable,
    MapValues,
    Transform,
    UnwrapValue,
    WrapValue,
)
from statemig.path import Definition, Key, Path, Variant
from statemig.plan.effects import shapes_at
from statemig.plan.values import kind, may_hold, members
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    Missing,
    Null,
    Number,
    Object,
    Schema,
    Shape,
    String,
    TupleOf,
    union_of,
)
from statemig.shapes.subshape_scalars import described
from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class _Written:
    """A value that an operation writes at `path`: on the way up, or on the way back."""

    argument: str
    value: Any
    path: Path
    way: Literal["up", "back"]


@dataclass(frozen=True, slots=True)
class Unfit:
    """What is wrong. `certain`: judged by the version after, and not by what operations before this one have made. `spoils`: a wrong value
    is in the schema from here on."""

    text: str
    certain: bool = False
    spoils: bool = False


def problems(
    operation: Operation, schema: Schema, after: Snapshot | None, later: Sequence[Operation]
) -> Iterator[Unfit]:
    """Values that do not fit, and tables that leave something out. `schema` is the one before the operation, `later` are those that follow
    it, `after` is the version that all of them lead to."""
    yield from map(Unfit, _not_total(operation, schema))
    misplaced = list(_not_for(operation, schema))
    yield from map(Unfit, misplaced)
    if misplaced:
        return
    for each in _written(operation, schema):
        if isinstance(each.value, Missing):
            continue
        if each.way == "back":
            expected, there = _shapes(schema, each.path), schema
        elif after is not None:
            final = _followed(each.path, later)
            there = after.accepts
            expected = [] if final is None else _shapes(there, final)
        else:
            if any(_touches(each.path, one) for one in later):
                continue
            expected, there = _at_point(operation, each.path, schema), schema
        if expected and not any(accepts(shape, each.value, there) for shape in expected):
            yield Unfit(_unfit(each, expected, there), certain=there is not schema, spoils=each.way == "up")


def _unfit(each: _Written, expected: list[Shape], schema: Schema) -> str:
    alternatives = list(dict.fromkeys(described(m) for shape in expected for m in members(shape, schema)))
    wanted = (
        alternatives[0] if len(alternatives) == 1 else f"{', '.join(alternatives[:-1])} or {alternatives[-1]}"
    )
    what = kind(each.value)
    it = what if what == "null" else f"an {what}" if what[0] in "aeio" else f"a {what}"
    where = "in the version before" if each.way == "back" else "there"
    does_not = f"{each.argument} does not fit: it is {it}"
    if what in ("object", "list") and any(text.startswith(it) for text in alternatives):
        return f"{does_not}, but not one that is expected {where}"
    if any(may_hold(m, each.value) for shape in expected for m in members(shape, schema)):
        return f"{does_not} outside of the bounds {where}"
    return f"{does_not}, and {wanted} is expected {where}"


def _written(operation: Operation, schema: Schema) -> Iterator[_Written]:
    match operation:
        case AddField(path, default):
            yield _Written("default", default, path, "up")
        case RemoveField(path, restore):
            yield _Written("restore", restore, path, "back")
        case MakeRequired(path, fill) | DropNull(path, fill):
            yield _Written("fill", fill, path, "up")
        case MakeOptional(path, fill) | MakeNullable(path, fill):
            yield _Written("fill", fill, path, "back")
        case WrapValue(path, empty):
            yield _Written("empty", empty, path, "back")
        case UnwrapValue(path, default) | TupleAdd(path, default):
            yield _Written("default", default, path, "up")
        case TupleRemove(path, restore):
            yield _Written("restore", restore, path, "back")
        case SetDefault(path, value, materialise):
            yield _Written("value", value, path, "up")
            yield _Written("materialise", materialise, path, "back")
        case Constrain(path, clamp):
            for end in clamp or ():
                if end is not None:
                    yield _Written("clamp", end, path, "back" if isinstance(operation, Relax) else "up")
        case RemoveVariant(path, _, Value(value)):
            yield _Written("to", value, path.parent, "up")
        case MapValues(path, mapping, otherwise) if not operation.reverse:
            inside = [member for shape in _shapes(schema, path) for member in members(shape, schema)]
            for old, new in mapping:
                if any(may_hold(member, old) for member in inside):
                    yield _Written(f"what {old!r} becomes", new, path, "up")
            if isinstance(otherwise, Value) and not _names_all(mapping, inside):
                yield _Written("otherwise", otherwise.value, path, "up")
        case RemoveStep(output=output):
            for path, value in output or ():
                yield _Written(f"output for {path}", value, path, "up")
        case AddStep(step, _, Backfill(value)):
            yield _Written("backfill", value, Path.of("outputs", step), "up")


def _at_point(operation: Operation, path: Path, schema: Schema) -> list[Shape]:
    """What the type is where no version after says so, and nothing else changes it."""
    found = _shapes(schema, path)
    inside = [member for shape in found for member in members(shape, schema)]
    match operation:
        case MakeRequired() | SetDefault():
            return found
        case DropNull():
            rest = [member for member in inside if not isinstance(member, Null)]
            return [union_of(*rest)] if rest else []
        case UnwrapValue():
            items = [each.items for each in inside if isinstance(each, ListOf)]
            return items if len(items) == len(inside) else []
        case Constrain():
            return [_boundless(member) for member in inside]
        case _:
            return []


def _boundless(shape: Shape) -> Shape:
    match shape:
        case Integer():
            return Integer()
        case Number():
            return Number()
        case _:
            return shape


# -- what there may be, and what is said of it -------------------------------------------------------------------------


def _not_total(operation: Operation, schema: Schema) -> Iterator[str]:
    match operation:
        case MapValues(path, mapping, "error") if not operation.reverse:
            left: list[Any] = []
            for shape in _shapes(schema, path):
                for member in members(shape, schema):
                    values = _finite(member) or ()
                    left += [v for v in values if v is not None and not _named(mapping, v) and v not in left]
            if left:
                listed = ", ".join(map(repr, left[:6])) + (
                    f" and {len(left) - 6} more" if len(left) > 6 else ""
                )
                yield (
                    f"the mapping does not say what becomes of {listed}. "
                    'Add it, or say otherwise="keep" or otherwise=op.value(...)'
                )
        case TagUnion(path, key, tuple() as table):
            names = [name for name, _ in table]
            for shape in _shapes(schema, path):
                for member in members(shape, schema):
                    if (
                        isinstance(member, Object)
                        and isinstance(member.extra, str)
                        and key not in member.properties
                        and not any(name in member.properties for name in names)
                    ):
                        yield (
                            f"{described(member)} there has none of {', '.join(names)}, so nothing says its tag. "
                            "Name a field that it has, or infer the tag with a function"
                        )


def _finite(shape: Shape) -> tuple[Any, ...] | None:
    """All values of a shape; None where there is no end of them."""
    match shape:
        case Enum(values):
            return values
        case Boolean():
            return (True, False)
        case Null():
            return (None,)
        case _:
            return None


def _names_all(mapping: Any, inside: Sequence[Shape]) -> bool:
    """Whether a table names every value that there may be; null stays what it is."""
    values = [_finite(member) for member in inside]
    return all(each is not None and all(v is None or _named(mapping, v) for v in each) for each in values)


def _named(mapping: Any, value: Any) -> bool:
    return any(old == value and type(old) is type(value) for old, _ in mapping)


def _not_for(operation: Operation, schema: Schema) -> Iterator[str]:
    """Operations on a kind of value that is never there."""
    wanted: tuple[tuple[type, ...], str] | None = None
    match operation:
        case Constrain(path, clamp, truncate) if clamp is not None or truncate is not None:
            wanted = (
                ((Integer, Number, Enum), "clamp is for numbers")
                if clamp is not None
                else ((String, ListOf, TupleOf, Enum), "truncate is for texts and lists")
            )
        case UnwrapValue(path):
            wanted = (ListOf, TupleOf), "unwrap is for lists"
        case _:
            return
    inside = [member for shape in _shapes(schema, path) for member in members(shape, schema)]
    if inside and not any(isinstance(each, (*wanted[0], Anything)) for each in inside):
        found = " or ".join(dict.fromkeys(map(described, inside)))
        yield f"{wanted[1]}, and what is there is {found}"


# -- where a value goes ------------------------------------------------------------------------------------------------


def _followed(path: Path, later: Sequence[Operation]) -> Path | None:
    """The place of a value after operations that only move it; None where one may change it."""
    for operation in later:
        match operation:
            case RenameField(source, to) | RenameTag(source, to) if path.startswith(source):
                path = _moved(path, source, source.with_last(to))
            case MoveField(source, target) if path.startswith(source):
                path = _moved(path, source, target)
            case RenameStep(old, to) if path.startswith(Path.of("outputs", old)):
                path = _moved(path, Path.of("outputs", old), Path.of("outputs", to))
            case RenameType(old, new) if path.segments[:1] == (Definition(old),):
                path = Path((Definition(new), *path.segments[1:]))
            case SetDefault() | MakeRequired() | MakeOptional() | MakeNullable():
                continue  # what is there stays
            case _ if _touches(path, operation):
                return None
    return path


def _moved(path: Path, source: Path, target: Path) -> Path:
    return Path((*target.segments, *path.segments[len(source.segments) :]))


def _touches(path: Path, operation: Operation) -> bool:
    """Whether an operation may change what is at a path; in doubt it does."""
    if isinstance(operation, Transform) and operation.path is None:
        return True
    if path.segments[:1] == (Key("outputs"),) and not operation.paths:
        return True  # operations on steps
    for other in operation.paths:
        ours, theirs = _is_in_type(path), _is_in_type(other)
        if ours != theirs or related(path, other):
            return True
        if any(isinstance(segment, Variant) for segment in (*path.segments, *other.segments)) and related(
            path.parent, other.parent
        ):
            return True
    return False


def _is_in_type(path: Path) -> bool:
    return bool(path.segments) and isinstance(path.segments[0], Definition)


def _shapes(schema: Schema, path: Path) -> list[Shape]:
    try:
        return shapes_at(schema, path)
    except OperationError:
        return []


__all__ = ["problems"]
