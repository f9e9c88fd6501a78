"""Fleets over the threads of a scenario, and a project folder with a graph in it."""

from __future__ import annotations

import sqlite3
from typing import Any

from langgraph_nodes import Log
from langgraph_play import Scenario
from langgraph_savers import Storage
from langgraph_states import forget_classes

from statemig.runtimes.langgraph import MigratingSaver
from statemig.runtimes.langgraph.threads.fleet import ThreadFleet


def url_of(storage: Storage) -> str:
    """As SQLAlchemy writes it."""
    if storage.kind == "sqlite":
        return f"sqlite:///{storage.where}"
    return storage.where.replace("postgresql:", "postgresql+psycopg:", 1)


class Threads:
    """Threads of the versions of a scenario."""

    def __init__(self, scenario: Scenario, storage: Storage) -> None:
        self.scenario = scenario
        self.storage = storage
        self.migrator = scenario.migrator()
        self.log: Log = []

    def run(self, thread: str, version: int, *inputs: Any, wrapped: bool = True, **options: Any) -> Any:
        """What the thread is like afterwards."""
        config: Any = {"configurable": {"thread_id": thread}}
        with self.storage.open() as inner:
            saver = inner
            if wrapped:
                saver = MigratingSaver(inner, self.migrator, revision=f"r{version}", **options)
            forget_classes()
            graph = self.scenario.versions[version - 1](self.log).compile(
                checkpointer=saver, name=self.scenario.workflow
            )
            for value in inputs:
                graph.invoke(value, config)
            return graph.get_state(config)

    def fleet(self, **options: Any) -> ThreadFleet:
        fleet = ThreadFleet(url_of(self.storage), self.migrator, **options)
        self.storage.at_end.append(fleet.close)
        return fleet


def copied(storage: Storage, thread: str, count: int) -> None:
    """The same thread as ``0000`` and so on, in SQLite: no id in it depends on its name."""
    with sqlite3.connect(storage.where) as connection:
        for table in ("checkpoints", "writes"):
            names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
            rest = ", ".join(name for name in names if name != "thread_id")
            connection.executemany(
                f"INSERT INTO {table} (thread_id, {rest}) SELECT ?, {rest} FROM {table} WHERE thread_id = ?",
                [(f"{number:04}", thread) for number in range(count)],
            )
