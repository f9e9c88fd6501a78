"""Is the chain what it was when it was frozen? Every edited, missing or added revision, named."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, assert_never

from statemig import json_text
from statemig.errors import EditedRevisionError, MissingRevisionError, RevisionError, StatemigError
from statemig.revisions import script as scripts
from statemig.revisions.frozen import Frozen
from statemig.revisions.graph import Graph
from statemig.revisions.heads import HeadsFile
from statemig.revisions.script import Header

if TYPE_CHECKING:
    from statemig.revisions.directory import Directory

Kind = Literal["edited", "missing", "added", "snapshot", "chain", "conflict", "broken", "import", "script"]
#: the cumulative digest frozen for a revision, None where there is none
Cumulative = Callable[[str], "str | None"]

_RESTORE = "Bring it back from version control"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it was frozen.

    ``edited``: the script does something else, or its header was changed. ``missing``: a script or its frozen
    snapshot is not there. ``added``: a script that was never frozen, or that no head stands on. ``snapshot``:
    the frozen snapshot was changed. ``chain``: the digests do not follow from each other. ``conflict``: two
    people added a revision. ``broken``: a file cannot be read. ``import``: the script imports the
    application. ``script``: an operation in it cannot be right.
    """

    kind: Kind
    revision: str | None
    message: str
    hint: str

    def __str__(self) -> str:
        named = "" if self.revision is None else f"revision {self.revision}: "
        end = "" if self.message.endswith("?") else "."
        return f"{named}{self.message}{end} {self.hint}"

    def error(self, workflow: str | None = None) -> RevisionError:
        """The same as an exception of the matching type."""
        match self.kind:
            case "edited" | "snapshot" | "chain" | "added":
                kind: type[RevisionError] = EditedRevisionError
            case "missing":
                kind = MissingRevisionError
            case "conflict" | "broken" | "import" | "script":
                kind = RevisionError
            case _:
                assert_never(self.kind)
        return kind(self.message, revision=self.revision, workflow=workflow, hint=self.hint)


def verify(directory: Directory, workflow: str) -> list[Problem]:
    """Every problem of a workflow's revisions, in the order of the chain where there is one."""
    everybody, broken = directory.scan()
    problems = [Problem("broken", None, error.message, error.hint or _RESTORE) for error in broken]
    headers: dict[str, Header] = {}
    for header in everybody:
        if header.workflow == workflow:
            other = headers.setdefault(header.revision, header)
            if other is not header:
                text = f"two scripts have this id: {other.file} and {header.file}"
                problems.append(Problem("added", header.revision, text, "Remove one of them"))
    try:
        written = directory.heads_file(workflow)
    except RevisionError as error:
        problems.append(Problem("broken", None, error.message, error.hint or _RESTORE))
        written = HeadsFile(())
    else:
        problems += problems_of_heads(
            headers, written, directory.cumulative, str(directory.heads_path(workflow))
        )
    problems += _missing_scripts(directory, workflow, headers, {header.revision for header in everybody})
    frozen_ids = _below(written.revisions, headers)
    for header in _in_order(headers, problems):
        source = directory.script_path(header.revision).read_bytes()
        try:
            tree = scripts.parse(source, header.file)
            frozen = directory.frozen(header.revision)
        except MissingRevisionError as error:
            # Below a head that was written down it was frozen once, so the file is gone; otherwise it never
            # was.
            if header.revision in frozen_ids:
                problems.append(Problem("missing", header.revision, error.message, _RESTORE))
            elif not any(it.kind == "added" and it.revision == header.revision for it in problems):
                problems.append(_added(header, frozen=False))
        except RevisionError as error:
            problems.append(Problem("broken", header.revision, error.message, error.hint or _RESTORE))
        else:
            changed = list(problems_of_revision(header, tree, frozen, directory.cumulative))
            problems += changed or _problems_of_script(directory, header)
    return _once_each(problems)


def _problems_of_script(directory: Directory, header: Header) -> Iterator[Problem]:
    """What a script says that cannot be right, line by line. Nothing where it cannot be held against what was before it."""
    try:
        found = directory.problems(header.revision)
    except MissingRevisionError:
        return  # named already
    except StatemigError as error:
        yield Problem("broken", header.revision, error.message, error.hint or _RESTORE)
        return
    for each in found:
        line = "" if each.line is None else f", line {each.line}"
        yield Problem(
            "script",
            header.revision,
            f"{header.file}{line}: {each.text}",
            f"Correct the script with `statemig edit {header.revision}`",
        )


def problems_of_revision(
    header: Header, tree: ast.Module, frozen: Frozen, cumulative: Cumulative
) -> Iterator[Problem]:
    """What is not as it was frozen in one revision: its header, its script, its snapshot, its place in the
    chain."""
    name = header.revision
    changed = [
        f"{field} was {was!r} and is {now!r}"
        for field, was, now in (
            ("revision", frozen.revision, name),
            ("down_revision", frozen.down_revisions, header.down_revisions),
            ("workflow", frozen.workflow, header.workflow),
            ("version", frozen.version, header.version),
        )
        if was != now
    ]
    accept = (
        f"{_RESTORE}; or, if no run has passed it yet, accept the edit with `statemig edit {name} --freeze`"
    )
    if changed:
        yield Problem("edited", name, f"the header of {header.file} was edited: {'; '.join(changed)}", accept)
    if scripts.digest(tree) != frozen.script_digest:
        text = f"{header.file} was edited: it does something else than when it was frozen"
        yield Problem("edited", name, text, accept)
    if json_text.digest(frozen.snapshot) != frozen.snapshot_digest:
        text = f"the frozen snapshot snapshots/{name}.json was edited"
        yield Problem("snapshot", name, text, f"{_RESTORE}: it says what is stored in runs of that time")
    below = [cumulative(parent) for parent in frozen.down_revisions]
    known = [digest for digest in below if digest is not None]
    if len(known) == len(below) and frozen.chained(known) != frozen.cumulative:
        text = f"the digests in snapshots/{name}.json do not follow from each other and from those below"
        yield Problem("chain", name, text, accept)
    for item in scripts.foreign_imports(tree):
        text = f"{header.file}, line {item.line} imports what is not frozen with it: {item.text}"
        yield Problem("import", name, text, scripts.FOREIGN_HINT)


def problems_of_heads(
    headers: Mapping[str, Header], written: HeadsFile, cumulative: Cumulative, file: str
) -> Iterator[Problem]:
    """Where the heads that were written down are not those that the scripts have."""
    if written.conflict is not None:
        upper, lower = (
            ", ".join(head.revision for head in side) or "none"
            for side in (written.conflict.upper, written.conflict.lower)
        )
        text = f"{file} holds a conflict: two people added a revision (heads {upper} and {lower})"
        yield Problem("conflict", None, text, "Put yours behind theirs with `statemig rebase`")
        return
    gone = [head.revision for head in written.heads if head.revision not in headers]
    for name in gone:
        yield Problem("missing", name, f"{file} names it as a head, and its script is not there", _RESTORE)
    if not written.heads and headers:
        text = f"{file} is missing or empty, and there are {len(headers)} revisions"
        yield Problem("missing", None, text, _RESTORE)
        return
    # Below what is gone nobody can tell what was added; but what was never frozen was.
    torn = bool(gone) or any(parent not in headers for it in headers.values() for parent in it.down_revisions)
    known = _below(written.revisions, headers)
    for name, header in headers.items():
        if name not in known:
            frozen = cumulative(name) is not None
            if not (torn and frozen):
                yield _added(header, frozen=frozen)
    for head in written.heads:
        digest = cumulative(head.revision)
        if digest is not None and head.revision in headers and digest != head.cumulative:
            text = f"its digest in {file} is not the one frozen with it: something it stands on was changed"
            yield Problem("chain", head.revision, text, _RESTORE)


def _added(header: Header, *, frozen: bool) -> Problem:
    name, file = header.revision, header.file
    if frozen:
        text = f"{file} was added, and the heads file does not know it, as after a conflict resolved by hand"
        return Problem("added", name, text, "Put it behind the head with `statemig rebase`, or remove it")
    text = f"{file} was added without statemig, or its writing was cut off: nothing is frozen of it"
    return Problem("added", name, text, "Remove the script and make it again with `statemig revision`")


def _missing_scripts(
    directory: Directory, workflow: str, headers: Mapping[str, Header], everybody: set[str]
) -> Iterator[Problem]:
    for header in headers.values():
        for parent in header.down_revisions:
            if parent not in headers:
                text = f"{header.file} follows it, and its script is not there"
                yield Problem("missing", parent, text, _RESTORE)
    for name in directory.frozen_revisions():
        if name in everybody:
            continue
        try:
            if directory.frozen(name).workflow == workflow:
                yield Problem("missing", name, "its snapshot is there, and its script is not", _RESTORE)
        except RevisionError as error:
            yield Problem("broken", name, error.message, error.hint or _RESTORE)


def _below(heads: Iterable[str], headers: Mapping[str, Header]) -> set[str]:
    """Everything that these heads stand on, as far as scripts are there to say so."""
    seen: set[str] = set()
    todo = [name for name in heads if name in headers]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += [parent for parent in headers[name].down_revisions if parent in headers]
    return seen


def _in_order(headers: Mapping[str, Header], problems: list[Problem]) -> list[Header]:
    try:
        return list(Graph(headers.values()))
    except MissingRevisionError:
        pass  # named already
    except RevisionError as error:
        problems.append(Problem("broken", error.revision, error.message, error.hint or _RESTORE))
    return list(headers.values())


def _once_each(problems: Iterable[Problem]) -> list[Problem]:
    """One message for each kind and revision: a missing script is noticed from several sides."""
    kept: dict[object, Problem] = {}
    for problem in problems:
        key = (problem.kind, problem.revision) if problem.kind in ("missing", "added") else problem
        kept.setdefault(key, problem)
    return list(kept.values())
