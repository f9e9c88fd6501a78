"""Which definitions of a schema stand for more than one place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from statemig.shapes.shape import ListOf, MapOf, Object, Ref, Schema, Shape, TupleOf, Union


def shared_definitions(schema: Schema) -> frozenset[str]:
    """Definitions that are used at several places or within themselves."""
    uses: Counter[str] = Counter()
    inside: dict[str, set[str]] = {}
    reached: list[str] = []
    for ref in _references(schema.root):
        uses[ref] += 1
        reached.append(ref)
    while reached:
        name = reached.pop()
        if name in inside or name not in schema.definitions:
            continue
        refs = list(_references(schema.definitions[name]))
        inside[name] = set(refs)
        uses.update(refs)
        reached.extend(refs)
    recursive = {name for name in inside if name in _reachable(name, inside)}
    return frozenset({name for name, count in uses.items() if count > 1} | recursive)


def _reachable(name: str, inside: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    pending = list(inside.get(name, ()))
    while pending:
        other = pending.pop()
        if other not in seen:
            seen.add(other)
            pending.extend(inside.get(other, ()))
    return seen


def _references(shape: Shape) -> Iterator[str]:
    match shape:
        case Ref(name):
            yield name
        case Object(properties, extra):
            for prop in properties.values():
                yield from _references(prop.shape)
            if not isinstance(extra, str):
                yield from _references(extra)
        case ListOf(items):
            yield from _references(items)
        case MapOf(values):
            yield from _references(values)
        case TupleOf(slots, rest):
            for slot in (*slots, *([rest] if rest is not None else [])):
                yield from _references(slot)
        case Union(members):
            for member in members:
                yield from _references(member)
        case _:
            return
