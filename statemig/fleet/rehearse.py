"""Every live run's migration, tried in memory, on all cores; nothing is written.

A large store is read by several processes, each a part of it: forked off when some runs were tried, so they have the compiled scripts, the
validators and the recorded steps without anybody having to make or to pickle them again. Where that can not be (few runs, a database in
memory, a system without fork, other threads in this process), the runs are tried here, one after the other, with the same result.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkProcess
from typing import Any, Final, Protocol, runtime_checkable

from statemig.errors import StoreError
from statemig.fleet.examination import Examination
from statemig.fleet.rehearsal import Rehearsal, Tally
from statemig.fleet.resume import Recorded, Step
from statemig.store.protocols import Fleet, RunFilter, StoredRun

_BATCH: Final = 500
#: and fewer of large documents: about so many characters. What a processor still has in its cache costs less to parse.
_MUCH: Final = 400_000
_FEW: Final = 16
#: runs that one process tries before it says what it found
_PORTION: Final = 1000
#: with fewer runs than this, more processes cost more than they save
_WORTH_FORKING: Final = 2000
#: runs that are tried before processes are forked, for what all of them need
_WARMING: Final = 64

#: how many runs are done, and how many there are, where that is known
Progress = Callable[[int, int | None], None]


@runtime_checkable
class Divided(Protocol):
    """A fleet of which several processes can each read a part. `RunStore` is one."""

    def portions(self, where: RunFilter, size: int) -> list[tuple[RunFilter, int]] | None:
        """Filters that choose each run of `where` exactly once, about `size` at a time, with how many each chooses; None where no other
        process could read them. Afterwards no connection is open, since two processes can not share one."""
        ...


def rehearse(
    fleet: Fleet,
    to: str = "head",
    *,
    sample: int | None = None,
    workers: int | None = None,
    steps: Mapping[str, Step] | None = None,
    answers: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
    where: RunFilter | None = None,
    seed: int = 0,
) -> Rehearsal:
    """Try the migration of every unfinished run (`where`: of some) to a revision, and bring each back again.

    Args:
        sample: so many runs instead of all, drawn from every revision and standing that there is. The same `seed` draws the same.
        workers: processes; as many as there are cores unless told.
        steps: what a worker would call, by step: `function(run)`. With it a copy of each migrated run is resumed until it waits, ends, or
            gets to a step that is not in it. `statemig.fleet.resume.recorded` makes one of a recorded output.
        answers: what people are taken to answer, by step; without one a run that waits is left waiting.

    Raises only what concerns all runs, such as a script that can not be loaded.
    """
    target = fleet.migrator.resolve(to)
    known = Recorded(steps or {}, answers or {}) if steps is not None else None
    chosen = RunFilter() if where is None else where
    if sample is not None:
        return _sampled(fleet, target, known, sample, progress, chosen, seed)
    count = _cores() if workers is None else max(1, workers)
    portions = None
    if count > 1 and _can_fork() and isinstance(fleet, Divided):
        _warm(fleet, target, chosen)  # first, since it opens connections
        portions = fleet.portions(chosen, _PORTION)
    if portions is None or sum(size for _, size in portions) < _WORTH_FORKING:
        return _alone(fleet, target, known, progress, chosen)
    total = sum(size for _, size in portions)
    tally = Tally()
    examination = Examination(fleet, target, known)
    for done in _side_by_side(fleet, examination, [part for part, _ in portions], count):
        tally.take(done)
        if progress is not None:
            progress(tally.runs, total)
    return Rehearsal.of(
        tally, workflow=fleet.workflow, to=target, total=tally.runs, sampled=False, workers=count
    )


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _can_fork() -> bool:
    return "fork" in multiprocessing.get_all_start_methods() and threading.active_count() == 1


def _read(fleet: Fleet, where: RunFilter) -> Iterator[list[StoredRun]]:
    """All runs of a filter. How large they are, the first of them tell."""
    batch = _BATCH
    first = next(fleet.iterate(where, batch=_FEW), None)
    if first:
        yield first
        size = sum(len(row.content or "") for row in first) // len(first)
        batch = max(_FEW, min(_BATCH, _MUCH // max(1, size)))
        where = replace(where, after=first[-1].run_id)
    if first is not None:
        yield from fleet.iterate(where, batch=batch)


def _warm(fleet: Fleet, target: str, where: RunFilter) -> None:
    """Some runs, so that scripts are loaded, plans compiled and validators built once, and not in every process. No step is called."""
    examination = Examination(fleet, target)
    for rows in fleet.iterate(where, batch=_WARMING):
        for row in rows:
            examination.examine(row)
        return


def _alone(
    fleet: Fleet, target: str, known: Recorded | None, progress: Progress | None, where: RunFilter
) -> Rehearsal:
    examination = Examination(fleet, target, known)
    for rows in _read(fleet, where):
        for row in rows:
            examination.examine(row)
        if progress is not None:
            progress(examination.tally.runs, None)
    tally = examination.tally
    return Rehearsal.of(tally, workflow=fleet.workflow, to=target, total=tally.runs, sampled=False, workers=1)


# -- a sample ----------------------------------------------------------------------------------------------------------


def _sampled(
    fleet: Fleet,
    target: str,
    known: Recorded | None,
    size: int,
    progress: Progress | None,
    where: RunFilter,
    seed: int,
) -> Rehearsal:
    total, rows = _draw(fleet.iterate(where, batch=_BATCH), size, random.Random(seed))
    examination = Examination(fleet, target, known)
    for row in rows:
        examination.examine(row)
        if progress is not None:
            progress(examination.tally.runs, len(rows))
    return Rehearsal.of(
        examination.tally, workflow=fleet.workflow, to=target, total=total, sampled=True, workers=1
    )


def _draw(batches: Iterator[list[StoredRun]], size: int, drawn: random.Random) -> tuple[int, list[StoredRun]]:
    """How many runs there are, and a sample: one of each revision and standing before two of any, else in proportion.

    A reservoir of each kind (Vitter's algorithm R), so that a store is gone through once and few documents are held.
    """
    seen: dict[tuple[str | None, str], int] = {}
    kept: dict[tuple[str | None, str], list[StoredRun]] = {}
    for rows in batches:
        for row in rows:
            kind = (row.revision, row.standing)
            seen[kind] = seen.get(kind, 0) + 1
            reservoir = kept.setdefault(kind, [])
            if len(reservoir) < size:
                reservoir.append(row)
            elif (place := drawn.randrange(seen[kind])) < size:
                reservoir[place] = row
    total = sum(seen.values())
    wanted = min(size, total)
    kinds = sorted(kept, key=lambda kind: (-seen[kind], kind[0] or "", kind[1]))
    shares = {kind: min(1, seen[kind]) for kind in kinds[:wanted]}
    while sum(shares.values()) < wanted:
        # the kind that is furthest below its share
        kind = max(
            (each for each in shares if shares[each] < seen[each]),
            key=lambda each: seen[each] / (shares[each] + 1),
        )
        shares[kind] += 1
    found = [row for kind, share in shares.items() for row in drawn.sample(kept[kind], share)]
    return total, sorted(found, key=lambda row: row.run_id)


# -- several processes -------------------------------------------------------------------------------------------------


def _side_by_side(
    fleet: Fleet, examination: Examination, portions: list[RunFilter], workers: int
) -> Iterator[Tally]:
    """What each portion came to, as it is done. All processes are there before the first is yielded, since a progress bar starts a
    thread, and a process with threads must not fork."""
    context = multiprocessing.get_context("fork")
    reading: list[Connection] = []
    started: list[ForkProcess] = []
    try:
        for number in range(min(workers, len(portions))):
            ours, theirs = context.Pipe(duplex=False)
            share = portions[number::workers]
            process = context.Process(target=_work, args=(fleet, examination, share, theirs), daemon=True)
            process.start()
            theirs.close()
            reading.append(ours)
            started.append(process)
        while reading:
            for ready in wait(reading):
                assert isinstance(ready, Connection)
                try:
                    found: Tally | BaseException | None = ready.recv()
                except EOFError:
                    found = StoreError(
                        "a process of the rehearsal died; nothing was written",
                        workflow=fleet.workflow,
                        hint="Was it short of memory? Try --workers 1, or --sample 1000",
                    )
                if isinstance(found, BaseException):
                    raise found
                if found is None:
                    reading.remove(ready)
                else:
                    yield found
    finally:
        for process in started:
            process.terminate()
            process.join()


def _work(fleet: Fleet, examination: Examination, share: list[RunFilter], found: Connection) -> None:
    """In a process of its own: try some portions, and say of each what it came to; None at the end."""
    try:
        for where in share:
            for rows in _read(fleet, where):
                for row in rows:
                    examination.examine(row)
            found.send(examination.tally)
            examination.tally = Tally()
    except Exception as error:
        found.send(error)
    else:
        found.send(None)
