"""What operations on steps make of a flow, so that a later operation of the same script finds the steps that are there by then.

Only what leads where is followed. A step that comes stands where the operation says; what the operation does not say is left as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from statemig.workflow.flow import Flow, StepInfo, ways_to


def divided(flow: Flow, step: str, into: Sequence[str]) -> Flow:
    """`step` is several steps in a row: who led to it leads to the first, and the last leads on."""
    info = flow.steps.get(step)
    if info is None:
        return flow
    first, last = into[0], into[-1]
    steps: dict[str, StepInfo] = {}
    for name, each in flow.steps.items():
        if name != step:
            steps[name] = _linked(each, lambda to: first if to == step else to, _called(step, last))
            continue
        for part, following in zip(into, [*into[1:], None], strict=True):
            steps[part] = StepInfo(
                info.kind,
                next=info.next if following is None else (following,),
                fork=info.fork if following is None else (),
                joins=info.joins if part == first else (),
            )
    return Flow(steps, first if flow.start == step else flow.start)


def united(flow: Flow, parts: Sequence[str], into: str) -> Flow:
    """Several steps, in a row or side by side, are one."""
    found = [flow.steps[part] for part in parts if part in flow.steps]
    if not found:
        return flow

    def called(name: str) -> str:
        return into if name in parts else name

    def outside(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in names if name not in parts))

    one = StepInfo(
        found[0].kind,
        next=outside(name for each in found for name in each.next),
        fork=outside(name for each in found for name in each.fork),
        joins=outside(name for each in found for name in each.joins),
    )
    steps: dict[str, StepInfo] = {}
    for name, each in flow.steps.items():
        steps.setdefault(called(name), one if name in parts else _linked(each, called, called))
    return Flow(
        {name: _linked(each, called, called) for name, each in steps.items()},
        called(flow.start or "") or None,
    )


def rejoined(flow: Flow, join: str, branches: Sequence[str]) -> Flow:
    """The join waits for other branches; one that nobody knew starts at the fork and goes on to it, one that is gone no longer does."""
    info = flow.steps.get(join)
    if info is None:
        return flow
    gone = set(info.joins) - set(branches)
    steps = {
        name: replace(each, next=tuple(to for to in each.next if to != join)) if name in gone else each
        for name, each in flow.steps.items()
    }
    ways = ways_to(flow.steps, info.joins, join)
    between = {*info.joins, *(step for way in ways.values() for step in way)}
    for branch in branches:
        if branch not in steps:
            steps = {
                name: replace(each, fork=(*each.fork, branch)) if between.intersection(each.fork) else each
                for name, each in steps.items()
            }
            steps[branch] = StepInfo(next=(join,))
    steps[join] = replace(info, joins=tuple(branches))
    return Flow(steps, flow.start)


def reordered(flow: Flow, was: Sequence[str], order: Sequence[str]) -> Flow:
    """The steps stand in each other's places."""
    places = dict(zip(was, order, strict=True))

    def called(name: str) -> str:
        return places.get(name, name)

    steps = {called(name): _linked(each, called, called) for name, each in flow.steps.items()}
    return Flow(steps, called(flow.start or "") or None)


def without(flow: Flow, step: str) -> Flow:
    """A step is gone: who led to it leads to where it led."""
    info = flow.steps.get(step)
    if info is None:
        return flow

    def through(names: Iterable[str]) -> tuple[str, ...]:
        return tuple(
            dict.fromkeys(to for name in names for to in (info.targets if name == step else (name,)))
        )

    steps = {
        name: replace(
            each,
            next=through(each.next),
            fork=through(each.fork),
            joins=tuple(awaited for awaited in each.joins if awaited != step),
        )
        for name, each in flow.steps.items()
        if name != step
    }
    start = flow.start if flow.start != step else next(iter(info.targets), None)
    return Flow(steps, start)


def with_step(flow: Flow, step: str, after: str | None) -> Flow:
    """A step comes, behind `after` (at the start, where it is None); it leads to where that led."""
    if after is None:
        following = () if flow.start is None else (flow.start,)
        return Flow({step: StepInfo(next=following), **flow.steps}, step)
    info = flow.steps.get(after)
    if info is None or info.fork or any(after in each.joins for each in flow.steps.values()):
        return Flow({**flow.steps, step: StepInfo()}, flow.start)
    steps = {**flow.steps, after: replace(info, next=(step,)), step: StepInfo(next=info.next)}
    return Flow(steps, flow.start)


def _called(old: str, new: str) -> Callable[[str], str]:
    return lambda name: new if name == old else name


def _linked(info: StepInfo, target: Callable[[str], str], awaited: Callable[[str], str]) -> StepInfo:
    """The step with other names for where it leads to and for what it waits for."""
    return replace(
        info,
        next=tuple(dict.fromkeys(map(target, info.next))),
        fork=tuple(dict.fromkeys(map(target, info.fork))),
        joins=tuple(dict.fromkeys(map(awaited, info.joins))),
    )
