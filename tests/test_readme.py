"""The one-minute example of the README, run as it is written there."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from statemig.cli.main import COMMANDS

README = Path(__file__).parent.parent / "README.md"


def blocks() -> dict[str, str]:
    """Python blocks of the README by the comment above them."""
    found = re.findall(r"<!-- (.+?) -->\n```python\n(.*?)```", README.read_text(), re.DOTALL)
    return dict(found)


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_one_minute_example_does_what_it_says(tmp_path: Path) -> None:
    code = blocks()
    statemig = (sys.executable, "-m", "statemig")
    (tmp_path / "flows.py").write_text(code["flows.py, version 1"])
    run(tmp_path, *statemig, "init")
    run(tmp_path, *statemig, "revision", "--autogenerate", "-m", "first version")
    (tmp_path / "run.py").write_text(code["run.py"])
    run(tmp_path, sys.executable, "run.py")

    (tmp_path / "flows.py").write_text(code["flows.py, version 2"])
    typed = re.search(r"\$ statemig (revision --autogenerate --rename .*)", README.read_text())
    assert typed is not None
    run(tmp_path, *statemig, *typed[1].split())
    script = next((tmp_path / "migrations" / "versions").glob("0002_*.py")).read_text()
    promised = re.search(r"```python\n(def upgrade.*?)```", README.read_text(), re.DOTALL)
    assert promised is not None
    assert script.endswith(promised[1])

    (tmp_path / "resume.py").write_text(code["resume.py"])
    assert run(tmp_path, sys.executable, "resume.py") == code["resume.py"].rsplit("# ", 1)[1]


def test_every_command_has_a_row() -> None:
    table = [line for line in README.read_text().splitlines() if line.startswith("| `statemig ")]
    rows = " ".join(line.split("|")[1] for line in table)
    assert [name for name in COMMANDS if f"`statemig {name}" not in rows and f"`{name}" not in rows] == []


def test_the_gate_is_quoted_from_the_week() -> None:
    week = README.parent / "examples" / "deploy_week" / "transcript.txt"
    quoted = re.search(r"```text\n\$ statemig gate\n(.*?)```", README.read_text(), re.DOTALL)
    assert quoted is not None
    for part in quoted[1].split("    ...\n"):
        assert part in week.read_text()
