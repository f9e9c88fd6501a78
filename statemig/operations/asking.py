"""Operations on what is outstanding: questions that people have been asked, and calls of tools that have no result yet."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

from statemig.operations.base import Operation, literal, require
from statemig.operations.nested import inverses, lowered, recorded, source
from statemig.plan.instructions import Instruction, MapCalls, MapQuestions


class _WithNested(Operation):
    """An operation some of whose arguments are operations on a value."""

    def to_dict(self) -> dict[str, Any]:
        data = super().to_dict()
        for name in self.nested:
            if name in data:
                data[name] = [each.to_dict() for each in getattr(self, name)]
        return data

    def source(self) -> str:
        arguments = []
        for number, name, value in self._given():
            text = (
                source(value)
                if name in self.nested
                else literal(list(value) if isinstance(value, tuple) else value)
            )
            arguments.append(text if number < self.positional else f"{name}={text}")
        return f"op.{self.name}({', '.join(arguments)})"


@dataclass(frozen=True)
class MapWaiting(_WithNested):
    """What people are shown at `step` (`payload`), and have answered or will answer (`answer`), has another shape; `order[i]` is the old
    index of the question that is the i-th now, None for a new one. Who was asked is not asked again: id, key and, but for `payload`, what
    was shown stay. `inverted` is the way back."""

    name: ClassVar[str] = "map_waiting"
    nested: ClassVar[tuple[str, ...]] = ("payload", "answer")
    step: str
    payload: Any = ()
    answer: Any = ()
    order: tuple[int | None, ...] | None = None
    inverted: bool = False

    def __post_init__(self) -> None:
        require(bool(self.step), "give the name of the step", self.name)
        for argument in self.nested:
            object.__setattr__(self, argument, recorded(getattr(self, argument), self.name, argument))
        if self.order is not None:
            require(
                isinstance(self.order, list | tuple)
                and all(
                    each is None or (isinstance(each, int) and not isinstance(each, bool) and each >= 0)
                    for each in self.order
                ),
                "order is a list of old indexes, None for a new question",
                self.name,
            )
            old = [each for each in self.order if each is not None]
            require(len(set(old)) == len(old), "order names a question twice", self.name)
            object.__setattr__(self, "order", tuple(self.order))
        require(
            bool(self.payload or self.answer or self.order is not None),
            "say what changes: payload=, answer= or order=",
            self.name,
        )

    def inverse(self) -> Operation:
        return replace(
            self, payload=inverses(self.payload), answer=inverses(self.answer), inverted=not self.inverted
        )

    def lower(self) -> tuple[Instruction, ...]:
        places = None
        if self.order is not None:
            pairs = [(old, new) for new, old in enumerate(self.order) if old is not None]
            places = tuple((new, old) if self.inverted else (old, new) for old, new in pairs)
        return (MapQuestions(self.step, lowered(self.payload), lowered(self.answer), places),)

    def describe(self) -> str:
        what = [name for name in ("payload", "answer", "order") if getattr(self, name)]
        return f"questions of step {self.step} have another {' and '.join(what) or 'order'}"


@dataclass(frozen=True)
class RenameTool(_WithNested):
    """The tool `old` is called `to`, in calls that have no result yet: in lists called tool_calls, blocks of type tool_use, and what
    waiting people are shown. `arguments` are operations on the arguments of such a call."""

    name: ClassVar[str] = "rename_tool"
    nested: ClassVar[tuple[str, ...]] = ("arguments",)
    old: str
    to: str
    arguments: Any = ()

    def __post_init__(self) -> None:
        require(bool(self.old) and bool(self.to), "give the old and the new name of the tool", self.name)
        object.__setattr__(self, "arguments", recorded(self.arguments, self.name, "arguments"))
        require(
            self.old != self.to or bool(self.arguments),
            "the new name is the old one, and the arguments stay",
            self.name,
        )

    def inverse(self) -> Operation:
        return RenameTool(self.to, self.old, inverses(self.arguments))

    def lower(self) -> tuple[Instruction, ...]:
        return (MapCalls(self.old, self.to, lowered(self.arguments)),)

    def describe(self) -> str:
        if self.old == self.to:
            return f"tool {self.old} takes other arguments"
        return f"tool {self.old} becomes {self.to}" + (", with other arguments" if self.arguments else "")
