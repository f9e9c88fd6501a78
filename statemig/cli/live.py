"""What the live runs of a store say to changes: printed, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from statemig.cli.output import complain, plural
from statemig.cli.project import Project
from statemig.errors import ConfigError, StatemigError, StoreError
from statemig.store.counting import count_runs, is_there
from statemig.store.deploy_records import Unknown

if TYPE_CHECKING:
    from statemig.autogenerate.change import Changes
    from statemig.deploy.impact import Impact

_SHOWN: Final = 5
_LETTERS: Final = {"reads": "R", "forward": "F", "keeps": "D"}


def with_live_runs(
    project: Project,
    workflow: str,
    changes: Changes,
    old: str | None,
    new: str | None,
    url: str | None,
    *,
    exact: bool = False,
) -> Impact | None:
    """What the unfinished runs of the store say to changes. `old` and `new` are the revisions compared, None for what no revision has
    frozen. None where there are no runs to ask.

    The configured store is only asked where something has changed and it can be; the one of `url` has to answer. Raises `StoreError`, and
    `ConfigError` where no run can have the shape of what is compared.
    """
    if old is None:
        if url is not None:
            raise ConfigError(
                "stored runs have the shape of a revision, and the older side is none",
                hint="Name a revision as OLD, for example head, or leave out --store.",
            )
        return None
    if url is None and (not changes or project.config.store is None):
        return None
    if url is not None and not is_there(url):
        raise StoreError(
            "the store does not answer: there is no such file", hint="Is its URL right, and is it there?"
        )
    try:
        return _ask(project, workflow, changes, old, new, project.store_url(url), exact and bool(changes))
    except StatemigError as error:
        if url is not None:
            raise
        complain(f"{workflow}: the store was not asked: {error.message}")
        return None


def _ask(
    project: Project, workflow: str, changes: Changes, old: str, new: str | None, url: str, exact: bool
) -> Impact | None:
    from statemig.cli.stored import open_store, pass_store_errors
    from statemig.deploy.impact import take_impact

    counts = count_runs(url, workflow, "") if project.runtime(workflow) is None else None
    if counts is not None and not any(status == "active" for _, status, _ in counts.revisions):
        return None  # and a file that is not there is not made

    @pass_store_errors
    def ask() -> Impact:
        return take_impact(open_store(project, workflow, url), changes, old, new, exact=exact)

    return ask()


def impact_as_json(impact: Impact | None) -> dict[str, Any]:
    """How many live runs there are, and what to do with them."""
    if impact is None:
        return {"live": None, "strategy": None}
    unknown = impact.unknown
    return {
        "live": {
            "runs": impact.runs,
            "newer": impact.newer,
            "unknown": str(unknown) if isinstance(unknown, Unknown) else unknown,
            "asked": impact.asked,
        },
        "strategy": {"strategy": impact.overall.strategy, "why": impact.overall.why},
    }


def print_impact(impact: Impact) -> None:
    """The runs in a line, and the strategy in another."""
    newer = f", {impact.newer:,} are newer" if impact.newer else ""
    unknown = impact.unknown
    strange = ""
    if isinstance(unknown, Unknown):
        strange = f", of unknown revision: {unknown}"
    elif unknown:
        strange = f", {unknown:,} are of a revision that is not known here"
    click.echo(f"  {plural(impact.runs, 'live run')} at the older version or below it{newer}{strange}")
    click.echo(f"  strategy: {impact.overall.strategy}; {impact.overall.why}")


def evidence_as_json(changes: Changes) -> dict[str, Any]:
    """The runs that could not be asked; what the others said stands with each change."""
    return {
        "unknown": [
            {"run_id": each.run_id, "revision": each.revision, "reason": each.reason}
            for each in changes.unknown
        ]
    }


def print_evidence(changes: Changes) -> None:
    """One line for each verdict that runs were asked about, and the runs that could not be."""
    for change in changes:
        if change.reason is not None:
            click.echo(f"  {change.rule} {change.path}: {change.reason}")
        for bit, evidence in change.evidence.items():
            click.echo(f"  {change.rule} {change.path}, {_LETTERS[bit]}: {evidence.shown(_SHOWN)}")
    if changes.unknown:
        click.echo(f"  {plural(len(changes.unknown), 'live run')} could not be asked:")
        for each in changes.unknown[:_SHOWN]:
            click.echo(f"    {each.run_id}, at {each.revision or 'no known revision'}: {each.reason}")
        if len(changes.unknown) > _SHOWN:
            click.echo(f"    and {len(changes.unknown) - _SHOWN:,} more; --format json lists all of them")
