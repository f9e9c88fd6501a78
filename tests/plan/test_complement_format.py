"""The complement is stored by users, so the form at rest is fixed here, and old ones stay readable."""

from __future__ import annotations

from typing import Any

from statemig import json_text
from statemig.migrator import Migrator
from statemig.operations import Operations
from statemig.revisions.revision import Revision


def script(op: Operations) -> None:
    op.remove_field("state.summary")
    op.remove_field("state.items[].note")
    op.remove_field("state.users[].mail", key="id")
    op.map_values("state.color", {"red": "warm", "orange": "warm"})
    op.make_required("state.count", fill=0)
    op.move_field("state.a", to="state.box.a")
    op.remove_field("state.pair[1].x")
    op.drop_null("state.by{}", fill=0)
    op.rename_field("state.old", to="new")
    op.add_field("state.count", default=9)
    op.remove_step("ask", cursor=op.forward("send"), output={"state.answer": "yes"})


MIGRATOR = Migrator(revisions=[Revision("r1"), Revision("5f2c", "r1", upgrade=script)])

DOCUMENT: dict[str, Any] = {
    "state": {
        "summary": "s",
        "items": [{"note": "a", "n": 1}, {"note": "b", "n": 1}, {"note": "c", "n": 2}],
        "users": [{"id": 7, "mail": "m"}],
        "color": "orange",
        "a": 1,
        "pair": [0, {"x": True}],
        "by": {"k": None},
        "new": 1,
    },
    "outputs": {"ask": {"v": 1}, "send": {"v": 2}},
    "done": {"ask": 1},
    "cursor": [
        {"id": "p1", "step": "ask", "status": "waiting", "on": "human", "key": "k", "payload": {"q": 1}}
    ],
}

AT_REST: dict[str, Any] = {
    "5f2c/0": [{"at": ["state"], "was": "s", "i": 0}],
    "5f2c/1": [
        {"at": ["state", "items", {"item": "1239cbe2dd247e9e", "k": 0, "n": 2}], "was": "a", "i": 0},
        {"at": ["state", "items", {"item": "1239cbe2dd247e9e", "k": 1, "n": 2}], "was": "b", "i": 0},
        {"at": ["state", "items", {"item": "d1060d5ec0e14461"}], "was": "c", "i": 0},
    ],
    "5f2c/2": [{"at": ["state", "users", {"by": "id", "key": 7}], "was": "m"}],
    "5f2c/3": [{"at": ["state", "color"], "was": "orange", "now": "117be66a4d3ca782"}],
    "5f2c/4": [{"at": ["state"], "filled": True}],
    "5f2c/5": [{"at": ["state"], "made": 1, "i": 3}],
    "5f2c/6": [{"at": ["state", "pair", 1], "was": True}],
    "5f2c/7": [{"at": ["state", "by", "k"], "was": None, "now": "842b7d9d43cddf75"}],
    "5f2c/8": [{"at": ["state"], "present": True}],
    "5f2c/9": [{"at": ["state"], "present": True}],
    "5f2c/10": [
        {
            "at": [],
            "positions": [{"was": DOCUMENT["cursor"][0], "now": "2d0a9793c4df5206"}],
            "put": [{"path": "state.answer", "now": "dec2da0b68a0d289"}],
            "outputs": {"v": 1},
            "i": {"outputs": 0},
            "done": 1,
        }
    ],
}


def test_the_form_at_rest_never_changes() -> None:
    up = MIGRATOR.upgrade(DOCUMENT, "r1", record="complement")
    up.unwrap()
    assert json_text.dumps(up.complement) == json_text.dumps(AT_REST)


def test_what_was_stored_gives_the_document_back() -> None:
    up = MIGRATOR.upgrade(DOCUMENT, "r1")
    back = MIGRATOR.downgrade(up.unwrap(), to="r1", complement=AT_REST)
    assert json_text.dumps(back.unwrap()) == json_text.dumps(DOCUMENT)
    assert set(back.complement) <= {"5f2c/9"}


def test_a_complement_of_other_revisions_is_left_alone() -> None:
    others = {"zzz/0": [{"at": ["state"], "was": 1}]}
    up = MIGRATOR.upgrade(DOCUMENT, "r1", record="complement", complement=others)
    assert up.complement["zzz/0"] == others["zzz/0"]


def test_a_complement_that_is_used_is_gone() -> None:
    up = MIGRATOR.upgrade(DOCUMENT, "r1", record="complement")
    back = MIGRATOR.downgrade(up.unwrap(), to="r1", complement=up.complement, record=None)
    assert back.complement == {}


def test_a_place_that_is_no_longer_there_is_passed_over() -> None:
    up = MIGRATOR.upgrade(DOCUMENT, "r1", record="complement")
    document = {"state": {"color": "warm", "items": 5, "users": {}, "box": {"a": 1}}}
    assert MIGRATOR.downgrade(document, to="r1", complement=up.complement).outcome == "downgraded"
