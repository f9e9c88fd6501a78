"""The fast path: a plan compiled to Python functions, grown for the documents that come.

Hidden classes, as in virtual machines for dynamic languages (Chambers, Ungar and Lee, "An efficient implementation of SELF", 1989):
objects with the same keys in the same order go the same way through all instructions of a plan. So the first object with a given
row of keys is run through them symbolically, once; renames fold, a field that is added and dropped again is never there, and what is
left is one expression that builds the new object from the old one, generated as source and kept. Objects with the same keys then
cost one table look-up and that expression, however long the chain is. Nothing is ever mutated, and untouched parts are shared.

Anything out of the ordinary (a collision, a value that cannot be converted, notes of the other direction) raises here, and the
stepwise interpreter, which is the authority, runs the stored document again and knows revision, operation and path to blame.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from statemig import json_text
from statemig.path import Definition, Items, Key, Path, Segment, Slot, Values, Variant
from statemig.plan import stepwise
from statemig.plan.complement import Notes
from statemig.plan.instructions import Apply, Drop, Fill, Instruction, Move, Put, Rename, Unfill
from statemig.plan.stepwise import Stage
from statemig.plan.values import PythonFunction, fresh
from statemig.shapes.shape import Missing

#: an object kind with more rows of keys than this is a map in disguise, and is run stepwise
_MOST_KINDS: Final = 256

Function = Callable[[Any], Any]
_FIELDS = (Put, Fill, Drop, Unfill, Rename, Move, Apply)


class OutOfTheOrdinary(Exception):
    """This document is the stepwise interpreter's. Never leaves the plan."""


@dataclass(frozen=True, slots=True)
class Act:
    """An instruction, seen from a value above its place: `segments` lead from there to it."""

    segments: tuple[Segment, ...]
    stage: Stage

    @property
    def instruction(self) -> Instruction:
        return self.stage.instruction

    def inside(self) -> Act:
        return Act(self.segments[1:], self.stage)


def compile_stages(stages: Sequence[Stage]) -> Function | None:
    """One function from document to document for the whole plan; None where the plan is not for this interpreter.

    The function raises where a document is out of the ordinary: run the stages stepwise then.
    """
    parts: list[Function] = []
    acts: list[Act] = []
    cursor: list[Stage] = []
    for stage in stages:
        instruction = stage.instruction
        if isinstance(instruction, _FIELDS):
            segments = _place(instruction).segments
            if not segments or isinstance(segments[0], Definition):
                return None
            if cursor and segments[0] != Key("state"):
                _flush(parts, acts, cursor)
            acts.append(Act(segments, stage))
        else:
            cursor.append(stage)
            if getattr(instruction, "output", ()):
                _flush(parts, acts, cursor)
    _flush(parts, acts, cursor)

    def plan(document: Any) -> Any:
        if document.get("pending"):
            raise OutOfTheOrdinary
        for part in parts:
            document = part(document)
        return document

    return plan


def _flush(parts: list[Function], acts: list[Act], cursor: list[Stage]) -> None:
    """Instructions on state and those on the cursor do not meet, so each kind is kept together."""
    if acts:
        parts.append(_node(tuple(acts)))
        acts.clear()
    for stage in cursor:
        parts.append(_stepwise(stage))
    cursor.clear()


def _place(instruction: Instruction) -> Path:
    match instruction:
        case Put(parent) | Fill(parent) | Drop(parent) | Unfill(parent) | Rename(parent):
            return parent
        case Move(base):
            return base
        case Apply(path):
            return path
        case _:
            raise TypeError(instruction)


def _stepwise(stage: Stage) -> Function:
    def run(document: Any) -> Any:
        return stepwise.apply(document, stage.instruction, Notes(recording=False), stage)

    return run


# -- one value ---------------------------------------------------------------------------------------------------------


def _node(acts: tuple[Act, ...]) -> Function:
    """What the acts make of a value of whatever type."""
    phases: list[Function] = []
    inner: list[Act] = []
    for act in acts:
        if _on_the_whole(act):
            if inner:
                phases.append(_Inner(tuple(inner)).apply)
                inner = []
            phases.append(_whole(act))
        else:
            inner.append(act)
    if inner:
        phases.append(_Inner(tuple(inner)).apply)
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
    if act.segments or not isinstance(instruction, Apply):
        return lambda value: _run_on(value, act)
    function = instruction.function
    if isinstance(function, PythonFunction):

        def call(value: Any) -> Any:
            result = function.apply(value)
            json_text.dumps(result)
            return result

        return call
    return function.apply


def _run_on(value: Any, act: Act) -> Any:
    """One act on one value, by the stepwise interpreter."""
    path = Path((Key("value"), *act.segments))
    instruction = act.instruction
    match instruction:
        case Put(_, key, default):
            moved: Instruction = Put(path, key, default)
        case Fill(_, key, default):
            moved = Fill(path, key, default)
        case Drop(_, key):
            moved = Drop(path, key)
        case Unfill():
            return value
        case Rename(_, old, new):
            moved = Rename(path, old, new)
        case Move(_, source, target):
            moved = Move(path, source, target)
        case Apply(_, function):
            moved = Apply(path, function)
        case _:
            raise TypeError(instruction)
    return stepwise.apply({"value": value}, moved, Notes(recording=False), act.stage)["value"]


# -- what lies inside a value ------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Taken:
    """A value of the old object, and what is done inside it."""

    key: str
    acts: list[Act] = field(default_factory=list)


@dataclass(slots=True)
class _Made:
    """A value that the plan itself puts there."""

    value: Any


_Cell = _Taken | _Made


class _Inner:
    """Acts on what a value holds. Grows one function per row of keys."""

    def __init__(self, acts: tuple[Act, ...]) -> None:
        self._acts = acts
        self._kinds: dict[Any, Function] = {}
        #: where the tags of variants lie in the old object, found as kinds grow; their values are part of the kind
        self._tags: tuple[tuple[str, ...], ...] = ()
        self._as_map = self._below(Values) if all(_heads(act, Values) for act in acts) else None
        self._as_list = self._below(Items) if any(_heads(act, Items) for act in acts) else None

    def apply(self, value: Any) -> Any:
        if type(value) is dict:
            if self._as_map is not None:
                each = self._as_map
                return {key: each(inner) for key, inner in value.items()}
            kind = (
                tuple(value) if not self._tags else (tuple(value), *[_at(value, tag) for tag in self._tags])
            )
            function = self._kinds.get(kind)
            return self._grow(value)(value) if function is None else function(value)
        if self._as_list is not None and type(value) is list:
            return list(map(self._as_list, value))
        return value

    def _below(self, head: type[Segment]) -> Function:
        return _node(tuple(act.inside() for act in self._acts if _heads(act, head)))

    def _grow(self, value: dict[str, Any]) -> Function:
        """The function for objects with the keys (and tags) of this one."""
        if len(self._kinds) >= _MOST_KINDS:
            return self._one_by_one
        while True:
            tags = self._tags
            try:
                cells = self._symbolically(value)
            except OutOfTheOrdinary:
                function: Function = _refuse
                break
            if tags == self._tags:
                function = _generated(value, cells)
                break
            self._kinds = {}  # a tag more is part of the kind from now on
        kind = tuple(value) if not self._tags else (tuple(value), *[_at(value, tag) for tag in self._tags])
        self._kinds[kind] = function
        return function

    def _one_by_one(self, value: Any) -> Any:
        for act in self._acts:
            value = _run_on(value, act)
        return value

    def _symbolically(self, value: dict[str, Any]) -> dict[str, _Cell]:
        cells: dict[str, _Cell] = {key: _Taken(key) for key in value}
        for act in self._acts:
            cells = self._act(cells, act, value)
        return cells

    def _act(self, cells: dict[str, _Cell], act: Act, value: dict[str, Any]) -> dict[str, _Cell]:
        match act.segments:
            case ():
                return _on_keys(cells, act.instruction)
            case (Key(name), *_):
                if name in cells:
                    _push(cells[name], act.inside())
            case (Values(), *_):
                for cell in cells.values():
                    _push(cell, act.inside())
            case (Variant(tag, wanted), *_):
                found = self._tag(cells, tag, value)
                if type(found) is type(wanted) and found == wanted:
                    return self._act(cells, act.inside(), value)
        return cells

    def _tag(self, cells: dict[str, _Cell], tag: tuple[str, ...], value: dict[str, Any]) -> Any:
        """The value of a tag at this point of the plan; what it is made of becomes part of the kind."""
        cell = cells.get(tag[0])
        if cell is None:
            return None
        if isinstance(cell, _Made):
            return _at({tag[0]: cell.value}, tag)
        if not cell.acts:
            place = (cell.key, *tag[1:])
            if place not in self._tags:
                self._tags = (*self._tags, place)
            return _at(value, place)
        if len(tag) > 1:
            raise OutOfTheOrdinary
        if (cell.key,) not in self._tags:
            self._tags = (*self._tags, (cell.key,))
        return _node(tuple(cell.acts))(value[cell.key])


def _heads(act: Act, head: type[Segment]) -> bool:
    return bool(act.segments) and isinstance(act.segments[0], head)


def _at(value: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        if type(value) is not dict or key not in value:
            return None
        value = value[key]
    return value if value is None or isinstance(value, str | int | float) else None


def _push(cell: _Cell, act: Act) -> None:
    if isinstance(cell, _Made):
        cell.value = _run_on(cell.value, act)
    else:
        cell.acts.append(act)


def _on_keys(cells: dict[str, _Cell], instruction: Instruction) -> dict[str, _Cell]:
    match instruction:
        case Put(_, key, default) | Fill(_, key, default):
            if key not in cells and not isinstance(default, Missing):
                cells[key] = _Made(fresh(default))
        case Drop(_, key):
            dropped = cells.pop(key, None)
            if isinstance(dropped, _Taken) and dropped.acts:
                raise OutOfTheOrdinary  # what was done inside it may fail, and then it has to
        case Rename(_, old, new):
            if old in cells:
                if new in cells:
                    raise OutOfTheOrdinary
                cells = {new if key == old else key: cell for key, cell in cells.items()}
        case Unfill():
            pass  # without notes there is nothing that was filled in
        case _:
            raise TypeError(instruction)
    return cells


# -- source ------------------------------------------------------------------------------------------------------------


def _generated(value: dict[str, Any], cells: dict[str, _Cell]) -> Function:
    names: dict[str, Any] = {}
    old = list(value)
    written: dict[str, str] = {}
    for key, cell in cells.items():
        written[key] = _expression(cell, names)
    unchanged = {key: f"o[{key!r}]" for key in old}
    if written == unchanged and list(written) == old:
        return _same
    in_place = all(
        isinstance(cell, _Taken) and cell.key == key for key, cell in zip(old, cells.values(), strict=False)
    )
    if list(cells)[: len(old)] == old and in_place:
        lines = ["    r = o.copy()"]
        lines += [f"    r[{key!r}] = {text}" for key, text in written.items() if unchanged.get(key) != text]
        lines.append("    return r")
    else:
        lines = ["    return {", *[f"        {key!r}: {text}," for key, text in written.items()], "    }"]
    source = "\n".join(["def kind(o):", *lines, ""])
    name = f"<statemig plan: object with {', '.join(old)[:80]}>"
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    exec(compile(source, name, "exec"), names)
    function: Function = names["kind"]
    return function


def _expression(cell: _Cell, names: dict[str, Any]) -> str:
    if isinstance(cell, _Taken):
        if not cell.acts:
            return f"o[{cell.key!r}]"
        name = f"n{len(names)}"
        names[name] = _node(tuple(cell.acts))
        return f"{name}(o[{cell.key!r}])"
    if cell.value is None or type(cell.value) in (bool, int, str):
        return repr(cell.value)
    name = f"c{len(names)}"
    if isinstance(cell.value, dict | list):
        value = cell.value
        if not value:
            return "{}" if isinstance(value, dict) else "[]"
        names[name] = lambda: fresh(value)
        return f"{name}()"
    names[name] = cell.value
    return name


def _same(value: Any) -> Any:
    return value


def _refuse(value: Any) -> Any:
    raise OutOfTheOrdinary
