"""`statemig runs`: which runs are in flight. It prints nothing of what a run holds; `runs export --redact` prints its form alone."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Any, BinaryIO

import click

from statemig import json_text
from statemig.cli import exit_codes
from statemig.cli.ages import age
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
from statemig.cli.stored import is_same_database, open_store, open_stores, pass_store_errors
from statemig.errors import ConfigError, StoreError
from statemig.fleet.inventory import FIELDS, Inventory, take
from statemig.fleet.redaction import Export, export, fill
from statemig.store.deploy_records import Unknown
from statemig.store.protocols import RunFilter
from statemig.store.run_store import RunStore

_BY = "version,step,status,on"


@click.group(invoke_without_command=True)
@click.option(
    "--by", default=_BY, show_default=True, metavar="FIELDS", help=f"Count by these: {', '.join(FIELDS)}."
)
@click.option(
    "--where",
    "conditions",
    multiple=True,
    metavar="FIELD=VALUE",
    help="Only such runs; several all have to hold.",
)
@store_option
@workflow_option
@format_option
@click.pass_context
def runs(
    ctx: click.Context,
    by: str,
    conditions: tuple[str, ...],
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Which runs are in flight, where they stand, and which nobody can take.

    A run is ready, running (a worker's lease is alive) or waiting, on a person, a timer or an event. A run on two branches is counted at
    each. Below the table: runs whose revision nobody here knows, and zombies, which no living worker can take.

    Exit code 16: there are zombies or unknown tags. 14: that could not be said.
    """
    if ctx.invoked_subcommand is None:
        _runs(by, conditions, url, workflow, form)


@pass_project
@pass_store_errors
def _runs(
    project: Project,
    by: str,
    conditions: tuple[str, ...],
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    fields = [part.strip() for part in by.split(",") if part.strip()]
    where = _conditions(conditions)
    found = [take(store, fields, where) for store in open_stores(project, project.workflows(workflow), url)]
    if form == "json":
        print_json({"workflows": [as_json(each) for each in found]})
    else:
        for each in found:
            _print(each)
    if any(_is_bad(each.zombies) or _is_bad(each.unknown_tag) for each in found):
        raise SystemExit(exit_codes.ZOMBIES)
    if any(isinstance(figure, Unknown) for each in found for figure in (each.zombies, each.unknown_tag)):
        raise SystemExit(exit_codes.NOT_KNOWN)


def _is_bad(figure: int | Unknown) -> bool:
    return isinstance(figure, int) and figure > 0


def _conditions(given: tuple[str, ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals:
            raise click.UsageError(f"--where {each}: write FIELD=VALUE, for example step=approve")
        found[name.strip()] = value.strip()
    return found


def as_json(inventory: Inventory) -> dict[str, Any]:
    """Times are ages in seconds; a figure that is not known is the text that says why."""
    at = inventory.at
    return {
        "workflow": inventory.workflow,
        "runs": inventory.runs,
        "lines": [
            {
                **line.key,
                "count": line.count,
                "oldest_seconds": max(at - line.oldest, 0.0),
                "since_seconds": max(at - line.since, 0.0),
            }
            for line in inventory.lines
        ],
        "unknown_tag": figure(inventory.unknown_tag),
        "unknown_tags": dict(inventory.unknown_tags),
        "zombies": figure(inventory.zombies),
        "zombie_kinds": [asdict(each) for each in inventory.zombie_kinds],
        "retired": [
            {"revision": revision, "since_seconds": max(at - when, 0.0)}
            for revision, when in inventory.retired.items()
        ],
    }


def figure(value: int | float | Unknown) -> int | float | str:
    """As JSON says it."""
    return str(value) if isinstance(value, Unknown) else value


def _print(inventory: Inventory) -> None:
    click.echo(f"{inventory.workflow}: {plural(inventory.runs, 'run')} in flight")
    rows = [
        {
            **line.key,
            "runs": line.count,
            "oldest": age(inventory.at - line.oldest),
            "since": age(inventory.at - line.since),
        }
        for line in inventory.lines
    ]
    if rows:
        print_table(rows, (*inventory.by, "runs", "oldest", "since"), indent="  ")
    match inventory.unknown_tag:
        case Unknown():
            click.echo(f"  unknown tag: {inventory.unknown_tag}")
        case 0:
            click.echo("  unknown tag: none")
        case count:
            tags = ", ".join(f"{tag}: {number:,}" for tag, number in sorted(inventory.unknown_tags.items()))
            click.echo(f"  unknown tag: {plural(count, 'run')} ({tags})")
    match inventory.zombies:
        case Unknown():
            click.echo(f"  zombies: {inventory.zombies}")
        case 0:
            click.echo("  zombies: none")
        case count:
            click.echo(f"  zombies: {plural(count, 'run')} that no living worker can take")
            for kind in inventory.zombie_kinds:
                at = ", ".join(kind.steps) or "no step"
                click.echo(
                    f"    {kind.count:,} at {at} ({kind.revision or 'unstamped'}): {kind.need}; {kind.why}; "
                    f"for example {', '.join(kind.examples) or 'none left'}"
                )
    if inventory.retired:
        listed = (
            f"{revision}, {age(inventory.at - when)} ago" for revision, when in inventory.retired.items()
        )
        click.echo(f"  retired: {'; '.join(listed)}")


@runs.command("import")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--store", "url", metavar="URL", required=True, help="The staging store. Never the configured one."
)
@click.option("--add", is_flag=True, help="Although the store holds runs.")
@workflow_option
@format_option
@pass_project
@pass_store_errors
def import_command(
    project: Project, file: BinaryIO, url: str, add: bool, workflow: str | None, form: str
) -> None:
    """Put exported runs into a staging store.

    FILE is what `runs export --redact` printed, `-` for stdin. Each run stands there as it stood, at its own revision, under its exported
    name. All of a workflow or none; a store that holds runs is refused unless --add is said, and the configured one always.
    """
    if project.config.store is not None and is_same_database(url, project.config.store):
        raise ConfigError(
            "this is the configured store, whose runs are live; nothing was written",
            hint="Name a staging store: --store sqlite:///staging.db",
        )
    lines: dict[str, list[dict[str, Any]]] = {}
    for number, raw in enumerate(file, 1):
        if raw.strip():
            line = _line(raw, number)
            lines.setdefault(str(line.get("workflow")), []).append(line)
    stores: dict[str, RunStore] = {}
    for name in project.workflows(workflow):
        if name in lines:
            opened = open_store(project, name, url)
            if not isinstance(opened, RunStore):
                raise ConfigError(
                    "exported runs can not be put into the tables of a runtime; nothing was written",
                    workflow=name,
                    hint="Rehearse against the live store (`statemig rehearse` writes nothing), or fill staging with the graph itself",
                )
            stores[name] = opened
    for name, store in stores.items():
        there = sum(count for _, _, count in store.revisions())
        if there and not add:
            raise ConfigError(
                f"the store holds {plural(there, 'run')} already; nothing was written",
                workflow=name,
                hint="Name an empty one, or say --add",
            )
    filled = {name: fill(store, lines[name]) for name, store in stores.items()}
    left = {name: len(found) for name, found in lines.items() if name not in filled}
    if form == "json":
        print_json({"imported": filled, "left_out": left})
    else:
        for name, count in filled.items():
            click.echo(f"{name}: {plural(count, 'run')} imported.")
        for name, count in left.items():
            complain(f"{plural(count, 'run')} left out: of the workflow {name}.")
    if left:
        raise SystemExit(exit_codes.RUNS_LEFT)


def _line(raw: bytes, number: int) -> dict[str, Any]:
    try:
        found = json_text.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise StoreError(
            f"line {number} is no JSON object; nothing was written",
            hint="Give the file that `statemig runs export --redact` printed",
        )
    return found


@runs.command("export")
@click.option("--redact", is_flag=True, help="Keep the form of each run and none of its contents. Required.")
@click.option("--step", metavar="STEP", help="Only runs that stand at this step.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="No more than so many.")
@store_option
@workflow_option
@pass_project
@pass_store_errors
def export_command(
    project: Project, redact: bool, step: str | None, limit: int | None, url: str | None, workflow: str | None
) -> None:
    """Live runs without their contents, one JSON object in a line, to fill a staging store.

    Keys, enum values, lengths and cursors stay; texts lose their letters and digits, numbers their size, ids their name. What does not fit
    its revision any more after that is left out, and counted on stderr.
    """
    if not redact:
        raise click.UsageError(
            "say --redact: statemig does not print what runs hold. To copy a store as it is, use your database."
        )
    done = Export()
    for store in open_stores(project, project.workflows(workflow), url):
        for line in export(store, done, RunFilter(step=step)):
            sys.stdout.write(json_text.dumps({"workflow": store.workflow, **line}).decode() + "\n")
            if limit is not None and done.exported >= limit:
                break
    complain(f"{plural(done.exported, 'run')} exported.")
    for reason, count in sorted(done.left_out.items()):
        complain(f"{plural(count, 'run')} left out: {reason}.")
    if done.left_out:
        raise SystemExit(exit_codes.RUNS_LEFT)
