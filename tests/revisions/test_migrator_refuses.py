"""A migrator refuses scripts that cannot be right when it first needs a plan over them, and not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from refusals import folder, snapshot

from statemig import Migrator, Operations, Revision
from statemig.errors import OperationError, StatemigError

NOWHERE = "this path names nothing in the schema before the operation. "


def revisions(upgrade: Any, **more: Any) -> list[Revision]:
    return [
        Revision("a1", workflow="triage", snapshot=snapshot()),
        Revision("b2", "a1", upgrade=upgrade, workflow="triage", snapshot=snapshot(), **more),
    ]


def test_the_problems_of_all_scripts_on_the_way_are_listed(tmp_path: Path) -> None:
    directory = folder(tmp_path / "m", 'op.wrap("state.topik")', "pass", 'op.requeue("drafts")')
    migrator = Migrator(tmp_path / "m")
    with pytest.raises(OperationError) as raised:
        migrator.upgrade({"state": {}}, "a1", checked=True)
    assert [problem.partition(",")[0] for problem in raised.value.problems] == [
        str(directory.script_path("b2")),
        str(directory.script_path("d4")),
    ]
    assert raised.value.revision is None
    assert raised.value.workflow == "triage"


def test_a_way_that_does_not_lead_over_it_is_free(tmp_path: Path) -> None:
    folder(tmp_path / "m", 'op.wrap("state.topik")', "pass")
    migrator = Migrator(tmp_path / "m")
    assert migrator.upgrade({"state": {}}, "b2", checked=True).error is not None  # the state, not the script
    with pytest.raises(OperationError):
        migrator.downgrade({"state": {}}, to="a1", checked=True)


def test_in_memory_the_same_is_refused_with_the_line() -> None:
    def upgrade(op: Operations) -> None:
        op.wrap("state.topik")
        op.requeue("drafts")

    first = upgrade.__code__.co_firstlineno
    with pytest.raises(OperationError) as raised:
        Migrator(revisions=revisions(upgrade)).upgrade({"state": {}}, "a1", checked=True)
    assert raised.value.problems == (
        f"{__file__}, line {first + 1}: wrap state.topik: {NOWHERE}Did you mean state.topic?",
        f"{__file__}, line {first + 2}: requeue drafts: there is no step drafts. Did you mean draft?",
    )


def test_at_head_nothing_is_loaded(tmp_path: Path) -> None:
    folder(tmp_path / "m", "raise SystemExit")
    migrator = Migrator(tmp_path / "m")
    assert migrator.upgrade({"state": {}}, "b2").outcome == "current"
    assert not (tmp_path / "m" / "__pycache__" / "statemig-checked.json").exists()


def test_no_problem_shows_a_value_of_a_state(tmp_path: Path) -> None:
    folder(tmp_path / "m", 'op.make_required("state.hint", fill=3)')
    with pytest.raises(StatemigError) as raised:
        Migrator(tmp_path / "m").upgrade({"state": {"topic": "a secret"}}, "a1", checked=True)
    assert "secret" not in str(raised.value)


def test_a_script_is_run_once_for_its_first_plan(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    above = f"with open({str(ran)!r}, 'a') as file:\n    file.write('x')\n"
    directory = folder(
        tmp_path / "m", 'op.map_values("state.colour", {"red": "blue"}, otherwise="keep")', above=above
    )
    ran.unlink(missing_ok=True)
    migrator = Migrator(tmp_path / "m")
    migrator.upgrade({"state": {}}, "a1", checked=True)
    assert ran.read_text() == "x"
    directory.refuse_bad(["b2"])  # known to be right by now, so that is not looked at again
    assert ran.read_text() == "x"


def test_a_script_that_is_edited_after_it_was_checked_is_not_run_as_it_was(tmp_path: Path) -> None:
    directory = folder(tmp_path / "m", 'op.map_values("state.colour", {"red": "blue"}, otherwise="keep")')
    directory.refuse_bad(["b2"])
    script = directory.script_path("b2")
    script.write_text(script.read_text().replace('"blue"', '"green"'))
    with pytest.raises(StatemigError, match="was edited: it does something else"):
        directory.load("b2")
