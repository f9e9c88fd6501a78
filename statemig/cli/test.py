"""`statemig test`: try the laws of a revision, on generated states or on one that was given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from statemig import json_text
from statemig.cli import exit_codes
from statemig.cli.output import format_option, plural, print_json, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.errors import ConfigError, SchemaError

if TYPE_CHECKING:
    from statemig.testing.case import Case
    from statemig.testing.violation import Violation


def given_document(state: str | None, run: str | None) -> dict[str, Any] | None:
    """The run document of ``--state`` or ``--run``: JSON, or ``@file``. Raises `click.UsageError`."""
    if state is not None and run is not None:
        raise click.UsageError("Give --state or --run, not both.")
    text = state if state is not None else run
    if text is None:
        return None
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    try:
        value = json_text.loads(text)
    except ValueError as error:
        raise click.UsageError(f"that is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise click.UsageError("a state is a JSON object.")
    from statemig.document import new_document

    return value if run is not None else new_document(value)


@click.command()
@click.argument("revision", metavar="[REV]", default="head")
@click.option(
    "--state",
    metavar="JSON|@FILE",
    help="Try this state (of the version before REV) instead of generated ones.",
)
@click.option(
    "--run", metavar="JSON|@FILE", help="The same with a whole run document: state, cursor, outputs, pending."
)
@click.option("--law", "only", metavar="NAME", help="Only this law.")
@click.option(
    "--examples", type=click.IntRange(1), default=100, show_default=True, help="How many states to generate."
)
@click.option("--seed", type=int, help="Generate the same states as with this seed before.")
@click.option(
    "--show-values/--hide-values",
    default=None,
    help="Print values of states; by default those of generated and given ones.",
)
@workflow_option
@format_option
@pass_project
def test(
    project: Project,
    revision: str,
    state: str | None,
    run: str | None,
    only: str | None,
    examples: int,
    seed: int | None,
    show_values: bool | None,
    workflow: str | None,
    form: str,
) -> None:
    """Try the laws of a revision, on generated states or on one.

    The states are those of the version before REV (of REV itself for laws of the way down). What is recorded in corpus/ is
    tried first. A law that does not hold is told with the smallest state that shows it, what changes, and the operation that
    last touched the place.

    Exit code 8: a law does not hold.
    """
    from statemig.migrator import Migrator
    from statemig.testing.case import cases
    from statemig.testing.laws.registry import DATA

    if only is not None and only not in DATA:
        raise click.UsageError(f"there is no law {only!r}; there are: {', '.join(DATA)}")
    document = given_document(state, run)
    name, found = project.resolve_one(revision, workflow)
    migrator = Migrator(project.config.script_location, workflow=name)
    corpus = project.config.root / "corpus"
    chosen = [case for case in cases(migrator, corpus) if case.revision == found]
    if not chosen:
        raise ConfigError(
            f"revision {found} follows none that has a snapshot, so there are no states to try",
            hint="Freeze the one before it: statemig edit REV --freeze --code",
        )
    laws = [only] if only else [each for each in DATA if each not in ("head_model_loads", "corpus_upgrades")]
    tried, broken = _try(laws, chosen, document, examples, seed)
    if form == "json":
        print_json([_as_json(*each) for each in tried])
    else:
        for law, case, count, violation in tried:
            if violation is None:
                click.echo(f"{law:24} {case.model:16} holds  ({plural(count, 'state')})")
        for violation in broken:
            if show_values is not None:
                violation.shown = show_values
            click.echo(f"\n{violation}")
    if broken:
        raise SystemExit(exit_codes.REFUTED)


def _try(
    laws: list[str], chosen: list[Case], document: dict[str, Any] | None, examples: int, seed: int | None
) -> tuple[list[tuple[str, Case, int, Violation | None]], list[Violation]]:
    from statemig.testing.laws.registry import law
    from statemig.testing.profiles import PROFILES
    from statemig.testing.violation import Violation

    tried: list[tuple[str, Case, int, Violation | None]] = []
    for name in laws:
        for case in chosen if document is None else chosen[:1]:
            try:
                if document is not None:
                    law(name)(case, document)
                    count = 1
                else:
                    count = _generated(name, case, examples, seed, PROFILES["dev"])
            except Violation as violation:
                if document is not None:
                    violation.origin = "the given state"
                tried.append((name, case, violation.examples, violation))
            else:
                tried.append((name, case, count, None))
    return tried, [each[3] for each in tried if each[3] is not None]


def _generated(name: str, case: Case, examples: int, seed: int | None, profile: Any) -> int:
    from statemig.testing.running import generate, replay

    try:
        return replay(name, case) + generate(name, case, profile=profile, seed=seed, examples=examples)
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise SchemaError(
            "generating states needs hypothesis",
            hint="pip install 'statemig[test]', or give a state with --state",
        ) from error


def _as_json(law: str, case: Case, count: int, violation: Violation | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "law": law,
        "revision": case.revision,
        "model": case.model,
        "holds": violation is None,
        "states": count,
    }
    if violation is not None:
        from statemig.testing.violation import path_of

        row |= {
            "reason": violation.reason,
            "paths": [path_of(place) for place in violation.places],
            "problems": [list(each) for each in violation.problems],
            "document": json.loads(json.dumps(violation.document, default=str)),
        }
    return row
