"""Value functions on the slots of tuples."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from statemig.errors import ConversionError
from statemig.plan.container_values import as_list
from statemig.plan.values import ValueFunction, fresh, members, of_value
from statemig.shapes.shape import (
    MISSING,
    Anything,
    ListOf,
    Missing,
    Null,
    Schema,
    Shape,
    TupleOf,
    union_of,
)


@dataclass(frozen=True, slots=True)
class AddSlot:
    """A tuple gets `value` at `index`; what stood there and behind it moves on by one. null stays."""

    index: int
    value: Any = MISSING
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return self._with(value, self.value)

    def _with(self, value: Any, new: Any) -> Any:
        if value is None:
            return None
        if len(as_list(value)) < self.index:
            raise ConversionError(
                f"expected at least {self.index} slots before the new one, found {len(value)}"
            )
        if isinstance(new, Missing):
            raise ConversionError(
                "nobody said what the slot holds", hint="Say it: tuple_remove(..., restore=...)"
            )
        return [*value[: self.index], fresh(new), *value[self.index :]]

    def inverse(self) -> ValueFunction:
        return RemoveSlot(self.index, self.value)

    def recover(self, value: Any, was: Any) -> Any:
        if not isinstance(was, list):
            return self.apply(value)
        return self._with(value, was[self.index]) if len(was) > self.index else value

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        if isinstance(self.value, Missing):
            new: Shape = Anything()
        else:
            new = of_value(self.value)
        out: list[Shape] = []
        at = self.index
        for member in members(shape, schema):
            match member:
                case TupleOf(slots, rest):
                    if len(slots) >= at:
                        out.append(TupleOf((*slots[:at], new, *slots[at:]), rest))
                    elif rest is not None:
                        more = (rest,) * (at - len(slots))
                        out.append(TupleOf((*slots, *more, new), rest))
                case ListOf(items, least, most):
                    if most is None or most >= at:
                        out.append(
                            ListOf(
                                union_of(items, new),
                                max(least or 0, at) + 1,
                                None if most is None else most + 1,
                            )
                        )
                case Anything() | Null():
                    out.append(member)
                case _:
                    pass  # a value that is no list raises
        return union_of(*out)


@dataclass(frozen=True, slots=True)
class RemoveSlot:
    """The slot at `index` goes, where it is there; those behind it move up. null stays."""

    index: int
    restore: Any = MISSING
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None or len(as_list(value)) <= self.index:
            return value
        return [*value[: self.index], *value[self.index + 1 :]]

    def inverse(self) -> ValueFunction:
        return AddSlot(self.index, self.restore)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        at = self.index
        for member in members(shape, schema):
            match member:
                case TupleOf(slots, rest):
                    out.append(TupleOf((*slots[:at], *slots[at + 1 :]), rest))
                case ListOf(items, least, most, unique):
                    out.append(
                        ListOf(items, least if least and least <= at else _one_less(least), most, unique)
                    )
                case Anything() | Null():
                    out.append(member)
                case _:
                    pass  # a value that is no list raises
        return union_of(*out)


@dataclass(frozen=True, slots=True)
class Permute:
    """Slot i of the tuple is what stood at `order[i]`; what lies behind these slots stays. null stays."""

    order: tuple[int, ...]
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if value is None:
            return None
        if len(as_list(value)) < len(self.order):
            raise ConversionError(f"expected at least {len(self.order)} slots, found {len(value)}")
        return [*(value[at] for at in self.order), *value[len(self.order) :]]

    def inverse(self) -> ValueFunction:
        return Permute(inverse_order(self.order))

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        out: list[Shape] = []
        count = len(self.order)
        for member in members(shape, schema):
            match member:
                case TupleOf(slots, rest):
                    if len(slots) < count and rest is not None:
                        slots = (*slots, *(rest,) * (count - len(slots)))
                    if len(slots) >= count:
                        out.append(TupleOf((*(slots[at] for at in self.order), *slots[count:]), rest))
                case ListOf(items, least, most, unique):
                    if most is None or most >= count:
                        out.append(ListOf(items, max(least or 0, count), most, unique))
                case Anything() | Null():
                    out.append(member)
                case _:
                    pass  # a value that is no list raises
        return union_of(*out)


def inverse_order(order: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(order.index(at) for at in range(len(order)))


def _one_less(least: int | None) -> int | None:
    return least - 1 if least and least > 1 else None
