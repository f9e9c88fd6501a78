"""The configured store, opened for a command; what its database says as an error of statemig."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import Any, ParamSpec, Protocol, TypeVar, runtime_checkable

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from statemig.cli.output import complain
from statemig.cli.project import Project
from statemig.errors import ConfigError, ElsewhereError, StoreError
from statemig.migrator import Migrator
from statemig.store.fleets import open_fleet
from statemig.store.protocols import FleetStore

P = ParamSpec("P")
R = TypeVar("R")


def open_store(project: Project, workflow: str, url: str | None) -> FleetStore:
    """The runs of one workflow, in `url` or in the configured store: in statemig's tables, or in those of the runtime whose graph it is.

    Raises `ConfigError` where there is none, and `ElsewhereError` where it is not one of this workflow.
    """
    found = project.store_url(url)
    runtime = project.runtime(workflow)
    alike = [name for name in project.directory.workflows() if project.runtime(name) == runtime]
    return open_fleet(
        found,
        Migrator(project.config.script_location, workflow=workflow),
        # Where several graphs share a database, nothing says whose a run without a stamp is.
        unstamped="base" if len(alike) == 1 else None,
        deploy_store=project.config.deploy_store,
    )


def open_stores(project: Project, names: Sequence[str], url: str | None) -> list[FleetStore]:
    """The runs of each workflow that has its runs in the store; the others are said on stderr. Raises `ElsewhereError` for none."""
    found: list[FleetStore] = []
    elsewhere: list[tuple[str, ElsewhereError]] = []
    for name in names:
        try:
            found.append(open_store(project, name, url))
        except ElsewhereError as error:
            elsewhere.append((name, error))
    if elsewhere and not found:
        raise elsewhere[0][1]
    for name, reason in elsewhere:
        complain(f"{name} is left out: {reason.message}.")
    return found


@runtime_checkable
class Bound(Protocol):
    """Storage of a runtime that is better read with the graph of today at hand."""

    def bind(self, graph: Any) -> object: ...


def with_code(project: Project, store: FleetStore) -> FleetStore:
    """The store, told the graph that is configured, where it wants to know: for classes that have another name or place today."""
    if isinstance(store, Bound):
        for reference in project.config.workflows:
            try:
                graph = project.config.load_workflow(reference)
                if getattr(graph, "name", None) == store.workflow:
                    store.bind(graph)
            except ConfigError as error:
                complain(
                    f"{store.workflow}: the code was not asked which classes have moved: {error.message}"
                )
    return store


def is_same_database(left: str, right: str) -> bool:
    """Whether two URLs lead to one database, as far as they say it: the same file, or the same server, name and options (a
    schema is said there). Another driver or user makes no other one."""
    try:
        one, other = make_url(left), make_url(right)
    except ArgumentError:
        return left == right
    if one.get_backend_name() != other.get_backend_name():
        return False
    if one.get_backend_name() == "sqlite":
        return (
            bool(one.database) and Path(one.database or "").resolve() == Path(other.database or "").resolve()
        )

    def place(url: URL) -> tuple[Any, ...]:
        return (url.host or url.query.get("host"), url.port, url.database, url.query.get("options"))

    return place(one) == place(other)


def pass_store_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Say what the database said, in a sentence.

    Never the statement: its parameters are states. And only what goes wrong before any row is read is quoted.
    """

    def translated(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except OperationalError as error:
            reason = str(error.orig).strip().partition("\n")[0]
            raise StoreError(
                f"the store does not answer: {reason}", hint="Is its URL right, and is it there?"
            ) from None
        except DBAPIError as error:
            raise StoreError(f"the store refused: {type(error.orig).__name__}") from None
        except ModuleNotFoundError as error:
            raise StoreError(
                f"the store's driver {error.name} is not installed",
                hint="For PostgreSQL: pip install 'statemig[postgres]'",
            ) from None

    return update_wrapper(translated, command)
