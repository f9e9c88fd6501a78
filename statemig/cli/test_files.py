"""The test files that `init` and `revision --with-test` write: once, for their owner to change."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

SUITE: Final = "test_migrations.py"

_SUITE_TEXT: Final = '''"""The migrations of run state keep their laws: for each revision, on recorded and on generated states.

`pytest --statemig-profile nightly` tries many states. What the laws are: `statemig test --help`.
"""

from statemig.testing.laws import *  # noqa: F403
'''

_REVISION_TEXT: Final = '''"""My own test of revision {revision}: {message}

Written once by `statemig revision --with-test`, and yours from here on.
"""

from pathlib import Path

from hypothesis import given, settings

from statemig import Migrator
from statemig.testing import strategies

MIGRATOR = Migrator({location}, workflow="{workflow}")
BEFORE, REVISION = "{below}", "{revision}"


@settings(deadline=None)
@given(strategies.runs(BEFORE, migrator=MIGRATOR))
def test_a_run_keeps_what_matters(run):
    upgraded = MIGRATOR.upgrade(run, BEFORE, to=REVISION, record="complement")
    new = upgraded.unwrap()
    # What has to hold of this change, in your words: assert new["state"]["digest"] == run["state"]["summary"]
    assert len(new["cursor"]) == len(run["cursor"])
    back = MIGRATOR.downgrade(new, revision=REVISION, to=BEFORE, complement=upgraded.complement)
    assert back.unwrap() == run
'''


def write_suite(root: Path) -> Path | None:
    """The file that runs all laws; None where one of that name is there already."""
    file = root / "tests" / SUITE
    if file.exists():
        return None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(_SUITE_TEXT, encoding="utf-8")
    return file


def write_test(
    root: Path, location: Path, *, workflow: str, below: str, revision: str, message: str, stem: str
) -> Path:
    """A test of one revision. `stem`: the name of its script."""
    file = root / "tests" / f"test_{re.sub(r'[^0-9A-Za-z_]', '_', stem)}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    if location.is_relative_to(root):
        place = "Path(__file__).parents[1]" + "".join(
            f' / "{part}"' for part in location.relative_to(root).parts
        )
    else:
        place = f'Path("{location.as_posix()}")'
    said = message.replace("\\", "").replace('"', "'").splitlines()[0] if message else stem
    text = _REVISION_TEXT.format(
        revision=revision, below=below, workflow=workflow, location=place, message=said
    )
    file.write_text(text, encoding="utf-8")
    return file
