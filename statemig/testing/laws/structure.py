"""Laws of a chain of revisions, as files and snapshots. They need no state, and no hypothesis; each raises `AssertionError` in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemig.errors import StatemigError
from statemig.revisions.directory import Directory

if TYPE_CHECKING:
    from statemig.workflow.snapshot import Snapshot


class Broken(AssertionError):
    """A law of structure that does not hold."""


def single_head(directory: Directory, workflow: str) -> None:
    """The workflow has one newest revision."""
    heads = directory.graph(workflow).heads
    if len(heads) > 1:
        raise Broken(
            f"{workflow} has {len(heads)} heads: {', '.join(heads)}. Two people added a revision; "
            "`statemig rebase` puts yours behind theirs"
        )


def revisions_import_and_link(directory: Directory, revision: str) -> None:
    """The script can be run, follows a revision that is there, and says nothing that cannot be right."""
    try:
        header = directory.header(revision)
        directory.graph(header.workflow)
        directory.load(revision).operations  # noqa: B018
    except StatemigError as error:
        raise Broken(str(error)) from error
    said = directory.problems(revision)
    if said:
        raise Broken("the script cannot be right:\n" + "\n".join(f"  - {each}" for each in said))


def snapshot_matches_code(directory: Directory, workflow: str, code: Snapshot) -> None:
    """The head froze what the code says now. Tells the operations that the next revision would need."""
    from statemig.autogenerate.propose import propose

    heads = directory.graph(workflow).heads
    frozen = directory.snapshot(heads[0]) if len(heads) == 1 else None
    if frozen is None:
        return
    proposal = propose(frozen, code)
    if proposal.changes.change_class == "none":
        return
    lines = [f"the code of {workflow} has changes that no revision covers ({proposal.changes.change_class})."]
    if proposal.operations:
        lines += ["missing operations:", *(f"  {each.source()}" for each in proposal.operations)]
    if proposal.missing:
        lines += [
            "not decided:",
            *(f"  {path}: {proposal.reasons.get(path, '')}" for path in proposal.missing),
        ]
    raise Broken("\n".join([*lines, "Run `statemig revision --autogenerate`"]))


def snapshots_are_valid(directory: Directory, revision: str) -> None:
    """The snapshot is as it was frozen, and its schemas are JSON Schemas."""
    import jsonschema_rs

    from statemig.shapes import json_schema

    workflow = directory.header(revision).workflow
    problems = [str(each) for each in directory.verify(workflow) if each.revision == revision]
    try:
        snapshot = directory.snapshot(revision)
    except StatemigError as error:
        raise Broken(str(error)) from error
    if snapshot is not None:
        for side in ("writes", "reads"):
            written = json_schema.write(getattr(snapshot, side))
            if not jsonschema_rs.meta.is_valid(written):
                problems.append(f"what the snapshot says of `{side}` is no JSON Schema")
    if problems:
        raise Broken("\n".join(problems))


def proof(directory: Directory, revision: str) -> str | None:
    """The revision is not refuted: no document was found that goes wrong. Returns why it is not proved, where it is not."""
    from statemig.proof.prove import prove_revision

    verdict = prove_revision(directory.load(revision), directory.snapshot)
    findings = [*verdict.up.findings, *verdict.cursor.findings]
    if verdict.answer == "refuted":
        said = "\n".join(f"  - {each.message}" for each in findings)
        raise Broken(
            f"refuted by a document that was run:\n{said}\n`statemig verify {revision} --show-values` shows it"
        )
    return None if verdict.answer == "proved" else "; ".join(each.message for each in findings[:3])
