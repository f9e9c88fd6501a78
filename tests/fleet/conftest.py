import sys
from pathlib import Path

import pytest

# The workflow of the store's tests is the fleet's too.
sys.path.append(str(Path(__file__).parent.parent / "store"))


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'runs.db'}"
