import pytest


@pytest.fixture
def clock():
    from triage_runs import Clock

    return Clock()
