"""`statemig drain`: start no new runs of a version, and see the others end."""

from __future__ import annotations

import click

from statemig.cli import exit_codes
from statemig.cli.ages import Duration, age
from statemig.cli.output import complain, format_option, plural, print_json, store_option, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.stored import open_store, pass_store_errors
from statemig.deploy.draining import (
    STALLED,
    DrainStatus,
    as_json,
    begin_drain,
    end_drain,
    look_at_drain,
)
from statemig.store.deploy_records import OnDeadline, Unknown
from statemig.store.protocols import FleetStore

EXIT_CODES = {
    "drained": exit_codes.OK,
    "draining": exit_codes.DRAINING,
    "stalled": exit_codes.STALLED,
    "unknown": exit_codes.NOT_KNOWN,
}


@click.command()
@click.argument("revision", metavar="REV")
@click.option(
    "--deadline", type=Duration(), metavar="TIME", help="How long the runs have, for example 2h30m."
)
@click.option(
    "--on-deadline",
    type=click.Choice(["migrate", "notify", "fail"]),
    help="What the first look after it does with the runs that are left.  [default: notify]",
)
@click.option(
    "--stalled-after",
    type=Duration(),
    default=STALLED,
    metavar="TIME",
    help="It has stalled when no run has ended for so long.  [default: 1h]",
)
@click.option("--resume", is_flag=True, help="Drain no longer: new runs start again.")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def drain(
    project: Project,
    revision: str,
    deadline: float | None,
    on_deadline: OnDeadline | None,
    stalled_after: float,
    resume: bool,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Start no new runs of a version, and watch the others end.

    `start` raises DrainingError for version REV from now on. Runs that are on it stay, and end there. Say it again to see how far it is.
    After the deadline `migrate` brings what is left to the preferred version (or the newest, where that is REV), `notify` says so, `fail`
    makes it an error. With `migrate` it is refused where no newer version is there to go to.

    Exit code 0: drained. 12: it goes on. 13: stalled, or the deadline has passed. 14: not known.
    """
    name, found = project.resolve_one(revision, workflow)
    store = open_store(project, name, url)
    version = f"{name} {_named(store, found)}"
    if resume:
        was = end_drain(store, found)
        if form == "json":
            print_json({"workflow": name, "revision": found, "state": "resumed", "was_draining": was})
        else:
            click.echo(f"{version}: {'new runs start again' if was else 'it did not drain'}.")
        return
    present = any(each.revision == found for each in store.deploy.drains())
    if not present or deadline is not None or on_deadline is not None:
        begin_drain(store, found, deadline=deadline, on_deadline=on_deadline or "notify")
    status = look_at_drain(store, found, stalled_after=stalled_after)
    if form == "json":
        print_json({"workflow": name, **as_json(status)})
    else:
        _print(store, version, status)
    preferred = store.deploy.preferred()
    if status.left and status.goes_to is not None and preferred is not None and preferred[0] == found:
        complain(
            f"{version} is preferred itself: no new run starts while it drains, and after the deadline its runs go to "
            f"{_named(store, status.goes_to)}, the newest. Say which is wanted: `statemig route prefer REV`"
        )
    code = EXIT_CODES[status.state]
    if code == exit_codes.STALLED and status.overdue and status.drain.on_deadline == "notify":
        complain(f"{version}: the deadline has passed with {plural(status.left, 'run')} left.")
    raise SystemExit(code)


def _named(store: FleetStore, revision: str) -> str:
    return f"version {store.migrator.version(revision)} ({revision})"


def _print(store: FleetStore, version: str, status: DrainStatus) -> None:
    drain = status.drain
    at = drain.checked_at
    click.echo(f"{version}: {status.state}, {plural(status.left, 'run')} left of {drain.counted:,}")
    click.echo(f"  because      {status.why}")
    rate = status.rate if isinstance(status.rate, Unknown) else f"{status.rate:.1f} an hour"
    click.echo(f"  rate         {rate}")
    click.echo(f"  left to go   {status.eta if isinstance(status.eta, Unknown) else age(status.eta)}")
    if status.oldest is not None and status.oldest_started is not None and status.since is not None:
        places = " and ".join(
            f"{what} at {step}" + (f" for a {on}" if on else "") for step, what, on in status.waits
        )
        click.echo(f"  oldest       {status.oldest}, {age(at - status.oldest_started)} old")
        click.echo(f"  it is        {places or 'nowhere'}, since {age(at - status.since)}")
    click.echo(f"  began        {age(at - drain.since)} ago")
    if drain.deadline is not None:
        to_go = drain.deadline - at
        when = f"in {age(to_go)}" if to_go >= 0 else f"{age(-to_go)} ago"
        goal = "" if status.goes_to is None else f" to {_named(store, status.goes_to)}"
        click.echo(f"  deadline     {when}, then {drain.on_deadline}{goal}")
    if status.moved or status.failures:
        click.echo(f"  migrated     {plural(status.moved, 'run')}")
    for failure in status.failures:
        complain(f"  - run {failure.run_id}, {failure.kind}: {failure.reason}")
