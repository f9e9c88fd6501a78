"""Law 14: the same result in every process, whatever its hash seed; law 13 for threads that share a migrator."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from chain_digests import digest
from hypothesis import given
from hypothesis import strategies as st
from operation_chains import SLOW, Chain, chains

from statemig import json_text

SCRIPT = Path(__file__).with_name("chain_digests.py")
Processes = list["subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def processes() -> Iterator[Processes]:
    """Two that answer with digests, each with another hash seed."""
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, str(SCRIPT)],
                    env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(SCRIPT.parents[2])},
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                )
            )
            for seed in ("1", "4242")
        ]
        yield started
        for process in started:
            assert process.stdin is not None
            process.stdin.close()


def ask(process: subprocess.Popen[str], seed: int) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{seed}\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


@pytest.mark.law(14)
@given(seed=st.integers(0, 2**32))
def test_the_same_in_processes_with_other_hash_seeds(processes: Processes, seed: int) -> None:
    assert {ask(process, seed) for process in processes} == {digest(seed)}


@pytest.mark.law(13)
@SLOW
@given(chains())
def test_threads_may_share_a_migrator(chain: Chain) -> None:
    document = chain.document()
    expected = json_text.dumps(chain.migrator.upgrade(document, "r0").document)
    shared = chain.migrator
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda _: json_text.dumps(shared.upgrade(document, "r0").document), range(8))
    assert set(results) == {expected}
