"""Commands that change revisions which are there: edit, rebase."""

from __future__ import annotations

import click

from statemig.cli import exit_codes
from statemig.cli.output import complain, shown, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.errors import CaptureError, ConfigError, StatemigError


@click.command()
@click.argument("revision", metavar="[REV]", default="head")
@click.option("--freeze", is_flag=True, help="Open no editor; accept the script as it is now.")
@click.option("--code", is_flag=True, help="Freeze the code as it is now, too.")
@workflow_option
@pass_project
def edit(project: Project, revision: str, freeze: bool, code: bool, workflow: str | None) -> None:
    """Change a revision's script, and freeze it again.

    Opens the script in $VISUAL or $EDITOR. Only for a revision that no stored run has passed yet: runs that did pass it
    were migrated by the script as it was.
    """
    name, found = project.resolve_one(revision, workflow)
    directory = project.directory
    script = directory.script_path(found)
    snapshot = project.captured(name)[name] if code else None
    if not freeze:
        before = script.read_bytes()
        click.edit(filename=str(script))
        if script.read_bytes() == before:
            complain(
                f"{shown(script)} was not changed. (To accept an earlier edit: statemig edit {found} --freeze)"
            )
            if snapshot is None:
                return
    directory.refreeze(found, snapshot)
    click.echo(f"Froze revision {found} again: {shown(script)}")
    if _print_missing(project, found):
        raise SystemExit(exit_codes.INCOMPLETE)


@click.command()
@click.argument("mine", required=False)
@click.argument("onto", required=False)
@workflow_option
@pass_project
def rebase(project: Project, mine: str | None, onto: str | None, workflow: str | None) -> None:
    """Put my revisions behind those of somebody else.

    Two people added a revision to the same head, and git reports a conflict in the heads file. MINE goes behind ONTO: it
    gets a new version and a new place, and keeps its id and its operations. In the middle of `git merge` or `git rebase`
    the conflict says which is which; otherwise name the head that is yours.
    """
    directory = project.directory
    if workflow is None and mine is not None:
        name, mine = project.resolve_one(mine, None)
    else:
        name = project.one_workflow(workflow) if workflow else _forked_workflow(project)
        mine = None if mine is None else directory.graph(name).resolve(mine)
    onto = None if onto is None else directory.graph(name).resolve(onto)
    done = directory.rebase(name, mine, onto)
    for revision, version in done.moved:
        click.echo(f"{revision} is version {version} now: {shown(directory.script_path(revision))}")
    click.echo(f"{name}: put behind {done.onto}; the heads file has one head again.")
    for clash in done.clashes:
        click.echo(f"Both sides change {clash.path}; look whether yours still means what it meant:")
        for side, operations in (("mine", clash.mine), ("theirs", clash.theirs)):
            for operation in operations:
                click.echo(f"  {side}: {operation.source()}")
    if not done.snapshot_stale:
        return
    *between, last = (revision for revision, _ in done.moved)
    if between:
        complain(
            f"The snapshots of {', '.join(between)} lack what the other side has changed, and there is no code to freeze them from. "
            f"Runs pass them by on the way to {last}; do not name them as a target of upgrade or downgrade."
        )
    try:
        directory.replace_snapshot(last, project.captured(name)[name])
    except (CaptureError, ConfigError) as error:
        complain(
            f"The code could not be frozen: {error}\nWhen both changes are in it, run: statemig edit {last} --freeze --code"
        )
        return
    click.echo(f"Froze the code as it is now with {last}.")
    if _print_missing(project, last):
        raise SystemExit(exit_codes.INCOMPLETE)


def _forked_workflow(project: Project) -> str:
    """The workflow with several heads, where there is one."""
    names = project.workflows()
    forked = [name for name in names if len(project.directory.graph(name).heads) > 1]
    if len(forked) > 1:
        raise ConfigError(
            f"several workflows have more than one head: {', '.join(forked)}",
            hint=f"One at a time: statemig rebase --workflow {forked[0]}",
        )
    return forked[0] if forked else project.one_workflow(None)


def _print_missing(project: Project, revision: str) -> bool:
    """What the script leaves undone between the snapshot below it and its own. Whether that is anything."""
    from statemig.autogenerate.obligation import open_gaps

    wrong = project.directory.problems(revision)
    if wrong:
        complain("The script does not fit what is stored before it:")
        for each in wrong:
            complain(f"  - {each}")
        return True
    loaded = project.directory.load(revision)
    if loaded.snapshot is None or len(loaded.down_revisions) != 1:
        return False
    before = project.directory.snapshot(loaded.down_revisions[0])
    if before is None:
        return False
    try:
        gaps = open_gaps(before, loaded.snapshot, loaded.operations)
    except StatemigError as error:
        complain(f"The script does not fit what is stored before it: {error}")
        return True
    missing = [gap for gap in gaps if not gap.opaque]
    if missing:
        complain("The script does not bring every stored run to the new shape yet. Missing:")
        for gap in missing:
            complain(f"  - {gap.path}: {gap.reason}")
    elif gaps:
        paths = ", ".join(dict.fromkeys(gap.path for gap in gaps))
        click.echo(
            f"Nothing is missing, but what a function makes is not known before it runs: {paths}. "
            f"`statemig verify {revision}` says what is open"
        )
    return bool(missing)
