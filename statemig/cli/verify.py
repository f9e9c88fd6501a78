"""`statemig verify`: is a revision right for every state?"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import click

from statemig.cli import exit_codes
from statemig.cli.output import complain, format_option, plural, print_json, workflow_option
from statemig.cli.project import Project, is_relative, pass_project
from statemig.proof.prove import freeze, prove_revision
from statemig.proof.verdict import Answer, Finding, Part, Verdict
from statemig.revisions.script import Header

_PARTS: Final = {
    "up": "what is stored becomes what the new version reads",
    "cursor": "every run has a place and can go on",
    "down": "what the new version writes, the old one reads (a fleet of both)",
}
_SHOWN: Final = 20


@dataclass(frozen=True, slots=True)
class Verified:
    """One revision and what was found."""

    header: Header
    verdict: Verdict


@click.command()
@click.argument("revisions", metavar="[REV|A:B]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every revision, of every workflow.")
@click.option("--both-ways", is_flag=True, help="Let the way down count for the exit code, too.")
@click.option("--show-values", is_flag=True, help="Print the documents that were rejected; they are made up.")
@click.option(
    "--no-freeze", is_flag=True, help="Write nothing: leave the verdicts that are frozen as they are."
)
@workflow_option
@format_option
@pass_project
def verify(
    project: Project,
    revisions: str | None,
    everything: bool,
    both_ways: bool,
    show_values: bool,
    no_freeze: bool,
    workflow: str | None,
    form: str,
) -> None:
    """Is a revision right for every state?

    PROVED: for every document that may be stored. REFUTED: a document was made up, run and rejected; the path says where. UNKNOWN: neither,
    and why. No stored run is read. Without REV it is about the head. The verdict is frozen beside the revision's snapshot, and `history`
    and `show` say what it guarantees.

    Up and cursor make the verdict. Down is for a fleet in which both versions run; it counts with --both-ways.

    Exit code 0: proved. 8: refuted. 9: unknown.
    """
    if everything and revisions is not None:
        raise click.UsageError("--all is about every revision: leave REV out.")
    chosen = _chosen(project, revisions, everything, workflow)
    found: list[Verified] = []
    for header in chosen:
        loaded = project.directory.load(header.revision)
        verdict = prove_revision(loaded, project.directory.snapshot)
        if not no_freeze:
            freeze(project.directory, header.revision, verdict)
        found.append(Verified(header, verdict))
    if form == "json":
        print_json([as_json(each, show_values=show_values) for each in found])
    else:
        for each in found:
            _print(each, show_values)
    answers = [each.verdict.answer for each in found]
    if both_ways:
        answers += [each.verdict.down.verdict for each in found]
    if "refuted" in answers:
        raise SystemExit(exit_codes.REFUTED)
    if "unknown" in answers:
        raise SystemExit(exit_codes.UNDECIDED)


def _chosen(project: Project, text: str | None, everything: bool, workflow: str | None) -> list[Header]:
    """From the oldest to the newest."""
    if everything:
        return [header for name in project.workflows(workflow) for header in project.directory.graph(name)]
    if text is not None and ":" in text:
        names = project.workflows(workflow)
        ends = [end for end in text.split(":") if end]
        if len(names) > 1 and ends and not any(map(is_relative, ends)):
            names = (project.resolve_one(ends[0], workflow)[0],)
        graph = project.directory.graph(names[0] if len(names) == 1 else project.one_workflow(workflow))
        return [graph[revision] for revision in graph.path(*graph.resolve_range(text))]
    name, revision = project.resolve_one(text or "head", workflow)
    return [project.directory.graph(name)[revision]]


def as_json(verified: Verified, *, show_values: bool = False) -> dict[str, Any]:
    header, verdict = verified.header, verified.verdict
    made: dict[str, Any] = {
        "workflow": header.workflow,
        "revision": header.revision,
        "version": header.version,
        **verdict.to_dict(),
    }
    for name in _PARTS:
        part: Part = getattr(verdict, name)
        made[name]["findings"] = [_finding(each, show_values) for each in part.findings]
    return made


def _finding(finding: Finding, show_values: bool) -> dict[str, Any]:
    made = {**finding.to_dict(), "message": finding.message, "witnessed": finding.witness is not None}
    return {**made, "witness": finding.witness} if show_values and finding.witness is not None else made


def _print(verified: Verified, show_values: bool) -> None:
    header, verdict = verified.header, verified.verdict
    click.echo(f"{header.workflow} {header.revision}, version {header.version}: {verdict.answer.upper()}")
    for name, meaning in _PARTS.items():
        part: Part = getattr(verdict, name)
        click.echo(f"  {name:6}  {part.verdict:7}  {meaning}")
        for note in part.notes:
            click.echo(f"    - {note}")
        _print_findings(part.verdict, part.findings, show_values)


def _print_findings(answer: Answer, findings: Sequence[Finding], show_values: bool) -> None:
    ordered = sorted(findings, key=lambda each: each.witness is None)
    for finding in ordered[:_SHOWN]:
        click.echo(f"    - {finding.message}")
        if finding.rejected is not None:
            click.echo(f"      rejected when it was run: {finding.rejected}")
            if show_values:
                click.echo(f"      {json.dumps(finding.witness, ensure_ascii=False, default=str)}")
        elif answer == "refuted":
            click.echo("      no document was found that shows it")
    if len(ordered) > _SHOWN:
        complain(f"    and {plural(len(ordered) - _SHOWN, 'other')}: --format json lists them all")
