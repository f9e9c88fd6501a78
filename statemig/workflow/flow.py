"""Facts about the flow of a workflow, as pure functions of its steps.

`next` is a choice, `fork` starts several branches, `joins` waits until every step it names has led there. A removed step is
passed through: whoever leads to it leads to where it led.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class StepInfo:
    """What a snapshot keeps of a step besides its output, prompt, tools and model. `reads` and `writes` are paths as text."""

    kind: str = "auto"
    next: tuple[str, ...] = ()
    fork: tuple[str, ...] = ()
    joins: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    interrupts: tuple[str, ...] = ()
    removed: bool = False

    @property
    def targets(self) -> tuple[str, ...]:
        """Where the step leads as declared, whether by choice or by fork."""
        return self.next + self.fork


Steps = Mapping[str, StepInfo]


@dataclass(frozen=True, slots=True)
class Flow:
    """The steps of a version and where its runs start."""

    steps: Steps
    start: str | None

    def renamed(self, old: str, new: str) -> Flow:
        """The same with another name for a step."""

        def names(given: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(new if name == old else name for name in given)

        steps = {
            new if name == old else name: replace(
                info, next=names(info.next), fork=names(info.fork), joins=names(info.joins)
            )
            for name, info in self.steps.items()
        }
        return Flow(steps, new if self.start == old else self.start)


def successors(steps: Steps, step: str) -> tuple[str, ...]:
    """Where a run goes after `step`, removed steps passed through; targets that do not exist are left out."""
    found: dict[str, None] = {}
    for target in _through(steps, steps[step].targets, set()):
        found.setdefault(target)
    return tuple(found)


def predecessors(steps: Steps) -> dict[str, tuple[str, ...]]:
    """For each step that is not removed, the steps that lead to it."""
    before: dict[str, list[str]] = {name: [] for name in _active(steps)}
    for name in _active(steps):
        for target in successors(steps, name):
            before[target].append(name)
    return {name: tuple(sources) for name, sources in before.items()}


def reachable(steps: Steps, start: str | None, before: str | None = None) -> frozenset[str]:
    """The steps that some run reaches from `start`, itself included; those that it reaches before it gets to the step `before`, where
    one is given."""
    if start is None or start not in steps:
        return frozenset()
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(each for each in successors(steps, name) if each != before)
    return frozenset(seen)


def ends(steps: Steps) -> tuple[str, ...]:
    """The steps after which a run, or a branch of it, is finished."""
    return tuple(name for name in _active(steps) if not successors(steps, name))


def reaches_end(steps: Steps, step: str) -> bool:
    """Whether some way leads from `step` to an end."""
    return not reachable(steps, step).isdisjoint(ends(steps))


def sure_arrivals(steps: Steps) -> dict[str, tuple[str, str]]:
    """For each step from which a run gets to a join without a choice or a fork on the way: the join, and the branch by which it arrives."""
    awaited = join_targets(steps)
    found: dict[str, tuple[str, str]] = {}
    for step in _active(steps):
        branch, seen = step, {step}
        while len(following := successors(steps, branch)) == 1:
            if following[0] in awaited.get(branch, ()):
                found[step] = (following[0], branch)
                break
            branch = following[0]
            if branch in seen:
                break
            seen.add(branch)
    return found


def join_targets(steps: Steps) -> dict[str, tuple[str, ...]]:
    """For each step that a join waits for, the steps that wait."""
    targets: dict[str, list[str]] = {}
    for name in _active(steps):
        for awaited in steps[name].joins:
            targets.setdefault(awaited, []).append(name)
    return {name: tuple(waiting) for name, waiting in targets.items()}


def ways_to(steps: Steps, branches: Sequence[str], join: str) -> dict[str, tuple[str, ...]]:
    """For each branch that a join waits for, the steps between the fork and the branch: from them a run gets to it before the join, and
    not to all the others as well."""
    before = predecessors(steps)
    found: dict[str, set[str]] = {}
    for branch in branches:
        seen: set[str] = set()
        todo = list(before.get(branch, ()))
        while todo:
            name = todo.pop()
            if name not in seen and name != join:
                seen.add(name)
                todo.extend(before.get(name, ()))
        found[branch] = seen
    ahead = set.intersection(*found.values()) if found else set()
    return {
        branch: tuple(name for name in steps if name in seen - ahead - {branch})
        for branch, seen in found.items()
    }


def dominators(steps: Steps, start: str | None) -> dict[str, frozenset[str]]:
    """For each reachable step, the steps that every run standing there has been at, itself included.

    The greatest solution of the usual data-flow equations (Allen and Cocke), with one difference: a join stands behind *all* the
    steps that it waits for, so what it has passed is their union and not their intersection.
    """
    reached = reachable(steps, start)
    if start is None or not reached:
        return {}
    before = {
        name: tuple(source for source in sources if source in reached)
        for name, sources in predecessors(steps).items()
        if name in reached
    }
    before.setdefault(start, ())
    passed = dict.fromkeys(before, reached)
    passed[start] = frozenset({start})
    changed = True
    while changed:
        changed = False
        for name in before:
            if name == start:
                continue
            now = _arrivals(steps[name], before[name], passed) | {name}
            if now != passed[name]:
                passed[name] = now
                changed = True
    return passed


def dominates(steps: Steps, start: str | None, after: str, step: str) -> bool:
    """Whether every run that stands at `step` has finished `after`. A step has not finished itself."""
    return after != step and after in dominators(steps, start).get(step, frozenset())


def _arrivals(
    info: StepInfo, before: tuple[str, ...], passed: Mapping[str, frozenset[str]]
) -> frozenset[str]:
    awaited = [passed[name] for name in before if name in info.joins]
    ways = [passed[name] for name in before if name not in info.joins]
    if awaited:
        ways.append(frozenset().union(*awaited))
    return frozenset.intersection(*ways) if ways else frozenset()


def _active(steps: Steps) -> Iterator[str]:
    return (name for name, info in steps.items() if not info.removed)


def _through(steps: Steps, targets: tuple[str, ...], seen: set[str]) -> Iterator[str]:
    for target in targets:
        if target in seen or target not in steps:
            continue
        seen.add(target)
        if steps[target].removed:
            yield from _through(steps, steps[target].targets, seen)
        else:
            yield target
