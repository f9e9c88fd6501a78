"""Hypothesis profiles, chosen by STATEMIG_PROFILE: dev (the default), ci (the same examples every time), nightly (many)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import HealthCheck, settings

# The generators of the laws are used by tests of several rooms.
sys.path.insert(0, str(Path(__file__).with_name("laws")))

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}

settings.register_profile("dev", max_examples=150, **_COMMON)
settings.register_profile("ci", max_examples=150, derandomize=True, **_COMMON)
settings.register_profile("nightly", max_examples=2_000, print_blob=True, **_COMMON)
settings.load_profile(os.environ.get("STATEMIG_PROFILE", "ci" if os.environ.get("CI") else "dev"))
