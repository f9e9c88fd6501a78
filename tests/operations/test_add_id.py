"""Ids that an operation makes: the same for the same run, place and revision, and never twice in a document."""

from __future__ import annotations

from typing import Any

from statemig.migrator import Migrator
from statemig.operations import schema_after
from statemig.revisions.revision import Revision
from statemig.shapes.accept import accepts
from statemig.workflow.snapshot import Snapshot

MIGRATOR = Migrator(
    revisions=[
        Revision("r0"),
        Revision("r1", "r0", upgrade=lambda op: op.add_id("state.cells[].id", length=12)),
        Revision("r2", "r1", upgrade=lambda op: op.rename_field("state.cells[].text", to="source")),
    ]
)


def cells(*texts: str, **more: Any) -> Any:
    return {"state": {"cells": [{"text": text} for text in texts], **more}}


def ids(document: Any) -> list[Any]:
    return [cell.get("id") for cell in document["state"]["cells"]]


def test_ids_follow_from_run_place_and_revision_alone() -> None:
    one = MIGRATOR.upgrade(cells("a", "a"), "r0", run_id="run 1").unwrap()
    again = MIGRATOR.upgrade(cells("x", "y", other=1), "r0", run_id="run 1", record="complement").unwrap()
    other = MIGRATOR.upgrade(cells("a", "a"), "r0", run_id="run 2").unwrap()
    assert ids(one) == ids(again)
    assert len({*ids(one), *ids(other)}) == 4
    assert all(len(made) == 12 and set(made) <= set("0123456789abcdef") for made in ids(one))


def test_the_same_ids_come_in_one_go_and_step_by_step() -> None:
    first = MIGRATOR.upgrade(cells("a", "b"), "r0", to="r1", run_id="run").unwrap()
    second = MIGRATOR.upgrade(first, "r1", run_id="run").unwrap()
    assert second == MIGRATOR.upgrade(cells("a", "b"), "r0", run_id="run").unwrap()


def test_an_id_that_is_there_stays_both_ways() -> None:
    document = {"state": {"cells": [{"id": "mine", "text": "a"}, {"text": "b"}]}}
    up = MIGRATOR.upgrade(document, "r0", record="complement", run_id="run")
    assert ids(up.unwrap())[0] == "mine"
    back = MIGRATOR.downgrade(up.document, to="r0", complement=up.complement)
    assert back.unwrap() == document


def test_ids_come_back_to_their_items_and_a_new_item_gets_none_of_them() -> None:
    up = MIGRATOR.upgrade(cells("a", "b"), "r0", record="complement", run_id="run")
    back = MIGRATOR.downgrade(up.document, to="r0", complement=up.complement, run_id="run")
    edited = cells("new", "a", "b")  # the new one stands where "a" stood when its id was made
    again = MIGRATOR.upgrade(edited, "r0", complement=back.complement, run_id="run").unwrap()
    assert ids(again)[1:] == ids(up.unwrap())
    assert ids(again)[0] not in ids(up.unwrap())


def test_what_had_no_id_in_this_version_gets_none_on_the_way_back_up() -> None:
    born = {"state": {"cells": [{"source": "a"}, {"id": "mine", "source": "b"}]}}
    down = MIGRATOR.downgrade(born, to="r0")
    assert ids(down.unwrap()) == [None, None]
    assert MIGRATOR.upgrade(down.document, "r0", complement=down.complement).unwrap() == born


def test_a_branch_that_wrote_a_part_of_the_state_is_given_no_id_of_the_state() -> None:
    migrator = Migrator(
        revisions=[Revision("r0"), Revision("r1", "r0", upgrade=lambda op: op.add_id("state.id"))]
    )
    document = {"state": {}, "pending": [{"step": "a", "writes": {"b": 1}, "to": "join"}]}
    made = migrator.upgrade(document, "r0", run_id="run").unwrap()
    assert "id" in made["state"]
    assert made["pending"][0]["writes"] == {"b": 1}


def test_what_is_made_lies_in_the_shape_that_is_predicted() -> None:
    cell = {"type": "object", "properties": {"text": {"type": "string"}}, "additionalProperties": False}
    snapshot = Snapshot.from_json_schema(
        {"type": "object", "properties": {"cells": {"type": "array", "items": cell}}}
    )
    schema = schema_after(snapshot.stored, MIGRATOR.revision("r1").operations)
    made = MIGRATOR.upgrade(cells("a"), "r0", to="r1", run_id="run").unwrap()
    assert accepts(schema.root, made, schema)
    del made["state"]["cells"][0]["id"]
    assert not accepts(schema.root, made, schema)


def test_an_id_that_is_no_object_s_is_passed_over() -> None:
    document = {"state": {"cells": [1, None]}}
    assert MIGRATOR.upgrade(document, "r0", run_id="run").unwrap() == document
