"""The items that ``pytest --statemig`` runs. Only what pytest documents is used."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statemig.testing.trial import Skipped, Trial
from statemig.testing.violation import Violation


class Laws(pytest.Collector):
    """What the items are listed under; they are made by the plugin."""

    def collect(self) -> Iterator[pytest.Item]:
        return iter(())


class LawItem(pytest.Item):
    """One law on one revision and model."""

    def __init__(self, *, trial: Trial, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.trial = trial

    def runtest(self) -> None:
        try:
            self.trial()
        except Skipped as skipped:
            pytest.skip(str(skipped))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What broke the law, in words; a traceback only for what is no broken law."""
        from statemig.testing.laws.structure import Broken

        if isinstance(excinfo.value, Violation | Broken):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, f"statemig::{self.name}"
