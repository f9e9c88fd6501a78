"""The configured store, opened for a command; what its database says as an error of statemig."""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError

from statemig.cli.project import Project
from statemig.errors import StoreError
from statemig.migrator import Migrator
from statemig.store.run_store import RunStore

P = ParamSpec("P")
R = TypeVar("R")


def open_store(project: Project, workflow: str, url: str | None) -> RunStore:
    """The runs of one workflow, in `url` or in the configured store. Raises `ConfigError` where there is none."""
    return RunStore(project.store_url(url), Migrator(project.config.script_location, workflow=workflow))


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
