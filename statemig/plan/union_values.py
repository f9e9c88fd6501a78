"""Value functions on the members of a union: write and drop a tag, make one variant another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from statemig.errors import ConversionError, TransformError
from statemig.plan.key_values import (
    OnKeys,
    call,
    property_at,
    refuse_non_json,
    with_properties,
    without_properties,
)
from statemig.plan.values import ValueFunction, fresh, kind, merge_enums, of_value
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    MapOf,
    Missing,
    Never,
    Object,
    Property,
    Schema,
    Shape,
    String,
    union_of,
)

Function = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class WriteTag(OnKeys):
    """An object without `key` gets it. `infer`: ("value", x) for the same tag everywhere, ("fields", ((field, tag), ...)) for the tag of
    the first field that is there, or a function of the script from object to tag."""

    key: str
    infer: Any

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        return value if self.key in value else {**value, self.key: self._tag(value)}

    def _tag(self, value: dict[str, Any]) -> Any:
        if isinstance(self.infer, Missing):
            raise ConversionError(
                f"nobody said how {self.key!r} follows from the rest of the object",
                hint="Say it: untag(..., infer=...)",
            )
        if not isinstance(self.infer, tuple):
            tag = call(self.infer, "tag_union", fresh(value))
            if not isinstance(tag, str | int):
                raise TransformError(
                    f"infer must return the tag, a text, a number or a boolean, not {kind(tag)}"
                )
            return tag
        how, what = self.infer
        if how == "value":
            return what
        for name, tag in what:
            if name in value:
                return tag
        raise ConversionError(
            f"this object has none of {', '.join(repr(name) for name, _ in what)}, so its {self.key!r} is not known",
            hint="Add a field to infer, or give a function that knows every object",
        )

    def inverse(self) -> OnKeys:
        return DropTag(self.key, self.infer)

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        there = property_at(shape, self.key)
        if there is not None and there.required:
            return shape
        tags = self._tags(shape)
        held = merge_enums(tags if there is None else union_of(there.shape, tags))
        if isinstance(held, Never):
            return held
        return with_properties(shape, {self.key: Property(held)})

    def _tags(self, shape: Object) -> Shape:
        if not isinstance(self.infer, tuple):
            return union_of(String(), Integer(), Boolean())
        how, what = self.infer
        if how == "value":
            return of_value(what)
        out: list[Shape] = []
        for name, tag in what:
            prop = property_at(shape, name)
            if prop is not None:
                out.append(of_value(tag))
                if prop.required:
                    break
        return merge_enums(union_of(*out))


@dataclass(frozen=True, slots=True)
class DropTag(OnKeys):
    """`key` goes from each object."""

    key: str
    infer: Any = MISSING

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,)

    def on_object(self, value: dict[str, Any]) -> dict[str, Any]:
        if self.key not in value:
            return value
        return {name: inner for name, inner in value.items() if name != self.key}

    def inverse(self) -> OnKeys:
        return WriteTag(self.key, self.infer)

    def on_shape(self, shape: Object, schema: Schema) -> Shape:
        return without_properties(shape, [self.key])


@dataclass(frozen=True, slots=True)
class RemoveVariant:
    """An object whose `key` is `variant` becomes what `to` says: ("value", x), or a function of the script."""

    key: str
    variant: Any
    to: Any = MISSING
    operation: str = field(default="remove_variant", compare=False)
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        if not self._is_variant(value):
            return value
        if isinstance(self.to, Missing):
            raise ConversionError(
                f"the other version has no variant {self.key}={self.variant}, and nobody said what it becomes",
                hint="Say it in the script, in remove_variant or add_variant: to=op.value(...), or a function",
            )
        if isinstance(self.to, tuple):
            return fresh(self.to[1])
        made = call(self.to, self.operation, fresh(value))
        refuse_non_json(made, self.operation)
        if self._is_variant(made):
            raise TransformError(f"the function of {self.operation} returned the variant that goes")
        return made

    def _is_variant(self, value: Any) -> bool:
        if not isinstance(value, dict) or self.key not in value:
            return False
        found = value[self.key]
        return type(found) is type(self.variant) and bool(found == self.variant)

    def inverse(self) -> ValueFunction:
        return AllowVariant(self.key, self.variant, self.to)

    def recover(self, value: Any, was: Any) -> Any:
        return self.apply(value)

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        from statemig.plan.effects import on_objects

        gone: list[bool] = []

        def rest(found: Object) -> Shape:
            prop = property_at(found, self.key)
            if prop is None:
                return found
            held = schema.resolve(prop.shape)
            if not isinstance(held, Enum):
                gone.append(True)
                return found
            others = tuple(
                each for each in held.values if type(each) is not type(self.variant) or each != self.variant
            )
            if len(others) == len(held.values):
                return found
            gone.append(True)
            if others:
                return with_properties(found, {self.key: Property(Enum(others), prop.required)})
            return Never() if prop.required else without_properties(found, [self.key])

        made = on_objects(shape, rest, schema)
        resolved = schema.resolve(shape)
        if isinstance(resolved, Anything | MapOf):
            return Anything()
        if not gone or isinstance(self.to, Missing):
            return made
        if isinstance(self.to, tuple):
            return union_of(made, of_value(self.to[1]))
        return union_of(made, Anything(opaque="a function of the script"))


@dataclass(frozen=True, slots=True)
class AllowVariant:
    """Nothing changes, but the variant is possible from here on. The way back of `RemoveVariant`."""

    key: str
    variant: Any
    to: Any = MISSING
    structural: bool = field(default=True, init=False, repr=False)

    def apply(self, value: Any) -> Any:
        return value

    def inverse(self) -> ValueFunction:
        return RemoveVariant(self.key, self.variant, self.to, "add_variant")

    def recover(self, value: Any, was: Any) -> Any:
        return value

    def shape(self, shape: Shape, schema: Schema) -> Shape:
        return shape
