"""Every operation in every form of path: up, and back with the complement."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from statemig import json_text
from statemig.migrator import Migrator
from statemig.operations import Operations
from statemig.revisions.revision import Revision
from statemig.workflow.snapshot import Snapshot

Script = Callable[[Operations], object]

#: a place for an object, as a path and as the document around it
FORMS: dict[str, tuple[str, Callable[[Any], dict[str, Any]]]] = {
    "key": ("state.a", lambda inner: {"a": inner}),
    "quoted key": ('state."odd key"', lambda inner: {"odd key": inner}),
    "list": ("state.a[]", lambda inner: {"a": [inner, "untouched", inner]}),
    "lists in lists": ("state.a[][]", lambda inner: {"a": [[inner], [], [inner, 7]]}),
    "map": ("state.a{}", lambda inner: {"a": {"x": inner, "odd key": inner}}),
    "tuple slot": ("state.a[1]", lambda inner: {"a": [0, inner, 2]}),
    "last slot": ("state.a[-1]", lambda inner: {"a": [0, inner]}),
    "variant": (
        "state.a[]<kind=search>",
        lambda inner: {"a": [{"kind": "search", **inner}, {"kind": "note", "v": "keep"}]},
    ),
    "variant by number": ("state.a<kind=2>", lambda inner: {"a": {"kind": 2, **inner}}),
    "variant by a deeper tag": (
        "state.a[]<raw.type=call>",
        lambda inner: {"a": [{"raw": {"type": "call"}, **inner}, {"raw": {"type": "text"}, "v": "keep"}]},
    ),
    "map of lists": ("state.a{}[].b", lambda inner: {"a": {"x": [{"b": inner}, {}]}}),
    "definition": ("<Node>", lambda inner: {"a": {**inner, "next": {**inner, "next": None}}}),
}

NODE = {
    "title": "Node",
    "type": "object",
    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
    "additionalProperties": True,  # whatever a case needs may be there
}
TREE = Snapshot.from_json_schema(
    {"type": "object", "$defs": {"Node": NODE}, "properties": {"a": {"$ref": "#/$defs/Node"}}}
)

#: a script for the field v of the object at {}, v before, and the object after
CASES: dict[str, tuple[Callable[[str], Script], dict[str, Any], dict[str, Any]]] = {
    "add_field": (lambda at: lambda op: op.add_field(f"{at}.w", default=[]), {"v": 1}, {"v": 1, "w": []}),
    "add_field that is there": (
        lambda at: lambda op: op.add_field(f"{at}.v", default=0),
        {"v": None},
        {"v": None},
    ),
    "remove_field": (lambda at: lambda op: op.remove_field(f"{at}.v"), {"v": {"d": 1}, "u": 2}, {"u": 2}),
    "remove_field that is absent": (
        lambda at: lambda op: op.remove_field(f"{at}.v", restore=5),
        {"u": 2},
        {"u": 2},
    ),
    "rename_field": (
        lambda at: lambda op: op.rename_field(f"{at}.v", to="w"),
        {"v": None, "u": 2},
        {"w": None, "u": 2},
    ),
    "rename_field where only the new is there": (
        lambda at: lambda op: op.rename_field(f"{at}.v", to="w"),
        {"w": 1},
        {"w": 1},
    ),
    "move_field": (
        lambda at: lambda op: op.move_field(f"{at}.v", to=f"{at}.box.v"),
        {"v": 1, "u": 2},
        {"u": 2, "box": {"v": 1}},
    ),
    "wrap": (lambda at: lambda op: op.wrap(f"{at}.v"), {"v": "x"}, {"v": ["x"]}),
    "wrap null": (lambda at: lambda op: op.wrap(f"{at}.v"), {"v": None}, {"v": []}),
    "unwrap": (lambda at: lambda op: op.unwrap(f"{at}.v"), {"v": [1, 2, 3]}, {"v": 1}),
    "unwrap nothing": (lambda at: lambda op: op.unwrap(f"{at}.v", default=0), {"v": []}, {"v": 0}),
    "convert": (lambda at: lambda op: op.convert(f"{at}.v", to="int", was="str"), {"v": " 7"}, {"v": 7}),
    "map_values": (
        lambda at: lambda op: op.map_values(f"{at}.v", {"x": "z", "y": "z"}),
        {"v": "y"},
        {"v": "z"},
    ),
    "map_values otherwise": (
        lambda at: lambda op: op.map_values(f"{at}.v", {"x": "z"}, otherwise=op.value("?")),
        {"v": "q"},
        {"v": "?"},
    ),
    "make_required": (lambda at: lambda op: op.make_required(f"{at}.v", fill=0), {"u": 1}, {"u": 1, "v": 0}),
    "make_required that is there": (
        lambda at: lambda op: op.make_required(f"{at}.v", fill=0),
        {"v": 0},
        {"v": 0},
    ),
    "make_optional": (lambda at: lambda op: op.make_optional(f"{at}.v", fill=0), {"v": 1}, {"v": 1}),
    "make_nullable": (lambda at: lambda op: op.make_nullable(f"{at}.v", fill=0), {"v": 1}, {"v": 1}),
    "drop_null": (lambda at: lambda op: op.drop_null(f"{at}.v", fill=0), {"v": None}, {"v": 0}),
    "drop_null of what is none": (lambda at: lambda op: op.drop_null(f"{at}.v", fill=0), {"v": 0}, {"v": 0}),
}


def migrating(script: Script, form: str) -> Migrator:
    snapshot = TREE if form == "definition" else None
    return Migrator(revisions=[Revision("r0", snapshot=snapshot), Revision("r1", "r0", upgrade=script)])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES)
def test_up_and_back(case: str, form: str) -> None:
    script, before, after = CASES[case]
    path, around = FORMS[form]
    migrator = migrating(script(path), form)
    document = {"state": around(before), "status": "active"}
    up = migrator.upgrade(document, "r0", record="complement", checked=True)
    assert up.unwrap()["state"] == around(after)
    stored = json_text.loads(json_text.dumps(up.complement))
    back = migrator.downgrade(up.document, to="r0", complement=stored, checked=True)
    assert json_text.dumps(back.document) == json_text.dumps(document)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "definition"])
@pytest.mark.parametrize("case", [case for case in CASES if case != "move_field"])
def test_a_write_that_no_join_has_taken_up_yet_is_upgraded_alike(case: str, form: str) -> None:
    script, before, after = CASES[case]
    path, around = FORMS[form]
    migrator = migrating(script(path), form)
    pending = [{"step": "score", "writes": around(before), "to": "join"}]
    document = {"state": {"other": 1}, "pending": pending}
    up = migrator.upgrade(document, "r0", record="complement")
    assert up.unwrap()["pending"] == [{"step": "score", "writes": around(after), "to": "join"}]
    back = migrator.downgrade(up.document, to="r0", complement=up.complement)
    assert json_text.dumps(back.unwrap()) == json_text.dumps(document)


def test_a_partial_write_is_not_filled_up() -> None:
    def script(op: Operations) -> None:
        op.add_field("state.new", default=1)
        op.make_required("state.required", fill=2)

    document = {"state": {}, "pending": [{"step": "score", "writes": {"a": 1}, "to": "join"}]}
    up = migrating(script, "key").upgrade(document, "r0")
    assert up.unwrap() == {"state": {"new": 1, "required": 2}, "pending": document["pending"]}


def test_a_partial_write_cannot_be_moved_between_objects() -> None:
    document = {"state": {}, "pending": [{"step": "score", "writes": {"v": 1}, "to": "join"}]}
    error = (
        migrating(lambda op: op.move_field("state.v", to="state.box.v"), "key").upgrade(document, "r0").error
    )
    assert (
        "path pending[0].writes.v: a write that no join has taken up yet holds only a part of the state"
        in str(error)
    )


def test_a_missing_path_does_nothing() -> None:
    def script(op: Operations) -> None:
        for path in (
            "state.no.v",
            "state.n[].v",
            "state.n{}.v",
            "state.n[3].v",
            "state.n<kind=x>.v",
            "outputs.no.v",
        ):
            op.remove_field(path)
            op.rename_field(path, to="w")
            op.add_field(path, default=1)
            op.wrap(path)

    document = {"state": {"n": 1, "z": []}}
    result = migrating(script, "key").upgrade(document, "r0", record="complement")
    assert result.unwrap() == document
    assert result.complement == {}


def test_a_to_b_and_b_to_c_read_in_order() -> None:
    def script(op: Operations) -> None:
        op.rename_field("state.b", to="c")
        op.rename_field("state.a", to="b")

    assert migrating(script, "key").upgrade({"state": {"a": 1, "b": 2}}, "r0").unwrap() == {
        "state": {"b": 1, "c": 2}
    }


def test_two_fields_swap_through_a_third() -> None:
    def script(op: Operations) -> None:
        op.rename_field("state.a", to="tmp")
        op.rename_field("state.b", to="a")
        op.rename_field("state.tmp", to="b")

    swapping = migrating(script, "key")
    up = swapping.upgrade({"state": {"a": 1, "b": 2, "c": 3}}, "r0")
    assert json_text.dumps(up.unwrap()["state"]) == b'{"b":1,"a":2,"c":3}'
    assert (
        json_text.dumps(swapping.downgrade(up.document, to="r0").unwrap()["state"]) == b'{"a":1,"b":2,"c":3}'
    )


def test_a_container_that_moves_takes_other_operations_with_it() -> None:
    def script(op: Operations) -> None:
        op.remove_field("state.a.secret")
        op.move_field("state.a", to="state.box.a")
        op.rename_field("state.box.a.x", to="y")

    moving = migrating(script, "key")
    document = {"state": {"a": {"x": 1, "secret": 2}, "z": 3}}
    up = moving.upgrade(document, "r0", record="complement")
    assert up.unwrap() == {"state": {"z": 3, "box": {"a": {"y": 1}}}}
    assert json_text.dumps(
        moving.downgrade(up.document, to="r0", complement=up.complement).unwrap()
    ) == json_text.dumps(document)


def test_forgotten_for_good() -> None:
    forgetting = migrating(lambda op: op.remove_field("state.v", keep=False, restore="gone"), "key")
    up = forgetting.upgrade({"state": {"v": "x"}}, "r0", record="complement")
    assert up.complement == {}
    assert forgetting.downgrade(up.document, to="r0").unwrap() == {"state": {"v": "gone"}}


def test_a_variant_whose_tag_would_change_is_refused() -> None:
    script = lambda op: op.map_values("state.a[]<kind=search>.kind", {"search": "find"})  # noqa: E731
    error = migrating(script, "key").upgrade({"state": {"a": [{"kind": "search"}]}}, "r0").error
    assert "this changes the tag <kind=search> that the path goes by" in str(error)
    assert "Change the tag of all variants at once: the path without <...>" in str(error)
