"""Random values of a shape, fast and without hypothesis: for rehearsals, soak runs and finding a
counterexample.

Recursion ends because every choice is made by how deep it must go at least: near the limit only the
shallowest is taken.
"""

from __future__ import annotations

import math
import string
from collections.abc import Callable
from fractions import Fraction
from random import Random
from typing import Any, Final, assert_never

from statemig.errors import SchemaError
from statemig.shapes.accept import accepts, accepts_number, accepts_text, carries, exact, repeats, same
from statemig.shapes.sample_pattern import LETTERS, from_pattern
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
    Property,
    Ref,
    Schema,
    Shape,
    String,
    Tag,
    TupleOf,
    Union,
)

JSON = Any

_TRIES: Final = 60
_DEEPEST: Final = 6
_LONGEST: Final = 3


def sample(schema: Schema, random: Random, *, sparse: bool = False) -> JSON:
    """A JSON value that the schema accepts (closed).

    `sparse` leaves out about half of what may be absent; otherwise most optional properties are there, as a
    full dump has them. Raises `SchemaError` where there is no such value, or where none was found for a
    pattern.
    """
    return sampler(schema)(schema.root, random, sparse)


def sampler(schema: Schema) -> Callable[[Shape, Random, bool], JSON]:
    """For many values: works out the depths of the definitions once. The result takes shapes that refer to them."""
    depths = depths_of(schema)

    def draw(shape: Shape, random: Random, sparse: bool = False) -> JSON:
        return _Draw(schema, depths, random, sparse).value(shape, _DEEPEST)

    return draw


def depths_of(schema: Schema) -> dict[str, float]:
    """How deeply nested a value of each definition must be at least; infinite where there is none."""
    depths: dict[str, float] = dict.fromkeys(schema.definitions, math.inf)
    while True:
        found = {name: depth_of(shape, depths) for name, shape in schema.definitions.items()}
        if found == depths:
            return depths
        depths = found


def depth_of(shape: Shape, depths: dict[str, float]) -> float:
    """As `depths_of`, for a shape that refers to definitions of those depths."""
    match shape:
        case Never() | Enum(()):
            return math.inf
        case Integer() | Number():
            return 0 if _has_number(shape) else math.inf
        case String(_, _, low, high):
            return math.inf if high is not None and (low or 0) > high else 0
        case Anything() | Null() | Boolean() | Enum():
            return 0
        case ListOf(items, low, high):
            if high is not None and (low or 0) > high:
                return math.inf
            return 1 + depth_of(items, depths) if low else 1
        case TupleOf(slots):
            return 1 + max((depth_of(slot, depths) for slot in slots), default=0)
        case MapOf(values, keys, low, high):
            if high is not None and (low or 0) > high:
                return math.inf
            if low and isinstance(keys, Enum) and low > len(keys.values):
                return math.inf
            return 1 + max(depth_of(values, depths), depth_of(keys, depths)) if low else 1
        case Object(properties):
            needed = (depth_of(each.shape, depths) for each in properties.values() if each.required)
            return 1 + max(needed, default=0)
        case Union(members, tag):
            return min(
                depth_of(member_with_tag(member, tag, at), depths) for at, member in enumerate(members)
            )
        case Ref(name):
            return depths.get(name, math.inf)
        case _:
            assert_never(shape)


def member_with_tag(member: Shape, tag: Tag | None, at: int) -> Shape:
    """An object of a tagged union, written out, with its tag required and of its own values; others as they are."""
    if tag is None or not isinstance(member, Object):
        return member
    own = tuple(value for value, index in tag.mapping.items() if index == at)
    if not own:
        return member
    declared = member.properties.get(tag.key)
    if declared is None:
        extra: Shape = Never() if isinstance(member.extra, str) else member.extra
        declared = Property(extra)
    inside = tuple(value for value in own if _may_be(declared.shape, value))
    shape: Shape = Enum(inside) if inside else Never()
    return Object({**member.properties, tag.key: Property(shape)}, member.extra, member.name)


def _may_be(shape: Shape, value: JSON) -> bool:
    # A reference (to a union of enums, say) is left to the caller's check of the whole value.
    return isinstance(shape, Ref) or _refers(shape) or accepts(shape, value, Schema(shape))


def _refers(shape: Shape) -> bool:
    return isinstance(shape, Union) and any(isinstance(member, Ref) for member in shape.members)


def _has_number(shape: Integer | Number) -> bool:
    if shape.minimum is None or shape.maximum is None:
        return True
    if isinstance(shape, Integer) or shape.multiple_of is not None:
        step = exact(shape.multiple_of) if shape.multiple_of else Fraction(1)
        first = math.ceil(exact(shape.minimum) / step) * step
        if accepts_number(shape, _plain(first)):
            return True
        return accepts_number(shape, _plain(first + step))
    if shape.minimum == shape.maximum:
        return not (shape.exclusive_minimum or shape.exclusive_maximum)
    return shape.minimum < shape.maximum


def _plain(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


class _Draw:
    def __init__(self, schema: Schema, depths: dict[str, float], random: Random, sparse: bool) -> None:
        self.schema = schema
        self.depths = depths
        self.random = random
        self.sparse = sparse

    def value(self, shape: Shape, budget: float) -> JSON:
        match shape:
            case Anything():
                return self.anything(budget)
            case Never():
                raise SchemaError("there is no value of this shape")
            case Null():
                return None
            case Boolean():
                return self.random.random() < 0.5
            case Integer():
                return self.integer(shape)
            case Number():
                return self.number(shape)
            case String():
                return self.text(shape)
            case Enum(values):
                return self.random.choice(values)
            case ListOf():
                return self.items(shape, budget)
            case TupleOf(slots, rest):
                tail = self.random.randint(0, 2) if rest is not None and self.fits(rest, budget - 1) else 0
                return [self.value(each, budget - 1) for each in (*slots, *([rest] * tail if rest else ()))]
            case MapOf():
                return self.map(shape, budget)
            case Object():
                return self.object(shape, budget)
            case Union():
                return self.member(shape, budget)
            case Ref(name):
                if math.isinf(self.depths.get(name, math.inf)):
                    raise SchemaError(f"there is no value of the definition {name}")
                return self.value(self.schema.definitions[name], budget)
            case _:
                assert_never(shape)

    def fits(self, shape: Shape, budget: float) -> bool:
        return depth_of(shape, self.depths) <= max(budget, 0)

    # -- scalars ---------------------------------------------------------------------------------------------

    def anything(self, budget: float) -> JSON:
        choice = self.random.randrange(5 if budget <= 1 else 7)
        simple: tuple[JSON, ...] = (None, True, self.random.randint(-9, 9), 0.5, self.word(0, 5))
        if choice < 5:
            return simple[choice]
        return [simple[2]] if choice == 5 else {"a": simple[4]}

    def integer(self, shape: Integer) -> int:
        step = shape.multiple_of or 1
        low, high = shape.minimum, shape.maximum
        if low is None and high is None:
            low, high = -100 * step, 100 * step
        first = low if low is not None else (high or 0) - 200 * step
        last = high if high is not None else first + 200 * step
        least, most = -(-first // step), last // step
        if least > most:
            raise SchemaError("there is no integer within these bounds")
        pick = self.random.random()
        if pick < 0.1:
            return least * step
        if pick < 0.2:
            return most * step
        return self.random.randint(least, most) * step

    def number(self, shape: Number) -> float | int:
        for _ in range(_TRIES):
            found = self.any_number(shape)
            if accepts_number(shape, found):
                return found
        raise SchemaError("no number was found within these bounds")

    def any_number(self, shape: Number) -> float | int:
        low = shape.minimum if shape.minimum is not None else (shape.maximum or 0) - 100
        high = shape.maximum if shape.maximum is not None else low + 200
        if shape.multiple_of is not None:
            step = exact(shape.multiple_of)
            least, most = math.ceil(exact(low) / step), math.floor(exact(high) / step)
            return _plain(self.random.randint(least, max(least, most)) * step)
        pick = self.random.random()
        if pick < 0.2:
            return self.random.choice((low, high))
        if pick < 0.5 and math.ceil(low) <= math.floor(high):
            return self.random.randint(math.ceil(low), math.floor(high))
        return round(self.random.uniform(low, high), 3) if pick < 0.8 else self.random.uniform(low, high)

    def text(self, shape: String) -> str:
        low = shape.min_length or 0
        high = shape.max_length if shape.max_length is not None else low + 8
        if high < low:
            raise SchemaError("no string is so long and so short")
        if shape.format is None and shape.pattern is None:
            return self.word(low, high)
        for _ in range(_TRIES):
            if shape.pattern is not None:
                found = from_pattern(shape.pattern, self.random)
            else:
                found = self.formatted(shape.format or "", low, high)
            if accepts_text(shape, found):
                return found
        raise SchemaError("no string was found for this pattern and format")

    def word(self, low: int, high: int) -> str:
        size = self.random.randint(low, max(low, high))
        if self.random.random() < 0.05:
            return "".join(self.random.choices("äß→\n\"'\\😀", k=size))
        return "".join(self.random.choices(LETTERS, k=size))

    def formatted(self, name: str, low: int, high: int) -> str:
        number = self.random.randint
        day = f"{number(1990, 2040)}-{number(1, 12):02}-{number(1, 28):02}"
        clock = f"{number(0, 23):02}:{number(0, 59):02}:{number(0, 59):02}"
        match name:
            case "date":
                return day
            case "date-time":
                return f"{day}T{clock}" + self.random.choice(("", "Z", "+02:00", ".250000Z"))
            case "time":
                return clock
            case "duration":
                return f"P{number(0, 9)}DT{number(0, 9)}S"
            case "decimal":
                return self.random.choice((f"{number(-99, 99)}", f"{number(0, 99)}.{number(0, 99):02}"))
            case "integer":
                return str(number(-999, 999))
            case "ipv4":
                return ".".join(str(number(0, 255)) for _ in range(4))
            case "ipv6":
                return ":".join(f"{number(0, 65535):x}" for _ in range(8))
            case "uri":
                return f"https://example.org/{self.random.choice(string.ascii_lowercase)}"
            case "email":
                return f"{self.random.choice(string.ascii_lowercase)}@example.org"
            case _ if name.startswith("uuid"):
                version = name[4:] or "4"
                digits = f"{self.random.getrandbits(128):032x}"
                return f"{digits[:8]}-{digits[8:12]}-{version}{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
            case _:
                return self.word(low, high)

    # -- containers ------------------------------------------------------------------------------------------

    def size(self, low: int | None, high: int | None, shape: Shape, budget: float) -> int:
        least = low or 0
        if high is not None and high < least:
            raise SchemaError("no list or map has so many items and so few")
        if not self.fits(shape, budget - 1):
            return least
        return self.random.randint(least, least + _LONGEST if high is None else min(high, least + _LONGEST))

    def items(self, shape: ListOf, budget: float) -> list[JSON]:
        size = self.size(shape.min_items, shape.max_items, shape.items, budget)
        found: list[JSON] = []
        for _ in range(_TRIES + size):
            if len(found) == size:
                break
            item = self.value(shape.items, budget - 1)
            if not shape.unique:
                # Duplicates are what migrations of lists forget.
                item = found[-1] if found and self.random.random() < 0.2 else item
            elif any(same(item, other) for other in found):
                continue
            found.append(item)
        if len(found) < (shape.min_items or 0) or (shape.unique and repeats(found)):
            raise SchemaError("there are not enough different items for this list")
        return found

    def map(self, shape: MapOf, budget: float) -> dict[str, JSON]:
        size = self.size(shape.min_items, shape.max_items, shape.values, budget)
        found: dict[str, JSON] = {}
        for _ in range(_TRIES + size):
            if len(found) == size:
                break
            found[self.value(shape.keys, 0)] = self.value(shape.values, budget - 1)
        if len(found) < (shape.min_items or 0):
            raise SchemaError("there are not enough different keys for this map")
        return found

    def object(self, shape: Object, budget: float) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        absent = 0.5 if self.sparse else 0.15
        for key, each in shape.properties.items():
            if each.required or (self.fits(each.shape, budget - 1) and self.random.random() >= absent):
                found[key] = self.value(each.shape, budget - 1)
        if not isinstance(shape.extra, str) and self.fits(shape.extra, budget - 1):
            for _ in range(self.random.randint(0, 2)):
                key = self.word(1, 6)
                if key not in shape.properties:
                    found[key] = self.value(shape.extra, budget - 1)
        return found

    def member(self, shape: Union, budget: float) -> JSON:
        tag = shape.tag
        options: list[tuple[float, int, Shape]] = []
        for at, member in enumerate(shape.members):
            inside = self.schema.resolve(member) if tag is not None else member
            narrowed = member_with_tag(inside, tag, at)
            options.append((depth_of(narrowed, self.depths), at, narrowed))
        shallow = [option for option in options if option[0] <= max(budget, 0)]
        if not shallow:
            least = min(option[0] for option in options)
            shallow = [option for option in options if option[0] == least]
        for _ in range(_TRIES):
            depth, at, member = self.random.choice(shallow)
            if math.isinf(depth):
                break
            found = self.value(member, budget)
            if tag is None or carries(tag, at, found):
                return found
        raise SchemaError("no value was found for any member of this union")
