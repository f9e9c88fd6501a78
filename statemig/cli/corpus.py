"""`statemig corpus`: states that are recorded in git, and tried first by every law."""

from __future__ import annotations

from typing import Any

import click

from statemig.cli import exit_codes
from statemig.cli.output import format_option, plural, print_json, print_table, shown, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.test import given_document
from statemig.errors import RevisionError


@click.group()
def corpus() -> None:
    """Record states, list them, and try them again.

    They lie in corpus/<revision>/*.json beside the configuration, and belong into version control: `pytest --statemig` and
    `statemig test` try them before any generated state.
    """


@corpus.command()
@click.argument("revision", metavar="REV")
@click.option("--state", metavar="JSON|@FILE", help="A state of that revision.")
@click.option("--run", metavar="JSON|@FILE", help="A whole run document of that revision.")
@click.option("--note", default="", help="What it is an example of.")
@click.option(
    "--keep-values",
    is_flag=True,
    help="Record it as it is. Without it texts and numbers are replaced by others like them.",
)
@workflow_option
@format_option
@pass_project
def add(
    project: Project,
    revision: str,
    state: str | None,
    run: str | None,
    note: str,
    keep_values: bool,
    workflow: str | None,
    form: str,
) -> None:
    """Record a state of a revision, redacted.

    Every text and number that the schema does not list is replaced by one of the same kind: letters by letters, digits by
    digits. Enums, tags, null, booleans, and the names of steps and fields stay.
    """
    from statemig.testing.corpus import Corpus, redacted

    document = given_document(state, run)
    if document is None:
        raise click.UsageError("Give a state: --state '{...}' or --state @file.json")
    _, found = project.resolve_one(revision, workflow)
    snapshot = project.directory.snapshot(found)
    if not keep_values:
        if snapshot is None:
            raise RevisionError(
                "it was frozen without a snapshot, so nothing says what has to stay",
                revision=found,
                hint="Record it with --keep-values, if nothing in it is anybody's",
            )
        document = redacted(document, snapshot)
    file = Corpus(project.config.root / "corpus").add(found, document, note=note, redacted=not keep_values)
    if form == "json":
        print_json({"file": str(file), "revision": found, "redacted": not keep_values})
    else:
        click.echo(
            f"Recorded {shown(file)}"
            + ("" if keep_values else ", redacted; read it over before you commit it")
        )


@corpus.command("list")
@format_option
@pass_project
def list_(project: Project, form: str) -> None:
    """List what is recorded."""
    from statemig.testing.corpus import Corpus

    rows: list[dict[str, Any]] = [
        {
            "revision": each.revision,
            "file": shown(each.file),
            "redacted": each.redacted,
            "note": each.note or None,
        }
        for each in Corpus(project.config.root / "corpus").all()
    ]
    if form == "json":
        print_json(rows)
    elif rows:
        print_table(rows, ("revision", "file", "redacted", "note"))
    else:
        click.echo("Nothing is recorded yet: statemig corpus add REV --state '{...}'")


@corpus.command()
@click.argument("revision", metavar="[REV]", required=False)
@workflow_option
@format_option
@pass_project
def replay(project: Project, revision: str | None, workflow: str | None, form: str) -> None:
    """Bring everything that is recorded (for REV) to the head.

    Exit code 8: something does not get there; it is named, and its values are not shown.
    """
    from statemig.migrator import Migrator
    from statemig.testing.corpus import Corpus

    only = None if revision is None else project.resolve_one(revision, workflow)[1]
    rows: list[dict[str, Any]] = []
    migrators = {
        name: Migrator(project.config.script_location, workflow=name) for name in project.workflows(workflow)
    }
    for each in Corpus(project.config.root / "corpus").all():
        if only not in (None, each.revision):
            continue
        migrator = next((one for one in migrators.values() if each.revision in one.known), None)
        outcome, reason = "unknown", "no workflow here has the revision"
        if migrator is not None:
            result = migrator.upgrade(each.document, each.revision, run_id=each.file.stem)
            outcome, reason = result.outcome, "" if result.error is None else str(result.error)
        rows.append(
            {
                "revision": each.revision,
                "file": shown(each.file),
                "outcome": outcome,
                "reason": reason or None,
            }
        )
    if form == "json":
        print_json(rows)
    else:
        if rows:
            print_table(rows, ("revision", "file", "outcome", "reason"))
        click.echo(f"{plural(len(rows), 'recorded state')} tried")
    if any(row["outcome"] in ("failed", "unknown") for row in rows):
        raise SystemExit(exit_codes.REFUTED)
