"""The command `statemig`. Families of commands are imported when one of them is used, so that `--help` is fast."""

from __future__ import annotations

import importlib
from typing import Any, Final, NamedTuple

import click

from statemig import __version__
from statemig.cli import exit_codes
from statemig.errors import StatemigError


class Entry(NamedTuple):
    """Where a command lives, and its line in `statemig --help`, which is shown without importing it."""

    module: str
    help: str


COMMANDS: Final[dict[str, Entry]] = {
    "init": Entry("init", "Write a configuration, the folder for migrations, and a test file."),
    "revision": Entry("revision", "Add a revision: a script, and the frozen snapshot of the code."),
    "diff": Entry("diff", "Compare two versions, and classify the change."),
    "check": Entry("check", "Are the revisions intact, and is the code what the head froze?"),
    "verify": Entry("verify", "Is a revision right for every state?"),
    "test": Entry("test", "Try the laws of a revision, on generated states or on one."),
    "corpus": Entry("corpus", "Record states, list them, and try them again."),
    "mutate": Entry("mutate", "Are the project's tests any good?"),
    "rules": Entry("rules", "List the rules that classify a change, or explain one of them."),
    "history": Entry("chain", "List the revisions, newest first."),
    "heads": Entry("chain", "Show the head of each workflow."),
    "branches": Entry("chain", "Show the revisions that more than one other follows."),
    "show": Entry(
        "chain", "Show one revision: what it says, what it does, what can not be right in it, and its script."
    ),
    "edit": Entry("chain_changes", "Change a revision's script, and freeze it again."),
    "rebase": Entry("chain_changes", "Put my revisions behind those of somebody else."),
    "upgrade": Entry("runs", "Bring the stored runs up to a revision."),
    "downgrade": Entry("runs", "Bring the stored runs back to a revision, exactly."),
    "current": Entry("current", "Count the stored runs by revision."),
    "stamp": Entry("runs", "Say which revision stored runs have, without changing them."),
    "runs": Entry("runs_inventory", "Which runs are in flight, where they stand, and which nobody can take."),
    "gate": Entry("gate", "The checklist before REV is deployed, ticked."),
    "rehearse": Entry("rehearse", "Try the migration of every live run in memory, and write nothing."),
    "route": Entry("route", "Say which version runs a run, and ask why."),
    "drain": Entry("drain", "Start no new runs of a version, and watch the others end."),
    "deploy": Entry("deploy", "Open and close the window in which two versions share the runs."),
    "canary": Entry("canary", "Send a small share of the runs to a new version first."),
    "watch": Entry("watch", "Does more go wrong on the new version than on the old one?"),
    "abort": Entry("abort", "Undo a deploy: bring the runs back, or pin them to the new version."),
    "retire": Entry(
        "retire",
        "Refuse a version that nothing needs any more, and erase what was kept for the way back to it.",
    ),
}


class ShownError(click.ClickException):
    """An error of statemig as the command line shows it: one paragraph on stderr, no traceback."""

    exit_code = exit_codes.ERROR

    def __init__(self, error: StatemigError) -> None:
        super().__init__(str(error))
        self.problems = [problem_line(problem) for problem in getattr(error, "problems", ())]

    def show(self, file: Any = None) -> None:
        click.echo(f"Error: {self.message}", file=file, err=file is None)
        for line in self.problems:
            if line not in self.message:
                click.echo(f"  - {line}", file=file, err=file is None)


def problem_line(problem: object) -> str:
    """One of an error's `problems`: a sentence, or (path, what was expected)."""
    return ": ".join(map(str, problem)) if isinstance(problem, tuple) else str(problem)


class LazyGroup(click.Group):
    """A group that knows the names and help lines of its commands, and imports one when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        family = importlib.import_module(f"statemig.cli.{entry.module}")
        command = getattr(family, cmd_name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Exit codes"):
            formatter.write_dl([(str(code), meaning) for code, meaning in exit_codes.MEANINGS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StatemigError as error:
            raise ShownError(error) from error
        except OSError as error:
            if error.filename is None:
                raise  # a closed pipe and the like: click knows what to do
            raise click.FileError(str(error.filename), error.strerror) from error


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="statemig")
@click.option(
    "-c",
    "--config",
    metavar="FILE",
    help="The configuration: a statemig.toml or pyproject.toml. Found from the current folder upwards unless given.",
)
@click.pass_context
def cli(ctx: click.Context, config: str | None) -> None:
    """Migrations for the state of runs: runs that are parked survive a new version."""
    ctx.obj = config


def main() -> None:
    """Entry point of the console script."""
    cli(prog_name="statemig")
