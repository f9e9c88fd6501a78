from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The workflow of the store's tests is deployed here.
sys.path.append(str(Path(__file__).parent.parent / "store"))


@pytest.fixture
def clock():
    from triage_runs import Clock

    return Clock()
