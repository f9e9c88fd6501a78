"""`statemig diff`: what changed between two versions, under which rule, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from statemig.cli import exit_codes
from statemig.cli.ignored import Sifted, ignored_as_json, print_ignored, sift
from statemig.cli.live import (
    evidence_as_json,
    impact_as_json,
    print_evidence,
    print_impact,
    with_live_runs,
)
from statemig.cli.output import (
    format_option,
    plural,
    print_json,
    print_table,
    store_option,
    workflow_option,
)
from statemig.cli.project import Project, is_relative, pass_project
from statemig.cli.renames import parse_renames
from statemig.errors import ConfigError, SchemaError, UnknownRevisionError
from statemig.workflow.snapshot import Snapshot

if TYPE_CHECKING:
    from statemig.deploy.impact import Impact

CODE = "code"
EXIT_CODES = {
    "none": exit_codes.OK,
    "prompt": exit_codes.OK,
    "additive": exit_codes.ADDITIVE,
    "breaking": exit_codes.BREAKING,
}


@click.command()
@click.argument("old", default="head")
@click.argument("new", default=CODE)
@click.option("--rename", "renames", multiple=True, metavar="OLD:NEW", help="What became of a field or step.")
@click.option("--exact", is_flag=True, help="Read every live run, so that `touches` is no upper bound.")
@store_option
@workflow_option
@format_option
@pass_project
def diff(
    project: Project,
    old: str,
    new: str,
    renames: tuple[str, ...],
    exact: bool,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Compare two versions, and classify the change.

    OLD and NEW are revisions (ids, `head`, `head-1`, `base`), `code`, or JSON files: a JSON Schema of the state, or a
    frozen snapshot. Without them the head is compared with the code. The exit code is 0 for no change or prompts only, 10
    for additive, 20 for breaking.

    Where there is a store, its unfinished runs are asked. `touches` is how many have something at the path of a change, or stand at its
    step ("up to": they were only counted), and `strategy` what to do with them: deploy without ceremony, migrate, drain, or route. A
    verdict that depends on values is settled by them: "holds for all 4,213 live runs", or which it fails for. And a change of prompts
    is breaking where a new prompt uses what no state supplies, or a tool has changed of which calls are outstanding. What runs hold is
    never shown.

    What the configuration says to ignore is listed and does not count; two files need no
    configuration, and nothing is ignored between them.
    """
    from statemig.autogenerate.compare import diff as compare

    given = parse_renames(renames)
    ignores = () if _is_file(old) and _is_file(new) else project.ignores
    found: list[tuple[str, Sifted, Impact | None]] = []
    for name in _workflows(project, (old, new), workflow):
        pair = [_snapshot(project, side, name) for side in (old, new)]
        at = [_revision(project, side, name) for side in (old, new)]
        sifted = sift(compare(pair[0], pair[1], given, _history(project, name, at[0], at[1])), ignores)
        impact = None
        if name is not None or url is not None:
            impact = with_live_runs(project, name or "", sifted.changes, at[0], at[1], url, exact=exact)
        if impact is not None:
            sifted = sifted._replace(changes=impact.changes)
        found.append((pair[1].workflow if name is None else name, sifted, impact))
    worst = max(
        (sifted.changes.change_class for _, sifted, _ in found), key=list(EXIT_CODES).index, default="none"
    )
    if form == "json":
        print_json(
            {
                "change_class": worst,
                "workflows": [
                    {"workflow": name, **changes_as_json(s, i), **impact_as_json(i)} for name, s, i in found
                ],
            }
        )
    else:
        for name, sifted, impact in found:
            print_changes(name, sifted, impact)
    raise SystemExit(EXIT_CODES[worst])


def _workflows(project: Project, sides: Iterable[str], only: str | None) -> list[str | None]:
    """Which workflows to compare; None where both sides are files and no workflow is needed."""
    needed = [side for side in sides if not _is_file(side)]
    if not needed:
        return [only]
    if only is not None:
        return [only]
    if CODE in needed:
        return list(project.captured())
    for side in needed:
        if not is_relative(side):
            return [project.resolve_one(side, None)[0]]
    return list(project.workflows())


def _is_file(side: str) -> bool:
    return side.endswith(".json")


def _snapshot(project: Project, side: str, workflow: str | None) -> Snapshot:
    if _is_file(side):
        return _read_file(Path(side), workflow or "State")
    assert workflow is not None
    if side == CODE:
        return project.captured(workflow)[workflow]
    revision = project.directory.graph(workflow).resolve(side)
    if revision is None:
        return Snapshot.empty(workflow)
    snapshot = project.directory.snapshot(revision)
    if snapshot is None:
        raise UnknownRevisionError(
            "it was frozen without a snapshot, so it can not be compared",
            workflow=workflow,
            revision=revision,
        )
    return snapshot


def _revision(project: Project, side: str, workflow: str | None) -> str | None:
    """The revision that a side is; None for code, for a file and for the base."""
    if workflow is None or side == CODE or _is_file(side):
        return None
    return project.directory.graph(workflow).resolve(side)


def _history(
    project: Project, workflow: str | None, old: str | None, new: str | None
) -> tuple[Snapshot, ...]:
    """The versions before the older side, whose names are not free; none where the way leads back to one of them."""
    if workflow is None or old is None:
        return ()
    if new is not None and new in project.directory.graph(workflow).path(None, old):
        return ()
    return project.history(workflow, old)


def _read_file(path: Path, name: str) -> Snapshot:
    """A file below snapshots/, a snapshot by itself, or a JSON Schema of the state."""
    from statemig import json_text

    try:
        content = json_text.loads(path.read_bytes())
    except OSError as error:
        raise ConfigError(f"{path} can not be read: {error.strerror}") from None
    except ValueError:
        raise SchemaError(
            f"{path} is not JSON", hint="Give a JSON Schema, or a file below snapshots/."
        ) from None
    if not isinstance(content, dict):
        raise SchemaError(f"{path} is no JSON object", hint="Give a JSON Schema, or a file below snapshots/.")
    if isinstance(content.get("snapshot"), dict):
        content = content["snapshot"]
    if "writes" in content and "reads" in content and "workflow" in content:
        return Snapshot.from_dict(content)
    return Snapshot.from_json_schema(content, name=name)


def changes_as_json(sifted: Sifted, impact: Impact | None = None) -> dict[str, Any]:
    """The same names as in Python."""
    changes = sifted.changes
    listed = [change.to_dict() for change in changes]
    if impact is not None:
        listed = [
            {**change, "strategy": advice.strategy, "why": advice.why}
            for change, advice in zip(listed, impact.advice, strict=True)
        ]
    return {
        "change_class": changes.change_class,
        "changes": listed,
        **evidence_as_json(changes),
        "ignored": ignored_as_json(sifted.ignored),
        "renames": [list(rename) for rename in changes.renames],
        "questions": [
            {"old": old, "candidates": [{"new": new, "score": score} for new, score in candidates]}
            for old, candidates in changes.questions
        ],
    }


def print_changes(workflow: str, sifted: Sifted, impact: Impact | None = None) -> None:
    """The changes of one workflow as a table, the renames that are only likely, what is ignored, and what it means for live runs."""
    changes, ignored = sifted
    if changes.change_class == "none":
        click.echo(f"{workflow}: no change{' besides what is ignored' if ignored else ''}")
        print_ignored(ignored)
        return
    click.echo(f"{workflow}: {changes.change_class}, {plural(len(changes), 'change')}")
    rows = [{**change.to_dict(), "rule": f"{change.rule} {change.to_dict()['slug']}"} for change in changes]
    asked: tuple[str, ...] = ()
    if impact is not None:
        asked = ("touches", "strategy")
        for row, advice in zip(rows, impact.advice, strict=True):
            row["strategy"] = advice.strategy
            if row.get("at_most"):
                row["touches"] = f"up to {row['touches']:,}"
    print_table(rows, ("change_class", "rule", "path", "old", "new", *asked), indent="  ")
    print_evidence(changes)
    if impact is not None:
        print_impact(impact)
    print_ignored(ignored)
    for old, new, score in changes.renames:
        click.echo(f"  taken for a rename: {old} -> {new} (similarity {score:.2f})")
    for old, candidates in changes.questions:
        listed = ", ".join(f"{new} ({score:.2f})" for new, score in candidates)
        click.echo(
            f"  perhaps a rename: {old} -> {listed}; say --rename {old}:NEW, or --rename {old}: if it is gone"
        )
