"""Commands that look at the chain of revisions: history, heads, branches, show. They run no script but the one shown."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from statemig.cli.output import (
    complain,
    format_option,
    plural,
    print_json,
    print_table,
    shown,
    workflow_option,
)
from statemig.cli.project import Project, pass_project

if TYPE_CHECKING:
    from statemig.revisions.frozen import Frozen
    from statemig.revisions.graph import Graph
    from statemig.revisions.script import Header

_CLASS: Final = re.compile(rb"^Change class: *([a-z]+)", re.MULTILINE)
_NO_REVISIONS: Final = "There are no revisions yet. Make the first one with `statemig revision --autogenerate -m 'first version'`."


@click.command()
@click.option("-r", "--rev-range", metavar="FROM:TO", help="Only these, for example base:head, 5f2c: or -3:.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Also what each one follows, its guarantee and its script."
)
@workflow_option
@format_option
@pass_project
def history(project: Project, rev_range: str | None, verbose: bool, workflow: str | None, form: str) -> None:
    """List the revisions, newest first.

    The guarantee is `proven` (for all states), `tested` (for generated and live states) or `unproven`.
    """
    rows: list[dict[str, Any]] = []
    for name in project.workflows(workflow):
        graph = project.directory.graph(name)
        chosen = graph.order
        if rev_range is not None:
            lower, upper = graph.resolve_range(rev_range)
            # The left end is shown too, as Alembic does.
            chosen = (*([lower] if lower else []), *graph.path(lower, upper))
        rows += [
            _row(project, graph, graph[revision], verbose or form == "json") for revision in reversed(chosen)
        ]
    if form == "json":
        print_json(rows)
    elif not rows:
        complain(_NO_REVISIONS)
    elif verbose:
        print_table(
            rows,
            (
                "workflow",
                "version",
                "revision",
                "down_revision",
                "change_class",
                "guarantee",
                "script",
                "message",
            ),
        )
    else:
        many = len({row["workflow"] for row in rows}) > 1
        columns = ("version", "revision", "change_class", "message")
        print_table(rows, ("workflow", *columns) if many else columns)


def _row(project: Project, graph: Graph[Header], header: Header, verbose: bool) -> dict[str, Any]:
    script = os.path.join(project.directory.location, "versions", header.file)  # thousands of times: no Path
    row: dict[str, Any] = {
        "workflow": header.workflow,
        "version": header.version,
        "revision": header.revision,
        "down_revision": _below(header),
        "head": header.revision in graph.heads,
        "change_class": change_class(script),
        "message": header.message,
    }
    if verbose:
        row["guarantee"] = guarantee(project, header.revision)
        row["script"] = shown(Path(script))
    return row


def _below(header: Header) -> str | list[str] | None:
    below = header.down_revision
    return list(below) if isinstance(below, tuple) else below


def change_class(script: str) -> str | None:
    """The class that a script's docstring states, None where it states none."""
    # The bare calls, since a long history asks this thousands of times.
    file = os.open(script, os.O_RDONLY)
    try:
        found = _CLASS.search(os.read(file, 4096))
    finally:
        os.close(file)
    return None if found is None else found[1].decode()


def guarantee(project: Project, revision: str) -> str:
    """What the verdict frozen beside a revision says, as long as it is about what is there; without one it is unproven."""
    from statemig.proof.verdict import guarantee_of

    return guarantee_of(*_frozen(project, revision))


def _frozen(project: Project, revision: str) -> tuple[Frozen, list[Frozen]]:
    """What is frozen of a revision, and of those that it follows."""
    frozen = project.directory.frozen(revision)
    return frozen, [project.directory.frozen(below) for below in frozen.down_revisions]


def _open_findings(project: Project, revision: str) -> list[str]:
    """What the frozen verdict says is not proved of the way up, as messages."""
    from statemig.proof.verdict import messages_of

    return messages_of(*_frozen(project, revision))


@click.command()
@workflow_option
@format_option
@pass_project
def heads(project: Project, workflow: str | None, form: str) -> None:
    """Show the head of each workflow; several where two people added a revision."""
    rows: list[dict[str, Any]] = []
    for name in project.workflows(workflow):
        graph = project.directory.graph(name)
        rows += [_row(project, graph, graph[revision], False) for revision in graph.heads]
        if len(graph.heads) > 1:
            complain(
                f"{name} has {len(graph.heads)} heads. Put yours behind the other with `statemig rebase`."
            )
    _print_revisions(rows, form)


@click.command()
@workflow_option
@format_option
@pass_project
def branches(project: Project, workflow: str | None, form: str) -> None:
    """Show the revisions that more than one other follows."""
    rows: list[dict[str, Any]] = []
    for name in project.workflows(workflow):
        graph = project.directory.graph(name)
        for header in graph:
            above = graph.children(header.revision)
            if len(above) > 1:
                rows.append({**_row(project, graph, header, False), "followed_by": list(above)})
    if form == "text" and not rows:
        complain("No revision is followed by more than one other.")
        return
    _print_revisions(rows, form, "followed_by")


def _print_revisions(rows: list[dict[str, Any]], form: str, *more: str) -> None:
    if form == "json":
        print_json(rows)
    elif rows:
        print_table(rows, ("workflow", "revision", "version", *more, "message"))
    else:
        complain(_NO_REVISIONS)


@click.command()
@click.argument("revision", metavar="REV")
@workflow_option
@format_option
@pass_project
def show(project: Project, revision: str, workflow: str | None, form: str) -> None:
    """Show one revision: what it says, what it does, what can not be right in it, and its script.

    REV is an id or the beginning of one, `head`, `head-2`, `5f2c+1`.
    """
    name, found = project.resolve_one(revision, workflow)
    loaded = project.directory.load(found)
    script = project.directory.script_path(found)
    header = project.directory.header(found)
    row = {
        **_row(project, project.directory.graph(name), header, True),
        "not_proved": _open_findings(project, found),
        "problems": [str(each) for each in project.directory.problems(found)],
        "digests": dict(loaded.snapshot.digests) if loaded.snapshot is not None else None,
        "operations": [operation.to_dict() for operation in loaded.operations],
        "downgrade_operations": (
            None
            if loaded.downgrade_operations is None
            else [operation.to_dict() for operation in loaded.downgrade_operations]
        ),
    }
    if form == "json":
        print_json(row)
        return
    below = row["down_revision"] or "base"
    click.echo(f"Revision {found}{' (head)' if row['head'] else ''}, {name}, version {header.version}")
    click.echo(f"Follows {below if isinstance(below, str) else ', '.join(below)}")
    click.echo(f"Change class {row['change_class'] or 'unknown'}, {row['guarantee']}")
    for message in row["not_proved"]:
        click.echo(f"  - {message}")
    click.echo(f"Script {shown(script)}")
    if row["problems"]:
        click.echo()
        click.echo(f"No run goes over it: {plural(len(row['problems']), 'problem')} in it")
        for problem in row["problems"]:
            click.echo(f"  - {problem}")
    click.echo()
    if loaded.operations:
        click.echo("What it does:")
        for operation in loaded.operations:
            click.echo(f"  - {operation.describe()}")
    else:
        click.echo("It changes no stored run.")
    click.echo()
    click.echo(script.read_text(encoding="utf-8").rstrip())
