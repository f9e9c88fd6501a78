"""edit and rebase: revisions that are there are changed, and frozen again."""

import subprocess
from typing import Any

import pytest

from statemig.cli import exit_codes

PRIORITY = 'topic: str\nsummary: str\npriority: str = "normal"'


@pytest.fixture
def two(project: Any) -> Any:
    project.code(PRIORITY)
    project.ok("revision", "--autogenerate", "-m", "priority", "--rev-id", "bbb")
    return project


def test_edit_opens_the_editor_and_freezes_again(two: Any, editor: Any) -> None:
    editor("""text.replace('"normal"', '"urgent"')""")
    output = two.ok("edit", "bbb")
    assert "Froze revision bbb again: migrations/versions/0002_bbb_priority.py" in output
    assert two.json("show", "bbb")["operations"][0]["default"] == "urgent"
    two.ok("check")


def test_edit_without_a_change_says_so(two: Any, editor: Any) -> None:
    editor("text")
    result = two.run("edit")
    assert result.exit_code == 0
    assert "was not changed" in result.stderr


def test_an_earlier_edit_is_accepted(two: Any) -> None:
    script = two.scripts()[1]
    script.write_text(script.read_text().replace('"normal"', '"urgent"'))
    two.ok("edit", "head", "--freeze")
    two.ok("check")


def test_edit_lists_what_the_script_leaves_undone(two: Any) -> None:
    script = two.scripts()[1]
    script.write_text(script.read_text().replace('op.add_field("state.priority", default="normal")', "pass"))
    two.code("topic: str\nsummary: str\npriority: str")
    result = two.run("edit", "--freeze", "--code")
    assert result.exit_code == exit_codes.INCOMPLETE
    assert "does not bring every stored run to the new shape yet. Missing:" in result.stderr
    assert "  - state.priority: " in result.stderr


TRANSFORMED = """

def length(summary: str) -> int:
    return len(summary)


def upgrade(op: Operations) -> None:
    op.transform(length, path="state.summary")
"""


def test_what_a_function_makes_is_open_and_not_missing(project: Any) -> None:
    project.code("topic: str\nsummary: int")
    project.ok("revision", "-m", "length", "--rev-id", "bbb")
    script = project.scripts()[1]
    script.write_text(script.read_text().partition("\n\ndef upgrade(")[0] + TRANSFORMED)
    output = project.ok("edit", "--freeze")
    assert output == (
        "Froze revision bbb again: migrations/versions/0002_bbb_length.py\n"
        "Nothing is missing, but what a function makes is not known before it runs: state.summary. "
        "`statemig verify bbb` says what is open\n"
    )
    assert project.run("verify", "bbb").exit_code == exit_codes.UNDECIDED


def test_a_field_beside_what_a_function_makes_is_missing(project: Any) -> None:
    project.code("topic: str\nsummary: int\nauthor: str")
    project.ok("revision", "-m", "length", "--rev-id", "bbb")
    script = project.scripts()[1]
    script.write_text(script.read_text().partition("\n\ndef upgrade(")[0] + TRANSFORMED)
    result = project.run("edit", "--freeze")
    assert result.exit_code == exit_codes.INCOMPLETE
    assert "  - state.author: " in result.stderr
    assert "state.summary" not in result.stderr


def test_edit_says_where_a_script_does_not_fit(two: Any) -> None:
    script = two.scripts()[1]
    script.write_text(
        script.read_text().replace("add_field(", "remove_field(").replace(', default="normal"', "")
    )
    result = two.run("edit", "--freeze")
    assert result.exit_code == exit_codes.INCOMPLETE
    assert "does not fit what is stored before it" in result.stderr
    assert "state.priority" in result.stderr


def test_edit_freezes_no_script_that_can_not_be_run(two: Any) -> None:
    script = two.scripts()[1]
    script.write_text(script.read_text().replace("op.add_field(", "op.add_feild("))
    result = two.run("edit", "--freeze")
    assert result.exit_code == exit_codes.ERROR
    assert "has no attribute 'add_feild'" in result.stderr
    assert two.run("check", "--chain-only").exit_code == exit_codes.DAMAGED


def git(project: Any, *arguments: str, check: bool = True) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *identity, *arguments], cwd=project.root, capture_output=True, text=True, check=check
    )
    return done.stdout


@pytest.fixture
def conflict(project: Any) -> Any:
    """Two people added a revision; mine ("bbb") is being merged with theirs ("ccc")."""
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "first")
    git(project, "checkout", "-b", "theirs")
    project.code("topic: str\nsummary: str\nlanguage: str = 'en'")
    project.ok("revision", "--autogenerate", "-m", "language", "--rev-id", "ccc")
    git(project, "add", ".")
    git(project, "commit", "-m", "theirs")
    git(project, "checkout", "main")
    project.code(PRIORITY)
    project.ok("revision", "--autogenerate", "-m", "priority", "--rev-id", "bbb")
    git(project, "add", ".")
    git(project, "commit", "-m", "mine")
    git(project, "merge", "theirs", check=False)
    assert "<<<<<<<" in (project.root / "migrations" / "heads" / "triage").read_text()
    project.code(f"{PRIORITY}\nlanguage: str = 'en'")  # the code's own conflict, resolved
    return project


def test_rebase_puts_mine_behind_theirs(conflict: Any) -> None:
    output = conflict.ok("rebase")
    assert "bbb is version 3 now: migrations/versions/0003_bbb_priority.py" in output
    assert "triage: put behind ccc; the heads file has one head again." in output
    assert [row["revision"] for row in conflict.json("history")][:2] == ["bbb", "ccc"]


def test_rebase_freezes_the_merged_code(conflict: Any) -> None:
    assert "Froze the code as it is now with bbb." in conflict.ok("rebase")
    conflict.ok("check")


def test_rebase_with_code_that_is_not_merged_yet_says_what_to_do_later(conflict: Any) -> None:
    (conflict.root / f"{conflict.module}.py").write_text("<<<<<<< HEAD\n")
    conflict.forget()
    result = conflict.run("rebase")
    assert result.exit_code == 0
    assert "The code could not be frozen" in result.stderr
    assert "statemig edit bbb --freeze --code" in result.stderr
    assert [row["revision"] for row in conflict.json("history")][:2] == ["bbb", "ccc"]


def test_rebase_of_several_says_which_snapshots_stay_behind(project: Any) -> None:
    git(project, "init")
    git(project, "add", ".")
    git(project, "commit", "-m", "first")
    git(project, "checkout", "-b", "theirs")
    project.code("topic: str\nsummary: str\nlanguage: str = 'en'")
    project.ok("revision", "--autogenerate", "-m", "language", "--rev-id", "ccc")
    git(project, "add", ".")
    git(project, "commit", "-m", "theirs")
    git(project, "checkout", "main")
    project.code(PRIORITY)
    project.ok("revision", "--autogenerate", "-m", "priority", "--rev-id", "bbb")
    project.code(f"{PRIORITY}\ncolour: str = 'red'")
    project.ok("revision", "--autogenerate", "-m", "colour", "--rev-id", "ddd")
    git(project, "add", ".")
    git(project, "commit", "-m", "mine")
    git(project, "merge", "theirs", check=False)
    project.code(f"{PRIORITY}\ncolour: str = 'red'\nlanguage: str = 'en'")
    result = project.run("rebase")
    assert result.exit_code == 0, result.stderr
    assert "The snapshots of bbb lack what the other side has changed" in result.stderr
    assert "do not name them as a target of upgrade or downgrade" in result.stderr


def test_mine_can_be_named(conflict: Any) -> None:
    conflict.ok("rebase", "ccc")
    assert [row["revision"] for row in conflict.json("history")][:2] == ["ccc", "bbb"]


def test_heads_and_check_point_at_rebase(conflict: Any) -> None:
    assert (
        "triage has 2 heads. Put yours behind the other with `statemig rebase`."
        in conflict.run("heads").stderr
    )
    result = conflict.run("check")
    assert result.exit_code == exit_codes.DAMAGED
    assert "Put yours behind theirs with `statemig rebase`" in result.stdout


def test_no_revision_is_added_in_the_middle_of_a_conflict(conflict: Any) -> None:
    result = conflict.run("revision", "--autogenerate")
    assert result.exit_code == exit_codes.ERROR
    assert "holds a conflict" in result.stderr


def test_branches_shows_where_the_two_part(conflict: Any) -> None:
    (row,) = conflict.json("branches")
    assert row["followed_by"] == ["bbb", "ccc"]
    assert "bbb, ccc" in conflict.ok("branches")


def test_there_is_nothing_to_rebase_with_one_head(project: Any) -> None:
    result = project.run("rebase")
    assert result.exit_code == exit_codes.ERROR
    assert "nothing is to be rebased: there is one head" in result.stderr
