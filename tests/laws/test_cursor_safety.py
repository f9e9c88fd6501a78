"""Law 17: after a migration every position stands on a step that is there, and a question is the same question."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from operation_chains import Chain, chains

from statemig.errors import MigrationError
from statemig.operations.steps import RemoveStep

WAITING = ("id", "on", "key", "payload", "answer")


def questions(document: dict[str, Any]) -> list[dict[str, Any]]:
    positions = document.get("cursor", [])
    return [{part: each.get(part) for part in WAITING} for each in positions if each["status"] == "waiting"]


def named(document: dict[str, Any]) -> set[str]:
    steps = {position["step"] for position in document.get("cursor", [])}
    return (
        steps
        | {item["step"] for item in document.get("pending", [])}
        | {item["to"] for item in document.get("pending", [])}
    )


@pytest.mark.law(17)
@given(chains((1, 4), (1, 4)))
def test_every_position_stands_on_a_step_up_and_down(chain: Chain) -> None:
    migrator = chain.migrator
    document = chain.document()
    up = migrator.upgrade(document, "r0", record="complement")
    if up.error is not None:
        assert isinstance(up.error, MigrationError)
        return
    assert named(up.document) <= set(chain.versions[-1].steps)
    assert set(up.document.get("done", {})) <= set(chain.versions[-1].steps)
    assert len(up.document.get("cursor", [])) == len(document.get("cursor", []))
    down = migrator.downgrade(up.document, to="r0")
    if down.error is None:
        assert named(down.document) <= set(chain.versions[0].steps)


@pytest.mark.law(17)
@given(chains((1, 4), (1, 4)))
def test_a_question_keeps_its_id_key_and_payload(chain: Chain) -> None:
    removed = any(isinstance(each, RemoveStep) for operations in chain.operations for each in operations)
    document = chain.document()
    up = chain.migrator.upgrade(document, "r0", record="complement")
    if up.error is None and not removed:
        assert questions(up.document) == questions(document)


@pytest.mark.law(17)
@given(chains((1, 4), (1, 4)))
def test_nothing_is_done_or_counted_again(chain: Chain) -> None:
    document = chain.document()
    up = chain.migrator.upgrade(document, "r0")
    if up.error is None:
        assert Counter(up.document.get("done", {}).values()) <= Counter(document.get("done", {}).values())
        assert ("done" in up.document) is ("done" in document)
