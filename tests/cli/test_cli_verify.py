"""`statemig verify`: what it prints, its exit codes, and what it freezes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from statemig.cli import exit_codes

EXAMPLE = Path(__file__).parents[2] / "examples" / "dependency_review"
ROLES = 'messages: list[Literal["user", "function"]]'
FEWER = 'messages: list[Literal["user", "tool"]]'


@pytest.fixture
def mapped(here: Any) -> Any:
    """A project whose second revision maps one value of an enum."""
    here.code(ROLES)
    here.ok("revision", "--autogenerate", "-m", "first")
    here.code(FEWER)
    here.run("revision", "-m", "second")
    rewrite(here, 'op.map_values("state.messages[]", {"function": "tool"}, otherwise="keep")')
    return here


def rewrite(project: Any, body: str) -> None:
    """Another upgrade for the newest script."""
    script = project.scripts()[-1]
    head, _, _ = script.read_text().partition("def upgrade")
    script.write_text(f"{head}def upgrade(op: Operations) -> None:\n    {body}\n")
    project.run("edit", "--freeze")


def test_a_script_that_is_right_is_proved_with_exit_code_0(mapped: Any) -> None:
    output = mapped.ok("verify")
    assert f"triage {mapped.head()}, version 2: PROVED" in output
    assert "  up      proved " in output
    assert "  cursor  proved " in output


def test_a_forgotten_value_is_refuted_by_its_path_and_exit_code_8(mapped: Any) -> None:
    rewrite(mapped, "pass")
    result = mapped.run("verify")
    assert result.exit_code == exit_codes.REFUTED == 8
    assert '$.messages[] value "function" not accepted: "user" or "tool" is expected' in result.stdout
    assert "rejected when it was run: state.messages[]: expected one of" in result.stdout
    assert "Traceback" not in result.output


def test_a_table_that_is_not_total_is_refuted_at_the_operation(mapped: Any) -> None:
    rewrite(mapped, 'op.map_values("state.messages[]", {"function": "tool"})')
    result = mapped.run("verify")
    assert result.exit_code == exit_codes.REFUTED
    assert "$.messages[] holds a value that is not in the table (operation 0 map_values)" in result.stdout


def test_a_function_is_unknown_with_exit_code_9(mapped: Any) -> None:
    rewrite(
        mapped,
        'op.transform(tools, path="state.messages")\n\n\ndef tools(value):\n    return ["tool" for _ in value]',
    )
    result = mapped.run("verify")
    assert result.exit_code == exit_codes.UNDECIDED == 9
    assert "UNKNOWN" in result.stdout
    assert "a function of the script" in result.stdout


def test_documents_are_shown_only_when_values_are_asked_for(mapped: Any) -> None:
    rewrite(mapped, "pass")
    assert '"state": {' not in mapped.run("verify").stdout
    assert '"state": {' in mapped.run("verify", "--show-values").stdout
    (plain,) = mapped.json("verify")
    assert all("witness" not in finding for finding in plain["up"]["findings"])
    (shown,) = mapped.json("verify", "--show-values")
    (finding,) = shown["up"]["findings"]
    assert finding["witnessed"] is True
    assert "function" in finding["witness"]["state"]["messages"]


def test_json_says_every_part(mapped: Any) -> None:
    (row,) = mapped.json("verify")
    assert (row["workflow"], row["version"], row["verdict"], row["guarantee"]) == (
        "triage",
        2,
        "proved",
        "proven",
    )
    assert {row[part]["verdict"] for part in ("up", "cursor")} == {"proved"}


def test_the_way_down_counts_only_when_it_is_asked_for(here: Any) -> None:
    here.code("topic: str\nlong: str")
    here.ok("revision", "--autogenerate", "-m", "first")
    here.code("topic: str")
    here.ok("revision", "--autogenerate", "-m", "second", "--rename", "state.long:")
    assert "$.long may be absent, but is required" in here.ok("verify")
    assert here.run("verify", "--both-ways").exit_code == exit_codes.REFUTED


def test_ranges_and_all(mapped: Any) -> None:
    assert [row["version"] for row in mapped.json("verify", "--all")] == [1, 2]
    assert [row["version"] for row in mapped.json("verify", "base:head")] == [1, 2]
    assert [row["version"] for row in mapped.json("verify", "head-1:head")] == [2]
    result = mapped.run("verify", "--all", "head")
    assert result.exit_code == exit_codes.USAGE


def test_the_verdict_is_frozen_and_changes_no_digest(mapped: Any) -> None:
    snapshot = mapped.root / "migrations" / "snapshots" / f"{mapped.head()}.json"
    before = json.loads(snapshot.read_text())
    assert mapped.json("history")[0]["guarantee"] == "unproven"
    mapped.ok("verify", "--no-freeze")
    assert json.loads(snapshot.read_text()) == before
    mapped.ok("verify")
    after = json.loads(snapshot.read_text())
    assert {**after, "verdict": None} == before
    assert after["verdict"]["guarantee"] == "proven"
    assert mapped.json("history")[0]["guarantee"] == "proven"
    mapped.ok("check", "--chain-only")


def test_show_says_what_is_open(mapped: Any) -> None:
    mapped.ok("verify")
    assert "proven" in mapped.ok("show", "head")
    assert mapped.json("show", "head")["not_proved"] == []
    rewrite(mapped, "pass")
    assert mapped.json("show", "head")["not_proved"] == []  # nobody has looked yet
    mapped.run("verify")
    assert '  - $.messages[] value "function" not accepted' in mapped.ok("show", "head")


def test_a_frozen_verdict_holds_no_value_of_a_state(mapped: Any) -> None:
    rewrite(mapped, "pass")
    mapped.run("verify", "--show-values")
    frozen = json.loads((mapped.root / "migrations" / "snapshots" / f"{mapped.head()}.json").read_text())
    assert frozen["verdict"]["verdict"] == "refuted"
    assert "witness" not in json.dumps(frozen["verdict"])


@pytest.fixture
def demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, here: Any) -> Any:
    """The demo's two versions, and the migration between them as it was generated."""
    code = here.root / f"{here.module}.py"
    shutil.copy(EXAMPLE / "v1" / "flows.py", code)
    here.forget()
    here.reconfigure([f"{here.module}:review"])
    here.ok("revision", "--autogenerate", "-m", "first")
    shutil.copy(EXAMPLE / "v2" / "flows.py", code)
    here.forget()
    renames = ("--rename", "approve:review", "--rename", "state.findings[].text:detail")
    output = here.ok("revision", "--autogenerate", "-m", "second", *renames)
    assert "Proven: every state" in output
    return here


def test_the_demos_migration_is_proved(demo: Any) -> None:
    assert ", version 2: PROVED" in demo.ok("verify")


@pytest.mark.parametrize(
    ("operation", "named"),
    [
        ("op.wrap(", "$.notify may be a string, but a list is expected"),
        ("op.rename_field(", "$.findings[].detail may be absent, but is required"),
        ("op.map_values(", '$.risk value "medium" not accepted'),
        ("op.add_field(", "$.ecosystem may be absent, but is required"),
        ("op.rename_step(", "a run at approve: there is no step 'approve'"),
        ("op.remove_step(", "a run at summarise: there is no step 'summarise'"),
    ],
)
def test_the_demos_migration_without_one_operation_is_refuted_by_path(
    demo: Any, operation: str, named: str
) -> None:
    script = demo.scripts()[1]
    lines = script.read_text().splitlines(keepends=True)
    kept = [line for line in lines if operation not in line]
    assert len(kept) == len(lines) - 1
    script.write_text("".join(kept))
    demo.run("edit", "--freeze")
    result = demo.run("verify")
    assert result.exit_code == exit_codes.REFUTED
    assert named in result.stdout
