"""`statemig current`: where the stored runs are, and which could not follow. It prints nothing of what a run holds."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from statemig.cli.output import complain, format_option, plural, print_json, print_table, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.stored import open_store, pass_store_errors, store_option
from statemig.store.run_store import RunStore


@click.command()
@click.option("-v", "--verbose", is_flag=True, help="By step and status: where the runs stand.")
@click.option(
    "--failures", is_flag=True, help="The runs that could not be brought to the head, each with the reason."
)
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def current(
    project: Project, verbose: bool, failures: bool, url: str | None, workflow: str | None, form: str
) -> None:
    """Count the stored runs by revision.

    With -v by step and status, too; a run on several branches at once is counted on each of them then.
    """
    stores = [open_store(project, name, url) for name in project.workflows(workflow)]
    failed = [
        {"workflow": store.workflow, **asdict(failure)} for store in stores for failure in store.failures()
    ]
    if failures:
        _print_failures(failed, form)
        return
    rows: list[dict[str, Any]] = []
    for store in stores:
        rows += _newest_first(_by_place(store) if verbose else _by_revision(store))
    if form == "json":
        print_json(rows)
        return
    rows = [{**row, "revision": _shown(row)} for row in rows]
    if not rows:
        complain("No runs are stored.")
    elif verbose:
        print_table(rows, ("workflow", "version", "revision", "step", "status", "on", "runs"))
    else:
        print_table(rows, ("workflow", "version", "revision", "unfinished", "ended"))
    if failed:
        complain(
            f"{plural(len(failed), 'run')} could not be brought to the head: `statemig current --failures`."
        )


def _print_failures(failed: list[dict[str, Any]], form: str) -> None:
    if form == "json":
        print_json(failed)
    elif not failed:
        complain("No run failed to be brought to the head and is still as it was then.")
    else:
        columns = ("workflow", "run_id", "kind", "revision", "operation", "step", "path", "reason")
        print_table(failed, [name for name in columns if any(row[name] is not None for row in failed)])


def _by_revision(store: RunStore) -> list[dict[str, Any]]:
    rows: dict[str | None, dict[str, Any]] = {}
    for revision, status, count in store.revisions():
        row = rows.setdefault(revision, {**_place(store, revision), "unfinished": 0, "ended": 0})
        row["unfinished" if status == "active" else "ended"] += count
    return list(rows.values())


def _by_place(store: RunStore) -> list[dict[str, Any]]:
    return [
        {
            **_place(store, standing.revision),
            "step": standing.step,
            "status": standing.status,
            "on": standing.on,
            "runs": standing.count,
        }
        for standing in store.counts()
    ]


def _place(store: RunStore, revision: str | None) -> dict[str, Any]:
    migrator = store.migrator
    return {
        "workflow": store.workflow,
        "version": migrator.version(revision) if revision in migrator.known else None,
        "revision": revision,
        "head": revision == migrator.head,
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
