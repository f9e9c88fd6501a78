"""What a frozen verdict is good for: a checked document over proven revisions is not validated, from the first one on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from statemig import Migrator, Step, Workflow, capture
from statemig.proof.prove import freeze, prove_revision
from statemig.proof.verdict import guarantee_of
from statemig.revisions.directory import Directory
from statemig.shapes.validator import Validator


class Old(BaseModel):
    topic: str


class Middle(BaseModel):
    subject: str


class New(BaseModel):
    subject: str
    priority: str


def script(revision: str, below: str | None, version: int, body: str) -> str:
    follows = "" if below is None else below
    return (
        f'"""a change\n\nRevision ID: {revision}\nRevises: {follows}\nWorkflow: flow, version {version}\n"""\n'
        "from statemig import Operations\n\n"
        f'revision = "{revision}"\ndown_revision = {below!r}\nworkflow = "flow"\nversion = {version}\n\n\n'
        f"def upgrade(op: Operations) -> None:\n    {body}\n"
    )


@pytest.fixture
def directory(tmp_path: Path) -> Directory:
    """Three revisions, with the verdicts on them frozen."""
    made = Directory.create(tmp_path / "migrations")
    steps = (
        ("r0", None, Old, "pass"),
        ("r1", "r0", Middle, 'op.rename_field("state.topic", to="subject")'),
        ("r2", "r1", New, 'op.add_field("state.priority", default="normal")'),
    )
    for version, (revision, below, model, body) in enumerate(steps, start=1):
        snapshot = capture(Workflow("flow", state=model, steps=[Step("send")]))
        text = script(revision, below, version, body)
        made.write(revision, below, "flow", version, "change", text, snapshot)
        freeze(made, revision, prove_revision(made.load(revision), made.snapshot))
    return made


@pytest.fixture
def validated(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What is validated from here on."""
    seen: list[Any] = []
    problems = Validator.problems

    def watched(self: Validator, value: Any) -> Any:
        seen.append(value)
        return problems(self, value)

    monkeypatch.setattr(Validator, "problems", watched)
    return seen


def upgraded(directory: Directory, **how: Any) -> Any:
    return Migrator(directory.location).upgrade({"state": {"topic": "refund"}}, "r0", **how).unwrap()


def test_the_first_checked_document_is_not_validated(directory: Directory, validated: list[Any]) -> None:
    assert upgraded(directory, checked=True)["state"] == {"subject": "refund", "priority": "normal"}
    assert validated == []


def test_any_other_document_is_validated_at_its_own_revision_first(
    directory: Directory, validated: list[Any]
) -> None:
    upgraded(directory)
    assert [list(value["state"]) for value in validated] == [["topic"], ["subject", "priority"]]


def test_one_revision_without_a_verdict_and_all_is_validated(
    directory: Directory, validated: list[Any]
) -> None:
    directory.freeze_verdict("r1", None)
    upgraded(directory, checked=True)
    assert [list(value["state"]) for value in validated] == [["subject", "priority"]]


def test_an_edit_that_was_accepted_makes_the_verdict_stale(
    directory: Directory, validated: list[Any]
) -> None:
    path = directory.script_path("r2")
    path.write_text(path.read_text().replace("normal", "high"))
    directory.refreeze("r2")
    upgraded(directory, checked=True)
    assert len(validated) == 1


def test_a_guarantee_is_read_without_running_a_script(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> None:
        raise AssertionError("a script was run")

    monkeypatch.setattr(Directory, "_run", refuse)
    fresh = Directory(directory.location)
    frozen = fresh.frozen("r1")
    assert guarantee_of(frozen, [fresh.frozen("r0")]) == "proven"
    assert Migrator(directory.location).fits("r0", ["r1", "r2"])
