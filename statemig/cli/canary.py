"""`statemig canary`: a small share of the runs first."""

from __future__ import annotations

from typing import Any

import click

from statemig.cli.ages import Duration, age
from statemig.cli.blocked import BlockedError
from statemig.cli.output import (
    complain,
    format_option,
    plural,
    print_json,
    print_table,
    store_option,
    workflow_option,
)
from statemig.cli.project import Project, pass_project
from statemig.cli.shares import Percent, Ramp, percent
from statemig.cli.stored import open_store, pass_store_errors
from statemig.cli.watch import criteria_options, print_look
from statemig.deploy import canary as canaries
from statemig.deploy.canary import CanaryStatus
from statemig.deploy.watch import Criteria
from statemig.deploy.watch import as_json as look_as_json
from statemig.errors import DeployError
from statemig.store.protocols import FleetStore


@click.group()
def canary() -> None:
    """Send a small share of the runs to a new version first.

    `start` opens the deploy's window and chooses; `watch` compares; `advance` begins the next stage when the present one has stood for its
    time and the verdict is OK; `stop` takes every run out again, `abort` undoes the deploy. A run that was chosen stays chosen.
    """


@canary.command()
@click.argument("revision", metavar="[REV]", default="head")
@click.option("--new", type=Percent(), metavar="PERCENT", help="Of the runs that start.")
@click.option("--parked", type=Percent(), metavar="PERCENT", help="Of the runs in flight, at each step.")
@click.option(
    "--stages",
    type=Ramp(),
    metavar="LIST",
    help="The ramp, or with 5/0 the share of new runs and of those in flight apart.  [default: 5,25,100]",
)
@click.option(
    "--hold", type=Duration(), metavar="TIME", help="How long each stage has to stand.  [default: 20m]"
)
@click.option(
    "--from", "old", metavar="REV", help="The version that runs now, where it is not the preferred one."
)
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def start(
    project: Project,
    revision: str,
    new: float | None,
    parked: float | None,
    stages: tuple[tuple[float, float], ...] | None,
    hold: float | None,
    old: str | None,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Begin with the first stage. Said again it chooses from the runs that have come since.

    --new and --parked are the shares of the first stage, instead of the ramp's.

    Exit code 15: another deploy is open, REV does not follow or is preferred already, or a share would shrink.
    """
    name, target = project.resolve_one(revision, workflow)
    store = open_store(project, name, url)
    try:
        found = canaries.start(
            store,
            target,
            new=new,
            parked=parked,
            stages=stages,
            hold=hold,
            old=old,
            in_memory=store.keeps_beside,
        )
    except DeployError as error:
        raise BlockedError(error, form) from error
    _show(store, form, found)


@canary.command()
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def status(project: Project, url: str | None, workflow: str | None, form: str) -> None:
    """How far it is: the stage, how long it has still to stand, and the runs at each step."""
    store = open_store(project, project.one_workflow(workflow), url)
    _show(store, form, canaries.status(store))


@canary.command()
@click.option("--force", metavar="REASON", help="Go on all the same. The reason is written down.")
@criteria_options
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def advance(
    project: Project,
    force: str | None,
    minimum: float,
    alpha: float,
    stuck_after: float,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Begin the next stage, when this one has stood for its time and `watch` says OK.

    Exit code 15: not yet; each reason is listed, and nothing was written.
    """
    if force is not None and not force.strip():
        raise click.UsageError("--force needs a reason")
    store = open_store(project, project.one_workflow(workflow), url)
    criteria = Criteria(alpha=alpha, minimum=minimum, stuck_after=stuck_after)
    try:
        found = canaries.advance(store, force=force, criteria=criteria)
    except DeployError as error:
        raise BlockedError(error, form) from error
    _show(store, form, found)


@canary.command()
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def stop(project: Project, url: str | None, workflow: str | None, form: str) -> None:
    """Take every run out of the canary. The deploy's window stays open.

    Runs that are stored in the new version stay with its workers; `abort` brings them back.

    Exit code 15: there is no canary.
    """
    store = open_store(project, project.one_workflow(workflow), url)
    try:
        found = canaries.stop(store)
    except DeployError as error:
        raise BlockedError(error, form) from error
    _show(store, form, found)


def _show(store: FleetStore, form: str, found: CanaryStatus) -> None:
    if form == "json":
        watched = None if found.look is None else look_as_json(found.look)
        print_json({"workflow": store.workflow, **canaries.as_json(found), "watch": watched})
        return
    rollout, canary = found.rollout, found.canary
    if rollout is None or canary is None:
        click.echo(f"{store.workflow}: no canary was started")
        return
    if found.look is not None:
        print_look(found.look)
    if not canary.on:
        click.echo(f"{store.workflow}: the canary of {rollout.new} is over, the deploy is {rollout.stage}")
    else:
        new, parked = map(percent, canary.shares)
        click.echo(
            f"{store.workflow}: canary of {rollout.new}, stage {canary.stage + 1} of {len(canary.stages)}: "
            f"{new} of new runs, {parked} of those in flight"
        )
        ramp = ", ".join(percent(n) if n == p else f"{percent(n)}/{percent(p)}" for n, p in canary.stages)
        click.echo(f"  ramp     {ramp}")
        left = f"{age(found.hold_left)} to stand" if found.hold_left else "has stood for its time"
        click.echo(f"  stage    {left} of {age(canary.hold)}")
    rows: list[dict[str, Any]] = [
        {"step": step, "in flight": each.runs, "canary": each.canary, "already new": each.new}
        for step, each in found.steps.items()
    ]
    if rows:
        print_table(rows, ("step", "in flight", "canary", "already new"), indent="  ")
    for why, count in sorted(canary.left_out.items()):
        click.echo(f"  left out {plural(count, 'run')}: {_LEFT_OUT.get(why, why)}")
    for entry in canary.log:
        if "forced" in entry:
            shares = f"{percent(entry['new'])} of new runs, {percent(entry['parked'])} of those in flight"
            click.echo(f"  forced   to {shares}: {entry['forced']}; although {'; '.join(entry['although'])}")
    for note in found.notes:
        complain(f"  note: {note}")


_LEFT_OUT = {
    "window": "the window pins them, because the way down is not proved",
    "pin": "pinned",
    "run": "by a policy for the run",
    "step": "by a policy for their step",
    "drain": "their version drains",
    "unstamped": "they do not say which version they have",
}
