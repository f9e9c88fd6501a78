"""From one change to the operations that make up for it, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any, Final

from statemig.autogenerate.bound_builders import constrained
from statemig.autogenerate.built import FILL_NOTE, Built, Step, nothing, one, several
from statemig.autogenerate.change import HAS_PLACE, Change, Site
from statemig.autogenerate.container_builders import map_keys, set_or_list, slots
from statemig.autogenerate.fill import zero
from statemig.autogenerate.nesting import Held
from statemig.autogenerate.rules import NO_OPERATION, RULES
from statemig.autogenerate.scalars import ValueMapping
from statemig.autogenerate.union_builders import retagged, tagged, variant
from statemig.errors import StatemigError
from statemig.operations.fields import AddField, MoveField, RenameField
from statemig.operations.values import DropNull
from statemig.path import Key, Path
from statemig.plan.effects import shapes_at
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    MISSING,
    Anything,
    Boolean,
    Enum,
    Integer,
    Missing,
    Number,
    Object,
    Schema,
    Shape,
    String,
    is_nullable,
    without_null,
)

HOLD_NOTE: Final = "assumed: null becomes an object, for what moves into it"
REMOVED_NOTE: Final = "assumed: really gone, and not the new field beside it?"
ROUND_NOTE: Final = "assumed: may fractions be rounded?"
PARTIAL_NOTE: Final = "a run with a text that is no {} stays as it is and is listed"
MAP_NOTE: Final = "assumed: is this what the old values mean now?"

HELD_NOTE: Final = "assumed: is the old value its {}?"
OUT_NOTE: Final = "it comes out by way of a list, below"
TYPE_NOTE: Final = "documents stay as they are: where a runtime stores the name of the class, it must find it"

#: what holds the keys that nobody declared, for the length of one operation
EXTRAS: Final = "undeclared"

# Values that stand for "none of the others", where a removed value of an enum may go if somebody confirms it.
_NEUTRAL: Final = ("other", "unknown", "unspecified", "default", "none")


def build(change: Change, old: Schema, new: Schema) -> Built:
    """The operations for one change of a field. `old` and `new` are the schemas that the change's shapes come from.

    Nothing to do, and no reason, where the rule's operation is "none" or the way up changes no document.
    """
    rule = RULES[change.rule]
    if change.operation == NO_OPERATION:
        return nothing(change) if change.rule.startswith("S") else Built()
    if change.rule == "W02":
        return Built()  # its variable is a field of the new state: what adds or renames that makes up for it
    site = change.site
    if change.rule == "W12":
        return _retyped(change)
    if change.rule.startswith("W"):
        return nothing(change)
    if site is None or site.target is None:
        if change.change_class != "breaking":
            return Built()
        return Built(reason=f"{rule.name}: no path names this place; give the union's members names or a tag")
    try:
        return _build(change, site, site.target, old, new)
    except StatemigError as error:
        return Built(reason=f"{rule.name}: {error.message}")


def _build(change: Change, site: Site, target: Path, old: Schema, new: Schema) -> Built:
    path = str(target)
    match change.rule:
        case "S04" | "S05" | "S06":
            return _added(change, site, path, new)
        case "S07" | "S08":
            return _removed(change, site, path, old)
        case "S09" | "S10":
            return _required(change, site, path, new)
        case "S03":
            return _default(change, site, path)
        case "S11":
            fill = _way_back(site, old)
            return one(change, lambda op: op.make_optional(path, fill=fill))
        case "S12" | "S13":
            return _renamed(change, site, target)
        case "S14":
            return one(change, lambda op: op.move_field(path, to=str(site.detail)))
        case "S24":
            fill = _way_back(site, old)
            return one(change, lambda op: op.make_nullable(path, fill=fill))
        case "S25":
            return _never_null(change, site, path, new)
        case "S23" | "S49" | "S51" if site.detail is not None:
            return variant(change, site, target)
        case "S23" | "S27" | "S28" | "S42":
            return _converted(change, site, path)
        case "S29":
            return _listed(change, site, path, old, new)
        case "S32" | "S33" | "S36":
            return _mapped(change, site, path)
        case "S18":
            return _undeclared(change, site, target)
        case "S20":
            return map_keys(change, site, path)
        case "S21" | "S34" | "S38" | "S40" | "S45":
            return constrained(change, site, path)
        case "S30":
            return _held(change, site, target)
        case "S46":
            return set_or_list(change, path)
        case "S47":
            return slots(change, site, target, old, new)
        case "S52":
            return retagged(change, site, target)
        case "S53" | "S55":
            return tagged(change, site, target, old)
        case _:
            return nothing(change)


def _added(change: Change, site: Site, path: str, new: Schema) -> Built:
    prop = site.new_property
    if prop is None:
        return Built()
    if prop.default is not MISSING:
        return one(change, lambda op: op.add_field(path, default=prop.default))
    if not prop.required:
        # The way up has nothing to do. The way down has: the old version has no place for the key.
        return (
            Built() if site.detail == HAS_PLACE else one(change, lambda op: op.add_field(path, optional=True))
        )
    value = zero(prop.shape, new)
    if isinstance(value, Missing):
        return Built(
            reason="S06 field-added-required: its type has no smallest value; write add_field yourself"
        )
    return one(change, lambda op: op.add_field(path, default=value), value, FILL_NOTE)


def _removed(change: Change, site: Site, path: str, old: Schema) -> Built:
    prop = site.old_property
    restore = None if prop is not None and prop.required and is_nullable(prop.shape, old) else MISSING
    return one(change, lambda op: op.remove_field(path, restore=restore))


def _required(change: Change, site: Site, path: str, new: Schema) -> Built:
    was, now = site.old_property, site.new_property
    if was is None or now is None:
        return nothing(change)
    if site.detail == "old":
        return one(change, lambda op: op.make_required(path, fill=was.default))
    if now.default is not MISSING:
        return one(change, lambda op: op.make_required(path, fill=now.default))
    value = zero(now.shape, new)
    if isinstance(value, Missing):
        return Built(
            reason="S09 field-required: its type has no smallest value; write make_required yourself"
        )
    return one(change, lambda op: op.make_required(path, fill=value), value, FILL_NOTE)


def _default(change: Change, site: Site, path: str) -> Built:
    """What was absent meant the old default: write it down before it means another."""
    was, now = site.old_property, site.new_property
    if was is None or now is None or was.default is MISSING or now.default is MISSING:
        return Built()
    return one(change, lambda op: op.set_default(path, now.default, materialise=was.default))


def _way_back(site: Site, old: Schema) -> Any:
    """What the old version should find where the new one has nothing: the new default, if the old type has it."""
    prop, shape = site.new_property, site.old
    if prop is None or shape is None or prop.default is MISSING:
        return MISSING
    return prop.default if accepts(shape, prop.default, old) else MISSING


def _never_null(change: Change, site: Site, path: str, new: Schema) -> Built:
    prop = site.new_property
    if prop is not None and prop.default is not MISSING and prop.default is not None:
        return one(change, lambda op: op.drop_null(path, prop.default))
    value = MISSING if site.new is None else zero(site.new, new)
    if isinstance(value, Missing) or value is None:
        return nothing(change)
    return one(change, lambda op: op.drop_null(path, value), value, FILL_NOTE)


def cast_name(shape: Shape | None) -> str | None:
    """The name that `convert` has for a type."""
    match shape:
        case Boolean():
            return "bool"
        case Integer():
            return "int"
        case Number():
            return "float"
        case String(format=None):
            return "str"
        case String(format="date" | "date-time" as name):
            return name
        case _:
            return None


def _converted(change: Change, site: Site, path: str) -> Built:
    to = cast_name(site.new)
    simple = isinstance(site.old, Boolean | Integer | Number | String | Enum)
    if to is None or not simple:
        return nothing(change)
    if isinstance(site.old, Number) and to == "int":
        return one(change, lambda op: op.convert(path, to=to, rounding="nearest"), "nearest", ROUND_NOTE)
    partial = isinstance(site.old, String | Enum) and to != "str"
    note = PARTIAL_NOTE.format(to) if partial else None
    return one(change, lambda op: op.convert(path, to=to), note=note)


def _listed(change: Change, site: Site, path: str, old: Schema, new: Schema) -> Built:
    if change.direction == "wrapped":
        return one(change, lambda op: op.wrap(path))
    value = MISSING if site.old is None else zero(getattr(site.old, "items", site.old), old)
    if isinstance(value, Missing):
        return nothing(change)
    return one(change, lambda op: op.unwrap(path, default=value), value, FILL_NOTE)


def _mapped(change: Change, site: Site, path: str) -> Built:
    mapping = site.detail
    if not isinstance(mapping, ValueMapping) or not isinstance(site.new, Enum):
        return nothing(change)
    pairs = list(mapping.certain) + list(mapping.guessed)
    assumed = list(mapping.guessed)
    if mapping.open:
        place = _neutral(site.new.values)
        if isinstance(place, Missing):
            gone = ", ".join(map(repr, mapping.open))
            return Built(reason=f"{RULES[change.rule].name}: say with map_values what becomes of {gone}")
        pairs += [(value, place) for value in mapping.open]
        assumed += [(value, place) for value in mapping.open]
    table = dict(pairs)
    whole = isinstance(site.old, Enum) and len(table) == len(site.old.values)
    return one(
        change,
        lambda op: op.map_values(path, table, otherwise="error" if whole else "keep"),
        dict(assumed) if assumed else MISSING,
        MAP_NOTE if assumed else None,
    )


def _neutral(values: Sequence[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    found = [value for value in values if isinstance(value, str) and value.lower() in _NEUTRAL]
    return found[0] if len(found) == 1 else MISSING


def _retyped(change: Change) -> Built:
    """A class that the store names has another name; one line for all places of it."""
    site = change.site
    if site is not None and site.detail is not None:
        old, new = site.detail
        return one(change, lambda op: op.rename_type(old, new), note=TYPE_NOTE)
    was, now = (None, None) if site is None else (site.old, site.new)
    if not (isinstance(was, Anything) and isinstance(now, Anything) and was.opaque and now.opaque):
        return nothing(change)
    names = (was.opaque, now.opaque)
    return one(change, lambda op: op.rename_type(*names), note=TYPE_NOTE)


def _undeclared(change: Change, site: Site, target: Path) -> Built:
    """Keys that nobody declared go together, into one object, because no script can name each; and then that goes."""
    if not isinstance(site.old, Object) or not site.old.properties:
        return nothing(change)
    keep = list(site.old.properties)
    into = EXTRAS
    while into in keep:
        into += "_"
    return several(
        one(change, lambda op: op.nest_rest(str(target), into=into, keep=keep)),
        one(change, lambda op: op.remove_field(str(target / into))),
    )


def _renamed(change: Change, site: Site, target: Path) -> Built:
    """Fields that change names among each other take one more step, by way of a name that none of them has."""
    ways = site.detail if isinstance(site.detail, tuple) else ((target.key, site.detail),)
    return Built(tuple(Step(RenameField(target.with_last(was), now), change) for was, now in ways))


def _held(change: Change, site: Site, target: Path) -> Built:
    """A value goes into an object at its place, or comes out of it; what is inside has its name in the middle."""
    if not isinstance(site.detail, Held):
        return nothing(change)
    inner = site.detail.field
    if site.detail.in_lists:
        return _held_in_lists(change, site.detail, target)
    path, name = str(target), target.key
    if change.direction == "nested":
        note = HELD_NOTE.format(inner)
        parts = [one(change, lambda op: op.nest([path], into=name), note=note)]
        if inner != name:
            parts.append(one(change, lambda op: op.rename_field(str(target / name), to=inner)))
        return several(*parts)
    parts = [] if inner == name else [one(change, lambda op: op.rename_field(str(target / inner), to=name))]
    return several(*parts, one(change, lambda op: op.flatten(path, fields=[name])))


def _held_in_lists(change: Change, held: Held, target: Path) -> Built:
    """No operation moves a value between a list, or null, and an object; but a list of objects becomes a list of what they hold."""
    path, inside = str(target), str(target / held.field)
    name = held.field
    default = held.default
    empty = FILL_NOTE if held.assumed else None
    assumed = default if held.assumed else MISSING
    if change.direction == "nested":
        note = f"{HELD_NOTE.format(name)} By way of a list, below"
        return several(
            one(change, lambda op: op.wrap(path, empty=held.empty), note=note),
            one(change, lambda op: op.nest_list(path, name)),
            one(change, lambda op: op.unwrap(path)),
            one(change, lambda op: op.unwrap(inside, default=default), assumed, empty),
        )
    return several(
        one(change, lambda op: op.wrap(inside, empty=held.empty_inside), note=OUT_NOTE),
        one(change, lambda op: op.wrap(path, empty=held.empty)),
        one(change, lambda op: op.flatten_list(path, name)),
        one(change, lambda op: op.unwrap(path, default=default), assumed, empty),
    )


def make_room(built: Built, moves: Sequence[Path]) -> Built:
    """An added object without the fields that are moved into it; without them all, moving makes the object."""
    steps: list[Step] = []
    for step in built.steps:
        operation = step.operation
        inside = [
            move.segments[len(operation.path.segments) :]
            for move in moves
            if isinstance(operation, AddField) and move.startswith(operation.path)
        ]
        if not isinstance(operation, AddField) or not inside:
            steps.append(step)
            continue
        if not isinstance(operation.default, dict):
            continue  # it would be null, which holds nothing
        default = deepcopy(operation.default)
        for segments in inside:
            holder = default
            for segment in segments[:-1]:
                holder = holder.get(segment.name, {}) if isinstance(segment, Key) else {}
            last = segments[-1]
            if isinstance(last, Key):
                holder.pop(last.name, None)
        if default:
            assumed = step.assumed if isinstance(step.assumed, Missing) else default
            steps.append(replace(step, operation=replace(operation, default=default), assumed=assumed))
    return replace(built, steps=tuple(steps))


def holders(step: Step, schema: Schema) -> Iterator[Step]:
    """What makes room before a move: an object on the way to its target that may be null here holds nothing."""
    operation = step.operation
    if not isinstance(operation, MoveField):
        return
    for length in range(1, len(operation.to.segments)):
        parent = Path(operation.to.segments[:length])
        if operation.path.startswith(parent):
            continue
        try:
            found = shapes_at(schema, parent)
        except StatemigError:
            return  # not there yet: moving makes it
        if any(is_nullable(shape, schema) for shape in found):
            value = zero(without_null(schema.resolve(found[0])), schema)
            if isinstance(value, dict):
                value.pop(operation.to.key, None)
                made = DropNull(parent, value)
                yield Step(made, step.change, value, HOLD_NOTE)
