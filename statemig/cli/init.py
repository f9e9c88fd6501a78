"""`statemig init`: a configuration that works, and the folder for migrations."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import click

from statemig.cli.discovery import Found, find_workflows
from statemig.cli.output import format_option, plural, print_json
from statemig.cli.test_files import write_suite
from statemig.errors import ConfigError
from statemig.revisions.directory import Directory

PYPROJECT = "pyproject.toml"
OWN_FILE = "statemig.toml"
DEFAULT_STORE = "sqlite:///runs.db"


@click.command()
@click.option("--location", default="migrations", show_default=True, help="Folder for the migrations.")
@click.option(
    "--store", default=DEFAULT_STORE, show_default=True, help="URL of the database where runs are stored."
)
@click.option(
    "-w",
    "--workflow",
    "references",
    multiple=True,
    metavar="MODULE:NAME",
    help="A workflow in the code, for example app.flows:triage. Found by itself where it can be.",
)
@click.option(
    "--no-tests",
    is_flag=True,
    help="Do not write tests/test_migrations.py, which tries every law of every revision.",
)
@format_option
def init(location: str, store: str, references: tuple[str, ...], no_tests: bool, form: str) -> None:
    """Write a configuration, the folder for migrations, and a test file.

    The configuration goes into [tool.statemig] of a pyproject.toml that is there, else into statemig.toml. What is
    there already stays as it is. The test file tries every law of migrations on every revision, with pytest.
    """
    root = Path.cwd()
    existing = _configured(root)
    if existing is None:
        found = [Found(reference, None) for reference in references] or find_workflows(root)
        file = _write(root, location, store, [workflow.reference for workflow in found])
    else:
        found, file = [], existing[0]
        location = str(existing[1].get("script_location", location))
    folder = root / location
    complete = all((folder / part).is_dir() for part in ("heads", "versions", "snapshots"))
    Directory.create(folder)
    suite = None if no_tests or existing is not None else write_suite(root)
    if form == "json":
        print_json(
            {
                "configuration": str(file),
                "written": existing is None,
                "script_location": str(folder),
                "tests": None if suite is None else str(suite),
                "workflows": [{"reference": workflow.reference, "name": workflow.name} for workflow in found],
            }
        )
        return
    if existing is not None:
        click.echo(f"Already configured in {file.name}; it stays as it is.")
        click.echo("Nothing to do." if complete else f"Made {location}/.")
        return
    click.echo(f"Wrote the configuration to {file.name} and made {location}/.")
    if suite is not None:
        click.echo(
            f"Wrote tests/{suite.name}: `pytest` tries the laws of every revision (pip install 'statemig[test]')."
        )
    if not found:
        click.echo(
            f"No workflow was found in the code. Name yours in {file.name}: "
            'workflows = ["package.module:variable"]. It is a statemig.Workflow, or a pydantic model, TypedDict or '
            "dataclass that is the state."
        )
        return
    click.echo(f"Found {plural(len(found), 'workflow')}:")
    for workflow in found:
        click.echo(f"  {workflow.reference}" + (f" ({workflow.name})" if workflow.name else ""))
    click.echo('Next: statemig revision --autogenerate -m "first version"')


def _configured(root: Path) -> tuple[Path, dict[str, object]] | None:
    """The file in this folder that configures statemig already, and what it says."""
    for file in (root / OWN_FILE, root / PYPROJECT):
        if not file.is_file():
            continue
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"{file} is not TOML: {error}", hint="Correct it first; nothing was written."
            ) from None
        section = content if file.name == OWN_FILE else content.get("tool", {}).get("statemig")
        if section is not None:
            return file, section
    return None


def _write(root: Path, location: str, store: str, references: list[str]) -> Path:
    """Append the section to pyproject.toml, or write a file of its own. Returns which."""
    listed = "".join(f"\n    {json.dumps(reference)}," for reference in references)
    settings = (
        f"script_location = {json.dumps(location)}\n"
        "# What to freeze: MODULE:NAME of every workflow, as Python would import it from this folder.\n"
        f"workflows = [{listed}{chr(10) if listed else ''}]\n"
        "# Where the runs are. The environment variable STATEMIG_STORE goes before it.\n"
        f"store = {json.dumps(store)}\n"
    )
    pyproject = root / PYPROJECT
    if not pyproject.is_file():
        file = root / OWN_FILE
        file.write_text(settings, encoding="utf-8")
        return file
    before = pyproject.read_text(encoding="utf-8")
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    pyproject.write_text(f"{before}{gap}[tool.statemig]\n{settings}", encoding="utf-8")
    return pyproject
