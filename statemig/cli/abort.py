"""`statemig abort`: undo a deploy, and say of each run what became of it."""

from __future__ import annotations

from typing import Final

import click

from statemig.cli import exit_codes
from statemig.cli.blocked import BlockedError
from statemig.cli.failures import show_failures
from statemig.cli.output import (
    complain,
    format_option,
    plural,
    print_json,
    print_table,
    progress,
    store_option,
    workflow_option,
)
from statemig.cli.project import Project, pass_project
from statemig.cli.stored import open_store, pass_store_errors, with_code
from statemig.deploy.abort import Aborted, as_json
from statemig.deploy.abort import abort as undo
from statemig.errors import DeployError
from statemig.store.protocols import FleetStore

_MEANINGS: Final = {
    "stayed": "had not left it, or are back already",
    "patched": "brought back by the reverse patch of an upgrade that was written alone",
    "downgraded": "brought back by the way down, with what the upgrade had taken out",
    "pinned": "there is no way back: kept for workers of the new version",
    "started_downgraded": "started on the new version, and brought down",
    "started_pinned": "started on the new version, and kept for its workers",
    "leased": "held by a worker's lease: abort again when it is done",
    "changed": "written by somebody else meanwhile: abort again",
    "foreign": "of a revision that is not known here",
}


@click.command()
@click.option(
    "--to",
    metavar="REV",
    help="The version to go back to, where no deploy is open, or another than that it began with.",
)
@click.option(
    "--dry-run", is_flag=True, help="Bring back in memory, write nothing, and say what would happen."
)
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def abort(
    project: Project, to: str | None, dry_run: bool, url: str | None, workflow: str | None, form: str
) -> None:
    """Undo a deploy: bring the runs back, or pin them to the new version.

    New runs start on the old version again. A run that was upgraded is brought back by the reverse patch of its upgrade, where that was
    written alone and nothing was written since; else by the way down with what was kept for it. Where there is none it is pinned to the
    new version, and listed with the reason: keep some workers of that one. Runs under a worker's lease are left; say it again when they
    are done. What was done is not done again.

    Exit code 7: runs are left on the new version; each is counted, and each that can not go back is listed. 15: no deploy is open.
    """
    if to is None:
        name, old = project.one_workflow(workflow), None
    else:
        name, old = project.resolve_one(to, workflow)
    store = with_code(project, open_store(project, name, url))
    total = sum(count for _, status, count in store.revisions() if status == "active")
    with progress(f"{name}: back", total) as advance:
        seen = 0

        def watch(state: Aborted) -> None:
            nonlocal seen
            advance(state.stayed + state.seen - seen)
            seen = state.stayed + state.seen

        try:
            done = undo(store, to=old, dry_run=dry_run, progress=watch)
        except DeployError as error:
            raise BlockedError(error, form) from error
    if form == "json":
        print_json({"workflow": name, **as_json(done)})
    else:
        _print(store, done)
    if not done.complete:
        raise SystemExit(exit_codes.RUNS_LEFT)


def _print(store: FleetStore, done: Aborted) -> None:
    migrator = store.migrator
    old = f"version {migrator.version(done.old)} ({done.old})"
    new = f"version {migrator.version(done.new)} ({done.new})"
    said = "would be aborted" if done.dry_run else "aborted"
    click.echo(f"{store.workflow}: the deploy of {new} {said}; new runs start on {old}")
    for policy in done.policies:
        what = " ".join(part for part in (policy.scope, policy.target) if part)
        click.echo(f"  dropped: the policy for {what}, migrate to {policy.revision}")
    if done.drain_ended:
        click.echo(f"  {old} drains no longer")
    rows = [
        {"": name.replace("_", ", "), "runs": count, "what": meaning}
        for name, meaning in _MEANINGS.items()
        if (count := getattr(done, name)) or name in ("stayed", "patched", "downgraded", "pinned")
    ]
    print_table(rows, ("", "runs", "what"), indent="  ")
    if not done.old_workers:
        complain(f"No worker of {old} lives: its runs wait for one.")
    if done.pinned or done.started_pinned:
        complain(f"{plural(done.pinned + done.started_pinned, 'run')} can not go back:")
    show_failures(done.failures)
