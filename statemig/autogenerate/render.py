"""The script of a revision: what `statemig revision` writes, meant to look as if a careful person had."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path as FilePath
from typing import Final

from mako.template import Template

from statemig.autogenerate.built import Step
from statemig.autogenerate.change import Changes
from statemig.autogenerate.layout import WIDTH, statement
from statemig.autogenerate.message import default_message
from statemig.autogenerate.propose import Proposal
from statemig.autogenerate.rules import ChangeClass
from statemig.autogenerate.words import in_words
from statemig.errors import ConfigError
from statemig.operations.base import literal
from statemig.operations.fields import MoveField, RenameField

_TEMPLATE: Final = "revision.py.mako"
_INDENT: Final = 4


def render(
    *,
    revision: str,
    down_revision: str | tuple[str, ...] | None,
    workflow: str,
    version: int,
    message: str | None = None,
    proposal: Proposal | None = None,
    change_class: ChangeClass | None = None,
) -> str:
    """The text of a script, clean for `ruff check` and `ruff format` at 110 columns.

    Without a proposal `upgrade` is empty. `message` is the first line; without one it is made from the operations.
    """
    changes = proposal.changes if proposal is not None else Changes(())
    steps = proposal.steps if proposal is not None else ()
    text = template().render(
        docstring=_docstring(
            message or default_message([step.operation for step in steps], changes),
            [
                f"Revision ID: {revision}",
                f"Revises: {_revises(down_revision)}",
                f"Workflow: {workflow}, version {version - 1} -> {version}",
                f"Change class: {change_class or changes.change_class}",
            ],
            list(_sentences(steps)),
        ),
        revision=literal(revision),
        down_revision=literal(down_revision),
        workflow=literal(workflow),
        version=version,
        body="\n".join(_body(proposal)),
    )
    return str(text)


def template() -> Template:
    """The template in the wheel, or beside the package in a checkout."""
    packaged = resources.files("statemig") / "templates" / _TEMPLATE
    checkout = FilePath(__file__).resolve().parents[2] / "templates" / _TEMPLATE
    for place in (packaged, checkout):
        if place.is_file():
            # Plain text: nothing is escaped, and a line that ends in a backslash goes on as it is.
            return Template(text=place.read_text(encoding="utf-8"), strict_undefined=True)
    raise ConfigError(f"the template {_TEMPLATE} is not installed", hint="Install statemig again")


def _revises(down_revision: str | tuple[str, ...] | None) -> str:
    match down_revision:
        case None:
            return "base"
        case str():
            return down_revision
        case several:
            return ", ".join(several)


def _docstring(message: str, header: Sequence[str], sentences: Sequence[str]) -> str:
    """Without the quotes around it."""
    first = textwrap.wrap(_plain(message), WIDTH - 3) or ["revision"]
    lines = [*first, "", *map(_plain, header)]
    if sentences:
        lines += ["", "What changes:", ""]
        for sentence in sentences:
            lines += textwrap.wrap(
                _plain(sentence),
                WIDTH,
                initial_indent="- ",
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
    text = "\n".join(lines)
    return f" {text}" if text.startswith('"') else text


def _plain(text: str) -> str:
    """On one line, and nothing in it that ends or escapes a docstring."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split()).replace("\\", "\\\\").replace('"""', "'''")


def _sentences(steps: Sequence[Step]) -> Iterator[str]:
    for step in steps:
        shown = _before_and_after(step)
        yield step.operation.describe() + (f" ({shown})" if shown else "")


def _before_and_after(step: Step) -> str | None:
    """`state.summary: string -> state.digest: string`; nothing for steps, whose sentence says it all."""
    change, site = step.change, step.change.site
    if site is None or change.rule.startswith("W"):
        return None
    match change.rule:
        case "S12" | "S13" | "S14":
            plain = isinstance(step.operation, MoveField | RenameField) and not isinstance(site.detail, tuple)
            if site.old is None or not plain:
                return None  # one operation for several changes, or several for one
            after = in_words(site.new if site.new is not None else site.old)
            return f"{change.old}: {in_words(site.old)} -> {change.new}: {after}"
        case "S04" | "S05" | "S06":
            return f"absent -> {change.new}"
        case "S07" | "S08":
            return f"{change.old} -> absent"
        case "S09" | "S10":
            return f"absent or {change.old} -> {change.new}"
        case "S11":
            return f"{change.old} -> absent or {change.new}"
        case "S18" | "S20" | "S32" | "S33" | "S36" | "S47" | "S51" | "S52":
            return None  # the sentence names what is another now
        case _:
            return f"{change.old} -> {change.new}" if change.old != change.new else None


def _body(proposal: Proposal | None) -> Iterator[str]:
    steps = proposal.steps if proposal is not None else ()
    for step in steps:
        yield from statement(step.operation.source(), _INDENT, step.note)
    if not steps:
        yield " " * _INDENT + "pass"
    if proposal is not None and proposal.reasons:
        yield " " * _INDENT + "# Not covered yet:"
        for path, reason in proposal.reasons.items():
            yield from textwrap.wrap(
                f"{path}: {reason}" if path else reason,
                WIDTH,
                initial_indent=" " * _INDENT + "# - ",
                subsequent_indent=" " * _INDENT + "#   ",
                break_long_words=False,
                break_on_hyphens=False,
            )
