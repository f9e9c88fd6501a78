"""What the live runs of a store say to changes whose verdict depends on values. Reads only, one batch of runs at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from statemig.cli.output import complain, plural
from statemig.cli.project import Project
from statemig.errors import ConfigError, StatemigError, StoreError

if TYPE_CHECKING:
    from statemig.autogenerate.change import Changes
    from statemig.autogenerate.resolve import Resolver
    from statemig.store.protocols import FleetStore, StoredRun

_SHOWN: Final = 5
_LETTERS: Final = {"reads": "R", "forward": "F", "keeps": "D"}


def with_live_runs(
    project: Project, workflow: str, changes: Changes, old: str | None, new: str | None, url: str | None
) -> Changes:
    """The changes with what the unfinished runs of the store settle, and how many runs each touches. `old` and `new` are the revisions
    compared, None for what no revision has frozen.

    The configured store is only asked where it can be; the one of `url` has to answer. Raises `StoreError`, and `ConfigError`
    where no run can have the shape of what is compared.
    """
    from statemig.autogenerate.resolve import Resolver

    if old is None:
        if url is not None:
            raise ConfigError(
                "stored runs have the shape of a revision, and the older side is none",
                hint="Name a revision as OLD, for example head, or leave out --store.",
            )
        return changes
    resolver = Resolver(changes)
    if not resolver.open or (url is None and project.config.store is None):
        return changes
    try:
        _ask(project, workflow, resolver, old, new, project.store_url(url))
    except StatemigError as error:
        if url is not None:
            raise
        complain(f"{workflow}: the store was not asked: {error.message}")
        return changes
    found = resolver.result()
    settled = any(evidence.runs for change in found for evidence in change.evidence.values())
    asked = resolver.runs or found.unknown or settled
    return found if asked or url is not None else changes


def _ask(project: Project, workflow: str, resolver: Resolver, old: str, new: str | None, url: str) -> None:
    from statemig.cli.stored import open_store, pass_store_errors
    from statemig.store.counting import count_runs

    counts = count_runs(url, workflow, "") if project.runtime(workflow) is None else None
    if counts is not None and not any(status == "active" for _, status, _ in counts.revisions):
        return  # and a file that is not there is not made

    @pass_store_errors
    def ask() -> None:
        store = open_store(project, workflow, url)
        for rows in store.iterate():
            for row in rows:
                _one(store, row, resolver, old, new)

    ask()


def _one(store: FleetStore, row: StoredRun, resolver: Resolver, old: str, new: str | None) -> None:
    """A run at the old version, or brought up to it in memory, or at the new one; or why it is none of these."""
    try:
        if row.revision == old:
            resolver.add(row.run_id, store.document(row))
        elif new is not None and row.revision == new:
            resolver.add_written(row.run_id, store.document(row))
        else:
            resolver.add(row.run_id, store.bring(row, old, record=None).document)
    except StoreError:
        raise
    except StatemigError as error:
        resolver.unknown(row.run_id, row.revision, error.message)


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
        for bit, evidence in change.evidence.items():
            click.echo(f"  {change.rule} {change.path}, {_LETTERS[bit]}: {evidence.shown(_SHOWN)}")
    if changes.unknown:
        click.echo(f"  {plural(len(changes.unknown), 'live run')} could not be asked:")
        for each in changes.unknown[:_SHOWN]:
            click.echo(f"    {each.run_id}, at {each.revision or 'no known revision'}: {each.reason}")
        if len(changes.unknown) > _SHOWN:
            click.echo(f"    and {len(changes.unknown) - _SHOWN:,} more; --format json lists all of them")
