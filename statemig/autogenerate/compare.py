"""`diff`: every difference between two snapshots, each under one rule of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from statemig.autogenerate.change import HAS_PLACE, Change, Changes
from statemig.autogenerate.channels import runtime_changes
from statemig.autogenerate.class_names import class_changes
from statemig.autogenerate.definitions import shared_definitions
from statemig.autogenerate.history import had, used_again
from statemig.autogenerate.known import declared
from statemig.autogenerate.moves import is_there, pair_moves
from statemig.autogenerate.place import Place
from statemig.autogenerate.steps import StepMatch, match_steps, step_changes
from statemig.autogenerate.structure import Walk
from statemig.errors import OperationError
from statemig.path import Path
from statemig.shapes.marks import Marks
from statemig.shapes.shape import Object, Property, Schema
from statemig.workflow.snapshot import Snapshot

Renames = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The changes, with what only a proposal needs: which step became which, and whether `old` is the base that no run
    has ever had."""

    changes: Changes
    steps: StepMatch
    first: bool


def diff(
    old: Snapshot, new: Snapshot, renames: Renames | None = None, history: Sequence[Snapshot] = ()
) -> Changes:
    """Compare two snapshots of one workflow.

    `renames` settles what became of a field or step: ``{"state.a": "b"}`` (a new name), ``{"state.a": "state.meta.a"}``
    (a move), ``{"approve": "review"}`` (a step), ``{"state.a": None}`` (it is gone). `history` are the versions before
    `old`: a name that one of them had with another type is not free for a new field (S15), until ``{"state.a": None}``
    says that it is. Raises `OperationError` where one of them names nothing, on either side.
    """
    return compare(old, new, renames, history).changes


def compare(
    old: Snapshot, new: Snapshot, renames: Renames | None = None, history: Sequence[Snapshot] = ()
) -> Comparison:
    given = dict(renames or {})
    steps = match_steps(old, new, given)
    walk = _walk(old, new, given, steps)
    released = {path for path, to in given.items() if to is None and had(path, history)}
    unused = [path for path in given if path not in {*walk.used, *steps.used, *released}]
    if unused:
        raise OperationError(
            f"the old definition has no field or step {', '.join(unused)} to rename",
            problems=unused,
            hint="Write the old path in full: state.summary, state.items[].name, outputs.draft.text, or a step's name",
        )
    absent = [
        *steps.absent,
        *(key for key, (_, target) in walk.moves.items() if not is_there(walk.new, target)),
    ]
    if absent:
        raise OperationError(
            "the new definition has no such field or step: "
            + ", ".join(f"{key} to {given[key]}" for key in absent),
            problems=absent,
            hint="Write the new name as it is in the code now, or in full: state.digest, state.meta.digest, steps.review",
        )
    changes, moved = pair_moves(walk)
    changes = used_again(changes, walk.new, history, released)
    retyped = [*class_changes(old, new, changes)]
    changes = [*changes, *retyped, *step_changes(old, new, steps), *runtime_changes(old, new, steps, changes)]
    scored = [*walk.renames, *moved]
    scored += [(f"steps.{name}", f"steps.{c.new}", c.score) for name, c in steps.matching.applied.items()]
    questions = list(walk.questions)
    questions += [
        (f"steps.{name}", [(f"steps.{c.new}", c.score) for c in candidates])
        for name, candidates in steps.matching.questions.items()
    ]
    first = old == Snapshot.empty(old.workflow)
    found = Changes(
        tuple(changes),
        tuple(scored),
        tuple(questions),
        same_digest=old.digest == new.digest and not retyped,
        first=first,
        old=old,
        new=new,
    )
    return Comparison(found, steps, first)


def _walk(old: Snapshot, new: Snapshot, given: Renames, steps: StepMatch) -> Walk:
    """Walk once; where a definition turned into several, walk again without treating it as one."""
    apart: frozenset[str] = frozenset()
    while True:
        marks = old.kept("declared", _marks), new.kept("declared", _marks)
        walk = Walk(marks[0].schema, marks[1].schema, given, apart, marks)
        _compare_documents(walk, steps)
        split = {
            name for name, partners in walk.partners.items() if len(partners) > 1 and name in walk.shared
        }
        recursive = {name for name in split if _is_recursive(old.reads, name)}
        if (split := split - recursive) <= apart:
            return walk
        apart |= split


def _marks(snapshot: Snapshot) -> Marks:
    return Marks.of(declared(snapshot))


def _is_recursive(schema: Schema, name: str) -> bool:
    return name in shared_definitions(Schema(schema.definitions[name], {name: schema.definitions[name]}))


def _compare_documents(walk: Walk, steps: StepMatch) -> None:
    before, after = _parts(walk.old), _parts(walk.new)
    if "state" in before and "state" in after:
        walk.compare(
            before["state"].shape, after["state"].shape, Place.at(Path.of("state"), Path.of("state"))
        )
    was, now = _outputs(walk.old, before), _outputs(walk.new, after)
    for name, to in steps.kept.items():
        place = Place.at(Path.of("outputs", name), Path.of("outputs", to))
        if name in was and to in now:
            walk.compare(was[name].shape, now[to].shape, place)
        elif name in was:
            walk.found("S07", place, was[name].shape, None, "optional", old_property=was[name])
        elif to in now:
            walk.found("S04", place, None, now[to].shape, new_property=now[to], detail=HAS_PLACE)


def _parts(schema: Schema) -> Mapping[str, Property]:
    root = schema.resolve(schema.root)
    return root.properties if isinstance(root, Object) else {}


def _outputs(schema: Schema, parts: Mapping[str, Property]) -> Mapping[str, Property]:
    inside = schema.resolve(parts["outputs"].shape) if "outputs" in parts else None
    return inside.properties if isinstance(inside, Object) else {}


__all__ = ["Change", "Changes", "Comparison", "Renames", "compare", "diff"]
