"""Would an operation put something where something is?"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from statemig.errors import OperationError
from statemig.operations.base import Operation
from statemig.operations.checks.suggest import meant
from statemig.operations.containers import RenameKeys
from statemig.operations.fields import AddField, MoveField, RenameField
from statemig.operations.groups import CopyField, Flatten, MergeFields, Nest, SplitField
from statemig.operations.unions import AddVariant, RemoveVariant, RenameTag, RenameVariant
from statemig.path import Key, Path
from statemig.plan.effects import shapes_at
from statemig.plan.instructions import Move
from statemig.plan.values import members
from statemig.shapes.shape import Enum, Null, Object, Schema, Shape

Keys = tuple[str, ...]
#: an object at `base` must not have something at both: where a value comes from, and where it goes
Pair = tuple[Path, Keys, Keys]

_FREE = (
    "Choose another name; or rename or remove what is there first (to swap two names, take one in between)"
)


def problems(operation: Operation, schema: Schema, written: Callable[[], Schema | None]) -> Iterator[str]:
    """Fields and variants that are there already, and variants that are not.

    `written` is what the application itself writes at this point: where a key is only read beside another one, no document has both.
    """
    try:
        yield from _variants(operation, schema)
        for place in dict.fromkeys(_collisions(operation, schema)):
            if _confirmed(operation, place, schema, written):
                hint = (
                    "make_required fills it where it is absent; to have another value in it, remove the field first"
                    if isinstance(operation, AddField)
                    else _FREE
                )
                yield f"there is a field {place} already. {hint}"
    except OperationError:
        return  # a path that names nothing, which is said when the operation is applied


def _confirmed(
    operation: Operation, place: Path, schema: Schema, written: Callable[[], Schema | None]
) -> bool:
    found = written()
    if found is None or found == schema:
        return True
    try:
        return place in set(_collisions(operation, found))
    except OperationError:
        return False


def _collisions(operation: Operation, schema: Schema) -> Iterator[Path]:
    """The places that are taken."""
    if isinstance(operation, AddField):
        parent, key = operation.path.parent, operation.path.key
        inside = [each for each in _members(schema, parent) if not isinstance(each, Null)]
        if inside and all(isinstance(each, Object) and key in each.properties for each in inside):
            yield operation.path
        return
    for base, source, target in _pairs(operation, schema):
        for each in _members(schema, base):
            if isinstance(each, Object) and _has(each, source, schema) and _has(each, target, schema):
                yield Path((*base.segments, *map(Key, target)))


def _pairs(operation: Operation, schema: Schema) -> Iterator[Pair]:
    match operation:
        case RenameField(path, to) | RenameTag(path, to):
            yield path.parent, (path.key,), (to,)
        case MoveField():
            for instruction in operation.lower():
                if isinstance(instruction, Move):
                    yield instruction.base, instruction.source, instruction.target
        case CopyField(path, to):
            below = to.segments[len(path.parent.segments) :]
            yield path.parent, (path.key,), tuple(each.name for each in below if isinstance(each, Key))
        case Nest(fields, into):
            if into not in [path.key for path in fields]:
                for path in fields:
                    yield path.parent, (path.key,), (into,)
        case Flatten(path):
            bound = operation.bind(schema)
            assert isinstance(bound, Flatten)
            for name in bound.fields:
                if name != path.key:
                    yield path.parent, (path.key, name), (name,)
        case SplitField(path, into):
            for name in into:
                if name != path.key:
                    yield path.parent, (path.key,), (name,)
        case MergeFields(fields, into):
            if into not in [path.key for path in fields]:
                for path in fields:
                    yield path.parent, (path.key,), (into,)
        case RenameKeys(path, mapping):
            leaving = {old for old, _ in mapping}
            for old, new in mapping:
                if new not in leaving:
                    yield path, (old,), (new,)


def _variants(operation: Operation, schema: Schema) -> Iterator[str]:
    match operation:
        case RenameVariant(path, old, new):
            tags = _tags(schema, path)
            if tags is None:
                return
            if old not in tags:
                yield _unknown(old, tags)
            if new in tags:
                yield (
                    f"there is a variant {new!r} already, and on the way back nothing would tell the two apart. "
                    f"Choose another name; or, to make them one, {_merged(path, old, new, schema)}"
                )
        case RemoveVariant(path, variant):
            tags = _tags(schema, path)
            if tags is not None and variant not in tags:
                yield _unknown(variant, tags)
        case AddVariant(path, variant):
            tags = _tags(schema, path)
            if tags is not None and variant in tags:
                yield f"there is a variant {variant!r} already. Remove the line"


def _merged(path: Path, old: object, new: object, schema: Schema) -> str:
    """What makes one of two values, and keeps which it was."""
    if len([each for each in _members(schema, path.parent) if not isinstance(each, Null)]) == 1:
        # One type with a choice of values, and no union.
        return f'op.map_values("{path}", {{{old!r}: {new!r}}}, otherwise="keep")'
    return (
        f'op.remove_variant("{path}", {old!r}, to=...) with a value or a function that makes a {new!r} of it'
    )


def _unknown(variant: object, tags: list[object]) -> str:
    hint = meant(str(variant), map(str, tags), "variants")
    return f"there is no variant {variant!r}" + ("" if hint is None else f". {hint}")


def _tags(schema: Schema, path: Path) -> list[object] | None:
    """All values that a tag may have; None where it may have others."""
    found = _members(schema, path)
    if not found or not all(isinstance(each, Enum) for each in found):
        return None
    return [value for each in found if isinstance(each, Enum) for value in each.values]


def _members(schema: Schema, path: Path) -> list[Shape]:
    return [member for shape in shapes_at(schema, path) for member in members(shape, schema)]


def _has(shape: Object, keys: Keys, schema: Schema) -> bool:
    """Whether a field is declared at these keys, somewhere within the shape."""
    prop = shape.properties.get(keys[0])
    if prop is None:
        return False
    if len(keys) == 1:
        return True
    return any(
        isinstance(member, Object) and _has(member, keys[1:], schema)
        for member in members(prop.shape, schema)
    )
