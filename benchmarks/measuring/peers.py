"""Peers that statemig itself does not need: installed when a benchmark asks for them, into `.bench/peers`."""

from __future__ import annotations

import importlib
import subprocess
import sys
from types import ModuleType

from measuring.report import FOLDER


def peer(name: str, *, install: bool) -> ModuleType | None:
    """The package, or None where it is not here and could not be installed (no network)."""
    folder = FOLDER / "peers"
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    try:
        return importlib.import_module(name)
    except ImportError:
        if not install:
            return None
    folder.mkdir(parents=True, exist_ok=True)
    # Without dependencies: those it has (pydantic) are here, and a second copy of them would be another yardstick.
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--target", str(folder), name], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print(
            f"{name} could not be installed, so it is not measured: {done.stderr.strip().splitlines()[-1:]}"
        )
        return None
    importlib.invalidate_caches()
    return importlib.import_module(name)
