"""Where the runs of a workflow are: in statemig's own tables, or in those of the runtime whose graph it is."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import Engine, func, select

from statemig.errors import ElsewhereError, StoreError
from statemig.migrator import Migrator
from statemig.store.engine import open_engine
from statemig.store.protocols import FleetStore
from statemig.store.run_store import RunStore
from statemig.store.tables import meta, runs

#: the group of entry points under which a runtime, by the name in `Snapshot.runtime`, registers what opens the fleet of a database:
#: ``open_fleet(engine, migrator, unstamped=..., deploy_store=...)``, None where the database holds nothing of the runtime
GROUP: Final = "statemig.fleets"

Opener = Callable[..., FleetStore | None]


def open_fleet(
    url_or_engine: str | Engine,
    migrator: Migrator,
    *,
    unstamped: str | None = "base",
    deploy_store: str | None = None,
) -> FleetStore:
    """The runs of the migrator's workflow. Nothing is made by opening it; a `RunStore` makes its tables when it is first used.

    Args:
        unstamped: for a runtime's own storage, the revision of runs without a stamp; None where nobody knows.
        deploy_store: URL of the database for what is said of the deploy of a runtime's runs; beside the runs where None.

    Raises:
        ElsewhereError: the database is that of a runtime, and the workflow is none of its graphs; or the other way round.
        StoreError: the runtime is not installed.
    """
    engine = open_engine(url_or_engine)
    name = runtime_of(migrator)
    if name is not None:
        found = _opener(name)(engine, migrator, unstamped=unstamped, deploy_store=deploy_store)
        if found is not None:
            return found
        if not _has_runs(engine, migrator.workflow):
            raise ElsewhereError(
                f"the store has no tables of {name}, in which the runs of this graph are",
                workflow=migrator.workflow,
                hint="Name the database of the checkpointer, in the configuration (store = ...) or with --store; its tables are made when "
                "the first run is stored there",
            )
    elif not _is_ours(engine):
        for point in importlib.metadata.entry_points(group=GROUP):
            if _holds(point, engine, migrator):
                raise ElsewhereError(
                    f"the store is a database of {point.name}, and this workflow is not a graph of it",
                    workflow=migrator.workflow,
                    hint="Name another database for its runs, or freeze the graph: `statemig revision --autogenerate`",
                )
    return RunStore(engine, migrator)


def runtime_of(migrator: Migrator) -> str | None:
    """The runtime whose graph the workflow is at its head; None for one of statemig's own."""
    snapshot = migrator.snapshot(migrator.head)
    return None if snapshot is None else snapshot.runtime.get("name")


def _opener(name: str) -> Opener:
    for point in importlib.metadata.entry_points(group=GROUP):
        if point.name == name:
            try:
                return cast(Opener, point.load())
            except ImportError as error:
                raise StoreError(
                    f"the runs are those of {name}, which can not be imported: {error}",
                    hint=f"pip install 'statemig[{name}]'",
                ) from None
    raise StoreError(
        f"the runs are those of {name}, and nothing that is installed reads them",
        hint=f"pip install 'statemig[{name}]'; where statemig is installed from its source, install it again",
    )


def _holds(point: importlib.metadata.EntryPoint, engine: Engine, migrator: Migrator) -> bool:
    try:
        opener: Any = point.load()
    except ImportError:
        return False
    return opener(engine, migrator, unstamped=None, deploy_store=None) is not None


def _is_ours(engine: Engine) -> bool:
    """Whether statemig has tables there already, or there is nothing at all."""
    if _is_missing(engine):
        return True
    with engine.connect() as connection:
        return engine.dialect.has_table(connection, meta.name)


def _has_runs(engine: Engine, workflow: str) -> bool:
    if _is_missing(engine):
        return False
    with engine.connect() as connection:
        if not engine.dialect.has_table(connection, runs.name):
            return False
        counted = select(func.count()).where(runs.c.workflow == workflow)
        return bool(connection.execute(counted).scalar())


def _is_missing(engine: Engine) -> bool:
    """A file that connecting would make."""
    file = engine.url.database if engine.dialect.name == "sqlite" else None
    return bool(file) and not Path(str(file)).exists()
