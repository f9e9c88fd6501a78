"""`statemig revision`: freeze the code as it is now, with a script that brings stored runs to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from statemig.autogenerate.change import Changes
from statemig.autogenerate.compare import diff
from statemig.autogenerate.propose import Proposal, propose
from statemig.autogenerate.render import render
from statemig.cli import exit_codes
from statemig.cli.chain import guarantee
from statemig.cli.output import complain, format_option, print_json, shown, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.renames import ask, parse_renames, refusal, somebody_is_there
from statemig.errors import ConfigError, OperationError, RevisionError
from statemig.revisions.directory import new_id
from statemig.workflow.snapshot import Snapshot

Renames = dict[str, str | None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A revision of one workflow before it is written. `head` is what it follows; None for the first one."""

    revision: str
    workflow: str
    head: str | None
    version: int
    before: Snapshot
    after: Snapshot
    changes: Changes
    history: tuple[Snapshot, ...] = ()
    proposal: Proposal | None = None

    @property
    def first(self) -> bool:
        return self.head is None


@click.command()
@click.option("-m", "--message", default=None, help="What changes, in a sentence; it begins the script.")
@click.option(
    "--autogenerate", is_flag=True, help="Fill the script with the operations that the change needs."
)
@click.option(
    "--rename",
    "renames",
    multiple=True,
    metavar="OLD:NEW",
    help="What became of a field or step: state.summary:digest, or state.summary: if it is really gone.",
)
@click.option("--rev-id", metavar="ID", help="The id of the revision, instead of a random one.")
@click.option(
    "--with-test", is_flag=True, help="Write a test of the revision into tests/, too; it is yours to change."
)
@workflow_option
@format_option
@pass_project
def revision(
    project: Project,
    message: str | None,
    autogenerate: bool,
    renames: tuple[str, ...],
    rev_id: str | None,
    with_test: bool,
    workflow: str | None,
    form: str,
) -> None:
    """Add a revision: a script, and the frozen snapshot of the code.

    With --autogenerate the code is compared with what the head froze. Where nothing changed no file is written. A field or
    step that may have been renamed is asked about; where nobody is there to answer, nothing is written, and the answer
    to pass is printed.
    """
    given = parse_renames(renames)
    if given and not autogenerate:
        raise click.UsageError("--rename needs --autogenerate.")
    captured = project.captured(workflow)
    if len(captured) > 1 and (rev_id is not None or not autogenerate):
        raise ConfigError(
            f"several workflows are configured: {', '.join(captured)}", hint="Say which one with --workflow."
        )
    drafts = [_draft(project, name, snapshot, rev_id or new_id()) for name, snapshot in captured.items()]
    if autogenerate:
        drafts = _propose(drafts, given)
    written: list[tuple[Draft, Path]] = []
    for draft in drafts:
        if not autogenerate or draft.first or draft.changes.change_class != "none":
            written.append((draft, _write(project, draft, message)))
    tests = {
        draft.workflow: _write_test(project, draft, path, message)
        for draft, path in written
        if with_test and not draft.first
    }
    unchanged = [draft.workflow for draft in drafts if draft.workflow not in {d.workflow for d, _ in written}]
    if form == "json":
        rows = [
            {
                **_as_json(draft, path),
                "guarantee": guarantee(project, draft.revision),
                "test": str(tests[draft.workflow]) if draft.workflow in tests else None,
            }
            for draft, path in written
        ]
        print_json({"written": rows, "unchanged": unchanged})
    else:
        for name in unchanged:
            click.echo(f"{name}: no change; nothing was written.")
        for draft, path in written:
            _print(draft, path)
            _print_guarantee(project, draft)
            if draft.workflow in tests:
                click.echo(f"  Wrote {shown(tests[draft.workflow])}, a test of it that is yours to change.")
    if any(draft.proposal is not None and draft.proposal.missing for draft, _ in written):
        raise SystemExit(exit_codes.INCOMPLETE)


def _draft(project: Project, workflow: str, code: Snapshot, revision: str) -> Draft:
    graph = project.directory.check_heads(workflow)
    head = graph.head
    frozen = Snapshot.empty(workflow) if head is None else project.directory.snapshot(head)
    if frozen is None:
        raise RevisionError(
            "it was frozen without a snapshot, so there is nothing to compare the code with",
            workflow=workflow,
            revision=head,
            hint=f"Freeze the code with it: statemig edit {head} --freeze --code",
        )
    version = graph.next_version([] if head is None else [head])
    history = project.history(workflow, head)
    return Draft(
        revision, workflow, head, version, frozen, code, diff(frozen, code, history=history), history
    )


def _propose(drafts: list[Draft], given: Renames) -> list[Draft]:
    """Fill in what every workflow needs, with all questions answered. Writes nothing; exits where nobody answers."""
    proposed: list[Draft] = []
    unused = dict(given)
    for draft in drafts:
        if draft.first or draft.changes.change_class == "none":
            proposed.append(draft)  # the first one has no older runs to bring along
            continue
        own, proposal = _propose_one(draft, given, alone=len(drafts) == 1)
        for path in own:
            unused.pop(path, None)
        while proposal.questions and somebody_is_there():
            own = {**own, **ask(draft.workflow, proposal.questions)}
            proposal = propose(draft.before, draft.after, own, draft.history)
        proposed.append(replace(draft, changes=proposal.changes, proposal=proposal))
    if unused:
        raise OperationError(
            f"no workflow that changed has a field or step {', '.join(unused)} to rename",
            problems=list(unused),
        )
    open_questions = [
        (draft.workflow, draft.proposal.questions)
        for draft in proposed
        if draft.proposal is not None and draft.proposal.questions
    ]
    if open_questions:
        complain(refusal(open_questions))
        raise SystemExit(exit_codes.QUESTION)
    return proposed


def _propose_one(draft: Draft, given: Renames, *, alone: bool) -> tuple[Renames, Proposal]:
    """With several workflows, a rename is for those that have the old name."""
    try:
        return given, propose(draft.before, draft.after, given, draft.history)
    except OperationError as error:
        own = {path: new for path, new in given.items() if path not in error.problems}
        if alone or len(own) == len(given):
            raise
        return own, propose(draft.before, draft.after, own, draft.history)


def _write(project: Project, draft: Draft, message: str | None) -> Path:
    """Write script, snapshot and head. Returns the path of the script."""
    text = render(
        revision=draft.revision,
        down_revision=draft.head,
        workflow=draft.workflow,
        version=draft.version,
        message=message or ("first version" if draft.first else None),
        proposal=draft.proposal,
        change_class="none" if draft.first else draft.changes.change_class,
    )
    first_line = text.partition("\n")[0].strip('" ')
    path = project.directory.write(
        draft.revision, draft.head, draft.workflow, draft.version, first_line, text, draft.after
    )
    if draft.proposal is not None or draft.first:
        _prove(project, draft)
    return path


def _write_test(project: Project, draft: Draft, script: Path, message: str | None) -> Path:
    from statemig.cli.test_files import write_test

    assert draft.head is not None
    config = project.config
    return write_test(
        config.root,
        config.script_location,
        workflow=draft.workflow,
        below=draft.head,
        revision=draft.revision,
        message=message or "",
        stem=script.stem,
    )


def _prove(project: Project, draft: Draft) -> None:
    """Freeze the verdict on what was written."""
    from statemig.proof.prove import freeze, prove_revision

    loaded = project.directory.load(draft.revision)
    freeze(project.directory, draft.revision, prove_revision(loaded, project.directory.snapshot))


def _print_guarantee(project: Project, draft: Draft) -> None:
    if draft.first or draft.proposal is None or draft.proposal.missing:
        return
    if guarantee(project, draft.revision) == "proven":
        click.echo("  Proven: every state that may be stored becomes one that the new version reads.")
    else:
        click.echo(f"  Not proven for every state: `statemig verify {draft.revision}` says what is open.")


def _as_json(draft: Draft, path: Path) -> dict[str, Any]:
    proposal = draft.proposal
    return {
        "workflow": draft.workflow,
        "revision": draft.revision,
        "version": draft.version,
        "down_revision": draft.head,
        "script": str(path),
        "change_class": draft.changes.change_class,
        "operations": [] if proposal is None else [operation.to_dict() for operation in proposal.operations],
        "complete": proposal is None or proposal.complete,
        "missing": [] if proposal is None else list(proposal.missing),
        "reasons": {} if proposal is None else dict(proposal.reasons),
        "renames": [] if proposal is None else [list(rename) for rename in proposal.renames],
        "removed": [] if proposal is None else [list(pair) for pair in proposal.removed],
        "assumed": [] if proposal is None else [list(pair) for pair in proposal.assumed],
    }


def _print(draft: Draft, path: Path) -> None:
    click.echo(f"{draft.workflow}: wrote version {draft.version}, {shown(path)}")
    proposal = draft.proposal
    if draft.first:
        click.echo("  It freezes the code as it is; there are no older runs to bring along.")
        return
    if proposal is None:
        click.echo("  Its upgrade is empty: write the operations, then `statemig edit --freeze`.")
        return
    if not proposal.operations and not proposal.missing:
        click.echo(f"  {draft.changes.change_class}: no stored run changes.")
    for operation in proposal.operations:
        click.echo(f"  {operation.source()}")
    for old, new, score in proposal.renames:
        click.echo(
            f"  Taken for a rename: {old} -> {new} (similarity {score:.2f}). If it is not: --rename {old}:"
        )
    for gone, beside in proposal.removed:
        click.echo(f"  Removed: {gone}. If it is {' or '.join(beside)} now: --rename {gone}:{beside[0]}")
    if proposal.assumed:
        click.echo("  Values that nobody has stated; look whether they are right:")
        for where, value in proposal.assumed:
            # Of a step it is a piece of the script, of a field a value.
            click.echo(f"    {where}: {value if where.startswith('steps.') else repr(value)}")
    if proposal.missing:
        complain("  The script is not complete. Missing:")
        for where in proposal.missing:
            complain(f"    {where}: {proposal.reasons.get(where, '')}".rstrip(": "))
        complain("  Write what is missing into the script, then run `statemig edit --freeze`.")
