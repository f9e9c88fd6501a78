"""The bars on the labelled development set, where it is on this machine."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def _benchmark() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "autogenerate_quality.py"
    spec = importlib.util.spec_from_file_location("autogenerate_quality", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


quality = _benchmark()
PLACE = quality.folder()
needs_cases = pytest.mark.skipif(
    PLACE is None, reason="the labelled pairs are not in the repository; set STATEMIG_CASES to their folder"
)


@pytest.fixture(scope="module")
def scores():  # type: ignore[no-untyped-def]
    return quality.measure(quality.load(PLACE))


@needs_cases
@pytest.mark.parametrize("name", quality.BARS)
def test_the_bar_is_reached(scores, name: str) -> None:  # type: ignore[no-untyped-def]
    assert scores.shares[name].value >= quality.BARS[name]


@needs_cases
def test_the_listed_paths_are_those_that_the_subshape_check_finds(scores) -> None:  # type: ignore[no-untyped-def]
    assert scores.wrong == []


def test_without_pairs_nothing_is_measured_and_it_says_so(monkeypatch, capsys) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(quality, "folder", lambda: None)
    assert quality.main([]) == 0
    assert "Skipped: no labelled pairs here" in capsys.readouterr().out
