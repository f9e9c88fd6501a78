"""`statemig test`, `statemig corpus`, and the test files that `init` and `revision` write."""

from __future__ import annotations

import json
import subprocess
import sys

from conftest import Here


def broken(project: Here) -> str:
    """A second revision whose script forgets the old value."""
    project.code("topic: str\ndigest: str = ''")
    project.ok(
        "revision", "--autogenerate", "-m", "digest", "--rename", "state.summary:digest", "--rev-id", "b2b2"
    )
    script = project.scripts()[-1]
    body = "def change(state):\n    state.pop('summary')\n    state['digest'] = ''\n    return state\n\n\n"
    text = script.read_text().split("def upgrade")[0]
    script.write_text(
        f"{text}{body}def upgrade(op: Operations) -> None:\n    op.transform(change, path='state')\n"
    )
    project.run("edit", "b2b2", "--freeze")
    return "b2b2"


def test_the_laws_of_a_right_revision_hold(project: Here) -> None:
    project.code("topic: str\nsummary: str\npriority: str = 'normal'")
    project.ok("revision", "--autogenerate", "-m", "priority")
    printed = project.ok("test", "--examples", "5")
    assert "up_validates             State            holds  (5 states)" in printed
    assert "value_laws" in printed


def test_a_state_that_breaks_a_law_is_told_with_its_place(project: Here) -> None:
    revision = broken(project)
    state = json.dumps({"topic": "a", "summary": "b"})
    result = project.run("test", revision[:3], "--law", "value_laws", "--state", state)
    assert result.exit_code == 8, result.output
    assert "the given state (> marks the place):" in result.stdout
    assert 'state.summary: "b" -> absent' in result.stdout
    assert "operation 0 state goes through change (" in result.stdout
    assert "_digest.py:" in result.stdout
    assert f"statemig test {revision} --law value_laws --state '{state}'" in result.stdout
    hidden = project.run("test", revision, "--law", "value_laws", "--state", state, "--hide-values")
    assert '"b"' not in hidden.stdout
    rows = project.json("test", revision, "--law", "value_laws", "--state", state)
    assert [(row["law"], row["holds"]) for row in rows] == [("value_laws", False)]


def test_what_is_asked_wrongly_is_told(project: Here) -> None:
    assert "there is no law 'nothing'" in project.run("test", "--law", "nothing").stderr
    assert "that is no JSON" in project.run("test", "--state", "{").stderr
    assert "follows none that has a snapshot" in project.run("test").stderr
    assert "Give a state" in project.run("corpus", "add", "head").stderr


def test_a_recorded_state_is_redacted_listed_replayed_and_tried_first(project: Here) -> None:
    first = project.head()
    secret = "Kim Smith 0123456789"
    added = project.ok(
        "corpus", "add", first, "--state", json.dumps({"topic": secret, "summary": "b"}), "--note", "long"
    )
    (file,) = (project.root / "corpus" / first).glob("*.json")
    assert file.name in added
    recorded = json.loads(file.read_text())
    assert recorded["redacted"] is True
    topic = recorded["document"]["state"]["topic"]
    assert topic != secret
    assert [each.isdigit() for each in topic] == [each.isdigit() for each in secret]
    assert project.json("corpus", "list")[0]["note"] == "long"
    revision = broken(project)
    assert project.json("corpus", "replay")[0]["outcome"] == "upgraded"
    result = project.run("test", revision, "--law", "value_laws")
    assert f"the recorded state {file.name}; its values are not shown" in result.stdout
    assert topic not in result.stdout


def test_a_state_that_does_not_get_to_the_head_fails_the_replay(project: Here) -> None:
    first = project.head()
    project.ok("corpus", "add", first, "--state", '{"topic": 7}', "--keep-values")
    broken(project)
    result = project.run("corpus", "replay", first)
    assert result.exit_code == 8
    assert "failed" in result.stdout


def test_a_new_project_has_a_suite_that_runs_and_a_revision_gets_a_test_of_its_own(project: Here) -> None:
    project.code("topic: str\nsummary: str\npriority: str = 'normal'")
    printed = project.ok("revision", "--autogenerate", "-m", "priority", "--with-test", "--rev-id", "c3c3")
    assert "Wrote tests/test_0002_c3c3_priority.py" in printed
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
        cwd=project.root,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert " passed" in ended.stdout
    assert (project.root / "tests" / "test_migrations.py").is_file()
