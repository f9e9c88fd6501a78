"""Value functions on some keys of one object: copy, group, split, merge. Other keys are never touched, and never kept.

What the interpreter keeps of such a function is not the whole object but its own keys as they were, what they became (as a digest), and
the order of all keys; an edit to any other key of the object survives the way back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

from statemig import json_text
from statemig.errors import CollisionError, ConversionError, IrreversibleError, MigrationError, TransformError
from statemig.plan.values import fresh, kind, members
from statemig.shapes.shape import Anything, MapOf, Object, Property, Schema, Shape, is_nullable, union_of


class Keeps:
    """Base of value functions that say themselves what the way back needs, where the value as a whole would be too much."""

    __slots__ = ()

    def keep(self, value: Any, result: Any) -> Any:
        """What the way back needs, as plain JSON; it is given to `recover` of the inverse."""
        raise NotImplementedError

    def recover(self, value: Any, was: Any) -> Any:
        """The way back, given what the other direction kept."""
        raise NotImplementedError


class OnKeys(Keeps):
    """Base of functions on some keys of an object; what is no object passes through.

    `keys` are those that it may take away or put there. `on_object` does the work, and gives back the very same object where there
    is nothing to do.
    """

    __slots__ = ()
    structural: ClassVar[bool] = True

    @property
    def keys(self) -> tuple[str, ...]:
        raise NotImplementedError

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        raise NotImplementedError

    def inverse(self) -> OnKeys:
        raise NotImplementedError

    def apply(self, value: Any) -> Any:
        return self.on_object(value) if isinstance(value, dict) else value

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        from statemig.plan.effects import on_objects

        return on_objects(shape, lambda found: self.on_shape(found, schema), schema)

    def apply_to_part(self, value: Any) -> Any:
        """As `apply`, for a write that no join has taken up yet, which holds only some keys of the state. Raises where that is not
        enough."""
        return self.apply(value)

    def keep(self, value: Any, result: Any) -> dict[str, Any]:
        """What the way back needs. `idle`: nothing was done to this object, so nothing is to be undone."""
        if result is value:
            return {"idle": True}
        return {"was": self._own(value), "now": json_text.digest(self._own(result), 8), "order": list(value)}

    def recover(self, value: Any, was: Any) -> Any:
        """The way back, given what the other direction kept."""
        if "idle" in was or not isinstance(value, dict):
            return value
        if json_text.digest(self._own(value), 8) == was["now"]:
            rest = {key: inner for key, inner in value.items() if key not in self.keys}
            made = {**rest, **fresh(was["was"])}
        else:
            made = self.after_edit(value, was["was"])
        order = [key for key in was["order"] if key in made]
        return {key: made[key] for key in (*order, *(key for key in made if key not in set(order)))}

    def after_edit(self, value: dict[str, Any], was: dict[str, Any]) -> dict[str, Any]:
        """The counterpart of an object whose own keys were edited since; `was` is what they were."""
        return self.on_object(value)

    def _own(self, value: dict[str, Any]) -> dict[str, Any]:
        return {key: value[key] for key in self.keys if key in value}


@dataclass(frozen=True, slots=True)
class CopyKey(OnKeys):
    """The value at `source` is at `target` too."""

    source: str
    target: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.target,)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        if self.source not in value:
            return value
        _refuse_collision(value, [self.target], f"{self.source!r} cannot be copied to it")
        return {**value, self.target: fresh(value[self.source])}

    def inverse(self) -> OnKeys:
        return DropCopy(self.source, self.target)

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        found = property_at(shape, self.source)
        if found is None:
            return shape
        there = property_at(shape, self.target)
        held = found.shape if there is None else union_of(found.shape, there.shape)
        required = found.required or (there is not None and there.required)
        return with_properties(shape, {self.target: Property(held, required)})


@dataclass(frozen=True, slots=True)
class DropCopy(OnKeys):
    """The copy at `target` goes."""

    source: str
    target: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.target,)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        return _less(value, [self.target]) if self.target in value else value

    def inverse(self) -> OnKeys:
        return CopyKey(self.source, self.target)

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        return without_properties(shape, [self.target])


@dataclass(frozen=True, slots=True)
class Group(OnKeys):
    """The values at `names` go into a new object at `into`, which is there even where none of them is."""

    names: tuple[str, ...]
    into: str

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.names, self.into)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        if self.into not in self.names:
            _refuse_collision(value, [self.into], "nothing can be grouped in it")
        inside = {name: value[name] for name in self.names if name in value}
        return _in_place(value, self.names, {self.into: inside})

    def inverse(self) -> OnKeys:
        return Ungroup(self.into, self.names)

    def apply_to_part(self, value: Any) -> Any:
        if _all_or_none(value, self.names):
            return self.apply(value)
        # What a write has at the group's own name is an old field of that name, which the whole state would have been refused for.
        _refuse_collision(value, [self.into], "nothing can be grouped in it")
        return value

    def after_edit(self, value: dict[str, Any], was: dict[str, Any]) -> dict[str, Any]:
        made = self.on_object(value)
        before = was.get(self.into)
        if isinstance(before, dict):  # keys that nobody named could not be ungrouped
            more = {key: fresh(inner) for key, inner in before.items() if key not in self.names}
            made = {**made, self.into: {**made[self.into], **more}}
        return made

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        found = {name: property_at(shape, name) for name in self.names}
        inside = Object({name: prop for name, prop in found.items() if prop is not None})
        return with_properties(without_properties(shape, self.names), {self.into: Property(inside)})


@dataclass(frozen=True, slots=True)
class Ungroup(OnKeys):
    """The values at `names` of the object at `into` come out of it, and it goes."""

    into: str
    names: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.names, self.into)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        if self.into not in value:
            return value
        inside = {} if value[self.into] is None else value[self.into]
        if not isinstance(inside, dict):
            raise ConversionError(f"expected an object to flatten, found {kind(inside)}")
        out = {name: inside[name] for name in self.names if name in inside}
        _refuse_collision(_less(value, [self.into]), out, f"it cannot come out of {self.into!r}")
        return _in_place(value, [self.into], out)

    def inverse(self) -> OnKeys:
        return Group(self.names, self.into)

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        there = property_at(shape, self.into)
        if there is None:
            return shape
        found = members(there.shape, schema)
        objects = [member for member in found if isinstance(member, Object | MapOf | Anything)]
        nullable = is_nullable(there.shape, schema)
        rest = without_properties(shape, [self.into])
        made: dict[str, Property] = {}
        for name in self.names:
            held: list[Shape] = []
            certain = there.required and not nullable
            for member in objects:
                prop = property_at(member, name)
                if prop is not None:
                    held.append(prop.shape)
                certain = certain and prop is not None and prop.required
            other = property_at(rest, name)
            if other is not None:
                held.append(other.shape)
                certain = certain or other.required
            if held:
                made[name] = Property(union_of(*held), certain)
        return with_properties(rest, made)


Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Split(OnKeys):
    """The value at `name` becomes the values that `by` makes of it, at the names `into`."""

    name: str
    into: tuple[str, ...]
    by: Function | None
    join: Function | None
    operation: str = field(default="split_field", compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.name, *self.into)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        if self.name not in value:
            return value
        others = _less(value, [self.name])
        _refuse_collision(others, self.into, f"{self.name!r} cannot be split into it")
        made = call(self.by, self.operation, fresh(value[self.name]))
        if isinstance(made, tuple):
            made = list(made)
        if not isinstance(made, list) or len(made) != len(self.into):
            raise TransformError(
                f"the function of {self.operation} must return {len(self.into)} values ({', '.join(self.into)}), as a tuple"
            )
        refuse_non_json(made, self.operation)
        return _in_place(value, [self.name], dict(zip(self.into, made, strict=True)))

    def inverse(self) -> OnKeys:
        return Merge(self.into, self.name, self.join, self.by, self.operation)

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        found = property_at(shape, self.name)
        if found is None:
            return shape
        rest = without_properties(shape, [self.name])
        return with_properties(
            rest, {name: _opaque(property_at(rest, name), found.required) for name in self.into}
        )


@dataclass(frozen=True, slots=True)
class Merge(OnKeys):
    """The values at `names` become the one that `by` makes of them, at `into`. All of them have to be there, or none."""

    names: tuple[str, ...]
    into: str
    by: Function | None
    split: Function | None
    operation: str = field(default="merge_fields", compare=False)

    @property
    def keys(self) -> tuple[str, ...]:
        return (*self.names, self.into)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        absent = [name for name in self.names if name not in value]
        if len(absent) == len(self.names):
            return value
        if absent:
            raise ConversionError(
                f"{', '.join(map(repr, absent))} is absent, so the fields cannot be merged",
                hint="Fill it first with make_required, or write a transform",
            )
        _refuse_collision(_less(value, self.names), [self.into], "nothing can be merged into it")
        made = call(self.by, self.operation, *(fresh(value[name]) for name in self.names))
        refuse_non_json(made, self.operation)
        return _in_place(value, self.names, {self.into: made})

    def inverse(self) -> OnKeys:
        return Split(self.into, self.names, self.split, self.by, self.operation)

    def apply_to_part(self, value: Any) -> Any:
        return self.apply(value) if _all_or_none(value, self.names) else value

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        found = [property_at(shape, name) for name in self.names]
        if any(prop is None for prop in found):
            return shape
        required = any(prop is not None and prop.required for prop in found)
        rest = without_properties(shape, self.names)
        return with_properties(rest, {self.into: _opaque(property_at(rest, self.into), required)})


# -- functions of the script -------------------------------------------------------------------------------------------


def call(function: Function | None, operation: str, *arguments: Any) -> Any:
    """The result of a function of the script. Raises `TransformError` naming the operation, with what was raised as the cause."""
    if function is None:
        raise IrreversibleError(
            f"{operation} has no function for this direction",
            hint="Give it one, or accept that runs born at this version stay",
        )
    try:
        return function(*arguments)
    except Exception as error:
        raise TransformError(
            f"the function of {operation} raised {type(error).__name__}",
            hint="Run it on this state: it must not fail on any value that the old version wrote",
        ) from error


def refuse_non_json(value: Any, operation: str) -> None:
    found = json_text.problem(value)
    if found is not None:
        raise TransformError(f"the function of {operation} returned what is not JSON: {found}")


# -- keys and properties -----------------------------------------------------------------------------------------------


def _less(value: dict[str, Any], names: Any) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key not in names}


def _in_place(value: dict[str, Any], names: Any, made: dict[str, Any]) -> dict[str, Any]:
    """With `made` where the first of `names` was, and without the others; at the end where there was none."""
    out: dict[str, Any] = {}
    for key, inner in value.items():
        if key not in names:
            out[key] = inner
        elif not made.keys() <= out.keys():
            out |= made
    return out | made


def _refuse_collision(value: dict[str, Any], names: Any, so: str) -> None:
    for name in names:
        if name in value:
            raise CollisionError(
                f"{name!r} is there already, so {so}", hint="Remove or rename one of the two first"
            )


def _all_or_none(value: Any, names: tuple[str, ...]) -> bool:
    """Whether a write holds all of these fields rather than none. Raises `MigrationError` where it holds a part of them."""
    found = [name for name in names if name in value]
    if found and len(found) < len(names):
        raise MigrationError(
            "a write that no join has taken up yet holds only a part of these fields, so they cannot be brought together in it",
            hint="Let those runs reach their join first, or write a transform",
        )
    return bool(found)


def property_at(shape: Shape, name: str) -> Property | None:
    """What an object may have at a key, extra keys that are kept included."""
    match shape:
        case Anything():
            return Property(shape, required=False)
        case MapOf(values):
            return Property(values, required=False)
        case Object(properties, extra):
            if name in properties:
                return properties[name]
            return None if isinstance(extra, str) else Property(extra, required=False)
        case _:
            return None


def with_properties(shape: Object, properties: dict[str, Property]) -> Object:
    return Object({**shape.properties, **properties}, shape.extra, shape.name)


def without_properties(shape: Object, names: Any) -> Object:
    kept = {key: prop for key, prop in shape.properties.items() if key not in names}
    return Object(kept, shape.extra, shape.name)


def _opaque(there: Property | None, required: bool) -> Property:
    made = Anything(opaque="a function of the script")
    return Property(made, required or (there is not None and there.required))
