import pytest


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'runs.db'}"


@pytest.fixture
def clock():
    from triage_runs import Clock

    return Clock()
