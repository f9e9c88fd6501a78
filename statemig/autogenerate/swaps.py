"""Fields that changed names with each other, and the order in which fields can take each other's names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from statemig.shapes.shape import Object
from statemig.shapes.similarity import similarity

if TYPE_CHECKING:
    from statemig.autogenerate.structure import Walk

#: (name, next name), one after the other
Ways = tuple[tuple[str, str], ...]

# The score that people are told for two fields each of which has exactly the type that the other one had.
SWAPPED: Final = 0.85
_UNLIKE: Final = 0.5


def swapped(walk: Walk, old: Object, new: Object, keys: Sequence[str]) -> dict[str, str]:
    """Pairs of fields with each other's names now: their author wrote it down (aliases), or each has exactly the type that the other one
    had and nothing like its own. A field with two such partners is left alone."""
    partners: dict[str, list[str]] = {key: [] for key in keys}
    for at, a in enumerate(keys):
        for b in keys[at + 1 :]:
            if _written_down(old, new, a, b) or _by_type(walk, old, new, a, b):
                partners[a].append(b)
                partners[b].append(a)
    return {
        key: others[0]
        for key, others in partners.items()
        if len(others) == 1 and len(partners[others[0]]) == 1
    }


def _written_down(old: Object, new: Object, a: str, b: str) -> bool:
    return a in new.properties[b].aliases and b in new.properties[a].aliases


def _by_type(walk: Walk, old: Object, new: Object, a: str, b: str) -> bool:
    was, now = old.properties, new.properties
    return (
        walk.alike(was[a].shape, now[b].shape)
        and walk.alike(was[b].shape, now[a].shape)
        and all(similarity(was[k].shape, walk.old, now[k].shape, walk.new) < _UNLIKE for k in (a, b))
    )


def in_free_order(renames: Mapping[str, str], old: Object, new: Object) -> Iterator[tuple[str, Ways]]:
    """Each field with its way to its new name, so that no name is taken before its owner has another; round a circle one goes by way of
    a name that nobody has."""
    waiting = dict(renames)
    then: dict[str, tuple[str, str]] = {}
    while waiting:
        free = [key for key, to in waiting.items() if to not in waiting or to == key]
        for key in free:
            to = waiting.pop(key)
            yield key, ((key, to), *((then[key],) if key in then else ()))
        if not free:
            key = next(iter(waiting))
            to = waiting.pop(key)
            aside = f"{key}_before"
            while aside in old.properties or aside in new.properties:
                aside += "_"
            then[to] = (aside, to)
            yield key, ((key, aside),)
