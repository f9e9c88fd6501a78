"""Deploying a new version while runs are in flight: who runs which run, draining, the window in which two versions share the runs."""

from __future__ import annotations

from statemig.deploy import canary
from statemig.deploy.abort import Aborted, abort
from statemig.deploy.draining import DrainStatus, begin_drain, end_drain, look_at_drain
from statemig.deploy.retire import Blocker, Retirement, blockers, retire, unretire
from statemig.deploy.router import Explanation, Router
from statemig.deploy.side_by_side import SideBySide
from statemig.deploy.watch import Criteria, Look, Sign, look, watch
from statemig.deploy.window import WindowStatus, complete, start, status

__all__ = [
    "Aborted",
    "Blocker",
    "Criteria",
    "DrainStatus",
    "Explanation",
    "Look",
    "Retirement",
    "Router",
    "SideBySide",
    "Sign",
    "WindowStatus",
    "abort",
    "begin_drain",
    "blockers",
    "canary",
    "complete",
    "end_drain",
    "look",
    "look_at_drain",
    "retire",
    "start",
    "status",
    "unretire",
    "watch",
]
