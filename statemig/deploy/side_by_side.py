"""Several versions of a workflow in one process."""

from __future__ import annotations

from collections.abc import Iterable

from statemig.errors import ConfigError
from statemig.store.deploy_canary import begins
from statemig.store.run import Run
from statemig.store.run_store import RunStore


class SideBySide:
    """The stores of several versions of one workflow over one database, each made with ``Migrator(..., head=REV)``.

    ``run.revision`` of what `claim` gives says whose code is to run it. A version that is asked first would always win, so they are asked
    in turn.
    """

    def __init__(self, stores: Iterable[RunStore]) -> None:
        self._stores = {store.head: store for store in stores}
        names = {store.workflow for store in self._stores.values()}
        if len(names) != 1:
            raise ConfigError(
                f"these are stores of {len(names)} workflows",
                hint="Give the stores of several versions of one workflow",
            )
        self._turn = 0

    @property
    def versions(self) -> tuple[str, ...]:
        return tuple(self._stores)

    def store(self, revision: str) -> RunStore:
        """The store of a version. Raises `ConfigError` where there is none."""
        if revision not in self._stores:
            raise ConfigError(
                f"this process does not run revision {revision}", hint=f"It runs {', '.join(self._stores)}"
            )
        return self._stores[revision]

    def preferred(self) -> RunStore:
        """The store in which new runs start: that of the preferred version, or the newest where another or none is preferred."""
        stores = list(self._stores.values())
        newest = max(stores, key=lambda store: store.migrator.version(store.head))
        view = newest.watched.view()
        return self._stores.get(view.preferred or "", newest)

    def starting(self, run_id: str) -> RunStore:
        """The store in which a new run of that id is to start: that of the canary's version where it is in its share, else `preferred`."""
        preferred = self.preferred()
        shares = preferred.watched.view().shares
        if shares is not None and begins(shares, run_id):
            return self._stores.get(shares.revision, preferred)
        return preferred

    def claim(self, worker: str, ttl: float = 60) -> Run | None:
        """The next run that any of the versions may take, as `RunStore.claim`; the worker says that it can run all of them."""
        stores = list(self._stores.values())
        for store in stores:
            store.watched.beat(worker, ttl)
        self._turn = (self._turn + 1) % len(stores)
        for store in stores[self._turn :] + stores[: self._turn]:
            run = store.claim(worker, ttl)
            if run is not None:
                return run
        return None
