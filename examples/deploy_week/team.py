"""The team's repository, its commands, its workers and its customers."""

from __future__ import annotations

import difflib
import importlib.util
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from statemig import Migrator, RunStore

HERE = Path(__file__).parent
WIDTH = 110
PATIENCE = 40  # errors, after which a worker gives up


class Unexpected(Exception):
    """A command ended otherwise than the story says."""


class Team:
    """`folder` is made; everything happens in it. `write` gets the transcript, line by line."""

    def __init__(self, folder: Path, write: Callable[[str], None]) -> None:
        self.folder = folder
        self.write = write
        self.url = f"sqlite:///{folder / 'runs.db'}"
        self._code: dict[str, ModuleType] = {}
        shutil.copy(HERE / "flows.py", folder)
        (folder / "statemig.toml").write_text('workflows = ["flows:refunds"]\nstore = "sqlite:///runs.db"\n')

    # -- what they do --------------------------------------------------------------------------------------------------

    def day(self, name: str, what: str) -> None:
        self.write(f"\n{name.upper()}: {what}")

    def say(self, text: str) -> None:
        self.write(f"\n# {text}")

    def edit(self, *changes: tuple[str, str], file: str = "flows.py") -> None:
        """Change a file: each old text, which has to be there, for a new one; and show the lines that differ."""
        [path] = self.folder.glob(file)
        before = after = path.read_text()
        for old, new in changes:
            if old not in after:
                raise Unexpected(f"{path.name} has no {old!r}")
            after = after.replace(old, new)
        path.write_text(after)
        self.write(f"\n  {path.name}")
        for line in difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm=""):
            if line.startswith(("-", "+")) and line[1:].strip() and not line.startswith(("---", "+++")):
                self.write(f"  {line}")

    def lines(self, file: str) -> list[str]:
        [path] = self.folder.glob(file)
        return path.read_text().splitlines()

    def statemig(self, arguments: str, *, ends: int = 0, into: str | None = None) -> None:
        """Run a command as somebody would type it, and show what it prints. Raises `Unexpected` where it ends otherwise."""
        self.write(f"\n$ statemig {arguments}" + ("" if into is None else f" > {into}"))
        ended = subprocess.run(
            [sys.executable, "-m", "statemig", *shlex.split(arguments)],
            cwd=self.folder,
            env={**os.environ, "NO_COLOR": "1", "COLUMNS": str(WIDTH), "STATEMIG_STORE": self.url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if into is None else subprocess.PIPE,
            text=True,
            check=False,
        )
        output = ended.stdout
        if into is not None:
            (self.folder / into).write_text(output)
            output = ended.stderr
        for line in without_time(output.replace(str(self.folder), "...")).rstrip().splitlines():
            self.write(f"  {line}".rstrip())
        if ended.returncode:
            self.write(f"  (exit code {ended.returncode})")
        if ended.returncode != ends:
            raise Unexpected(
                f"statemig {arguments} ended with {ended.returncode}, not {ends}\n{ended.stdout}"
            )
        return ended.stdout

    def release(self, revision: str) -> None:
        """Keep the code as it is now, for workers of that version."""
        path = self.folder / "releases" / revision / "flows.py"
        path.parent.mkdir(parents=True)
        shutil.copy(self.folder / "flows.py", path)
        spec = importlib.util.spec_from_file_location(f"flows_{revision}", path)
        assert spec is not None
        assert spec.loader is not None
        self._code[revision] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(self._code[revision])

    # -- workers, customers, people ------------------------------------------------------------------------------------

    def store(self, revision: str = "head") -> RunStore:
        return RunStore(self.url, Migrator(self.folder / "migrations", workflow="refunds", head=revision))

    def work(self, *revisions: str, steps: int = 1000) -> None:
        """Workers of these versions take turns until there is nothing they can take, or so many steps are done."""
        stores = {revision: self.store(revision) for revision in revisions}
        done = dict.fromkeys(revisions, 0)
        errors = dict.fromkeys(revisions, 0)
        idle = False
        while not idle and sum(done.values()) < steps:
            idle = True
            for revision, store in stores.items():
                if errors[revision] == PATIENCE:
                    continue
                run = store.claim(worker=f"worker-of-{revision}")
                if run is None:
                    continue
                idle = False
                done[revision] += 1
                try:
                    with run:
                        getattr(self._code[revision], str(run.step))(run)
                except Exception:  # nothing was written, and the run is ready again
                    errors[revision] += 1
        for revision, store in stores.items():
            failed = f", {errors[revision]} of them failed" if errors[revision] else ""
            self.write(f"  worker of {revision}: {done[revision]} steps{failed}")
            store.engine.dispose()

    def stop(self, revision: str) -> None:
        with self._opened() as store:
            store.deploy.leave(f"worker-of-{revision}")
        self.write(f"  the worker of {revision} is stopped")

    def tickets(self, first: int, last: int, *, amount: int, revision: str = "head") -> None:
        """Customers write: a run each."""
        store = self.store(revision)
        for number in range(first, last + 1):
            store.start({"ticket": f"cup{number} broke, I paid {amount}"}, run_id=f"r{number:03}")
        store.engine.dispose()
        self.write(f"  tickets r{first:03} to r{last:03} come in")

    def answer(self, first: int, last: int, *, ok: bool = True) -> None:
        """People answer the questions of these runs, as they were asked."""
        with self._opened() as store:
            for number in range(first, last + 1):
                store.answer(f"r{number:03}", f"question-r{number:03}", {"ok": ok})
        whose = f"question of r{first:03}" if first == last else f"questions of r{first:03} to r{last:03}"
        self.write(f"  somebody answers the {whose}")

    def status(self, run_id: str) -> str:
        with self._opened() as store:
            return store.row(run_id).status

    @contextmanager
    def _opened(self) -> Iterator[RunStore]:
        store = self.store()
        try:
            yield store
        finally:
            store.engine.dispose()


def without_time(text: str) -> str:
    """How long ago something was is another thing each time; the transcript has to be the same."""
    ages = r"[\d.]+(?= an hour)|(?<!--hold )(?<!--for )\b\d+(\.\d+)?(h|m|ms|s)( \d+(m|s))?\b"
    return re.sub(f"({ages}) *(?=  |$)|{ages}", "…", text, flags=re.MULTILINE)
