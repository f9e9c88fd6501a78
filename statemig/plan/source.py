"""Python source that builds one object from another whose keys are known."""

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


@dataclass(slots=True)
class Taken(Generic[ActT]):
    """The value that the old object has at `key`, and what is done inside it."""

    key: str
    acts: list[ActT] = field(default_factory=list)


@dataclass(slots=True)
class Made:
    """A value that the plan itself puts there."""

    value: Any


class Source(Generic[ActT]):
    """Source for objects with the keys `old`; `compiled` gives the function for what is done inside a value."""

    def __init__(self, old: Sequence[str], compiled: Callable[[Taken[ActT]], Expression]) -> None:
        self._old = list(old)
        self._compiled = compiled
        self._names: dict[str, Any] = {}

    def function(self, cells: dict[str, Taken[ActT] | Made], done: Sequence[Taken[ActT]]) -> Expression:
        """The function from an old object to one with these cells, in this order. What is to be `done` is done for its errors only."""
        old = self._old
        rest = list(cells)[len(old) :]
        if list(cells)[: len(old)] == old and all(_stays(key, cells[key]) for key in old):
            changed = [*(key for key in old if self._acts(cells[key])), *rest]
            if not changed and not done:
                return _same
            lines = [
                "r = o.copy()",
                *[f"r[{key!r}] = {self._text(cells[key])}" for key in changed],
                "return r",
            ]
        elif len(cells) > _MOST_DISPLAYED:
            lines = self._from_template(cells)
        else:
            pairs = [f"    {key!r}: {self._text(cell)}," for key, cell in cells.items()]
            lines = ["return {", *pairs, "}"]
        return self._compile([*[self._text(cell) for cell in done], *lines])

    def _from_template(self, cells: dict[str, Taken[ActT] | Made]) -> list[str]:
        """Fill a copy of an object that has the new keys already, and the new values that never change."""
        targets = dict.fromkeys(self._old, "_")
        template: dict[str, Any] = {}
        later: list[str] = []
        for key, cell in cells.items():
            template[key] = None
            if isinstance(cell, Taken) and not cell.acts:
                targets[cell.key] = f"r[{key!r}]"
            elif isinstance(cell, Made) and not isinstance(cell.value, dict | list):
                template[key] = cell.value
            else:
                later.append(f"r[{key!r}] = {self._text(cell)}")
        lines = [f"r = {self._name(template)}.copy()"]
        if any(target != "_" for target in targets.values()):
            lines.append(f"{', '.join(targets.values())}, = o.values()")
        return [*lines, *later, "return r"]

    @staticmethod
    def _acts(cell: Taken[ActT] | Made) -> bool:
        return isinstance(cell, Made) or bool(cell.acts)

    def _text(self, cell: Taken[ActT] | Made) -> str:
        if isinstance(cell, Taken):
            taken = f"o[{cell.key!r}]"
            return f"{self._name(self._compiled(cell))}({taken})" if cell.acts else taken
        value = cell.value
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

    def _compile(self, lines: Sequence[str]) -> Expression:
        source = "\n".join(["def kind(o):", *[f"    {line}" for line in lines], ""])
        file = f"<statemig plan: object with {', '.join(self._old)[:80]}>"
        linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
        exec(compile(source, file, "exec"), self._names)
        function: Expression = self._names["kind"]
        return function


def _stays(key: str, cell: Any) -> bool:
    return isinstance(cell, Taken) and cell.key == key


def _same(value: Any) -> Any:
    return value
