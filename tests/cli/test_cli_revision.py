"""`statemig revision`: what is written, what is asked, what is refused."""

from pathlib import Path
from typing import Any

import pytest

from statemig.cli import exit_codes, revision
from statemig.cli.renames import ask, parse_renames

RENAMED = "topic: str\nsummary_text: str"


def test_the_first_revision_freezes_and_has_nothing_to_do(here: Any) -> None:
    output = here.ok("revision", "--autogenerate", "-m", "as it is")
    (script,) = here.scripts()
    assert f"triage: wrote version 1, migrations/versions/{script.name}" in output
    assert "there are no older runs to bring along" in output
    assert script.read_text().startswith('"""as it is\n')
    assert script.read_text().endswith("def upgrade(op: Operations) -> None:\n    pass\n")


def test_an_empty_diff_writes_no_file_and_says_so(project: Any) -> None:
    assert project.ok("revision", "--autogenerate") == "triage: no change; nothing was written.\n"
    assert len(project.scripts()) == 1


def test_a_comment_is_no_change(project: Any) -> None:
    file = project.root / f"{project.module}.py"
    file.write_text(file.read_text().replace("class State", "# said again\nclass State"))
    assert "no change" in project.ok("revision", "--autogenerate")


def test_an_added_field_becomes_an_operation(project: Any) -> None:
    project.code('topic: str\nsummary: str\npriority: str = "normal"')
    output = project.ok("revision", "--autogenerate", "-m", "priority")
    line = 'op.add_field("state.priority", default="normal")'
    assert line in output
    assert f"    {line}\n" in project.scripts()[1].read_text()
    project.ok("check")


def test_a_prompt_only_change_makes_an_empty_revision(project: Any) -> None:
    project.code("topic: str\nsummary: str", 'Step("classify", prompt="Which?", next="send"), Step("send")')
    output = project.ok("revision", "--autogenerate", "-m", "prompt")
    assert "prompt: no stored run changes." in output
    assert "    pass\n" in project.scripts()[1].read_text()


def question(project: Any) -> tuple[str, str]:
    """Change the code so that one rename has to be asked; its old and its new path."""
    project.code("topic: str\nsummary: str", 'Step("classify", next="publish"), Step("publish")')
    (asked,) = project.json("diff")["workflows"][0]["questions"]
    return asked["old"], asked["candidates"][0]["new"]


def kept(project: Any) -> dict[Path, bytes]:
    """The files of the migrations, but for what is only remembered of them to be faster."""
    files = (path for path in (project.root / "migrations").rglob("*") if path.is_file())
    return {path: path.read_bytes() for path in files if path.parent.name != "__pycache__"}


def test_a_likely_rename_is_refused_where_nobody_is_there_and_nothing_is_written(project: Any) -> None:
    old, new = question(project)
    before = kept(project)
    result = project.run("revision", "--autogenerate")
    assert result.exit_code == exit_codes.QUESTION
    assert "Nothing was written" in result.stderr
    assert f"    --rename {old}:{new}    (similarity " in result.stderr
    assert f"    --rename {old}:    (really removed)" in result.stderr
    assert kept(project) == before


def test_what_the_refusal_says_to_pass_is_what_works(project: Any) -> None:
    old, new = question(project)
    project.ok("revision", "--autogenerate", "--rename", f"{old}:{new}")
    assert 'op.rename_step("send", to="publish")' in project.scripts()[1].read_text()


def test_an_empty_new_name_means_removed(project: Any) -> None:
    old, _ = question(project)
    project.run("revision", "--autogenerate", "--rename", f"{old}:")
    text = project.scripts()[1].read_text()
    assert 'op.remove_step("send"' in text
    assert "rename_step" not in text


@pytest.mark.parametrize(("answer", "operation"), [("1", "rename_step"), ("2", "remove_step")])
def test_somebody_who_is_there_is_asked(
    project: Any, monkeypatch: pytest.MonkeyPatch, answer: str, operation: str
) -> None:
    old, new = question(project)
    monkeypatch.setattr(revision, "somebody_is_there", lambda: True)
    result = project.run("revision", "--autogenerate", input=f"{answer}\n")
    assert f"triage: what became of {old}?" in result.stderr
    assert f"1  renamed to {new} (similarity" in result.stderr
    assert "2  removed" in result.stderr
    assert f"op.{operation}(" in project.scripts()[1].read_text()


def test_a_new_name_is_offered_only_once(monkeypatch: pytest.MonkeyPatch) -> None:
    import click

    choices = iter([1, 1])
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(choices))
    questions = [("state.a", [("state.x", 0.7)]), ("state.b", [("state.x", 0.6), ("state.y", 0.5)])]
    assert ask("triage", questions) == {"state.a": "state.x", "state.b": "state.y"}


def test_a_rename_that_names_nothing_is_an_error_and_nothing_is_written(project: Any) -> None:
    project.code(RENAMED)
    result = project.run("revision", "--autogenerate", "--rename", "state.sumary:summary_text")
    assert result.exit_code == exit_codes.ERROR
    assert "state.sumary" in result.stderr
    assert len(project.scripts()) == 1


def test_every_malformed_rename_is_named(project: Any) -> None:
    result = project.run("revision", "--autogenerate", "--rename", "summary", "--rename", ":digest")
    assert result.exit_code == exit_codes.USAGE
    assert "'summary' is not OLD:NEW" in result.stderr
    assert "':digest' is not OLD:NEW" in result.stderr


def test_renames_are_read_as_old_new_and_removed() -> None:
    assert parse_renames(["state.a:b", "state.c:", "approve:review"]) == {
        "state.a": "b",
        "state.c": None,
        "approve": "review",
    }


def test_a_rename_without_autogenerate_is_a_usage_error(project: Any) -> None:
    result = project.run("revision", "--rename", "state.a:b")
    assert result.exit_code == exit_codes.USAGE
    assert "--rename needs --autogenerate." in result.stderr


def test_what_is_missing_is_in_the_script_on_the_terminal_and_in_the_exit_code(project: Any) -> None:
    project.code("topic: str\nsummary: dict[str, int]")
    result = project.run("revision", "--autogenerate", "-m", "number")
    missing = project.scripts()[1].read_text()
    assert result.exit_code == exit_codes.INCOMPLETE
    assert "The script is not complete. Missing:" in result.stderr
    assert "state.summary" in result.stderr
    assert "# Not covered yet:" in missing
    assert "# - state.summary" in missing


def test_values_that_nobody_stated_are_listed(project: Any) -> None:
    project.code("topic: str\nsummary: str\nrisk: int")
    output = project.run("revision", "--autogenerate").stdout
    assert "Values that nobody has stated" in output
    assert "state.risk: 0" in output


def test_without_autogenerate_the_script_is_empty_and_the_code_is_frozen(project: Any) -> None:
    project.code('topic: str\nsummary: str\npriority: str = "normal"')
    output = project.ok("revision", "-m", "by hand")
    assert "Its upgrade is empty" in output
    assert "    pass\n" in project.scripts()[1].read_text()
    project.ok("check")


def test_as_json(project: Any) -> None:
    project.code('topic: str\nsummary: str\npriority: str = "normal"')
    (written,) = project.json("revision", "--autogenerate", "--rev-id", "abc123")["written"]
    assert written["revision"] == "abc123"
    assert written["change_class"] == "additive"
    assert written["complete"] is True
    assert written["operations"] == [{"op": "add_field", "path": "state.priority", "default": "normal"}]
    assert Path(written["script"]).name.startswith("0002_abc123_")


def test_all_workflows_or_none(here: Any) -> None:
    """One question stops the revision of the other workflow too."""
    file = here.root / f"{here.module}.py"
    file.write_text(file.read_text() + '\nother = Workflow("other", state=State, steps=[Step("a")])\n')
    here.reconfigure([f"{here.module}:triage", f"{here.module}:other"])
    here.ok("revision", "--autogenerate")
    assert len(here.scripts()) == 2
    here.forget()
    file.write_text(
        file.read_text().replace('Step("a")', 'Step("a", prompt="new")').replace('"send"', '"publish"')
    )
    assert here.run("revision", "--autogenerate").exit_code == exit_codes.QUESTION
    assert len(here.scripts()) == 2
    here.ok("revision", "--autogenerate", "--rename", "send:publish")
    assert len(here.scripts()) == 4


def test_an_empty_revision_for_several_workflows_has_to_say_which(here: Any) -> None:
    file = here.root / f"{here.module}.py"
    file.write_text(file.read_text() + '\nother = Workflow("other", state=State, steps=[Step("a")])\n')
    here.reconfigure([f"{here.module}:triage", f"{here.module}:other"])
    result = here.run("revision", "-m", "which?")
    assert result.exit_code == exit_codes.ERROR
    assert "several workflows are configured: triage, other. Say which one with --workflow." in result.stderr
    here.ok("revision", "-m", "this", "--workflow", "other")


def test_a_workflow_that_cannot_be_imported_is_named(here: Any) -> None:
    here.reconfigure(["nowhere:triage"])
    result = here.run("revision", "--autogenerate")
    assert result.exit_code == exit_codes.ERROR
    assert "'nowhere:triage': there is no module nowhere" in result.stderr


def test_without_a_configuration_init_is_recommended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from click.testing import CliRunner

    from statemig.cli.main import cli

    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["revision"])
    assert result.exit_code == exit_codes.ERROR
    assert "Make one with `statemig init`" in result.stderr
    assert "Traceback" not in result.output
