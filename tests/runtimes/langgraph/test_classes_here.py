"""Whether the classes of what is stored are where they were is told without decoding it, save where an instance may lie inside another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import ormsgpack
import pytest
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from pydantic import BaseModel, create_model

from statemig.runtimes.langgraph.stored import classes
from statemig.runtimes.langgraph.stored.classes import AWAY, HERE, NONE, Here
from statemig.runtimes.langgraph.stored.values import ARRAY, Foreign, Postponed, Stored, encoded

SERDE = JsonPlusSerializer()


class Stays(BaseModel):
    text: str = ""


@dataclass
class Holds:
    inside: Any


class Goes(BaseModel):
    text: str = ""


class Neighbour(BaseModel):
    text: str = ""


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Here:
    """`Goes` lies somewhere else today."""
    elsewhere = type("Goes", (), {"__module__": "elsewhere"})
    there = classes._is_there
    monkeypatch.setattr(classes, "_is_there", lambda module, name: name != "Goes" and there(module, name))
    return Here({}, {"Goes": elsewhere})


def stored(value: Any) -> Any:
    """It as a saver gives it, with instances that nobody has decoded."""
    return Stored(Postponed(SERDE), *SERDE.dumps_typed(value)).raw()


VALUES = pytest.mark.parametrize(
    ("value", "kinds"),
    [
        (None, NONE),
        ({"a": [1, {"b": "c"}]}, NONE),
        (Stays(), HERE),
        ([Stays(), Stays()], HERE),
        ({"deep": [Stays()]}, HERE),
        ([1, Stays()], HERE),
        (Goes(), AWAY),
        ([Stays(), Goes()], AWAY),
        ([Goes(), Stays()], AWAY),
        ([Stays(), {"a": Goes()}], AWAY),
        (Holds(Stays()), HERE),
        (Holds(Goes()), AWAY),
        ([Holds(1), Holds([Goes()])], AWAY),
        (Holds("ÇÈÉ"), HERE),  # bytes that an instance may begin with
        ([Stays(text="x" * 300), Neighbour()], HERE),
    ],
)


@VALUES
def test_kinds(here: Here, value: Any, kinds: int) -> None:
    for _ in range(2):  # the second time the classes are known
        assert here.kinds(stored(value)) == kinds


@VALUES
def test_what_is_here_is_built_at_once_and_nothing_else(here: Here, value: Any, kinds: int) -> None:
    found = Stored(Postponed(SERDE), *SERDE.dumps_typed(value))
    for _ in range(2):
        built = found.built_if(here.checked)
        assert built == (None if kinds == AWAY else value)
        assert type(built) is type(None if kinds == AWAY else value)


def test_what_is_no_instance_of_a_class_is_not_built(here: Here) -> None:
    head = b"\x94\xa1m\xa1n"
    here._heads = (head,)
    array = ormsgpack.packb([ormsgpack.Ext(ARRAY, head)])
    assert Stored(Postponed(SERDE), "msgpack", array).built_if(here.checked) is None


def test_instances_of_classes_that_are_here_are_not_decoded(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert here.kinds(stored([Stays(), Stays()])) == HERE
    found = stored([Stays(), Stays()])
    monkeypatch.setattr(Foreign, "__getattr__", lambda self, name: pytest.fail(f"it was asked for {name}"))
    assert here.kinds(found) == HERE


def test_what_is_made_anew_is_looked_into(here: Here) -> None:
    assert here.kinds(Foreign(5, "app", "Stays", {})) == AWAY


def test_an_odd_head_is_never_taken_for_another(here: Here) -> None:
    assert classes._head(SERDE.dumps_typed(["m" * 300, "Name", {}])[1]) is None


def test_classes_that_are_made_on_the_way_are_not_all_remembered(
    here: Here, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classes, "_CLASSES", 2)
    for name in ("One", "Two", "Three", "Two"):
        assert here.kinds(stored([create_model(name, __module__=__name__)()])) == HERE
    assert here._heads == tuple(
        classes._head(encoded([__name__, name, {}, "model_validate_json"])) for name in ("Two", "Three")
    )
