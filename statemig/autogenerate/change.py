"""One difference between two snapshots, and the list of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from statemig.autogenerate.rules import RULES, Bit, ChangeClass, worst
from statemig.document import Document
from statemig.path import Path
from statemig.shapes.shape import Property, Shape

if TYPE_CHECKING:
    from statemig.workflow.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stored runs say to a verdict that depends on values. `runs` were asked; `failing` of them speak against it, the first of them
    at `path`; `unknown` could not be asked. `run_ids` are the failing ones, the first hundred."""

    runs: int
    failing: int
    unknown: int = 0
    run_ids: tuple[str, ...] = ()
    path: str | None = None

    @property
    def bit(self) -> Bit:
        """ "ok" only where there are runs, and every one was asked."""
        if self.failing:
            return "no"
        return "?" if self.unknown or not self.runs else "ok"

    def shown(self, limit: int) -> str:
        """In words, with at most so many ids."""
        runs = f"{self.runs:,} live run{'' if self.runs == 1 else 's'}"
        rest = f"; {self.unknown:,} could not be asked" if self.unknown else ""
        if self.failing:
            ids = ", ".join(self.run_ids[:limit]) + (", ..." if self.failing > limit else "")
            where = f" (first at {self.path})" if self.path else ""
            return f"fails for {self.failing:,} of {runs}: {ids}{where}{rest}"
        if not self.runs:
            return f"no live run to ask{rest}"
        return f"holds for {'' if self.unknown else 'all '}{runs}{rest}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A run that could not be asked, with the revision that its document has."""

    run_id: str
    revision: str | None
    reason: str


#: the site's detail of a new key that the old version kept a place for: it allows any
HAS_PLACE: Final = "place"


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

    `evidence` says for "reads", "forward" or "keeps" what stored runs made of a "?". `touches` is how many live runs have something at the
    path, or stand at the step; None where none were asked, or none can tell; `at_most`: they were only counted, so that it may be fewer.
    `reason` is what the live runs say against it where its rule alone would let it pass.
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
    evidence: Mapping[str, Evidence] = field(default_factory=dict, compare=False, repr=False)
    touches: int | None = field(default=None, compare=False, repr=False)
    at_most: bool = field(default=False, compare=False, repr=False)
    reason: str | None = field(default=None, compare=False, repr=False)

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
            **({} if self.touches is None else {"touches": self.touches}),
            **({"at_most": True} if self.at_most else {}),
            **({} if self.reason is None else {"reason": self.reason}),
            **(
                {"evidence": {bit: asdict(each) for bit, each in self.evidence.items()}}
                if self.evidence
                else {}
            ),
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """All differences, in the order of the old definition.

    `renames` were applied without asking, as (old path, new path, score); `questions` are fields and steps that may
    have been renamed, as (old path, [(new path, score), ...]), best candidate first. `same_digest`: the two
    snapshots mean the same, whatever their annotations say. `first`: the old one is the base that no run ever had.
    `unknown` are stored runs that could not be asked. `old` and `new` are the snapshots compared.
    """

    items: tuple[Change, ...]
    renames: tuple[tuple[str, str, float], ...] = ()
    questions: tuple[tuple[str, list[tuple[str, float]]], ...] = ()
    same_digest: bool = False
    first: bool = False
    unknown: tuple[Unknown, ...] = ()
    old: Snapshot | None = field(default=None, compare=False, repr=False)
    new: Snapshot | None = field(default=None, compare=False, repr=False)

    def resolved(self, documents: Iterable[tuple[str, Document]]) -> Changes:
        """The same with each "?" settled that the runs can settle; the classes follow from what is settled.

        `documents` are those of the unfinished runs at the old version, each with its run's id; they are read once, one by one.
        `statemig.autogenerate.resolve.Resolver` takes runs of the new version, too, which settle F.
        """
        from statemig.autogenerate.resolve import resolve

        return resolve(self, documents)

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
