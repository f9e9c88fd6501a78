"""What the values in one document say to a schema rule whose verdict depends on them.

A judge takes a document and yields the places that speak against the change. It never overlooks one: a value that the other version
refuses is a place, whatever it is refused for; so "holds" is certain where several changes meet in one value, and "fails" may name
each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from statemig.autogenerate.change import Change
from statemig.document import Document
from statemig.path import Key, Path
from statemig.plan.walk import Trail, over, trail_text
from statemig.shapes.accept import accepts, repeats
from statemig.shapes.formats import has_format
from statemig.shapes.shape import (
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Number,
    Object,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
)
from statemig.workflow.snapshot import Snapshot

Places = Callable[[Document], Iterator[str]]
Test = Callable[[Any], bool]

_ABSENT: Final = frozenset({("S09", "reads"), ("S11", "forward")})
_HUGE: Final = 1024
_PRESENT: Final = frozenset({("S04", "forward"), ("S51", "reads")})


def judge(change: Change, bit: str, old: Snapshot, new: Snapshot) -> Places | None:
    """For the bit "reads" or "keeps" of a change, judges documents of `old`; for "forward", of `new`. None where values can not say."""
    site = change.site
    if site is None:
        return None
    forward = bit == "forward"
    path = site.target if forward and change.rule != "S04" else Path.parse(change.path)
    if path is None:
        return None
    schema = new.stored if forward else old.stored
    if (change.rule, bit) in _ABSENT:
        return _absent(path, schema)
    if (change.rule, bit) in _PRESENT and (change.rule == "S04" or change.direction == "removed"):
        return _failing(path, schema, lambda value: False)
    was, to, reader = (site.new, site.old, old.reads) if forward else (site.old, site.new, new.reads)
    if bit == "keeps":
        keeping = _keeping(change.rule, was, to, reader)
        test = None if keeping is None else _of_kind(_kinds(was, schema), keeping)
    elif change.rule in ("S16", "S18"):
        test = _without_extras(to, reader)
    elif to is None:
        return None
    else:
        test = _of_kind(_kinds(was, schema), _reading(change.rule, to, reader))
    return None if test is None else _failing(path, schema, test)


# -- places --------------------------------------------------------------------------------------------------------------


def _failing(path: Path, schema: Schema, test: Test) -> Places:
    """The places of `path` whose value does not pass the test."""

    def places(document: Document) -> Iterator[str]:
        found: list[str] = []

        def visit(value: Any, trail: Trail) -> Any:
            if not test(value):
                found.append(trail_text(trail))
            return value

        over(document, path, visit, lambda value, trail: value, schema=schema)
        yield from found

    return places


def _absent(path: Path, schema: Schema) -> Places:
    """The objects that lack the key at the end of `path`. What a branch has written of a state may well be without it."""
    last = path.last
    assert isinstance(last, Key)
    return _failing(path.parent, schema, lambda value: not isinstance(value, dict) or last.name in value)


# -- tests of one value --------------------------------------------------------------------------------------------------


def _reading(rule: str, to: Shape, schema: Schema) -> Test:
    """Whether the other version takes a value, of the kind that it was, as far as this rule goes."""
    shape = schema.resolve(to)
    match rule, shape:
        case "S25", _:
            return lambda value: value is not None
        case (("S37" | "S38"), (Integer() | Number())):
            return _accepting(replace(_number(shape), multiple_of=None), schema)
        case "S39", (Integer() | Number()):
            return _accepting(Number(multiple_of=shape.multiple_of), schema)
        case "S40", String():
            return _accepting(String(min_length=shape.min_length, max_length=shape.max_length), schema)
        case "S41", String():
            return _accepting(String(pattern=shape.pattern), schema)
        case "S42", String():
            return _accepting(String(format=shape.format), schema)
        case "S45", ListOf():
            return lambda value: _within(value, shape.min_items, shape.max_items)
        case "S46", ListOf():
            return lambda value: not (shape.unique and repeats(value))
        case "S20", MapOf():
            return lambda value: all(accepts(shape.keys, key, schema) for key in value)
        case "S21", MapOf():
            return lambda value: _within(value, shape.min_items, shape.max_items)
        case "S53", Union(tag=tag) if tag is not None:
            return lambda value: not isinstance(value, dict) or value.get(tag.key) in tag.mapping
        case _:
            return _accepting(to, schema)


def _accepting(shape: Shape, schema: Schema) -> Test:
    return lambda value: accepts(shape, value, schema)


def _of_kind(kinds: frozenset[type] | None, test: Test) -> Test:
    """Only values of these kinds are spoken of: at a place of several types another rule tells of the others."""
    return test if kinds is None else lambda value: type(value) not in kinds or test(value)


def _kinds(shape: Shape | None, schema: Schema) -> frozenset[type] | None:
    """What values of a shape are in Python; None for of any kind, or several."""
    match schema.resolve(shape) if shape is not None else None:
        case Integer() | Number():
            return frozenset({int, float, Decimal})
        case String():
            return frozenset({str})
        case Enum(values):
            return frozenset(map(type, values))
        case Boolean():
            return frozenset({bool})
        case ListOf() | TupleOf():
            return frozenset({list})
        case MapOf() | Object():
            return frozenset({dict})
        case _:
            return None


def _number(shape: Integer | Number) -> Number:
    if isinstance(shape, Number):
        return shape
    return Number(shape.minimum, shape.maximum)


def _within(value: Any, low: int | None, high: int | None) -> bool:
    return (low or 0) <= len(value) and (high is None or len(value) <= high)


def _without_extras(to: Shape | None, schema: Schema) -> Test | None:
    """Whether an object has no key that the other version does not declare."""
    shape = schema.resolve(to) if to is not None else None
    if not isinstance(shape, Object):
        return None
    known = shape.properties.keys()
    return lambda value: not isinstance(value, dict) or value.keys() <= known


def _keeping(rule: str, was: Shape | None, to: Shape | None, schema: Schema) -> Test | None:
    """Whether a value that is read keeps its meaning."""
    match rule:
        case "S26":
            # A float has 53 bits for an integer, and none at all for one beyond its range.
            return lambda value: (
                type(value) is not int or (value.bit_length() < _HUGE and float(value) == value)
            )
        case "S42" if to is not None:
            return _reading(rule, to, schema)
        case "S22" | "S49" if isinstance(was, String | None) and to is not None:
            formats = _formats(schema.resolve(to), schema)
            return None if formats is None else lambda value: not _taken(value, formats)
        case _:
            return None


def _formats(shape: Shape, schema: Schema) -> tuple[str, ...] | None:
    """The formats of the texts among the members; None where other members than texts might take a value over."""
    members = [schema.resolve(member) for member in (shape.members if isinstance(shape, Union) else (shape,))]
    if any(isinstance(member, Object | ListOf | MapOf) for member in members):
        return None
    return tuple(m.format for m in members if isinstance(m, String) and m.format is not None)


def _taken(value: Any, formats: tuple[str, ...]) -> bool:
    """Whether a text would be read as one of the formats. To pydantic a text that is a number is a moment, too."""
    if not isinstance(value, str):
        return False
    return any(has_format(value, name) for name in formats) or _is_number(value)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
