"""`statemig` itself: help without imports, every command where the table says, errors as one paragraph."""

import importlib
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from statemig import __version__
from statemig.cli import exit_codes
from statemig.cli.main import COMMANDS, ShownError, cli
from statemig.errors import InvalidStateError, OperationError


def test_help_imports_nothing_heavy() -> None:
    code = "import sys\nfrom statemig.cli.main import cli\ncli(['--help'], standalone_mode=False)\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not {"sqlalchemy", "pydantic", "importlib.metadata", "rich", "mako", "orjson"} & loaded
    assert not {name for name in loaded if name.startswith("statemig.cli.")} - {
        "statemig.cli.main",
        "statemig.cli.exit_codes",
    }


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_where_the_table_says_and_its_help_begins_alike(name: str) -> None:
    command = getattr(importlib.import_module(f"statemig.cli.{COMMANDS[name].module}"), name)
    assert isinstance(command, click.Command)
    assert command.name == name
    assert command.help is not None
    # The first sentence may go on after a semicolon; the table has what fits in a line.
    assert command.help.startswith(COMMANDS[name].help.removesuffix("."))


def test_the_exit_codes_are_distinct_and_in_the_help() -> None:
    codes = [value for name, value in vars(exit_codes).items() if name.isupper() and type(value) is int]
    assert len(codes) == len(set(codes)) == len(exit_codes.MEANINGS)
    shown = CliRunner().invoke(cli, ["--help"], terminal_width=200).output
    for code, meaning in exit_codes.MEANINGS.items():
        assert f"  {code:<4}{meaning}" in shown


def test_the_version() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output == f"statemig, version {__version__}\n"


def test_an_unknown_command_is_a_usage_error_that_names_a_close_one() -> None:
    result = CliRunner().invoke(cli, ["upgrad"])
    assert result.exit_code == exit_codes.USAGE
    assert "No such command 'upgrad'" in result.stderr


def test_an_error_shows_every_problem_once(capsys: pytest.CaptureFixture[str]) -> None:
    ShownError(
        OperationError("2 operations are wrong", problems=["a is not there", "b is not a list"])
    ).show()
    assert capsys.readouterr().err == (
        "Error: 2 operations are wrong\n  - a is not there\n  - b is not a list\n"
    )


def test_the_problems_of_a_state_are_paths_and_what_was_expected(capsys: pytest.CaptureFixture[str]) -> None:
    error = InvalidStateError("it does not fit", problems=[("state.a", "a string")], run_id="r1")
    ShownError(error).show()
    assert capsys.readouterr().err == "Error: run r1: it does not fit\n  - state.a: a string\n"


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "migrations").write_text("in the way")
    result = CliRunner().invoke(cli, ["init"])
    assert result.exit_code == exit_codes.ERROR
    assert "migrations" in result.stderr
    assert "Error: " in result.stderr


def test_a_configuration_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(cli, ["init"]).exit_code == 0
    monkeypatch.chdir("/")
    result = CliRunner().invoke(cli, ["-c", str(tmp_path / "statemig.toml"), "history", "--format", "json"])
    assert (result.exit_code, result.stdout) == (0, "[]\n")


def test_a_configuration_that_is_not_there_is_named() -> None:
    result = CliRunner().invoke(cli, ["-c", "nowhere.toml", "history"])
    assert result.exit_code == exit_codes.ERROR
    assert "there is no configuration file" in result.stderr
