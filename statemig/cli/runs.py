"""Commands about stored runs, in bulk: upgrade, downgrade, stamp. None prints what a run holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import click

from statemig.cli import exit_codes
from statemig.cli.failures import show_failures
from statemig.cli.output import (
    complain,
    format_option,
    plural,
    print_json,
    progress,
    store_option,
    workflow_option,
)
from statemig.cli.project import Project, is_relative, pass_project
from statemig.cli.stored import open_store, open_stores, pass_store_errors, with_code
from statemig.errors import RevisionError
from statemig.fleet.backfill import Backfill, downgrade_all, upgrade_all
from statemig.store.deploy_store import retired_error
from statemig.store.protocols import FleetStore

_LEFT: Final = {
    "leased": "held by a worker's lease; try again when it is done",
    "changed": "written by somebody else meanwhile; run the command again",
    "held": "held by a step's policy until a person decides",
    "pinned": "pinned to their version",
    "failed": "could not be migrated",
    "foreign": "at a revision from which this one can not be reached",
}

ended_option = click.option("--ended", is_flag=True, help="Finished, failed and cancelled runs too.")
dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Migrate in memory, write nothing, and say what would happen."
)


@click.command()
@click.argument("revision", metavar="[REV]", default="head")
@dry_run_option
@ended_option
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def upgrade(
    project: Project,
    revision: str,
    dry_run: bool,
    ended: bool,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Bring the stored runs up to a revision, all at once.

    Runs are upgraded by themselves when a worker takes them; this does it for all of them now, and shows which can not be.
    A run that can not be migrated stays as it is, and is listed with the reason; the others go on.
    """

    def move(store: FleetStore, to: str, watch: Callable[[Backfill], None]) -> Backfill:
        return upgrade_all(store, to, dry_run=dry_run, progress=watch, ended=ended)

    _move_all(project, revision, workflow, url, form, ended, move)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("revision", metavar="REV")
@dry_run_option
@ended_option
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def downgrade(
    project: Project,
    revision: str,
    dry_run: bool,
    ended: bool,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Bring the stored runs back to a revision, exactly.

    What the way up removed was kept and is put back. Stop the workers of the newer version first: they bring up again
    whatever they take. REV may be `-1`, counted from where the stored runs are.
    """

    def move(store: FleetStore, to: str, watch: Callable[[Backfill], None]) -> Backfill:
        return downgrade_all(store, to, dry_run=dry_run, progress=watch, ended=ended)

    _move_all(project, revision, workflow, url, form, ended, move)


def _move_all(
    project: Project,
    revision: str,
    workflow: str | None,
    url: str | None,
    form: str,
    ended: bool,
    move: Callable[[FleetStore, str, Callable[[Backfill], None]], Backfill],
) -> None:
    stores = _targets(project, revision, workflow, url)  # every one is known before the first run is touched
    done: list[tuple[FleetStore, Backfill]] = []
    for store, to in stores:
        counts = store.revisions()
        total = sum(count for at, status, count in counts if at != to and (ended or status == "active"))
        with progress(f"{store.workflow} to version {store.migrator.version(to)}", total) as advance:
            seen = 0

            def watch(state: Backfill, advance: Callable[[int], None] = advance) -> None:
                nonlocal seen
                advance(state.seen - seen)
                seen = state.seen

            done.append((store, move(store, to, watch)))
    if form == "json":
        print_json({"workflows": [_as_json(store, state) for store, state in done]})
    else:
        for store, state in done:
            _print(store, state)
    if not all(state.complete for _, state in done):
        raise SystemExit(exit_codes.RUNS_LEFT)


def _targets(
    project: Project, revision: str, workflow: str | None, url: str | None
) -> list[tuple[FleetStore, str]]:
    if is_relative(revision):
        names = project.workflows(workflow) or (project.one_workflow(workflow),)
    else:
        names = (project.resolve_one(revision, workflow)[0],)
    stores = [with_code(project, store) for store in open_stores(project, names, url)]
    found = [
        (store, store.migrator.resolve(revision, current=_standing(store, revision))) for store in stores
    ]
    for store, to in found:
        if to in store.deploy.retired():
            raise retired_error(store.workflow, to)
    return found


def _standing(store: FleetStore, revision: str) -> str:
    """Where a walk such as ``-1`` begins: the one revision that the stored runs have."""
    if not revision.startswith(("+", "-")):
        return "head"
    found = sorted({tag for tag, status, _ in store.revisions() if tag is not None and status == "active"})
    if len(found) > 1:
        raise RevisionError(
            f"{revision} counts from where the runs are, and they are at {plural(len(found), 'revision')}: {', '.join(found)}",
            workflow=store.workflow,
            hint="Name the revision, for example head-1",
        )
    return found[0] if found else "head"


def _as_json(store: FleetStore, state: Backfill) -> dict[str, Any]:
    return {
        "workflow": store.workflow,
        "to": state.to,
        "version": store.migrator.version(state.to),
        "dry_run": state.dry_run,
        "moved": state.moved,
        **{name: getattr(state, name) for name in _LEFT},
        "complete": state.complete,
        "failures": [asdict(failure) for failure in state.failures],
    }


def _print(store: FleetStore, state: Backfill) -> None:
    verb = "would be" if state.dry_run else "were" if state.moved != 1 else "was"
    place = f"version {store.migrator.version(state.to)} ({state.to})"
    if state.seen == 0:
        click.echo(f"{store.workflow}: nothing to do; every unfinished run is at {place}.")
        return
    click.echo(f"{store.workflow}: {plural(state.moved, 'run')} {verb} brought to {place}.")
    for name, meaning in _LEFT.items():
        if count := getattr(state, name):
            click.echo(f"  {plural(count, 'run')} left: {meaning}.")
    show_failures(state.failures)


@click.command()
@click.argument("revision", metavar="REV")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def stamp(
    project: Project, revision: str, runs: tuple[str, ...], url: str | None, workflow: str | None, form: str
) -> None:
    """Say which revision stored runs have, without changing them.

    Those runs, or, where none is named, every run that does not say its own. A wrong stamp makes the next load fail or
    migrate what is migrated already, so be sure.
    """
    name, found = project.resolve_one(revision, workflow)
    store = open_store(project, name, url)
    stamped = store.stamp(found, list(runs) or None)
    if form == "json":
        print_json({"workflow": name, "revision": found, "stamped": stamped})
    else:
        click.echo(
            f"{name}: {plural(stamped, 'run')} stamped as version {store.migrator.version(found)} ({found})."
        )
    if stamped < len(runs):
        complain(
            f"{plural(len(runs) - stamped, 'run')} of those named: not there, or held by a worker's lease."
        )
        raise SystemExit(exit_codes.RUNS_LEFT)
