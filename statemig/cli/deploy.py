"""`statemig deploy`: the window in which two versions share the runs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from statemig.cli.ages import age
from statemig.cli.blocked import BlockedError
from statemig.cli.output import format_option, plural, print_json, print_table, store_option, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.stored import open_store, pass_store_errors
from statemig.deploy import window
from statemig.errors import DeployError
from statemig.store.deploy_records import Rollout
from statemig.store.protocols import FleetStore


@click.group()
def deploy() -> None:
    """Open and close the window in which two versions share the runs.

    `start` opens it before workers of the new version come: whatever they have in hand stays readable for the old ones. `route prefer`
    moves the runs. `complete` closes it when the old workers are gone.
    """


@deploy.command()
@click.argument("revision", metavar="[REV]", default="head")
@click.option(
    "--from", "old", metavar="REV", help="The version that runs now, where it is not the preferred one."
)
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def start(
    project: Project, revision: str, old: str | None, url: str | None, workflow: str | None, form: str
) -> None:
    """Open the window for REV.

    \b
    in place   a worker of REV writes the new version: what is stored does not change
    in memory  it writes back through the way down, which is proved; new fields are kept beside the run
    pin        the run is left to workers of its version: the way down is not proved

    Exit code 15: another deploy is open, or REV does not follow.
    """
    name, target = project.resolve_one(revision, workflow)
    store = open_store(project, name, url)
    try:
        opened = window.start(store, target, old=old, in_memory=store.keeps_beside)
    except DeployError as error:
        raise BlockedError(error, form) from error
    _show(store, form, opened)


@deploy.command()
@click.option("--force", is_flag=True, help="Although workers live that can not read the new version.")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def complete(project: Project, force: bool, url: str | None, workflow: str | None, form: str) -> None:
    """Close the window: everything is written in the new version, which is preferred.

    Exit code 15: workers of the old version live; each is listed.
    """
    store = open_store(project, project.one_workflow(workflow), url)
    try:
        closed = window.complete(store, force=force)
    except DeployError as error:
        raise BlockedError(error, form) from error
    _show(store, form, closed)


@deploy.command()
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def status(project: Project, url: str | None, workflow: str | None, form: str) -> None:
    """How far the deploy is: the window, the runs by version, the workers, and what keeps it from being complete."""
    store = open_store(project, project.one_workflow(workflow), url)
    _show(store, form, store.deploy.rollout())


def _show(store: FleetStore, form: str, rollout: Rollout | None) -> None:
    found = window.status(store)
    if form == "json":
        print_json(
            {
                "workflow": store.workflow,
                "window": None if rollout is None else asdict(rollout),
                "preferred": found.preferred,
                "runs": [{"revision": name, "runs": count} for name, count in found.runs.items()],
                "workers": [{**asdict(each), "reads": sorted(each.reads)} for each in found.workers],
                "blockers": list(found.blockers),
            }
        )
        return
    if rollout is None:
        click.echo(f"{store.workflow}: no deploy was ever started")
    else:
        since = age(store.clock() - rollout.started_at)
        click.echo(
            f"{store.workflow}: {_version(store, rollout.old)} -> {_version(store, rollout.new)}, "
            f"{rollout.stage}, began {since} ago"
        )
        click.echo(f"  oldest readable  {_version(store, rollout.oldest_readable)}")
        click.echo(f"  newest writable  {_version(store, rollout.newest_writable)}")
    if found.preferred is not None:
        click.echo(f"  preferred        {_version(store, found.preferred)}")
    rows: list[dict[str, Any]] = [
        {
            "version": _version(store, name),
            "runs": found.runs.get(name, 0),
            "written": rollout.mode(name) if rollout is not None and rollout.open else "in place",
            "because": None if rollout is None or name is None else rollout.reasons.get(name),
        }
        for name in dict.fromkeys([*found.runs, *(rollout.modes if rollout is not None else ())])
    ]
    if rows:
        print_table(rows, ("version", "runs", "written", "because"), indent="  ")
    for each in found.workers:
        click.echo(f"  worker {each.name} runs {_version(store, each.revision)}")
    if found.blockers:
        click.echo(
            f"  complete waits for {plural(len(found.blockers), 'worker')}: {'; '.join(found.blockers)}"
        )


def _version(store: FleetStore, revision: str | None) -> str:
    if revision is None:
        return "unstamped"
    if revision in store.migrator.known:
        return f"{store.migrator.version(revision)} ({revision})"
    return f"{revision} (unknown here)"
