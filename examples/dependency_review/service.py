"""Checkouts of the service, the processes that run in them, and what one asks of its store."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from statemig import Migrator, RunStore
from statemig.store.protocols import RunFilter

JSON = dict[str, Any]
HERE = Path(__file__).parent
WORKERS = 3


class CommandFailed(Exception):
    """A process ended with an error, or the demo's own conditions do not hold. `output` is what was printed."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(f"{message}\n{output}".rstrip())
        self.output = output


class Checkout:
    """A folder as a deploy leaves it: one version's code, and the migrations that are in version control with it."""

    def __init__(
        self, version: str, folder: Path, store: str, *, migrations_of: Checkout | None = None
    ) -> None:
        self.version = version
        self.folder = folder
        self.store_url = store
        if migrations_of is None:
            folder.mkdir(parents=True)
        else:
            shutil.copytree(
                migrations_of.folder, folder, ignore=shutil.ignore_patterns("__pycache__", "*.py")
            )
            shutil.copytree(migrations_of.folder / "migrations", folder / "migrations", dirs_exist_ok=True)
        for source in (HERE / version).glob("*.py"):
            shutil.copy(source, folder)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "STATEMIG_STORE": self.store_url, "NO_COLOR": "1", "COLUMNS": "100"}

    def statemig(self, *arguments: str) -> str:
        """Run the command line as a user would. Raises `CommandFailed`."""
        return self._run([str(Path(sys.executable).parent / "statemig"), *arguments])

    def python(self, script: Path | str, *arguments: str) -> str:
        return self._run([sys.executable, str(script), *arguments])

    def _run(self, command: list[str]) -> str:
        ended = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
        if ended.returncode:
            raise CommandFailed(" ".join(command), f"{ended.stdout}{ended.stderr}")
        return ended.stdout

    def flows(self) -> ModuleType:
        """This version's flows.py, under a name of its own so that both versions fit in one process."""
        name = f"flows_{self.version}"
        if name not in sys.modules:
            spec = importlib.util.spec_from_file_location(name, self.folder / "flows.py")
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
        return sys.modules[name]

    def open_store(self) -> Any:
        return RunStore(self.store_url, Migrator.from_config(self.folder / "statemig.toml"))

    def start_worker(self, name: str, published: Path, *options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "worker.py", name, str(published), *options]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, stderr=subprocess.PIPE, text=True
        )

    @contextmanager
    def workers(self, published: Path) -> Iterator[list[subprocess.Popen[str]]]:
        """Worker processes that are killed with SIGKILL when the block ends: no clean-up, no last save."""
        running = [
            self.start_worker(f"{self.version}-{number}", published) for number in range(1, WORKERS + 1)
        ]
        try:
            yield running
        finally:
            for process in running:
                process.send_signal(signal.SIGKILL)
            for process in running:
                process.communicate()

    def check_alive(self, running: list[subprocess.Popen[str]]) -> None:
        """Raises `CommandFailed` where a worker has ended by itself."""
        for process in running:
            if process.poll() is not None:
                raise CommandFailed(f"worker.py of {self.version}", process.communicate()[1])

    def drain(self, published: Path) -> None:
        """Let worker processes run until nothing is ready. Raises `CommandFailed` where one ends with an error."""
        running = [
            self.start_worker(f"{self.version}-{number}", published, "--until-idle")
            for number in range(1, WORKERS + 1)
        ]
        for process in running:
            _, complaint = process.communicate()
            if process.returncode:
                raise CommandFailed(f"worker.py of {self.version}", complaint)


# -- what one asks of the store -----------------------------------------------------------------------------


def standing(store: Any) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for place in store.counts():
        found[place.step or "(ended)", place.status] += place.count
    return found


def total(counts: Counter[tuple[str, str]], status: str) -> int:
    return sum(count for (_, each), count in counts.items() if each == status)


def stored(store: Any) -> dict[str, Any]:
    """The rows of the unfinished runs."""
    return {row.run_id: row for batch in store.iterate() for row in batch}


def documents(store: Any, *, ended: bool = False) -> dict[str, JSON]:
    return {
        row.run_id: store.document(row) for batch in store.iterate(RunFilter(ended=ended)) for row in batch
    }
