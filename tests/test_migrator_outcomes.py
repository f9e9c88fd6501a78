"""What the migrator says of a document: current, upgraded, downgraded, held, pinned, failed; and what it refuses to touch."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from statemig.errors import (
    CollisionError,
    ConfigError,
    CursorError,
    InvalidStateError,
    IrreversibleError,
    MigrationHeld,
    MigrationPinned,
    MultipleHeadsError,
    NewerRevisionError,
    OperationError,
    RevisionError,
    StatemigError,
    TransformError,
    UnknownRevisionError,
)
from statemig.migrator import Migrator
from statemig.revisions.revision import Revision
from statemig.workflow.snapshot import Snapshot


def revisions(*scripts: Any) -> list[Revision]:
    return [
        Revision(f"r{number}", f"r{number - 1}" if number else None, upgrade=script, workflow="triage")
        for number, script in enumerate((None, *scripts))
    ]


def migrator(*scripts: Any) -> Migrator:
    return Migrator(revisions=revisions(*scripts))


def rename(op: Any) -> None:
    op.rename_field("state.a", to="b")


def add(op: Any) -> None:
    op.add_field("state.c", default=[])


# -- outcomes ----------------------------------------------------------------------------------------------------------


def test_a_downgrade_never_goes_up_the_way_that_an_upgrade_went() -> None:
    both = migrator(rename, add)
    both.upgrade({"state": {"a": 1}}, "r0", to="r1").unwrap()
    with pytest.raises(RevisionError, match="no way down to it"):
        both.downgrade({"state": {"a": 1}}, revision="r0", to="r1")


def test_undone_is_the_way_down_alone_and_raises_what_keeps_a_document_from_going() -> None:
    both = migrator(rename, add)
    up = both.upgrade({"state": {"a": 1}}, "r0", record="complement")
    assert both.undone(up.document, to="r0", revision="r2", complement=up.complement) == {"state": {"a": 1}}
    with pytest.raises(RevisionError, match="no way down to it"):
        both.undone({"state": {"a": 1}}, to="r1", revision="r0", complement=None)
    final = migrator(lambda op: op.irreversible("it was sent"))
    with pytest.raises(IrreversibleError) as failed:
        final.undone({"state": {}}, to="r0", revision="r1", complement=None, run_id="r")
    assert (failed.value.run_id, failed.value.workflow) == ("r", "triage")


def test_a_document_at_the_target_is_handed_over_as_it_is() -> None:
    document = {"state": {"b": 1}}
    result = migrator(rename, add).upgrade(document, "r1", to="r1", complement={"r1/0": []})
    assert (result.outcome, result.revision, result.applied) == ("current", "r1", ())
    assert result.document is document
    assert (result.complement, result.reverse_patch, result.error) == ({"r1/0": []}, None, None)


@pytest.mark.parametrize("complement", [None, {}, {"r1/0": [{"at": ["state"], "was": 1}]}])
def test_what_is_stored_with_a_document_at_its_target_stays(complement: Any) -> None:
    result = migrator(rename).upgrade({"status": "active", "state": {}}, "r1", complement=complement)
    assert result.complement == (complement or {})


@pytest.mark.parametrize("duplicate", [copy.copy, lambda result: pickle.loads(pickle.dumps(result))])
@pytest.mark.parametrize("revision", ["r0", "r1"])
def test_a_result_can_be_copied_and_pickled(revision: str, duplicate: Any) -> None:
    result = migrator(add).upgrade({"status": "active", "state": {}}, revision)
    assert repr(duplicate(result)) == repr(result)


def test_a_document_at_the_head_is_handed_over_as_it_is() -> None:
    document = {"state": {"b": 1}}
    result = migrator(rename).upgrade(document, "r1")
    assert result.outcome == "current"
    assert result.document is document
    assert result.applied == ()


def test_upgraded_names_what_was_applied() -> None:
    result = migrator(rename, add).upgrade({"state": {"a": 1}}, "r0")
    assert (result.outcome, result.revision, result.applied) == ("upgraded", "r2", ("r1", "r2"))
    assert result.unwrap() == {"state": {"b": 1, "c": []}}


def test_downgraded_names_what_was_taken_back_newest_first() -> None:
    result = migrator(rename, add).downgrade({"state": {"b": 1, "c": []}}, to="r0")
    assert (result.outcome, result.revision, result.applied) == ("downgraded", "r0", ("r2", "r1"))
    assert result.document == {"state": {"a": 1}}


def test_failed_keeps_the_very_document_and_its_revision() -> None:
    document = {"state": {"a": 1, "b": 2}}
    before = copy.deepcopy(document)
    result = migrator(add, rename).upgrade(document, "r0", run_id="run-7")
    assert (result.outcome, result.revision) == ("failed", "r0")
    assert result.document is document
    assert document == before
    with pytest.raises(CollisionError) as raised:
        result.unwrap()
    assert str(raised.value) == (
        "run run-7, workflow triage, revision r2, operation 0 rename_field, path state.b: 'b' is there already, so 'a' "
        "cannot become it. Remove, rename or merge one of the two first"
    )


@pytest.mark.parametrize(
    ("policy", "outcome", "error"),
    [("hold", "held", MigrationHeld), ("pin", "pinned", MigrationPinned), ("fail", "failed", CursorError)],
)
def test_a_run_on_a_removed_step_follows_its_policy_as_a_whole(
    policy: str, outcome: str, error: type
) -> None:
    def script(op: Any) -> None:
        op.rename_field("state.a", to="b")
        op.remove_step("ask", cursor=getattr(op, policy)())

    document = {"state": {"a": 1}, "cursor": [{"id": "p1", "step": "ask", "status": "waiting", "key": "k"}]}
    result = migrator(script).upgrade(document, "r0", record="complement", complement={"x/0": [{"at": []}]})
    assert result.outcome == outcome
    assert result.document is document
    assert result.complement == {"x/0": [{"at": []}]}
    assert isinstance(result.error, error)
    assert "position p1 stands on step 'ask' (waiting), which is removed" in str(result.error)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_an_unknown_revision_is_refused_with_what_to_do() -> None:
    document = {"state": {"a": 1}}
    with pytest.raises(UnknownRevisionError, match="A newer deploy wrote it") as raised:
        migrator(rename).upgrade(document, "zzz", run_id="run-7")
    assert "revision zzz" in str(raised.value)
    assert document == {"state": {"a": 1}}


def test_a_document_that_is_newer_than_the_target_is_refused() -> None:
    with pytest.raises(NewerRevisionError, match="Downgrade it, or leave it to a worker of its version"):
        migrator(rename, add).upgrade({"state": {}}, "r2", to="r1")


def test_a_document_that_does_not_stand_on_the_target_cannot_go_down_to_it() -> None:
    with pytest.raises(RevisionError, match="does not stand on revision r2"):
        migrator(rename, add).downgrade({"state": {}}, revision="r1", to="r2")


def test_nothing_has_a_shape_at_the_base() -> None:
    with pytest.raises(RevisionError, match="nothing has a shape at the base"):
        migrator(rename).downgrade({"state": {}}, to="base")


def test_two_heads_are_refused() -> None:
    with pytest.raises(MultipleHeadsError):
        Migrator(revisions=[Revision("a"), Revision("b", "a"), Revision("c", "a")])


def test_a_migrator_needs_revisions() -> None:
    with pytest.raises(ConfigError, match="or Migrator"):
        Migrator()
    with pytest.raises(RevisionError, match="there is no revision yet"):
        Migrator(revisions=[])


def test_irreversible_refuses_the_way_back_with_its_reason() -> None:
    one_way = migrator(lambda op: op.irreversible("the old provider is gone"))
    assert one_way.upgrade({"state": {}}, "r0").outcome == "upgraded"
    error = one_way.downgrade({"state": {}}, to="r0").error
    assert isinstance(error, IrreversibleError)
    assert "operation 0 irreversible: there is no way back: the old provider is gone" in str(error)


# -- wrong data and wrong migrations are told apart --------------------------------------------------------------------


def snapshot(**properties: Any) -> Snapshot:
    return Snapshot.from_json_schema(
        {"type": "object", "properties": properties, "required": sorted(properties)}, "triage"
    )


def typed(script: Any) -> Migrator:
    before, after = snapshot(a={"type": "string"}), snapshot(b={"type": "string"})
    return Migrator(
        revisions=[Revision("r0", snapshot=before), Revision("r1", "r0", upgrade=script, snapshot=after)]
    )


def test_data_that_was_wrong_before_is_said_to_be() -> None:
    error = typed(rename).upgrade({"state": {"a": 5}}, "r0").error
    assert isinstance(error, InvalidStateError)
    assert error.revision == "r0"
    assert error.problems == (("state.a", "expected string"),)
    assert "does not fit the revision it is stamped with: state.a: expected string" in str(error)


def test_a_migration_that_leaves_a_wrong_shape_is_said_to() -> None:
    error = typed(lambda op: None).upgrade({"state": {"a": "x"}}, "r0").error
    assert isinstance(error, InvalidStateError)
    assert error.revision == "r1"
    assert "after the migration the document does not fit the new version" in str(error)
    assert "Add what is missing to the scripts between r0 and r1" in str(error)


def test_a_checked_document_is_not_validated_at_its_own_revision() -> None:
    result = typed(
        lambda op: op.transform(lambda value: "x", path="state.a") or op.rename_field("state.a", to="b")
    ).upgrade({"state": {"a": 5}}, "r0", checked=True)
    assert result.outcome == "upgraded"


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ([], None),
        ({}, "state"),
        ({"state": [], "outputs": {}}, "state"),
        ({"state": {}, "status": "sleeping"}, "status"),
        ({"state": {}, "outputs": []}, "outputs"),
        ({"state": {}, "cursor": {}}, "cursor"),
        ({"state": {}, "cursor": [{"id": "p"}]}, "cursor[0].step"),
        ({"state": {}, "cursor": [{"step": "a", "status": "asleep"}]}, "cursor[0].status"),
        ({"state": {}, "pending": [{"writes": {}}]}, "pending[0].step"),
    ],
)
def test_what_is_no_run_document_fails_with_the_place(document: Any, path: str | None) -> None:
    error = migrator(rename).upgrade(document, "r0").error
    assert isinstance(error, InvalidStateError)
    assert error.path == path


# -- transform ---------------------------------------------------------------------------------------------------------


def test_a_transform_that_raises_keeps_the_cause() -> None:
    def broken(value: Any) -> Any:
        raise KeyError("x")

    error = (
        migrator(lambda op: op.transform(broken, path="state.items[]"))
        .upgrade({"state": {"items": [1]}}, "r0")
        .error
    )
    assert isinstance(error, TransformError)
    assert isinstance(error.__cause__, KeyError)
    assert "path state.items[0]: the function of transform raised KeyError" in str(error)


@pytest.mark.parametrize("made", [{1, 2}, (1,), float("inf"), {1: 2}, object()])
def test_a_transform_must_return_json(made: Any) -> None:
    error = (
        migrator(lambda op: op.transform(lambda value: {"in": [made]}, path="state.a"))
        .upgrade({"state": {"a": 1}}, "r0")
        .error
    )
    assert isinstance(error, TransformError)
    assert "the function of transform returned what is not JSON" in str(error)


def test_a_transform_may_change_its_argument_without_changing_the_document() -> None:
    def grow(value: Any) -> Any:
        value["more"] = value["deep"]
        value["deep"].append(1)
        return value

    document = {"state": {"a": {"deep": []}}}
    result = migrator(lambda op: op.transform(grow, path="state.a")).upgrade(
        document, "r0", record="complement"
    )
    assert document == {"state": {"a": {"deep": []}}}
    assert result.document["state"]["a"] == {"deep": [1], "more": [1]}


def test_a_transform_without_a_way_back_gives_back_what_was_not_edited() -> None:
    one_way = migrator(lambda op: op.transform(str.upper, path="state.a"))
    up = one_way.upgrade({"state": {"a": "aB"}}, "r0", record="complement")
    assert one_way.downgrade(up.document, to="r0", complement=up.complement).unwrap() == {
        "state": {"a": "aB"}
    }
    error = one_way.downgrade({"state": {"a": "CD"}}, to="r0", complement=up.complement).error
    assert isinstance(error, IrreversibleError)
    assert "transform has no way back for this value" in str(error)


def test_a_transform_of_the_whole_document() -> None:
    def split(document: Any) -> Any:
        first, last = document["state"].pop("name").split(" ")
        return {**document, "state": {**document["state"], "first": first, "last": last}}

    def join(document: Any) -> Any:
        state = document["state"]
        return {**document, "state": {"name": f"{state['first']} {state['last']}"}}

    both = migrator(lambda op: op.transform(split, join))
    up = both.upgrade({"state": {"name": "Ada Lovelace"}}, "r0", record="complement")
    assert up.document["state"] == {"first": "Ada", "last": "Lovelace"}
    edited = {"state": {"first": "Augusta", "last": "Lovelace"}}
    assert both.downgrade(edited, to="r0", complement=up.complement).unwrap() == {
        "state": {"name": "Augusta Lovelace"}
    }


# -- downgrade(op), merges ---------------------------------------------------------------------------------------------


def test_a_written_downgrade_replaces_the_derived_one() -> None:
    written = Revision(
        "r1", "r0", upgrade=rename, downgrade=lambda op: op.rename_field("state.b", to="other")
    )
    both = Migrator(revisions=[Revision("r0"), written])
    assert both.downgrade({"state": {"b": 1}}, to="r0").unwrap() == {"state": {"other": 1}}


def merged() -> Migrator:
    return Migrator(
        revisions=[
            Revision("root"),
            Revision("left", "root", upgrade=lambda op: op.add_field("state.left", default=1)),
            Revision("right", "root", upgrade=lambda op: op.add_field("state.right", default=2)),
            Revision("merge", ("left", "right"), upgrade=lambda op: op.add_field("state.both", default=3)),
        ]
    )


def test_a_merge_applies_both_branches_once() -> None:
    result = merged().upgrade({"state": {}}, "root")
    assert result.document == {"state": {"left": 1, "right": 2, "both": 3}}
    assert sorted(result.applied) == ["left", "merge", "right"]
    assert result.applied[-1] == "merge"


@pytest.mark.parametrize(("start", "missing"), [("left", "right"), ("right", "left")])
def test_a_document_on_one_branch_gets_the_other(start: str, missing: str) -> None:
    result = merged().upgrade({"state": {start: 1}}, start)
    assert set(result.document["state"]) == {"left", "right", "both"}
    assert result.applied == (missing, "merge")


def test_down_over_a_merge_gives_back_the_document() -> None:
    migrating = merged()
    up = migrating.upgrade({"state": {"z": 0}}, "root", record="complement")
    assert migrating.downgrade(up.document, to="root", complement=up.complement).unwrap() == {
        "state": {"z": 0}
    }


# -- definitions -------------------------------------------------------------------------------------------------------


TREE = {
    "type": "object",
    "$defs": {
        "Node": {
            "title": "Node",
            "type": "object",
            "properties": {
                "label": {"type": "string"},
                "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            },
            "required": ["label"],
        }
    },
    "properties": {"tree": {"$ref": "#/$defs/Node"}},
    "required": ["tree"],
}
DEEP = {
    "state": {
        "tree": {"label": "a", "children": [{"label": "b"}, {"label": "c", "children": [{"label": "d"}]}]}
    }
}


def tree(script: Any) -> Migrator:
    before = Snapshot.from_json_schema(TREE, name="triage")
    return Migrator(revisions=[Revision("r0", snapshot=before), Revision("r1", "r0", upgrade=script)])


def test_a_definition_is_changed_at_every_depth() -> None:
    growing = tree(lambda op: op.rename_field("<Node>.label", to="name"))
    up = growing.upgrade(DEEP, "r0", record="complement")
    assert up.unwrap()["state"]["tree"] == {
        "name": "a",
        "children": [{"name": "b"}, {"name": "c", "children": [{"name": "d"}]}],
    }
    assert growing.downgrade(up.document, to="r0", complement=up.complement).unwrap() == DEEP


def test_what_holds_more_of_the_definition_cannot_be_wrapped() -> None:
    with pytest.raises(OperationError) as raised:
        tree(lambda op: op.wrap("<Node>.children")).upgrade(DEEP, "r0")
    assert "values there hold more of <Node>, and this operation would move them" in str(raised.value)
    assert "Write a transform for the recursive part" in str(raised.value)


def test_a_path_through_the_definition_again_is_refused() -> None:
    with pytest.raises(
        OperationError,
        match=r"<Node>.children\[\] is another <Node>, which <Node> names already. Say <Node>.label",
    ):
        tree(lambda op: op.rename_field("<Node>.children[].label", to="name")).upgrade(DEEP, "r0")


def test_a_definition_needs_a_snapshot() -> None:
    with pytest.raises(StatemigError, match="there is no snapshot of it"):
        migrator(lambda op: op.rename_field("<Node>.label", to="name")).upgrade(DEEP, "r0").unwrap()


def test_a_document_nested_too_deeply_fails_and_is_not_touched() -> None:
    node: dict[str, Any] = {"label": "last"}
    for _ in range(2_000):
        node = {"label": "x", "children": [node]}
    document = {"state": {"tree": node}}
    result = tree(lambda op: op.rename_field("<Node>.label", to="name")).upgrade(document, "r0", checked=True)
    assert result.outcome == "failed"
    assert result.document is document
    assert "nested too deeply" in str(result.error)


def test_a_function_cannot_change_the_tag_that_its_path_goes_by() -> None:
    retagging = migrator(
        lambda op: op.transform(lambda value: {**value, "kind": "new"}, path="state.a[]<kind=x>")
    )
    document = {"state": {"a": [{"kind": "x"}, {"kind": "y"}]}}
    error = retagging.upgrade(document, "r0").error
    assert "path state.a[0]: this changes the tag <kind=x> that the path goes by" in str(error)
