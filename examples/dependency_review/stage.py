"""What the demo prints: numbered acts, commands, tables. Silent where only the summary is wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

WIDTH = 112


class Stage:
    def __init__(self, *, quiet: bool = False) -> None:
        terminal = Console(quiet=quiet, highlight=False)
        # A file or a pipe gets the same picture as a wide terminal.
        self.console = (
            terminal if terminal.is_terminal else Console(quiet=quiet, highlight=False, width=WIDTH)
        )
        self.acts = 0

    def act(self, title: str) -> None:
        self.acts += 1
        self.console.print(f"\n[bold]{self.acts}. {title}[/]")

    def say(self, text: str) -> None:
        self.console.print(text, soft_wrap=True)

    def command(self, text: str, output: str = "") -> None:
        self.console.print(f"[bold cyan]$ {text}[/]", soft_wrap=True)
        for line in output.strip().splitlines():
            self.console.print(f"  {line}", markup=False, style="dim", soft_wrap=True)

    def script(self, source: str) -> None:
        coloured = Syntax("", "python", theme="ansi_light").highlight(source.rstrip())
        self.console.print(coloured, soft_wrap=True)

    def standing(self, counts: Mapping[tuple[str, str], int], steps: Sequence[str]) -> None:
        """Where the runs stand: (step, status) -> how many, as one row per step, in this order."""
        columns = ("ready", "running", "waiting", "finished")
        rows: dict[str, list[str]] = {step: [""] * len(columns) for step in steps}
        for (step, status), count in counts.items():
            rows.setdefault(step, [""] * len(columns))[columns.index(status)] = str(count)
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column("step")
        for column in columns:
            table.add_column(column, justify="right")
        for step, cells in rows.items():
            table.add_row(step, *cells)
        self.console.print(table)

    def columns(self, title: str, heads: Sequence[str], rows: Sequence[tuple[str, Sequence[object]]]) -> None:
        """A table of numbers with one named row per line; a row named "" is a rule."""
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
        table.add_column(title)
        for head in heads:
            table.add_column(head, justify="right")
        for name, cells in rows:
            if name:
                table.add_row(name, *(str(cell) for cell in cells))
            else:
                table.add_section()
        self.console.print(table)
