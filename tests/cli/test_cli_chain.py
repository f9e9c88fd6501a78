"""history, heads, branches, show, diff, check: what is there, and whether it is as it was frozen."""

import json
from pathlib import Path
from typing import Any

import pytest

from statemig.cli import exit_codes

PRIORITY = 'topic: str\nsummary: str\npriority: str = "normal"'
PROMPT = 'Step("classify", prompt="Which?", next="send"), Step("send")'


@pytest.fixture
def two(project: Any) -> Any:
    """A project with two revisions."""
    project.code(PRIORITY)
    project.ok("revision", "--autogenerate", "-m", "priority", "--rev-id", "bbb")
    return project


def test_history_is_newest_first_with_version_class_and_message(two: Any) -> None:
    first = two.json("history")[1]["revision"]
    assert two.ok("history").splitlines() == [
        "version  revision      change_class  message",
        "      2  bbb           additive      priority",
        f"      1  {first}  none          first version",
    ]


def test_what_autogenerate_has_proved_stays_proven_until_the_script_is_another(two: Any) -> None:
    assert {row["guarantee"] for row in two.json("history")} == {"proven"}
    script = two.scripts()[1]
    script.write_text(script.read_text().replace("normal", "high"))
    two.ok("edit", "--freeze")
    assert "unproven" in two.ok("history", "-v")
    assert [row["guarantee"] for row in two.json("history")] == ["unproven", "proven"]


def test_history_of_a_range(two: Any) -> None:
    assert [row["version"] for row in two.json("history", "-r", "bb:")] == [2]
    assert [row["version"] for row in two.json("history", "-r", "base:-1")] == [1]


def test_history_runs_no_script(two: Any) -> None:
    script = two.scripts()[1]
    script.write_text(script.read_text() + "\nraise SystemExit(1)\n")
    assert "priority" in two.ok("history")


def test_history_without_revisions_says_how_to_make_one(here: Any) -> None:
    result = here.run("history")
    assert result.exit_code == 0
    assert "statemig revision --autogenerate" in result.stderr
    assert here.json("history") == []


def test_heads_as_text_and_as_json(two: Any) -> None:
    assert two.ok("heads").splitlines()[1] == "triage    bbb             2  priority"
    (row,) = two.json("heads")
    assert (row["revision"], row["version"], row["head"]) == ("bbb", 2, True)


def test_show_says_what_a_revision_does(two: Any) -> None:
    output = two.ok("show", "head")
    assert output.startswith("Revision bbb (head), triage, version 2\nFollows ")
    assert "Change class additive, proven" in output
    assert "  - state.priority is new\n" in output
    assert two.scripts()[1].read_text().strip() in output


def test_show_as_json_has_operations_and_digests(two: Any) -> None:
    row = two.json("show", "bb")
    assert row["operations"] == [{"op": "add_field", "path": "state.priority", "default": "normal"}]
    assert row["digests"]["state"]


def test_relative_names_work(two: Any) -> None:
    assert two.json("show", "head-1")["version"] == 1
    assert two.run("show", "--", "-1").stdout.startswith("Revision ")


def test_an_unknown_revision_is_named_with_what_is_near(two: Any) -> None:
    result = two.run("show", "bbc")
    assert result.exit_code == exit_codes.ERROR
    assert "there is no revision 'bbc'" in result.stderr


def test_an_unknown_workflow_is_named_with_those_that_are_there(two: Any) -> None:
    result = two.run("history", "--workflow", "triag")
    assert result.exit_code == exit_codes.ERROR
    assert "no workflow 'triag' has revisions here; those that have: triage." in result.stderr


# -- diff ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "steps", "code"),
    [
        ("topic: str\nsummary: str", None, 0),
        ("topic: str\nsummary: str", PROMPT, 0),
        (PRIORITY, None, exit_codes.ADDITIVE),
        ("topic: str\nsummary: int", None, exit_codes.BREAKING),
    ],
)
def test_the_exit_code_of_diff_is_the_change_class(
    project: Any, fields: str, steps: str | None, code: int
) -> None:
    project.code(fields, *([] if steps is None else [steps]))
    assert project.run("diff").exit_code == code


def test_diff_of_two_revisions_names_rule_and_path(two: Any) -> None:
    result = two.run("diff", "head-1", "head")
    assert result.exit_code == exit_codes.ADDITIVE
    assert "triage: additive, 1 change\n" in result.stdout
    assert "S04 field-added-optional" in result.stdout
    assert "state.priority" in result.stdout


def test_diff_backwards_is_another_change(two: Any) -> None:
    assert two.run("diff", "head", "head-1").exit_code == exit_codes.BREAKING


def test_a_name_that_an_earlier_version_had_for_another_type_is_not_free(two: Any) -> None:
    two.code("topic: str\nsummary: str")
    two.ok(
        "revision", "--autogenerate", "-m", "no priority", "--rename", "state.priority:", "--rev-id", "ccc"
    )
    two.code("topic: str\nsummary: str\npriority: int = 0")
    result = two.run("diff")
    assert result.exit_code == exit_codes.BREAKING
    assert "S15" in result.stdout
    assert "S15" in two.run("check").stdout
    assert two.json("diff", "bbb", "code")["workflows"][0]["changes"][0]["rule"] != "S15"
    released = two.run("diff", "--rename", "state.priority:")
    assert (released.exit_code, "S15" in released.stdout) == (exit_codes.ADDITIVE, False)


def test_the_way_back_to_an_earlier_version_uses_no_name_again(two: Any) -> None:
    two.code("topic: str\nsummary: str\npriority: int = 0")
    two.run("revision", "--autogenerate", "-m", "a number", "--rev-id", "ccc")
    two.code("topic: str\nsummary: str")
    two.ok(
        "revision", "--autogenerate", "-m", "no priority", "--rename", "state.priority:", "--rev-id", "ddd"
    )
    assert "S15" not in two.run("diff", "ddd", "ccc").stdout


def test_show_lists_what_can_not_be_right_in_a_script(two: Any) -> None:
    assert two.json("show", "bbb")["problems"] == []
    assert "No run goes over it" not in two.ok("show", "bbb")
    script = two.scripts()[1]
    script.write_text(
        script.read_text().replace(
            'op.add_field("state.priority"', 'op.wrap("state.sumary")\n    op.add_field("state.priority"'
        )
    )
    two.run("edit", "bbb", "--freeze")
    line = script.read_text().splitlines().index('    op.wrap("state.sumary")') + 1
    output = two.ok("show", "bbb")
    assert "No run goes over it: 1 problem in it\n" in output
    assert f"{script.name}, line {line}: wrap state.sumary: " in output
    assert "Did you mean state.summary?" in two.json("show", "bbb")["problems"][0]


def schema(path: Path, **properties: str) -> str:
    path.write_text(
        json.dumps(
            {"type": "object", "properties": {key: {"type": kind} for key, kind in properties.items()}}
        )
    )
    return str(path)


def test_diff_of_json_schema_files_needs_no_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from statemig.cli.main import cli

    monkeypatch.chdir(tmp_path)
    old = schema(tmp_path / "old.json", a="string")
    new = schema(tmp_path / "new.json", a="integer")
    result = CliRunner().invoke(cli, ["diff", old, new, "--format", "json"])
    assert result.exit_code == exit_codes.BREAKING, result.output
    assert json.loads(result.stdout)["change_class"] == "breaking"


def test_diff_reads_a_frozen_snapshot(two: Any) -> None:
    result = two.run("diff", "migrations/snapshots/bbb.json", "code")
    assert (result.exit_code, result.stdout) == (0, "triage: no change\n")


@pytest.mark.parametrize(("content", "reason"), [("{", "is not JSON"), ("[]", "is no JSON object")])
def test_diff_names_a_file_that_is_no_schema(project: Any, content: str, reason: str) -> None:
    (project.root / "bad.json").write_text(content)
    result = project.run("diff", "bad.json")
    assert result.exit_code == exit_codes.ERROR
    assert f"bad.json {reason}" in result.stderr
    assert "Give a JSON Schema, or a file below snapshots/." in result.stderr


def test_diff_names_a_file_that_is_not_there(project: Any) -> None:
    result = project.run("diff", "gone.json")
    assert result.exit_code == exit_codes.ERROR
    assert "gone.json can not be read" in result.stderr


# -- check ---------------------------------------------------------------------------------------------------


def test_check_is_content_where_all_is_as_frozen(two: Any) -> None:
    assert two.ok("check") == (
        "triage: the revisions are as they were frozen\ntriage: the code is what the head froze\n"
    )


def test_check_lists_what_the_code_has_more(project: Any) -> None:
    project.code(PRIORITY)
    result = project.run("check")
    assert result.exit_code == exit_codes.CODE_DIFFERS
    assert "the code is not what the head froze. Run `statemig revision --autogenerate`." in result.stdout
    assert "state.priority" in result.stdout


def test_check_names_an_edited_script(two: Any) -> None:
    script = two.scripts()[1]
    script.write_text(script.read_text().replace('"normal"', '"urgent"'))
    result = two.run("check")
    assert result.exit_code == exit_codes.DAMAGED
    assert f"revision bbb: {script.name} was edited" in result.stdout
    (row,) = two.json("check")["workflows"]
    assert [problem["kind"] for problem in row["problems"]] == ["edited"]


def test_check_names_every_problem(two: Any) -> None:
    first = two.scripts()[0]
    first.write_text(first.read_text().replace("pass", "op.make_optional('state.topic')"))
    (two.root / "migrations" / "snapshots" / "bbb.json").unlink()
    result = two.run("check")
    assert result.exit_code == exit_codes.DAMAGED
    assert f"{first.name} was edited" in result.stdout
    assert "revision bbb: its frozen snapshot" in result.stdout


def test_check_goes_on_past_a_script_that_is_no_python(two: Any) -> None:
    two.scripts()[1].write_text("this is no Python\n")
    two.scripts()[0].write_text(
        two.scripts()[0].read_text().replace("pass", "op.make_optional('state.topic')")
    )
    result = two.run("check")
    assert result.exit_code == exit_codes.DAMAGED
    assert "this is not Python" in result.stdout
    assert "was edited" in result.stdout


def test_check_of_the_chain_alone_imports_no_code(two: Any) -> None:
    (two.root / f"{two.module}.py").write_text("raise RuntimeError\n")
    two.forget()
    assert "as they were frozen" in two.ok("check", "--chain-only")


def test_a_forgotten_first_revision_is_a_difference(here: Any) -> None:
    assert here.run("check").exit_code == exit_codes.CODE_DIFFERS
