"""One difference between two snapshots, and the list of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from statemig.autogenerate.rules import RULES, Bit, ChangeClass, worst
from statemig.path import Path
from statemig.shapes.shape import Property, Shape


@dataclass(frozen=True, slots=True)
class Site:
    """What a proposal needs to know beyond what people read.

    `target` is where an operation finds the value at its point in the script: outer names are the new ones already,
    because a script renames from the outside in. None: no path can name it (a nameless member of a union).
    """

    target: Path | None
    old: Shape | None = None
    new: Shape | None = None
    old_property: Property | None = None
    new_property: Property | None = None
    detail: Any = None


@dataclass(frozen=True, slots=True)
class Change:
    """`rule` is an id of the table ("S06"); `path` has the old names (the new ones for something added).

    `old` and `new` are plain words ("string", "list of string", "state.digest" for a rename), None where there is
    nothing on that side. `reads`, `forward`, `keeps` are the bits R, F and D.
    """

    rule: str
    path: str
    old: str | None
    new: str | None
    reads: Bit
    forward: Bit
    keeps: Bit
    change_class: ChangeClass
    direction: str = field(default="", repr=False)
    site: Site | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(
        cls,
        rule: str,
        path: str,
        old: str | None = None,
        new: str | None = None,
        *,
        direction: str = "",
        site: Site | None = None,
    ) -> Change:
        case = RULES[rule].case(direction)
        return cls(
            rule,
            path,
            old,
            new,
            case.reads,
            case.forward,
            case.keeps,
            case.change_class,
            direction,
            site,
        )

    @property
    def operation(self) -> str:
        """The name of the operation that the rule proposes, or "none"."""
        return RULES[self.rule].case(self.direction).operation

    def to_dict(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "slug": RULES[self.rule].slug,
            "path": self.path,
            "old": self.old,
            "new": self.new,
            "reads": self.reads,
            "forward": self.forward,
            "keeps": self.keeps,
            "change_class": self.change_class,
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """All differences, in the order of the old definition.

    `renames` were applied without asking, as (old path, new path, score); `questions` are fields and steps that may
    have been renamed, as (old path, [(new path, score), ...]), best candidate first. `same_digest`: the two
    snapshots mean the same, whatever their annotations say. `first`: the old one is the base that no run ever had.
    """

    items: tuple[Change, ...]
    renames: tuple[tuple[str, str, float], ...] = ()
    questions: tuple[tuple[str, list[tuple[str, float]]], ...] = ()
    same_digest: bool = False
    first: bool = False

    @property
    def change_class(self) -> ChangeClass:
        """The class of the worst change; "none" where nothing that a revision would freeze has changed."""
        if self.same_digest:
            return "none"
        return "additive" if self.first else worst([change.change_class for change in self.items])

    def __iter__(self) -> Iterator[Change]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return bool(self.items)
