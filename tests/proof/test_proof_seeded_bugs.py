"""Bugs that people put into migrations: the right script is proved, each wrong one is refuted by a document and named by its path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, create_model

from statemig import Operations, Workflow, capture
from statemig.proof.prove import prove
from statemig.proof.verdict import Verdict


class OldNote(BaseModel):
    kind: Literal["note"]
    text: str


class OldSearch(BaseModel):
    kind: Literal["search"]
    text: str


class NewNote(BaseModel):
    kind: Literal["note"]
    body: str


class NewSearch(BaseModel):
    kind: Literal["search"]
    body: str


class OldTree(BaseModel):
    label: str
    below: list[OldTree] = []


class NewTree(BaseModel):
    name: str
    below: list[NewTree] = []


class OldItem(BaseModel):
    title: str


class NewItem(BaseModel):
    headline: str


@dataclass
class Bug:
    """One field `a` of the state before and after; the right script, the wrong one, and the path that is named."""

    old: Any
    new: Any
    right: Any
    wrong: Any
    path: str


Level = Literal["low", "medium", "high"]
Tagged = OldNote | OldSearch

BUGS = {
    "an enum value is not mapped": Bug(
        Level,
        Literal["LOW", "MEDIUM", "HIGH"],
        lambda op: op.map_values("state.a", {"low": "LOW", "medium": "MEDIUM", "high": "HIGH"}),
        lambda op: op.map_values("state.a", {"low": "LOW", "medium": "MEDIUM"}, otherwise="keep"),
        "$.a value",
    ),
    "an enum mapping is not total": Bug(
        Level,
        Literal["LOW", "MEDIUM", "HIGH"],
        lambda op: op.map_values("state.a", {"low": "LOW", "medium": "MEDIUM", "high": "HIGH"}),
        lambda op: op.map_values("state.a", {"low": "LOW", "medium": "MEDIUM"}),
        "$.a holds a value that is not in the table",
    ),
    "a removed literal is kept": Bug(
        Level,
        Literal["low", "high"],
        lambda op: op.map_values("state.a", {"medium": "high"}, otherwise="keep"),
        lambda op: None,
        '$.a value "medium" not accepted',
    ),
    "a branch of a union is forgotten": Bug(
        list[Tagged],
        list[NewNote | NewSearch],
        lambda op: (
            op.rename_field("state.a[]<kind=note>.text", to="body"),
            op.rename_field("state.a[]<kind=search>.text", to="body"),
        ),
        lambda op: op.rename_field("state.a[]<kind=note>.text", to="body"),
        "$.a[]",
    ),
    "null where it is not taken any more": Bug(
        str | None,
        str,
        lambda op: op.drop_null("state.a", fill=""),
        lambda op: None,
        "$.a may be null",
    ),
    "only the first item of a list": Bug(
        list[OldItem],
        list[NewItem],
        lambda op: op.rename_field("state.a[].title", to="headline"),
        lambda op: op.rename_field("state.a[0].title", to="headline"),
        "$.a[]",
    ),
    "a float is kept where an integer is needed": Bug(
        create_model("Score", score=(float, Field(allow_inf_nan=False))),
        create_model("Score", score=(int, ...)),
        lambda op: op.convert("state.a.score", to="int", rounding="nearest"),
        lambda op: None,
        "$.a.score",
    ),
    "duplicates in a new set": Bug(
        list[str],
        set[str],
        lambda op: op.to_set("state.a"),
        lambda op: None,
        "$.a may hold an item twice",
    ),
    "not cast": Bug(
        int, str, lambda op: op.convert("state.a", to="str"), lambda op: None, "$.a may be an integer"
    ),
    "recursion is forgotten": Bug(
        OldTree,
        NewTree,
        lambda op: op.rename_field("<OldTree>.label", to="name"),
        lambda op: op.rename_field("state.a.label", to="name"),
        "$.a.below[]",
    ),
    "a rename is dropped": Bug(
        OldItem,
        NewItem,
        lambda op: op.rename_field("state.a.title", to="headline"),
        lambda op: None,
        "$.a.headline may be absent",
    ),
    "the old key is left": Bug(
        OldItem,
        NewItem,
        lambda op: op.rename_field("state.a.title", to="headline"),
        lambda op: op.copy_field("state.a.title", "state.a.headline"),
        "$.a.title is not accepted",
    ),
    "a wrong default": Bug(
        OldItem,
        create_model("More", title=(str, ...), count=(int, ...)),
        lambda op: op.add_field("state.a.count", default=0),
        lambda op: op.add_field("state.a.count", default="none"),
        "$.a.count value",
    ),
    "not wrapped": Bug(str, list[str], lambda op: op.wrap("state.a"), lambda op: None, "$.a may be a string"),
}


def verdict(bug: Bug, script: Any) -> Verdict:
    op = Operations()
    script(op)
    before, after = (create_model("State", a=(each, ...)) for each in (bug.old, bug.new))
    return prove(capture(Workflow("flow", state=before)), capture(Workflow("flow", state=after)), op.recorded)


@pytest.mark.parametrize("name", BUGS)
def test_the_right_script_is_proved(name: str) -> None:
    found = verdict(BUGS[name], BUGS[name].right)
    assert found.answer == "proved", [each.message for each in found.up.findings]


@pytest.mark.parametrize("name", BUGS)
def test_the_bug_is_refuted_and_named(name: str) -> None:
    found = verdict(BUGS[name], BUGS[name].wrong)
    assert found.answer == "refuted"
    witnessed = [each.message for each in found.up.findings if each.witness is not None]
    assert any(message.startswith(BUGS[name].path) for message in witnessed), witnessed
