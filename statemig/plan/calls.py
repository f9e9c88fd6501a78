"""Tool calls that have no result yet, when their tool is called otherwise or takes other arguments.

They are found by form: entries of lists called ``tool_calls``, ``{"name": ..., "args" | "arguments": {...}}`` or as OpenAI writes them,
``{"function": {"name": ..., "arguments": JSON text}}``; blocks as Anthropic writes them into the content of a message, ``{"type":
"tool_use", "name": ..., "input": {...}}``, anywhere; and objects of the first form anywhere in what waiting people are shown. A call
whose id is the `tool_call_id` of a message or the `tool_use_id` of a block has its result: it is history, and stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from statemig import json_text
from statemig.document import Document
from statemig.errors import CursorError, MigrationError
from statemig.path import Key, Path
from statemig.plan import nested
from statemig.plan.complement import Note, Notes
from statemig.plan.instructions import (
    Apply,
    Drop,
    Fill,
    Instruction,
    MapCalls,
    Mint,
    Move,
    Put,
    Rename,
    Unfill,
)
from statemig.plan.walk import Item, Trail, trail_text
from statemig.shapes.accept import accepts
from statemig.shapes.shape import (
    Enum,
    ListOf,
    MapOf,
    Object,
    Property,
    Ref,
    Schema,
    Shape,
    String,
    TupleOf,
    Union,
    children,
    union_of,
)

_LIST: Final = "tool_calls"
_ARGUMENTS: Final = ("args", "arguments")
_BLOCK: Final = "tool_use"
_INPUT: Final = "input"
_RESULT_OF: Final = ("tool_call_id", "tool_use_id")


def map_calls(document: Document, instruction: MapCalls, notes: Notes) -> Document:
    """Raises `CursorError` (``tool.call-orphaned``) where the arguments of a call do not go through the operations."""
    search = _Calls(instruction, notes, set(_results(document)))
    changes: dict[str, Any] = {}
    for part in ("state", "outputs"):
        if part in document:
            changes[part] = search.inside(document[part], (part,))
    if "pending" in document:
        changes["pending"] = search.each(document["pending"], "writes", ("pending",), anywhere=False)
    if "cursor" in document:
        changes["cursor"] = search.each(document["cursor"], "payload", ("cursor",), anywhere=True)
    if all(new is document[part] for part, new in changes.items()):
        return document
    return {**document, **changes}


def outstanding(document: Document) -> Iterator[tuple[str, Any, str]]:
    """Every call that has no result yet, in the order in which they are met: the tool's name, the arguments, and the place."""
    results = set(_results(document))
    parts: list[tuple[Any, Trail, bool]] = [
        (document[part], (part,), False) for part in ("state", "outputs") if part in document
    ]
    for part, inner, anywhere in (("pending", "writes", False), ("cursor", "payload", True)):
        parts += [
            (entry[inner], (part, Item(number), inner), anywhere)
            for number, entry in enumerate(document.get(part) or ())
            if inner in entry
        ]
    for value, trail, anywhere in parts:
        for call, place in _found(value, trail, anywhere=anywhere, listed=False):
            if not (isinstance(call.get("id"), str) and call["id"] in results):
                holder = call if _is_block(call) or _is_plain(call) else call["function"]
                key = next((each for each in (_INPUT, *_ARGUMENTS) if each in holder), None)
                given = None if key is None else holder[key]
                try:
                    arguments = json_text.loads(given) if isinstance(given, str) else given
                except ValueError:
                    arguments = given
                yield str(holder.get("name")), arguments, trail_text(place)


def _found(
    value: Any, trail: Trail, *, anywhere: bool, listed: bool
) -> Iterator[tuple[dict[str, Any], Trail]]:
    """The calls in a value, as `_Calls.inside` finds them. `listed`: it is an entry of a list called tool_calls."""
    if isinstance(value, dict):
        plain = (anywhere or listed) and _is_plain(value)
        if _is_block(value) or plain or (listed and isinstance(value.get("function"), dict)):
            yield value, trail
            return
        for key, inner in value.items():
            if key == _LIST and isinstance(inner, list):
                for number, entry in enumerate(inner):
                    place = (*trail, key, Item(number))
                    yield from _found(entry, place, anywhere=anywhere, listed=isinstance(entry, dict))
            else:
                yield from _found(inner, (*trail, key), anywhere=anywhere, listed=False)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _found(inner, (*trail, Item(number)), anywhere=anywhere, listed=False)


def _results(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for key in _RESULT_OF:
            if isinstance(value.get(key), str):
                yield value[key]
        for inner in value.values():
            yield from _results(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _results(inner)


class _Calls:
    def __init__(self, instruction: MapCalls, notes: Notes, results: set[Any]) -> None:
        self._instruction = instruction
        self._notes = notes
        self._results = results

    def each(self, entries: list[Any], part: str, trail: Trail, *, anywhere: bool) -> list[Any]:
        made = [
            _with(entry, part, self.inside(entry[part], (*trail, Item(number), part), anywhere=anywhere))
            if part in entry
            else entry
            for number, entry in enumerate(entries)
        ]
        return made if any(new is not old for new, old in zip(made, entries, strict=True)) else entries

    def inside(self, value: Any, trail: Trail, *, anywhere: bool = False) -> Any:
        """The value with every call in it mapped; with `anywhere`, also plain ones outside of lists called tool_calls."""
        if isinstance(value, dict):
            if _is_block(value) or (anywhere and _is_plain(value)):
                return self._call(value, trail)
            for key, inner in value.items():
                value = _with(value, key, self._below(key, inner, (*trail, key), anywhere))
        elif isinstance(value, list):
            made = [
                self.inside(inner, (*trail, Item(number)), anywhere=anywhere)
                for number, inner in enumerate(value)
            ]
            return made if any(new is not old for new, old in zip(made, value, strict=True)) else value
        return value

    def _below(self, key: str, value: Any, trail: Trail, anywhere: bool) -> Any:
        if key != _LIST or not isinstance(value, list):
            return self.inside(value, trail, anywhere=anywhere)
        made = []
        for number, inner in enumerate(value):
            here = (*trail, Item(number))
            is_call = isinstance(inner, dict) and (
                _is_plain(inner) or isinstance(inner.get("function"), dict)
            )
            made.append(self._call(inner, here) if is_call else self.inside(inner, here, anywhere=anywhere))
        return made if any(new is not old for new, old in zip(made, value, strict=True)) else value

    def _call(self, call: dict[str, Any], trail: Trail) -> dict[str, Any]:
        old, new = self._instruction.old, self._instruction.new
        if isinstance(call.get("id"), str) and call["id"] in self._results:
            return call
        note = self._notes.take(trail) or {}
        block = _is_block(call)
        plain = block or _is_plain(call)
        holder = call if plain else call["function"]
        name = holder.get("name")
        if name == new and name != old:  # it was called that before, so the way back must not rename it
            self._notes.write(trail, present=True)
        if name != old or "present" in note:
            return call
        kept: dict[str, Any] = {}
        inside = trail if plain else (*trail, "function")
        made = _with(holder, "name", new)
        for key in (_INPUT,) if block else _ARGUMENTS:
            if key in holder and self._instruction.arguments:
                made = _with(made, key, self._arguments(holder[key], note, kept, (*inside, key)))
        if kept:
            self._notes.write(trail, **kept)
        return made if plain else _with(call, "function", made)

    def _arguments(self, value: Any, note: Note, kept: dict[str, Any], trail: Trail) -> Any:
        try:
            given = json_text.loads(value) if isinstance(value, str) else value
            made, written = nested.run(
                given, self._instruction.arguments, note.get("inner", ()), recording=self._notes.recording
            )
        except (ValueError, MigrationError) as error:
            at = error.path if isinstance(error, MigrationError) else None
            said = error.message if isinstance(error, MigrationError) else "they are not JSON"
            raise CursorError(
                f"tool.call-orphaned: the arguments of an outstanding call of {self._instruction.old!r} do not go through the "
                f"operations of the script: {said}",
                path=nested.beneath(trail_text(trail), at),
                hint="Let the call get its result on its own version first, or write a transform in arguments= that takes every value",
            ) from error
        if written:
            kept["inner"] = written
        if not isinstance(value, str):
            return made
        if made is given:
            return value
        text = json_text.dumps(made).decode()
        if note.get("now") == json_text.digest(made, 8):
            text = note["text"]
        if value != json_text.dumps(given).decode():
            kept |= {"text": value, "now": json_text.digest(given, 8)}
        return text


def _is_block(value: dict[str, Any]) -> bool:
    named = value.get("type") == _BLOCK and isinstance(value.get("name"), str)
    return named and isinstance(value.get(_INPUT), dict)


def _is_plain(value: dict[str, Any]) -> bool:
    return isinstance(value.get("name"), str) and any(isinstance(value.get(key), dict) for key in _ARGUMENTS)


def _with(container: dict[str, Any], key: str, new: Any) -> dict[str, Any]:
    return container if new is container[key] else {**container, key: new}


# -- shapes ------------------------------------------------------------------------------------------------------------


def calls_in_schema(schema: Schema, instruction: MapCalls) -> Schema:
    """Calls that have their result stay as they were, so the old name and arguments stay possible beside the new ones."""

    def refers(shape: Shape) -> bool:
        return isinstance(shape, Ref) or any(map(refers, children(shape)))

    def deep(shape: Shape) -> Shape:
        match shape:
            case Object(properties, extra, name):
                made = {
                    key: _like(prop, calls(prop.shape) if key == _LIST else deep(prop.shape))
                    for key, prop in properties.items()
                }
                if "type" in properties and accepts(properties["type"].shape, _BLOCK, schema):
                    made |= {
                        key: _like(prop, _named(prop.shape) if key == "name" else _argued(prop.shape))
                        for key, prop in properties.items()
                        if key == "name" or (key == _INPUT and instruction.arguments)
                    }
                return Object(made, extra if isinstance(extra, str) else deep(extra), name)
            case ListOf(items, least, most, unique):
                made_items = deep(items)
                # Two calls that differed may be alike under the new name.
                return ListOf(made_items, least, most, unique and made_items == items and not refers(items))
            case TupleOf(slots, rest):
                return TupleOf(tuple(map(deep, slots)), None if rest is None else deep(rest))
            case MapOf(values, keys, least, most):
                held = union_of(deep(values), calls(values))
                if instruction.arguments and accepts(values, _BLOCK, schema):
                    held = union_of(held, _argued(values))
                return MapOf(held, keys, least, most)
            case Union(members, tag):
                return Union(tuple(map(deep, members)), tag)
            case _:
                return shape

    def calls(shape: Shape) -> Shape:
        resolved = schema.resolve(shape)
        match resolved:
            case ListOf(items, least, most, _):
                return ListOf(call(items), least, most)
            case Union(members):
                return union_of(*map(calls, members))
            case _:
                return deep(shape)

    def call(shape: Shape) -> Shape:
        resolved = schema.resolve(shape)
        match resolved:
            case Union(members):  # a tag that is the name of the tool tells nothing apart any more
                return union_of(*map(call, members))
            case Object(properties, extra, name):
                made = dict(properties)
                for key, prop in properties.items():
                    if key == "name":
                        made[key] = _like(prop, _named(prop.shape))
                    elif key == "function":
                        made[key] = _like(prop, call(prop.shape))
                    elif key in _ARGUMENTS and instruction.arguments:
                        made[key] = _like(prop, _argued(prop.shape))
                return deep(Object(made, extra, name)) if made == properties else Object(made, extra, name)
            case _:
                return deep(shape)

    def _named(shape: Shape) -> Shape:
        if not accepts(shape, instruction.old, schema) or accepts(shape, instruction.new, schema):
            return shape
        return union_of(shape, Enum((instruction.new,)))

    def _argued(shape: Shape) -> Shape:
        if isinstance(schema.resolve(shape), String):
            return String()
        from statemig.plan import effects

        root = Object({nested.ROOT: Property(shape)})
        inner = schema.definitions
        after = Schema(root, inner)
        for each in instruction.arguments:
            if _is_there(after, each):
                after = effects.apply(after, [each])
        made = after.resolve(after.root)
        assert isinstance(made, Object)
        return union_of(shape, made.properties[nested.ROOT].shape)

    return Schema(deep(schema.root), {key: deep(each) for key, each in schema.definitions.items()})


def _is_there(schema: Schema, instruction: Instruction) -> bool:
    """Whether the path of an instruction names something: other tools' arguments have other fields."""
    from statemig.plan.effects import shapes_at

    match instruction:
        case Put(parent) | Fill(parent) | Mint(parent):
            path = parent
        case Drop(parent, key) | Unfill(parent, key) | Rename(parent, key):
            path = parent / key
        case Move(base, source):
            path = Path((*base.segments, *map(Key, source)))
        case Apply(path):
            pass
        case _:
            return False
    try:
        return bool(shapes_at(schema, path))
    except Exception:
        return False


def _like(prop: Property, shape: Shape) -> Property:
    return Property(shape, prop.required, prop.default, prop.python_name, prop.aliases, prop.description)
