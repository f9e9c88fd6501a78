"""A step of a deploy that can not be made: everything in the way is listed, and the exit code says so."""

from __future__ import annotations

from statemig.cli import exit_codes
from statemig.cli.main import ShownError


class BlockedError(ShownError):
    """Nothing was written."""

    exit_code = exit_codes.BLOCKED
