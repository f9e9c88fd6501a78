"""Mutants in a copy of the project: written and frozen there, judged against the script as it is, and handed to the project's own tests.

Nothing outside the copy is touched.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, Literal

from statemig import json_text
from statemig.errors import ConfigError, StatemigError
from statemig.migrator import Migrator, Result
from statemig.revisions.checked_index import CheckedIndex
from statemig.revisions.directory import Directory
from statemig.testing.mutants import Mutant

Outcome = Literal["killed", "survived", "timeout"]
Judgement = Literal["different", "equivalent", "refused"]

SAMPLES: Final = 300
_LEFT_OUT: Final = (
    ".git",
    ".hg",
    ".venv",
    "venv",
    ".tox",
    ".nox",
    "node_modules",
    "__pycache__",
    ".hypothesis",
    ".*_cache",
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of a mutant before a test has run. `why` is for a reader."""

    mutant: Mutant
    judgement: Judgement
    why: str = ""


@dataclass(frozen=True, slots=True)
class Tested:
    """What the tests made of a mutant, and how long they took, in seconds."""

    mutant: Mutant
    outcome: Outcome
    seconds: float


# -- before the tests --------------------------------------------------------------------------------------------------


def judge(
    location: Path, workflow: str, revision: str, mutants: Iterable[Mutant], *, samples: int = SAMPLES
) -> Iterator[Judged]:
    """Which mutants are worth testing, in their order. `location` is the folder of migrations, which stays as it is.

    "refused": statemig does not load such a script, so no test is needed. "equivalent": it says the same, or it gave the same as the script
    for `samples` generated runs on the way up, for as many on the way down, and back with what was kept.
    """
    before = Migrator(location, workflow=workflow)
    below = before.revision(revision).down_revisions[0]
    documents = _documents(before, below, samples)
    born = _documents(before, revision, samples)
    expected = list(_effects(before, below, revision, documents, born))
    said = [each.source() for each in before.revision(revision).operations]
    with tempfile.TemporaryDirectory(prefix="statemig-mutants-") as made:
        copy = Path(made) / location.name
        shutil.copytree(location, copy, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        for mutant in mutants:
            try:
                plant(copy, revision, mutant.source)
                after = Migrator(copy, workflow=workflow)
                if [each.source() for each in after.revision(revision).operations] == said:
                    yield Judged(mutant, "equivalent", "it says the same")
                    continue
                found = _effects(after, below, revision, documents, born)
                if all(json_text.equal(one, other) for one, other in zip(expected, found, strict=True)):
                    yield Judged(mutant, "equivalent", f"no difference in {samples} generated runs")
                    continue
            except StatemigError as error:
                yield Judged(mutant, "refused", error.message)
                continue
            yield Judged(mutant, "different")


def plant(location: Path, revision: str, source: str) -> None:
    """Write a script into a copy of the migrations, and freeze it there. Raises the `StatemigError` for which it would not be loaded."""
    directory = Directory(location)
    directory.script_path(revision).write_text(source, encoding="utf-8")
    directory.refreeze(revision)
    if "[0]" in source:
        # A place in a list, as only a mutant has it: taken as it is, though no script may say it.
        frozen = directory.frozen(revision)
        seal = CheckedIndex.seal(frozen, [directory.frozen(each) for each in frozen.down_revisions])
        CheckedIndex(location).keep({revision: seal})
    Directory(location).refuse_bad([revision])


def _documents(migrator: Migrator, revision: str, samples: int) -> list[Any]:
    snapshot = migrator.snapshot(revision)
    if snapshot is None:
        return []
    random = Random(0)
    return [snapshot.sample(random) for _ in range(samples)]


def _effects(
    migrator: Migrator, below: str, revision: str, documents: Sequence[Any], born: Sequence[Any]
) -> Iterator[Any]:
    """What a revision makes of each document, and of it on the way back; and of those that were born at it."""
    for number, document in enumerate(documents):
        up = migrator.upgrade(document, below, to=revision, run_id=f"run-{number}", record="complement")
        yield _seen(up)
        if up.error is None:
            back = migrator.downgrade(
                up.document,
                to=below,
                revision=revision,
                run_id=f"run-{number}",
                complement=up.complement,
                checked=True,
            )
            yield _seen(back)
        else:
            yield None
    for number, document in enumerate(born):
        yield _seen(migrator.downgrade(document, to=below, revision=revision, run_id=f"born-{number}"))


def _seen(result: Result) -> Any:
    error = result.error
    if error is None:
        return result.document
    return [type(error).__name__, error.path, error.step]


# -- the tests ---------------------------------------------------------------------------------------------------------


class ProjectCopy:
    """A copy of a project in which mutants are tested. `location` is its folder of migrations, below `root`.

    Raises `ConfigError` where the migrations are not in the project.
    """

    def __init__(self, root: Path, location: Path, copy: Path, *, ignore: Sequence[Path] = ()) -> None:
        root, location = root.resolve(), location.resolve()
        if not location.is_relative_to(root):
            raise ConfigError(
                f"the migrations in {location} are not in the project {root}, so a copy of it would not have them",
                hint="Run mutate with the configuration of the project that the tests are in: statemig -c FILE mutate",
            )
        skipped = {path.resolve() for path in ignore}
        patterns = shutil.ignore_patterns(*_LEFT_OUT)

        def left_out(folder: str, names: list[str]) -> set[str]:
            found = set(patterns(folder, names))
            return found | {name for name in names if (Path(folder) / name).resolve() in skipped}

        shutil.copytree(root, copy, symlinks=True, ignore=left_out)
        self.root = copy
        self.location = copy / location.relative_to(root)
        self._original = root

    def test(self, revision: str, mutant: Mutant, command: Sequence[str], timeout: float) -> Tested:
        """Run the tests on a mutant: "killed" where they fail, "timeout" where they take longer than that many seconds."""
        plant(self.location, revision, mutant.source)
        began = time.monotonic()
        code, _ = self.run(command, timeout)
        seconds = time.monotonic() - began
        outcome: Outcome = "timeout" if code is None else "survived" if code == 0 else "killed"
        return Tested(mutant, outcome, seconds)

    def run(self, command: Sequence[str], timeout: float) -> tuple[int | None, str]:
        """(exit code, what was printed) of a command in the copy; no code where it took too long and was ended."""
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=self._environment(os.environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        ) as process:
            try:
                printed, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                return None, ""
            return process.returncode, printed

    def _environment(self, outside: Mapping[str, str]) -> dict[str, str]:
        """The copy's modules come before those of the project, wherever that is installed."""
        first = [str(folder) for folder in (self.root, self.root / "src") if folder.is_dir()]
        given = [part for part in outside.get("PYTHONPATH", "").split(os.pathsep) if part]
        moved = [
            str(self.root / Path(part).resolve().relative_to(self._original))
            if Path(part).resolve().is_relative_to(self._original)
            else part
            for part in given
        ]
        return {
            **outside,
            "PYTHONPATH": os.pathsep.join(dict.fromkeys(first + moved)),
            "PYTHONDONTWRITEBYTECODE": "1",
        }


@contextmanager
def copies(
    root: Path, location: Path, number: int, *, ignore: Sequence[Path] = ()
) -> Iterator[list[ProjectCopy]]:
    """That many copies of a project, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="statemig-mutate-") as folder:
        yield [
            ProjectCopy(root, location, Path(folder) / str(each) / root.resolve().name, ignore=ignore)
            for each in range(number)
        ]


def default_command() -> list[str]:
    """pytest, with the laws of `pytest --statemig` where its plugin is installed."""
    from importlib.metadata import entry_points

    has_plugin = any(each.value.startswith("statemig.") for each in entry_points(group="pytest11"))
    return [sys.executable, "-m", "pytest", "-x", "-q", *(["--statemig"] if has_plugin else [])]
