"""Which rows go when checkpoints are deleted: those that only these named. What is written meanwhile was not named before, and stays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from statemig.runtimes.langgraph.reading import Reading, Search, Steps
from statemig.runtimes.langgraph.stored.complements import Delete, name_in
from statemig.runtimes.langgraph.stored.stamps import KEY

#: the names of rows that checkpoints of each thread refer to
Named = Mapping[str, frozenset[str]]


def named(reading: Reading, threads: Iterable[str]) -> Steps[Named]:
    found: dict[str, frozenset[str]] = {}
    if reading.complements.has_rows:
        for thread in threads:
            stored = yield Search({"configurable": {"thread_id": thread}})
            found[thread] = frozenset(_names(stored))
    return found


def named_of_runs(reading: Reading, runs: Iterable[str]) -> Steps[Named]:
    """Those of the threads that some runs of LangGraph wrote to."""
    threads: dict[str, None] = {}
    if reading.complements.has_rows:
        for run in runs:
            for each in (yield Search(None, {"filter": {"run_id": run}})):
                threads.setdefault(each.config["configurable"]["thread_id"])
    found: Named = yield from named(reading, threads)
    return found


def unnamed(reading: Reading, before: Named) -> Steps[None]:
    """Deletes what is no longer named; of a thread that is gone, all."""
    if not reading.complements.has_rows:
        return
    for thread, names in before.items():
        stored = yield Search({"configurable": {"thread_id": thread}}, {"limit": 1})
        if not stored:
            yield Delete(str(thread))
        elif names:
            after = yield Search({"configurable": {"thread_id": thread}})
            yield Delete(str(thread), tuple(sorted(names - set(_names(after)))))


def _names(stored: Iterable[Any]) -> Iterable[str]:
    for each in stored:
        said = (each.metadata or {}).get(KEY)
        name = name_in(said.get("complement") or {}) if isinstance(said, Mapping) else None
        if name is not None:
            yield name
