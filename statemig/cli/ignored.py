"""Changes that the configuration says to ignore: left out of the class, and listed with the reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from statemig.cli.rules import nearest_rule
from statemig.errors import ConfigError

if TYPE_CHECKING:
    from statemig.autogenerate.change import Change, Changes
    from statemig.config import Config, Ignore


class Sifted(NamedTuple):
    """`changes` are those that count; `ignored` are the others, each with the reason that the configuration gives."""

    changes: Changes
    ignored: tuple[tuple[Change, str], ...] = ()


def checked_ignores(config: Config) -> tuple[Ignore, ...]:
    """The configured ones. Raises `ConfigError` that names every rule that there is not, and the nearest."""
    from statemig.autogenerate.rules import RULES

    unknown = [ignore.rule for ignore in config.ignore if ignore.rule not in RULES]
    if unknown:
        listed = "; ".join(
            f"there is no rule {rule} (did you mean {nearest_rule(rule).id}?)" for rule in unknown
        )
        raise ConfigError(f"{config.file}: ignore: {listed}", hint="`statemig rules` lists all.")
    return config.ignore


def sift(changes: Changes, ignores: Iterable[Ignore]) -> Sifted:
    """Take out the changes that have the rule and the path of one of `ignores`."""
    reasons = {(ignore.rule, ignore.path): ignore.reason for ignore in ignores}
    ignored = tuple((c, reasons[c.rule, c.path]) for c in changes if (c.rule, c.path) in reasons)
    kept = tuple(c for c in changes if (c.rule, c.path) not in reasons)
    return Sifted(replace(changes, items=kept) if ignored else changes, ignored)


def ignored_as_json(ignored: Sequence[tuple[Change, str]]) -> list[dict[str, Any]]:
    return [{**change.to_dict(), "reason": reason} for change, reason in ignored]


def print_ignored(ignored: Sequence[tuple[Change, str]]) -> None:
    for change, reason in ignored:
        click.echo(f"  ignored: {change.rule} {change.to_dict()['slug']} at {change.path}: {reason}")
