"""The project that a command is about: its configuration, its migrations, and its workflows as the code has them."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

import click

from statemig.config import Config
from statemig.errors import (
    AmbiguousRevisionError,
    CaptureError,
    ConfigError,
    RevisionError,
    UnknownRevisionError,
)
from statemig.revisions.directory import Directory

if TYPE_CHECKING:
    from statemig.config import Ignore
    from statemig.workflow.snapshot import Snapshot

P = ParamSpec("P")
R = TypeVar("R")


class Project:
    """Each part is read when a command first needs it: comparing two files needs no configuration."""

    def __init__(self, file: str | None = None) -> None:
        self._file = file

    @cached_property
    def config(self) -> Config:
        return Config.find() if self._file is None else Config.read(self._file)

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.config.script_location)

    @cached_property
    def ignores(self) -> tuple[Ignore, ...]:
        """Changes that the configuration says to ignore. Raises `ConfigError` for a rule that there is not."""
        from statemig.cli.ignored import checked_ignores

        return checked_ignores(self.config)

    def store_url(self, given: str | None) -> str:
        """The URL of the store, `given` on the command line or configured. Raises `ConfigError` where there is none."""
        url = self.config.store if given is None else given
        if url is None:
            raise ConfigError(
                "no store is configured",
                hint='Add store = "sqlite:///runs.db" to the configuration, set STATEMIG_STORE, or pass --store.',
            )
        return url

    # -- workflows with revisions ----------------------------------------------------------------------------

    def workflows(self, only: str | None = None) -> tuple[str, ...]:
        """Names of the workflows that have revisions, or the one that was asked for. Raises `ConfigError`."""
        known = self.directory.workflows()
        if only is None:
            return known
        if only not in known:
            listed = ", ".join(known) or "none"
            raise ConfigError(
                f"no workflow {only!r} has revisions here; those that have: {listed}",
                hint="The name is the one given to Workflow(...), not the variable.",
            )
        return (only,)

    def one_workflow(self, only: str | None) -> str:
        """The workflow that a command is about, where it can be about one only. Raises `ConfigError`."""
        names = self.workflows(only)
        match names:
            case (name,):
                return name
            case ():
                raise ConfigError(
                    "there are no revisions yet",
                    hint="Make the first one with `statemig revision --autogenerate -m 'first version'`.",
                )
        raise ConfigError(
            f"there are several workflows: {', '.join(names)}",
            hint=f"Say which one: --workflow {names[0]}",
        )

    def resolve_one(self, text: str, only: str | None) -> tuple[str, str]:
        """Workflow and full id of what was typed. Ids are looked for in all workflows; `head` and the like need one.

        Raises `ConfigError`, `RevisionError` and what `Graph.resolve` raises.
        """
        names = self.workflows(only)
        if len(names) != 1 and is_relative(text):
            names = (self.one_workflow(only),)
        found: list[tuple[str, str]] = []
        unknown: UnknownRevisionError | None = None
        for name in names:
            try:
                revision = self.directory.graph(name).resolve(text)
            except UnknownRevisionError as error:
                unknown = error
                continue
            if revision is None:
                raise RevisionError(
                    f"{text!r} is the base, and there is no revision there",
                    workflow=name,
                    hint="Name a revision; `statemig history` lists them.",
                )
            found.append((name, revision))
        if len(found) > 1:
            raise AmbiguousRevisionError(
                f"{text!r} fits revisions of {' and '.join(name for name, _ in found)}",
                hint="Type more of the id, or say --workflow.",
            )
        if not found:
            if unknown is None or len(names) > 1:
                raise UnknownRevisionError(
                    f"there is no revision {text!r} of any workflow here",
                    hint="`statemig history` lists those that are.",
                )
            raise unknown
        return found[0]

    def runtime(self, workflow: str) -> str | None:
        """The runtime whose graph a workflow is at its head, by its name; None for one of statemig's own."""
        head = self.directory.graph(workflow).head
        snapshot = None if head is None else self.directory.snapshot(head)
        return None if snapshot is None else snapshot.runtime.get("name")

    def history(self, workflow: str, revision: str | None) -> tuple[Snapshot, ...]:
        """What the versions below a revision froze, oldest first: their names are not free for other types. () for the base."""
        below = self.directory.graph(workflow).path(None, revision)[:-1]
        found = (self.directory.snapshot(earlier) for earlier in below)
        return tuple(snapshot for snapshot in found if snapshot is not None)

    # -- workflows in the code -------------------------------------------------------------------------------

    def captured(self, only: str | None = None) -> dict[str, Snapshot]:
        """What the code says now, by name of the workflow. Raises `ConfigError`, and `CaptureError` with every problem."""
        found = self._captured
        if only is None:
            return dict(found)
        if only not in found:
            raise ConfigError(
                f"no configured workflow is called {only!r}; there are: {', '.join(found)}",
                hint="The name is the one given to Workflow(...), not the variable.",
            )
        return {only: found[only]}

    @cached_property
    def _captured(self) -> dict[str, Snapshot]:
        # Kept for the command: pydantic takes long over the JSON Schema of a model.
        from statemig.workflow.capture import capture

        if not self.config.workflows:
            raise ConfigError(
                "no workflow is configured",
                hint='Add it to the configuration: workflows = ["package.module:variable"]',
            )
        found: dict[str, Snapshot] = {}
        problems: list[str] = []
        for reference in self.config.workflows:
            try:
                snapshot = capture(self.config.load_workflow(reference))
            except CaptureError as error:
                problems.append(f"{reference}: {error}")
                continue
            if snapshot.workflow in found:
                how = "; name a graph with compile(name=...)" if snapshot.runtime else ""
                problems.append(
                    f"{reference}: another configured workflow is called {snapshot.workflow!r} too{how}"
                )
            found[snapshot.workflow] = snapshot
        if problems:
            raise CaptureError("; ".join(problems))
        return found


def is_relative(text: str) -> bool:
    return text.casefold() in ("head", "heads", "base", "current") or text.startswith(
        ("+", "-", "head", "base")
    )


def pass_project(command: Callable[Concatenate[Project, P], R]) -> Callable[P, R]:
    """Hand the project to the command as its first argument."""

    def opened(*args: P.args, **kwargs: P.kwargs) -> R:
        return command(Project(click.get_current_context().find_root().obj), *args, **kwargs)

    return update_wrapper(opened, command)
