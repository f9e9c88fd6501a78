"""`statemig check`: what CI asks of every commit."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import click

from statemig.cli import exit_codes
from statemig.cli.diff import changes_as_json, print_changes
from statemig.cli.ignored import Sifted, print_ignored, sift
from statemig.cli.output import format_option, plural, print_json, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.errors import RevisionError
from statemig.workflow.snapshot import Snapshot

if TYPE_CHECKING:
    from statemig.revisions.verify import Problem


@click.command()
@click.option("--chain-only", is_flag=True, help="Only the revisions; the code is not imported.")
@workflow_option
@format_option
@pass_project
def check(project: Project, chain_only: bool, workflow: str | None, form: str) -> None:
    """Are the revisions intact, and is the code what the head froze?

    Names every script or snapshot that was edited, added or is missing, and every difference between the code and what
    the newest revision froze. A difference means that `statemig revision --autogenerate` was forgotten.
    """
    captured = {} if chain_only else project.captured(workflow)
    known = _known(project, captured)
    names = [workflow] if workflow is not None else sorted(known | captured.keys())
    results: list[tuple[str, list[Problem], Sifted | None]] = []
    for name in names:
        if name not in known and name not in captured:
            project.workflows(name)  # raises, and lists the names that there are
        problems = project.directory.verify(name)
        sifted = None
        if name in captured:
            try:
                sifted = difference(project, name, captured[name])
            except RevisionError:
                if not problems:
                    raise  # else the chain can not be read, and the problems say why
        results.append((name, problems, sifted))
    damaged = any(problems for _, problems, _ in results)
    differs = any(sifted is not None and sifted.changes.change_class != "none" for _, _, sifted in results)
    if form == "json":
        print_json({"ok": not (damaged or differs), "workflows": [_as_json(*result) for result in results]})
    else:
        for result in results:
            _print(*result)
    if damaged:
        raise SystemExit(exit_codes.DAMAGED)
    if differs:
        raise SystemExit(exit_codes.CODE_DIFFERS)


def _known(project: Project, captured: Collection[str]) -> set[str]:
    """Workflows with revisions. A script without a header belongs to nobody; it is named with each workflow."""
    try:
        return set(project.directory.workflows())
    except RevisionError:
        if not captured:
            raise
        return set(captured)


def difference(project: Project, workflow: str, code: Snapshot) -> Sifted | None:
    """What the code has that the head did not freeze; None where the head froze no snapshot, or is none to read."""
    from statemig.autogenerate.compare import diff

    heads = project.directory.graph(workflow).heads
    if len(heads) > 1:
        return None
    frozen = project.directory.snapshot(heads[0]) if heads else Snapshot.empty(workflow)
    if frozen is None:
        return None
    changes = diff(frozen, code)
    if changes and heads:  # a long history is only read where something has changed
        changes = diff(frozen, code, history=project.history(workflow, heads[0]))
    return sift(changes, project.ignores)


def _as_json(workflow: str, problems: list[Problem], sifted: Sifted | None) -> dict[str, Any]:
    return {
        "workflow": workflow,
        "problems": [
            {"kind": each.kind, "revision": each.revision, "message": each.message, "hint": each.hint}
            for each in problems
        ],
        **({"change_class": None, "changes": None} if sifted is None else changes_as_json(sifted)),
    }


def _print(workflow: str, problems: list[Problem], sifted: Sifted | None) -> None:
    if problems:
        click.echo(f"{workflow}: {plural(len(problems), 'problem')} in its revisions")
        for problem in problems:
            click.echo(f"  - {problem}")
    else:
        click.echo(f"{workflow}: the revisions are as they were frozen")
    if sifted is None:
        return
    if sifted.changes.change_class == "none":
        beside = ", besides what is ignored" if sifted.ignored else ""
        click.echo(f"{workflow}: the code is what the head froze{beside}")
        print_ignored(sifted.ignored)
        return
    click.echo(f"{workflow}: the code is not what the head froze. Run `statemig revision --autogenerate`.")
    print_changes(workflow, sifted)
