"""`statemig current`: where the stored runs are, and which could not follow. It prints nothing of what a run holds."""

from __future__ import annotations

from collections.abc import Mapping
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
from statemig.errors import ElsewhereError
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
        _print_failures(_failures(project, tuple(graphs), found), form)
    elif verbose:
        rows = _by_place(project, graphs, found)
        _print(rows, ("workflow", "version", "revision", "step", "status", "on", "runs"), form)
    else:
        counts = _counts(project, graphs, found)
        rows = [row for name, each in counts.items() for row in _by_revision(graphs[name], name, each)]
        _print(rows, ("workflow", "version", "revision", "unfinished", "ended"), form)
        failed = sum(each.failed for each in counts.values())
        if failed:
            complain(
                f"{plural(failed, 'run')} could not be brought to the head: `statemig current --failures`."
            )


def _counts(project: Project, graphs: Mapping[str, Graph[Header]], url: str) -> dict[str, Counts]:
    """In the order of the workflows; what the short way can not say is asked of the stores."""
    found = {name: count_runs(url, name, graph.head or "") for name, graph in graphs.items()}
    known = {
        name: counts
        for name, counts in found.items()
        if counts is not None and (counts.revisions or project.runtime(name) is None)
    }
    if len(known) == len(graphs):
        return known
    from statemig.cli.stored import open_stores, pass_store_errors

    @pass_store_errors
    def ask() -> dict[str, Counts]:
        stores = open_stores(project, [name for name in graphs if name not in known], url)
        return {store.workflow: Counts(store.revisions(), len(store.failures())) for store in stores}

    try:
        known |= ask()
    except ElsewhereError as error:
        if not known:
            raise
        complain(str(error))
    return {name: known[name] for name in graphs if name in known}


def _by_revision(graph: Graph[Header], workflow: str, counts: Counts) -> list[dict[str, Any]]:
    rows: dict[str | None, dict[str, Any]] = {}
    for revision, status, count in counts.revisions:
        row = rows.setdefault(revision, {**_place(graph, workflow, revision), "unfinished": 0, "ended": 0})
        row["unfinished" if status == "active" else "ended"] += count
    return _newest_first(list(rows.values()))


def _by_place(project: Project, graphs: Mapping[str, Graph[Header]], url: str) -> list[dict[str, Any]]:
    from statemig.cli.stored import open_stores, pass_store_errors

    @pass_store_errors
    def ask() -> list[dict[str, Any]]:
        return [
            row
            for store in open_stores(project, tuple(graphs), url)
            for row in _newest_first(
                [
                    {
                        **_place(graphs[store.workflow], store.workflow, standing.revision),
                        "step": standing.step,
                        "status": standing.status,
                        "on": standing.on,
                        "runs": standing.count,
                    }
                    for standing in store.counts()
                ]
            )
        ]

    return ask()


def _failures(project: Project, names: tuple[str, ...], url: str) -> list[dict[str, Any]]:
    from statemig.cli.stored import open_stores, pass_store_errors

    @pass_store_errors
    def ask() -> list[dict[str, Any]]:
        return [
            {"workflow": store.workflow, **asdict(failure)}
            for store in open_stores(project, names, url)
            for failure in store.failures()
        ]

    return ask()


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
