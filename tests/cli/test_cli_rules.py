"""`statemig rules`: all of them, one of them, and none of that name."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner, Result

from statemig.autogenerate.rules import RULES
from statemig.cli import exit_codes
from statemig.cli.main import cli


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["rules", *arguments])


def printed(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--format", "json").stdout)


def test_the_table_has_a_line_for_each_case() -> None:
    header, *lines = run().stdout.splitlines()
    assert header.split() == [
        "id",
        "slug",
        "case",
        "category",
        "R",
        "F",
        "D",
        "class",
        "operation",
        "purpose",
    ]
    assert len(lines) == sum(max(1, len(rule.cases)) for rule in RULES.values())
    purpose = "A required field was added and nothing says what old documents get."
    assert [line.split(maxsplit=9) for line in lines if line.startswith("S06")] == [
        ["S06", "field-added-required", "-", "STATE", "no", "ok", "ok", "breaking", "add_field", purpose],
        [
            "S06",
            "field-added-required",
            "forbidden",
            "STATE",
            "no",
            "no",
            "ok",
            "breaking",
            "add_field",
            purpose,
        ],
    ]


def test_a_rule_that_never_stands_alone_has_no_bits() -> None:
    [line] = [line for line in run().stdout.splitlines() if line.startswith("S44")]
    assert line.split()[2:9] == ["-", "STATE", "-", "-", "-", "inner", "-"]


def test_the_table_as_json() -> None:
    listed = printed()
    assert [each["id"] for each in listed] == list(RULES)
    [removed] = [each for each in listed if each["id"] == "S07"]
    assert [(case["case"], case["change_class"]) for case in removed["cases"]] == [
        (None, "breaking"),
        ("optional", "breaking"),
        ("kept", "additive"),
        ("optional, kept", "additive"),
    ]


def test_one_rule_is_explained() -> None:
    assert run("S09").stdout == (
        "S09 field-required (STATE: stored JSON must load)\n"
        "A field must now be there and has no default.\n"
        "\n"
        "  class      breaking\n"
        "  R ?        whether the new version reads what the old one wrote depends on the values\n"
        "  F ok       the old version reads what the new one writes\n"
        "  D ok       every stored value is kept, with its meaning\n"
        "  operation  make_required\n"
        "\n"
        "Example:\n"
        '  old        {"type": "object", "properties": {"topic": {"type": "string"}}}\n'
        '  new        {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]}\n'
        '  script     op.make_required("state.topic", fill="unknown")\n'
        "\n"
        "Read backwards: S11 field-optional.\n"
    )


def test_an_example_of_steps_has_a_line_for_each() -> None:
    assert (
        "Example (renamed):\n"
        '  old        Step("draft", next="approve")\n'
        '             Step("approve", kind="human")\n'
        '  new        Step("draft", next="review")\n'
        '             Step("review", kind="human")\n'
        "  said       --rename approve:review\n"
        '  script     op.rename_step("approve", to="review")\n'
    ) in run("W04").stdout


def test_an_example_without_the_rules_operation_says_why() -> None:
    assert "\n  note       none of the operations on values knows encodings" in run("S43").stdout


def test_one_rule_as_json() -> None:
    rule = printed("S12")
    assert rule["mirror"] == ["S12"]
    assert rule["examples"][0]["renames"] == {"state.summary": "digest"}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_can_be_explained(name: str) -> None:
    result = run(name)
    assert result.exit_code == 0
    assert result.stdout.startswith(RULES[name].name)
    assert "Read backwards" in result.stdout


@pytest.mark.parametrize("text", ["s06", "S06", "field-added-required"])
def test_a_rule_is_found_by_id_or_slug(text: str) -> None:
    assert printed(text)["id"] == "S06"


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("S57", "S56 definition"),
        ("S6", "S06 field-added-required"),
        ("W99", "W14 access-changed"),
        ("field-remved", "S07 field-removed"),
    ],
)
def test_an_unknown_rule_is_an_error_that_names_the_nearest(text: str, near: str) -> None:
    result = run(text)
    assert result.exit_code == exit_codes.USAGE
    assert f"there is no rule {text}. The nearest is {near}; `statemig rules` lists all." in result.stderr
