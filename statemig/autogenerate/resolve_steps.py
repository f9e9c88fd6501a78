"""What the cursor of one run says to a rule about steps whose verdict depends on where runs stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from statemig import document as documents
from statemig.autogenerate.change import Change, Changes
from statemig.document import Document
from statemig.path import Key, Path
from statemig.workflow.flow import Steps, reachable
from statemig.workflow.snapshot import Snapshot

Judge = Callable[[Document], str | None]

_STEPS: Final = "steps."


def judge(change: Change, changes: Changes, old: Snapshot, new: Snapshot) -> Judge | None:
    """For "reads": gives the first place of a run that the change concerns, None for a run that goes on as if nothing had happened."""
    name = change.path.partition(".")[2]
    match change.rule:
        case "W03":
            return _added(name, kept_steps(changes, old, new), new)
        case "W04":
            return lambda run: next(
                (place for step, place in documents.steps_named(run) if step == name), None
            )
        case "W05":
            return _rerouted(name, kept_steps(changes, old, new), old.steps, new.steps)
        case "W06":
            asking = frozenset((old.tools.get(name) or {}).get("steps", ()))
            return lambda run: _standing(run, asking, waiting=True)
        case "W07":
            return lambda run: next(
                (
                    f"pending[{number}]"
                    for number, item in enumerate(documents.pending(run))
                    if item.get("to") == name
                ),
                None,
            )
        case "W08":
            return lambda run: _standing(run, frozenset({name}), waiting=True)
        case "W11":
            return lambda run: _standing(run, frozenset({name}), waiting=False)
        case _:
            return None


def is_about_standing(change: Change, old: Snapshot, new: Snapshot) -> bool:
    """Whether the steps at which a run stands are all that its judge looks at: then runs that stand alike need not be read."""
    name = change.path.partition(".")[2]
    if change.rule == "W04":  # what has arrived at a join names steps, too
        return not any(name == step or name in info.joins for step, info in old.steps.items() if info.joins)
    return change.rule in ("W03", "W05", "W11")


def kept_steps(changes: Changes, old: Snapshot, new: Snapshot) -> Mapping[str, str]:
    """Old to new name of every step that is still there."""
    renamed = {
        str(change.old).removeprefix(_STEPS): str(change.new).removeprefix(_STEPS)
        for change in changes
        if change.rule == "W04" and change.direction == "renamed"
    }
    gone = {
        change.path.removeprefix(_STEPS)
        for change in changes
        if change.rule == "W04" and change.direction == "removed"
    }
    named = {step: renamed.get(step, step) for step in old.steps if step not in gone}
    return {step: to for step, to in named.items() if to in new.steps}


def _standing(run: Document, steps: frozenset[str], *, waiting: bool) -> str | None:
    """The first position on one of the steps; with `waiting`, that has asked somebody."""
    for number, position in enumerate(documents.positions(run)):
        if position["step"] in steps and (
            not waiting or position.get("status") == "waiting" or "answer" in position
        ):
            return f"cursor[{number}]"
    return None


def _added(name: str, kept: Mapping[str, str], new: Snapshot) -> Judge:
    """A run that is past the new step misses it where a step still to come reads its output or waits for it."""

    def missed(run: Document) -> str | None:
        ahead: set[str] = set()
        for number, position in enumerate(documents.positions(run)):
            to = kept.get(position["step"])
            if to is None:
                return f"cursor[{number}]"
            ahead |= reachable(new.steps, to)
        if name in ahead:
            return None
        needing = [step for step in ahead if name in new.steps[step].joins or _reads(new, step, name)]
        return "cursor" if needing else None

    return missed


def _reads(snapshot: Snapshot, step: str, output: str) -> bool:
    wanted = (Key("outputs"), Key(output))
    return any(Path.parse(path).segments[:2] == wanted for path in snapshot.steps[step].reads)


def _rerouted(name: str, kept: Mapping[str, str], old: Steps, new: Steps) -> Judge:
    """A run that gets to the step has other steps before it than it had: some would be left out, or be done again."""

    def meets(run: Document) -> str | None:
        for number, position in enumerate(documents.positions(run)):
            step = position["step"]
            if step not in old or step not in kept:
                return f"cursor[{number}]"
            was = reachable(old, step)
            before = {kept[each] for each in was if each in kept}
            after = reachable(new, kept[step]) & set(kept.values())
            if name in was and before != after:
                return f"cursor[{number}]"
        return None

    return meets
