"""`statemig mutate` on a project with a weak suite, and on one with a strong one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

sys.path.insert(0, str(Path(__file__).parents[1] / "testing"))

import mutated_project as project

from statemig.cli.main import cli
from statemig.testing.mutant_project import copies

PYTEST = f"{sys.executable} -m pytest -x -q -p no:cacheprovider"
#: the same tests, started in half of the time
PLAIN = f"{sys.executable} test_migrations.py"


def mutate(root: Path, *arguments: str, command: str = PLAIN) -> Result:
    config = str(root / "statemig.toml")
    return CliRunner().invoke(cli, ["-c", config, "mutate", "--command", command, *arguments])


def files(root: Path) -> dict[Path, bytes]:
    return {
        path: path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def test_a_weak_suite_lets_mutants_survive_and_they_are_shown(tmp_path: Path) -> None:
    root = project.write(tmp_path, project.WEAK)
    before = files(root)

    result = mutate(root)

    assert result.exit_code == 11, result.output
    assert "only the first item: op.rename_field is for the first item of the list" in result.output
    assert '-    op.rename_field("state.items[].name", to="label")' in result.output
    assert '+    op.rename_field("state.items[0].name", to="label")' in result.output
    assert "A test that fails with it is missing" in result.output
    assert files(root) == before


def test_a_strong_suite_kills_them_all(tmp_path: Path) -> None:
    root = project.write(tmp_path, project.STRONG)

    result = mutate(root, "--format", "json")

    report = json.loads(result.stdout)
    assert report["counts"]["survived"] == 0, [
        each["diff"] for each in report["mutants"] if each["outcome"] == "survived"
    ]
    assert result.exit_code == 0
    assert report["counts"]["killed"] == report["counts"]["mutants"] >= 8
    assert report["counts"]["equivalent"] >= 1
    assert {each["outcome"] for each in report["mutants"]} <= {"killed", "equivalent", "refused"}


def test_a_suite_that_fails_anyway_is_refused_with_what_it_printed(tmp_path: Path) -> None:
    root = project.write(tmp_path, "def test_never():\n    assert 1 == 2\n")

    result = mutate(root, command=PYTEST)

    assert result.exit_code == 1
    assert "without any mutant" in result.output
    assert "failed with exit code 1" in result.output
    assert "assert 1 == 2" in result.output


def test_a_suite_without_tests_is_refused(tmp_path: Path) -> None:
    root = project.write(tmp_path, "")

    result = mutate(root, command=PYTEST)

    assert result.exit_code == 1
    assert "found no test" in result.output


def test_a_mutant_whose_tests_never_end_is_killed_by_the_clock(tmp_path: Path) -> None:
    root = project.write(tmp_path, "")
    script = next((root / "migrations" / "versions").glob("*second.py"))
    (root / "suite.py").write_text(
        "import pathlib, time\n"
        f"text = next(pathlib.Path('migrations/versions').glob('*second.py')).read_text()\n"
        f"time.sleep(0 if text == {script.read_text()!r} else 600)\n"
    )

    result = mutate(
        root, "--timeout", "6", "--jobs", "16", "--format", "json", command=f"{sys.executable} suite.py"
    )

    counts = json.loads(result.stdout)["counts"]
    assert counts["timeout"] == counts["mutants"] > 0
    assert result.exit_code == 0


def test_the_list_runs_no_test(tmp_path: Path) -> None:
    root = project.write(tmp_path, "")

    result = mutate(root, "--list", command="false")

    assert result.exit_code == 0
    assert "targets swapped" in result.output


def test_the_first_revision_has_nothing_to_mutate(tmp_path: Path) -> None:
    root = project.write(tmp_path, project.WEAK)

    result = mutate(root, project.BELOW)

    assert result.exit_code == 1
    assert "it follows no other revision" in result.output


def test_what_the_environment_finds_in_the_project_is_found_in_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A suite that goes by where a module of the project lies would otherwise test the original."""
    root = project.write(tmp_path, "import app\nassert (app.HERE / 'marker').exists()\n")
    (root / "app.py").write_text("from pathlib import Path\n\nHERE = Path(__file__).parent\n")
    (root / "marker").touch()
    monkeypatch.setenv("PYTHONPATH", str(root))

    with copies(root, root / "migrations", 1) as [copy]:
        (root / "marker").unlink()

        assert copy.run([sys.executable, "test_migrations.py"], 60) == (0, "")
