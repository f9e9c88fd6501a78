"""How far apart two versions are: the change class of the way between them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from statemig.autogenerate.compare import diff
from statemig.migrator import Migrator

ORDER: Final = ("none", "prompt", "additive", "breaking")


def classes_to(migrator: Migrator, new: str, olds: Iterable[str]) -> dict[str, str]:
    """For each older revision the worst class of the revisions that lead from it to `new`, each of which is compared once.

    "breaking" where a revision was frozen without a snapshot, or merges others: there is nothing to compare.
    """
    steps: dict[str, str] = {}
    found: dict[str, str] = {}
    for old in olds:
        worst = "none"
        for name in migrator.path(old, new):
            if name not in steps:
                steps[name] = _class_of(migrator, name)
            worst = max(worst, steps[name], key=ORDER.index)
        found[old] = worst
    return found


def below(migrator: Migrator, revision: str) -> list[str]:
    """The revisions from which a run can be brought up to this one, itself left out."""
    return sorted(
        (name for name in migrator.known if name != revision and migrator.leads(name, revision)),
        key=lambda name: (migrator.version(name), name),
    )


def _class_of(migrator: Migrator, revision: str) -> str:
    lower = migrator.revision(revision).down_revisions
    after = migrator.snapshot(revision)
    before = migrator.snapshot(lower[0]) if len(lower) == 1 else None
    if before is None or after is None:
        return "breaking"
    return diff(before, after).change_class
