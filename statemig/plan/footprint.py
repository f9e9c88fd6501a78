"""What an instruction reads and writes, as places; so whether two of them can change order.

Coarse on the safe side: two instructions that do not meet give the same in either order, on every document. Of two that meet nothing is
said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from statemig.path import Definition, Items, Key, Path, Segment, Slot, Values, Variant
from statemig.plan.instructions import (
    Apply,
    CloseStep,
    Divide,
    Drop,
    Fill,
    Instruction,
    MapQuestions,
    Mint,
    Move,
    OpenStep,
    Put,
    Refuse,
    Relabel,
    Rename,
    Retype,
    Unfill,
    Unite,
)
from statemig.plan.key_values import CopyKey, DropCopy, Group, Merge, Split, Ungroup

Place = tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Footprint:
    """`written` and `read` are places without variants (what is done to one variant may meet what is done to another); `steps` the names of
    steps that it is about. `whole`: it may be about anything in state and outputs; `cursor`: about any step."""

    written: tuple[Place, ...] = ()
    read: tuple[Place, ...] = ()
    steps: frozenset[str] = frozenset()
    whole: bool = False
    cursor: bool = False

    def meets(self, other: Footprint) -> bool:
        """Whether the order of the two may matter."""
        return (
            self._meets_values(other)
            or other._meets_values(self)
            or bool(self.steps & other.steps)
            or (self.cursor and (other.cursor or bool(other.steps)))
            or (other.cursor and bool(self.steps))
        )

    def _meets_values(self, other: Footprint) -> bool:
        if self.whole and (other.whole or other.written or other.read):
            return True
        return any(_overlap(one, two) for one in self.written for two in (*other.written, *other.read))


@dataclass(slots=True)
class _Places:
    written: list[Place] = field(default_factory=list)
    read: list[Place] = field(default_factory=list)
    whole: bool = False

    def add(self, path: Path | Sequence[Segment], keys: Iterable[str] = (), *, written: bool = True) -> None:
        """The place of a path, or those of some keys of the objects there."""
        segments = path.segments if isinstance(path, Path) else tuple(path)
        plain: list[Segment] = []
        for segment in segments:
            if isinstance(segment, Variant):  # which objects it is about depends on the tag
                self.read.append((*plain, *map(Key, segment.tag)))
            else:
                plain.append(segment)
        self.whole = self.whole or not plain or isinstance(plain[0], Definition)
        found = [(*plain, Key(key)) for key in keys] or [tuple(plain)]
        (self.written if written else self.read).extend(found)


def footprint(instruction: Instruction) -> Footprint:
    """What the instruction is about."""
    places = _Places()
    steps: set[str] = set()
    match instruction:
        case (
            Put(parent, key) | Drop(parent, key) | Fill(parent, key) | Unfill(parent, key) | Mint(parent, key)
        ):
            places.add(parent, [key])
        case Rename(parent, old, new):
            places.add(parent, [old, new])
        case Move(base, source, target, prune):
            # Objects on the way are made, and with `prune` they go: what is put into one of them meets that.
            places.add(base, [target[0]])
            places.add((*base.segments, *map(Key, source[: 1 if prune else None])))
        case Apply(path, CopyKey() | DropCopy() as function):
            places.add(path, function.keys)
            places.add(path, [function.source], written=False)
        case Apply(path, Group() | Ungroup() | Split() | Merge() as function):
            places.add(path, function.keys)
        case Apply(path):
            places.add(path)
        case Refuse() | Retype():
            pass
        case Relabel(old, new):
            steps = {old, new}
        case CloseStep(step, policy, output):
            steps = {step, *filter(None, [policy.to])}
            for path, _ in output:
                places.add(path)
        case OpenStep(step, after):
            steps = {step, *filter(None, [after])}
        case MapQuestions(step):
            steps = {step}
        case Divide(step, into):
            return Footprint(_outputs([step, *into]), steps=frozenset((step, *into)), cursor=True)
        case Unite(several, into):
            return Footprint(_outputs([*several, into]), steps=frozenset((*several, into)), cursor=True)
        case _:  # calls of tools lie anywhere; joins and orders are about the flow
            return Footprint(whole=True, cursor=True)
    if isinstance(instruction, Retype):
        return Footprint(whole=True)  # a path below <Node> means another place then
    return Footprint(
        (*places.written, *_outputs(sorted(steps))), tuple(places.read), frozenset(steps), places.whole
    )


@dataclass(frozen=True, slots=True)
class Fields:
    """What a plan does with the fields of the state. `opened`: those, by the names that they have before it, whose values are looked into
    or change, all where it is None; `moved`: the names that others have afterwards, where they have others. The rest is handed on."""

    opened: frozenset[str] | None
    moved: Mapping[str, str]

    def is_opened(self, name: str) -> bool:
        return self.opened is None or name in self.opened


def fields_of(instructions: Iterable[Instruction]) -> Fields | None:
    """None where they may change something other than values in the state."""
    opened: set[str] = set()
    everything = False
    #: what each name means that does not mean what it meant at first; None for what was not there then
    means: dict[str, str | None] = {}

    def open_(name: str) -> None:
        old = means.get(name, name)
        if old is not None:
            opened.add(old)

    for instruction in instructions:
        match instruction:
            case Retype():
                continue
            case Put(where) | Drop(where) | Fill(where) | Unfill(where) | Rename(where) | Move(where):
                pass
            case Apply(where):
                where = Path(where.segments[:-1])
            case _:
                return None
        match where.segments, instruction:
            case ((Definition(), *_), _):
                everything = True  # it may occur anywhere in the state
            case ((Key("state"),), Rename(_, old, new)):
                open_(new)  # what is there already is in its way
                means[new], means[old] = means.get(old, old), None
            case ((Key("state"),), Move(_, source, target)):
                open_(source[0])
                open_(target[0])
            case ((Key("state"),), Apply(path)) if isinstance(path.segments[-1], Key):
                open_(path.segments[-1].name)
            case ((Key("state"),), Put(_, key) | Drop(_, key) | Fill(_, key) | Unfill(_, key)):
                open_(key)
            case ((Key("state"), Key(name), *_), _):
                open_(name)
            case ((Key("state"), *_), _):
                everything = True
            case _:
                return None
    moved = {old: new for new, old in means.items() if old is not None and old != new}
    return Fields(None if everything else frozenset(opened), moved)


def _outputs(steps: Iterable[str]) -> tuple[Place, ...]:
    return tuple((Key("outputs"), Key(step)) for step in steps)


def _overlap(one: Place, other: Place) -> bool:
    """Whether one lies in the other, as far as the paths say."""
    return all(_alike(left, right) for left, right in zip(one, other, strict=False))


def _alike(left: Segment, right: Segment) -> bool:
    match left, right:
        case (Slot(one), Slot(other)):
            return one == other or one < 0 or other < 0
        case (Items() | Slot(), Items() | Slot()):
            return True
        case (Key(one), Key(other)):
            return one == other
        case (Key() | Values(), Key() | Values()):
            return True
        case _:
            return left == right
