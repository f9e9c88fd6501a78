"""Value functions on all keys of an object but some: group them in an object, and take them out again.

For objects that hold a map beside fields of their own, such as data by mime type beside a type. The keys that go in or come out are
known only when an object is there; those that stay (`outside`) are what the script names.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from statemig.errors import CollisionError, ConversionError, MigrationError
from statemig.plan.key_values import OnKeys, property_at, with_properties
from statemig.plan.values import kind, members
from statemig.shapes.shape import Anything, MapOf, Object, Property, Schema, Shape, is_nullable, union_of


class _Rest(OnKeys):
    """What both directions keep is the order of the keys; the values are all still there."""

    __slots__ = ()
    outside: tuple[str, ...]
    into: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.into,)

    def keep(self, value: Any, result: Any) -> dict[str, Any]:
        if result is value:
            return {"idle": True}
        null = self.into in value and value[self.into] is None
        return {"order": list(value), **({"null": True} if null else {})}

    def recover(self, value: Any, was: Any) -> Any:
        if "idle" in was or not isinstance(value, dict):
            return value
        made = self.after(value, was["order"])
        if "null" in was and made.get(self.into) == {}:
            made[self.into] = None
        order = [key for key in was["order"] if key in made]
        return {key: made[key] for key in (*order, *(key for key in made if key not in set(order)))}

    def after(self, value: dict[str, Any], order: list[str]) -> dict[str, Any]:
        """The way back of an object that had these keys."""
        return self.on_object(value)


@dataclass(frozen=True, slots=True)
class GroupRest(_Rest):
    """What an object has at other keys than `outside` goes into a new object at `into`, which is there even where there is nothing."""

    outside: tuple[str, ...]
    into: str

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        return self._grouped(value, self.outside)

    def after(self, value: dict[str, Any], order: list[str]) -> dict[str, Any]:
        return self._grouped(value, {*self.outside, *order} - {self.into})

    def _grouped(self, value: dict[str, Any], outside: Collection[str]) -> dict[str, Any]:
        inside = {key: inner for key, inner in value.items() if key not in outside}
        made: dict[str, Any] = {}
        for key, inner in value.items():
            if key in outside:
                made[key] = inner
            elif self.into not in made:
                made[self.into] = inside
        return made if inside else {**made, self.into: inside}

    def inverse(self) -> OnKeys:
        return UngroupRest(self.outside, self.into)

    def apply_to_part(self, value: Any) -> Any:
        if any(key not in self.outside for key in value):
            raise MigrationError(
                "a write that no join has taken up yet holds only a part of the state, so its fields cannot be brought together",
                hint="Let those runs reach their join first, or write a transform",
            )
        return value

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        stays = {key: prop for key, prop in shape.properties.items() if key in self.outside}
        goes = {key: prop for key, prop in shape.properties.items() if key not in self.outside}
        if isinstance(shape.extra, str):
            return with_properties(
                Object(stays, shape.extra, shape.name), {self.into: Property(Object(goes, shape.extra))}
            )
        for key in self.outside:  # an extra key of that name stays
            stays.setdefault(key, Property(shape.extra, required=False))
        inside: Shape = Object(goes, shape.extra) if goes else MapOf(shape.extra)
        return with_properties(Object(stays, "forbid", shape.name), {self.into: Property(inside)})


@dataclass(frozen=True, slots=True)
class UngroupRest(_Rest):
    """All that the object at `into` has comes out of it, and it goes. `outside` are the keys beside it, which nothing may take."""

    outside: tuple[str, ...]
    into: str

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        if self.into not in value:
            return value
        inside = {} if value[self.into] is None else value[self.into]
        if not isinstance(inside, dict):
            raise ConversionError(f"expected an object to flatten, found {kind(inside)}")
        taken = [key for key in self.outside if key in inside]
        if taken:
            raise CollisionError(f"{taken[0]!r} is a field beside {self.into!r}, so it cannot come out of it")
        made: dict[str, Any] = {}
        for key, inner in value.items():
            if key != self.into and key in inside:
                raise CollisionError(
                    f"a key of {self.into!r} is there beside it already, so it cannot come out of it"
                )
            made |= inside if key == self.into else {key: inner}
        return made

    def inverse(self) -> OnKeys:
        return GroupRest(self.outside, self.into)

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        there = property_at(shape, self.into)
        if there is None:
            return shape
        found = [each for each in members(there.shape, schema) if isinstance(each, Object | MapOf | Anything)]
        always = there.required and not is_nullable(there.shape, schema) and len(found) == 1
        made = {key: prop for key, prop in shape.properties.items() if key != self.into}
        extras: list[Shape] = [] if isinstance(shape.extra, str) else [shape.extra]
        for member in found:
            match member:
                case Object(properties, extra):
                    for key, prop in properties.items():
                        if key in self.outside:
                            continue  # such a document is refused
                        other = made.get(key)
                        held = prop.shape if other is None else union_of(other.shape, prop.shape)
                        made[key] = Property(held, always and prop.required)
                    if not isinstance(extra, str):
                        extras.append(extra)
                case MapOf(values):
                    extras.append(values)
                case _:
                    extras.append(Anything())
        if not extras:
            return Object(made, shape.extra, shape.name)
        widened = union_of(*extras)
        for key, prop in made.items():
            if key not in self.outside and not prop.required:
                made[key] = Property(union_of(prop.shape, widened), required=False)
        return Object(made, widened, shape.name)


__all__ = ["GroupRest", "UngroupRest"]
