"""The week of deploys prints what its transcript says, and its README quotes it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "examples" / "deploy_week"
TRANSCRIPT = (FOLDER / "transcript.txt").read_text()
README = (FOLDER / "README.md").read_text()


def test_the_week_goes_as_its_transcript_says(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "week.py", str(tmp_path / "week")],
        cwd=FOLDER,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr
    assert ended.stdout == TRANSCRIPT


def test_the_readme_quotes_the_transcript() -> None:
    quoted = re.search(r"```text\n(.*?)```", README, re.DOTALL)
    assert quoted is not None
    assert quoted[1] in TRANSCRIPT
