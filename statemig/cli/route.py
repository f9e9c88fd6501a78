"""`statemig route`: which version runs a run, and what is wanted."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from statemig.cli import exit_codes
from statemig.cli.output import format_option, print_json, print_table, store_option, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.stored import open_store, open_stores, pass_store_errors
from statemig.deploy.router import SCOPES, STRATEGIES, Explanation, Router
from statemig.errors import ForeignRevisionError, RunNotFoundError
from statemig.fleet.inventory import needed
from statemig.store.deploy_records import Scope, Strategy
from statemig.store.protocols import FleetStore


@click.group()
def route() -> None:
    """Say which version runs a run, and ask why.

    A worker says what it can run; these commands say what is wanted. The most specific rule wins: a pin, the window of an open deploy, a
    policy for the run, for a step it stands at, a drain of its version, a canary, a policy for its change class, for the workflow, the
    preferred version. `route explain RUN` says which one did.
    """


@route.command()
@click.argument("run")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def explain(project: Project, run: str, url: str | None, workflow: str | None, form: str) -> None:
    """Say which rule decides about a run, and who may take it.

    Exit code 16: no living worker can.
    """
    store = _holding(project, run, workflow, url)
    found = Router(store).explain(run)
    if form == "json":
        print_json({"workflow": store.workflow, **_as_json(store, found)})
    else:
        _print(store, found)
    if found.decision.zombie and store.deploy.workers(gone=True):
        raise SystemExit(exit_codes.ZOMBIES)


@route.command()
@click.argument("revision", metavar="[REV]", required=False)
@click.option("--none", "nothing", is_flag=True, help="Prefer no version any more.")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def prefer(
    project: Project, revision: str | None, nothing: bool, url: str | None, workflow: str | None, form: str
) -> None:
    """New runs start on REV, and runs that may migrate go there.

    Where no living worker runs it yet, runs stay with workers of the version they have.
    """
    if (revision is None) != nothing:
        raise click.UsageError("name a revision, or say --none")
    if revision is None:
        name, found = project.one_workflow(workflow), None
    else:
        name, found = project.resolve_one(revision, workflow)
    store = open_store(project, name, url)
    Router(store).prefer(found)
    _done(
        form,
        {"workflow": name, "preferred": found},
        f"{name}: no version is preferred."
        if found is None
        else f"{name}: {_named(store, found)} is preferred.",
    )


@route.command()
@click.argument("run")
@click.argument("revision", metavar="[REV]", required=False)
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def pin(
    project: Project, run: str, revision: str | None, url: str | None, workflow: str | None, form: str
) -> None:
    """Keep a run with workers of REV; without it, of the version that its state has.

    A run that is newer than REV is refused, unless a living worker of REV brings it down by itself: `downgrade` it first.
    """
    store = _holding(project, run, workflow, url)
    wanted = store.row(run).revision if revision is None else revision
    if wanted is None:
        raise click.UsageError("the run does not say which version it has: name a revision")
    found = Router(store).pin(run, wanted)
    _done(
        form,
        {"workflow": store.workflow, "run": run, "pinned": found},
        f"{store.workflow}: run {run} stays with workers of {_named(store, found or wanted)}.",
    )


@route.command()
@click.argument("run")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def unpin(project: Project, run: str, url: str | None, workflow: str | None, form: str) -> None:
    """Let a pinned run go again."""
    store = _holding(project, run, workflow, url)
    Router(store).pin(run, None)
    _done(
        form,
        {"workflow": store.workflow, "run": run, "pinned": None},
        f"{store.workflow}: run {run} is pinned no longer.",
    )


@route.command()
@click.argument("scope", type=click.Choice(SCOPES))
@click.argument("target", required=False, default="")
@click.option("--strategy", type=click.Choice(STRATEGIES), help="What becomes of those runs.")
@click.option("--to", "revision", metavar="REV", help="With migrate: the version, instead of the preferred.")
@click.option("--drop", is_flag=True, help="Forget the policy.")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def policy(
    project: Project,
    scope: Scope,
    target: str,
    strategy: Strategy | None,
    revision: str | None,
    drop: bool,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Say what is wanted for a scope: `workflow`, `class CLASS`, `step STEP` or `run RUN`.

    \b
    migrate  they go to the preferred version when they are taken
    route    they stay on the version they started on
    drain    they stay, and end there
    """
    if (strategy is None) != drop:
        raise click.UsageError("say --strategy, or --drop")
    store = open_store(project, project.one_workflow(workflow), url)
    made = Router(store).policy(scope, target, strategy, revision)
    about = f"{scope} {target}".strip()
    said = f"{store.workflow}: no policy for {about} any more." if made is None else None
    to = f" to {_named(store, made.revision)}" if made is not None and made.revision else ""
    _done(
        form,
        {"workflow": store.workflow, "policy": None if made is None else asdict(made)},
        said or f"{store.workflow}: {about}: {strategy}{to}.",
    )


@route.command()
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def show(project: Project, url: str | None, workflow: str | None, form: str) -> None:
    """Everything that was said, and the workers that live."""
    stores = open_stores(project, project.workflows(workflow), url)
    views = [(store, Router(store).view(), store.deploy.pins()) for store in stores]
    if form == "json":
        print_json(
            {
                "workflows": [
                    {
                        "workflow": store.workflow,
                        "preferred": view.preferred,
                        "policies": [asdict(each) for each in view.policies],
                        "pins": pins,
                        "draining": [each.revision for each in view.drains],
                        "workers": [{**asdict(each), "reads": sorted(each.reads)} for each in view.workers],
                    }
                    for store, view, pins in views
                ]
            }
        )
        return
    for store, view, pins in views:
        preferred = "no version" if view.preferred is None else _named(store, view.preferred)
        click.echo(f"{store.workflow}: {preferred} is preferred")
        rows: list[dict[str, Any]] = [
            {"about": f"{each.scope} {each.target}".strip(), "strategy": each.strategy, "to": each.revision}
            for each in view.policies
        ]
        rows += [
            {"about": f"version {each.revision}", "strategy": "drain", "to": None} for each in view.drains
        ]
        rows += [{"about": f"run {run}", "strategy": "pin", "to": to} for run, to in sorted(pins.items())]
        if rows:
            print_table(rows, ("about", "strategy", "to"), indent="  ")
        for each in view.workers:
            click.echo(f"  worker {each.name} runs {_named(store, each.revision)}")


def _holding(project: Project, run: str, workflow: str | None, url: str | None) -> FleetStore:
    """The store of the workflow that has the run."""
    names = project.workflows(workflow) or (project.one_workflow(workflow),)
    stores = open_stores(project, names, url)
    for store in stores[:-1]:
        try:
            store.row(run)
        except (RunNotFoundError, ForeignRevisionError):
            continue
        return store
    stores[-1].row(run)
    return stores[-1]


def _named(store: FleetStore, revision: str) -> str:
    if revision in store.migrator.known:
        return f"version {store.migrator.version(revision)} ({revision})"
    return f"{revision} (unknown here)"


def _done(form: str, content: dict[str, Any], text: str) -> None:
    if form == "json":
        print_json(content)
    else:
        click.echo(text)


def _as_json(store: FleetStore, found: Explanation) -> dict[str, Any]:
    decision = found.decision
    need = needed(store.migrator, decision, found.run.revision)[1] if decision.zombie else None
    return {
        "run": asdict(found.run),
        "rule": decision.rule,
        "strategy": decision.strategy,
        "revision": decision.revision,
        "wanted": decision.wanted,
        "why": decision.why,
        "taken_by": list(decision.taken_by),
        "zombie": decision.zombie,
        "need": need,
        "mode": found.mode,
        "preferred": found.preferred,
        "change_class": found.change_class,
    }


def _print(store: FleetStore, found: Explanation) -> None:
    run, decision = found.run, found.decision
    where = ", ".join(run.steps) or "no step"
    shape = "no known revision" if run.revision is None else _named(store, run.revision)
    click.echo(
        f"run {run.run_id} stands at {where}, its state is of {shape}, it started on {run.started_revision}"
    )
    goes = "any version that can read it" if decision.revision is None else _named(store, decision.revision)
    click.echo(f"  goes to    {goes}")
    click.echo(f"  rule       {decision.rule}: {decision.why}")
    if found.change_class is not None:
        click.echo(f"  change     {found.change_class}, on the way to {found.preferred}")
    if found.mode != "in place":
        click.echo(f"  written    {found.mode}")
    workers = ", ".join(decision.taken_by)
    if not workers:
        never = not store.deploy.workers(gone=True)
        workers = "unknown: no worker has said yet what it can run" if never else "nobody: it is a zombie"
    click.echo(f"  taken by   {workers}")
    if decision.zombie and store.deploy.workers(gone=True):
        click.echo(f"  needs      {needed(store.migrator, decision, run.revision)[1]}")
