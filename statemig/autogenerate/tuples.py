"""The differences of two tuples: which slot became which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from statemig.autogenerate.place import Place
from statemig.path import Items
from statemig.shapes.shape import TupleOf
from statemig.shapes.similarity import similarity

if TYPE_CHECKING:
    from statemig.autogenerate.structure import Walk

# Less alike than this, two slots are no versions of each other.
_ALIKE: Final = 0.5


def compare_tuples(walk: Walk, old: TupleOf, new: TupleOf, place: Place) -> None:
    pairs = [(at, at) for at in range(len(old.slots))]
    order = _permutation(walk, old, new)
    if order is not None:
        walk.found("S47", place, old, new, "reordered", detail=order)
        pairs = []
    elif len(old.slots) != len(new.slots):
        pairs = _aligned(walk, old, new)
        kept, still = {i for i, _ in pairs}, {j for _, j in pairs}
        gone = tuple(i for i in range(len(old.slots)) if i not in kept)
        come = tuple(j for j in range(len(new.slots)) if j not in still)
        if gone:
            walk.found("S47", place, old, new, "removed", detail=gone)
        if come:
            walk.found("S47", place, old, new, "added", detail=come)
    for i, j in pairs:
        walk.compare(old.slots[i], new.slots[j], place.slot(i, j))
    if old.rest is not None and new.rest is not None:
        walk.compare(old.rest, new.rest, replace(place.inside(Items()), target=None))
    elif old.rest is not None or new.rest is not None:
        walk.found("S47", place, old, new, "added" if new.rest is not None else "removed")


def _permutation(walk: Walk, old: TupleOf, new: TupleOf) -> tuple[int, ...] | None:
    """For each new slot the old one, where all types are different and only their order is another."""
    left = [walk.digest(slot, new_side=False) for slot in old.slots]
    right = [walk.digest(slot, new_side=True) for slot in new.slots]
    if left == right or sorted(left) != sorted(right) or len(set(left)) != len(left):
        return None
    return tuple(map(left.index, right))


def _aligned(walk: Walk, old: TupleOf, new: TupleOf) -> list[tuple[int, int]]:
    """The pairs of slots, in order on both sides, whose types are most alike in sum; of equally good choices the foremost slots."""
    scores = [[_score(walk, old, new, i, j) for j in range(len(new.slots))] for i in range(len(old.slots))]
    best = [[0.0] * (len(new.slots) + 1) for _ in range(len(old.slots) + 1)]
    for i in reversed(range(len(old.slots))):
        for j in reversed(range(len(new.slots))):
            best[i][j] = max(best[i + 1][j], best[i][j + 1], best[i + 1][j + 1] + scores[i][j])
    return _traced(best, scores)


def _traced(best: Sequence[Sequence[float]], scores: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < len(scores) and j < len(scores[0]):
        if scores[i][j] > 0 and best[i][j] == best[i + 1][j + 1] + scores[i][j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs


def _score(walk: Walk, old: TupleOf, new: TupleOf, i: int, j: int) -> float:
    alike = similarity(old.slots[i], walk.old, new.slots[j], walk.new)
    return alike if alike >= _ALIKE else 0.0
