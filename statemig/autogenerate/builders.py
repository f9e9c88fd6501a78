"""From one change to the operations that make up for it, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any, Final

from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.fill import zero
from statemig.autogenerate.rules import NO_OPERATION, RULES
from statemig.autogenerate.scalars import ValueMapping
from statemig.errors import StatemigError
from statemig.operations.base import Operation
from statemig.operations.fields import AddField, MoveField
from statemig.operations.recorder import Operations
from statemig.operations.values import DropNull
from statemig.path import Key, Path, Variant
from statemig.plan.effects import shapes_at
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    MISSING,
    Boolean,
    Enum,
    Integer,
    Missing,
    Number,
    Schema,
    Shape,
    String,
    is_nullable,
    without_null,
)

FILL_NOTE: Final = "assumed: what should old runs have here?"
HOLD_NOTE: Final = "assumed: null becomes an object, for what moves into it"
REMOVED_NOTE: Final = "assumed: really gone, and not the new field beside it?"
ROUND_NOTE: Final = "assumed: may fractions be rounded?"
PARTIAL_NOTE: Final = "a run with a text that is no {} stays as it is and is listed"
MAP_NOTE: Final = "assumed: is this what the old values mean now?"

# Values that stand for "none of the others", where a removed value of an enum may go if somebody confirms it.
_NEUTRAL: Final = ("other", "unknown", "unspecified", "default", "none")


@dataclass(frozen=True, slots=True)
class Step:
    """One operation to write. `assumed` is the value in it that nobody stated, `note` the remark beside it."""

    operation: Operation
    change: Change
    assumed: Any = MISSING
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """The operations for a change; `reason` where nothing can be proposed."""

    steps: tuple[Step, ...] = ()
    reason: str | None = None


Record = Callable[[Operations], None]


def build(change: Change, old: Schema, new: Schema) -> Built:
    """The operations for one change of a field. `old` and `new` are the schemas that the change's shapes come from.

    Nothing to do, and no reason, where the rule's operation is "none" or the way up changes no document.
    """
    rule = RULES[change.rule]
    if change.operation == NO_OPERATION:
        return Built()
    if change.rule == "W02":
        return (
            Built()
        )  # the variable is a field of the new state: what adds or renames that field makes up for it
    site = change.site
    if change.rule.startswith("W"):
        return _nothing(change)
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
            return _one(change, lambda op: op.make_optional(path, fill=fill))
        case "S12" | "S13":
            return _one(change, lambda op: op.rename_field(path, to=site.detail))
        case "S14":
            return _one(change, lambda op: op.move_field(path, to=str(site.detail)))
        case "S24":
            fill = _way_back(site, old)
            return _one(change, lambda op: op.make_nullable(path, fill=fill))
        case "S25":
            return _never_null(change, site, path, new)
        case "S23" | "S27" | "S28" | "S42":
            return _converted(change, site, path)
        case "S29":
            return _listed(change, site, path, old, new)
        case "S32" | "S33" | "S36":
            return _mapped(change, site, path)
        case "S52":
            return _retagged(change, site, target)
        case "S55":
            return _tagged(change, site, target)
        case _:
            return _nothing(change)


def _one(change: Change, record: Record, assumed: Any = MISSING, note: str | None = None) -> Built:
    recorder = Operations()
    record(recorder)
    return Built((Step(recorder.recorded[0], change, assumed, note),))


def _nothing(change: Change) -> Built:
    """No operation can be written today: fine where the way up changes nothing."""
    if change.change_class != "breaking" or change.rule in ("S53",):
        return Built()
    return Built(reason=f"{RULES[change.rule].name}: {_advice(change)}")


_ADVICE: Final = {
    "S18": "old documents may hold keys that nobody declared, and they would be dropped; declare them or keep extras",
    "S20": "say with a transform which keys the old ones become",
    "S21": "old maps may be too large or too small",
    "S34": "say with map_values, and its otherwise=op.value(...), which of the new values the old texts become",
    "S38": "old numbers may lie outside the bounds",
    "S40": "old texts may be too long or too short",
    "S45": "old lists may be too long or too short",
    "W06": "a call or question that is pending was asked with the old arguments",
    "W07": "runs that wait in the join have counted other branches",
    "W08": "an answer that is on its way may reach another question",
    "W11": "runs may stand in it, waiting for what no longer comes",
    "W05": "runs between these steps would skip one of them or do it twice",
}


def _advice(change: Change) -> str:
    if change.rule in _ADVICE:
        return _ADVICE[change.rule]
    if change.old is None or change.new is None:
        return "write a transform, or keep the old type readable"
    return f"nothing turns {change.old} into {change.new} by itself; write a transform"


def _added(change: Change, site: Site, path: str, new: Schema) -> Built:
    prop = site.new_property
    if prop is None:
        return Built()
    if prop.default is not MISSING:
        return _one(change, lambda op: op.add_field(path, default=prop.default))
    if not prop.required:
        return Built()
    value = zero(prop.shape, new)
    if isinstance(value, Missing):
        return Built(
            reason="S06 field-added-required: its type has no smallest value; write add_field yourself"
        )
    return _one(change, lambda op: op.add_field(path, default=value), value, FILL_NOTE)


def _removed(change: Change, site: Site, path: str, old: Schema) -> Built:
    prop = site.old_property
    restore = None if prop is not None and prop.required and is_nullable(prop.shape, old) else MISSING
    return _one(change, lambda op: op.remove_field(path, restore=restore))


def _required(change: Change, site: Site, path: str, new: Schema) -> Built:
    was, now = site.old_property, site.new_property
    if was is None or now is None:
        return _nothing(change)
    if site.detail == "old":
        return _one(change, lambda op: op.make_required(path, fill=was.default))
    if now.default is not MISSING:
        return _one(change, lambda op: op.make_required(path, fill=now.default))
    value = zero(now.shape, new)
    if isinstance(value, Missing):
        return Built(
            reason="S09 field-required: its type has no smallest value; write make_required yourself"
        )
    return _one(change, lambda op: op.make_required(path, fill=value), value, FILL_NOTE)


def _default(change: Change, site: Site, path: str) -> Built:
    """What was absent meant the old default: write it down before it means another."""
    was, now = site.old_property, site.new_property
    if was is None or now is None or was.default is MISSING or now.default is MISSING:
        return Built()
    return _one(change, lambda op: op.make_required(path, fill=was.default))


def _way_back(site: Site, old: Schema) -> Any:
    """What the old version should find where the new one has nothing: the new default, if the old type has it."""
    prop, shape = site.new_property, site.old
    if prop is None or shape is None or prop.default is MISSING:
        return MISSING
    return prop.default if accepts(shape, prop.default, old) else MISSING


def _never_null(change: Change, site: Site, path: str, new: Schema) -> Built:
    prop = site.new_property
    if prop is not None and prop.default is not MISSING and prop.default is not None:
        return _one(change, lambda op: op.drop_null(path, prop.default))
    value = MISSING if site.new is None else zero(site.new, new)
    if isinstance(value, Missing) or value is None:
        return _nothing(change)
    return _one(change, lambda op: op.drop_null(path, value), value, FILL_NOTE)


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
        return _nothing(change)
    if isinstance(site.old, Number) and to == "int":
        return _one(change, lambda op: op.convert(path, to=to, rounding="nearest"), "nearest", ROUND_NOTE)
    partial = isinstance(site.old, String | Enum) and to != "str"
    note = PARTIAL_NOTE.format(to) if partial else None
    return _one(change, lambda op: op.convert(path, to=to), note=note)


def _listed(change: Change, site: Site, path: str, old: Schema, new: Schema) -> Built:
    if change.direction == "wrapped":
        return _one(change, lambda op: op.wrap(path))
    value = MISSING if site.old is None else zero(getattr(site.old, "items", site.old), old)
    if isinstance(value, Missing):
        return _nothing(change)
    return _one(change, lambda op: op.unwrap(path, default=value), value, FILL_NOTE)


def _mapped(change: Change, site: Site, path: str) -> Built:
    mapping = site.detail
    if not isinstance(mapping, ValueMapping) or not isinstance(site.new, Enum):
        return _nothing(change)
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
    return _one(
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


def _retagged(change: Change, site: Site, target: Path) -> Built:
    if change.direction == "key":
        return Built()  # each variant's field is renamed by a change of its own
    key, was, now = site.detail
    # By way of all variants: a path through the tag would not find the value again on the way back.
    everywhere = target.parent if isinstance(target.last, Variant) else target
    path = str(everywhere / key)
    return _one(change, lambda op: op.map_values(path, {was: now}, otherwise="keep"))


def _tagged(change: Change, site: Site, target: Path) -> Built:
    if change.direction == "tag written":
        return Built()
    key, constant = site.detail
    if constant is None:
        return _nothing(change)
    return _one(change, lambda op: op.make_required(str(target / key), fill=constant))


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
