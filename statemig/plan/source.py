"""Python source that builds one object from another whose keys are known.

What is done inside its values is written in place of a call, as long as the values come with the keys that the first object had them with:
asking for the keys is then all that is left of a look-up by kind, and nothing is called.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from statemig.plan.values import fresh

Expression = Callable[[Any], Any]
ActT = TypeVar("ActT")

#: a display of more pairs than this takes longer than a copy of a template, into which the old values are unpacked (CPython 3.11 to 3.13)
_MOST_DISPLAYED: Final = 5
#: what lies deeper is called; Python itself nests no more than 20 loops
_DEEPEST: Final = 8


@dataclass(slots=True)
class Taken(Generic[ActT]):
    """The value that the old object has at `key`, and what is done inside it."""

    key: str
    acts: list[ActT] = field(default_factory=list)


@dataclass(slots=True)
class Made:
    """A value that the plan itself puts there."""

    value: Any


@dataclass(frozen=True, slots=True)
class Shape(Generic[ActT]):
    """What becomes of objects with the keys `old`: one with these cells, in this order. What is to be `done` is done for its errors only.
    `example` is one of those objects."""

    old: tuple[str, ...]
    cells: dict[str, Taken[ActT] | Made]
    done: Sequence[Taken[ActT]]
    example: dict[str, Any]

    @property
    def is_kept(self) -> bool:
        """Whether the old keys are still there, first and in their order."""
        return tuple(self.cells)[: len(self.old)] == self.old and all(
            isinstance(cell := self.cells[key], Taken) and cell.key == key for key in self.old
        )


@dataclass(frozen=True, slots=True)
class Inside(Generic[ActT]):
    """What is done inside a value: `function` does it, whatever the value. `shape` says it for the most likely one: an object, or where
    there is an `item`, which does it for an item, whatever it is, a list of such objects."""

    function: Expression
    shape: Shape[ActT]
    item: Expression | None = None


#: of a value and an example of it
Compiled = Callable[[Taken[ActT], Any], Expression | Inside[ActT]]


def function(shape: Shape[ActT], compiled: Compiled[ActT]) -> Expression:
    """The function from an old object to a new one; `compiled` says what is done inside a value."""
    return _Source(compiled).function(shape)


class _Source(Generic[ActT]):
    """The source of one function."""

    def __init__(self, compiled: Compiled[ActT]) -> None:
        self._compiled = compiled
        self._names: dict[str, Any] = {}
        self._locals = 0

    def function(self, shape: Shape[ActT]) -> Expression:
        lines = self._object(shape, "o", "r")
        if lines == ["r = o"]:
            return _same
        source = "\n".join(["def kind(o):", *_indented(lines), "    return r", ""])
        file = f"<statemig plan: object with {', '.join(shape.old)[:80]}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), self._names)
        made: Expression = self._names["kind"]
        return made

    def _object(self, shape: Shape[ActT], old: str, new: str, depth: int = 0) -> list[str]:
        """Statements that make `new` of `old`."""
        lines: list[str] = []

        def text(cell: Taken[ActT] | Made) -> str:
            return self._text(cell, shape, old, lines, depth)

        for dropped in shape.done:
            lines.append(text(dropped))
        cells = shape.cells
        if shape.is_kept:
            changed = [key for key, cell in cells.items() if isinstance(cell, Made) or cell.acts]
            if not changed:
                return [*lines, f"{new} = {old}"]
            values = {key: text(cells[key]) for key in changed}
            lines.append(f"{new} = {old}.copy()")
            lines += [f"{new}[{key!r}] = {value}" for key, value in values.items()]
        elif len(cells) > _MOST_DISPLAYED:
            lines += self._from_template(shape, old, new, depth)
        else:
            pairs = ", ".join(f"{key!r}: {text(cell)}" for key, cell in cells.items())
            lines.append(f"{new} = {{{pairs}}}")
        return lines

    def _from_template(self, shape: Shape[ActT], old: str, new: str, depth: int) -> list[str]:
        """Fill a copy of an object that has the new keys already, and the new values that never change."""
        targets = dict.fromkeys(shape.old, "_")
        template: dict[str, Any] = {}
        before: list[str] = []
        later: list[str] = []
        for key, cell in shape.cells.items():
            template[key] = None
            if isinstance(cell, Taken) and not cell.acts:
                targets[cell.key] = f"{new}[{key!r}]"
            elif isinstance(cell, Made) and not isinstance(cell.value, dict | list):
                template[key] = cell.value
            else:
                later.append(f"{new}[{key!r}] = {self._text(cell, shape, old, before, depth)}")
        before.append(f"{new} = {self._name(template)}.copy()")
        if any(target != "_" for target in targets.values()):
            before.append(f"{', '.join(targets.values())}, = {old}.values()")
        return [*before, *later]

    def _text(
        self, cell: Taken[ActT] | Made, shape: Shape[ActT], old: str, lines: list[str], depth: int
    ) -> str:
        """The expression for a value; what has to be done before goes to `lines`."""
        if isinstance(cell, Made):
            return self._constant(cell.value)
        taken = f"{old}[{cell.key!r}]"
        if not cell.acts:
            return taken
        inside = self._compiled(cell, shape.example[cell.key])
        if not isinstance(inside, Inside):
            return f"{self._name(inside)}({taken})"
        if depth >= _DEEPEST:
            return f"{self._name(inside.function)}({taken})"
        value, result = self._local(), self._local()
        lines.append(f"{value} = {taken}")
        if inside.item is not None:
            lines.append(f"if type({value}) is list:")
            made = self._items(inside.shape, inside.item, value, result, depth + 1)
        else:
            lines.append(f"if {self._is(value, inside.shape)}:")
            made = self._object(inside.shape, value, result, depth + 1)
        lines += [*_indented(made), "else:", f"    {result} = {self._name(inside.function)}({value})"]
        return result

    def _items(self, shape: Shape[ActT], other: Expression, value: str, result: str, depth: int) -> list[str]:
        """Statements for a list of objects."""
        item, new = self._local(), self._local()
        test = self._is(item, shape)
        anyhow = f"{self._name(other)}({item})"
        made = self._object(shape, item, new, depth)
        if len(made) == 1:
            expression = made[0].removeprefix(f"{new} = ")
            return [f"{result} = [{expression} if {test} else {anyhow} for {item} in {value}]"]
        return [
            f"{result} = []",
            f"for {item} in {value}:",
            f"    if {test}:",
            *_indented(_indented(made)),
            "    else:",
            f"        {new} = {anyhow}",
            f"    {result}.append({new})",
        ]

    def _is(self, value: str, shape: Shape[ActT]) -> str:
        return f"type({value}) is dict and tuple({value}) == {self._name(shape.old)}"

    def _constant(self, value: Any) -> str:
        if value is None or type(value) in (bool, int, str):
            return repr(value)
        if isinstance(value, dict | list):
            if not value:
                return "{}" if isinstance(value, dict) else "[]"
            return f"{self._name(lambda: fresh(value))}()"
        return self._name(value)

    def _name(self, thing: Any) -> str:
        name = f"n{len(self._names)}"
        self._names[name] = thing
        return name

    def _local(self) -> str:
        self._locals += 1
        return f"v{self._locals}"


def _indented(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def _same(value: Any) -> Any:
    return value
