"""Law 5: what people change after an upgrade survives the way back, and no item of a list gets what another one lost."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from operation_chains import Chain, chains

from statemig import json_text
from statemig.migrator import Migrator
from statemig.operations import Operations
from statemig.revisions.revision import Revision


@pytest.mark.law(5)
@given(chains(), st.lists(st.integers(0, 9)))
def test_an_edit_to_what_no_operation_touched_survives(chain: Chain, numbers: list[int]) -> None:
    migrator = chain.migrator
    document = chain.document()
    result = migrator.upgrade(document, "r0", record="complement")
    if result.error is not None:
        return
    frame = [{"n": number} for number in numbers]
    edited = {**result.document, "state": {**result.document["state"], "frame": frame}}
    back = migrator.downgrade(edited, to="r0", complement=result.complement).unwrap()
    expected = {**document, "state": {**document["state"], "frame": frame}}
    assert json_text.dumps(back) == json_text.dumps(expected)


def remove(op: Operations) -> None:
    op.remove_field("state.items[].own")


def remove_with_key(op: Operations) -> None:
    op.remove_field("state.items[].own", key="id")


def rename_then_remove(op: Operations) -> None:
    op.rename_field("state.items[].own", to="mine")
    op.add_field("state.items[].extra", default=0)
    op.remove_field("state.items[].mine")


def unwrap_tail(op: Operations) -> None:
    op.unwrap("state.items[].list")
    op.remove_field("state.items[].own")


def convert(op: Operations) -> None:
    op.map_values("state.items[].own", {"x": "y"}, otherwise=op.value("gone"))


def move_inside(op: Operations) -> None:
    op.move_field("state.items[].own", to="state.items[].box.own")
    op.remove_field("state.items[].box.own")


def nested(op: Operations) -> None:
    op.remove_field("state.items[].inner[].own")


def renamed_list(op: Operations) -> None:
    op.remove_field("state.items[].own")
    op.rename_field("state.items", to="entries")


SCRIPTS = (
    remove,
    remove_with_key,
    rename_then_remove,
    unwrap_tail,
    convert,
    move_inside,
    nested,
    renamed_list,
)


def item(number: int, *, alike: bool) -> dict[str, Any]:
    """Every value that an operation may take says whose it is; `alike` items look the same without it."""
    return {
        "id": 0 if alike else number,
        "own": f"own of {number}",
        "list": [1, f"tail of {number}"],
        "inner": [{"id": f"{number}.{each}", "own": f"own of {number}.{each}"} for each in range(2)],
    }


@pytest.mark.law(5)
@given(st.sampled_from(SCRIPTS), st.integers(1, 6), st.integers(0, 2**32))
def test_no_item_gets_what_another_one_lost(script: Any, count: int, seed: int) -> None:
    random = Random(seed)
    migrator = Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=script)])
    document = {"state": {"items": [item(number, alike=False) for number in range(count)]}}
    up = migrator.upgrade(document, "a", record="complement")
    name = "entries" if "entries" in up.document["state"] else "items"
    items = json_text.loads(json_text.dumps(up.document["state"][name]))
    survivors = {each["id"] for each in items}
    for _ in range(random.randint(1, 4)):
        edit = random.choice(("shuffle", "delete", "insert", "copy"))
        if edit == "shuffle":
            random.shuffle(items)
        elif edit == "delete" and items:
            del items[random.randrange(len(items))]
        elif edit == "insert":
            new = json_text.loads(json_text.dumps(up.document["state"][name][0]))
            new |= {"id": 100 + random.randrange(9), "inner": []} | ({"own": "new"} if "own" in new else {})
            items.insert(random.randint(0, len(items)), new)
        elif items:
            items.insert(
                random.randint(0, len(items)), json_text.loads(json_text.dumps(random.choice(items)))
            )
    back = migrator.downgrade({"state": {name: items}}, to="a", complement=up.complement).unwrap()
    for each in back["state"]["items"]:
        owner = each["id"]
        if owner in survivors:
            assert each.get("own", f"own of {owner}") in (f"own of {owner}", "gone", "y")
        else:
            assert not str(each.get("own", "")).startswith("own of")
        for inner in each["inner"]:
            assert inner.get("own", f"own of {inner['id']}") == f"own of {inner['id']}"


@pytest.mark.law(5)
@given(st.integers(1, 40), st.data())
def test_items_that_look_alike_are_given_back_only_where_there_are_as_many(
    count: int, data: st.DataObject
) -> None:
    migrator = Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=remove)])
    items = [{"id": 0, "own": f"own of {number}"} for number in range(count)]
    up = migrator.upgrade({"state": {"items": items}}, "a", record="complement")
    now = data.draw(st.one_of(st.just(count), st.integers(0, 60)))
    edited = {"state": {"items": [{"id": 0}] * now}}
    back = migrator.downgrade(edited, to="a", complement=up.complement).unwrap()
    restored = [each.get("own") for each in back["state"]["items"]]
    assert restored == ([f"own of {number}" for number in range(count)] if now == count else [None] * now)


def test_unchanged_items_keep_theirs_when_another_is_inserted_before_them() -> None:
    migrator = Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=remove)])
    document = {"state": {"items": [item(number, alike=False) for number in range(3)]}}
    up = migrator.upgrade(document, "a", record="complement")
    edited = {"state": {"items": [{"id": 7, "inner": []}, *up.document["state"]["items"]]}}
    back = migrator.downgrade(edited, to="a", complement=up.complement).unwrap()
    assert back["state"]["items"][1:] == document["state"]["items"]
    assert "own" not in back["state"]["items"][0]


def test_a_declared_key_finds_an_item_that_was_edited() -> None:
    migrator = Migrator(revisions=[Revision("a"), Revision("b", "a", upgrade=remove_with_key)])
    document = {"state": {"items": [{"id": 1, "own": "x", "n": 1}, {"id": 2, "own": "y", "n": 1}]}}
    up = migrator.upgrade(document, "a", record="complement")
    edited = {"state": {"items": [{"id": 2, "n": 5}, {"id": 1, "n": 1}]}}
    back = migrator.downgrade(edited, to="a", complement=up.complement).unwrap()
    assert back["state"]["items"] == [{"id": 2, "own": "y", "n": 5}, {"id": 1, "own": "x", "n": 1}]
