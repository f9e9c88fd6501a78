"""Revisions in memory: where they stand, and what they record."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

import statemig
from statemig import Operations, Revision
from statemig.errors import OperationError, RevisionError, StatemigError
from statemig.revisions.directory import Directory
from statemig.revisions.graph import Graph
from statemig.revisions.scaffold import furnish


@pytest.mark.parametrize(
    ("written", "expected"), [(None, ()), ("a1", ("a1",)), (("a1", "b2"), ("a1", "b2")), (["a1"], ("a1",))]
)
def test_what_it_follows(written: str | tuple[str, ...] | None, expected: tuple[str, ...]) -> None:
    assert Revision("c3", written).down_revisions == expected


def test_revisions_make_a_graph() -> None:
    graph = Graph([Revision("b2", down_revision="a1"), Revision("a1")])
    assert graph.order == ("a1", "b2")
    assert graph["b2"].down_revision == "a1"


def test_without_upgrade_nothing_changes() -> None:
    assert Revision("a1").operations == ()
    assert Revision("a1").downgrade_operations is None


def test_a_lambda_records() -> None:
    revision = Revision("a1", upgrade=lambda op: op.rename_field("state.a", to="b"))
    assert [operation.to_dict() for operation in revision.operations] == [
        {"op": "rename_field", "path": "state.a", "to": "b"}
    ]


def test_an_empty_downgrade_is_not_a_derived_one() -> None:
    assert Revision("a1", downgrade=lambda op: None).downgrade_operations == ()


def test_upgrade_runs_once() -> None:
    runs = []

    def upgrade(op: Operations) -> None:
        runs.append(op)
        op.add_field("state.a", default=1)

    revision = Revision("a1", upgrade=upgrade)
    assert revision.operations is revision.operations
    assert len(runs) == 1


def test_threads_that_come_at_once_all_get_the_same_operations() -> None:
    gate = threading.Barrier(8)

    def upgrade(op: Operations) -> None:
        gate.wait(timeout=5)
        op.add_field("state.a", default=1)

    revision = Revision("a1", upgrade=upgrade)
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(id(revision.operations))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


def test_an_exception_names_revision_file_and_line() -> None:
    def upgrade(op: Operations) -> None:
        op.add_field("state.a", default=1)
        raise LookupError("no such thing")

    line = upgrade.__code__.co_firstlineno + 2
    with pytest.raises(RevisionError) as raised:
        _ = Revision("a1", upgrade=upgrade, workflow="triage").operations
    assert str(raised.value) == (
        f"workflow triage, revision a1: {__file__}, line {line}: upgrade(op) raised LookupError: no such thing. "
        "It runs once, against a recorder: it may only call methods of op."
    )
    assert isinstance(raised.value.__cause__, LookupError)


def test_an_exception_in_downgrade_is_said_to_be_there() -> None:
    def downgrade(op: Operations) -> None:
        raise LookupError("x")

    with pytest.raises(RevisionError, match=r"downgrade\(op\) raised LookupError"):
        _ = Revision("a1", downgrade=downgrade).downgrade_operations


def test_an_operation_that_is_refused_keeps_its_type_and_is_located() -> None:
    with pytest.raises(StatemigError) as raised:
        _ = Revision("a1", upgrade=lambda op: op.rename_field("state.a", to="a")).operations
    assert isinstance(raised.value, OperationError)
    assert raised.value.revision == "a1"
    assert f"{__file__}, line " in str(raised.value)


def test_a_failed_recording_fails_again_the_same_way() -> None:
    revision = Revision("a1", upgrade=lambda op: op.nothing_like_this())
    messages = set()
    for _ in range(2):
        with pytest.raises(OperationError) as raised:
            _ = revision.operations
        messages.add(str(raised.value))
    assert len(messages) == 1


def test_the_public_name_is_this_class() -> None:
    assert statemig.Revision is Revision


# -- a new folder


def test_a_new_folder_explains_itself_and_keeps_its_cache_out_of_git(tmp_path: Path) -> None:
    Directory.create(tmp_path / "m")
    assert "statemig rebase" in (tmp_path / "m" / "README.md").read_text()
    assert (tmp_path / "m" / ".gitignore").read_text() == "__pycache__/\n"


def test_what_is_there_stays(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("ours")
    made = furnish(tmp_path)
    assert (tmp_path / "README.md").read_text() == "ours"
    assert {path.name for path in made} == {"versions", "snapshots", "heads", ".gitignore"}
    assert furnish(tmp_path) == []
