"""Two people added a revision: mine goes behind theirs."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from chains import Picture, add, line
from hypothesis import given, settings
from hypothesis import strategies as st

from statemig.errors import EditedRevisionError, RevisionError
from statemig.revisions.directory import Directory
from statemig.revisions.rebase import rewrite_header


def conflict(upper: str, lower: str) -> str:
    return f"<<<<<<< HEAD\n{upper}=======\n{lower}>>>>>>> theirs\n"


@pytest.fixture
def forked(tmp_path: Path) -> Directory:
    """a1, b2; on top of them mine: m3, m4, and theirs: t3. Git left a conflict."""
    directory = line(tmp_path / "migrations", "a1", "b2")
    heads = directory.heads_path("triage")
    shared = heads.read_text()
    add(directory, "t3", "b2", body='op.add_field("state.limit", default=1)')
    theirs = heads.read_text()
    heads.write_text(shared)
    (directory.script_path("t3")).rename(tmp_path / "aside.py")
    add(directory, "m3", "b2")
    add(directory, "m4", "m3", body='op.rename_field("state.limit", to="bound")')
    mine = heads.read_text()
    (tmp_path / "aside.py").rename(directory.location / "versions" / "0003_t3_change_t3.py")
    heads.write_text(conflict(mine, theirs))
    return directory


def test_verify_names_the_conflict_and_the_way_out(forked: Directory) -> None:
    (problem,) = forked.verify("triage")
    assert problem.kind == "conflict"
    assert str(problem) == (
        f"{forked.heads_path('triage')} holds a conflict: two people added a revision (heads m4 and t3). "
        "Put yours behind theirs with `statemig rebase`"
    )


def test_my_revisions_go_behind_theirs(forked: Directory) -> None:
    result = forked.rebase("triage")
    assert (result.onto, result.moved, result.theirs) == ("t3", (("m3", 4), ("m4", 5)), ("t3",))
    assert forked.check_heads("triage").order == ("a1", "b2", "t3", "m3", "m4")
    assert forked.verify("triage") == []


def test_file_names_and_every_line_of_the_header_follow(forked: Directory) -> None:
    forked.rebase("triage")
    path = forked.location / "versions" / "0004_m3_change_m3.py"
    assert path.read_text() == (
        '"""change m3\n\nRevision ID: m3\nRevises: t3\nWorkflow: triage, version 3 -> 4\nChange class: additive\n"""\n\n'
        'from statemig import Operations\n\nrevision = "m3"\ndown_revision = "t3"\nworkflow = "triage"\nversion = 4\n\n\n'
        'def upgrade(op: Operations) -> None:\n    op.add_field("state.f_m3", default=3)\n'
    )
    assert not (forked.location / "versions" / "0003_m3_change_m3.py").exists()


def test_theirs_stay_as_they_are(forked: Directory) -> None:
    before = forked.script_path("t3").read_bytes(), forked.snapshot_path("t3").read_bytes()
    forked.rebase("triage")
    assert before == (forked.script_path("t3").read_bytes(), forked.snapshot_path("t3").read_bytes())


def test_my_snapshot_is_kept_said_to_be_stale_and_can_be_replaced(forked: Directory) -> None:
    result = forked.rebase("triage")
    assert result.snapshot_stale
    assert result.stale == ("m3", "m4")
    assert forked.frozen("m4").snapshot == Picture(workflow="triage", at="m4").content
    forked.replace_snapshot("m4", Picture(at="merged"))  # type: ignore[arg-type]
    assert forked.verify("triage") == []


def test_places_that_both_change_are_reported_with_both_operations(forked: Directory) -> None:
    (clash,) = forked.rebase("triage").clashes
    assert clash.path == "state.limit"
    assert [operation.to_dict()["op"] for operation in clash.mine] == ["rename_field"]
    assert [operation.to_dict()["op"] for operation in clash.theirs] == ["add_field"]


def test_the_sides_can_be_named_the_other_way_round(forked: Directory) -> None:
    result = forked.rebase("triage", mine="t3", onto="m4")
    assert result.moved == (("t3", 5),)
    assert forked.check_heads("triage").order == ("a1", "b2", "m3", "m4", "t3")


def test_while_git_rebases_mine_is_the_lower_side(forked: Directory, tmp_path: Path) -> None:
    (tmp_path / ".git" / "rebase-merge").mkdir(parents=True)
    assert forked.rebase("triage").moved == (("t3", 5),)


def test_the_three_way_style_of_conflict_is_read(forked: Directory) -> None:
    heads = forked.heads_path("triage")
    heads.write_text(heads.read_text().replace("=======\n", "||||||| base\nb2 2 00\n=======\n"))
    assert forked.rebase("triage").onto == "t3"
    assert forked.verify("triage") == []


def test_a_conflict_resolved_by_hand_to_one_side_can_still_be_rebased(forked: Directory) -> None:
    cumulative = forked.frozen("t3").cumulative
    forked.heads_path("triage").write_text(f"t3 3 {cumulative}\n")
    assert [problem.kind for problem in forked.verify("triage")] == ["added", "added"]
    forked.rebase("triage", mine="m4")
    assert forked.verify("triage") == []


def test_two_heads_without_a_conflict_need_a_name(forked: Directory) -> None:
    forked.write_heads("triage")
    with pytest.raises(RevisionError) as raised:
        forked.rebase("triage")
    assert str(raised.value) == (
        "workflow triage: it is not clear which head is yours: m4, t3. Say it: `statemig rebase MINE ONTO`."
    )
    assert forked.rebase("triage", onto="t3").moved == (("m3", 4), ("m4", 5))


def test_one_head_is_nothing_to_rebase(tmp_path: Path) -> None:
    with pytest.raises(RevisionError, match="nothing is to be rebased: there is one head"):
        line(tmp_path / "m", "a1", "b2").rebase("triage")


def test_what_is_no_head_is_refused(forked: Directory) -> None:
    with pytest.raises(
        RevisionError, match=r"revision b2: it is not a head: m3, t3 follows it\. Heads are m4, t3"
    ):
        forked.rebase("triage", mine="m4", onto="b2")
    with pytest.raises(RevisionError, match="cannot be put behind itself"):
        forked.rebase("triage", mine="m4", onto="m4")


def test_a_merge_is_not_moved(tmp_path: Path) -> None:
    directory = line(tmp_path / "m", "a1", "b2")
    add(directory, "c3", "a1")
    add(directory, "d4", "b2", "c3")
    add(directory, "e5", "a1")
    with pytest.raises(
        RevisionError, match=r"revision d4: it is a merge, and only a line.*Join the two heads"
    ):
        directory.rebase("triage", mine="d4", onto="e5")


def test_an_edit_is_not_frozen_on_the_way(forked: Directory) -> None:
    path = forked.script_path("m3")
    path.write_text(path.read_text().replace("default=3", "default=4"))
    before = {file: file.read_bytes() for file in forked.location.rglob("*.*") if file.is_file()}
    with pytest.raises(EditedRevisionError, match="revision m3"):
        forked.rebase("triage")
    assert all(
        file.read_bytes() == content for file, content in before.items() if "__pycache__" not in file.parts
    )


def test_only_the_header_is_rewritten() -> None:
    source = (
        b'"""x\r\n\r\nRevises: b2\r\nWorkflow: triage, version 2 -> 3\r\n"""\r\n'
        b'down_revision = (  # note\r\n    "b2"\r\n)\r\nversion=3  # three\r\nRevises = "Revises: b2"\r\n'
    )
    assert rewrite_header(source, "x.py", "t3", 4) == (
        b'"""x\r\n\r\nRevises: t3\r\nWorkflow: triage, version 3 -> 4\r\n"""\r\n'
        b'down_revision = (  # note\r\n    "t3"\r\n)\r\nversion=4  # three\r\nRevises = "Revises: b2"\r\n'
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2), st.integers(1, 3), st.integers(1, 3))
def test_digests_agree_after_any_rebase(
    tmp_path_factory: pytest.TempPathFactory, shared: int, mine: int, theirs: int
) -> None:
    names = [f"s{number}" for number in range(shared)]
    directory = line(tmp_path_factory.mktemp("m"), *names)
    tops = {}
    for side, length in (("m", mine), ("t", theirs)):
        below = names[-1:]
        for number in range(length):
            add(directory, f"{side}{number}", *below)
            below = [f"{side}{number}"]
        tops[side] = below[0]
    result = directory.rebase("triage", tops["m"], tops["t"])
    assert directory.verify("triage") == []
    assert directory.check_heads("triage").head == tops["m"]
    assert len(result.moved) == mine
    assert [it.version for it in directory.graph("triage")] == list(range(1, shared + mine + theirs + 1))


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize("how", ["merge", "rebase"])
def test_with_git_itself(tmp_path: Path, how: str) -> None:
    def git(*arguments: str, check: bool = True) -> None:
        identity = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=check, capture_output=True)

    def commit() -> None:
        git("add", "-A")
        git("commit", "-qm", "x")

    git("init", "-q", "-b", "main")
    directory = line(tmp_path / "migrations", "a1", "b2")
    commit()
    git("checkout", "-qb", "mine")
    add(directory, "m3", "b2")
    commit()
    git("checkout", "-q", "main")
    add(Directory(directory.location), "t3", "b2")
    commit()
    git("checkout", "-q", "mine")
    git(how, "main", check=False)

    fresh = Directory(directory.location)
    assert fresh.heads_file("triage").conflict is not None
    assert fresh.rebase("triage").moved == (("m3", 4),)
    assert fresh.verify("triage") == []
