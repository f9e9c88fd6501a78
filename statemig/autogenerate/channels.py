"""What changed in how a runtime combines what is written, and where it stops by itself: beside the steps and their edges."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from statemig.autogenerate.change import Change
from statemig.autogenerate.steps import StepMatch
from statemig.workflow.snapshot import Snapshot

_STATE: Final = "state."
_LAST: Final = "the last value"
_STOPS: Final = {"interrupt_before": "before", "interrupt_after": "after"}


def runtime_changes(
    old: Snapshot, new: Snapshot, match: StepMatch, changes: Sequence[Change]
) -> Iterator[Change]:
    """`changes` are those of the state: a channel that was renamed is the same channel."""
    if old.runtime and new.runtime:
        yield from _reducers(old, new, match, changes)
        yield from _joins(old, new, match)
        yield from _stops(old, new, match)


def _reducers(old: Snapshot, new: Snapshot, match: StepMatch, changes: Sequence[Change]) -> Iterator[Change]:
    """A channel of a graph inside goes by the step that runs it: with its name, and away with it."""
    was = {
        _of_step(name, match.kept): how
        for name, how in old.runtime.get("channels", {}).items()
        if name.rpartition(".")[0] not in match.gone
    }
    now: Mapping[str, str] = {
        name: how
        for name, how in new.runtime.get("channels", {}).items()
        if name.rpartition(".")[0] not in match.come
    }
    gone = {change.path for change in changes if change.rule in ("S07", "S08")}
    come = {change.path for change in changes if change.rule in ("S04", "S05", "S06")}
    renamed = {
        change.path: change.new
        for change in changes
        if change.rule == "S12" and change.new is not None and change.path.count(".") == 1
    }
    kept: dict[str, str] = {}
    for name in was:
        path = _STATE + name
        if path not in gone:
            kept[name] = renamed.get(path, path).removeprefix(_STATE)
    taken = set(kept.values())
    others = {to.removeprefix(_STATE): path.removeprefix(_STATE) for path, to in renamed.items()}
    for name in now:
        if name not in taken and _STATE + name not in come:
            kept.setdefault(others.get(name, name), name)
    for name, to in kept.items():
        if was.get(name) != now.get(to):
            yield Change.of("W13", _STATE + name, was.get(name, _LAST), now.get(to, _LAST))


def _of_step(channel: str, kept: Mapping[str, str]) -> str:
    step, dot, name = channel.rpartition(".")
    return f"{kept.get(step, step)}{dot}{name}"


def _joins(old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    """The same branches are awaited, and the runtime keeps their arrivals in another way or under another name."""
    was, now = old.runtime.get("joins", {}), new.runtime.get("joins", {})
    for name, to in match.kept.items():
        before = [[match.kept.get(step, step) for step in join] for join in was.get(name, ())]
        after = [list(join) for join in now.get(to, ())]
        alike = sorted(map(sorted, before)) == sorted(map(sorted, after))
        if before != after and (alike or len(before) != 1 or len(after) != 1):
            yield Change.of("W13", f"steps.{name}", _joined(before), _joined(after))
    deferred = {match.kept.get(step, step) for step in old.runtime.get("deferred", ())}
    for name, to in match.kept.items():
        if (to in deferred) != (to in new.runtime.get("deferred", ())):
            words = ("deferred", "not deferred") if to in deferred else ("not deferred", "deferred")
            yield Change.of("W13", f"steps.{name}", *words)


def _joined(joins: Sequence[Any]) -> str:
    return ", ".join("+".join(join) for join in joins) or "no join"


def _stops(old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    """Where every run stops until somebody lets it go on: no question waits there that an answer could be meant for."""
    for kind, word in _STOPS.items():
        was, now = set(old.runtime.get(kind, ())), set(new.runtime.get(kind, ()))
        for name, to in match.kept.items():
            if (name in was) != (to in now):
                words = (f"stops {word} it", f"does not stop {word} it")
                yield Change.of(
                    "W05", f"steps.{name}", *(words if name in was else words[::-1]), direction="edges"
                )
