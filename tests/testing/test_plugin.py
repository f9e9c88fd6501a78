"""The plugin as users run it: pytest in a process of its own, in a project on disk."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

from measuring.seeded_projects import ALL, Seeded

BY_NAME = {each.name: each for each in ALL}


def project(folder: Path, seeded: Seeded, *, right: bool = False) -> Path:
    seeded.write(folder / "migrations", right=right)
    (folder / "statemig.toml").write_text('script_location = "migrations"\nworkflows = []\n')
    return folder


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(tmp_path_factory.mktemp("broken"), BY_NAME["rename dropped"])


def test_one_item_for_each_law_revision_and_model(broken: Path) -> None:
    listed = run(broken, "--statemig", "--collect-only", "-q").stdout.splitlines()
    assert "statemig::up_validates[b200_version_2-Summary1]" in listed
    assert "statemig::single_head[seeded]" in listed
    assert "statemig::proof[a100_version_1]" in listed
    assert re.search(r"\d+ tests collected", "\n".join(listed))


def test_a_failure_says_all_that_is_needed(broken: Path) -> None:
    ended = run(broken, "--statemig", "-k", "value_laws or up_validates", "-p", "no:cacheprovider")
    assert ended.returncode == 1, ended.stdout
    text = ended.stdout
    order = [
        "value_laws does not hold for revision b200 (version_2) of seeded, version 1 -> 2",
        "state.summary_text does not have the value that it had",
        '>   "summary": "0"',
        'state.summary: "0" -> absent',
        "operation 0 state goes through change (",
        "statemig test b200 --law value_laws --state '{",
        "@example({",
        "statemig corpus add a100 --state '{",
    ]
    places = [text.find(each) for each in order]
    assert -1 not in places, (order[places.index(-1)], text)
    assert places == sorted(places)
    assert "1 failed, 1 passed" in text
    assert "Traceback" not in text


def test_it_works_with_last_failed_and_stops_at_the_first(broken: Path) -> None:
    first = run(broken, "--statemig", "-x", "-k", "value_laws or deterministic")
    assert "1 failed" in first.stdout
    again = run(broken, "--statemig", "--lf", "--collect-only", "-q")
    assert "statemig::value_laws" in again.stdout
    assert "up_validates" not in again.stdout


def test_it_works_with_xdist(broken: Path) -> None:
    ended = run(broken, "--statemig", "-n", "2", "-k", "value_laws or up_validates or single_head")
    assert "1 failed, 2 passed" in ended.stdout, ended.stdout + ended.stderr


def test_without_hypothesis_structure_is_tested_and_the_rest_says_why(tmp_path: Path) -> None:
    project(tmp_path, BY_NAME["rename dropped"])
    (tmp_path / "conftest.py").write_text(
        "import sys\n\nsys.modules['hypothesis'] = None  # as if it were not there\n"
    )
    chosen = ("-k", "single_head or up_validates")
    ended = run(tmp_path, "--statemig", "-rs", "-p", "no:hypothesispytest", *chosen)
    assert "1 passed, 1 skipped" in ended.stdout, ended.stdout + ended.stderr
    assert "pip install 'statemig[test]'" in ended.stdout


def test_imported_laws_run_without_the_flag_and_only_once_with_it(tmp_path: Path) -> None:
    project(tmp_path, BY_NAME["id changed"], right=True)
    (tmp_path / "test_mine.py").write_text(
        "from statemig.testing.laws import test_up_validates, test_single_head\n\n\n"
        "def test_fixture(statemig_migrator):\n    assert statemig_migrator.head == 'b200'\n"
    )
    plain = run(tmp_path, "-v", "-p", "no:cacheprovider")
    assert "test_mine.py::test_up_validates[b200_version_2-Ticket1] PASSED" in plain.stdout, plain.stdout
    assert "3 passed" in plain.stdout
    flagged = run(tmp_path, "--statemig", "--collect-only", "-q", "-k", "up_validates or single_head")
    assert flagged.stdout.count("up_validates") == 1, flagged.stdout


def test_nothing_of_statemig_is_imported_when_nobody_asks(tmp_path: Path) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\n\n\ndef test_it():\n"
        "    mine = {name for name in sys.modules if name.startswith('statemig.')}\n"
        "    assert mine == {'statemig.testing', 'statemig.testing.plugin'}\n"
    )
    ended = run(tmp_path, "-q")
    assert ended.returncode == 0, ended.stdout


def test_a_project_that_is_none_is_told_so(tmp_path: Path) -> None:
    ended = run(tmp_path, "--statemig")
    assert ended.returncode == 4
    assert "Make one with `statemig init`" in ended.stderr
