"""A folder of revisions: written, read back, loaded, and everything that is not as it was frozen named."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from chains import Picture, add, line, script_text
from hypothesis import given, settings
from hypothesis import strategies as st

from statemig.errors import (
    ConfigError,
    EditedRevisionError,
    MissingRevisionError,
    RevisionError,
    StatemigError,
    UnknownRevisionError,
)
from statemig.revisions.directory import Directory, file_name, new_id
from statemig.revisions.verify import Problem


@pytest.fixture
def migrations(tmp_path: Path) -> Directory:
    return line(tmp_path / "migrations", "a1", "b2", "c3")


def replace_in(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def named(problems: list[Problem]) -> list[tuple[str, str | None]]:
    return [(problem.kind, problem.revision) for problem in problems]


# -- the folder


def test_no_folder_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        Directory(tmp_path / "migrations")
    assert str(raised.value) == (
        f"there is no folder of migrations at {tmp_path / 'migrations'}. "
        "Make one with `statemig init`, or correct script_location."
    )


def test_an_empty_folder_has_no_workflow_and_an_empty_graph(tmp_path: Path) -> None:
    empty = Directory.create(tmp_path / "m")
    assert (empty.workflows(), len(empty.graph("triage")), empty.verify("triage")) == ((), 0, [])
    assert empty.check_heads("triage").head is None


def test_a_clone_without_the_empty_folders_is_fine(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    add(Directory(tmp_path / "m"), "a1")
    assert Directory(tmp_path / "m").verify("triage") == []


def test_ids_are_twelve_hex_digits_and_random() -> None:
    ids = {new_id() for _ in range(50)}
    assert len(ids) == 50
    assert all(len(name) == 12 and int(name, 16) >= 0 for name in ids)


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        ("review step", "0004_5f2c_review_step.py"),
        ("  Überraschung: a/b..c ", "0004_5f2c_berraschung_a_b_c.py"),
        ("", "0004_5f2c.py"),
        (
            "one two three four five six seven eight nine",
            "0004_5f2c_one_two_three_four_five_six_seven_eight.py",
        ),
        ("x" * 60, f"0004_5f2c_{'x' * 40}.py"),
    ],
)
def test_file_names(slug: str, expected: str) -> None:
    assert file_name(4, "5f2c", slug) == expected


# -- written and read back


def test_the_layout_on_disk(migrations: Directory) -> None:
    files = sorted(str(path.relative_to(migrations.location)) for path in migrations.location.rglob("*.*"))
    assert [file for file in files if "__pycache__" not in file] == [
        ".gitignore",
        "README.md",
        "snapshots/a1.json",
        "snapshots/b2.json",
        "snapshots/c3.json",
        "versions/0001_a1_change_a1.py",
        "versions/0002_b2_change_b2.py",
        "versions/0003_c3_change_c3.py",
    ]
    text = (migrations.location / "heads" / "triage").read_text()
    assert text == f"c3 3 {migrations.frozen('c3').cumulative}\n"


def test_the_frozen_file_is_pretty_and_says_what_it_is(migrations: Directory) -> None:
    text = migrations.snapshot_path("b2").read_text()
    frozen = json.loads(text)
    assert text == json.dumps(frozen, indent=2) + "\n"
    assert {key: frozen[key] for key in ("format", "revision", "down_revision", "workflow", "version")} == {
        "format": 1,
        "revision": "b2",
        "down_revision": "a1",
        "workflow": "triage",
        "version": 2,
    }
    assert frozen["verdict"] is None
    assert frozen["snapshot"] == Picture(workflow="triage", at="b2").content


def test_the_same_chain_written_again_is_the_same_bytes(migrations: Directory, tmp_path: Path) -> None:
    again = line(tmp_path / "again", "a1", "b2", "c3")
    for part in ("snapshots/c3.json", "heads/triage"):
        assert (again.location / part).read_bytes() == (migrations.location / part).read_bytes()


def test_frozen_numbers_keep_every_digit(tmp_path: Path) -> None:
    directory = Directory.create(tmp_path)
    big = 2**80
    directory.write("a1", None, "triage", 1, "x", script_text("a1", (), 1), Picture(maximum=big))  # type: ignore[arg-type]
    assert directory.frozen("a1").snapshot == Picture(maximum=big).content
    assert directory.verify("triage") == []


def test_headers_are_read_without_running_a_script(migrations: Directory) -> None:
    for path in (migrations.location / "versions").glob("*.py"):
        path.write_text(path.read_text() + "\nraise SystemExit('ran')\n")
    headers = Directory(migrations.location).headers("triage")
    assert [(it.revision, it.version, it.message) for it in headers] == [
        ("a1", 1, "change a1"),
        ("b2", 2, "change b2"),
        ("c3", 3, "change c3"),
    ]


def test_workflows_share_a_folder(migrations: Directory) -> None:
    add(migrations, "d4", workflow="refunds")
    assert migrations.workflows() == ("refunds", "triage")
    assert migrations.graph("refunds").heads == ("d4",)
    assert migrations.graph("triage").heads == ("c3",)
    assert migrations.verify("refunds") == migrations.verify("triage") == []


def test_load_gives_the_recorded_operations(migrations: Directory) -> None:
    revision = migrations.load("b2", snapshot=False)
    assert [operation.to_dict() for operation in revision.operations] == [
        {"op": "add_field", "path": "state.f_b2", "default": 2}
    ]
    assert (revision.down_revision, revision.version, revision.workflow) == ("a1", 2, "triage")
    assert revision.downgrade_operations is None
    assert revision.message == "change b2"


def test_a_merge_stands_on_both_and_takes_the_next_version(migrations: Directory) -> None:
    add(migrations, "d4", "b2")
    assert [head.revision for head in migrations.heads_file("triage").heads] == ["c3", "d4"]
    add(migrations, "e5", "c3", "d4")
    assert migrations.load("e5", snapshot=False).down_revision == ("c3", "d4")
    assert migrations.graph("triage").version("e5") == 4
    assert migrations.frozen("e5").down_revisions == ("c3", "d4")
    assert migrations.verify("triage") == []


def test_an_unknown_id_is_not_loaded(migrations: Directory) -> None:
    with pytest.raises(
        UnknownRevisionError, match=r"revision f6: there is no script of this revision\. `statemig history`"
    ):
        migrations.load("f6")


def test_a_revision_that_somebody_adds_later_is_found(migrations: Directory) -> None:
    migrations.headers()
    add(Directory(migrations.location), "d4", "c3")
    assert migrations.load("d4", snapshot=False).version == 4


def test_a_real_snapshot_is_frozen_and_read_back(tmp_path: Path) -> None:
    from statemig.workflow.snapshot import Snapshot

    schema = {"type": "object", "properties": {"topic": {"type": "string"}}, "required": ["topic"]}
    snapshot = Snapshot.from_json_schema(schema, name="State")
    directory = Directory.create(tmp_path)
    directory.write("a1", None, "triage", 1, "x", script_text("a1", (), 1), snapshot)
    assert directory.snapshot("a1") == directory.load("a1").snapshot == snapshot
    assert Directory(tmp_path).snapshot("a1").digest == snapshot.digest  # type: ignore[union-attr]
    raw = directory.snapshot_path("a1").read_bytes()
    directory.replace_snapshot("a1", snapshot)
    assert directory.snapshot_path("a1").read_bytes() == raw


def test_a_revision_frozen_without_a_snapshot_has_none(tmp_path: Path) -> None:
    directory = Directory.create(tmp_path)
    directory.write("a1", None, "triage", 1, "x", script_text("a1", (), 1), None)
    assert directory.snapshot("a1") is None
    assert directory.load("a1").snapshot is None


# -- refused before anything is written


def write_refused(
    directory: Directory, revision: str, below: tuple[str, ...], version: int, text: str
) -> str:
    before = {
        path: path.read_bytes() for path in directory.location.rglob("*.*") if "__pycache__" not in path.parts
    }
    with pytest.raises(RevisionError) as raised:
        directory.write(revision, below, "triage", version, "x", text, Picture())  # type: ignore[arg-type]
    after = {
        path: path.read_bytes() for path in directory.location.rglob("*.*") if "__pycache__" not in path.parts
    }
    assert before == after
    return str(raised.value)


def test_an_id_that_is_taken_is_refused(migrations: Directory) -> None:
    message = write_refused(migrations, "b2", ("c3",), 4, script_text("b2", ("c3",), 4))
    assert message == (
        "workflow triage, revision b2: this id is taken by 0002_b2_change_b2.py. "
        "Leave the id out, and a free one is made."
    )


def test_a_header_that_says_something_else_is_refused(migrations: Directory) -> None:
    assert "says something else" in write_refused(migrations, "d4", ("c3",), 4, script_text("d4", ("b2",), 4))


def test_a_wrong_version_is_refused(migrations: Directory) -> None:
    message = write_refused(migrations, "d4", ("c3",), 7, script_text("d4", ("c3",), 7))
    assert message == "workflow triage, revision d4: its version would be 4, not 7"


def test_following_what_is_not_there_is_refused(migrations: Directory) -> None:
    assert "it follows revision zz" in write_refused(
        migrations, "d4", ("zz",), 4, script_text("d4", ("zz",), 4)
    )


def test_importing_the_application_is_refused_with_the_line_and_the_reason(migrations: Directory) -> None:
    text = script_text("d4", ("c3",), 4, body="from app.flows import triage")
    assert write_refused(migrations, "d4", ("c3",), 4, text) == (
        "revision d4: 0004_d4_x.py imports what is not frozen with it: line 18: from app.flows import triage. "
        "The code moves on and the frozen snapshot does not: copy what the script needs into it."
    )


def test_a_workflow_whose_name_cannot_be_a_file_is_refused(migrations: Directory) -> None:
    for name in ("../x", "", ".hidden", "a/b"):
        with pytest.raises(RevisionError, match="cannot be the name of a workflow"):
            migrations.heads_path(name)


def test_a_conflict_in_the_heads_file_stops_writing(migrations: Directory) -> None:
    heads = migrations.heads_path("triage")
    heads.write_text(f"<<<<<<< HEAD\n{heads.read_text()}=======\nd4 4 00\n>>>>>>> theirs\n")
    message = write_refused(migrations, "e5", ("c3",), 4, script_text("e5", ("c3",), 4))
    assert message == (
        f"workflow triage: {heads} holds a conflict: two people added a revision (heads c3 and d4). "
        "Put yours behind theirs with `statemig rebase`"
    )


# -- edited, missing, added


def test_an_untouched_chain_has_no_problem(migrations: Directory) -> None:
    assert migrations.verify("triage") == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("change b2", "a better sentence"),
        ("    op.add_field", "    # why\n\n    op.add_field"),
        ("default=2", "default=(2)"),
        ('"state.f_b2"', "'state.f_b2'"),
        ("-> None:\n", '-> None:\n    """What it is for."""\n'),
    ],
)
def test_layout_comments_and_docstrings_are_no_edit(migrations: Directory, old: str, new: str) -> None:
    replace_in(migrations.script_path("b2"), old, new)
    assert migrations.verify("triage") == []
    assert len(migrations.load("b2", snapshot=False).operations) == 1


def test_a_snapshot_written_in_another_layout_is_no_edit(migrations: Directory) -> None:
    path = migrations.snapshot_path("b2")
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert migrations.verify("triage") == []


def test_an_edited_script_is_named_and_not_loaded(migrations: Directory) -> None:
    replace_in(migrations.script_path("b2"), "default=2", "default=7")
    assert named(migrations.verify("triage")) == [("edited", "b2")]
    with pytest.raises(EditedRevisionError) as raised:
        migrations.load("b2")
    assert str(raised.value) == (
        "workflow triage, revision b2: 0002_b2_change_b2.py was edited: it does something else than when it was "
        "frozen. Bring it back from version control; or, if no run has passed it yet, accept the edit with "
        "`statemig edit b2 --freeze`"
    )


def test_an_edit_of_the_same_length_within_the_same_second_is_noticed(migrations: Directory) -> None:
    migrations.load("b2", snapshot=False)
    path = migrations.script_path("b2")
    stat = path.stat()
    replace_in(path, "default=2", "default=7")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(EditedRevisionError):
        migrations.load("b2", snapshot=False)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("version = 2", "version = 9", "version was 2 and is 9"),
        ('down_revision = "a1"', "down_revision = None", "down_revision was ('a1',) and is ()"),
    ],
)
def test_an_edited_header_is_named(migrations: Directory, old: str, new: str, said: str) -> None:
    replace_in(migrations.script_path("b2"), old, new)
    problems = migrations.verify("triage")
    assert ("edited", "b2") in named(problems)
    assert said in problems[-1].message
    with pytest.raises(EditedRevisionError, match=r"the header of 0002_b2_change_b2.py was edited"):
        migrations.load("b2")


def test_an_edited_snapshot_is_named_and_not_loaded(migrations: Directory) -> None:
    replace_in(migrations.snapshot_path("b2"), '"at": "b2"', '"at": "b3"')
    assert named(migrations.verify("triage")) == [("snapshot", "b2")]
    with pytest.raises(EditedRevisionError, match=r"the frozen snapshot snapshots/b2.json was edited"):
        migrations.load("b2")


def test_digests_that_were_made_to_fit_an_edit_do_not_fit_the_chain(migrations: Directory) -> None:
    replace_in(migrations.script_path("b2"), "default=2", "default=7")
    migrations.refreeze("b2")
    heads = migrations.heads_path("triage")
    replace_in(heads, migrations.frozen("c3").cumulative, "0" * 32)
    assert named(migrations.verify("triage")) == [("chain", "c3")]
    with pytest.raises(EditedRevisionError, match="something it stands on was changed"):
        migrations.check_heads("triage")


def test_a_missing_script_in_the_middle_is_named(migrations: Directory) -> None:
    migrations.script_path("b2").unlink()
    assert named(migrations.verify("triage")) == [("missing", "b2")]
    with pytest.raises(MissingRevisionError, match="revision c3: it follows revision b2, which is not there"):
        migrations.graph("triage")


def test_a_missing_head_is_named(migrations: Directory) -> None:
    migrations.script_path("c3").unlink()
    assert named(migrations.verify("triage")) == [("missing", "c3")]
    with pytest.raises(MissingRevisionError, match="names it as a head, and its script is not there"):
        migrations.check_heads("triage")


def test_a_missing_snapshot_is_named_and_the_revision_not_loaded(migrations: Directory) -> None:
    migrations.snapshot_path("b2").unlink()
    assert named(migrations.verify("triage")) == [("missing", "b2")]
    with pytest.raises(MissingRevisionError, match=r"revision b2: its frozen snapshot .*b2.json is missing"):
        migrations.load("b2")


def test_a_missing_heads_file_is_named(migrations: Directory) -> None:
    migrations.heads_path("triage").unlink()
    assert named(migrations.verify("triage")) == [("missing", None)]
    with pytest.raises(
        MissingRevisionError, match="heads/triage is missing or empty, and there are 3 revisions"
    ):
        migrations.check_heads("triage")


def test_an_added_script_is_named(migrations: Directory) -> None:
    path = migrations.location / "versions" / "0004_d4_by_hand.py"
    path.write_text(script_text("d4", ("c3",), 4))
    assert named(migrations.verify("triage")) == [("added", "d4")]
    with pytest.raises(EditedRevisionError, match=r"0004_d4_by_hand.py was added without statemig"):
        migrations.check_heads("triage")
    with pytest.raises(MissingRevisionError):
        migrations.load("d4")


def test_a_side_that_was_dropped_from_the_heads_file_by_hand_is_named(migrations: Directory) -> None:
    heads = migrations.heads_path("triage").read_text()
    add(migrations, "d4", "c3")
    migrations.heads_path("triage").write_text(heads)
    (problem,) = migrations.verify("triage")
    assert str(problem) == (
        "revision d4: 0004_d4_change_d4.py was added, and the heads file does not know it, as after a conflict "
        "resolved by hand. Put it behind the head with `statemig rebase`, or remove it"
    )


@pytest.mark.parametrize("writes", [1, 2])
def test_a_write_that_is_cut_off_leaves_an_added_revision(
    migrations: Directory, monkeypatch: pytest.MonkeyPatch, writes: int
) -> None:
    from statemig.revisions import directory as module

    done = []

    def cut_off(path: Path, content: bytes) -> None:
        if len(done) == writes:
            raise KeyboardInterrupt
        done.append(path)
        real(path, content)

    real = module.replace_file
    monkeypatch.setattr(module, "replace_file", cut_off)
    with pytest.raises(KeyboardInterrupt):
        add(migrations, "d4", "c3")
    assert named(migrations.verify("triage")) == [("added", "d4")]


def test_an_import_of_the_application_is_named_by_verify(migrations: Directory) -> None:
    replace_in(
        migrations.script_path("b2"), "from statemig import", "from app import x\nfrom statemig import"
    )
    assert ("import", "b2") in named(migrations.verify("triage"))


def test_a_script_that_is_no_python_is_named(migrations: Directory) -> None:
    replace_in(migrations.script_path("b2"), "revision = ", "revision == = ")
    problems = migrations.verify("triage")
    assert problems[0].kind == "broken"
    assert "0002_b2_change_b2.py, line" in problems[0].message


def test_the_same_id_twice_is_named(migrations: Directory) -> None:
    path = migrations.script_path("b2")
    shutil.copy(path, path.with_name("0002_b2_copy.py"))
    assert ("added", "b2") in named(migrations.verify("triage"))
    with pytest.raises(
        RevisionError, match=r"two scripts have this id: 0002_b2_change_b2.py and 0002_b2_copy.py"
    ):
        migrations.graph("triage")


def _edit_script(directory: Directory, name: str) -> None:
    replace_in(directory.script_path(name), "default=", "default=1 + ")


def _edit_snapshot(directory: Directory, name: str) -> None:
    replace_in(directory.snapshot_path(name), '"at"', '"on"')


def _edit_digest(directory: Directory, name: str) -> None:
    replace_in(directory.snapshot_path(name), directory.frozen(name).cumulative, "0" * 32)


def _remove_script(directory: Directory, name: str) -> None:
    directory.script_path(name).unlink()


def _remove_snapshot(directory: Directory, name: str) -> None:
    directory.snapshot_path(name).unlink()


def _remove_both(directory: Directory, name: str) -> None:
    directory.script_path(name).unlink()
    directory.snapshot_path(name).unlink()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 6),
    st.data(),
    st.sampled_from(
        [_edit_script, _edit_snapshot, _edit_digest, _remove_script, _remove_snapshot, _remove_both]
    ),
)
def test_any_single_change_of_a_chain_is_found_and_named(
    tmp_path_factory: pytest.TempPathFactory,
    length: int,
    data: st.DataObject,
    change: Callable[[Directory, str], None],
) -> None:
    names = [f"r{number}" for number in range(length)]
    directory = line(tmp_path_factory.mktemp("m"), *names)
    if length > 2 and data.draw(st.booleans()):
        add(directory, "side", names[data.draw(st.integers(0, length - 2))])
        names.append("side")
    name = data.draw(st.sampled_from(names))
    assert directory.verify("triage") == []
    change(directory, name)
    assert name in {problem.revision for problem in Directory(directory.location).verify("triage")}


# -- loading what is not right


def bad_script(tmp_path: Path, body: str, rest: str = "") -> Directory:
    directory = Directory.create(tmp_path / "m")
    text = script_text("a1", (), 1, body=body) + rest
    directory.write("a1", None, "triage", 1, "x", text, None)
    return directory


def test_a_script_without_upgrade_is_refused(tmp_path: Path) -> None:
    directory = bad_script(tmp_path, "pass", "\nupgrade = None\n")
    with pytest.raises(RevisionError, match=r"has no function upgrade\(op\)\. Write one"):
        directory.load("a1")


def test_a_script_that_fails_when_run_is_named(tmp_path: Path) -> None:
    directory = bad_script(tmp_path, "pass", "\nboom = 1 / 0\n")
    with pytest.raises(RevisionError, match=r"revision a1: .*0001_a1_x.py cannot be run: ZeroDivisionError"):
        directory.load("a1")


def test_an_exception_while_recording_names_revision_file_and_line(tmp_path: Path) -> None:
    directory = bad_script(tmp_path, "op.add_field('state.a', default=1 // 0)")
    with pytest.raises(RevisionError) as raised:
        _ = directory.load("a1").operations
    assert str(raised.value) == (
        f"workflow triage, revision a1: {directory.script_path('a1')}, line 18: upgrade(op) raised "
        "ZeroDivisionError: integer division or modulo by zero. "
        "It runs once, against a recorder: it may only call methods of op."
    )
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


def test_an_operation_that_is_refused_names_revision_file_and_line(tmp_path: Path) -> None:
    directory = bad_script(tmp_path, "op.rename_field('state.a', to='a')")
    with pytest.raises(StatemigError, match=r"revision a1.*0001_a1_x.py, line 18: "):
        _ = directory.load("a1").operations


def test_downgrade_is_recorded_when_there_is_one(tmp_path: Path) -> None:
    directory = bad_script(tmp_path, "pass", "\n\ndef downgrade(op):\n    op.remove_field('state.a')\n")
    (operation,) = directory.load("a1").downgrade_operations or ()
    assert operation.to_dict()["op"] == "remove_field"


# -- accepting an edit


def test_refreeze_accepts_an_edit_and_carries_the_digests_up_to_the_heads(migrations: Directory) -> None:
    add(migrations, "d4", "b2")
    before = {name: migrations.frozen(name).cumulative for name in ("a1", "b2", "c3", "d4")}
    replace_in(migrations.script_path("b2"), "default=2", "default=7")
    migrations.freeze_verdict("b2", {"up": "proven"})
    migrations.refreeze("b2")
    assert migrations.verify("triage") == []
    after = {name: migrations.frozen(name).cumulative for name in before}
    assert {name for name in before if before[name] != after[name]} == {"b2", "c3", "d4"}
    assert migrations.frozen("b2").verdict is None


def test_refreeze_does_not_accept_the_edit_of_another_revision(migrations: Directory) -> None:
    replace_in(migrations.script_path("b2"), "default=2", "default=7")
    replace_in(migrations.script_path("c3"), "default=3", "default=7")
    migrations.refreeze("b2")
    assert named(migrations.verify("triage")) == [("edited", "c3")]


def test_refreeze_names_a_version_that_does_not_fit(migrations: Directory) -> None:
    replace_in(migrations.script_path("b2"), "version = 2", "version = 9")
    with pytest.raises(RevisionError, match=r"says version 9, and its place is 2\. Write version = 2"):
        migrations.refreeze("b2")


def test_a_verdict_is_no_edit(migrations: Directory) -> None:
    migrations.freeze_verdict("b2", {"up": "proven"})
    assert migrations.verify("triage") == []
    assert migrations.frozen("b2").verdict == {"up": "proven"}


def test_a_snapshot_can_be_frozen_again(migrations: Directory) -> None:
    migrations.replace_snapshot("c3", Picture(at="c3", more=True))  # type: ignore[arg-type]
    assert migrations.frozen("c3").snapshot == Picture(at="c3", more=True).content
    assert migrations.verify("triage") == []


# -- the index of headers


def settled(directory: Directory) -> Path:
    """The index with every entry kept: entries of files as young as these are not."""
    for path in (directory.location / "versions").glob("*.py"):
        old = time.time_ns() - 10_000_000_123
        os.utime(path, ns=(old, old))
    directory.headers()
    return directory.location / "__pycache__" / "statemig-index.json"


def test_a_second_process_reads_no_script_again(
    migrations: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(migrations)
    expected = migrations.headers()

    def refuse(source: bytes, file: str) -> None:
        raise AssertionError(file)

    monkeypatch.setattr("statemig.revisions.header_index.read_header", refuse)
    assert Directory(migrations.location).headers() == expected


def test_only_the_script_that_changed_is_read_again(
    migrations: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from statemig.revisions import header_index

    settled(migrations)
    replace_in(migrations.script_path("b2"), "change b2", "changed")
    read = []
    real = header_index.read_header
    monkeypatch.setattr(
        header_index, "read_header", lambda source, file: read.append(file) or real(source, file)
    )
    assert [it.message for it in Directory(migrations.location).headers()] == [
        "change a1",
        "changed",
        "change c3",
    ]
    assert read == ["0002_b2_change_b2.py"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 99}', '{"format": 1, "files": {"x": []}}'])
def test_a_damaged_index_costs_time_and_nothing_else(migrations: Directory, content: str) -> None:
    index = settled(migrations)
    expected = migrations.headers()
    index.write_text(content)
    assert Directory(migrations.location).headers() == expected


def test_a_folder_that_cannot_be_written_is_fine(
    migrations: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, content: bytes) -> None:
        raise PermissionError(path)

    monkeypatch.setattr("statemig.revisions.header_index.replace_file", refuse)
    assert len(Directory(migrations.location).headers()) == 3


def test_files_that_are_no_scripts_are_left_alone(migrations: Directory) -> None:
    for name in ("__init__.py", ".hidden.py", "notes.txt"):
        (migrations.location / "versions" / name).write_text("not a script at all")
    assert len(migrations.headers()) == 3
