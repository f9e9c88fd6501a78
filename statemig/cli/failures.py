"""Runs that stayed where they were, each in a line on stderr with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from statemig.cli.output import complain
from statemig.store.protocols import Failure

_SHOWN: Final = 20


def show_failures(failures: Sequence[Failure]) -> None:
    """The first of them; `--format json` has all."""
    for failure in failures[:_SHOWN]:
        where = [f"run {failure.run_id}", failure.kind]
        where += [
            f"{name} {value}"
            for name in ("revision", "operation", "step", "path")
            if (value := getattr(failure, name))
        ]
        hint = f". {failure.hint}" if failure.hint else ""
        complain(f"  - {', '.join(where)}: {failure.reason.rstrip('.') if hint else failure.reason}{hint}")
    if len(failures) > _SHOWN:
        complain(f"  and {len(failures) - _SHOWN:,} more; --format json lists all of them.")
