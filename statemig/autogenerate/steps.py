"""What happened to the steps of a workflow, their edges, prompts, models and tools."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from statemig.autogenerate.change import Change, Site
from statemig.autogenerate.renames import Candidate, Matching, name_similarity, settle
from statemig.shapes.shape import Object, Property, Schema
from statemig.shapes.similarity import similarity
from statemig.workflow.flow import StepInfo, dominators, predecessors, reachable
from statemig.workflow.snapshot import Snapshot

_OUTPUT, _NAME, _EDGES, _ONLY, _KIND = 0.34, 0.36, 0.12, 0.14, 0.04
_PREFIX: Final = "steps."


@dataclass(frozen=True, slots=True)
class StepMatch:
    """`kept`: old to new name, for every step that stayed, unchanged names included. `absent`: keys of renames whose new
    name no step has."""

    kept: Mapping[str, str]
    gone: tuple[str, ...]
    come: tuple[str, ...]
    matching: Matching
    used: frozenset[str]
    absent: tuple[str, ...] = ()


def given_for(step: str, given: Mapping[str, str | None]) -> str | None:
    """The key under which a person said what became of a step: its name, or "steps." and its name."""
    return next((key for key in (step, _PREFIX + step) if key in given), None)


def match_steps(old: Snapshot, new: Snapshot, given: Mapping[str, str | None]) -> StepMatch:
    """Pair the steps by name, by what a person said, and by score."""
    gone = [name for name in old.steps if name not in new.steps]
    come = [name for name in new.steps if name not in old.steps]
    kept = {name: name for name in old.steps if name in new.steps}
    used: set[str] = set()
    absent: list[str] = []
    for name in list(old.steps):
        key = given_for(name, given)
        if key is None:
            continue
        used.add(key)
        to = given[key]
        target = None if to is None else to.removeprefix(_PREFIX)
        if target is not None and target not in new.steps:
            absent.append(key)
        if target is not None and target in new.steps and target != name:
            if name in gone:
                gone.remove(name)
            if target in come:
                come.remove(target)
            else:
                kept.pop(target, None)
                gone.append(target)
            if kept.get(name) == name and name in new.steps:
                come.append(name)
            kept[name] = target
    open_names = [name for name in gone if given_for(name, given) is None]
    _follow(open_names, come, kept, old)
    matching = _matched(open_names, come, kept, old, new)
    return StepMatch(
        {name: kept[name] for name in old.steps if name in kept},
        tuple(name for name in gone if name not in kept),
        tuple(name for name in new.steps if name in come and name not in kept.values()),
        matching,
        frozenset(used),
        tuple(absent),
    )


def around(step: str) -> Iterator[str]:
    """The steps that a step may lie in, as one of a subgraph does in the node that runs it; the nearest first."""
    while "." in step:
        step = step.rpartition(".")[0]
        yield step


def _follow(open_names: Sequence[str], come: Sequence[str], kept: dict[str, str], old: Snapshot) -> None:
    """What lies in a step that has another name goes with it, where it is there under its own."""
    free = set(come) - set(kept.values())
    for name in sorted(open_names, key=lambda each: each.count(".")):
        outer = next((each for each in around(name) if each in old.steps), None)
        if outer is None or name in kept or outer not in kept:
            continue
        there = kept[outer] + name[len(outer) :]
        if there in free:
            kept[name] = there


def _matched(
    open_names: Sequence[str], come: Sequence[str], kept: dict[str, str], old: Snapshot, new: Snapshot
) -> Matching:
    """Pair by score what nobody has spoken of, and add it to `kept`. Steps that lie in others come after those, which take them along:
    there is one question about a subgraph whose node may have another name."""
    applied: dict[str, Candidate] = {}
    questions: dict[str, tuple[Candidate, ...]] = {}
    seen: set[tuple[str, str]] = set()
    at_last = False
    while True:
        withheld = {candidate.new for candidates in questions.values() for candidate in candidates}
        left = [n for n in open_names if n not in kept and questions.keys().isdisjoint((n, *around(n)))]
        free = [n for n in come if n not in kept.values() and withheld.isdisjoint((n, *around(n)))]
        if not at_last:
            left = [name for name in left if set(left).isdisjoint(around(name))]
            free = [name for name in free if set(free).isdisjoint(around(name))]
        pairs = [(a, b) for a in left for b in free]
        if seen.issuperset(pairs):
            if at_last:
                return Matching(applied, questions)
            at_last = True
            continue
        found = settle(
            left,
            free,
            {
                (a, b): Candidate(b, 0.0, 0.0) if (a, b) in seen else _score(a, b, left, free, old, new, kept)
                for a, b in pairs
            },
        )
        seen.update(pairs)
        applied.update(found.applied)
        questions.update(found.questions)
        kept.update((name, candidate.new) for name, candidate in found.applied.items())
        _follow(open_names, come, kept, old)


def _score(
    a: str,
    b: str,
    gone: Sequence[str],
    come: Sequence[str],
    old: Snapshot,
    new: Snapshot,
    kept: Mapping[str, str],
) -> Candidate:
    name = name_similarity(a, b)
    left, right = output_of(old.reads, a), output_of(new.reads, b)
    if left is None or right is None:
        alike = 1.0 if left is right else 0.0
    else:
        alike = similarity(left.shape, old.reads, right.shape, new.reads)
    before = {kept.get(step, step) for step in old.steps if a in _targets(old.steps[step])}
    after = {kept.get(step, step) for step in _targets(old.steps[a])}
    now_before = {step for step in new.steps if b in _targets(new.steps[step])}
    now_after = set(_targets(new.steps[b]))
    edges = 0.5 * (before == now_before) + 0.5 * (after == now_after)
    total = (
        _OUTPUT * alike
        + _NAME * name
        + _EDGES * edges
        + _ONLY * (len(gone) == len(come) == 1)
        + _KIND * (old.steps[a].kind == new.steps[b].kind)
    )
    return Candidate(b, round(total, 3), name)


def _targets(info: StepInfo) -> tuple[str, ...]:
    return (*_names(info.next), *_names(info.fork))


def _names(value: str | Sequence[str] | None) -> tuple[str, ...]:
    return () if value is None else (value,) if isinstance(value, str) else tuple(value)


def output_of(schema: Schema, step: str) -> Property | None:
    """The property of `outputs` that holds what a step has put out."""
    root = schema.resolve(schema.root)
    outputs = root.properties.get("outputs") if isinstance(root, Object) else None
    inside = schema.resolve(outputs.shape) if outputs is not None else None
    return inside.properties.get(step) if isinstance(inside, Object) else None


def step_changes(old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    for name in old.steps:
        path = _PREFIX + name
        if name in match.gone:
            yield Change.of("W04", path, name, None, direction="removed", site=Site(None, detail=name))
            continue
        to = match.kept[name]
        if to != name:
            yield Change.of(
                "W04", path, path, _PREFIX + to, direction="renamed", site=Site(None, detail=(name, to))
            )
        yield from _step(name, to, old, new, match)
    yield from _edges(old, new, match)
    for name in match.come:
        yield Change.of("W03", _PREFIX + name, None, name, site=Site(None, detail=name))
    yield from _prompts(old, new, match)
    yield from _models(old, new, match)
    yield from _tools(old, new, match)


def _step(name: str, to: str, old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    was, now = old.steps[name], new.steps[to]
    path = _PREFIX + name
    if was.kind != now.kind:
        yield Change.of("W11", path, was.kind, now.kind, site=Site(None, detail=to))
    if tuple(was.interrupts) != tuple(now.interrupts):
        site = Site(None, detail=(to, _questions(was, now)))
        yield Change.of("W08", path, ", ".join(was.interrupts), ", ".join(now.interrupts), site=site)
    joins = {match.kept.get(step, step) for step in was.joins}
    if joins != set(now.joins):
        # A step that waits for nobody waits, in effect, for the only one before it.
        after = tuple(now.joins) or _only(predecessors(new.steps).get(to, ()))
        detail = (to, after, bool(was.joins), not set(after) <= joins)
        words = (", ".join(was.joins), ", ".join(now.joins))
        yield Change.of("W07", path, *words, site=Site(None, detail=detail))
    if (tuple(was.reads), tuple(was.writes)) != (tuple(now.reads), tuple(now.writes)):
        yield Change.of(
            "W14", path, ", ".join((*was.reads, *was.writes)), ", ".join((*now.reads, *now.writes))
        )


def _only(steps: Iterable[str]) -> tuple[str, ...]:
    """The one step, where there is no other."""
    found = tuple(steps)
    return found if len(found) == 1 else ()


def _questions(was: StepInfo, now: StepInfo) -> tuple[int | None, ...]:
    """For each question the old index of the same one, None for a new one. Where one only has another name, it is the same."""
    before = tuple(was.interrupts) or (("",) if was.kind == "human" else ())
    order = [before.index(name) if name in before else None for name in now.interrupts]
    gone = [index for index, name in enumerate(before) if name not in now.interrupts]
    if len(gone) == order.count(None) == 1 and len(before) == len(order):
        order[order.index(None)] = gone[0]
    return tuple(order)


def _edges(old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    """Edges between the steps that stayed; removed and added steps in between are passed through."""
    before = {name: _through(name, old.steps, set(match.gone)) for name in match.kept}
    after = {name: _through(name, new.steps, set(match.come)) for name in match.kept.values()}
    was_reachable = {name: reachable(old.steps, name) for name in match.kept}
    now_reachable = {name: reachable(new.steps, name) for name in match.kept.values()}
    reversed_with = {
        name: [
            other
            for other, now in match.kept.items()
            if other != name
            and other in was_reachable[name]
            and name not in was_reachable[other]
            and to in now_reachable[now]
            and now not in now_reachable[to]
        ]
        for name, to in match.kept.items()
    }
    for name, to in match.kept.items():
        was = {match.kept[step] for step in before[name]}
        words = (", ".join(sorted(was)), ", ".join(sorted(after[to])))
        if reversed_with[name]:
            order = _new_order(name, reversed_with, new, match.kept)
            yield Change.of("W05", _PREFIX + name, *words, direction="order", site=Site(None, detail=order))
        elif was != after[to] or _forks(old.steps[name]) != _forks(new.steps[to]):
            yield Change.of("W05", _PREFIX + name, *words, direction="edges")


def _new_order(
    name: str, reversed_with: Mapping[str, Sequence[str]], new: Snapshot, kept: Mapping[str, str]
) -> tuple[str, ...] | None:
    """All steps that changed places with each other, as they follow each other now; None where they are not in one line."""
    together, todo = {name}, [name]
    while todo:
        step = todo.pop()
        beside = [*reversed_with[step], *(other for other, those in reversed_with.items() if step in those)]
        todo += [other for other in beside if other not in together]
        together.update(beside)
    names = {kept[step] for step in together}
    before = dominators(new.steps, new.start)
    places = {step: len(before.get(step, frozenset()) & names) for step in names}
    if sorted(places.values()) != list(range(1, len(names) + 1)):
        return None
    return tuple(sorted(names, key=places.__getitem__))


def _forks(info: StepInfo) -> bool:
    return bool(_names(info.fork))


def _through(name: str, steps: Mapping[str, StepInfo], passed: set[str]) -> set[str]:
    found: set[str] = set()
    seen: set[str] = set()
    pending = list(_targets(steps[name]))
    while pending:
        target = pending.pop()
        if target in seen or target not in steps:
            continue
        seen.add(target)
        if target in passed:
            pending.extend(_targets(steps[target]))
        else:
            found.add(target)
    return found


def _prompts(old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    for name, to in match.kept.items():
        was, now = old.prompts.get(name), new.prompts.get(to)
        if was == now:
            continue
        path = f"prompts.{name}"
        yield Change.of("W01", path, _prompt_words(was), _prompt_words(now))
        variables = set((now or {}).get("variables", ())) - set((was or {}).get("variables", ()))
        for variable in sorted(variables):
            here = _state_has(new, variable)
            if here:
                known = _state_has(old, variable)
                direction = "known" if known else "unknown"
                site = Site(None, detail=f"state.{variable}")
                yield Change.of("W02", path, None, variable, direction=direction, site=site)


def _prompt_words(prompt: Mapping[str, Any] | None) -> str | None:
    return None if prompt is None else f"a prompt of {len(str(prompt.get('text', '')))} characters"


def _state_has(snapshot: Snapshot, key: str) -> bool:
    root = snapshot.reads.resolve(snapshot.reads.root)
    state = root.properties.get("state") if isinstance(root, Object) else None
    inside = snapshot.reads.resolve(state.shape) if state is not None else None
    return isinstance(inside, Object) and key in inside.properties


def _models(old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    for name, to in match.kept.items():
        if old.models.get(name) != new.models.get(to):
            yield Change.of("W01", f"models.{name}", "model settings", "model settings")


def _tools(old: Snapshot, new: Snapshot, match: StepMatch) -> Iterator[Change]:
    for name in dict.fromkeys((*old.tools, *new.tools)):
        was, now = old.tools.get(name), new.tools.get(name)
        if was is not None and now is not None and was.get("arguments") == now.get("arguments"):
            continue
        asking = [
            step
            for step in (was or {}).get("steps", ())
            if step in old.steps and (old.steps[step].kind == "human" or old.steps[step].interrupts)
        ]
        site = Site(None, detail=tuple(match.kept[step] for step in asking if step in match.kept))
        words = (None if was is None else "tool", None if now is None else "tool")
        yield Change.of("W06" if asking else "W10", f"tools.{name}", *words, site=site)
