"""`statemig watch`: does more go wrong on the new version than on the old one?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from statemig.cli import exit_codes
from statemig.cli.ages import Duration, age
from statemig.cli.output import format_option, plural, print_json, print_table, store_option, workflow_option
from statemig.cli.project import Project, pass_project
from statemig.cli.shares import Percent
from statemig.cli.stored import open_store, pass_store_errors
from statemig.deploy.comparison import Comparison
from statemig.deploy.watch import Criteria, Look, Sign, as_json, look
from statemig.deploy.watch import watch as watch_for
from statemig.store.deploy_records import Unknown

C = TypeVar("C", bound=Callable[..., Any])

EXIT_CODES = {"OK": exit_codes.OK, "WAIT": exit_codes.WAIT, "ABORT": exit_codes.ABORT}
_ANSWERS = {
    "worse": "WORSE",
    "not worse": "no worse",
    "too few": "too few runs to tell",
    "unknown": "unknown",
}


def criteria_options(command: C) -> C:
    """What a look judges by; the parameters are `alpha`, `minimum` and `stuck_after`."""
    options = (
        click.option(
            "--minimum",
            type=Percent(),
            default="5%",
            metavar="PERCENT",
            help="The smallest difference of two rates that counts.  [default: 5%]",
        ),
        click.option(
            "--alpha",
            type=Percent(),
            default="5%",
            metavar="PERCENT",
            help="How often it may say ABORT where there is no difference.  [default: 5%]",
        ),
        click.option(
            "--stuck-after",
            type=Duration(),
            default=Criteria().stuck_after,
            metavar="TIME",
            help="A run makes no progress when no try of a step has ended for so long.  [default: 10m]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@click.option("--for", "lasting", type=Duration(), metavar="TIME", help="Go on for so long, or until ABORT.")
@click.option(
    "--every", type=Duration(), default=60.0, metavar="TIME", help="How often to look.  [default: 1m]"
)
@click.option("--once", is_flag=True, help="Look once. So it is without --for, too.")
@click.option(
    "--last",
    type=Duration(),
    metavar="TIME",
    help="Count what happened since so long ago.  [default: since the canary began, or the deploy]",
)
@criteria_options
@store_option
@workflow_option
@format_option
@pass_project
@pass_store_errors
def watch(
    project: Project,
    lasting: float | None,
    every: float,
    once: bool,
    last: float | None,
    minimum: float,
    alpha: float,
    stuck_after: float,
    url: str | None,
    workflow: str | None,
    form: str,
) -> None:
    """Does more go wrong on the new version than on the old one? From what workers write down.

    \b
    errors       a step raised, was failed, or its worker died; a run could not be brought to the new version
    silent ends  it finished at a step that is no end of the flow
    asked again  a person's answer was there, and the step asks again
    no progress  it was taken or made ready, and for long nothing has ended

    Each figure is of runs, so one that is tried again and again counts once. ABORT: by Fisher's exact test a sign is worse, and by at
    least --minimum. OK: the errors are shown to be no worse by that much, and no other sign is open. WAIT: too few runs to tell, or a
    figure is not known. With --format json each look is one object, with --for one to a line.

    Exit code 0: OK. 18: WAIT. 19: ABORT.
    """
    if once and lasting is not None:
        raise click.UsageError("say --once or --for, not both")
    if every <= 0:
        raise click.UsageError("--every needs a length of time")
    store = open_store(project, project.one_workflow(workflow), url)
    criteria = Criteria(alpha=alpha, minimum=minimum, stuck_after=stuck_after)
    since = None if last is None else store.clock() - last
    looks: Iterator[Look]
    if lasting is None:
        looks = iter([look(store, criteria, since=since)])
    else:
        looks = watch_for(store, lasting, every=every, criteria=criteria, since=since)
    found: Look | None = None
    for found in looks:
        if form == "text":
            print_look(found)
        elif lasting is None:
            print_json(as_json(found))
        else:
            click.echo(json.dumps(as_json(found), ensure_ascii=False))
    assert found is not None
    raise SystemExit(EXIT_CODES[found.verdict])


def print_look(found: Look) -> None:
    """The verdict, why, and the figures."""
    click.echo(f"{found.workflow}: {found.verdict}, {found.new} over the last {age(found.at - found.since)}")
    for reason in found.why:
        click.echo(f"  because  {reason}")
    print_table(
        [_row(sign) for sign in found.signs],
        ("sign", "step", "canary", "control", "difference", "answer"),
        indent="  ",
    )
    for sign in found.signs:
        if isinstance(sign.found, Unknown):
            click.echo(f"  {sign}: {sign.found}")
        elif sign.examples:
            click.echo(f"  {sign}: for example {', '.join(sign.examples)}")
    if isinstance(found.not_brought, Unknown):
        click.echo(f"  not brought to {found.new}: {found.not_brought}")
    elif found.not_brought:
        shown = ", ".join(found.not_brought[:5])
        count = plural(len(found.not_brought), "run")
        click.echo(f"  not brought to {found.new}: {count}, for example {shown}")


def _row(sign: Sign) -> dict[str, Any]:
    row: dict[str, Any] = {"sign": sign.name, "step": sign.step, "answer": _ANSWERS[sign.answer]}
    if isinstance(sign.found, Comparison):
        canary, control = sign.found.canary, sign.found.control
        row |= {
            "canary": f"{canary.bad:,} of {canary.runs:,}",
            "control": f"{control.bad:,} of {control.runs:,}",
        }
        if sign.found.low is not None and sign.found.high is not None:
            row["difference"] = (
                f"{sign.found.difference:+.1%} ({sign.found.low:+.1%} to {sign.found.high:+.1%})"
            )
    return row
