"""The shape interpreter: what an instruction makes of the schema of run documents.

Sound in one direction: every document that an instruction makes of a document of the schema lies in the result. Where an instruction
raises for some documents, the result only has to hold the others.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import assert_never

from statemig import json_text
from statemig.errors import OperationError
from statemig.path import Definition, Items, Key, Path, Segment, Slot, Values, Variant
from statemig.plan.calls import calls_in_schema
from statemig.plan.ids import shape_of_id
from statemig.plan.instructions import (
    Apply,
    CloseStep,
    Divide,
    Drop,
    Fill,
    Instruction,
    MapCalls,
    MapQuestions,
    Mint,
    Move,
    OpenStep,
    Put,
    Refuse,
    Reinstate,
    Rejoin,
    Relabel,
    Rename,
    Reorder,
    Retype,
    Unfill,
    Unite,
    Withdraw,
)
from statemig.plan.names import renamed_definition, renamed_key
from statemig.plan.values import FillNull, add_value, members, of_value
from statemig.plan.walk import occurrences_in_schema
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    Anything,
    Enum,
    ListOf,
    MapOf,
    Missing,
    Never,
    Null,
    Object,
    Property,
    Schema,
    Shape,
    String,
    Tag,
    TupleOf,
    Union,
    union_of,
)

Change = Callable[[Shape], Shape]


def apply(schema: Schema, instructions: Sequence[Instruction]) -> Schema:
    """The schema after the instructions. Raises `OperationError` where a path names nothing in the schema."""
    for instruction in instructions:
        schema = _apply(schema, instruction)
    return schema


def _apply(schema: Schema, instruction: Instruction) -> Schema:
    match instruction:
        case Put(parent, key, value) | Fill(parent, key, value):
            if isinstance(value, Missing):
                return schema
            known = _outside(schema, parent)
            return _objects(schema, parent, lambda shape: _with_value(shape, key, value, known))
        case Mint(parent, key, length):
            made = shape_of_id(length)
            return _objects(schema, parent, lambda shape: _with_shape(shape, key, made))
        case Drop(parent, key):
            shapes_at(schema, parent / key)
            return _objects(schema, parent, lambda shape: _without(shape, key))
        case Unfill(parent, key):
            shapes_at(schema, parent / key)
            return _objects(schema, parent, lambda shape: _optional(shape, key))
        case Rename(parent, old, new):
            shapes_at(schema, parent / old)
            changed = _objects(schema, parent, lambda shape: _renamed(shape, old, new))
            return _edit(changed, parent, lambda shape: renamed_key(shape, old, new))
        case Move(base, source, target, prune):
            shapes_at(schema, Path((*base.segments, *map(Key, source))))
            return _objects(schema, base, lambda shape: _moved(shape, source, target, prune, schema))
        case Apply(path, function):
            if isinstance(function, FillNull) and _outside(schema, path) is not schema:
                filled = function.fill

                def fill(shape: Shape) -> Shape:
                    made = function.shape(shape, schema)
                    return made if isinstance(filled, Missing) else union_of(made, of_value(filled))

                return _edit(schema, path, fill)
            return _edit(schema, path, lambda shape: function.shape(shape, schema))
        case Refuse() | Reorder() | Rejoin() | Withdraw() | Reinstate() | MapQuestions():
            return schema
        case Divide(step, _, part):
            return schema if step == part else _outputs(schema, lambda shape: _renamed(shape, step, part))
        case Unite(steps, into, merge=merge):
            return _outputs(schema, lambda shape: _united(shape, steps, into, merge is not None, schema))
        case MapCalls():
            return calls_in_schema(schema, instruction)
        case Retype(old, new):
            return renamed_definition(schema, old, new)
        case Relabel(old, new):
            return _outputs(schema, lambda shape: _renamed(shape, old, new))
        case CloseStep(step, _, output, _):
            for path, value in output:
                schema = _objects(schema, path.parent, _may_have(path.key, value, schema))
            return _outputs(schema, lambda shape: _without(shape, step))
        case OpenStep(step, _, backfill):
            if isinstance(backfill, Missing):
                return schema
            return _outputs(schema, _may_have(step, backfill, schema))
        case _:
            assert_never(instruction)


def _outside(schema: Schema, path: Path) -> Schema:
    """The schema to judge a value by that is put at a path. Below ``<Node>`` what a `Node` is changes with the operation and the value
    does not, so there it is judged without definitions."""
    inside = path.segments and isinstance(path.segments[0], Definition)
    return Schema(schema.root) if inside else schema


# -- one object --------------------------------------------------------------------------------------------------------


def _with_value(shape: Object, key: str, value: object, schema: Schema) -> Shape:
    there = shape.properties.get(key)
    if there is None:
        made = of_value(value) if isinstance(shape.extra, str) else union_of(of_value(value), shape.extra)
        return _set(shape, key, Property(made))
    held = there.shape if there.required else add_value(there.shape, value, schema)
    return _set(shape, key, _like(there, held, required=True))


def _with_shape(shape: Object, key: str, made: Shape) -> Shape:
    there = shape.properties.get(key)
    if there is None:
        held = made if isinstance(shape.extra, str) else union_of(made, shape.extra)
        return _set(shape, key, Property(held))
    held = there.shape if there.required else union_of(there.shape, made)
    return _set(shape, key, _like(there, held, required=True))


def _may_have(key: str, value: object, schema: Schema) -> Callable[[Object], Shape]:
    def change(shape: Object) -> Shape:
        there = shape.properties.get(key)
        if there is None:
            return _set(shape, key, Property(of_value(value), required=False))
        return _set(shape, key, _like(there, add_value(there.shape, value, schema), required=there.required))

    return change


def _without(shape: Object, key: str) -> Shape:
    return Object(
        {name: prop for name, prop in shape.properties.items() if name != key}, shape.extra, shape.name
    )


def _optional(shape: Object, key: str) -> Shape:
    there = shape.properties.get(key)
    return shape if there is None else _set(shape, key, _like(there, there.shape, required=False))


def _renamed(shape: Object, old: str, new: str) -> Shape:
    moved = shape.properties.get(old)
    there = shape.properties.get(new)
    if moved is None:
        if isinstance(shape.extra, str) or (there is not None and there.required):
            return shape
        held = shape.extra if there is None else union_of(there.shape, shape.extra)
        return _set(shape, new, Property(held, required=False))
    if there is not None:  # both together raise, so a document has one of the two
        moved = _like(moved, union_of(moved.shape, there.shape), required=moved.required or there.required)
    elif not isinstance(shape.extra, str) and not moved.required:
        moved = _like(moved, union_of(moved.shape, shape.extra), required=False)
    properties = {
        new if name == old else name: moved if name == old else prop
        for name, prop in shape.properties.items()
        if name != new
    }
    return Object(properties, shape.extra, shape.name)


def _united(shape: Object, steps: Sequence[str], into: str, decided: bool, schema: Schema) -> Shape:
    """The outputs of several steps as that of one: each alone, or the keys of all of them together."""
    there = [shape.properties[step] for step in steps if step in shape.properties]
    if not isinstance(shape.extra, str):
        there.append(Property(shape.extra, required=False))
    if not there:
        return shape
    if decided:
        made: Shape = Anything(opaque="a function of the script")
    else:
        found = [member for prop in there for member in members(prop.shape, schema)]
        made = union_of(*(prop.shape for prop in there))
        if sum(isinstance(member, Object | MapOf | Anything) for member in found) > 1:
            made = union_of(made, _together(found))
    rest = {name: prop for name, prop in shape.properties.items() if name not in steps}
    if into in rest:  # both together raise, so a document has one of the two
        made = union_of(made, rest.pop(into).shape)
    place = min((list(shape.properties).index(step) for step in steps if step in shape.properties), default=0)
    items = list(rest.items())
    items.insert(place, (into, Property(made, required=False)))
    return Object(dict(items), shape.extra, shape.name)


def _together(found: Sequence[Shape]) -> Shape:
    """Objects that have keys of several objects."""
    if any(isinstance(each, MapOf | Anything) for each in found):
        return Anything()
    objects = [each for each in found if isinstance(each, Object)]
    properties: dict[str, Property] = {}
    for each in objects:
        if not isinstance(each.extra, str):
            return Anything()
        for key, prop in each.properties.items():
            there = properties.get(key)
            held = prop.shape if there is None else union_of(there.shape, prop.shape)
            properties[key] = Property(held, required=False)
    return Object(properties)


def _moved(
    shape: Object, source: tuple[str, ...], target: tuple[str, ...], prune: int, schema: Schema
) -> Shape:
    taken: list[Property] = []

    def take(holder: Object) -> Shape:
        prop = holder.properties.get(source[-1])
        if prop is not None:
            taken.append(prop)
        elif not isinstance(holder.extra, str):
            taken.append(Property(holder.extra, required=False))
        return _without(holder, source[-1])

    certain = _certain(shape, source[:-1], schema)
    without = _edit_shape(shape, tuple(map(Key, source[:-1])), _on_objects(take, schema), schema)
    for end in range(len(source) - 1, max(len(source) - 1 - prune, 0), -1):
        *way, emptied = source[:end]  # goes where nothing is left in it
        without = _edit_shape(
            without,
            tuple(map(Key, way)),
            _on_objects(lambda holder, key=emptied: _optional(holder, key), schema),  # type: ignore[misc]
            schema,
        )
    if not taken:
        return without
    moved = union_of(*(prop.shape for prop in taken))
    required = certain and all(prop.required for prop in taken)
    return _place(without, target, _like(taken[0], moved, required=required), schema)


def _place(shape: Shape, target: tuple[str, ...], prop: Property, schema: Schema) -> Shape:
    key, rest = target[0], target[1:]

    def put(holder: Object) -> Shape:
        there = holder.properties.get(key)
        if not rest:
            if there is None:
                shape = prop.shape if isinstance(holder.extra, str) else union_of(prop.shape, holder.extra)
                return _set(holder, key, _like(prop, shape, required=prop.required))
            return _set(
                holder,
                key,
                _like(there, union_of(there.shape, prop.shape), required=there.required or prop.required),
            )
        if there is None:
            inner = _place(Object({}), rest, _like(prop, prop.shape, required=True), schema)
            if not isinstance(holder.extra, str):
                inner = union_of(inner, holder.extra, _place(holder.extra, rest, prop, schema))
            return _set(holder, key, Property(inner, required=prop.required))
        # What is no object cannot take the value, so where there always is one to take, no document gets that far.
        takers = _objects_of(there.shape, schema) if prop.required else there.shape
        inner = _place(takers, rest, prop, schema)
        if not there.required:
            made = _place(Object({}), rest, _like(prop, prop.shape, required=True), schema)
            inner = union_of(inner, made)
        return _set(holder, key, _like(there, inner, required=there.required or prop.required))

    return _on_objects(put, schema)(shape)


def _objects_of(shape: Shape, schema: Schema) -> Shape:
    resolved = schema.resolve(shape)
    if isinstance(resolved, Union):
        return union_of(*(_objects_of(each, schema) for each in resolved.members))
    return shape if isinstance(resolved, Object | MapOf | Anything) else Never()


def _certain(shape: Shape, keys: tuple[str, ...], schema: Schema) -> bool:
    """Whether every value of the shape has an object at the end of these keys."""
    for key in keys:
        resolved = schema.resolve(shape)
        if not isinstance(resolved, Object) or key not in resolved.properties:
            return False
        prop = resolved.properties[key]
        if not prop.required:
            return False
        shape = prop.shape
    return isinstance(schema.resolve(shape), Object)


def _set(shape: Object, key: str, prop: Property) -> Object:
    return Object({**shape.properties, key: prop}, shape.extra, shape.name)


def _like(prop: Property, shape: Shape, *, required: bool) -> Property:
    return Property(shape, required, prop.default, prop.python_name, prop.aliases, prop.description)


# -- places ------------------------------------------------------------------------------------------------------------


def _objects(schema: Schema, path: Path, change: Callable[[Object], Shape]) -> Schema:
    return _edit(schema, path, _on_objects(change, schema))


def _outputs(schema: Schema, change: Callable[[Object], Shape]) -> Schema:
    root = schema.resolve(schema.root)
    if not isinstance(root, Object) or "outputs" not in root.properties:
        return schema
    return _objects(schema, Path.of("outputs"), change)


def _on_objects(change: Callable[[Object], Shape], schema: Schema) -> Change:
    """At run time an instruction on objects passes over all else, so the other members of a union stay."""

    def on(shape: Shape) -> Shape:
        resolved = schema.resolve(shape)
        match resolved:
            case Object():
                return change(resolved)
            case Union(members, tag):
                changed = tuple(on(member) for member in members)
                return shape if changed == members else _reunite(changed, tag, schema)
            case MapOf(values):
                made = change(Object({}, values))
                if isinstance(made, Object):  # a map may gain a key of another shape
                    extra = [prop.shape for prop in made.properties.values()]
                    return MapOf(union_of(values, *extra), _with_keys(resolved.keys, made.properties, schema))
                return resolved
            case _:
                return shape

    return on


def on_objects(shape: Shape, change: Callable[[Object], Shape], schema: Schema) -> Shape:
    """What becomes of a shape when the objects among its values change."""
    return _on_objects(change, schema)(shape)


def _with_keys(keys: String | Enum, names: Iterable[str], schema: Schema) -> String | Enum:
    """The keys of a map that also has these."""
    new = tuple(name for name in names if not accepts(keys, name, schema))
    if not new:
        return keys
    return Enum((*keys.values, *new)) if isinstance(keys, Enum) else String()


def _edit(schema: Schema, path: Path, change: Change) -> Schema:
    segments = path.segments
    reached: list[bool] = []

    def counted(shape: Shape) -> Shape:
        reached.append(True)
        return change(shape)

    if segments and isinstance(segments[0], Definition):
        inner = segments[1:]
        made = occurrences_in_schema(
            schema, segments[0].name, lambda found: _edit_shape(found, inner, counted, schema)
        )
    else:
        made = Schema(_edit_shape(schema.root, segments, counted, schema), schema.definitions)
    if not reached:
        raise OperationError(
            "this path names nothing in the schema before the operation",
            path=str(path),
            hint="Compare it with `statemig show` of the revision before; operations earlier in the script count",
        )
    return made


def _edit_shape(shape: Shape, segments: tuple[Segment, ...], change: Change, schema: Schema) -> Shape:
    if not segments:
        return change(shape)
    segment, rest = segments[0], segments[1:]
    resolved = schema.resolve(shape)

    def inner(part: Shape) -> Shape:
        return _edit_shape(part, rest, change, schema)

    match resolved, segment:
        case Union(members, tag), Variant(keys, value):
            numbers = _variants(resolved, keys, value, schema)
            if not numbers:
                return shape
            changed = tuple(
                _edit_shape(member, segments, change, schema) if number in numbers else member
                for number, member in enumerate(members)
            )
            return _reunite(changed, tag, schema)
        case Union(members, tag), _:
            changed = tuple(_edit_shape(member, segments, change, schema) for member in members)
            same = all(new is old for new, old in zip(changed, members, strict=True))
            return shape if same else _reunite(changed, tag, schema)
        case Object(), Variant(keys, value):
            if not _may_be(resolved, keys, value, schema):
                return shape
            if _must_be(resolved, keys, value, schema):
                return inner(resolved)
            with_it, without = _by_tag(resolved, keys, value, schema)
            return union_of(without, inner(with_it))
        case Object(properties, extra), Key(name):
            if name not in properties:
                if isinstance(extra, str):
                    return shape
                return _set(resolved, name, Property(inner(extra), required=False))
            prop = properties[name]
            return _set(resolved, name, _like(prop, inner(prop.shape), required=prop.required))
        case Object(properties, extra, own), Values():
            made_properties = {
                key: _like(prop, inner(prop.shape), required=prop.required)
                for key, prop in properties.items()
            }
            return Object(made_properties, extra if isinstance(extra, str) else inner(extra), own)
        case MapOf(values), Values():
            return MapOf(inner(values), resolved.keys, resolved.min_items, resolved.max_items)
        case MapOf(values), Key():
            return MapOf(
                union_of(values, inner(values)), resolved.keys, resolved.min_items, resolved.max_items
            )
        case ListOf(items), Items():
            return ListOf(inner(items), resolved.min_items, resolved.max_items)
        case ListOf(items), Slot():
            return ListOf(union_of(items, inner(items)), resolved.min_items, resolved.max_items)
        case TupleOf(slots, more), Items():
            return TupleOf(tuple(map(inner, slots)), None if more is None else inner(more))
        case TupleOf(slots, more), Slot(index):
            if index < 0 and more is None:
                index += len(slots)
            if 0 <= index < len(slots):
                return TupleOf(tuple(inner(s) if n == index else s for n, s in enumerate(slots)), more)
            if more is None:
                return shape
            if index < 0:  # counted from an end that is not the same in all values
                slots = tuple(union_of(slot, inner(slot)) for slot in slots)
            return TupleOf(slots, union_of(more, inner(more)))
        case Anything(), _:
            change(resolved)  # the place may be there; whatever happens, anything stays anything
            return shape
        case _:
            return shape


def _reunite(members: tuple[Shape, ...], tag: Tag | None, schema: Schema) -> Shape:
    """The union of changed members; its tag is read again from them, and goes where they no longer carry one."""
    if tag is None:
        return union_of(*members)
    mapping: dict[object, int] = {}
    for number, member in enumerate(members):
        resolved = schema.resolve(member)
        if isinstance(resolved, Null):
            continue
        prop = resolved.properties.get(tag.key) if isinstance(resolved, Object) else None
        values = schema.resolve(prop.shape) if prop is not None else None
        if not isinstance(values, Enum) or any(value in mapping for value in values.values):
            return union_of(*members)
        mapping.update(dict.fromkeys(values.values, number))
    return union_of(*members, tag=Tag(tag.key, mapping))


def _variants(union: Union, keys: tuple[str, ...], value: object, schema: Schema) -> set[int]:
    if union.tag is not None and keys == (union.tag.key,):
        number = union.tag.mapping.get(value)
        return set() if number is None else {number}
    return {
        number
        for number, member in enumerate(union.members)
        if isinstance(resolved := schema.resolve(member), Object) and _may_be(resolved, keys, value, schema)
    }


def _may_be(shape: Object, keys: tuple[str, ...], value: object, schema: Schema) -> bool:
    found = _at(shape, keys, schema)
    if found is None:
        return not isinstance(shape.extra, str)
    resolved = schema.resolve(found)
    return not isinstance(resolved, Enum) or value in resolved.values


def _must_be(shape: Object, keys: tuple[str, ...], value: object, schema: Schema) -> bool:
    """Whether every value of the shape has this tag, so that the rest of a path applies to all of them."""
    for key in keys:
        prop = shape.properties.get(key)
        if prop is None or not prop.required:
            return False
        resolved = schema.resolve(prop.shape)
        if isinstance(resolved, Object):
            shape = resolved
        elif isinstance(resolved, Enum):
            return resolved.values == (value,)
    return False


def _by_tag(shape: Object, keys: tuple[str, ...], value: object, schema: Schema) -> tuple[Object, Object]:
    """The values with this tag, and those without; told apart where the tag is one of several at the object itself."""
    prop = shape.properties.get(keys[0])
    values = schema.resolve(prop.shape) if prop is not None else None
    if prop is None or not prop.required or len(keys) > 1 or not isinstance(values, Enum):
        return shape, shape
    others = tuple(each for each in values.values if not json_text.equal(each, value))
    return (
        _set(shape, keys[0], _like(prop, Enum((value,)), required=True)),  # type: ignore[arg-type]
        _set(shape, keys[0], _like(prop, Enum(others), required=True)),
    )


def _at(shape: Object, keys: tuple[str, ...], schema: Schema) -> Shape | None:
    found: Shape = shape
    for key in keys:
        resolved = schema.resolve(found)
        if not isinstance(resolved, Object) or key not in resolved.properties:
            return None
        found = resolved.properties[key].shape
    return found


def shapes_at(schema: Schema, path: Path) -> list[Shape]:
    """The shapes that values at a path may have. Raises `OperationError` where the path names nothing."""
    found: list[Shape] = []

    def look(shape: Shape) -> Shape:
        found.append(shape)
        return shape

    _edit(schema, path, look)
    return found


def may_hold_keys(schema: Schema, path: Path) -> bool:
    """Whether some value at a path is an object, a map, or something that may be one."""
    try:
        found = shapes_at(schema, path)
    except OperationError:
        return False
    kinds = Object | MapOf | Anything
    return any(isinstance(member, kinds) for shape in found for member in members(shape, schema))
