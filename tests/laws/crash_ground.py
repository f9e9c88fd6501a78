"""Processes that kill themselves: reads lines of JSON, forks a child for each, and says how it ended. Not a test.

A line is ``{"url", "seed", "revisions", "per_revision", "kill"}``. The child does what `act` says with a store on that database, and kills
itself (SIGKILL) after so many writes: each statement that writes, and each commit, before and after it. Forking spares each child the
imports; otherwise it is a process like any other, and nothing of it is left but what it has committed.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from operation_chains import Chain, make_chain
from sqlalchemy import event

from statemig import Migrator, RunStore, json_text

RUNS = ("one", "two")


def chain_of(order: dict[str, Any]) -> tuple[Chain, list[dict[str, Any]]]:
    """The chain, and the documents that its runs start with."""
    chain = make_chain(order["seed"], order["revisions"], order["per_revision"])
    return chain, [chain.document() for _ in RUNS]


def stores(chain: Chain, url: str) -> tuple[RunStore, RunStore]:
    """Of the first version's code and of head's. The clock stands still, so that rows can be compared."""
    revisions = chain.revisions(snapshots=True)
    old = RunStore(url, Migrator(revisions=revisions[:1]), clock=lambda: 1000.0)
    new = RunStore(url, Migrator(revisions=revisions), clock=lambda: 1000.0)
    return old, new


def put(runs: RunStore, run_id: str, document: dict[str, Any]) -> None:
    runs.start(document["state"], run_id=run_id)
    with runs.load(run_id) as run:
        run.document.clear()
        run.document.update(json_text.loads(json_text.dumps(document)))


def frame(runs: RunStore, run_id: str, number: int) -> None:
    with runs.load(run_id) as run:
        run.state["frame"] = [*run.state["frame"], {"n": number}]


def acts(old: RunStore, new: RunStore) -> list[Callable[[], Any]]:
    """What is done to the runs, one transaction or more each; all of it can be done again from any of them on."""
    first, second = RUNS
    return [
        lambda: frame(new, first, 1),
        lambda: new.upgrade(second),
        lambda: frame(new, second, 2),
        lambda: frame(new, first, 3),
        lambda: new.downgrade(first, "r0"),
        lambda: frame(old, first, 4),
        lambda: frame(new, first, 5),
    ]


def kill_after(runs: RunStore, writes: int) -> None:
    left = [writes]

    def count(*_: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    @event.listens_for(runs.engine, "after_cursor_execute")
    def _(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            count()

    event.listen(runs.engine, "commit", count)  # before the database is asked to


def child(order: dict[str, Any]) -> None:
    chain, _ = chain_of(order)
    old, new = stores(chain, order["url"])
    for each in (old, new):
        kill_after(each, order["kill"])
    for number, act in enumerate(acts(old, new)):
        act()
        with open(order["log"], "a") as log:
            log.write(f"{number}\n")


def main() -> None:
    for line in sys.stdin:
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                child(order)
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
