"""What an instruction reads and writes, as places; so whether two of them can change order.

Coarse on the safe side: two instructions that do not meet give the same in either order, on every document. Of two that meet nothing is
said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
