"""What became of a field or step: said with `--rename`, asked where a person is there, refused otherwise."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence

import click

Question = tuple[str, Sequence[tuple[str, float]]]

_REMOVED = "removed"


def parse_renames(given: Iterable[str]) -> dict[str, str | None]:
    """`OLD:NEW` as a rename, `OLD:` as a removal. Raises `click.BadParameter`, naming every one that is neither."""
    renames: dict[str, str | None] = {}
    problems: list[str] = []
    for text in given:
        old, colon, new = (part.strip() for part in text.rpartition(":"))
        if not colon or not old:
            problems.append(
                f"{text!r} is not OLD:NEW, for example state.summary:digest, or state.summary: if it is gone"
            )
        elif old in renames:
            problems.append(f"{old} is renamed twice")
        else:
            renames[old] = new or None
    if problems:
        raise click.BadParameter("; ".join(problems), param_hint="'--rename'")
    return renames


def somebody_is_there() -> bool:
    """Whether questions can be asked."""
    return sys.stdin.isatty()


def ask(workflow: str, questions: Sequence[Question]) -> dict[str, str | None]:
    """Ask what became of each old name; None means that it is gone."""
    answers: dict[str, str | None] = {}
    for old, candidates in questions:
        free = [(new, score) for new, score in candidates if new not in answers.values()]
        if candidates and not free:
            continue  # what it may have become is taken by now: comparing again decides
        click.echo(f"\n{workflow}: what became of {old}?", err=True)
        for number, (new, score) in enumerate(free, 1):
            click.echo(f"  {number}  renamed to {new} (similarity {score:.2f})", err=True)
        click.echo(f"  {len(free) + 1}  {_REMOVED}", err=True)
        choice: int = click.prompt("Which", type=click.IntRange(1, len(free) + 1), err=True)
        answers[old] = free[choice - 1][0] if choice <= len(free) else None
    return answers


def refusal(open_questions: Sequence[tuple[str, Sequence[Question]]]) -> str:
    """Why nothing was written, and exactly what to pass. `open_questions`: (workflow, its questions)."""
    lines = ["Nothing was written: these may be renames, and nobody is there to say."]
    for workflow, questions in open_questions:
        for old, candidates in questions:
            lines.append(f"  {workflow}: {old} is gone. Pass one of")
            for new, score in candidates:
                lines.append(f"    --rename {shlex.quote(f'{old}:{new}')}    (similarity {score:.2f})")
            lines.append(f"    --rename {shlex.quote(f'{old}:')}    (really removed)")
    lines.append("Then run the same command again with them.")
    return "\n".join(lines)
