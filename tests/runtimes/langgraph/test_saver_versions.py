"""Which LangGraph it works with, and what is passed on to the saver inside."""

from __future__ import annotations

import subprocess
import sys

import pytest
from langgraph.checkpoint.memory import InMemorySaver
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
