"""The benchmarks run, print every bar with its verdict, and say what they missed. What they measure in a test means nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "benchmarks"

BARS = {
    "migrating": {
        "1",
        "1 rec",
        "3",
        "3 rec",
        "3 order",
        "3 order rec",
        "4",
        "4 rec",
        "5",
    },  # 2 takes a chain of 200, too long for a test
    "storing": {"5", "6"},
    "comparing": {"11"},
    "langgraph_threads": {"14", "15", "15 chain", "15 upgrade"},
    "rehearsing": {"16"},
    "counting_threads": {"counts"},
}


@pytest.mark.parametrize("name", BARS)
def test_a_benchmark_prints_its_bars_and_writes_results_and_chart(name: str) -> None:
    run = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), "--smoke"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    results = json.loads((ROOT / ".bench" / "smoke" / f"{name}.json").read_text())
    barred = [row for row in results["rows"] if row["limit"] is not None]
    facts = results["facts"]
    assert {row["bar"] for row in barred} | {fact["bar"] for fact in facts} == BARS[name]
    for row in barred:
        assert row["verdict"] == ("met" if row["ratio"]["value"] <= row["limit"] else "MISSED")
    missed = [row for row in barred if row["verdict"] == "MISSED"]
    missed += [fact for fact in facts if not fact["holds"]]
    assert run.stdout.count("\n  MISSED  bar") == len(missed)
    ElementTree.parse(ROOT / ".bench" / "smoke" / f"{name}.svg")
    if name == "langgraph_threads":  # it plays deploys besides, and those come out the same every time
        total = next(line for line in run.stdout.splitlines() if line.startswith("  right  "))
        assert total.split()[-3:] == ["10", "of", "10"], run.stdout


def smoke(name: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), "--smoke"], capture_output=True, text=True, check=False
    )


def test_the_speed_of_strategies_is_printed_with_its_bars() -> None:
    run = smoke("testing")
    verdicts = [line.rsplit(maxsplit=1)[1] for line in run.stdout.splitlines() if " bar " in line]
    assert len(verdicts) == 3, run.stderr
    assert set(verdicts) <= {"met", "MISSED"}
    assert run.returncode == ("MISSED" in verdicts)


def test_the_seeded_bugs_are_found() -> None:
    run = smoke("seeded_bugs")
    assert run.stdout.splitlines()[-1:] == ["17 of 17 found on 2 of 2 seeds within 200 states"], run.stderr
    assert run.returncode == 0


def test_ratios_are_medians_of_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from measuring import timing

    def twice(value: int) -> int:
        return sum(range(value)) + sum(range(value))

    def once(value: int) -> int:
        return sum(range(value))

    ratio = timing.compare(twice, lambda: 5_000, once, lambda: 5_000, rounds=15)
    assert ratio.rounds == 15
    assert ratio.low <= ratio.value <= ratio.high
    assert 1.2 < ratio.value < 3.2


def test_every_chain_does_the_same_in_each_form(monkeypatch: pytest.MonkeyPatch) -> None:
    import jsonpatch

    monkeypatch.syspath_prepend(str(FOLDER))
    from measuring import chains
    from measuring.documents import SIZES, run_document

    from statemig import Migrator

    for size in SIZES.values():
        for chain in chains.CHAINS:
            document = run_document(size)
            expected = Migrator(revisions=chains.revisions(chain, 50)).upgrade(document, "r0").unwrap()
            for keep_order in (False, True):
                by_hand = json.loads(json.dumps(document))
                for function in chains.by_hand(chain, 50, keep_order=keep_order):
                    function(by_hand)
                assert by_hand == expected
            assert list(by_hand["state"]) == list(expected["state"])
            patched = document
            for patch in chains.json_patches(chain, 50, document):
                patched = jsonpatch.apply_patch(patched, patch)
            assert patched == expected


@pytest.mark.parametrize("size", [4_096, 65_536])
def test_documents_have_the_size_they_say(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.syspath_prepend(str(FOLDER))
    from measuring.documents import run_document

    assert (
        abs(
            len(json.dumps(run_document(size), separators=(",", ":"), ensure_ascii=False).encode()) / size - 1
        )
        < 0.02
    )
