"""Whether a value of one member of an untagged union might be taken for one of another.

pydantic picks the member that fits best, not the one that wrote the value: under ``datetime | str`` the text "1" is a moment in
1970. Told from the shapes alone, so the answer is "maybe" or "no".
"""

from __future__ import annotations

from statemig.autogenerate.members import constants, is_record, is_sequence
from statemig.shapes.shape import Anything, Enum, ListOf, MapOf, Object, Schema, Shape, String, TupleOf


def claimed(old: Schema, value: Shape, new: Schema, other: Shape, depth: int = 4) -> bool:
    """Whether `other` (of `new`) might accept what `value` (of `old`) is, and write it in another way."""
    left, right = old.resolve(value), new.resolve(other)
    if depth == 0:
        return True
    match left, right:
        case String() | Enum(), String(format=form):
            return form is not None and _has_text(left)
        case ((ListOf(items) | MapOf(items)), (ListOf(others) | MapOf(others))):
            return type(left) is type(right) and claimed(old, items, new, others, depth - 1)
        case TupleOf(), TupleOf():
            return len(left.slots) == len(right.slots) and any(
                claimed(old, slot, new, into, depth - 1)
                for slot, into in zip(left.slots, right.slots, strict=True)
            )
        case Object(), Object():
            return not _apart(left, old, right, new)
        case _:
            return False


def accepted_by(old: Schema, value: Shape, new: Schema, other: Shape) -> bool:
    """Whether `other` (of `new`), asked before the rest, might accept what `value` (of `old`) is: pydantic reads the text "1" as a number
    and 1 as true where no other member has come first."""
    left, right = old.resolve(value), new.resolve(other)
    match left, right:
        case (Anything(), _) | (_, Anything()):
            return True
        case Object(), Object():
            return not _apart(left, old, right, new)
        case Enum(values), Enum(others):
            return any(value in others for value in values)
        case _, String(format=None):
            return _has_text(left)
        case _:
            return is_record(left) == is_record(right) and is_sequence(left) == is_sequence(right)


def _has_text(shape: Shape) -> bool:
    return isinstance(shape, String) or (
        isinstance(shape, Enum) and any(isinstance(value, str) for value in shape.values)
    )


def _apart(left: Object, old: Schema, right: Object, new: Schema) -> bool:
    """No document is both: a constant differs, or one needs a key that the other one never has."""
    ours, theirs = constants(left, old), constants(right, new)
    if any(key in theirs and theirs[key] != value for key, value in ours.items()):
        return True
    return _needs_more(left, right) or _needs_more(right, left)


def _needs_more(one: Object, other: Object) -> bool:
    return isinstance(other.extra, str) and any(
        prop.required and key not in other.properties for key, prop in one.properties.items()
    )
