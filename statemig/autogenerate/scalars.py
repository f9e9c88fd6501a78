"""Differences of values that have nothing inside: bounds, formats, enums, and one type for another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from statemig.autogenerate.renames import assign, name_similarity
from statemig.shapes.shape import Boolean, Enum, Integer, Number, Scalar, Shape, String

Atom = Boolean | Integer | Number | String | Enum

# From this similarity on, two values of an enum are one value under two names; from the second on nobody needs to confirm.
_ALIKE = 0.6
_SAME = 0.8
# pydantic reads one as the other where it can, and drops or makes up the time of day.
_MOMENTS = {"date", "date-time"}


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule, its direction, and what a proposal needs to know."""

    rule: str
    direction: str = ""
    detail: Any = None


@dataclass(frozen=True, slots=True)
class ValueMapping:
    """Values of an enum that are gone. `certain` ones were renamed, `guessed` ones only stand in the only free place;
    `open` have no counterpart at all."""

    certain: tuple[tuple[Scalar, Scalar], ...] = ()
    guessed: tuple[tuple[Scalar, Scalar], ...] = ()
    open: tuple[Scalar, ...] = ()


def compare_atoms(old: Atom, new: Atom) -> Iterator[Finding]:
    """Nothing where both accept the same values."""
    match old, new:
        case Enum(), Enum():
            yield from _enums(old, new)
        case Enum(), _:
            if all(_is_of(value, new) for value in old.values):
                yield Finding("S35")
            else:
                yield Finding("S28")
        case _, Enum():
            if any(_is_of(value, old) for value in new.values):
                yield Finding("S34")
            else:
                yield Finding("S28")
        case Integer(), Integer():
            yield from _numbers(old, new)
        case Number(), Number():
            yield from _numbers(old, new)
        case Integer(), Number():
            yield Finding("S26")
            yield from _numbers(old, new)
        case Number(), Integer():
            yield Finding("S27")
            yield from _numbers(old, new)
        case String(), String():
            yield from _strings(old, new)
        case Boolean(), Boolean():
            return
        case _:
            yield Finding("S28")


def _is_of(value: Scalar, shape: Shape) -> bool:
    match shape:
        case Boolean():
            return isinstance(value, bool)
        case Integer():
            return isinstance(value, int) and not isinstance(value, bool)
        case Number():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case String():
            return isinstance(value, str)
        case _:
            return False


def _numbers(old: Integer | Number, new: Integer | Number) -> Iterator[Finding]:
    lower = _bound(old.minimum, new.minimum, _exclusive(old, low=True), _exclusive(new, low=True), sign=1)
    upper = _bound(old.maximum, new.maximum, _exclusive(old, low=False), _exclusive(new, low=False), sign=-1)
    if -1 in (lower, upper):
        yield Finding("S38")
    elif 1 in (lower, upper):
        yield Finding("S37")
    if old.multiple_of != new.multiple_of:
        relaxed = new.multiple_of is None or (
            old.multiple_of is not None and old.multiple_of % new.multiple_of == 0
        )
        narrower = new.multiple_of is not None and (
            old.multiple_of is None or new.multiple_of % old.multiple_of == 0
        )
        yield Finding("S39", "relaxed" if relaxed else "tightened" if narrower else "changed")


def _exclusive(shape: Integer | Number, *, low: bool) -> bool:
    if isinstance(shape, Integer):
        return False
    return shape.exclusive_minimum if low else shape.exclusive_maximum


def _bound(old: float | None, new: float | None, was_open: bool, is_open: bool, *, sign: int) -> int:
    """1 where the bound was relaxed, -1 where it was tightened, 0 where it is the same."""
    if new is None:
        return 0 if old is None else 1
    if old is None:
        return -1
    if old == new:
        return int(was_open) - int(is_open)
    return 1 if (old - new) * sign > 0 else -1


def _strings(old: String, new: String) -> Iterator[Finding]:
    if old.encoding != new.encoding:
        yield Finding("S43")
    if old.format != new.format:
        moments = {old.format, new.format} == _MOMENTS
        yield Finding("S42", "resolution" if moments else _direction(old.format, new.format))
    if old.pattern != new.pattern:
        yield Finding("S41", _direction(old.pattern, new.pattern))
    yield from length("S40", (old.min_length, old.max_length), (new.min_length, new.max_length))


def _direction(old: str | None, new: str | None) -> str:
    return "relaxed" if new is None else "tightened" if old is None else "changed"


def length(
    rule: str, old: tuple[int | None, int | None], new: tuple[int | None, int | None]
) -> Iterator[Finding]:
    """A change of (least, most) of a text, list or map."""
    lower = _bound(old[0] or 0, new[0] or 0, False, False, sign=1)
    upper = _bound(old[1], new[1], False, False, sign=-1)
    if -1 in (lower, upper):
        yield Finding(rule, "tightened")
    elif 1 in (lower, upper):
        yield Finding(rule, "relaxed")


def _gone_and_come(old: Enum, new: Enum) -> tuple[list[Scalar], list[Scalar]]:
    return (
        [value for value in old.values if not _among(value, new.values)],
        [value for value in new.values if not _among(value, old.values)],
    )


def renamed_values(old: Enum, new: Enum) -> ValueMapping:
    """What became of the values that are gone."""
    return map_values(old, new, *_gone_and_come(old, new))


def _enums(old: Enum, new: Enum) -> Iterator[Finding]:
    gone, come = _gone_and_come(old, new)
    if gone and len(old.values) == len(new.values) == 1:
        yield Finding("S36", detail=ValueMapping(certain=((old.values[0], new.values[0]),)))
        return
    mapping = map_values(old, new, gone, come)
    if mapping.certain or mapping.guessed:
        yield Finding("S33", detail=mapping)
    elif gone:
        yield Finding("S32", detail=mapping)
    taken = [value for _, value in (*mapping.certain, *mapping.guessed)]
    if any(not _among(value, taken) for value in come):
        yield Finding("S31")


def _among(value: Scalar, values: Sequence[Scalar]) -> bool:
    """1 and true are two values in JSON."""
    return any(type(value) is type(other) and value == other for other in values)


def map_values(old: Enum, new: Enum, gone: Sequence[Scalar], come: Sequence[Scalar]) -> ValueMapping:
    """Which removed value became which added one: Python's member names first, then names that are alike, then the
    only one gone with the only one that came."""
    certain: list[tuple[Scalar, Scalar]] = []
    if old.names is not None and new.names is not None:
        by_name = dict(zip(new.names, new.values, strict=False))
        for name, value in zip(old.names, old.values, strict=False):
            if _among(value, gone) and name in by_name and _among(by_name[name], come):
                certain.append((value, by_name[name]))
    guessed: list[tuple[Scalar, Scalar]] = []
    gone, come = _without(gone, come, certain)
    if gone and come:
        scores = [[_alike(a, b) for b in come] for a in gone]
        for row, column in sorted(assign(scores, _ALIKE).items()):
            sure = scores[row][column] >= _SAME
            (certain if sure else guessed).append((gone[row], come[column]))
    gone, come = _without(gone, come, [*certain, *guessed])
    if len(gone) == len(come) == 1:
        guessed.append((gone[0], come[0]))
        gone = []
    return ValueMapping(tuple(certain), tuple(guessed), tuple(gone))


def _without(
    gone: Sequence[Scalar], come: Sequence[Scalar], pairs: Sequence[tuple[Scalar, Scalar]]
) -> tuple[list[Scalar], list[Scalar]]:
    """What no pair speaks of yet."""
    return (
        [value for value in gone if not _among(value, [pair[0] for pair in pairs])],
        [value for value in come if not _among(value, [pair[1] for pair in pairs])],
    )


def _alike(a: Scalar, b: Scalar) -> float:
    return name_similarity(a, b) if isinstance(a, str) and isinstance(b, str) else 0.0
