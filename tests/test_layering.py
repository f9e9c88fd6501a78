"""The floors of the house: the contract in pyproject.toml holds, and would notice if it did not."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(
        CHECKOUT / "statemig", tmp_path / "statemig", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(folder: Path) -> str:
    """What import-linter says of the package in this folder."""
    program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.stdout + done.stderr


def add(file: Path, line: str) -> None:
    file.write_text(f"{file.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")


def test_every_import_points_down(copy: Path) -> None:
    assert "Contracts: 2 kept, 0 broken." in lint(copy)


def test_an_import_upwards_is_noticed(copy: Path) -> None:
    add(copy / "statemig" / "path.py", "import statemig.migrator")
    assert "statemig.path -> statemig.migrator" in lint(copy)


def test_storage_below_the_envelope_is_noticed(copy: Path) -> None:
    add(copy / "statemig" / "migrator.py", "import sqlalchemy")
    assert "statemig.migrator is not allowed to import sqlalchemy" in lint(copy)


def test_a_room_without_a_floor_is_noticed(copy: Path) -> None:
    (copy / "statemig" / "attic.py").write_text("")
    assert "attic" in lint(copy)
