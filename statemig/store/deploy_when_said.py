"""The `DeployStore` beside what a runtime stores itself: its tables are made when something is first said, and never by a question."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Engine

from statemig.store.deploy_records import Drain, Policy, Rollout, Worker
from statemig.store.deploy_store import SqlDeployStore
from statemig.store.engine import open_engine
from statemig.store.protocols import Attempt
from statemig.store.tables import meta, prepare


class DeployStoreWhenSaid(SqlDeployStore):
    """As `SqlDeployStore`; as long as nothing was said, it answers so without touching the database."""

    def __init__(
        self, url_or_engine: str | Engine, workflow: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._own = open_engine(url_or_engine)
        super().__init__(self._own, workflow, clock=clock)
        self._is_there = False

    def was_said(self) -> bool:
        """Whether there is anything to read."""
        if not self._is_there:
            file = self._own.url.database if self._own.dialect.name == "sqlite" else None
            if file is not None and not Path(file).exists():  # connecting would make it
                return False
            with self._own.connect() as connection:
                self._is_there = self._own.dialect.has_table(connection, meta.name)
            if self._is_there:
                prepare(self._own, create=True)  # a newer format is refused; what an older one lacks is made
                self.is_prepared()
        return self._is_there

    def generation(self) -> str | None:
        return super().generation() if self.was_said() else None

    def workers(self, *, gone: bool = False) -> list[Worker]:
        return super().workers(gone=gone) if self.was_said() else []

    def policies(self) -> list[Policy]:
        return super().policies() if self.was_said() else []

    def preferred(self) -> tuple[str, dict[str, str]] | None:
        return super().preferred() if self.was_said() else None

    def pins(self) -> dict[str, str]:
        return super().pins() if self.was_said() else {}

    def canary_beside(self) -> dict[str, str]:
        return super().canary_beside() if self.was_said() else {}

    def drains(self) -> list[Drain]:
        return super().drains() if self.was_said() else []

    def rollout(self) -> Rollout | None:
        return super().rollout() if self.was_said() else None

    def retired(self) -> dict[str, float]:
        return super().retired() if self.was_said() else {}

    def attempts(self, run_id: str | None = None, *, since: float = 0.0) -> Iterator[Attempt]:
        return super().attempts(run_id, since=since) if self.was_said() else iter(())
