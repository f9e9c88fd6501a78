"""What commands print: tables as aligned text or as JSON on stdout; notes and problems on stderr.

Nothing here ever gets to see the state of a run.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

C = TypeVar("C", bound=Callable[..., Any])


def format_option(command: C) -> C:
    """The option `--format` that every command with a table takes; the parameter is called `form`."""
    option = click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="How to print the result.",
    )
    return option(command)


def workflow_option(command: C) -> C:
    """The option `--workflow`; without it a command is about all of them."""
    return click.option("-w", "--workflow", metavar="NAME", help="Only this workflow.")(command)


def store_option(command: C) -> C:
    """The option `--store` of commands about stored runs; the parameter is called `url`."""
    text = "The database of the runs, instead of the configured one."
    return click.option("--store", "url", metavar="URL", help=text)(command)


def print_json(value: object) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, indent: str = "") -> None:
    """Rows under their column names, aligned; numbers to the right. None shows as a dash."""
    printed = [[_cell(row.get(column)) for column in columns] for row in rows]
    widths = [
        max([len(column), *(len(line[place]) for line in printed)]) for place, column in enumerate(columns)
    ]
    right = [bool(rows) and all(type(row.get(column)) is int for row in rows) for column in columns]
    lines: list[str] = []
    for line in [list(columns), *printed]:
        cells = [
            cell.rjust(width) if number else cell.ljust(width)
            for cell, width, number in zip(line, widths, right, strict=True)
        ]
        lines.append((indent + "  ".join(cells)).rstrip())
    click.echo("\n".join(lines))  # at once: one flush for thousands of lines


def _cell(value: object) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(map(str, value)) or "-"
        case _:
            return str(value)


def shown(path: Path) -> str:
    """A path as somebody in the working directory would write it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def complain(text: str) -> None:
    """Something that went differently than wished, on stderr."""
    click.echo(text, err=True)


@contextmanager
def progress(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """A progress bar on stderr where a person looks on, else nothing. The callable takes how many more are done."""
    if not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=total)
        yield lambda done: bar.advance(task, done)
