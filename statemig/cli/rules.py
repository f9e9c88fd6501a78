"""`statemig rules`: what a change can be, how bad each is, and what is proposed for it."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from statemig.cli.output import format_option, print_json, print_table

if TYPE_CHECKING:
    from statemig.autogenerate.example import Example, Version
    from statemig.autogenerate.rules import Case, Rule

_CATEGORIES: Final = {
    "STATE": "stored JSON must load",
    "RESUME": "cursor and pending work must resume",
    "CODE": "information only",
}
_WORDS: Final = {
    "R": {
        "ok": "the new version reads what the old one wrote",
        "no": "the new version can not read what the old one wrote",
        "?": "whether the new version reads what the old one wrote depends on the values",
    },
    "F": {
        "ok": "the old version reads what the new one writes",
        "no": "the old version can not read what the new one writes",
        "?": "whether the old version reads what the new one writes depends on the values",
    },
    "D": {
        "ok": "every stored value is kept, with its meaning",
        "no": "a stored value is lost or changes its meaning",
        "?": "whether every stored value keeps its meaning depends on the values",
    },
}
_COLUMNS: Final = ("id", "slug", "case", "category", "R", "F", "D", "class", "operation", "purpose")
_INNER: Final = "inner"


@click.command()
@click.argument("rule", required=False)
@format_option
def rules(rule: str | None, form: str) -> None:
    """List the rules that classify a change, or explain one of them.

    RULE is an id such as S06, or a slug. R: the new version reads what the old one wrote. F: the old version reads what
    the new one writes. D: every stored value is kept. A rule with several cases has a line for each.
    """
    from statemig.autogenerate.rules import RULES

    if rule is not None:
        found = find_rule(rule)
        if form == "json":
            print_json(_as_json(found))
        else:
            click.echo("\n".join(_explained(found)))
    elif form == "json":
        print_json([_as_json(each) for each in RULES.values()])
    else:
        print_table([row for each in RULES.values() for row in _rows(each)], _COLUMNS)


def find_rule(text: str) -> Rule:
    """The rule with this id or slug. Raises `click.BadParameter` that names the nearest."""
    from statemig.autogenerate.rules import RULES

    found = RULES.get(text.upper()) or next((rule for rule in RULES.values() if rule.slug == text), None)
    if found is None:
        near = nearest_rule(text)
        raise click.BadParameter(
            f"there is no rule {text}. The nearest is {near.name}; `statemig rules` lists all.",
            param_hint="'RULE'",
        )
    return found


def nearest_rule(text: str) -> Rule:
    """The rule whose number, or else whose id or slug, is most like `text`."""
    from statemig.autogenerate.rules import RULES

    if numbered := re.fullmatch(r"([SW])(\d{1,4})", text.upper()):
        same = [rule for rule in RULES.values() if rule.id.startswith(numbered[1])]
        return min(same, key=lambda rule: abs(int(rule.id[1:]) - int(numbered[2])))
    names = {name: rule for rule in RULES.values() for name in (rule.id.lower(), rule.slug)}
    return names[difflib.get_close_matches(text.lower(), names, n=1, cutoff=0)[0]]


def _rows(rule: Rule) -> Iterator[dict[str, Any]]:
    shared = {"id": rule.id, "slug": rule.slug, "category": rule.category, "purpose": rule.purpose}
    if rule.inner:
        yield {**shared, "class": _INNER}
    for direction, case in rule.cases.items():
        bits = {"R": case.reads, "F": case.forward, "D": case.keeps}
        yield {
            **shared,
            **bits,
            "case": direction or None,
            "class": case.change_class,
            "operation": case.operation,
        }


# -- one rule ------------------------------------------------------------------------------------------------


def _explained(rule: Rule) -> Iterator[str]:
    from statemig.autogenerate.rule_examples import EXAMPLES
    from statemig.autogenerate.rules import RULES

    yield f"{rule.name} ({rule.category}: {_CATEGORIES[rule.category]})"
    yield rule.purpose
    if rule.inner:
        yield "It never stands alone: the rule of what changed inside is reported, at the path inside."
    for direction, case in rule.cases.items():
        yield ""
        yield from _explained_case(direction, case)
    for example in EXAMPLES.get(rule.id, ()):
        yield ""
        yield from _explained_example(example)
    yield ""
    if rule.waiver is not None:
        yield f"Read backwards it is no rule of the table: {rule.waiver}."
    elif rule.mirror == (rule.id,):
        yield "Read backwards it is the same rule."
    else:
        yield f"Read backwards: {', '.join(RULES[other].name for other in rule.mirror)}."


def _explained_case(direction: str, case: Case) -> Iterator[str]:
    if direction:
        yield f"{direction}:"
    yield f"  class      {case.change_class}"
    for letter, bit in (("R", case.reads), ("F", case.forward), ("D", case.keeps)):
        yield f"  {letter} {bit:<8} {_WORDS[letter][bit]}"
    yield f"  operation  {case.operation}"


def _explained_example(example: Example) -> Iterator[str]:
    yield f"Example ({example.direction}):" if example.direction else "Example:"
    for side, version in (("old", example.old), ("new", example.new)):
        for number, line in enumerate(_lines(version)):
            yield f"  {side if number == 0 else '':<9}  {line}"
    for old, new in example.said.items():
        yield f"  {'said':<9}  --rename {old}:{new or ''}"
    for number, line in enumerate(example.script.splitlines()):
        yield f"  {'script' if number == 0 else '':<9}  {line}"
    if example.note is not None:
        yield f"  {'note':<9}  {example.note}"


def _lines(version: Version) -> list[str]:
    state = [] if version.state is None else [json.dumps(version.state, ensure_ascii=False)]
    return [*state, *version.steps]


def _as_json(rule: Rule) -> dict[str, Any]:
    from statemig.autogenerate.rule_examples import EXAMPLES

    return {
        "id": rule.id,
        "slug": rule.slug,
        "category": rule.category,
        "purpose": rule.purpose,
        "cases": [
            {
                "case": direction or None,
                "reads": case.reads,
                "forward": case.forward,
                "keeps": case.keeps,
                "change_class": case.change_class,
                "operation": case.operation,
            }
            for direction, case in rule.cases.items()
        ],
        "mirror": list(rule.mirror),
        "waiver": rule.waiver,
        "examples": [
            {
                "case": example.direction or None,
                "old": {"state": example.old.state, "steps": list(example.old.steps)},
                "new": {"state": example.new.state, "steps": list(example.new.steps)},
                "renames": dict(example.said),
                "script": example.script,
                "note": example.note,
            }
            for example in EXAMPLES.get(rule.id, ())
        ],
    }
