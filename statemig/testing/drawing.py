"""From shapes to hypothesis strategies.

A strategy is built once for each definition and depth of recursion. Recursion ends because what is left of it is counted: where none is
left, lists are empty, optional keys absent, and of a union those members are taken that need the least.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, assert_never

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from statemig import json_text
from statemig.errors import SchemaError
from statemig.path import Definition, Items, Key, Segment, Slot, Values, Variant
from statemig.path import Path as Place
from statemig.shapes.accept import carries
from statemig.shapes.sample import depth_of, member_with_tag
from statemig.shapes.shape import (
    Anything,
    Boolean,
    Enum,
    Integer,
    ListOf,
    MapOf,
    Never,
    Null,
    Number,
    Object,
    Ref,
    Schema,
    Shape,
    String,
    Tag,
    TupleOf,
    Union,
    children,
)
from statemig.testing.formats import LETTERS
from statemig.testing.hints import Hint
from statemig.testing.records import Field, Nullable, Only, mapping, record, sequence
from statemig.testing.scalars import TEXTS, integers, numbers, strings

JSON = Any
#: how often a definition may hold itself
RECURSION: Final = 3
_LONGEST: Final = 3

#: what is left of a path, as seen from a shape, and what is to be said about the values there
Rest = tuple[tuple[Segment, ...], SearchStrategy[JSON] | Hint]

_anything = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-9, 9),
    TEXTS,
    st.lists(st.integers(-9, 9), max_size=2),
    st.dictionaries(st.sampled_from(["a", "b"]), TEXTS, max_size=2),
)


class Drawing:
    """The strategies of one schema. `sparse`: each optional key is left out in half of the values; otherwise one or two are now and then.
    `overrides`: strategies for the values at paths, which begin at the root of what is drawn."""

    def __init__(
        self,
        schema: Schema,
        *,
        sparse: bool = False,
        overrides: Mapping[str, SearchStrategy[JSON]] | None = None,
        hints: Mapping[str, Hint] | None = None,
    ) -> None:
        self.schema = schema
        self.sparse = sparse
        said: list[tuple[str, SearchStrategy[JSON] | Hint]] = [
            *(overrides or {}).items(),
            *(hints or {}).items(),
        ]
        self.overrides: tuple[Rest, ...] = tuple((Place.parse(path).segments, each) for path, each in said)
        self._recursive = _recursive(schema)
        self._needs = self._least_recursion()
        self._made: dict[Any, SearchStrategy[JSON]] = {}

    def of(self, shape: Shape, below: tuple[str, ...] = ()) -> SearchStrategy[JSON]:
        """Values of a shape of the schema. `below`: the keys that lead to it from where the paths begin."""
        rests = self.overrides
        for key in below:
            rests = _after(rests, Key(key))
        return self._strategy(shape, RECURSION, rests)

    # -- recursion -----------------------------------------------------------------------------------------------------

    def _least_recursion(self) -> dict[str, float]:
        """How often each definition has to be entered again at least; infinite where no value is finite."""
        needs = dict.fromkeys(self.schema.definitions, math.inf)
        while True:
            found = {
                name: self._need(shape, needs) + (name in self._recursive)
                for name, shape in self.schema.definitions.items()
            }
            if found == needs:
                return needs
            needs = found

    def _need(self, shape: Shape, needs: Mapping[str, float]) -> float:
        match shape:
            case Never() | Enum(()):
                return math.inf
            case ListOf(items, low, high, unique):
                most = min(math.inf if high is None else high, _count(items) if unique else math.inf)
                if (low or 0) > most:
                    return math.inf
                return self._need(items, needs) if low else 0
            case TupleOf(slots):
                return max((self._need(slot, needs) for slot in slots), default=0)
            case MapOf(values, keys, low, high):
                if (low or 0) > min(math.inf if high is None else high, _count(keys)):
                    return math.inf
                return max(self._need(values, needs), self._need(keys, needs)) if low else 0
            case Object(properties):
                required = (self._need(each.shape, needs) for each in properties.values() if each.required)
                return max(required, default=0)
            case Union(members):
                return min(self._need(member, needs) for member in members)
            case Ref(name):
                return needs.get(name, math.inf)
            case _:
                return math.inf if math.isinf(depth_of(shape, {})) else 0

    def _fits(self, shape: Shape, left: int) -> bool:
        return self._need(shape, self._needs) <= left

    # -- one shape -----------------------------------------------------------------------------------------------------

    def _strategy(self, shape: Shape, left: int, rests: tuple[Rest, ...]) -> SearchStrategy[JSON]:
        said = [each for segments, each in rests if not segments]
        given = next((each for each in said if not isinstance(each, Hint)), None)
        if given is not None:
            return given
        hint = next((each for each in said if isinstance(each, Hint)), None)
        if math.isinf(self._need(shape, self._needs)):
            return st.nothing()
        match shape:
            case Anything():
                return _anything
            case Never():
                return st.nothing()
            case Null():
                return st.none()
            case Boolean():
                return st.booleans()
            case Integer():
                return integers(shape)
            case Number():
                found = hint.of_number() if hint is not None else None
                return numbers(shape) if found is None else found
            case String():
                text = hint.of_text() if hint is not None else None
                return strings(shape) if text is None else text
            case Enum(values):
                return st.sampled_from(values) if values else st.nothing()
            case ListOf():
                return self._lists(shape, left, _after(rests, Items()))
            case TupleOf():
                return self._tuples(shape, left, rests)
            case MapOf():
                return self._maps(shape, left, _after(rests, Values()))
            case Object():
                return self._objects(shape, left, self._inside(shape.name, rests))
            case Union():
                return self._members(shape, left, rests)
            case Ref(name):
                return self._reference(name, left, rests)
            case _:
                assert_never(shape)

    def _inside(self, name: str | None, rests: tuple[Rest, ...]) -> tuple[Rest, ...]:
        """`rests` with those of all values of a definition."""
        if name is None:
            return rests
        own = [(path[1:], strategy) for path, strategy in self.overrides if path[:1] == (Definition(name),)]
        return (*rests, *(each for each in own if each not in rests))

    def _reference(self, name: str, left: int, rests: tuple[Rest, ...]) -> SearchStrategy[JSON]:
        if name not in self.schema.definitions:
            return st.nothing()
        inside = self._inside(name, rests)
        left -= name in self._recursive
        if left < 0:
            raise SchemaError(f"there is no finite value of the definition {name}")
        key = (name, left, tuple((path, id(strategy)) for path, strategy in inside))
        if key not in self._made:
            definition = self.schema.definitions[name]
            self._made[key] = st.deferred(lambda: self._strategy(definition, left, inside))
        return self._made[key]

    # -- containers ----------------------------------------------------------------------------------------------------

    def _size(self, low: int | None, high: int | None, inner: Shape, left: int) -> tuple[int, int]:
        least = low or 0
        if not self._fits(inner, left):
            return least, least
        # The deeper, the fewer: otherwise a tree has hundreds of nodes.
        most = least + (
            _LONGEST if left >= RECURSION else max(1, left + 1) if self._recurs(inner) else _LONGEST
        )
        return least, most if high is None else min(most, high)

    def _recurs(self, shape: Shape) -> bool:
        return any(name in self._recursive for name in _references(shape))

    def _lists(self, shape: ListOf, left: int, rests: tuple[Rest, ...]) -> SearchStrategy[JSON]:
        least, most = self._size(shape.min_items, shape.max_items, shape.items, left)
        if most == 0:
            return st.builds(list)
        items = self._strategy(shape.items, left, rests)
        if shape.unique:
            most = int(min(most, _count(shape.items)))
            return st.lists(items, min_size=least, max_size=most, unique_by=_identity)
        return st.lists(items, min_size=least, max_size=most) if most < 2 else sequence(items, least, most)

    def _tuples(self, shape: TupleOf, left: int, rests: tuple[Rest, ...]) -> SearchStrategy[JSON]:
        slots = [self._strategy(slot, left, _after(rests, Slot(at))) for at, slot in enumerate(shape.slots)]
        head = st.tuples(*slots)
        if shape.rest is None or not self._fits(shape.rest, left):
            return head.map(list)
        tail = st.lists(self._strategy(shape.rest, left, _after(rests, Items())), max_size=2)
        return st.builds(lambda first, more: [*first, *more], head, tail)

    def _maps(self, shape: MapOf, left: int, rests: tuple[Rest, ...]) -> SearchStrategy[JSON]:
        least, most = self._size(shape.min_items, shape.max_items, shape.values, left)
        if not self._fits(shape.keys, left):
            most = least
        if most == 0:
            return st.builds(dict)
        keys = self._strategy(shape.keys, left, ())
        most = int(min(most, _count(shape.keys)))
        values = self._strategy(shape.values, left, rests)
        if least == 0 and math.isinf(_count(shape.keys)):
            return mapping(keys, values, most)
        return st.dictionaries(keys, values, min_size=least, max_size=most)

    def _objects(self, shape: Object, left: int, rests: tuple[Rest, ...]) -> SearchStrategy[JSON]:
        fields = [
            (key, self._field(each.shape, left, _after(rests, Key(key))), not each.required)
            for key, each in shape.properties.items()
            if each.required or self._fits(each.shape, left)
        ]
        found = record(fields, sparse=self.sparse)
        if isinstance(shape.extra, str) or not self._fits(shape.extra, left):
            return found
        names = st.text(LETTERS, min_size=1, max_size=5).filter(lambda key: key not in shape.properties)
        extra = st.dictionaries(names, self._strategy(shape.extra, left, ()), max_size=2)
        return st.builds(lambda known, more: {**more, **known}, found, extra)

    def _field(self, shape: Shape, left: int, rests: tuple[Rest, ...]) -> Field:
        if all(segments for segments, _ in rests):
            match shape:
                case Null():
                    return Only(None)
                case Enum((str() | int() | float() | bool() | None as only,)):
                    return Only(only)
                case Union((Null(), (Boolean() | String(pattern=None)) as other)) | Union(
                    ((Boolean() | String(pattern=None)) as other, Null())
                ) if self._fits(other, left):
                    return Nullable(self._strategy(other, left, rests))
                case _:
                    pass
        return self._strategy(shape, left, rests)

    def _members(self, shape: Union, left: int, rests: tuple[Rest, ...]) -> SearchStrategy[JSON]:
        tag = shape.tag
        found: list[tuple[float, SearchStrategy[JSON]]] = []
        for at, member in enumerate(shape.members):
            inside, within = member, rests
            if tag is not None:
                resolved = self.schema.resolve(member)
                own = [value for value, index in tag.mapping.items() if index == at]
                for value in own:
                    within = (*within, *_after(rests, Variant((tag.key,), value)))
                if own:
                    inside = member_with_tag(resolved, tag, at)
                    if isinstance(member, Ref):
                        within = self._inside(member.name, within)
            need = self._need(inside, self._needs)
            entered = isinstance(member, Ref) and inside is not member and member.name in self._recursive
            if need + entered > left or math.isinf(need):
                continue
            strategy = self._strategy(inside, left - entered, within)
            if tag is not None and inside is member:
                strategy = strategy.filter(partial(_carries, tag, at))
            found.append((0 if isinstance(member, Null) else 1, strategy))
        # Shrinking goes to the first: to null, where it may be.
        found.sort(key=lambda pair: pair[0])
        return st.one_of(*(strategy for _, strategy in found))


# -- parts -------------------------------------------------------------------------------------------------------------


def _after(rests: tuple[Rest, ...], step: Segment) -> tuple[Rest, ...]:
    if not rests:
        return ()
    steps = (
        (step, Items()) if isinstance(step, Slot) else (step, Values()) if isinstance(step, Key) else (step,)
    )
    return tuple((path[1:], strategy) for path, strategy in rests if path and path[0] in steps)


def _references(shape: Shape) -> set[str]:
    found: set[str] = set()
    todo = [shape]
    while todo:
        each = todo.pop()
        if isinstance(each, Ref):
            found.add(each.name)
        todo += children(each)
    return found


def _recursive(schema: Schema) -> frozenset[str]:
    """The definitions that a value may hold inside another value of the same definition."""
    leads = {name: _references(shape) for name, shape in schema.definitions.items()}
    found: set[str] = set()
    for name in leads:
        seen: set[str] = set()
        todo = list(leads[name])
        while todo:
            each = todo.pop()
            if each not in seen:
                seen.add(each)
                todo += leads.get(each, ())
        if name in seen:
            found.add(name)
    return frozenset(found)


def _count(shape: Shape) -> float:
    """How many different values there are at most."""
    match shape:
        case Null():
            return 1
        case Boolean():
            return 2
        case Enum(values):
            return len(values)
        case Integer(minimum=int(low), maximum=int(high), multiple_of=step):
            return high // (step or 1) - -(-low // (step or 1)) + 1
        case Union(members):
            return sum(map(_count, members))
        case _:
            return math.inf


def _carries(tag: Tag, at: int, value: JSON) -> bool:
    return carries(tag, at, value)


def _identity(value: JSON) -> object:
    """What makes two items of a set the same: 1 is 1.0, and not true."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, dict):
        return tuple(sorted((key, _identity(inner)) for key, inner in value.items()))
    if isinstance(value, list):
        return ("list", *map(_identity, value))
    return (
        type(value).__name__ if not isinstance(value, int | float) or isinstance(value, bool) else "number",
        json_text.canonical(value),
    )
