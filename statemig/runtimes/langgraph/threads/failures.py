"""Threads that could not be brought to a revision, listed with what was said of the deploy."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from statemig.store.deploy_store import SqlDeployStore
from statemig.store.deploy_when_said import DeployStoreWhenSaid
from statemig.store.protocols import DeployStore, Failure
from statemig.store.records import FAILURE, Records
from statemig.store.tables import failures


class Failures:
    """Kept where the deploy store is one in SQL; another has no place for them."""

    def __init__(self, deploy: DeployStore, workflow: str) -> None:
        self._deploy = deploy if isinstance(deploy, SqlDeployStore) else None
        self._workflow = workflow

    def put(self, failed: Sequence[Failure]) -> None:
        if self._deploy is None:
            return
        engine = self._deploy.engine
        with engine.begin() as connection:
            Records(engine, self._workflow, 1).put_failures(connection, failed)

    def read(self, head: str) -> list[Failure]:
        """All that were ever listed for a head; whether a thread has changed since is for the caller to look at."""
        deploy = self._deploy
        if deploy is None or (isinstance(deploy, DeployStoreWhenSaid) and not deploy.was_said()):
            return []
        wanted = select(*(failures.c[name] for name in FAILURE)).where(
            failures.c.workflow == self._workflow, failures.c.head == head
        )
        with deploy.engine.connect() as connection:
            return [Failure(**found._mapping) for found in connection.execute(wanted)]
