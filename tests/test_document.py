"""What is a run document, and what keeps something from being one."""

from __future__ import annotations

from typing import Any

import pytest

from statemig import document as documents


def test_a_new_document_has_done_nothing() -> None:
    made = documents.new_document({"topic": "x"}, [{"id": "p1", "step": "ask", "status": "ready"}])
    assert documents.problems(made) == []
    assert (made["status"], made["outputs"], made["done"], made["pending"]) == ("active", {}, {}, [])
    assert list(made) == list(documents.PARTS)


def test_two_new_documents_share_nothing() -> None:
    first, second = documents.new_document({}), documents.new_document({})
    first["cursor"].append({"step": "a"})
    first["outputs"]["a"] = 1
    assert second["cursor"] == []
    assert second["outputs"] == {}


@pytest.mark.parametrize(
    "document", [{"state": {}}, {"state": {}, "cursor": [], "pending": [], "done": {}, "outputs": {}}]
)
def test_parts_that_a_runtime_does_not_know_may_be_absent(document: Any) -> None:
    assert documents.problems(document) == []
    assert documents.positions(document) == []
    assert documents.pending(document) == []


@pytest.mark.parametrize("part", ["outputs", "done", "cursor", "pending"])
def test_null_is_not_absent(part: str) -> None:
    assert documents.problems({"state": {}, part: None}) == [
        (part, "a list" if part in ("cursor", "pending") else "an object")
    ]


def test_every_problem_is_listed_with_its_place() -> None:
    broken = {
        "status": "asleep",
        "outputs": [],
        "done": 1,
        "cursor": [{"step": 5}, {"step": "a", "status": "gone"}, 7],
        "pending": [{}],
    }
    assert documents.problems(broken) == [
        ("state", "an object"),
        ("status", "one of active, finished, failed, cancelled"),
        ("outputs", "an object"),
        ("done", "an object"),
        ("cursor[0].step", "the name of a step"),
        ("cursor[1].status", "one of ready, running, waiting"),
        ("cursor[2].step", "the name of a step"),
        ("pending[0].step", "the name of a step"),
    ]


def test_steps_are_named_with_the_place_that_holds_them() -> None:
    document = {
        "state": {},
        "cursor": [{"step": "a"}],
        "pending": [{"step": "b", "to": "c"}, {"step": "d", "to": None}, {"step": "e"}],
    }
    assert list(documents.steps_named(document)) == [
        ("a", "cursor[0]"),
        ("b", "pending[0]"),
        ("c", "pending[0].to"),
        ("d", "pending[1]"),
        ("e", "pending[2]"),
    ]
