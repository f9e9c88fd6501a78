"""The way down where a class has another name in the code: the script goes on to call it as it was."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel, create_model

from statemig import Migrator, Operations, Revision, Snapshot, Step, Workflow, capture
from statemig.proof.prove import prove
from statemig.proof.verdict import Verdict

RUN = {"status": "active", "cursor": [{"id": "p", "step": "a", "status": "ready"}]}


def snapshot(name: str, field: str, other: str = "Other") -> Snapshot:
    line: Any = create_model(name, **{field: (str, ...)})
    beside = create_model(other, text=(str, ...))
    state = create_model(
        "State", lines=(list[line], ...), first=(line, ...), other=(beside, ...), more=(beside, ...)
    )
    return capture(Workflow("w", state=state, steps=[Step("a")]))


def verdict(old: Snapshot, new: Snapshot, script: Callable[[Operations], object]) -> Verdict:
    op = Operations()
    script(op)
    return prove(old, new, op.recorded)


def rename(op: Operations) -> None:
    op.rename_field("<Line>.y", to="z")


def test_it_is_followed_under_the_name_that_the_script_knows() -> None:
    old, new = snapshot("Line", "y"), snapshot("Row", "z")
    found = verdict(old, new, rename)
    assert (found.up.verdict, found.down.verdict, found.down.findings) == ("proved", "proved", ())
    migrator = Migrator(
        revisions=[
            Revision("r1", None, snapshot=old, workflow="w"),
            Revision("r2", "r1", upgrade=rename, snapshot=new, workflow="w"),
        ]
    )
    other = {"text": "t"}
    state = {"lines": [{"z": "1"}], "first": {"z": "2"}, "other": other, "more": other}
    down = migrator.downgrade({**RUN, "state": state}, to="r1", revision="r2").unwrap()
    assert down["state"] == {**state, "lines": [{"y": "1"}], "first": {"y": "2"}}


def test_what_the_old_version_does_not_read_is_refuted_all_the_same() -> None:
    class Line(BaseModel):
        y: str

    class Row(BaseModel):
        z: str | None

    def with_line(line: Any) -> Snapshot:
        state = create_model("State", lines=(list[line], ...), first=(line, ...))
        return capture(Workflow("w", state=state, steps=[Step("a")]))

    assert verdict(with_line(Line), with_line(Row), rename).down.verdict == "refuted"


def test_a_name_that_another_class_has_now_is_not_taken_for_it() -> None:
    """What is called Line now is what was called Other: the script can not be followed on the way down."""
    found = verdict(snapshot("Line", "y"), snapshot("Row", "z", other="Line"), rename)
    assert found.down.verdict != "proved"


@pytest.mark.parametrize("said", [lambda op: op.rename_type("Line", "Row"), lambda op: None])
def test_it_may_be_said(said: Callable[[Operations], object]) -> None:
    def script(op: Operations) -> None:
        rename(op)
        said(op)

    assert verdict(snapshot("Line", "y"), snapshot("Row", "z"), script).down.verdict == "proved"
