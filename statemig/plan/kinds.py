"""Functions grown per kind of object: the instructions of a plan, folded into one expression for objects with the same keys.

Hidden classes, as in virtual machines for dynamic languages (Chambers, Ungar and Lee, "An efficient implementation of SELF", 1989):
objects with the same keys in the same order go the same way through all instructions. So the first object with a given row of keys is
run through them symbolically, once; renames fold, a field that is added and dropped again is never there, and what is left is one
function, generated as source and kept, that builds the new object from the old one. Objects with the same keys then cost one table
look-up and that function, however long the plan is. Nothing is ever mutated, and untouched parts are shared.

What is out of the ordinary (a collision, a value that cannot be converted; in a recording also whatever would have to be noted) raises,
and is the stepwise interpreter's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from statemig import json_text
from statemig.path import Items, Key, Path, Segment, Slot, Values, Variant
from statemig.plan import source, stepwise
from statemig.plan.complement import Notes
from statemig.plan.instructions import Apply, Drop, Fill, Instruction, Move, Put, Rename, Unfill
from statemig.plan.source import Expression, Inside, Made, Shape, Taken
from statemig.plan.stepwise import Stage
from statemig.plan.values import PythonFunction, fresh
from statemig.shapes.shape import Missing

#: an object that comes with more rows of keys than this is a map in disguise, and is run stepwise
_MOST_KINDS: Final = 256
#: the first kinds of an object get functions of their own in which its values are looked through without a call
_MOST_WIDE: Final = 4
#: how many items of a list are looked at to see whether they have the same keys
_LIKELY: Final = 8

Function = Callable[[Any], Any]
OnFields = Put | Fill | Drop | Unfill | Rename | Move | Apply


class OutOfTheOrdinary(Exception):
    """This value is the stepwise interpreter's. Never leaves the plan."""


@dataclass(frozen=True, slots=True)
class Act:
    """An instruction, seen from a value above its place: `segments` lead from there to it. `recording`: what it does has to be noted, so
    it is out of the ordinary wherever there is something to note."""

    segments: tuple[Segment, ...]
    stage: Stage
    recording: bool

    @property
    def instruction(self) -> Instruction:
        return self.stage.instruction

    def inside(self) -> Act:
        return Act(self.segments[1:], self.stage, self.recording)


def place(instruction: OnFields) -> Path:
    """Where an instruction is at work."""
    match instruction:
        case Move(base):
            return base
        case Apply(path):
            return path
        case _:
            return instruction.parent


def on_value(acts: Sequence[Act]) -> Function:
    """What the acts make of a value of whatever type."""
    phases: list[Function] = []
    inner: list[Act] = []
    for act in acts:
        if _on_the_whole(act):
            if inner:
                phases.append(_inside(inner))
                inner = []
            phases.append(_whole(act))
        else:
            inner.append(act)
    if inner:
        phases.append(_inside(inner))
    if len(phases) == 1:
        return phases[0]

    def composed(value: Any) -> Any:
        for phase in phases:
            value = phase(value)
        return value

    return composed


def _on_the_whole(act: Act) -> bool:
    if act.segments:
        return isinstance(act.segments[0], Slot)
    return isinstance(act.instruction, Apply | Move)


def _whole(act: Act) -> Function:
    instruction = act.instruction
    if act.segments or act.recording or not isinstance(instruction, Apply):
        return lambda value: _run_on(value, act)
    function = instruction.function
    if isinstance(function, PythonFunction):

        def call(value: Any) -> Any:
            result = function.apply(value)
            if json_text.problem(result) is not None:
                raise OutOfTheOrdinary
            return result

        return call
    return function.apply


def _run_on(value: Any, act: Act) -> Any:
    """One act on one value, by the stepwise interpreter."""
    path = Path((Key("value"), *act.segments))
    instruction = act.instruction
    match instruction:
        case Move():
            moved: Instruction = replace(instruction, base=path)
        case Apply():
            moved = replace(instruction, path=path)
        case Put() | Fill() | Drop() | Unfill() | Rename():
            moved = replace(instruction, parent=path)
        case _:
            raise TypeError(instruction)
    notes = Notes(act.recording)
    result = stepwise.apply({"value": value}, moved, notes, act.stage)
    if notes.seal(result):
        raise OutOfTheOrdinary
    return result["value"]


# -- what lies inside a value ------------------------------------------------------------------------------------------


def _inside(acts: Sequence[Act]) -> Function:
    """Acts on what a value holds."""
    if all(_heads(act, Items) for act in acts):
        return _each([act.inside() for act in acts])
    if all(_heads(act, Values) for act in acts):
        return _each_value([act.inside() for act in acts])
    return _Objects(tuple(acts)).apply


def _heads(act: Act, *heads: type[Segment]) -> bool:
    return bool(act.segments) and isinstance(act.segments[0], heads)


def _each(acts: Sequence[Act]) -> Function:
    """Acts on each item of a list."""
    if any(_on_the_whole(act) or _heads(act, Items, Values) for act in acts):
        on_item = on_value(acts)
        return lambda value: list(map(on_item, value)) if type(value) is list else _plain(value)
    return _Items(_Objects(tuple(acts))).apply


class _Items:
    """Acts on what the items of a list hold."""

    def __init__(self, objects: _Objects) -> None:
        self.objects = objects

    def apply(self, value: Any) -> Any:
        if type(value) is not list:
            return _plain(value)
        known, find, other = self.objects.kinds.get, self.objects.find, self.objects.apply
        return [
            (known(tuple(item)) or find(item))(item) if type(item) is dict else other(item) for item in value
        ]


def _each_value(acts: Sequence[Act]) -> Function:
    """Acts on each value of a map."""
    on_inner = on_value(acts)

    def each(value: Any) -> Any:
        if type(value) is not dict:
            return _plain(value)
        return {key: on_inner(inner) for key, inner in value.items()}

    return each


def _plain(value: Any) -> Any:
    """A value on which the acts have no place. Subclasses of dict and list are for the interpreter."""
    if isinstance(value, dict | list):
        if type(value) is dict or type(value) is list:
            return value
        raise OutOfTheOrdinary
    return value


Cells = dict[str, Taken[Act] | Made]


class _Objects:
    """Acts on what an object holds (and, among unions, on the items of a list). Grows one function per kind."""

    def __init__(self, acts: tuple[Act, ...]) -> None:
        self._acts = acts
        #: by row of keys. Empty for good once tags are known
        self.kinds: dict[tuple[str, ...], Function] = {}
        #: where the tags of variants lie in the old object, found as kinds grow; their values are part of the kind then
        self._tags: tuple[tuple[str, ...], ...] = ()
        self._tagged: dict[Any, Function] = {}
        on_items = [act.inside() for act in acts if _heads(act, Items)]
        self._as_list = _each(on_items) if on_items else _plain

    def apply(self, value: Any) -> Any:
        if type(value) is dict:
            return (self.kinds.get(tuple(value)) or self.find(value))(value)
        return self._as_list(value)

    def find(self, value: dict[str, Any]) -> Function:
        """The function for objects with the keys (and tags) of this one, grown where there is none yet."""
        if self._tags:
            found = self._tagged.get(self._kind(value))
            if found is not None:
                return found
        if len(self.kinds) + len(self._tagged) >= _MOST_KINDS:
            return self._one_by_one
        while True:
            tags = self._tags
            try:
                function = self._grow(value)
            except OutOfTheOrdinary:
                function = _refuse
            if tags == self._tags:
                break
            self.kinds.clear()
            self._tagged = {}  # a tag more is part of the kind from now on
        if self._tags:
            self._tagged[self._kind(value)] = function
        else:
            self.kinds[tuple(value)] = function
        return function

    def _kind(self, value: dict[str, Any]) -> Any:
        return tuple(value), *[_at(value, tag) for tag in self._tags]

    def _one_by_one(self, value: Any) -> Any:
        for act in self._acts:
            value = _run_on(value, act)
        return value

    def _grow(self, value: dict[str, Any]) -> Function:
        shape = self._shape(value)
        if len(self.kinds) + len(self._tagged) >= _MOST_WIDE:
            return source.function(shape, lambda cell, _: on_value(cell.acts))
        return source.function(shape, _inside_of)

    def _shape(self, value: dict[str, Any]) -> Shape[Act]:
        cells: Cells = {key: Taken(key) for key in value}
        #: dropped with something done inside, which may fail and then has to
        done: list[Taken[Act]] = []
        for act in self._acts:
            cells = self._act(cells, act, value, done)
        return Shape(tuple(value), cells, done, value)

    def likely(self, value: dict[str, Any]) -> Shape[Act] | None:
        """What becomes of objects with the keys of this one, where nothing but the keys decides it."""
        if self._tags:
            return None
        try:
            shape = self._shape(value)
        except OutOfTheOrdinary:
            return None
        return None if self._tags else shape

    def _act(self, cells: Cells, act: Act, value: dict[str, Any], done: list[Taken[Act]]) -> Cells:
        match act.segments:
            case ():
                return _on_keys(cells, act, done)
            case (Key(name), *_):
                if name in cells:
                    _push(cells[name], act.inside())
            case (Values(), *_):
                for cell in cells.values():
                    _push(cell, act.inside())
            case (Variant(tag, wanted), *_):
                kind, found = self._tag(cells, tag, value)
                if kind is type(wanted) and found == wanted:
                    inside = act.inside()
                    if _may_change(inside, tag[0]):
                        raise OutOfTheOrdinary
                    return self._act(cells, inside, value, done)
        return cells

    def _tag(self, cells: Cells, tag: tuple[str, ...], value: dict[str, Any]) -> tuple[type, Any]:
        """Type and value of a tag at this point of the plan; what it is made of becomes part of the kind."""
        cell = cells.get(tag[0])
        if cell is None:
            return type(None), None
        if isinstance(cell, Made):
            return _at({tag[0]: cell.value}, tag)
        if not cell.acts:
            return self._read((cell.key, *tag[1:]), value)
        if len(tag) > 1:
            raise OutOfTheOrdinary
        self._read((cell.key,), value)
        if isinstance(value[cell.key], dict | list):
            raise OutOfTheOrdinary  # such a value is not part of the kind
        return _at({tag[0]: on_value(cell.acts)(value[cell.key])}, tag)

    def _read(self, keys: tuple[str, ...], value: dict[str, Any]) -> tuple[type, Any]:
        if keys not in self._tags:
            self._tags = (*self._tags, keys)
        return _at(value, keys)


def _at(value: Any, keys: tuple[str, ...]) -> tuple[type, Any]:
    """Type and value, because to Python 1 and True are the same key of a table; containers are no tags."""
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return type(None), None
        value = value[key]
    return (type(None), None) if isinstance(value, dict | list) else (type(value), value)


def _may_change(act: Act, tag: str) -> bool:
    """Whether an act on an object is about its tag."""
    match act.segments:
        case ():
            match act.instruction:
                case Put(_, key) | Fill(_, key) | Drop(_, key) | Unfill(_, key):
                    return key == tag
                case Rename(_, old, new):
                    return tag in (old, new)
                case _:
                    return True
        case (Key(name), *_):
            return name == tag
        case _:
            return True


def _push(cell: Taken[Act] | Made, act: Act) -> None:
    if isinstance(cell, Made):
        cell.value = _run_on(cell.value, act)
    else:
        cell.acts.append(act)


def _on_keys(cells: Cells, act: Act, done: list[Taken[Act]]) -> Cells:
    match act.instruction:
        case Put(_, key, default):
            if key in cells:
                _note(act)
            elif not isinstance(default, Missing):
                cells[key] = Made(fresh(default))
        case Fill(_, key, default):
            if key not in cells and not isinstance(default, Missing):
                _note(act)
                cells[key] = Made(fresh(default))
        case Drop(_, key, restore, keep):
            dropped = cells.pop(key, None)
            if dropped is None:
                if not isinstance(restore, Missing):
                    _note(act)
            elif keep:
                _note(act)
            if isinstance(dropped, Taken) and dropped.acts:
                done.append(dropped)
        case Rename(_, old, new):
            if old in cells:
                if new in cells:
                    raise OutOfTheOrdinary
                return {new if key == old else key: cell for key, cell in cells.items()}
            if new in cells:
                _note(act)
        case Unfill(_, key, fill):
            # Without notes there is nothing that was filled in.
            if key not in cells and not isinstance(fill, Missing):
                _note(act)
        case _:
            raise OutOfTheOrdinary
    return cells


def _note(act: Act) -> None:
    if act.recording:
        raise OutOfTheOrdinary


def _inside_of(cell: Taken[Act], example: Any) -> Expression | Inside[Act]:
    """What is done inside a value, and for values like this one how."""
    function = on_value(cell.acts)
    match getattr(function, "__self__", None):
        case _Objects() as objects if type(example) is dict:
            shape = objects.likely(example)
            return function if shape is None else Inside(function, shape)
        case _Items(objects=objects) if type(example) is list and example and type(example[0]) is dict:
            if any(type(item) is not dict or item.keys() != example[0].keys() for item in example[:_LIKELY]):
                return function
            shape = objects.likely(example[0])
            return function if shape is None else Inside(function, shape, objects.apply)
        case _:
            return function


def _refuse(value: Any) -> Any:
    raise OutOfTheOrdinary
