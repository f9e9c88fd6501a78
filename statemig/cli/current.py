"""`statemig current`: where the stored runs are, and which could not follow. It prints nothing of what a run holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

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
from statemig.store.counting import Counts, count_runs

if TYPE_CHECKING:
    from statemig.revisions.graph import Graph
    from statemig.revisions.script import Header


@click.command()
@click.option("-v", "--verbose", is_flag=True, help="By step and status: where the runs stand.")
@click.option(
    "--failures", is_flag=True, help="The runs that could not be brought to the head, each with the reason."
)
@store_option
@workflow_option
@format_option
@pass_project
def current(
    project: Project, verbose: bool, failures: bool, url: str | None, workflow: str | None, form: str
) -> None:
    """Count the stored runs by revision.

    With -v by step and status, too; a run on several branches at once is counted on each of them then.
    """
    found = project.store_url(url)
    graphs = {name: project.directory.graph(name) for name in project.workflows(workflow)}
    if failures:
        _print_failures([row for name in graphs for row in _failures(project, name, found)], form)
    elif verbose:
        rows = [row for name, graph in graphs.items() for row in _by_place(project, graph, name, found)]
        _print(rows, ("workflow", "version", "revision", "step", "status", "on", "runs"), form)
    else:
        counts = {name: _counts(project, graph, name, found) for name, graph in graphs.items()}
        rows = [row for name, graph in graphs.items() for row in _by_revision(graph, name, counts[name])]
        _print(rows, ("workflow", "version", "revision", "unfinished", "ended"), form)
        failed = sum(each.failed for each in counts.values())
        if failed:
            complain(
                f"{plural(failed, 'run')} could not be brought to the head: `statemig current --failures`."
            )


def _counts(project: Project, graph: Graph[Header], workflow: str, url: str) -> Counts:
    counts = count_runs(url, workflow, graph.head or "")
    if counts is not None:
        return counts
    from statemig.cli.stored import open_store, pass_store_errors

    @pass_store_errors
    def ask() -> Counts:
        store = open_store(project, workflow, url)
        return Counts(store.revisions(), len(store.failures()))

    return ask()


def _by_revision(graph: Graph[Header], workflow: str, counts: Counts) -> list[dict[str, Any]]:
    rows: dict[str | None, dict[str, Any]] = {}
    for revision, status, count in counts.revisions:
        row = rows.setdefault(revision, {**_place(graph, workflow, revision), "unfinished": 0, "ended": 0})
        row["unfinished" if status == "active" else "ended"] += count
    return _newest_first(list(rows.values()))


def _by_place(project: Project, graph: Graph[Header], workflow: str, url: str) -> list[dict[str, Any]]:
    from statemig.cli.stored import open_store, pass_store_errors

    standings = pass_store_errors(lambda: open_store(project, workflow, url).counts())()
    return _newest_first(
        [
            {
                **_place(graph, workflow, standing.revision),
                "step": standing.step,
                "status": standing.status,
                "on": standing.on,
                "runs": standing.count,
            }
            for standing in standings
        ]
    )


def _failures(project: Project, workflow: str, url: str) -> list[dict[str, Any]]:
    from statemig.cli.stored import open_store, pass_store_errors

    failures = pass_store_errors(lambda: open_store(project, workflow, url).failures())()
    return [{"workflow": workflow, **asdict(failure)} for failure in failures]


def _place(graph: Graph[Header], workflow: str, revision: str | None) -> dict[str, Any]:
    return {
        "workflow": workflow,
        "version": graph.version(revision) if revision in graph else None,
        "revision": revision,
        "head": revision in graph.heads,
    }


def _newest_first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By version from the newest; what nobody here knows comes last."""
    return sorted(
        rows,
        key=lambda row: (
            -(row["version"] or 0),
            str(row["revision"]),
            str(row.get("step")),
            str(row.get("status")),
        ),
    )


def _print(rows: list[dict[str, Any]], columns: tuple[str, ...], form: str) -> None:
    if form == "json":
        print_json(rows)
    elif not rows:
        complain("No runs are stored.")
    else:
        print_table([{**row, "revision": _shown(row)} for row in rows], columns)


def _shown(row: dict[str, Any]) -> str:
    match row:
        case {"revision": None}:
            return "unstamped"
        case {"version": None}:
            return f"{row['revision']} (unknown here)"
        case {"head": True}:
            return f"{row['revision']} (head)"
        case _:
            return str(row["revision"])


def _print_failures(failed: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        print_json(failed)
    elif not failed:
        complain("No run failed to be brought to the head and is still as it was then.")
    else:
        columns = ("workflow", "run_id", "kind", "revision", "operation", "step", "path", "reason")
        print_table(failed, [name for name in columns if any(row[name] is not None for row in failed)])
