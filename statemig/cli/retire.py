"""`statemig retire`: a version that nothing needs any more, or all that still does."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from statemig.cli import exit_codes
from statemig.cli.blocked import BlockedError
from statemig.cli.output import format_option, plural, print_json, print_table, store_option, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.stored import open_store, pass_store_errors
from statemig.deploy.retire import Blocker, Retirement, as_json, blockers, chosen, unretire
from statemig.deploy.retire import retire as put_away
from statemig.errors import DeployError
from statemig.store.deploy_records import Unknown
from statemig.store.protocols import FleetStore


@click.command()
@click.argument("revision", metavar="REV")
@click.option("--below", is_flag=True, help="Every older version, too.")
@click.option(
    "--dry-run", is_flag=True, help="Look for what needs it, write nothing, and say what would be erased."
)
@click.option("--undo", is_flag=True, help="Let the version be run again. What was erased stays erased.")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def retire(
    project: Project,
    revision: str,
    below: bool,
    dry_run: bool,
    undo: bool,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Refuse a version that nothing needs any more, and erase what was kept for the way back to it.

    Workers of it, `start`, pins and policies are refused from then on. Its script stays, for runs of older versions come up through it.
    While an unfinished run, a timer, an approval that somebody still has to give, a pin, a policy, an open deploy or a living worker needs
    REV, nothing is written, and all of them are listed. What leads back to an older version is kept until that one is retired, too.

    Exit code 15: it is needed. 7: some runs are held by a worker, and keep what they had; say it again.
    """
    name, found = project.resolve_one(revision, workflow)
    store = open_store(project, name, url)
    if undo:
        if below or dry_run:
            raise click.UsageError("--undo is about one version, and does what it says")
        was = unretire(store, found)
        if form == "json":
            print_json({"workflow": name, "revision": found, "retired": False, "was_retired": was})
        else:
            said = "may be run again" if was else "was not retired"
            click.echo(f"{name}: {_version(store, found)} {said}.")
        return
    names = chosen(store.migrator, found, below=below)
    needs = blockers(store, names)
    if needs:
        _print_blockers(store, names, needs, form)
        raise SystemExit(exit_codes.BLOCKED)
    try:
        done = put_away(store, found, below=below, dry_run=dry_run)
    except DeployError as error:  # somebody came in between
        raise BlockedError(error, form) from error
    _print(store, done, form)
    if not isinstance(done.forgotten, Unknown) and done.forgotten.left:
        raise SystemExit(exit_codes.RUNS_LEFT)


def _print_blockers(store: FleetStore, names: list[str], needs: list[Blocker], form: str) -> None:
    if form == "json":
        print_json(
            {
                "workflow": store.workflow,
                "revisions": names,
                "retired": False,
                "blockers": as_json(needs),
            }
        )
        return
    listed = " and ".join(_version(store, name) for name in names)
    click.echo(f"{store.workflow}: {listed} can not be retired yet")
    rows: list[dict[str, Any]] = [
        {
            "version": store.migrator.version(each.revision),
            "need": each.need,
            "count": each.count,
            "what": each.what,
            "for example": each.examples,
        }
        for each in needs
    ]
    print_table(rows, ("version", "need", "count", "what", "for example"), indent="  ")


def _print(store: FleetStore, done: Retirement, form: str) -> None:
    forgotten = done.forgotten
    if form == "json":
        print_json(
            {
                "workflow": store.workflow,
                "revisions": list(done.revisions),
                "retired": not done.dry_run,
                "dry_run": done.dry_run,
                "blockers": [],
                "forgotten": str(forgotten) if isinstance(forgotten, Unknown) else asdict(forgotten),
                "kept_for": list(done.kept_for),
            }
        )
        return
    listed = " and ".join(_version(store, name) for name in done.revisions)
    click.echo(
        f"{store.workflow}: {listed} {'could be' if done.dry_run else 'is' if len(done.revisions) == 1 else 'are'} retired"
    )
    would = "would be erased" if done.dry_run else "erased"
    if isinstance(forgotten, Unknown):
        click.echo(f"  {would}: {forgotten}")
    else:
        click.echo(
            f"  {would}: what {plural(forgotten.runs, 'run')} kept for the way back, and {_patches(forgotten.patches)}"
        )
        if forgotten.left:
            click.echo(
                f"  left: {plural(forgotten.left, 'run')} in a worker's hands; say it again when it is done"
            )
    if done.kept_for:
        older = ", ".join(_version(store, name) for name in done.kept_for)
        click.echo(f"  kept: what leads back to {older}, until retired, too")


def _patches(count: int) -> str:
    return "1 reverse patch" if count == 1 else f"{count:,} reverse patches"


def _version(store: FleetStore, revision: str) -> str:
    return f"version {store.migrator.version(revision)} ({revision})"
