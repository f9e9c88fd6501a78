"""`statemig gate`: the deployment checklist, ticked."""

from __future__ import annotations

import shutil
import sys
import textwrap
from typing import Final

import click

from statemig.cli import exit_codes
from statemig.cli.check import difference as code_difference
from statemig.cli.ignored import sift
from statemig.cli.output import plural, print_json, store_option, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.rehearse import load_steps, targets, watched
from statemig.cli.stored import pass_store_errors
from statemig.deploy.checklist import Checklist, Item, markdown
from statemig.deploy.gate import Gate, difference, running
from statemig.deploy.gate import gate as go_through
from statemig.errors import RevisionError
from statemig.store.protocols import FleetStore

_SHOWN: Final = 20
_BOXES: Final = {"ok": "[x]", "note": "[x]", "failed": "[!]", "unknown": "[?]", "next": "[ ]"}


@click.command()
@click.argument("revision", metavar="[REV]", default="head")
@click.option(
    "--from", "old", metavar="REV", help="The version that runs now, where it is not the preferred one."
)
@click.option("--sample", type=click.IntRange(min=1), metavar="N", help="Rehearse so many runs, not all.")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help="Processes of the rehearsal.")
@click.option("--steps", "reference", metavar="MODULE:NAME", help="Step functions, as of `rehearse`.")
@click.option("--chain-only", is_flag=True, help="Do not import the code to compare it with REV.")
@store_option
@workflow_option
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "json"]),
    default="text",
    show_default=True,
    help="How to print the result; markdown is a comment for a pull request.",
)
@pass_project
@pass_store_errors
def gate(
    project: Project,
    revision: str,
    old: str | None,
    sample: int | None,
    workers: int | None,
    reference: str | None,
    chain_only: bool,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """The checklist before REV is deployed, ticked, from the live runs, the difference, the scripts and a rehearsal.

    \b
    [x]  looked at, and right
    [!]  in the way
    [?]  could not be found out
    [ ]  to be done after this

    Nothing is written. With --store it is about the runs of that store, for the staging step: what was exported there by
    `runs export --redact` is migrated as it will be.

    Exit code 21: something is in the way. 14: nothing is, but something could not be found out.
    """
    steps = None if reference is None else load_steps(reference)
    found: list[Gate] = []
    for store, target in targets(project, revision, workflow, url):
        migrator = store.migrator
        source = running(store, target) if old is None else migrator.resolve(old)
        sifted = sift(difference(migrator, source, target), project.ignores)
        with watched(store, target) as watch:
            found.append(
                go_through(
                    store,
                    target,
                    old=source,
                    changes=sifted.changes,
                    evidence=_evidence(project, store, target, chain_only),
                    sample=sample,
                    workers=workers,
                    steps=steps,
                    progress=watch,
                    staging=url is not None and url != project.config.store,
                )
            )
    match form:
        case "json":
            print_json({"verdict": _worst(found), "workflows": [each.to_dict() for each in found]})
        case "markdown":
            click.echo("\n".join(markdown(each.checklist) for each in found), nl=False)
        case _:
            for each in found:
                print_checklist(each.checklist)
    match _worst(found):
        case "closed":
            raise SystemExit(exit_codes.CLOSED)
        case "unknown":
            raise SystemExit(exit_codes.NOT_KNOWN)


def _worst(found: list[Gate]) -> str:
    verdicts = {each.verdict for each in found}
    return next((each for each in ("closed", "unknown") if each in verdicts), "open")


def _evidence(project: Project, store: FleetStore, target: str, chain_only: bool) -> list[Item]:
    """What `statemig check` says: are the revisions as they were frozen, and is the code what the newest one froze?"""
    name = store.workflow
    problems = project.directory.verify(name)
    items = [
        Item(
            "revisions are intact",
            "failed",
            plural(len(problems), "problem"),
            tuple(str(each) for each in problems),
            "statemig check",
        )
        if problems
        else Item("revisions are intact", "ok", "scripts and snapshots are as they were frozen")
    ]
    title = "the code is what was frozen"
    if chain_only:
        return [*items, Item(title, "note", "not looked at: --chain-only")]
    if target != store.migrator.head:
        return [*items, Item(title, "note", "not looked at: there are newer revisions than this one")]
    captured = project.captured()
    if name not in captured:
        return [*items, Item(title, "unknown", "no configured workflow of the code has this name")]
    try:
        sifted = code_difference(project, name, captured[name])
    except RevisionError as error:
        return [*items, Item(title, "unknown", error.message)]
    if sifted is None:
        return [*items, Item(title, "unknown", "the newest revision froze no snapshot")]
    if sifted.changes.change_class != "none":
        listed = tuple(f"{each.rule} {each.path}" for each in sifted.changes)
        said = f"{plural(len(sifted.changes), 'change')} that no revision covers"
        return [*items, Item(title, "failed", said, listed, "statemig revision --autogenerate")]
    return [*items, Item(title, "ok", "no difference")]


def print_checklist(checklist: Checklist) -> None:
    """A line for each item, what was found below it, and the verdict at the end."""
    click.echo(checklist.title)
    width = shutil.get_terminal_size((110, 24)).columns if sys.stdout.isatty() else 110
    longest = max(len(item.name) for item in checklist.items)
    for item in checklist.items:
        _wrapped(item.said, f"  {_BOXES[item.state]} {item.name.ljust(longest)}  ", width)
        for detail in item.details[:_SHOWN]:
            _wrapped(detail, "        - ", width)
        if len(item.details) > _SHOWN:
            click.echo(f"        and {len(item.details) - _SHOWN:,} more; --format json lists them all")
        if item.command is not None:
            click.echo(f"        $ {item.command}")
    click.echo(checklist.sentence)


def _wrapped(text: str, first: str, width: int) -> None:
    lines = textwrap.wrap(
        text, width, initial_indent=first, subsequent_indent=" " * len(first), break_long_words=False
    )
    click.echo("\n".join(lines))
