"""What a scenario is and how it is run: on which saver, sync or async, with which kind of state, with statemig or without.

Sync and async are one implementation: of a sync saver nothing is awaited, so the coroutine runs through without an event loop.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from langgraph.types import Command
from langgraph_nodes import Build, Log
from langgraph_savers import Storage
from langgraph_states import Kind, forget_classes, shown

from statemig import Migrator, Revision
from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.capture import capture

Mode = Literal["sync", "async"]
MODES: tuple[Mode, ...] = ("sync", "async")
Script = Callable[[Any], object]

THREAD: Any = {"configurable": {"thread_id": "t1"}}
_threads = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """An answer by the id of a question: the one it has "today"; the "old" one, which the worker before has given out; or that one
    "translated" by `resume_map`. `to`: the question, where several are open."""

    value: Any
    by: Literal["today", "old", "translated"]
    to: str | None = None


@dataclass(frozen=True)
class Turn:
    """A worker of one version of the code takes the thread, in a process of its own. `back_to`: what is brought back to an older version
    first. `fails`: the error that ends the turn and nothing else; it is logged."""

    version: int
    inputs: tuple[Any, ...] = ()
    wrapped: bool = True
    on_newer: Any = "refuse"
    back_to: str | None = None
    fails: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came out: the state at the end, what the graph's nodes did, the kind of error that ended it, and the questions that are open."""

    state: dict[str, Any] | None
    log: tuple[str, ...]
    error: str | None = None
    asks: tuple[str, ...] = ()
    message: str = field(default="", compare=False)


@dataclass(frozen=True, eq=False)
class Scenario:
    """`versions`: the graphs; `scripts`: the upgrades between them. `turns`: who takes the thread, one after the other. What has to come
    out with statemig: `state`, `log`, `asks`, or `error` with all of `says` in its message, where ``{thread}`` is the thread's id.
    `concurrent`: nodes run at the same time, so their effects come in any order."""

    name: str
    versions: tuple[Build, ...]
    scripts: tuple[Script, ...]
    turns: tuple[Turn, ...]
    state: dict[str, Any] | None
    log: tuple[str, ...]
    error: str | None = None
    says: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    concurrent: bool = False
    workflow: str = "flow"

    @property
    def expected(self) -> Outcome:
        return Outcome(self.state, self.logged(self.log), self.error, self.asks)

    def logged(self, log: Sequence[str]) -> tuple[str, ...]:
        return tuple(sorted(log)) if self.concurrent else tuple(log)

    def migrator(self, kind: Kind = "TypedDict") -> Migrator:
        return _migrator(self, kind)

    @property
    def first(self) -> tuple[Any, ...]:
        """What is put into the first graph."""
        return self.turns[0].inputs


def parked(topic: str = "x", *inputs: Any) -> Turn:
    """The first worker, which knows no statemig."""
    return Turn(1, ({"topic": topic}, *inputs), wrapped=False)


@cache
def _migrator(scenario: Scenario, kind: Kind) -> Migrator:
    revisions: list[Revision] = []
    for number, build in enumerate(scenario.versions):
        forget_classes()
        snapshot = capture(build([], kind).compile(name=scenario.workflow))
        below = revisions[-1].revision if revisions else None
        script = scenario.scripts[number - 1] if number else None
        revisions.append(
            Revision(f"r{number + 1}", below, upgrade=script, snapshot=snapshot, workflow=scenario.workflow)
        )
    return Migrator(revisions=revisions)


def play(
    scenario: Scenario,
    storage: Storage,
    mode: Mode = "sync",
    kind: Kind = "TypedDict",
    *,
    alone: bool = False,
    before_last: Callable[[Any], None] | None = None,
) -> Outcome:
    """A thread of its own goes through all turns of the scenario. `before_last` is done before the last one, and given its graph."""
    steps = _play(scenario, storage, mode, kind, alone, before_last)
    return asyncio.run(steps) if mode == "async" else _without_waiting(steps)


def _without_waiting(steps: Coroutine[Any, Any, Outcome]) -> Outcome:
    try:
        steps.send(None)
    except StopIteration as done:
        found: Outcome = done.value
        return found
    raise AssertionError("a sync saver was awaited")


@dataclass
class _Worker:
    """One version of the code with a saver of its own."""

    graph: Any
    saver: Any
    mode: Mode
    config: Any

    async def state(self, *, subgraphs: bool = False) -> Any:
        if self.mode == "sync":
            return self.graph.get_state(self.config, subgraphs=subgraphs)
        return await self.graph.aget_state(self.config, subgraphs=subgraphs)

    async def invoke(self, value: Any) -> None:
        if self.mode == "sync":
            self.graph.invoke(value, self.config)
        else:
            await self.graph.ainvoke(value, self.config)

    async def bring_back(self, to: str) -> None:
        if self.mode == "sync":
            self.saver.downgrade(self.config, to=to)
        else:
            await self.saver.adowngrade(self.config, to=to)

    async def command(self, answer: Answer, before: dict[str, str]) -> Command[Any] | None:
        """`before`: the questions that the worker before has seen, and their ids. None where the one that is meant is not among them."""
        known = before
        if answer.by == "today":
            known = _questions(await self.state(subgraphs=True))
        name = next((name for asked, name in known.items() if answer.to in (None, asked)), None)
        if name is None:
            return None
        answers = {name: answer.value}
        if answer.by == "translated" and isinstance(self.saver, MigratingSaver):
            if self.mode == "sync":
                answers = self.saver.resume_map(self.config, answers)
            else:
                answers = await self.saver.aresume_map(self.config, answers)
        return Command(resume=answers)


def _questions(state: Any) -> dict[str, str]:
    return {str(each.value): each.id for each in state.interrupts}


async def _play(
    scenario: Scenario,
    storage: Storage,
    mode: Mode,
    kind: Kind,
    alone: bool,
    before_last: Callable[[Any], None] | None,
) -> Outcome:
    log: Log = []
    thread = f"thread-{next(_threads)}"
    config = {"configurable": {"thread_id": thread}}
    migrator = scenario.migrator(kind)
    by_id = any(isinstance(each, Answer) for turn in scenario.turns for each in turn.inputs)
    before: dict[str, str] = {}
    state = None
    for turn in scenario.turns:
        forget_classes()
        if before_last is not None and turn is scenario.turns[-1]:
            before_last(scenario.versions[turn.version - 1](log, kind).compile(name=scenario.workflow))
        async with storage.opened(mode) as inner:
            wrapped = turn.wrapped and not alone
            saver = inner
            if wrapped:
                saver = MigratingSaver(inner, migrator, revision=f"r{turn.version}", on_newer=turn.on_newer)
            graph = scenario.versions[turn.version - 1](log, kind).compile(
                checkpointer=saver, name=scenario.workflow
            )
            if wrapped:
                saver.bind(graph)
            worker = _Worker(graph, saver, mode, config)
            try:
                if turn.back_to is not None and not alone:
                    await worker.bring_back(turn.back_to)
                for value in turn.inputs:
                    given = value
                    if isinstance(value, Answer):
                        given = await worker.command(value, before)
                        if given is None:
                            log.append("nobody asks")
                            continue
                    await worker.invoke(given)
                if by_id or turn is scenario.turns[-1]:
                    state = await worker.state(subgraphs=by_id)
                    before = _questions(state)
            except Exception as raised:
                name = type(raised).__name__
                if turn.fails is None:
                    message = str(raised).replace(thread, "{thread}")
                    return Outcome(None, scenario.logged(log), name, (), message)
                log.append(f"refused: {name}")
    assert state is not None, f"the last turn of {scenario.name} failed, which no scenario can expect"
    return Outcome(shown(dict(state.values)), scenario.logged(log), None, tuple(before))
