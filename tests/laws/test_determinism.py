"""Law 14: the same result in every process, whatever its hash seed; law 13 for threads that share a migrator."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from chain_digests import digest
from hypothesis import given, settings
from operation_chains import Chain, chains

from statemig import json_text

SCRIPT = Path(__file__).with_name("chain_digests.py")


def in_a_process(hash_seed: str) -> str:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "0", "40"],
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(SCRIPT.parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_same_in_processes_with_other_hash_seeds() -> None:
    assert {in_a_process("1"), in_a_process("4242")} == {digest(0, 40)}


@settings(max_examples=settings.default.max_examples // 10)
@given(chains())
def test_threads_may_share_a_migrator(chain: Chain) -> None:
    document = chain.document()
    expected = json_text.dumps(chain.migrator.upgrade(document, "r0").document)
    shared = chain.migrator
    with ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda _: json_text.dumps(shared.upgrade(document, "r0").document), range(8))
    assert set(results) == {expected}
