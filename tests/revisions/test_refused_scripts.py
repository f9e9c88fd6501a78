"""Scripts that cannot be right are refused when they are loaded: all problems at once, each with file and line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from refusals import STEPS, folder, problems, snapshot

from statemig import Revision
from statemig.errors import OperationError, RevisionError
from statemig.revisions import loading
from statemig.revisions.directory import Directory
from statemig.workflow.flow import StepInfo

NOWHERE = "this path names nothing in the schema before the operation. "
TAKEN = "already. Choose another name; or rename or remove what is there first (to swap two names, take one in between)"
STEP_TAKEN = "already. Choose another name, or rename or remove that step first"
NO_NAME = (
    "which has no name at the top level of the script. Write it as a function at the top level of the script (def ...), "
    "and pass its name"
)

#: a line of a script, and what is wrong with it
REFUSED: list[tuple[str, str]] = [
    # paths
    (
        'op.rename_field("state.sumary", to="digest")',
        f"rename_field state.sumary: {NOWHERE}Did you mean state.summary?",
    ),
    (
        'op.wrap("state.zzz")',
        f"wrap state.zzz: {NOWHERE}Compare it with `statemig show` of the revision before; "
        "operations earlier in the script count",
    ),
    ('op.wrap("state.items.query")', f"wrap state.items.query: {NOWHERE}Did you mean state.items[].query?"),
    (
        'op.wrap("state.items[].querry")',
        f"wrap state.items[].querry: {NOWHERE}Did you mean state.items[].query?",
    ),
    (
        'op.wrap("state.items[]<kind=serch>.query")',
        f"wrap state.items[]<kind=serch>.query: {NOWHERE}Did you mean state.items[]<kind=search>.query?",
    ),
    ('op.wrap("state.labels[]")', f"wrap state.labels[]: {NOWHERE}Did you mean state.labels{{}}?"),
    ('op.wrap("state.tags{}")', f"wrap state.tags{{}}: {NOWHERE}Did you mean state.tags[]?"),
    ('op.wrap("<Persn>.first")', f"wrap <Persn>.first: {NOWHERE}Did you mean <Person>.first?"),
    ('op.wrap("person.first")', f"wrap person.first: {NOWHERE}Did you mean state.person.first?"),
    (
        'op.nest(["state.topic", "state.sumary"], into="box")',
        f"nest state.topic, state.sumary: {NOWHERE}Did you mean state.summary?",
    ),
    (
        'op.remove_field("outputs.drafts.text")',
        f"remove_field outputs.drafts.text: {NOWHERE}Did you mean outputs.draft.text?",
    ),
    (
        'op.rename_type("Persn", "Human")',
        "rename_type Persn: there is no type 'Persn' in the schema before the operation. Did you mean Person?",
    ),
    (
        'op.remove_field("summary")',
        "remove_field summary: expected the path of a field, such as state.items[].name. Did you mean state.summary?",
    ),
    (
        'op.wrap("state.[x")',
        "wrap state.[x: expected a key at position 6, found '['. Paths look like state.messages[].content, "
        "outputs{}.text or tools<kind=search>.args",
    ),
    # collisions
    (
        'op.rename_field("state.topic", to="summary")',
        f"rename_field state.topic: there is a field state.summary {TAKEN}",
    ),
    (
        'op.move_field("state.topic", to="state.person.topic")',
        f"move_field state.topic: there is a field state.person.topic {TAKEN}",
    ),
    (
        'op.copy_field("state.topic", to="state.summary")',
        f"copy_field state.topic: there is a field state.summary {TAKEN}",
    ),
    ('op.nest(["state.topic"], into="summary")', f"nest state.topic: there is a field state.summary {TAKEN}"),
    ('op.flatten("state.person")', f"flatten state.person: there is a field state.topic {TAKEN}"),
    (
        'op.split_field("state.summary", ["topic", "rest"], by=function)',
        f"split_field state.summary: there is a field state.topic {TAKEN}",
    ),
    (
        'op.merge_fields(["state.summary", "state.topic"], "colour", by=function)',
        f"merge_fields state.summary, state.topic: there is a field state.colour {TAKEN}",
    ),
    (
        'op.rename_tag("state.items[].kind", to="limit")',
        f"rename_tag state.items[].kind: there is a field state.items[].limit {TAKEN}",
    ),
    (
        'op.add_field("state.hint", default="")',
        "add_field state.hint: there is a field state.hint already. make_required fills it where it is absent; "
        "to have another value in it, remove the field first",
    ),
    (
        'op.rename_variant("state.items[].kind", "search", "note")',
        "rename_variant state.items[].kind: there is a variant 'note' already, and on the way back nothing would tell the two apart. "
        "Choose another name; or, to make them one, op.remove_variant(\"state.items[].kind\", 'search', to=...) with a value or a function "
        "that makes a 'note' of it",
    ),
    (
        'op.rename_variant("state.colour", "red", "green")',
        "rename_variant state.colour: there is a variant 'green' already, and on the way back nothing would tell the two apart. "
        "Choose another name; or, to make them one, op.map_values(\"state.colour\", {'red': 'green'}, otherwise=\"keep\")",
    ),
    (
        'op.add_variant("state.items[].kind", "note")',
        "add_variant state.items[].kind: there is a variant 'note' already. Remove the line",
    ),
    (
        'op.copy_field("state.summary", to="state.topic.text")',
        "copy_field state.summary: nothing can be put into state.topic, which is never an object. "
        "Choose another place, or make an object of it first",
    ),
    (
        'op.copy_field("<Person>.first", to="<Person>.last.text")',
        "copy_field <Person>.first: nothing can be put into <Person>.last, which is never an object. "
        "Choose another place, or make an object of it first",
    ),
    (
        'op.add_field("state.topic.text", default="")',
        "add_field state.topic.text: nothing can be put into state.topic, which is never an object. "
        "Choose another place, or make an object of it first",
    ),
    (
        'op.move_field("state.summary", to="state.tags.text")',
        "move_field state.summary: nothing can be put into state.tags, which is never an object. "
        "Choose another place, or make an object of it first",
    ),
    # mappings
    (
        'op.map_values("state.colour", {"red": "blue"})',
        "map_values state.colour: the mapping does not say what becomes of 'green', 'blue'. "
        'Add it, or say otherwise="keep" or otherwise=op.value(...)',
    ),
    (
        'op.rename_variant("state.items[].kind", "serch", "find")',
        "rename_variant state.items[].kind: there is no variant 'serch'. Did you mean search?",
    ),
    (
        'op.remove_variant("state.items[].kind", "memo", to=op.value({}))',
        "remove_variant state.items[].kind: there is no variant 'memo'. The variants are note, search",
    ),
    (
        'op.tag_union("state.person", key="kind", infer={"query": "search"})',
        "tag_union state.person: an object Person there has none of query, so nothing says its tag. "
        "Name a field that it has, or infer the tag with a function",
    ),
    (
        'op.rename_keys("state.labels", {"a": "b", "b": "a"})',
        "rename_keys state.labels: keys cannot change places in one go; use a name in between",
    ),
    # values
    (
        'op.make_required("state.hint", fill=3)',
        "make_required state.hint: fill does not fit: it is an integer, and a string is expected there",
    ),
    (
        'op.remove_field("state.score", restore="x")',
        "remove_field state.score: restore does not fit: it is a string, and an integer is expected in the version before",
    ),
    (
        'op.make_nullable("state.topic", fill=0)',
        "make_nullable state.topic: fill does not fit: it is an integer, and a string is expected in the version before",
    ),
    (
        'op.make_optional("state.topic", fill=None)',
        "make_optional state.topic: fill does not fit: it is null, and a string is expected in the version before",
    ),
    (
        'op.wrap("state.topic", empty=[])',
        "wrap state.topic: empty does not fit: it is a list, and a string is expected in the version before",
    ),
    (
        'op.set_default("state.hint", "", materialise=4)',
        "set_default state.hint: materialise does not fit: it is an integer, and a string is expected in the version before",
    ),
    (
        'op.tuple_remove("state.pair[1]", restore=1)',
        "tuple_remove state.pair[1]: restore does not fit: it is an integer, and a string is expected in the version before",
    ),
    (
        'op.constrain("state.score", clamp=(0, 70))',
        "constrain state.score: clamp does not fit: it is an integer outside of the bounds there",
    ),
    (
        'op.constrain("state.score", clamp=(0.5, 7))',
        "constrain state.score: clamp does not fit: it is a number, and an integer is expected there",
    ),
    (
        'op.constrain("state.topic", clamp=(0, 7))',
        "constrain state.topic: clamp is for numbers, and what is there is a string",
    ),
    (
        'op.constrain("state.score", truncate=2)',
        "constrain state.score: truncate is for texts and lists, and what is there is an integer",
    ),
    ('op.unwrap("state.topic")', "unwrap state.topic: unwrap is for lists, and what is there is a string"),
    (
        'op.map_values("state.colour", {"red": 1}, otherwise="keep")',
        "map_values state.colour: what 'red' becomes does not fit: it is an integer, and "
        '"red", "green" or "blue" is expected there',
    ),
    (
        'op.remove_variant("state.items[].kind", "search", to=op.value({"kind": "note", "text": 1}))',
        "remove_variant state.items[].kind: to does not fit: it is an object, but not one that is expected there",
    ),
    (
        'op.add_step("check", after="draft", passed=op.backfill("x"))',
        "add_step check: backfill does not fit: it is a string, and an object is expected there",
    ),
    (
        'op.remove_step("draft", cursor=op.forward("send"), output={"state.score": "x"})',
        "remove_step draft: output for state.score does not fit: it is a string, and an integer is expected there",
    ),
    # steps
    (
        'op.rename_step("aprove", to="review")',
        "rename_step aprove: there is no step aprove. Did you mean approve?",
    ),
    ('op.rename_step("draft", to="send")', f"rename_step draft: there is a step send {STEP_TAKEN}"),
    (
        'op.remove_step("approve", cursor=op.forward("sent"))',
        "remove_step approve: op.forward('sent') sends runs to a step that does not exist. Did you mean send?",
    ),
    (
        'op.remove_step("x", cursor=op.hold())',
        "remove_step x: there is no step x. The steps are approve, classify, draft, send",
    ),
    (
        'op.add_step("check", down=op.back("drafts"))',
        "add_step check: op.back('drafts') sends runs to a step that does not exist. Did you mean draft?",
    ),
    (
        'op.add_step("check", after="drafts")',
        "add_step check: there is no step drafts that after names. Did you mean draft?",
    ),
    ('op.add_step("send")', f"add_step send: there is a step send {STEP_TAKEN}"),
    (
        'op.split_step("drafts", into=["a", "b"])',
        "split_step drafts: there is no step drafts. Did you mean draft?",
    ),
    ('op.split_step("draft", into=["a", "send"])', f"split_step draft: there is a step send {STEP_TAKEN}"),
    (
        'op.merge_steps(["draft", "aprove"], into="both")',
        "merge_steps draft, aprove: there is no step aprove. Did you mean approve?",
    ),
    (
        'op.merge_steps(["draft", "approve"], into="send")',
        f"merge_steps draft, approve: there is a step send {STEP_TAKEN}",
    ),
    (
        'op.reorder_steps(["aprove", "draft"])',
        "reorder_steps aprove, draft: there is no step aprove. Did you mean approve?",
    ),
    ('op.change_join("sned", ["draft"])', "change_join sned: there is no step sned. Did you mean send?"),
    ('op.change_join("send", ["drafts"])', "change_join send: there is no step drafts. Did you mean draft?"),
    ('op.requeue("drafts")', "requeue drafts: there is no step drafts. Did you mean draft?"),
    (
        'op.drop_pending("drafts", why="new")',
        "drop_pending drafts: there is no step drafts. Did you mean draft?",
    ),
    (
        'op.map_waiting("aprove", order=[0])',
        "map_waiting aprove: there is no step aprove. Did you mean approve?",
    ),
    # calls
    (
        'op.rename_feild("state.topic", to="x")',
        "rename_feild: op has no attribute 'rename_feild'. Did you mean op.rename_field?",
    ),
    (
        'op.remove_step("approve")',
        "remove_step: it takes other arguments (missing a required argument: 'cursor')",
    ),
    ('op.rename_field("state.topic", to="topic")', "rename_field state.topic: the new name is the old one"),
    # functions
    (
        'op.transform(lambda value: value, path="state.topic")',
        f"transform state.topic: up is a lambda, {NO_NAME}",
    ),
    (
        'op.map_waiting("approve", payload=lambda op: op.transform(lambda value: value))',
        f"map_waiting approve: up is a lambda, {NO_NAME}",
    ),
    (
        'op.split_field("state.summary", ["head", "rest"], by=str.split)',
        f"split_field state.summary: by is str.split, {NO_NAME}",
    ),
]

FUNCTION = "def function(*values):\n    return values\n"


@pytest.mark.parametrize(("line", "message"), REFUSED)
def test_it_is_refused_with_its_line(tmp_path: Path, line: str, message: str) -> None:
    after = snapshot(
        {**STEPS, "check": StepInfo()},
    )
    assert problems(tmp_path / "m", f"pass\n{line}", after, FUNCTION) == [f"2: {message}"]


def test_all_problems_are_listed_each_with_its_line(tmp_path: Path) -> None:
    """All lines at once that neither make nor take away what another one is about."""
    alone = (
        "op.wrap(",
        "op.requeue",
        "op.drop_pending",
        "op.map_waiting",
        "op.change_join",
        "op.unwrap",
        "op.constrain",
    )
    independent = [each for each in REFUSED if each[0].startswith(alone) and "does not fit" not in each[1]]
    found = problems(tmp_path / "m", "\n".join(line for line, _ in independent), above=FUNCTION)
    assert found == [f"{number}: {message}" for number, (_, message) in enumerate(independent, start=1)]
    assert len(found) > 15


def test_the_error_lists_them_all(tmp_path: Path) -> None:
    directory = folder(
        tmp_path / "m",
        'op.rename_field("state.sumary", to="digest")\n\n# a comment\nop.add_field(\n    "state.summary",\n    default="",\n)',
    )
    script = directory.script_path("b2")
    first = script.read_text().splitlines().index("def upgrade(op: Operations) -> None:") + 1
    with pytest.raises(OperationError) as raised:
        directory.refuse_bad(["b2"])
    assert raised.value.problems == (
        f"{script}, line {first + 1}: rename_field state.sumary: {NOWHERE}Did you mean state.summary?",
        f"{script}, line {first + 4}: add_field state.summary: there is a field state.summary already. make_required fills it "
        "where it is absent; to have another value in it, remove the field first",
    )
    listed = "".join(f"\n  - {problem}" for problem in raised.value.problems)
    assert str(raised.value) == f"workflow triage, revision b2: 2 problems:{listed}"


def test_one_problem_is_one_sentence(tmp_path: Path) -> None:
    directory = folder(tmp_path / "m", 'op.wrap("state.topik")')
    with pytest.raises(OperationError) as raised:
        directory.refuse_bad(["b2"])
    script = directory.script_path("b2")
    line = len(script.read_text().splitlines())
    assert str(raised.value) == (
        f"workflow triage, revision b2: {script}, line {line}: wrap state.topik: {NOWHERE}Did you mean state.topic?"
    )


# -- what follows from something else


@pytest.mark.parametrize(
    "follower",
    [
        'op.make_required("state.digest", fill="")',
        'op.wrap("state.digest")',
        'op.rename_field("state.digest", to="digests")',
        'op.move_field("state.digest", to="state.person.digest")',
    ],
)
def test_what_follows_from_a_problem_is_not_said(tmp_path: Path, follower: str) -> None:
    body = f'op.rename_field("state.sumary", to="digest")\n{follower}\nop.wrap("state.tagz")'
    assert problems(tmp_path / "m", body) == [
        f"1: rename_field state.sumary: {NOWHERE}Did you mean state.summary?",
        f"3: wrap state.tagz: {NOWHERE}Did you mean state.tags?",
    ]


def test_what_follows_from_a_call_that_was_refused_is_not_said(tmp_path: Path) -> None:
    body = 'op.rename_field("state.topic", too="subject")\nop.wrap("state.subject")\nop.wrap("state.tagz")'
    found = problems(tmp_path / "m", body)
    assert [each.partition(":")[0] for each in found] == ["1", "3"]


def test_what_follows_from_a_step_is_not_said(tmp_path: Path) -> None:
    body = 'op.rename_step("aprove", to="review")\nop.requeue("review")\nop.requeue("drafts")'
    assert [each.partition(":")[0] for each in problems(tmp_path / "m", body)] == ["1", "3"]


def test_a_wrong_value_does_not_hide_what_comes_after(tmp_path: Path) -> None:
    body = 'op.make_required("state.hint", fill=3)\nop.rename_field("state.hint", to="topic")'
    assert [each.partition(":")[0] for each in problems(tmp_path / "m", body)] == ["1", "2"]


# -- renames


def test_two_names_are_swapped_over_a_third(tmp_path: Path) -> None:
    body = (
        'op.rename_field("state.topic", to="tmp")\nop.rename_field("state.summary", to="topic")\n'
        'op.rename_field("state.tmp", to="summary")'
    )
    assert problems(tmp_path / "m", body) == []


@pytest.mark.parametrize(
    ("body", "line", "what"),
    [
        (
            'op.rename_field("state.topic", to="a")\nop.rename_field("state.a", to="topic")',
            2,
            "rename_field state.a: this leads state.topic",
        ),
        (
            'op.rename_field("state.topic", to="a")\nop.rename_field("state.a", to="b")\nop.move_field("state.b", to="state.topic")',
            3,
            "move_field state.b: this leads state.topic",
        ),
        (
            'op.rename_step("draft", to="a")\nop.rename_step("a", to="draft")',
            2,
            "rename_step a: this leads step draft",
        ),
        (
            'op.rename_type("Person", "A")\nop.rename_type("A", "Person")',
            2,
            "rename_type A: this leads type Person",
        ),
    ],
)
def test_renames_that_go_round_are_refused(tmp_path: Path, body: str, line: int, what: str) -> None:
    assert problems(tmp_path / "m", body) == [
        f"{line}: {what} back to where it began, so the renames of it do nothing. Remove them, or say where it is to end"
    ]


def test_a_field_that_is_out_of_the_way_for_something_may_come_back(tmp_path: Path) -> None:
    body = 'op.rename_field("state.topic", to="a")\nop.add_field("state.b", default=1)\nop.rename_field("state.a", to="topic")'
    assert problems(tmp_path / "m", body) == []


# -- what is right


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        'op.add_field("state.new", default=[])',
        'op.copy_field("state.topic", to="state.person.subject")',
        'op.copy_field("<Person>.first", to="<Person>.names.first")',
        'op.rename_field("state.items[]<kind=note>.text", to="limit")',  # only the other variant has one
        'op.map_values("state.colour", {"red": "blue"}, otherwise="keep")',
        'op.map_values("state.colour", {"red": "blue", "green": "blue", "blue": "red"})',
        'op.map_values("state.topic", {"a": "b"})',  # there is no end of texts
        'op.remove_step("draft", cursor=op.forward("check"))',  # which is new
        'op.rename_step("draft", to="write")\nop.remove_step("approve", cursor=op.back("write"))',
        'op.rename_keys("state.labels", {"a": "b"})',
        'op.transform(function, path="state.topic")',
        'op.transform(function)\nop.wrap("state.whatever")',  # after a function of everything nothing is known
        'op.drop_null("state.note", fill="")',
        'op.remove_field("state.topic", restore="")\nop.add_field("state.topic", default="x")',
        'op.add_field("state.later", default="7")\nop.convert("state.later", to="int")',  # what becomes of it fits
        'op.tuple_add("state.pair[2]", default=None)',
    ],
)
def test_what_may_be_right_is_let_through(tmp_path: Path, body: str) -> None:
    after = snapshot({**STEPS, "check": StepInfo()}, later={"type": "integer"})
    assert problems(tmp_path / "m", body, after, FUNCTION) == []


def test_a_default_has_to_fit_the_type_that_the_field_has_in_the_end(tmp_path: Path) -> None:
    after = snapshot(priority={"enum": ["low", "high"]})
    body = 'op.add_field("state.prio", default="normal")\nop.rename_field("state.prio", to="priority")'
    assert problems(tmp_path / "m", body, after) == [
        '1: add_field state.prio: default does not fit: it is a string, and "low" or "high" is expected there'
    ]


def test_a_key_that_is_only_read_is_no_collision() -> None:
    """A field that is written under one name and read under two never has both."""
    before = snapshot(hint=None)
    reads = snapshot(subject={"type": "string"}, hint=None)
    both = type(before)("triage", before.writes, reads.reads, steps=STEPS, start="classify")
    revision = Revision("b2", "a1", upgrade=lambda op: op.rename_field("state.topic", to="subject"))
    assert loading.problems_of_script(revision, {"a1": both, "b2": None}.get) == []


def test_a_written_downgrade_is_held_against_the_version_above(tmp_path: Path) -> None:
    found = problems(
        tmp_path / "m",
        'op.rename_field("state.topic", to="subject")',
        snapshot(topic=None, subject={"type": "string"}),
        'def downgrade(op):\n    op.rename_field("state.subjekt", to="topic")\n    op.rename_field("state.subject", to="topic")\n\n',
    )
    assert [each.partition(": ")[2] for each in found] == [
        f"rename_field state.subjekt: {NOWHERE}Did you mean state.subject?"
    ]


# -- in memory


def revisions(upgrade: Any, **more: Any) -> list[Revision]:
    return [
        Revision("a1", workflow="triage", snapshot=snapshot()),
        Revision("b2", "a1", upgrade=upgrade, workflow="triage", snapshot=snapshot(), **more),
    ]


def test_in_memory_a_lambda_may_be_a_function_of_an_operation() -> None:
    made = revisions(lambda op: op.transform(lambda value: value, path="state.topic"))
    assert loading.problems_of_script(made[1], {"a1": made[0].snapshot, "b2": made[1].snapshot}.get) == []


def test_without_a_snapshot_only_what_is_said_is_looked_at() -> None:
    revision = Revision("b2", "a1", upgrade=lambda op: op.wrap("state.nope"))
    assert loading.problems_of_script(revision, lambda _: None) == []


def test_a_script_that_raises_is_reported_with_what_it_said_before(tmp_path: Path) -> None:
    body = 'op.wrap("state.topik")\nraise LookupError("no such thing")'
    assert problems(tmp_path / "m", body) == [
        f"1: wrap state.topik: {NOWHERE}Did you mean state.topic?",
        "2: upgrade(op) raised LookupError: no such thing. It runs once, against a recorder: it may only call methods of op.",
    ]


# -- when


def count_checks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    real = loading.problems_of_script

    def counted(revision: Revision, *rest: Any) -> Any:
        seen.append(revision.revision)
        return real(revision, *rest)

    monkeypatch.setattr(loading, "problems_of_script", counted)
    return seen


def test_a_script_that_is_right_is_looked_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder(tmp_path / "m", "pass", "pass")
    seen = count_checks(monkeypatch)
    Directory(tmp_path / "m").refuse_bad(["b2"])
    Directory(tmp_path / "m").refuse_bad(["b2", "c3"])
    assert Directory(tmp_path / "m").verify("triage") == []
    assert Directory(tmp_path / "m").verify("triage") == []
    assert seen == ["b2", "c3", "a1"]


def test_a_script_or_snapshot_that_changed_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = folder(tmp_path / "m", "pass", 'op.wrap("state.topic")')
    directory.refuse_bad(["b2", "c3"])
    seen = count_checks(monkeypatch)
    directory.refreeze("b2", snapshot(topic=None))
    with pytest.raises(OperationError):
        directory.refuse_bad(["b2", "c3"])
    assert seen == ["b2", "c3"]


@pytest.mark.parametrize("content", ["", "[]", '{"format": 9, "checked": {}}', '{"format": 1, "checked": 3}'])
def test_what_was_remembered_may_be_broken(tmp_path: Path, content: str) -> None:
    directory = folder(tmp_path / "m", 'op.wrap("state.topik")')
    file = tmp_path / "m" / "__pycache__" / "statemig-checked.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(content)
    with pytest.raises(OperationError):
        directory.refuse_bad(["b2"])


def test_what_was_remembered_is_small(tmp_path: Path) -> None:
    folder(tmp_path / "m", "pass").refuse_bad(["b2"])
    stored = json.loads((tmp_path / "m" / "__pycache__" / "statemig-checked.json").read_text())
    assert stored["checked"].keys() == {"b2"}


def test_verify_names_every_problem(tmp_path: Path) -> None:
    directory = folder(
        tmp_path / "m", 'op.wrap("state.topik")\nop.requeue("drafts")', 'op.wrap("state.tagz")'
    )
    found = directory.verify("triage")
    assert [(each.kind, each.revision) for each in found] == [
        ("script", "b2"),
        ("script", "b2"),
        ("script", "c3"),
    ]
    assert str(found[2]) == (
        f"revision c3: {directory.script_path('c3').name}, line {len(directory.script_path('c3').read_text().splitlines())}: "
        f"wrap state.tagz: {NOWHERE}Did you mean state.tags? Correct the script with `statemig edit c3`"
    )
    assert isinstance(found[0].error(), RevisionError)


def test_a_script_that_was_edited_is_not_run_by_verify(tmp_path: Path) -> None:
    directory = folder(tmp_path / "m", "pass")
    script = directory.script_path("b2")
    script.write_text(script.read_text().replace("pass", "raise SystemExit"))
    assert [each.kind for each in directory.verify("triage")] == ["edited"]


# -- tools -------------------------------------------------------------------------------------------------------------


def arguments(**types: str) -> dict[str, Any]:
    properties = {name: {"type": kind} for name, kind in types.items()}
    return {"type": "object", "properties": properties, "required": list(types)}


SEARCH = {
    "search": {"arguments": arguments(q="string"), "steps": []},
    "send": {"arguments": None, "steps": []},
}
FIND = {
    "find": {"arguments": arguments(query="string"), "steps": []},
    "send": {"arguments": None, "steps": []},
}
RENAMED = 'op.rename_tool("search", to="find", arguments=lambda op: op.rename_field("q", to="query"))'


def with_tools(location: Path, body: str, after: dict[str, Any] | None = None) -> list[str]:
    """What is wrong with a script between a version that has SEARCH and one that has FIND."""
    from dataclasses import replace

    from statemig.operations import Operations
    from statemig.operations.checks.faults import faults

    op = Operations()
    exec(body, {"op": op})
    before = replace(snapshot(), tools=SEARCH)
    found = faults(op.recorded, before, replace(snapshot(), tools=FIND if after is None else after))
    return [each.message for each in found]


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (
            'op.rename_tool("serch", to="find")',
            "rename_tool serch: there is no tool 'serch'. Did you mean search?",
        ),
        (
            'op.rename_tool("search", to="fnd")',
            "rename_tool search: there is no tool 'fnd' in the version after. Did you mean find?",
        ),
        (
            'op.rename_tool("search", to="find", arguments=lambda op: op.rename_field("qq", to="query"))',
            "rename_tool search: arguments: rename_field qq: this path names nothing in the schema before the operation. Did you mean q?",
        ),
        (
            'op.rename_tool("search", to="find", arguments=lambda op: op.rename_field("q", to="text"))',
            "rename_tool search: arguments: query: may be absent, but is required",
        ),
        (
            'op.rename_tool("search", to="find", arguments=lambda op: (op.rename_field("q", to="query"), op.convert("query", to="int")))',
            "rename_tool search: arguments: query: may be an integer, but a string is expected",
        ),
    ],
)
def test_a_tool_that_is_not_there_and_arguments_that_it_has_not(
    tmp_path: Path, body: str, problem: str
) -> None:
    assert with_tools(tmp_path, body) == [problem]


def test_a_tool_is_known_by_the_name_that_it_has_at_that_point(tmp_path: Path) -> None:
    assert with_tools(tmp_path, RENAMED) == []
    twice = 'op.rename_tool("search", to="look")\nop.rename_tool("look", to="find", arguments=lambda op: op.rename_field("q", to="query"))'
    assert with_tools(tmp_path, twice) == []
    [problem] = with_tools(tmp_path, f'{RENAMED}\nop.rename_tool("search", to="find")')
    assert problem.startswith("rename_tool search: there is no tool 'search'")


def test_nothing_is_known_of_tools_that_no_snapshot_declares(tmp_path: Path) -> None:
    assert problems(tmp_path, RENAMED) == []
