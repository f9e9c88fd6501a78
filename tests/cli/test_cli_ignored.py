"""Changes that the configuration says to ignore: they do not count, and are listed with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from statemig.cli import exit_codes

REASON = "summary is a copy of what the tracker has"


def ignore(project: Any, rule: str, path: str) -> None:
    file = project.root / "statemig.toml"
    entry = f'\n[[ignore]]\nrule = "{rule}"\npath = "{path}"\nreason = "{REASON}"\n'
    file.write_text(file.read_text() + entry)


@pytest.fixture
def without_summary(project: Any) -> Any:
    project.code("topic: str")
    return project


def test_diff_leaves_it_out_of_the_class_and_lists_it(without_summary: Any) -> None:
    assert without_summary.run("diff").exit_code == exit_codes.BREAKING
    ignore(without_summary, "S07", "state.summary")
    assert without_summary.ok("diff") == (
        "triage: no change besides what is ignored\n"
        f"  ignored: S07 field-removed at state.summary: {REASON}\n"
    )


def test_diff_as_json(without_summary: Any) -> None:
    ignore(without_summary, "S07", "state.summary")
    found = without_summary.json("diff")
    assert found["change_class"] == "none"
    [workflow] = found["workflows"]
    assert workflow["changes"] == []
    [ignored] = workflow["ignored"]
    assert (ignored["rule"], ignored["path"], ignored["reason"]) == ("S07", "state.summary", REASON)


def test_what_else_changed_counts(project: Any) -> None:
    project.code("topic: str\nnote: str = ''\nurgent: bool = False")
    ignore(project, "S07", "state.summary")
    result = project.run("diff", "--rename", "state.summary:")
    assert result.exit_code == exit_codes.ADDITIVE
    assert result.stdout.startswith("triage: additive, 2 changes\n")
    assert f"\n  ignored: S07 field-removed at state.summary: {REASON}\n" in result.stdout


@pytest.mark.parametrize(("rule", "path"), [("S07", "state.topic"), ("S08", "state.summary")])
def test_rule_and_path_have_to_be_those_of_the_change(without_summary: Any, rule: str, path: str) -> None:
    ignore(without_summary, rule, path)
    result = without_summary.run("diff")
    assert result.exit_code == exit_codes.BREAKING
    assert "ignored" not in result.stdout


def test_check_is_content_where_the_rest_is_as_frozen(without_summary: Any) -> None:
    assert without_summary.run("check").exit_code == exit_codes.CODE_DIFFERS
    ignore(without_summary, "S07", "state.summary")
    assert without_summary.ok("check") == (
        "triage: the revisions are as they were frozen\n"
        "triage: the code is what the head froze, besides what is ignored\n"
        f"  ignored: S07 field-removed at state.summary: {REASON}\n"
    )
    found = without_summary.json("check")
    assert found["ok"] is True
    assert found["workflows"][0]["ignored"][0]["reason"] == REASON


@pytest.mark.parametrize("command", ["diff", "check"])
def test_a_rule_that_there_is_not_is_an_error(without_summary: Any, command: str) -> None:
    ignore(without_summary, "S77", "state.summary")
    result = without_summary.run(command)
    assert result.exit_code == exit_codes.ERROR
    assert "ignore: there is no rule S77 (did you mean S56?). `statemig rules` lists all." in result.stderr
