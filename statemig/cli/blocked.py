"""A step of a deploy that can not be made: everything in the way is listed, and the exit code says so."""

from __future__ import annotations

from typing import Any

from statemig.cli import exit_codes
from statemig.cli.main import ShownError, problem_line
from statemig.cli.output import print_json
from statemig.errors import DeployError


class BlockedError(ShownError):
    """Nothing was written. With `form` "json" what is in the way is on stdout, too."""

    exit_code = exit_codes.BLOCKED

    def __init__(self, error: DeployError, form: str) -> None:
        super().__init__(error)
        self._error = error
        self._form = form

    def show(self, file: Any = None) -> None:
        if self._form == "json":
            error = self._error
            print_json(
                {
                    "workflow": error.workflow,
                    "revision": error.revision,
                    "blocked": True,
                    "error": error.message,
                    "blockers": list(map(problem_line, error.problems)) or [error.message],
                    "hint": error.hint,
                }
            )
        super().show(file)
