"""Did you mean ...? The nearest name that there is."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from statemig.errors import OperationError
from statemig.path import Definition, Items, Key, Path, Segment, Values, Variant
from statemig.plan.effects import shapes_at
from statemig.plan.values import members
from statemig.shapes.shape import ListOf, MapOf, Object, Schema, Shape, TupleOf

_LIKE = 0.6


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like another one; None where none is like it."""
    names = list(known)
    plain = {each.casefold(): each for each in reversed(names)}
    found = get_close_matches(name.casefold(), plain, n=1, cutoff=_LIKE)
    return plain[found[0]] if found else None


def meant(name: str, known: Iterable[str], kind: str) -> str | None:
    """A hint for a name that there is not: the nearest one, or all where they are few."""
    names = sorted(known)
    found = nearest(name, names)
    if found is not None:
        return f"Did you mean {found}?"
    return f"The {kind} are {', '.join(names)}" if 0 < len(names) <= 12 else None


def near(schema: Schema, path: Path) -> Path | None:
    """A path that names something, one segment away from one that names nothing; or the same field without what leads to it."""
    segments = path.segments
    good = 0
    while good < len(segments) and _there(schema, Path(segments[: good + 1])):
        good += 1
    if good == len(segments):
        return None
    before, wrong, rest = segments[:good], segments[good], segments[good + 1 :]
    inside = [m for shape in _shapes(schema, Path(before)) for m in members(shape, schema)]
    for other in _instead(schema, inside, wrong):
        for end in (rest, rest[:0]) if isinstance(wrong, Key) else (rest,):
            candidate = Path((*before, *other, *end))
            if _there(schema, candidate):
                return candidate
    if not before and isinstance(wrong, Key):
        for top in ("state", "outputs"):
            candidate = Path((Key(top), *segments))
            if _there(schema, candidate):
                return candidate
    return None


def _instead(schema: Schema, inside: list[Shape], wrong: Segment) -> list[tuple[Segment, ...]]:
    """What may have been meant in place of a segment, the likeliest first."""
    out: list[tuple[Segment, ...]] = []
    lists = any(isinstance(each, ListOf | TupleOf) for each in inside)
    maps = any(isinstance(each, MapOf) for each in inside)
    match wrong:
        case Key(name):
            keys = [key for each in inside if isinstance(each, Object) for key in each.properties]
            found = nearest(name, keys)
            if found is not None:
                out.append((Key(found),))
            if lists:
                out.append((Items(), wrong))
            if maps:
                out.append((Values(), wrong))
        case Items():
            out += [(Values(),)] if maps else []
            out.append(())
        case Values():
            out += [(Items(),)] if lists else []
            out.append(())
        case Variant(keys, value):
            tags = {
                tag: number
                for each in inside
                if isinstance(each, Object)
                for prop in [each.properties.get(keys[0])]
                if prop is not None and len(keys) == 1
                for member in members(prop.shape, schema)
                for number, tag in enumerate(getattr(member, "values", ()))
                if isinstance(tag, str)
            }
            found = nearest(str(value), tags)
            if found is not None:
                out.append((Variant(keys, found),))
            if lists:
                out.append((Items(), wrong))
        case Definition(name):
            names = [*schema.definitions, *named_types(schema)]
            found = nearest(name, names)
            if found is not None:
                out.append((Definition(found),))
        case _:
            pass
    return out


def named_types(schema: Schema) -> list[str]:
    """Names of the types that are defined by themselves."""
    return [
        shape.name
        for shape in schema.definitions.values()
        if isinstance(shape, Object) and shape.name is not None
    ]


def _shapes(schema: Schema, path: Path) -> list[Shape]:
    try:
        return shapes_at(schema, path)
    except OperationError:
        return []


def _there(schema: Schema, path: Path) -> bool:
    return bool(_shapes(schema, path))
