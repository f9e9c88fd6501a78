"""`statemig rehearse`: would every live run get to the new version, and back?"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import click

from statemig.cli import exit_codes
from statemig.cli.output import format_option, plural, print_json, progress, store_option, workflow_option
from statemig.cli.project import Project, is_relative, pass_project
from statemig.cli.stored import open_stores, pass_store_errors, with_code
from statemig.errors import ConfigError
from statemig.fleet.rehearsal import Group, Rehearsal
from statemig.fleet.rehearse import Progress
from statemig.fleet.rehearse import rehearse as try_all
from statemig.fleet.resume import Step
from statemig.store.protocols import FleetStore

_IDS: Final = 5
_WIDE: Final = 200

_COUNTS: Final = {
    "fine": "migrated, valid, can go on, and brought back exactly",
    "current": "at that version already",
    "stays": "left where they are, because a pin or the script says so",
    "failed": "would not get there",
    "newer": "of a revision from which it can not be reached",
}


@click.command()
@click.argument("revision", metavar="[REV]", default="head")
@click.option("--all", "everything", is_flag=True, help="Every live run; this is what happens anyway.")
@click.option(
    "--sample", type=click.IntRange(min=1), metavar="N", help="So many, of every version and standing."
)
@click.option(
    "--workers", type=click.IntRange(min=1), metavar="N", help="Processes; one per core unless told."
)
@click.option(
    "--steps",
    "reference",
    metavar="MODULE:NAME",
    help="A mapping of step names to functions of a run: copies of the runs are resumed with them.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Another one draws another sample.")
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def rehearse(
    project: Project,
    revision: str,
    everything: bool,
    sample: int | None,
    workers: int | None,
    reference: str | None,
    seed: int,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Try the migration of every live run in memory, and write nothing.

    Each is validated at its own revision, migrated, and validated again unless a proof covers that; it has to stand on a step that is
    there, with its inputs, its joins and an end in reach; who was asked has to be asked the same still; and brought down again it has to
    be what it was. Failures are grouped by reason, with the ids of the runs and the form of one of them, without contents. With --steps a
    copy of each run goes on in memory.

    Exit code 17: some would not get there.
    """
    if everything and sample is not None:
        raise click.UsageError("--all is every run, and --sample some of them: say one")
    steps = None if reference is None else load_steps(reference)
    chosen = targets(project, revision, workflow, url)
    found = [one(store, to, sample=sample, workers=workers, steps=steps, seed=seed) for store, to in chosen]
    if form == "json":
        print_json({"workflows": [each.to_dict() for each in found]})
    else:
        for (store, _), each in zip(chosen, found, strict=True):
            print_rehearsal(store, each)
    if not all(each.ok for each in found):
        raise SystemExit(exit_codes.UNFIT)


def targets(
    project: Project, revision: str, workflow: str | None, url: str | None
) -> list[tuple[FleetStore, str]]:
    """The stores that a command is about, each with the full id of the revision."""
    if is_relative(revision):
        names = project.workflows(workflow) or (project.one_workflow(workflow),)
    else:
        names = (project.resolve_one(revision, workflow)[0],)
    stores = [with_code(project, store) for store in open_stores(project, names, url)]
    return [(store, store.migrator.resolve(revision)) for store in stores]


def one(
    store: FleetStore,
    to: str,
    *,
    sample: int | None,
    workers: int | None,
    steps: Mapping[str, Step] | None,
    seed: int = 0,
) -> Rehearsal:
    """A rehearsal with a progress bar: processes are forked before its thread is."""
    with watched(store, to) as watch:
        return try_all(store, to, sample=sample, workers=workers, steps=steps, seed=seed, progress=watch)


@contextmanager
def watched(store: FleetStore, to: str) -> Iterator[Progress]:
    """A progress bar that is there from the first runs on, for `rehearse`."""
    with ExitStack() as stack:
        advance: Callable[[int], None] | None = None
        before = 0

        def watch(done: int, total: int | None) -> None:
            nonlocal advance, before
            if advance is None:
                title = f"{store.workflow}: rehearsing version {store.migrator.version(to)}"
                advance = stack.enter_context(progress(title, total or _live(store)))
            advance(done - before)
            before = done

        yield watch


def _live(store: FleetStore) -> int:
    return sum(count for _, status, count in store.revisions() if status == "active")


def load_steps(reference: str) -> Mapping[str, Step]:
    """The mapping that ``module:name`` is. Raises `ConfigError`."""
    module, colon, name = reference.partition(":")
    hint = "Write --steps package.module:STEPS, where STEPS = {'classify': function, ...}"
    if not colon or not module or not name:
        raise ConfigError(f"{reference!r} names no mapping of steps", hint=hint)
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"{reference!r} can not be imported: {error}", hint=hint) from error
    if not isinstance(found, Mapping) or not all(callable(each) for each in found.values()):
        raise ConfigError(f"{reference!r} is no mapping of step names to functions", hint=hint)
    return found


def print_rehearsal(store: FleetStore, done: Rehearsal) -> None:
    """The counts, then each group with what to do, some ids, and the form of one run."""
    place = f"version {store.migrator.version(done.to)} ({done.to})"
    if done.sampled and done.total is not None and done.total > done.runs:
        what = f"a sample of {done.runs:,} of {plural(done.total, 'live run')}"
    else:
        what = plural(done.runs, "live run")
    click.echo(f"{done.workflow} to {place}: {what} tried in memory; nothing was written")
    for name, meaning in _COUNTS.items():
        count = getattr(done, name)
        if count:
            click.echo(f"  {count:>9,}  {meaning}")
    if done.resumed:
        stopped = f", {done.stopped:,} of them up to a step without a function" if done.stopped else ""
        click.echo(f"  {done.resumed:>9,}  resumed in memory{stopped}")
    for group in done.groups:
        _print_group(store, group)


def _print_group(store: FleetStore, group: Group) -> None:
    trouble = group.trouble
    known = group.from_revision in store.migrator.known and group.from_revision is not None
    version = f"version {store.migrator.version(group.from_revision or '')}" if known else "no known version"
    where = "".join(
        f", {name} {value}"
        for name, value in (
            ("revision", trouble.revision),
            ("operation", trouble.operation),
            ("step", trouble.step),
            ("path", trouble.path),
        )
        if value
    )
    sign = {"fails": "", "stays": " (stays)", "note": " (no failure)"}[group.weight]
    click.echo(f"{trouble.finding}{sign}: {plural(group.count, 'run')} of {version}{where}")
    click.echo(f"  {trouble.reason}")
    if trouble.hint:
        click.echo(f"  {trouble.hint}")
    more = f" and {group.count - _IDS:,} more" if group.count > _IDS else ""
    click.echo(f"  runs    {', '.join(group.run_ids[:_IDS])}{more}")
    if group.example is not None:
        click.echo(f"  before  {shown(group.example.before, trouble.path)}")
        if group.example.after is not None:
            click.echo(f"  after   {shown(group.example.after, trouble.path)}")


def shown(document: dict[str, Any], path: str | None) -> str:
    """A redacted document in one line: where it stands, and the part that the trouble is about."""
    first = (path or "").split(".")[0].split("[")[0]
    parts = {part: document[part] for part in ("cursor", first) if document.get(part)}
    text = json.dumps(parts, ensure_ascii=False, separators=(", ", ": "))
    return text if len(text) <= _WIDE else text[: _WIDE - 3] + "..."
