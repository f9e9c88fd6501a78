"""The laws find the bugs that people make, and nothing in the scripts as they should be. All seeds: benchmarks/seeded_bugs.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from measuring.seeded_projects import ALL, CURSORS, VALUES, Seeded

from statemig.testing.laws.registry import DATA
from statemig.testing.profiles import PROFILES
from statemig.testing.running import generate
from statemig.testing.violation import Violation

IDS = [each.name for each in ALL]


def test_there_are_fourteen_of_values_and_three_of_cursors() -> None:
    assert (len(VALUES), len(CURSORS)) == (14, 3)


@pytest.mark.parametrize("seeded", ALL, ids=IDS)
def test_the_bug_is_found_within_200_states(seeded: Seeded, tmp_path: Path) -> None:
    case = seeded.case(tmp_path / "migrations")
    with pytest.raises(Violation) as found:
        generate(seeded.law, case, profile=PROFILES["ci"], seed=7, examples=200)
    assert found.value.examples <= 200
    assert found.value.law == seeded.law


@pytest.mark.parametrize("seeded", ALL, ids=IDS)
def test_no_law_complains_about_the_right_script(seeded: Seeded, tmp_path: Path) -> None:
    case = seeded.case(tmp_path / "migrations", right=True)
    for name in DATA:
        if name not in ("corpus_upgrades", "head_model_loads"):
            generate(name, case, profile=PROFILES["ci"], seed=7, examples=15)
