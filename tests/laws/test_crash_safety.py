"""Law 18: a process that is killed between any two writes leaves what was committed, and whoever goes on comes to the same end."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from crash_ground import RUNS, acts, chain_of, put, stores
from hypothesis import assume, event, given
from hypothesis import strategies as st
from operation_chains import SLOW

from statemig import RunStore, json_text
from statemig.errors import StatemigError

GROUND = Path(__file__).with_name("crash_ground.py")
numbers = itertools.count()


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with tempfile.TemporaryDirectory(dir=memory) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def ground() -> Iterator[subprocess.Popen[str]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (GROUND.parent, GROUND.parents[2])))}
    with subprocess.Popen(
        [sys.executable, str(GROUND)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def rows(runs: RunStore) -> list[Any]:
    """All that is kept of the runs."""
    kept = []
    for run_id in RUNS:
        row = runs.row(run_id)
        document = json_text.loads(json_text.dumps(runs.document(row)))
        complement = None if row.complement is None else json_text.loads(row.complement)
        kept.append([document, complement, row.revision, row.version, len(runs.history(run_id))])
    return kept


@pytest.mark.law(18)
@SLOW
@given(seed=st.integers(0, 2**32), revisions=st.integers(1, 3), kill=st.integers(0, 18))
def test_whoever_goes_on_after_a_kill_comes_to_the_same_end(
    folder: Path, ground: subprocess.Popen[str], seed: int, revisions: int, kill: int
) -> None:
    number = next(numbers)
    order = {"seed": seed, "revisions": revisions, "per_revision": 2}
    chain, documents = chain_of(order)
    undisturbed, crashed = (f"sqlite:///{folder / f'{number}-{name}.db'}" for name in ("a", "b"))

    old, new = stores(chain, undisturbed)
    states = []
    try:
        for run_id, document in zip(RUNS, documents, strict=True):
            put(old, run_id, document)
        states.append(rows(old))
        for act in acts(old, new):
            act()
            states.append(rows(old))
    except StatemigError:
        assume(False)  # nothing to crash in: no document gets through the operations

    old, new = stores(chain, crashed)
    for run_id, document in zip(RUNS, documents, strict=True):
        put(old, run_id, document)
    for each in (old, new):
        each.engine.dispose()
    log = folder / f"{number}.log"
    assert ground.stdin is not None
    assert ground.stdout is not None
    ground.stdin.write(json.dumps({**order, "url": crashed, "kill": kill, "log": str(log)}) + "\n")
    ground.stdin.flush()
    ended = int(ground.stdout.readline())
    assert ended in (0, -signal.SIGKILL)
    event(f"killed: {ended != 0}")

    done = len(log.read_text().splitlines()) if log.exists() else 0
    old, new = stores(chain, crashed)
    left = rows(old)
    # The act that was cut off has happened as a whole or not at all.
    at = next(place for place in (done, done + 1, None) if place is None or left == states[place])
    assert at is not None, "a state that no undisturbed run was ever in"
    for act in acts(old, new)[at:]:
        act()
    assert rows(old) == states[-1]
    for name in folder.glob(f"{number}*"):
        name.unlink()
