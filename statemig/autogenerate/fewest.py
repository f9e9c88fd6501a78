"""The other ways to write a proposal: several moves as one operation. Which is taken is decided by what they come to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from statemig.autogenerate.built import Built, Step
from statemig.autogenerate.change import Change
from statemig.operations.fields import AddField, MoveField, RemoveField
from statemig.operations.groups import Flatten, Nest
from statemig.path import Key, Path
from statemig.shapes.shape import MISSING

Entry = tuple[Change, Built]
Entries = tuple[Entry, ...]


def rewritten(entries: Sequence[Entry]) -> Iterator[Entries]:
    """Each way to write one group of moves as one operation: fields that go into a new object beside them, fields of an object that
    goes."""
    moves = [(entry, entry[1].steps[0].operation) for entry in entries if len(entry[1].steps) == 1]
    found = [(entry, operation) for entry, operation in moves if isinstance(operation, MoveField)]
    come = {
        change.site.target
        for change, _ in entries
        if change.rule in ("S04", "S05", "S06") and change.site is not None
    }
    gone = {
        step.operation.path
        for _, built in entries
        for step in built.steps
        if isinstance(step.operation, RemoveField)
    }
    for into in dict.fromkeys(operation.to.parent for _, operation in found):
        group = [
            (entry, move)
            for entry, move in found
            if move.to == into / move.path.key and _is_beside(move.path, into)
        ]
        if group and into in come:
            yield _nested(entries, [entry for entry, _ in group], [move.path for _, move in group], into)
    for out_of in dict.fromkeys(operation.path.parent for _, operation in found):
        group = [
            (entry, move)
            for entry, move in found
            if move.path == out_of / move.to.key and _is_beside(move.to, out_of)
        ]
        if group and out_of in gone:
            yield _flattened(
                entries, [entry for entry, _ in group], [move.to.key for _, move in group], out_of
            )


def _is_beside(path: Path, other: Path) -> bool:
    return path.parent == other.parent and isinstance(other.last, Key)


def _nested(entries: Sequence[Entry], moves: Sequence[Entry], paths: Sequence[Path], into: Path) -> Entries:
    """What else the new object needs is added to it once it is there."""
    made: list[Entry] = []
    more: list[Entry] = []
    for change, built in entries:
        kept: list[Step] = []
        added: list[Step] = []
        for step in built.steps:
            operation = step.operation
            if (
                isinstance(operation, AddField)
                and operation.path == into
                and isinstance(operation.default, dict)
            ):
                added += [_part(step, into / key, value) for key, value in operation.default.items()]
            else:
                kept.append(step)
        if added:
            more.append((change, Built(tuple(added))))
        if (change, built) not in moves:
            made.append((change, replace(built, steps=tuple(kept))))
        elif (change, built) == moves[0]:
            made.append((change, Built((Step(Nest(tuple(paths), into.key), change),))))
    return (*made, *more)


def _part(step: Step, path: Path, value: object) -> Step:
    assumed = MISSING if step.assumed is MISSING else value
    return replace(step, operation=AddField(path, value), assumed=assumed)


def _flattened(
    entries: Sequence[Entry], moves: Sequence[Entry], names: Sequence[str], out_of: Path
) -> Entries:
    """The object goes with its fields' coming out of it."""
    made: list[Entry] = []
    for change, built in entries:
        if (change, built) == moves[0]:
            made.append((change, Built((Step(Flatten(out_of, tuple(names)), change),))))
        elif (change, built) not in moves:
            kept = [
                step
                for step in built.steps
                if not (isinstance(step.operation, RemoveField) and step.operation.path == out_of)
            ]
            made.append((change, replace(built, steps=tuple(kept))))
    return tuple(made)
