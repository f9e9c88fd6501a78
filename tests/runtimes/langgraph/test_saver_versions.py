"""Which LangGraph it works with, and what is passed on to the saver inside."""

from __future__ import annotations

import subprocess
import sys

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command
from langgraph_play import THREAD
from langgraph_savers import Storage
from langgraph_scenarios import named

from statemig.errors import ConfigError
from statemig.runtimes.langgraph import MigratingSaver


def test_an_older_langgraph_is_refused_by_name() -> None:
    script = (
        "import importlib.metadata as m; real = m.version\n"
        "m.version = lambda name: '0.6.11' if name == 'langgraph' else real(name)\n"
        "import statemig.runtimes.langgraph\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "statemig works with LangGraph from 1.0 on, and 0.6.11 is installed" in done.stderr


def test_what_on_newer_can_be_is_said() -> None:
    with pytest.raises(ConfigError, match='Say "refuse", "downgrade" or "pass"'):
        MigratingSaver(InMemorySaver(), named("step-renamed").migrator(), on_newer="ignore")  # type: ignore[arg-type]


def test_a_pruned_thread_goes_on(storage: Storage) -> None:
    scenario = named("step-and-field-renamed")
    log: list[str] = []
    with storage.open() as inner:
        scenario.versions[0](log).compile(checkpointer=inner).invoke({"topic": "x"}, THREAD)
        saver = MigratingSaver(inner, scenario.migrator())
        graph = scenario.versions[1](log).compile(checkpointer=saver)
        if storage.kind == "postgres":
            saver.prune(["t1"])
        else:
            with pytest.raises(NotImplementedError):  # as the saver inside
                saver.prune(["t1"])
        graph.invoke(Command(resume="yes"), THREAD)
    assert log == ["write", "review: yes"]


def test_what_the_saver_inside_cannot_do_is_its_own_error() -> None:
    saver = MigratingSaver(InMemorySaver(), named("step-renamed").migrator())
    with pytest.raises(NotImplementedError):
        saver.copy_thread("t1", "t2")
    with pytest.raises(NotImplementedError):
        saver.delete_for_runs(["r"])
